"""Snapshots of events: written once, then compared, without what changes from run to run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.running import Project, names, pinned

ONE = """
    def test_it(intake, send):
        send("START")
        intake.assert_snapshot()
"""


def files(project: Project) -> list[str]:
    return names(list(project.path.rglob("*.json")), project.path)


def content(project: Project, file: str) -> Any:
    return json.loads((project.path / file).read_text())["events"]


def test_a_snapshot_is_written_and_from_then_on_compared_with(project: Project) -> None:
    ran = project.passes(ONE)
    assert files(project) == ["intake_snapshots/test_it/test_it.json"]
    assert "snapshot written: intake_snapshots/test_it/test_it.json" in ran.summary.splitlines()
    written = (project.path / files(project)[0]).read_text()
    assert written.startswith('{\n  "events": [\n    {\n      "eventType": "START",\n      "eventTime": "<time>",\n')
    assert "snapshot" not in project.passes(ONE).summary
    assert (project.path / files(project)[0]).read_text() == written


def test_a_difference_is_shown_and_accepted_with_an_option(project: Project) -> None:
    project.run_tests(ONE)
    other = """
        def test_it(intake, send):
            send("RUNNING", outputs=[dataset("a.b.c")])
            send("COMPLETE")
            intake.assert_snapshot()
    """
    assert project.failure(other) == pinned(
        """
        The events are not those of the snapshot intake_snapshots/test_it/test_it.json:

          /events/0/eventType: expected 'START', there is 'RUNNING'
          /events/0/outputs/0: not expected, there is {'namespace': 'postgres://db:5432', 'name': 'a.b.c', 'facets': {}}
          /events/1: not expected, there is {'eventType': 'COMPLETE', 'eventTime': '<time>', 'producer': 'https://github.com/acme/etl', 'schemaURL': 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent', 'run': {'runId': '<id ...

        If they are right as they are: pytest --intake-update
        """  # noqa: E501
    )
    ran = project.passes(other, "--intake-update")
    assert "snapshot written: intake_snapshots/test_it/test_it.json" in ran.summary
    assert [event["eventType"] for event in content(project, files(project)[0])] == ["RUNNING", "COMPLETE"]
    project.passes(other)


@pytest.mark.parametrize(("ci", "refuses"), [("true", True), ("1", True), ("false", False), ("0", False), ("", False)])
def test_on_a_ci_machine_none_is_written_by_itself(
    project: Project, monkeypatch: pytest.MonkeyPatch, ci: str, refuses: bool
) -> None:
    monkeypatch.setenv("CI", ci)
    ran = project.run_tests(ONE)
    assert files(project) == ([] if refuses else ["intake_snapshots/test_it/test_it.json"])
    if refuses:
        assert ran.message == pinned(
            """
            There is no snapshot intake_snapshots/test_it/test_it.json, and in CI (the variable CI is set) none is written: run the test on your machine, look at the file, and commit it.
            """  # noqa: E501
        )


def test_on_a_ci_machine_the_option_still_writes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    project.passes(ONE, "--intake-update")
    project.passes(ONE)


def test_files_that_cannot_be_used_are_told(project: Project) -> None:
    project.write("intake_snapshots/test_it/test_broken.json", "<<<<<<< HEAD\n")
    ran = project.run_tests(
        """
        def test_broken(intake, send):
            send()
            intake.assert_snapshot()

        def test_twice(intake, send):
            send()
            intake.assert_snapshot()
            intake.assert_snapshot()

        def test_nothing(intake, send):
            send(key="0" * 32)
            intake.assert_snapshot()

        def test_pointer(intake, send):
            send()
            intake.assert_snapshot(ignore=["run/facets"])

        def test_pattern(intake, send):
            send()
            intake.assert_snapshot(replace={"(": ""})
        """
    )
    assert ran.told("test_broken") == pinned(
        """
        The snapshot intake_snapshots/test_it/test_broken.json is no JSON (Expecting value: line 1 column 1 (char 0)). pytest --intake-update writes it anew.
        """  # noqa: E501
    )
    assert ran.told("test_twice") == pinned(
        """
        The test has asked for the snapshot test_twice.json before: give each its name, intake.assert_snapshot("after the load").
        """  # noqa: E501
    )
    assert ran.told("test_nothing") == pinned(
        """
        There is nothing to make a snapshot of.

        No event arrived.

        1 request was refused or went astray meanwhile:
          POST /api/v1/lineage -> 403
            HT004 error: the API key ****0000 is not known here
              advice:   Check which key the producer has, and for which site it was made.
          The key of this test is intake.api_key; intake_env leads clients here with it.
        """
    )
    assert ran.told("test_pointer") == pinned(
        """
        ValueError: assert_snapshot: 'run/facets' is no JSON Pointer: it begins with a slash, as in /run/facets/nominalTime
        """  # noqa: E501
    )
    assert ran.told("test_pattern") == pinned(
        """
        ValueError: assert_snapshot: '(' is no regular expression: missing ), unterminated subpattern at position 0
        """
    )
    assert files(project) == [
        "intake_snapshots/test_it/test_broken.json",
        "intake_snapshots/test_it/test_twice.json",
    ]


def test_files_that_the_disk_refuses_are_told(project: Project) -> None:
    project.write("one/intake_snapshots", "a file")
    project.write("two/intake_snapshots/test_two/test_it.json/in_the_way", "")
    # Nobody can write there, whoever runs this.
    (project.path / "three").mkdir()
    (project.path / "three/intake_snapshots").symlink_to("/proc")
    project.write("four/intake_snapshots/test_four/test_it.json", "").write_bytes(b"\xff")
    tests = [f"{name}/test_{name}.py" for name in ("one", "two", "three", "four")]
    for name in tests:
        project.tests(ONE, name)
    one, two, three, four = project.run(*tests).messages
    file = "The snapshot {0}/intake_snapshots/test_{0}/test_it.json cannot be "
    assert one == file.format("one") + "read: one/intake_snapshots is no directory."
    assert two == file.format("two") + "read: Is a directory."
    assert three == file.format("three") + "written: No such file or directory."
    assert four.startswith("The snapshot four/intake_snapshots/test_four/test_it.json is no JSON (")


def test_every_test_has_files_of_its_own(project: Project) -> None:
    tests = """
        def test_named(intake, send):
            send("START")
            intake.assert_snapshot("begun")
            send("COMPLETE")
            intake.assert_snapshot("after all")

        @pytest.mark.parametrize("name", ["a", "a/b", "A", "ä", "x" * 200])
        def test_parameters(intake, send, name):
            send(job={"namespace": "prod", "name": name, "facets": {"jobType": job_type()}})
            intake.assert_snapshot()

        class TestClass:
            def test_named(self, intake, send):
                send()
                intake.assert_snapshot()
    """
    project.write("tests/test_other.py", "from tests.events import run_event\n" + ONE.replace("\n    ", "\n"))
    project.tests(tests)
    assert project.run().outcomes == {"passed": 8}
    found = files(project)
    assert len(found) == 9
    assert {
        "intake_snapshots/test_it/TestClass.test_named.json",
        "intake_snapshots/test_it/test_named.begun.json",
        "intake_snapshots/test_it/test_named.after%20all.json",
        "intake_snapshots/test_it/test_parameters[a].json",
        "intake_snapshots/test_it/test_parameters[a%2fb].json",
        "tests/intake_snapshots/test_other/test_it.json",
    } < set(found)
    assert all(len(Path(name).name) < 150 for name in found)
    ran = project.run()
    assert ran.outcomes == {"passed": 8}
    assert "snapshot" not in ran.summary


def test_what_changes_from_run_to_run_is_replaced(project: Project) -> None:
    project.passes(
        """
        import uuid

        def test_it(intake, send):
            first, second = str(uuid.uuid4()), str(uuid.uuid4())
            facets = {
                "parent": {"_producer": "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/client/python",
                           "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet",
                           "run": {"runId": second}, "job": {"namespace": "n", "name": f"job of {first.upper()}"}},
                "nominalTime": {"_producer": "https://x.example",
                                "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet",
                                "nominalStartTime": "2026-01-01T00:00:00Z"},
                "processing_engine": {"_producer": "https://x.example", "version": "3.5.1",
                                      "_schemaURL": "https://openlineage.io/spec/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
                                      "name": "spark", "openlineageAdapterVersion": "1.54.0"},
                "tags": {"_producer": "https://x.example",
                         "_schemaURL": "https://openlineage.io/spec/facets/1-0-0/TagsRunFacet.json#/$defs/TagsRunFacet",
                         "tags": [{"key": "openlineage_client_version", "value": "1.54.0", "source": "OPENLINEAGE_CLIENT"},
                                  {"key": "release", "value": "1.2.3", "source": "user"}]},
            }
            send("START", run={"runId": first, "facets": facets}, producer="https://github.com/acme/etl/v1.2.3-rc1",
                 inputs=[dataset("a.b.c", f"postgres://localhost:{20_000 + hash(first) % 10_000}"),
                         dataset("/data/1.2.3/day=2026-01-01", "file")])
            send("RUNNING", run={"runId": second, "facets": {}})
            send("COMPLETE", run={"runId": first, "facets": {}})
            intake.assert_snapshot()
        """  # noqa: E501
    )
    first, second, third = content(project, "intake_snapshots/test_it/test_it.json")
    assert [event["run"]["runId"] for event in (first, second, third)] == ["<id 1>", "<id 2>", "<id 1>"]
    assert {event["eventTime"] for event in (first, second, third)} == {"<time>"}
    facets = first["run"]["facets"]
    assert facets["parent"]["run"]["runId"] == "<id 2>"
    assert facets["parent"]["job"]["name"] == "job of <id 1>"
    assert facets["parent"]["_producer"] == "https://github.com/OpenLineage/OpenLineage/tree/<version>/client/python"
    assert "facets/1-0-1/ParentRunFacet.json" in facets["parent"]["_schemaURL"]
    assert facets["nominalTime"]["nominalStartTime"] == "<time>"
    assert (facets["processing_engine"]["version"], facets["processing_engine"]["openlineageAdapterVersion"]) == (
        "<version>",
        "<version>",
    )
    assert [tag["value"] for tag in facets["tags"]["tags"]] == ["<version>", "1.2.3"]
    assert first["producer"] == "https://github.com/acme/etl/<version>"
    assert first["inputs"][0]["namespace"] == "postgres://localhost:<port>"
    assert first["inputs"][1]["name"] == "/data/1.2.3/day=2026-01-01"
    assert first["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/")


def test_places_can_be_left_out_and_texts_replaced(project: Project) -> None:
    project.ini("intake_snapshot_ignore =", "    /producer", "    /inputs/*/facets")
    tests = """
        def test_it(intake, send):
            send("START", inputs=[dataset(f"a.b.tmp_{time.monotonic_ns()}", schema=schema()), dataset("a.b.c")])
            intake.assert_snapshot(ignore=["/job/facets", "/inputs/1"], replace={r"tmp_\\d+": "tmp_N"})
    """
    project.passes(tests)
    project.passes(tests)
    (event,) = content(project, "intake_snapshots/test_it/test_it.json")
    assert "producer" not in event
    assert event["job"] == {"namespace": "prod", "name": "load_orders"}
    assert event["inputs"] == [{"namespace": "postgres://db:5432", "name": "a.b.tmp_N"}]


def test_text_that_would_move_a_cursor_stays_readable_and_exact(project: Project) -> None:
    tests = """
        def test_it(intake, send):
            send(job={"namespace": "prod", "name": "ü\\x1b[31m\\u2028\\ud800", "facets": {"jobType": job_type()}})
            intake.assert_snapshot()
    """
    project.passes(tests)
    project.passes(tests)
    assert r'"name": "ü\u001b[31m\u2028\ud800"' in (project.path / files(project)[0]).read_text()


SEVERAL = """
    def test_asks(intake, send):
        send()
        intake.assert_snapshot()

    @pytest.mark.skipif("SKIP" in os.environ, reason="so")
    def test_other(intake, send):
        send()
        if "FAIL" in os.environ:
            raise RuntimeError("before it could ask")
        intake.assert_snapshot("named")
"""


def test_snapshots_that_nobody_asks_for_are_told(project: Project) -> None:
    for file in ("test_it/test_gone.json", "test_it/test_asks.old.json", "test_elsewhere/test_gone.json"):
        project.write(f"intake_snapshots/{file}", "{}")
    ran = project.passes(SEVERAL, tests=2)
    unused = [line for line in ran.summary.splitlines() if "unused" in line]
    assert unused == [
        "snapshot unused: intake_snapshots/test_it/test_asks.old.json",
        "snapshot unused: intake_snapshots/test_it/test_gone.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["-k", "asks"], {}),
        (["test_it.py::test_asks"], {}),
        (["--deselect", "test_it.py::test_other"], {}),
        (["-x"], {"FAIL": "1"}),
        ([], {"FAIL": "1"}),
        ([], {"SKIP": "1"}),
        (["--collect-only"], {}),
    ],
)
def test_snapshots_of_tests_that_could_not_ask_are_not_called_unused(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str]
) -> None:
    project.passes(SEVERAL, tests=2)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert "snapshot unused" not in project.run(*arguments).output


def test_snapshots_after_the_first_failure_are_not_called_unused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-x ends the run: the tests behind had no chance to ask."""
    tests = """
        def test_first(intake, send):
            send()
            assert "FAIL" not in os.environ

        def test_second(intake, send):
            send()
            intake.assert_snapshot()
    """
    project.passes(tests, tests=2)
    monkeypatch.setenv("FAIL", "1")
    ran = project.run("-x")
    assert ran.outcomes == {"failed": 1}
    assert "snapshot unused" not in ran.output


FACET = {"_producer": "https://x.example", "_schemaURL": "https://x.example/s.json"}


def facets_sent(project: Project, facet: dict[str, Any]) -> str:
    """A test whose one event has this facet, as it is in its text."""
    body = json.dumps({**FACET, **facet})
    return f"""
    def test_it(intake, send):
        send("START", inputs=[dataset("a.b.c", acme_x=json.loads({body!r}))])
        intake.assert_snapshot()
    """


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"__op": "c"}, {"__op": "d"}),
        ({"__deleted": True}, {}),
        ({"snapshot": 8_234_567_890_123_456_789}, {"snapshot": 8_234_567_890_123_456_790}),
        ({"long": 10**20 + 1}, {"long": 10**20 + 2}),
        ({"share": 1e-13}, {"share": 0}),
        ({"flag": 1}, {"flag": True}),
        ({"list": [1, 2]}, {"list": [True, 2]}),
        ({"list": [1, 2]}, {"list": [2, 1]}),
        ({"text": "e\u0301"}, {"text": "é"}),
    ],
    ids=str,
)
def test_a_value_that_is_another_in_the_least_is_no_snapshot_s(
    project: Project, before: dict[str, Any], after: dict[str, Any]
) -> None:
    project.passes(facets_sent(project, before))
    project.passes(facets_sent(project, before))
    (key,) = before
    assert f"/events/0/inputs/0/facets/acme_x/{key}" in project.failure(facets_sent(project, after))


def test_another_text_of_the_same_values_is_told(project: Project) -> None:
    """A file that was formatted by a tool, and keys in another order: no failure, and not in silence."""
    sent = facets_sent(project, {"a": 1, "b": [2, {"c": 3}]})
    project.passes(sent)
    (name,) = files(project)
    written = (project.path / name).read_text()
    told = (
        f"snapshot differs in its text, in no value (order of keys, 1.0 for 1, spaces): {name}; "
        "--intake-update writes it anew"
    )
    project.write(name, json.dumps(json.loads(written)))
    assert told in project.passes(sent).summary.splitlines()
    project.write(name, written)
    assert "snapshot" not in project.passes(sent).summary
    turned = facets_sent(project, {"b": [2.0, {"c": 3}], "a": 1})
    assert told in project.passes(turned).summary.splitlines()
    assert f"snapshot written: {name}" in project.passes(turned, "--intake-update").summary.splitlines()
    assert "snapshot" not in project.passes(turned).summary


def test_ids_are_counted_the_same_whatever_the_order_of_keys(project: Project) -> None:
    first, second, third = (f"{number}0000000-0000-4000-8000-000000000000" for number in range(3))
    parent = {**FACET, "run": {"runId": second}, "job": {"namespace": "n", "name": "m"}}
    tests = """
    def turned(value):
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return value

    def test_it(intake, send):
        event = run_event("START", run=%r, inputs=[dataset("of %s")])
        send(turned(event) if "TURNED" in os.environ else event)
        intake.assert_snapshot()
    """ % ({"runId": first, "facets": {"parent": parent}}, third)  # noqa: UP031 - braces are in the way
    project.passes(tests)
    (event,) = content(project, files(project)[0])
    assert event["run"]["runId"] == "<id 1>"
    assert event["run"]["facets"]["parent"]["run"]["runId"] == "<id 2>"
    assert event["inputs"][0]["name"] == "of <id 3>"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TURNED", "1")
        project.passes(tests)


def test_texts_of_snapshots_are_told_over_all_workers(project: Project) -> None:
    """What one process found is told by another."""
    from mock_intake_pytest.counts import Tally

    found = Tally()
    found.snapshots.reworded.add(str(project.path / "a.json"))
    told = Tally()
    told.add(Tally.loads(found.dumps()))
    assert [line for line in told.rest(project.path) if "differs in its text" in line]
