"""What is told when all tests are over: counts, what came late or astray, and the report."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from mock_intake.report.formats import Kind, formats
from tests.plugin.running import Project, pinned, timeless

SUFFIXES = [each.suffix.removeprefix(".") for each in formats(Kind.REPORT).values()]
SEVERAL = """
    def test_ok(intake, send):
        send("START")
        send("COMPLETE")

    def test_error(intake, send):
        send("START", job={"namespace": "prod", "name": "load"})

    def test_retried(intake, send):
        intake.set_faults("503,503")
        send(), send(), send()

    def test_lost(intake, send):
        send("START")
        intake.set_faults("reset", repeat_last=True)
        send("COMPLETE")

    def test_astray(intake, send):
        send("START")
        send("COMPLETE", key="0" * 32)

    def test_without(): pass
"""
LATE = """
    import socket, threading
    from tests.plugin.inside import post
    HANDLES = []

    def test_first(intake, send):
        HANDLES.append(intake)
        send("START")

    def test_second(intake, send):
        # The first test's client sends what it held back, something wrong even.
        post(HANDLES[0], run_event("COMPLETE"))
        post(HANDLES[0], run_event("FAIL", job={"namespace": "prod", "name": "load"}))
        send("RUNNING")
        assert [event.event_type for event in intake.events()] == ["RUNNING"]
        assert len(intake.exchanges) == 1
        assert intake.refused == []
        assert {finding.code for finding in intake.findings if finding.severity == "error"} == set()
"""


def test_the_summary_counts_what_arrived(project: Project) -> None:
    assert timeless(project.run_tests(SEVERAL).summary) == pinned(
        """
        6 events received in 5 tests: 5 ok, 0 warning, 1 error; 3 requests refused or faulted, 2 retries seen
          DD101 error      1 x  the job has no jobType facet, so Datadog would take the event and not process it
          RC102 warning    4 x  for instance: run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load never ended
        lost: 1 event that no attempt got through
          TIME POST /api/v1/lineage -> no answer (fault: reset), key ****KEY, COMPLETE of prod / load_orders, during test_it.py::test_lost
        strays: 1 request came with no test's key
          TIME POST /api/v1/lineage -> 403, key ****KEY, COMPLETE of prod / load_orders, during test_it.py::test_astray
        """  # noqa: E501
    )


def test_only_the_first_of_what_was_lost_or_went_astray_is_described(project: Project) -> None:
    project.conftest(
        """
        HANDLES = []

        @pytest.fixture(scope="session", autouse=True)
        def client(_intake_session):
            yield
            post(HANDLES[0], b"no event", key="1" * 32)
        """
    )
    summary = timeless(
        project.run_tests(
            """
            from conftest import HANDLES

            def test_it(intake, send):
                HANDLES.append(intake)
                send()
                send(b"{}", key="0" * 32)
                intake.set_faults("503", repeat_last=True)
                for number in range(2):
                    for kind in ("RUNNING", "COMPLETE", "FAIL", "ABORT"):
                        send(kind)
                        assert send(kind) == 503
            """
        ).summary
    )
    place = "POST /api/v1/lineage ->"
    assert summary.partition("lost: ")[2] == pinned(
        f"""
        4 events that no attempt got through
          TIME {place} 503 (fault: 503), key ****KEY, RUNNING of prod / load_orders, during test_it.py::test_it
          TIME {place} 503 (fault: 503), key ****KEY, COMPLETE of prod / load_orders, during test_it.py::test_it
          TIME {place} 503 (fault: 503), key ****KEY, FAIL of prod / load_orders, during test_it.py::test_it
          and 1 more
        strays: 2 requests came with no test's key
          TIME {place} 403, key ****KEY, no event, during test_it.py::test_it
          TIME {place} 403, key ****KEY, between tests
        """
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_report_describes_what_was_lost_and_went_astray(project: Project, suffix: str) -> None:
    project.tests(SEVERAL)
    project.run(f"--intake-report=report.{suffix}")
    text = (project.path / f"report.{suffix}").read_text(encoding="utf-8").replace("\\", "")
    assert re.search(r"no answer \(fault: reset\), key .{1,40}, COMPLETE of prod / load_orders, during ", text), text
    assert re.search(r"403, key .{1,40}0000, COMPLETE of prod / load_orders, during test_it.py::test_astray", text)


def test_what_workers_lost_is_described_too(project: Project) -> None:
    project.tests(SEVERAL)
    summary = timeless(project.run_alone("-n2").summary)
    assert "  TIME POST /api/v1/lineage -> 403, key ****KEY, COMPLETE of prod / load_orders, during " in summary
    assert "(fault: reset), key ****KEY, COMPLETE of prod / load_orders, during test_it.py::test_lost" in summary


def test_findings_with_the_same_words_are_no_instances(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.parametrize("number", range(2))
        def test_it(intake, send, number):
            send()
        """,
        "-vv",
    )
    assert "RC102 warning    2 x  run 5f0b5ce7-" in ran.summary


def test_without_the_fixture_there_is_no_summary(project: Project) -> None:
    ran = project.run_tests("def test_it(): pass")
    assert " mock-intake =" not in ran.output


def test_only_the_top_findings_are_listed(project: Project) -> None:
    ran = project.run_tests(
        """
        @pytest.mark.intake(fail_on="never")
        def test_it(intake, send):
            wrong = run_event("START", eventTime="x", producer="", job={"namespace": "prod", "name": ""},
                              run={"runId": "x"}, schemaURL="x", inputs=[{"namespace": "", "name": ""}])
            assert [send(wrong), send(b"{")] == [202, 400]
        """,
        "-vv",
    )
    lines = ran.summary.splitlines()
    assert [line.split()[:4] for line in lines[1:6]] == [
        [code, "error", "1", "x"] for code in ("DD101", "HT201", "OL003", "OL006", "OL007")
    ]
    assert re.fullmatch(r"  and (1 more rule|[2-9] more rules); --intake-report FILE has them all", lines[6])


def test_late_events_are_told_and_belong_to_no_later_test(project: Project) -> None:
    ran = project.passes(LATE, tests=2)
    assert ran.summary == pinned(
        """
        4 events received in 2 tests: 3 ok, 0 warning, 1 error; 0 requests refused or faulted, 0 retries seen
          DD101 error      1 x  the job has no jobType facet, so Datadog would take the event and not process it
          RC102 warning    2 x  run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders never ended
          RC101 warning    1 x  run 5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d of prod / load_orders has no START
        late: 2 requests of test_it.py::test_first came after the test had ended; nothing judged them
        """
    )


def test_what_comes_after_all_tests_is_told(project: Project) -> None:
    project.conftest(
        """
        HANDLES = []

        @pytest.fixture(scope="session", autouse=True)
        def client(_intake_session):
            yield
            post(HANDLES[0], run_event("COMPLETE"))
        """
    )
    ran = project.run_tests(
        """
        from conftest import HANDLES

        def test_it(intake, send):
            HANDLES.append(intake)
            send()
        """
    )
    assert "late: 1 request of test_it.py::test_it came after the test had ended; nothing judged it" in ran.summary


def test_what_was_lost_after_its_test_had_ended_is_told_so(project: Project) -> None:
    ran = project.run_tests(
        """
        from tests.plugin.inside import post
        HANDLES = []

        def test_early(intake, send):
            HANDLES.append(intake)
            send()

        def test_last(intake, send):
            send()
            post(HANDLES[0], run_event("COMPLETE"), path="/api/v2/lineage")
        """
    )
    (line,) = [line for line in ran.summary.splitlines() if "/api/v2/lineage -> 404" in line]
    assert line.endswith(", COMPLETE of prod / load_orders, after test_it.py::test_early had ended")


def test_many_late_tests_are_summed_up(project: Project) -> None:
    ran = project.run_tests(
        """
        from tests.plugin.inside import post
        HANDLES = []

        @pytest.mark.parametrize("number", range(12))
        def test_early(intake, send, number):
            HANDLES.append(intake)
            send()

        def test_last(intake, send):
            send()
            for handle in HANDLES:
                post(handle, run_event("COMPLETE"))
        """
    )
    assert len([line for line in ran.summary.splitlines() if line.startswith("late: 1 request of ")]) == 10
    assert "late: and of 2 more tests" in ran.summary


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_report_covers_all_tests(project: Project, suffix: str) -> None:
    project.tests(SEVERAL)
    ran = project.run(f"--intake-report=report.{suffix}")
    file = project.path / f"report.{suffix}"
    assert f"report: {file}" in ran.summary.splitlines()
    text = file.read_text(encoding="utf-8")
    assert "DD101" in text
    assert re.search(r"test\\?_it\.py::test\\?_error", text), "a report says which test it was"
    if suffix == "json":
        report = json.loads(text)
        assert report["summary"]["events"] == 6
        assert {entry["facts"]["test"] for entry in report["entries"]} == {
            f"test_it.py::test_{name}" for name in ("ok", "error", "retried", "lost", "astray")
        }
    if suffix == "xml":
        assert ET.fromstring(text).tag == "testsuites"  # noqa: S314 - written by ourselves


def test_junit_has_one_case_for_each_test_by_its_own_name(project: Project) -> None:
    """As pytest's own report calls it, so that the two can be laid side by side."""
    project.tests(SEVERAL)
    project.run("--intake-report=ours.xml", "--junit-xml=pytest.xml", "-ojunit_family=xunit1")
    ours, pytests = (
        {
            (case.get("classname"), case.get("name")): case
            for case in ET.parse(project.path / name).iter("testcase")  # noqa: S314 - written by ourselves
        }
        for name in ("ours.xml", "pytest.xml")
    )
    assert set(ours) < set(pytests), "but for those that received nothing"
    assert len(ours) == 5
    assert [name for (_, name), case in ours.items() if case.find("failure") is not None] == ["test_error"]
    failure = ours["test_it", "test_error"].find("failure")
    assert failure is not None
    assert (failure.get("type"), "DD101 error: " in str(failure.text)) == ("DD101", True)
    output = ours["test_it", "test_retried"].findtext("system-out")
    assert re.search(r"START load\w*, of test_it\.py::test_retried \(event [0-9a-f]{16}\): ", str(output))


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "workers"])
def test_the_report_needs_no_terminal(project: Project, workers: list[str]) -> None:
    project.tests(SEVERAL)
    ran = project.run_alone("-pno:terminal", "--intake-report=report.json", *workers)
    assert " mock-intake =" not in ran.output
    assert json.loads((project.path / "report.json").read_text())["summary"]["events"] == 6


def test_what_came_late_in_a_run_that_was_interrupted_is_reported(project: Project) -> None:
    """Its fixtures end after all tests, and so does the count."""
    project.conftest(
        """
        @pytest.fixture(scope="session", autouse=True)
        def client(_intake_session):
            kept = []
            yield kept
            post(kept[0], run_event("COMPLETE"))
        """
    )
    project.tests(
        """
        def test_it(intake, send, client):
            client.append(intake)
            send()

        def test_interrupts():
            raise KeyboardInterrupt
        """
    )
    ran = project.run_alone("--intake-report=report.json")
    assert "late: 1 request of test_it.py::test_it" in ran.summary
    entries = json.loads((project.path / "report.json").read_text())["entries"]
    assert [entry["facts"].get("late", False) for entry in entries if entry["kind"] == "event"] == [False, True]


def test_the_report_says_what_came_late(project: Project) -> None:
    project.tests(LATE)
    project.run("--intake-report=report.json")
    entries = json.loads((project.path / "report.json").read_text())["entries"]
    assert [
        (entry["facts"]["test"], entry["facts"].get("late", False)) for entry in entries if entry["kind"] == "event"
    ] == [
        ("test_it.py::test_first", False),
        ("test_it.py::test_second", False),
        ("test_it.py::test_first", True),
        ("test_it.py::test_first", True),
    ]


def test_a_report_over_nothing_says_so(project: Project) -> None:
    project.tests("def test_it(): pass")
    ran = project.run("--intake-report=report.md")
    assert ran.outcomes == {"passed": 1}
    assert ran.summary == f"report: {project.path / 'report.md'}"
    assert "No event was received, so nothing was judged: this is no pass." in (project.path / "report.md").read_text()


def test_the_report_goes_where_pytest_was_started(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    project.run_tests(
        f"""
        def test_it(intake, send):
            os.chdir({str(elsewhere)!r})
            send()
        """,
        "--intake-report=report.md",
    )
    assert (project.path / "report.md").is_file()


def test_a_report_that_cannot_be_written_in_the_end_is_told(project: Project) -> None:
    (project.path / "reports").mkdir()
    ran = project.run_tests(
        """
        import shutil

        def test_it(intake, send):
            send()
            shutil.rmtree("reports")
        """,
        "--intake-report=reports/report.md",
    )
    assert f"report: {project.path}/reports/report.md could not be written: No such file or directory" in ran.summary


def test_two_servers_of_tests_in_one_run_are_one(project: Project) -> None:
    project.passes(
        """
        URLS = set()

        @pytest.mark.intake(events=0)
        @pytest.mark.parametrize("number", range(3))
        def test_it(intake, number):
            URLS.add(intake.url)
            assert len(URLS) == 1
        """,
        tests=3,
    )


def test_workers_counts_and_report_are_put_together(project: Project) -> None:
    project.tests(SEVERAL)
    ran = project.run_alone("-n2", "--intake-report=report.json")
    assert ran.outcomes == {"failed": 1, "passed": 5}
    assert ran.summary.startswith("6 events received in 5 tests: 5 ok, 0 warning, 1 error; 3 requests refused or ")
    assert json.loads((project.path / "report.json").read_text())["summary"]["events"] == 6


GREEN = """
    import pytest

    @pytest.mark.intake(fail_on="never")
    def test_warned(intake, send):
        send("START", job={"namespace": "prod", "name": "load"})
        send("COMPLETE")

    def test_fine(intake, send):
        send("START")
        send("COMPLETE")
"""


def test_a_run_in_which_nothing_failed_ends_in_one_line_unless_more_is_wanted(project: Project) -> None:
    brief = project.run_tests(GREEN)
    assert "= mock-intake =" not in brief.output
    [line] = [line for line in brief.output.splitlines() if line.startswith("mock-intake: ")]
    assert line.startswith("mock-intake: 4 events received in 2 tests: 3 ok, 0 warning, 1 error; ")
    assert re.search(r"; DD101 x1\b.* \(-v says what\)$", line)
    whole = project.run("-vv")
    assert "= mock-intake =" in whole.output
    assert "  DD101 error" in whole.summary


def test_what_must_be_known_is_told_of_a_green_run_too(project: Project) -> None:
    ran = project.run_tests(LATE)
    assert "late: " in ran.summary


def test_a_page_lists_the_tests_with_what_each_sent(project: Project) -> None:
    silent = "\n    import pytest\n\n    @pytest.mark.intake(events=0)\n    def test_silent(intake): pass\n"
    ran = project.run_tests(SEVERAL + silent, "--intake-html=page", "--intake-report=report.json")
    assert "report: " in ran.summary
    page = (project.path / "page").read_text(encoding="utf-8")
    section = page[page.index('<section id="tests"') : page.index('<section id="findings"')]
    tests = re.findall(r"<code>[^<]*::(test_\w+)</code> <span class=\"soft\">([^<]*)</span>", section)
    assert dict(tests) == {
        "test_ok": "2 events", "test_error": "1 event", "test_retried": "1 event", "test_lost": "1 event",
        "test_astray": "1 event", "test_silent": "sent no event",
    }  # fmt: skip
    assert tests[0][0] == "test_error", "the one that is worst is first"
    targets = set(re.findall(r'<li>event: <a href="#([^"]+)">', section))
    assert targets <= set(re.findall(r' id="([^"]+)"', page))
    assert page.count("<details><summary>Body</summary>") == 6
    assert (project.path / "report.json").exists()
