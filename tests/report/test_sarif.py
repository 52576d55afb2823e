"""SARIF as code scanning takes it: valid, every result at a place in a file, the same fingerprints in the next run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import jsonschema_rs
import pytest
from msgspec import structs

from mock_intake.files.recordings import Recorded
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.report.check_report import CheckReport
from mock_intake.report.formats import Kind, rendered
from mock_intake.report.model import Entry, Report
from mock_intake.report.places import Place
from mock_intake.report.sarif import MOST_RESULTS, STANDARD_INPUT, of_report, sarif
from mock_intake.report.suite import ProducerReport, SuiteReport
from mock_intake.report.suite_words import troubles
from tests.browser import NODE_MODULES
from tests.commands import mock_intake
from tests.events import base, dataset, run_event, schema
from tests.report.hostile import HOSTILE
from tests.report.samples import Recorded as Requests
from tests.report.samples import every_verdict, execution, hostile, samples, suite

PUBLISHED = NODE_MODULES / "@microsoft" / "jest-sarif" / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def published() -> jsonschema_rs.Draft7Validator:
    """The standard's own schema, of which `make test` has a copy installed."""
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    # A pattern with a bracket too many, which only JavaScript lets pass; we write no language.
    for name in ("run", "toolComponent"):
        assert schema["definitions"][name]["properties"]["language"].pop("pattern").endswith("]?$")
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


def found(severity: Severity = Severity.ERROR, **changes: Any) -> Finding:
    finding = Finding(
        "DD101", severity, "event", "/job", "the message", "this", "that", "do it", "https://a.example", Sureness.SOURCE
    )
    return structs.replace(finding, **changes)


def judged(events: Sequence[Any], source: str = "events.ndjson") -> CheckReport:
    check = Check(Judge(FacetLibrary()))
    lines = (
        Recorded(source, line, event if isinstance(event, bytes) else json.dumps(event).encode())
        for line, event in enumerate(events, 1)
    )
    return CheckReport(check, check.check(lines))


def log_of(events: Sequence[Any], source: str = "events.ndjson") -> dict[str, Any]:
    return sarif(judged(events, source).places())


def results_of(log: dict[str, Any]) -> list[dict[str, Any]]:
    (run,) = log["runs"]
    results: list[dict[str, Any]] = run["results"]
    return results


def uri_of(result: dict[str, Any]) -> str:
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def everything(job: str = "load", run_id: str | None = None, day: str = "2026-11-01") -> list[Any]:
    """A recording with findings of all families: events, a broken line, a run that never ends, datasets that miss."""
    run = {"runId": run_id or str(uuid4()), "facets": {}}
    one, other = (dataset(f"shop.public.{name}", schema=schema()) for name in ("orders", "ORDERS"))
    start = run_event("START", run=run, job={"namespace": "prod", "name": job, "facets": {}}, outputs=[one])
    return [
        {**start, "eventTime": f"{day}T12:00:00Z"},
        b"{broken",
        {**start, "eventType": "RUNNING", "eventTime": f"{day}T12:00:01Z", "inputs": [other], "outputs": []},
        {**start, "eventType": "RUNNING", "eventTime": "noon"},
    ]


# The standard's own schema, and what GitHub asks for beyond it.


def check_results(log: dict[str, Any]) -> None:
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    for rule in rules:
        texts = [rule[name]["text"] for name in ("shortDescription", "fullDescription", "help")]
        assert all(texts)
        assert max(map(len, texts[:2])) <= 1024
    fingerprints = set()
    for result in results_of(log):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        parts = urlsplit(uri_of(result))
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
        assert re.fullmatch(r"([\w.~/-]|%[0-9A-F]{2})+", uri_of(result), re.ASCII)
        assert not uri_of(result).startswith("/")
        assert result["message"]["text"]
        fingerprints.add(result["partialFingerprints"]["primaryLocationLineHash"])
    assert len(fingerprints) == len(results_of(log))


def test_a_log_is_valid_and_has_what_code_scanning_asks_for(published: jsonschema_rs.Draft7Validator) -> None:
    log = log_of(everything())
    published.validate(log)
    check_results(log)
    assert {result["ruleId"][:2] for result in results_of(log)} >= {"HT", "OL", "DD", "RC", "DS"}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_log_is_valid_whatever_recordings_hold(published: jsonschema_rs.Draft7Validator, text: str) -> None:
    events = [
        run_event("START", producer=text, job={"namespace": text, "name": text, "facets": {}}),
        run_event("START", run={"runId": text, "facets": {text: text}}),
    ]
    log = json.loads(json.dumps(log_of(events, text)))
    published.validate(log)
    check_results(log)


def test_the_schema_refuses_what_is_none(published: jsonschema_rs.Draft7Validator) -> None:
    log = log_of(everything())
    results_of(log)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "with space|and bar"
    with pytest.raises(jsonschema_rs.ValidationError, match="uri-reference"):
        published.validate(log)


# Places.


def test_findings_on_runs_and_datasets_are_at_the_event_where_they_show() -> None:
    lines = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in results_of(log_of(everything()))
    }
    assert lines["RC102"] == 4, "the last event of the run that never ended"
    assert lines["DS101"] == 3, "the last event with the dataset that would not join"
    assert lines["HT201"] == 2


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        ("events.ndjson", "events.ndjson"),
        ("a folder/50%/ü#1?.ndjson", "a%20folder/50%25/%C3%BC%231%3F.ndjson"),
        ("c:drive.ndjson", "c%3Adrive.ndjson"),
        ("./sub/../events.ndjson", "events.ndjson"),
        (STANDARD_INPUT, "stdin"),
    ],
)
def test_a_file_is_named_from_the_working_directory(
    source: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in (source, str(tmp_path / source) if source != STANDARD_INPUT else source):
        log = sarif([Place(found(), given, 3)])
        location = results_of(log)[0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location == {"uri": uri}
        assert "originalUriBaseIds" not in log["runs"][0]


def test_a_file_elsewhere_is_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    elsewhere = tmp_path / "else where.ndjson"
    for source in (str(elsewhere), "../else where.ndjson"):
        log = sarif([Place(found(), source, 3)])
        location = results_of(log)[0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert (location["uriBaseId"], unquote(location["uri"])) == ("ROOT", str(elsewhere).lstrip("/"))
        assert log["runs"][0]["originalUriBaseIds"]["ROOT"]["uri"] + location["uri"] == elsewhere.as_uri()


def test_a_link_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real.ndjson").touch()
    (tmp_path / "link.ndjson").symlink_to("real.ndjson")
    assert uri_of(results_of(sarif([Place(found(), "link.ndjson", 1)]))[0]) == "real.ndjson"


def test_standard_input_of_the_command_is_an_artifact(published: jsonschema_rs.Draft7Validator, tmp_path: Path) -> None:
    lines = b"\n".join(json.dumps(event).encode() for event in everything() if not isinstance(event, bytes))
    done = mock_intake("check", "-", "--format", "sarif", stdin=lines)
    log = json.loads(done.stdout)
    published.validate(log)
    assert {uri_of(result) for result in results_of(log)} == {"stdin"}


# From one run to the next.


def fingerprints(events: Sequence[Any], source: str = "events.ndjson") -> list[tuple[str, str]]:
    results = results_of(log_of(events, source))
    return sorted((one["ruleId"], one["partialFingerprints"]["primaryLocationLineHash"]) for one in results)


def test_fingerprints_stay_when_ids_times_and_lines_are_others() -> None:
    first, second = everything(day="2026-11-01"), everything(day="2026-11-02")
    assert fingerprints(first) == fingerprints(second, "elsewhere/other.ndjson")
    run = {"runId": str(uuid4()), "facets": {}}
    fine = [run_event(kind, run=run) for kind in ("START", "COMPLETE")]
    assert fingerprints(first) == fingerprints([*fine, *second])


def test_fingerprints_tell_apart_what_is_something_else() -> None:
    assert not set(fingerprints(everything()[:1])) & set(fingerprints(everything("another")[:1]))


def test_what_is_alike_is_counted() -> None:
    event = everything()[0]
    later = {**event, "eventTime": "2026-11-01T13:00:00Z"}
    of_rule = [text.partition(":") for code, text in fingerprints([event, later]) if code == "DD101"]
    assert [(digest == of_rule[0][0], number) for digest, _, number in of_rule] == [(True, "1"), (True, "2")]


# Limits.


def many(severities: Sequence[Severity]) -> Iterator[Place]:
    for number in range(MOST_RESULTS * 2):
        yield Place(found(severities[number % len(severities)], pointer=f"/{number}"), "f.ndjson", number + 1)


def test_of_too_many_the_most_severe_are_there_and_one_counts_the_rest(
    published: jsonschema_rs.Draft7Validator,
) -> None:
    log = sarif(many([Severity.INFO, Severity.WARNING, Severity.INFO, Severity.ERROR]))
    published.validate(log)
    check_results(log)
    results = results_of(log)
    assert len(results) == MOST_RESULTS
    *kept, rest = results
    errors, warnings = MOST_RESULTS * 2 // 4, MOST_RESULTS // 2 - 1
    assert [result["level"] for result in kept] == ["error"] * errors + ["warning"] * warnings
    left = MOST_RESULTS * 2 - len(kept)
    assert (rest["level"], rest["message"]["text"].split()[0]) == ("warning", f"{left:,}")


def test_what_there_is_room_for_stays_in_its_order() -> None:
    places = [Place(found(severity), "f.ndjson", line) for line, severity in enumerate(Severity, 1)]
    fitting = [*places, *([places[0]] * (MOST_RESULTS - len(places)))]
    results = results_of(sarif(fitting))
    assert [result["level"] for result in results][:3] == ["note", "warning", "error"]
    assert len(results) == MOST_RESULTS
    assert len(results_of(sarif([*fitting, places[2]]))) == MOST_RESULTS


def test_a_rule_says_how_sure_it_is() -> None:
    rules = {rule["id"]: rule for rule in log_of(everything())["runs"][0]["tool"]["driver"]["rules"]}
    assert rules["DD101"]["properties"] == {"precision": "high", "problem.severity": "error", "tags": ["event"]}
    assert {code: rule["name"] for code, rule in rules.items()} == {code: RULES[code].name for code in rules}


def test_a_rule_that_is_not_installed_is_described_all_the_same(published: jsonschema_rs.Draft7Validator) -> None:
    log = sarif([Place(found(code="ACME001"), "f.ndjson", 1)])
    published.validate(log)
    check_results(log)


def test_a_dataset_that_only_symlinks_name_is_found_somewhere() -> None:
    """What symlinks join goes by one of their names, which no event may have as its dataset's."""
    links = {
        **base("SymlinksDatasetFacet", "1-0-1"),
        "identifiers": [{"namespace": "postgres://db:5432", "name": "shop.public.ORDERS", "type": "TABLE"}],
    }
    of_file = {"namespace": "s3://lake", "name": "orders", "facets": {"symlinks": links}}
    run = {"runId": str(uuid4()), "facets": {}}
    events = [
        run_event("START", run=run, inputs=[dataset("shop.public.orders", schema=schema())]),
        run_event("COMPLETE", run=run, outputs=[of_file]),
    ]
    lines = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in results_of(log_of(events))
    }
    assert lines["DS101"] == 2


def test_a_report_on_what_was_received_is_valid_and_tells_its_notes(published: jsonschema_rs.Draft7Validator) -> None:
    entry = Entry("event", "1", "START a", Status.ERROR, (found(),), {"test": "tests/test_it.py::test_a"}, "START a")
    report = Report("all tests", datetime.now(UTC), [entry], ["mind this"])
    log = json.loads(of_report(report))
    published.validate(log)
    check_results(log)
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is True
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == ["mind this"]


# Of a producer's way through the suite.


def suite_log(report: SuiteReport) -> dict[str, Any]:
    log: dict[str, Any] = json.loads("".join(rendered(Kind.SUITE, "sarif", report)))
    return log


def test_a_suite_tells_each_case_that_failed_and_is_valid(
    published: jsonschema_rs.Draft7Validator, recorded: Requests
) -> None:
    for name, report in samples(recorded).items():
        log = suite_log(report)
        published.validate(log)
        check_results(log)
        assert len(results_of(log)) == len(troubles(report)), name
    results = {one["ruleId"]: one for one in results_of(suite_log(samples(recorded)["not ready"]))}
    assert {case: one["level"] for case, one in results.items()} == {
        "content/no-error": "error",
        "resilience/503-once": "warning",
        "security/untrusted": "error",
    }
    assert "Advice: What to do about no-error." in results["content/no-error"]["message"]["text"]
    (invocation,) = suite_log(samples(recorded)["not ready"])["runs"][0]["invocations"]
    assert [told["message"]["text"] for told in invocation["toolExecutionNotifications"]] == [
        "The clock of this machine was set back.",
        "Not ready to go live: 1 required case failed, 1 required case could not be judged.",
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_suite_is_valid_whatever_a_producer_sends(published: jsonschema_rs.Draft7Validator, text: str) -> None:
    log = suite_log(hostile(text))
    published.validate(log)
    check_results(log)


def test_what_a_baseline_accepts_is_suppressed(recorded: Requests) -> None:
    results = results_of(suite_log(samples(recorded)["accepted"]))
    assert [one["suppressions"][0]["justification"] for one in results] == ["baseline.toml: known since May"] * 3


def test_a_case_is_told_at_the_file_that_its_producer_was_started_from(
    recorded: Requests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my job.py").touch()
    results = every_verdict(recorded)
    for words, uri in (
        (["python", "my job.py", "--once"], "my%20job.py"),
        (["python", str(tmp_path / "my job.py")], "my%20job.py"),
        (["/usr/bin/env", "dbt-ol", "run"], "producer"),
        (["x" * 5_000, "a\0b"], "producer"),
    ):
        one = ProducerReport("job", "http", results, [execution(recorded, command=words)])
        assert {uri_of(result) for result in results_of(suite_log(suite(one)))} == {uri}, words
