"""``mock-intake check``, run as a user runs it."""

from __future__ import annotations

import gzip
import json
import os
import pty
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from click.testing import CliRunner

from mock_intake.cli.main import main
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import ReceivedRequest
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, run_command
from tests.events import base, dataset, run_event, schema

GOOD = [run_event("START"), run_event("COMPLETE")]


def without_job_type(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "job": {**event["job"], "facets": {}}}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


def write(file: Path, *events: dict[str, Any] | bytes) -> Path:
    lines = [event if isinstance(event, bytes) else orjson.dumps(event) for event in events]
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return file


def checked(*arguments: str | Path) -> dict[str, Any]:
    done = mock_intake("check", *arguments, "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_clean_recording_passes(recording: Path) -> None:
    done = mock_intake("check", write(recording, *GOOD))
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 events: 2 ok, 0 warning, 0 error\n", "")


def test_an_error_fails_and_is_explained(recording: Path) -> None:
    done = mock_intake("check", write(recording, GOOD[0], without_job_type(GOOD[1])))
    assert done.returncode == 1
    assert done.stdout == (
        "DD101 error: the job has no jobType facet, so Datadog would take the event and not process it\n"
        f"  in {recording}:2, at /job/facets\n"
        "  expected: job.facets.jobType with processingType, integration and jobType\n"
        "  actual:   facets: none\n"
        "  why:      Datadog documents that it needs the facet to process a run event. The event is answered with a "
        "2xx all the same, so nothing tells the producer that it will not be there.\n"
        '  advice:   Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} '
        "with _producer and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...). Where "
        "a package makes the events, an EventTransformer of a few lines in the client's transform transport adds it.\n"
        "  source:   https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/ (documented); "
        "more: mock-intake rules DD101\n"
        "\n"
        "2 events: 1 ok, 0 warning, 1 error\n"
    )


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)])
def test_fail_on_sets_the_level_that_fails(recording: Path, level: str, code: int) -> None:
    warned = run_event("START", producer="no-uri")
    assert mock_intake("check", write(recording, warned, GOOD[1]), "--fail-on", level).returncode == code


def test_findings_over_all_events_fail_too(recording: Path) -> None:
    write(recording, GOOD[0])
    assert mock_intake("check", recording).returncode == 0
    done = mock_intake("check", recording, "--fail-on", "warning")
    assert done.returncode == 1
    assert "RC102 warning: " in done.stdout
    assert "1 event: 1 ok, 0 warning, 0 error" in done.stdout


def test_the_json_has_one_entry_for_every_line_in_order(recording: Path) -> None:
    report = checked(write(recording, GOOD[0], b"{broken", b"[]", GOOD[1], GOOD[1]))
    assert [(entry["line"], entry["status"], entry["kind"]) for entry in report["events"]] == [
        (1, "ok", "RunEvent"),
        (2, "error", None),
        (3, "error", None),
        (4, "ok", "RunEvent"),
        (5, "ok", "RunEvent"),
    ]
    assert {entry["source"] for entry in report["events"]} == {str(recording)}
    codes = [[finding["code"] for finding in entry["findings"]] for entry in report["events"]]
    assert codes == [[], ["HT201"], ["HT203"], [], ["RC301"]]
    assert report["summary"] == {"events": 5, "ok": 3, "warning": 0, "error": 2}
    assert [(run["state"], run["states"], run["findings"]) for run in report["runs"]] == [
        ("COMPLETE", ["START", "COMPLETE"], [])
    ]
    assert report["findings"] == []


def test_datasets_that_would_not_join_are_found_across_files(tmp_path: Path) -> None:
    one = run_event("START", outputs=[dataset("shop.public.orders", schema=schema())])
    other = run_event("COMPLETE", inputs=[dataset("shop.public.ORDERS", schema=schema())])
    write(tmp_path / "a.ndjson", one)
    write(tmp_path / "b.ndjson", other)
    report = checked(tmp_path)
    assert [finding["code"] for finding in report["findings"]] == ["DS101"]
    assert "shop.public.ORDERS" in report["findings"][0]["message"]


def test_standard_input_is_read(recording: Path) -> None:
    write(recording, *GOOD)
    done = mock_intake("check", "-", "--format", "json", stdin=gzip.compress(recording.read_bytes()))
    assert done.returncode == 0
    assert [entry["source"] for entry in json.loads(done.stdout)["events"]] == ["<stdin>", "<stdin>"]


def test_sarif_names_rule_file_and_line(recording: Path) -> None:
    done = mock_intake("check", write(recording, GOOD[0], without_job_type(GOOD[1])), "--format", "sarif")
    assert done.returncode == 1
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("DD101", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "DD101"
    physical = result["locations"][0]["physicalLocation"]
    assert physical == {
        "artifactLocation": {"uri": quote(str(recording).lstrip("/")), "uriBaseId": "ROOT"},
        "region": {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 2},
    }
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "/job/facets"}]


def test_sarif_holds_findings_over_all_events(recording: Path) -> None:
    done = mock_intake("check", write(recording, GOOD[0]), "--format", "sarif")
    results = json.loads(done.stdout)["runs"][0]["results"]
    assert [(result["ruleId"], result["level"]) for result in results] == [("RC102", "warning")]
    assert results[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].startswith("run ")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]"])
@pytest.mark.parametrize("output", ["text", "json", "sarif"])
def test_no_events_are_no_pass(recording: Path, content: bytes, output: str) -> None:
    recording.write_bytes(content)
    done = mock_intake("check", recording, "--format", output, "--fail-on", "never")
    assert done.returncode == 2
    assert "There are no events in" in done.stderr


def test_a_recording_without_events_is_named_beside_others(recording: Path) -> None:
    empty, blank = (recording.with_name(name) for name in ("empty.ndjson", "blank.ndjson"))
    empty.write_bytes(b"")
    blank.write_bytes(b"\n\n")
    done = mock_intake("check", write(recording, *GOOD), empty, blank)
    assert (done.returncode, done.stdout) == (0, "2 events: 2 ok, 0 warning, 0 error\n")
    assert done.stderr == f"note: {empty} has no events\nnote: {blank} has no events\n"


def test_no_command_writes_over_what_it_reads(recording: Path) -> None:
    events = write(recording.with_name("q.json"), *GOOD)
    link = recording.with_name("link.html")
    link.symlink_to(events)
    journal = recording.with_name("journal.html")
    with closing(SqliteJournal(journal)) as opened:
        opened.append([Intake().receive(posted(orjson.dumps(run_event())))])
    before = [events.read_bytes(), journal.read_bytes()]
    for arguments, named, use in (
        (["check", events], events, "judged"),
        (["check", events.parent], link, "judged"),
        (["diff", events, journal], journal, "judged"),
        (["report", journal], journal, "judged"),
        (["export", journal], journal, "read"),
    ):
        result = CliRunner().invoke(main, [*map(str, arguments), "-o", str(named)])
        assert result.exit_code == 2
        assert f"-o {named} is the recording that is {use}; name another file." in result.output
    assert [events.read_bytes(), journal.read_bytes()] == before


def test_unusable_input_is_named(tmp_path: Path) -> None:
    done = mock_intake("check", tmp_path / "no.ndjson")
    assert done.returncode == 2
    assert "no.ndjson: there is no such file" in done.stderr
    assert mock_intake("check").returncode == 2


def test_a_rule_that_fires_often_is_told_once(recording: Path) -> None:
    events = [without_job_type(run_event("OTHER", eventTime=f"2026-11-01T12:00:00.{n:03}Z")) for n in range(50)]
    done = mock_intake("check", write(recording, *events), "--places", "2")
    assert done.stdout.startswith("DD101 error, 50 times: the job has no jobType facet")
    assert "  and 48 more\n" in done.stdout
    assert done.stdout.count("expected: job.facets.jobType") == 1


def test_infos_are_counted_and_shown_on_demand(recording: Path) -> None:
    sql = {**base("SQLJobFacet", "1-1-0"), "query": "SELECT 1"}
    start = run_event("START")
    start["job"]["facets"]["sql"] = sql
    write(recording, start, GOOD[1])
    assert mock_intake("check", recording).stdout.endswith("(1 of the level info not shown: -v)\n")
    assert mock_intake("check", recording, "-v").stdout.startswith("DD505 info: ")


def test_settings_and_options_say_which_rules_are_heard(recording: Path, tmp_path: Path) -> None:
    write(recording, GOOD[0], without_job_type(GOOD[1]))
    (tmp_path / "pyproject.toml").write_text('[tool.mock-intake.severity]\nDD101 = "warning"\n')
    assert mock_intake("check", recording, cwd=tmp_path).returncode == 0
    done = mock_intake("check", recording, "--fail-on", "warning", cwd=tmp_path)
    assert (done.returncode, "DD101 warning" in done.stdout) == (1, True)
    assert mock_intake("check", recording, "--ignore", "DD101", "--fail-on", "info", cwd=tmp_path).returncode == 0
    assert mock_intake("check", recording, "--select", "OL,RC", "--fail-on", "info", cwd=tmp_path).returncode == 0
    done = mock_intake("check", recording, "--ignore", "DD999", cwd=tmp_path)
    assert (done.returncode, "there is no rule DD999" in done.stderr) == (2, True)


def test_facets_of_ones_own_are_checked(recording: Path, tmp_path: Path) -> None:
    identity = "https://acme.example/RetryRunFacet.json"
    facet = {"type": "object", "properties": {"attempt": {"type": "integer"}}, "required": ["attempt"]}
    directory = tmp_path / "schemas"
    directory.mkdir()
    (directory / "retry.json").write_text(json.dumps({"$id": identity, "properties": {"acme_retry": facet}}))
    event = run_event("START")
    event["run"]["facets"]["acme_retry"] = {"_producer": "https://a.example", "_schemaURL": identity, "attempt": "1"}
    write(recording, event, GOOD[1])
    report = checked(recording, "--facets", directory)
    (finding,) = report["events"][0]["findings"]
    assert (finding["code"], finding["pointer"], finding["violates"]) == (
        "OL103",
        "/run/facets/acme_retry/attempt",
        None,
    )
    (directory / "retry.json").write_text("{}")
    done = mock_intake("check", recording, "--facets", directory)
    assert (done.returncode, 'retry.json: needs an "$id"' in done.stderr) == (2, True)


def test_control_characters_from_events_do_not_reach_the_terminal(recording: Path) -> None:
    event = run_event("START", producer="\x1b[31mred")
    done = mock_intake("check", write(recording, event, GOOD[1]))
    assert "\x1b" not in done.stdout
    assert "red" in done.stdout


def test_a_progress_bar_and_colours_are_for_terminals(recording: Path) -> None:
    write(recording, *[without_job_type(GOOD[0])] * 200)
    done = mock_intake("check", recording)
    assert "\x1b" not in done.stdout + done.stderr

    leader, follower = pty.openpty()
    try:
        run_command(
            [MOCK_INTAKE, "check", str(recording)],
            stdout=follower,
            stderr=follower,
            env=clean_environment(TERM="xterm", COLUMNS="100"),
            timeout=60,
            check=False,
        )
    finally:
        os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # how a terminal says that it was closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert b"judging events" in shown
    assert b"closing runs" in shown
    assert b"\x1b[31m" in shown


def test_what_is_no_recording_of_events_is_told_what_reads_it(tmp_path: Path) -> None:
    journal = tmp_path / "events.db"
    with closing(SqliteJournal(journal)) as opened:
        opened.append([Intake().receive(posted(orjson.dumps(run_event())))])
    done = mock_intake("check", journal)
    assert done.returncode == 2
    assert "this is a SQLite file. A journal is read by mock-intake report" in done.stderr
    exchanges = tmp_path / "exchanges.ndjson"
    assert mock_intake("export", journal, "--what", "exchanges", "-o", exchanges).returncode == 0
    done = mock_intake("check", exchanges)
    assert done.returncode == 2
    assert "line 1 is a whole exchange" in done.stderr
    assert "--what events" in done.stderr
    events = tmp_path / "events.ndjson"
    assert mock_intake("export", journal, "--what", "events", "-o", events).returncode == 0
    assert mock_intake("check", events).returncode == 0
    done = mock_intake("report", events)
    assert done.returncode == 2
    assert "mock-intake check judges" in done.stderr


def posted(body: bytes) -> ReceivedRequest:
    headers = (("authorization", "Bearer 0123456789abcdef0123456789abcdef"), ("content-type", "application/json"))
    path = "/api/v1/lineage"
    return ReceivedRequest("x1", "POST", path, "", headers, body, datetime.now(UTC), wire_size=len(body))


def test_the_summary_counts_findings_that_are_of_no_event(recording: Path) -> None:
    write(recording, run_event("START"))
    done = mock_intake("check", recording)
    assert "1 event: 1 ok, 0 warning, 0 error; 1 finding on runs and datasets" in done.stdout
