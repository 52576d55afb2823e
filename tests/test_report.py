"""Reports from a journal or a server: for people and for CI, in every format, whatever events hold."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from junitparser import Failure, JUnitXml, TestCase

from mock_intake import IntakeServer
from mock_intake.cli.report import report as command
from mock_intake.journal import ExchangeFilter, MemoryJournal, Page
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Severity
from mock_intake.report.formats import Kind, formats, suffixes
from mock_intake.report.graph import MOST_NODES
from mock_intake.report.model import Report, from_journal
from mock_intake.report.rendering import style
from mock_intake.report.report_html import to_html
from mock_intake.report.report_junit import to_junit
from mock_intake.views import Views
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, run_command
from tests.control.content import HTTP, ORG, OTHER_ORG, api, fill, id_of, run_of, send
from tests.events import dataset, run_event
from tests.journals import exchange
from tests.report.hostile import Elements

FORMATS = formats(Kind.REPORT)
Made = subprocess.CompletedProcess


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeServer]:
    journal = SqliteJournal(tmp_path_factory.mktemp("recorded") / "events.db")
    with IntakeServer(journal=journal) as server:
        fill(server)
        yield server
    journal.close()


def report_of(server: IntakeServer, org: str | None = None) -> Report:
    return from_journal(server.journal, Views(server.journal), org)


def made(source: str | Path, *options: str | Path) -> Made[str]:
    """Runs the command in this process: a process for each of so many runs would take minutes."""
    arguments = [str(source), *map(str, options)]
    done = CliRunner(env={"MOCK_INTAKE_CONTROL_TOKEN": None}).invoke(command, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return Made(arguments, done.exit_code, done.stdout_bytes.decode(), done.stderr)


def as_data(source: str | Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = made(source, "--format", "json", *options)
    return done.returncode, json.loads(done.stdout)


# From where, to where.


def test_a_server_and_its_file_give_the_same_report(recorded: IntakeServer) -> None:
    assert isinstance(recorded.journal, SqliteJournal)
    (_, one), (_, other) = as_data(recorded.url), as_data(recorded.journal.file)
    statistics = HTTP.get(api(recorded, "/statistics")).json()
    assert one["entries"] == other["entries"]
    assert one["summary"] == other["summary"]
    assert one["summary"] == {
        "events": statistics["events"],
        **statistics["statuses"],
        "refused": statistics["refused"],
        "runs": len(HTTP.get(api(recorded, "/runs?limit=1000")).json()["runs"]),
    }


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("r.json", "{"),
        ("r.xml", "<?xml"),
        ("r.md", "# "),
        ("r.html", "<!doctype html>"),
        ("r.txt", "mock-intake report on"),
    ],
)
def test_the_suffix_of_the_output_says_the_format_and_it_is_printed_too(
    recorded: IntakeServer, tmp_path: Path, name: str, begins: str
) -> None:
    done = made(recorded.url, "-o", tmp_path / name)
    assert done.returncode == 1
    assert done.stdout.startswith("mock-intake report on")
    assert f"Report written to {tmp_path / name}" in done.stderr
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_an_asked_for_format_is_that_of_what_is_printed(recorded: IntakeServer, tmp_path: Path) -> None:
    done = made(recorded.url, "--format", "junit", "-o", tmp_path / "report.md")
    assert done.stdout.startswith("<?xml")
    assert (tmp_path / "report.md").read_text().startswith("# ")


def test_what_cannot_be_read_or_written_is_unusable(recorded: IntakeServer, tmp_path: Path) -> None:
    for arguments in (
        (tmp_path / "missing.db",),
        ("http://127.0.0.1:9",),
        (recorded.url, "-o", tmp_path / "no" / "folder.html"),
        (recorded.url, "--format", "pdf"),
        (recorded.url, "--select", "XX999"),
    ):
        done = made(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Error: " in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output_format", FORMATS)
def test_an_output_that_knows_ascii_only_gets_the_report(recorded: IntakeServer, output_format: str) -> None:
    done = run_command(
        [MOCK_INTAKE, "report", recorded.url, "--format", output_format],
        capture_output=True,
        env=clean_environment(PYTHONIOENCODING="ascii", LC_ALL="C"),
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(rb"Exit code 1: \d+ findings of level error \([A-Z0-9, ]+\)\.\n", done.stderr)
    assert len(done.stdout.decode("utf-8")) > 1_000


# What counts.


@pytest.fixture
def levels(server: IntakeServer) -> dict[str, str]:
    """Orgs by the worst that there is to say of them."""
    keys = {name: f"{number:032x}" for number, name in enumerate(("clean", "info", "warning", "error", "refused"), 1)}
    send(server, run_of("clean", "START"), key=keys["clean"])
    send(server, run_of("clean", "RUNNING"), key=keys["clean"])
    send(server, run_of("clean", "ABORT"), key=keys["info"])
    send(server, run_of("info", "START"), key=keys["warning"])  # never ends
    send(server, run_event("RUNNING", job={"namespace": "a", "name": "b"}), key=keys["error"])
    send(server, run_of("clean", "START"), key=keys["refused"])
    send(server, b"no JSON", key=keys["refused"])
    orgs = HTTP.get(api(server, "/orgs")).json()["orgs"][::-1]
    return dict(zip(keys, (org["org"] for org in orgs), strict=True))


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("warning", {"error": 0, "warning": 1, "info": 1, "never": 0}),
        ("error", {"error": 1, "warning": 1, "info": 1, "never": 0}),
        ("refused", {"error": 1, "never": 0}),
        ("nobody", {"error": 1, "warning": 1, "never": 1}),
    ],
)
def test_the_exit_code_is_what_fail_on_asks_for(
    server: IntakeServer, levels: dict[str, str], name: str, codes: dict[str, int]
) -> None:
    org = levels.get(name, name)
    found = {level: made(server.url, "--org", org, "--fail-on", level).returncode for level in codes}
    assert found == codes


def test_the_reason_of_the_exit_code_is_said(server: IntakeServer) -> None:
    assert made(server.url).stderr == "Exit code 1: no event was received, so nothing was judged.\n"
    send(server, run_event("START", eventTime="noon", job={"namespace": "a", "name": "b"}))
    assert made(server.url).stderr == "Exit code 1: 2 findings of level error (DD101, OL007).\n"
    said = made(server.url, "--fail-on", "warning", "--select", "DD101,RC102").stderr
    assert said == "Exit code 1: 2 findings of level warning or above (DD101, RC102).\n"
    assert (
        made(server.url, "--fail-on", "never").stderr
        == "Exit code 0: --fail-on never, whatever was found in 1 event.\n"
    )
    none = made(server.url, "--select", "RC102").stderr
    assert none == "Exit code 0: no finding of level error in 1 event.\n"


def test_infos_are_for_those_who_ask(server: IntakeServer) -> None:
    send(server, run_of("one", "START"))
    send(server, run_of("one", "ABORT"))
    code, report = as_data(server.url, "--fail-on", "warning")
    severities = {finding["severity"] for entry in report["entries"] for finding in entry["findings"]}
    assert (code, severities) == (0, {"info"})
    assert made(server.url, "--fail-on", "info").returncode == 1
    assert made(server.url).returncode == 0


def test_what_is_missing_is_said_and_what_a_fault_did_is_not(server: IntakeServer) -> None:
    HTTP.put(api(server, "/faults"), json=[503])
    send(server, run_of("one", "START"))
    send(server, run_of("one", "START"))
    HTTP.put(api(server, "/faults"), json=[200])
    send(server, b"no JSON")
    entries = as_data(server.url)[1]["entries"]
    kinds = {(entry["kind"], entry["title"].split()[0]): entry for entry in entries}
    assert [finding["code"] for finding in kinds["run", "run"]["findings"]] == ["RC102"]
    assert kinds["run", "run"]["facts"]["state"] != "COMPLETE"
    assert kinds["event", "START"]["facts"]["attempts"] == 2
    faulted, refused = (entry for entry in entries if entry["kind"] == "request")
    assert (faulted["facts"]["fault"], faulted["facts"]["status_code"], faulted["findings"]) == ("503", 503, [])
    # A fault step that says "as usual" has refused nothing.
    assert (refused["facts"]["fault"], refused["status"]) == ("200", "error")


def test_rules_are_selected_and_ignored(recorded: IntakeServer, tmp_path: Path) -> None:
    def codes(*options: str | Path) -> set[str]:
        _, report = as_data(recorded.url, *map(str, options))
        return {finding["code"] for entry in report["entries"] for finding in entry["findings"]}

    every = codes()
    assert {code[:2] for code in every} == {"HT", "OL", "DD", "RC", "DS"}
    assert codes("--ignore", "OL,HT", "--ignore", "RC102") == {
        code for code in every if code[:2] not in ("OL", "HT") and code != "RC102"
    }
    assert codes("--select", "RC") == {code for code in every if code.startswith("RC")}
    (tmp_path / "settings.toml").write_text("[tool.mock-intake]\nselect = ['DS']\n")
    assert codes("--config", tmp_path / "settings.toml") == {code for code in every if code.startswith("DS")}
    assert made(recorded.url, "--select", "DS").returncode == 0


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_events_are_no_pass_and_say_so(server: IntakeServer, output_format: str) -> None:
    send(server, b"no JSON")
    done = made(server.url, "--format", output_format, "--fail-on", "never")
    assert done.returncode == 1
    assert "No event was received" in done.stdout.replace("\\", "")


@pytest.mark.parametrize("output_format", FORMATS)
def test_what_retention_dropped_is_noted(tmp_path: Path, output_format: str) -> None:
    journal = SqliteJournal(tmp_path / "j.db", retention=Retention(exchanges=2))
    with IntakeServer(journal=journal) as server:
        for name in "abcde":
            send(server, run_of(name))
        for place in (server.url, tmp_path / "j.db"):
            done = made(place, "--format", output_format)
            assert done.stdout.count("dropped 3 exchanges") == 1
    journal.close()


# JUnit.


def junit(text: str) -> JUnitXml:
    return JUnitXml.fromstring(text.encode())


def test_junit_has_a_case_for_all_that_was_judged(recorded: IntakeServer) -> None:
    report = report_of(recorded)
    suites = {suite.name: suite for suite in junit(to_junit(report))}
    kinds = {"events": "event", "refused requests": "request", "runs": "run", "datasets": "datasets"}
    assert list(suites) == list(kinds)
    for name, kind in kinds.items():
        entries = [entry for entry in report.entries if entry.kind == kind]
        cases: list[TestCase] = list(suites[name])
        failed = [case for case in cases if case.result]
        assert (suites[name].tests, suites[name].failures, suites[name].errors) == (len(entries), len(failed), 0)
        assert [bool(case.result) for case in cases] == [
            any(finding.severity is Severity.ERROR for finding in entry.findings) for entry in entries
        ]
        assert len({case.name for case in cases}) == len(cases)
        for case, entry in zip(cases, entries, strict=True):
            told = "".join([*(result.text or "" for result in case.result), case.system_out or ""])
            assert all(finding.code in told for finding in entry.findings)


def test_junit_of_nothing_fails(server: IntakeServer) -> None:
    (suite,) = junit(to_junit(report_of(server)))
    (case,) = suite
    assert (suite.name, suite.tests, suite.failures) == ("events", 1, 1)
    (failure,) = case.result
    assert isinstance(failure, Failure)
    assert failure.message == "no event was received"


def test_junit_names_are_the_same_in_the_next_build(server: IntakeServer) -> None:
    """By what it is about, kind and number: ids and times, which are others each time, stand in the output."""

    def build() -> list[tuple[str | None, str | None]]:
        HTTP.delete(api(server, "/exchanges"))
        ids = [str(uuid4()), str(uuid4())]
        for run_id in ids:
            send(server, run_event("START", run={"runId": run_id}, job={"namespace": "prod", "name": "load"}))
        send(server, b"no JSON")
        cases = [case for suite in junit(to_junit(report_of(server))) for case in suite]
        for case, run_id in zip(cases[:2], ids, strict=True):
            assert run_id in (case.system_out or "")
        return [(case.classname, case.name) for case in cases]

    first = build()
    assert first == [
        ("events", "START prod/load"),
        ("events", "START prod/load #2"),
        ("refused requests", "POST /api/v1/lineage"),
        ("runs", "run of prod/load"),
        ("runs", "run of prod/load #2"),
    ]
    assert build() == first


def test_junit_tells_the_notes(server: IntakeServer) -> None:
    send(server, run_of("one"))
    (suite, *_) = junit(to_junit(report_of(server).with_note("mind <this>")))
    assert [(note.name, note.value) for note in suite.properties()] == [  # type: ignore[no-untyped-call]
        ("note", "mind <this>")
    ]


# Whatever events hold.
def test_a_page_may_load_and_run_nothing(recorded: IntakeServer) -> None:
    page = Elements(made(recorded.url, "--format", "html").stdout)
    policies = [attributes["content"] for tag, attributes in page.elements if attributes.get("http-equiv")]
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert [tag for tag, _ in page.elements].count("style") == 1
    assert style() in page.text
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "video", "audio"}
    assert not tags & {"use", "image", "foreignobject", "animate", "set"}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "job of <script>" in page.text
    for tag, attributes in page.elements:
        assert tag != "a" or str(attributes["href"]).startswith(("https://", "#"))


def test_what_is_printed_steers_no_terminal(server: IntakeServer) -> None:
    event = run_of("one")
    event["job"]["name"] = "x\x1b]0;owned\x07"
    send(server, event)
    for output_format in FORMATS:
        out = made(server.url, "--format", output_format).stdout
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out) is None
        assert "owned" in out


def test_the_groups_tell_where_and_how_often(server: IntakeServer) -> None:
    for number in range(7):
        send(server, run_event("RUNNING", job={"namespace": "a", "name": f"job {number}"}))
    text = made(server.url, "--select", "DD101").stdout
    assert "DD101 error, 7 times" in text
    assert "  in RUNNING job 0, at /job\n" in text
    assert "  and 2 more\n" in text
    assert text.splitlines()[-1] == "7 events: 0 ok, 0 warning, 7 error; 0 requests refused; 1 run"


def test_what_was_expected_and_what_was_there_is_told(server: IntakeServer) -> None:
    for number, name in enumerate(("one", "two", "three")):
        time = "noon" if number == 2 else f"2026-11-01T12:00:0{number}Z"
        send(server, run_event("RUNNING", job={"namespace": "a", "name": name}, eventTime=time))
    expected = "job.facets.jobType with processingType, integration and jobType"
    text = made(server.url, "--select", "DD101,OL007").stdout
    (group,) = re.findall(r"DD101 error, 3 times: .*?\n  advice: ", text, re.DOTALL)
    # Once, where it is the same for all.
    assert group.count(f"  expected: {expected}\n  actual:   facets: none\n") == group.count("expected: ") == 1
    page = made(server.url, "--format", "html", "--select", "DD101,OL007").stdout
    assert page.count(f"<dl><dt>Expected</dt><dd>{expected}</dd><dt>Actual</dt><dd>facets: none</dd><dt>Why</dt>") == 1
    assert "</strong>, 3 times: the job has no jobType facet" in page
    assert "</strong>: eventTime is no RFC 3339 date-time</h3>" in page
    assert "OL007 error: eventTime is no RFC 3339 date-time\n" in text
    assert f"- expected: {expected}\n  - actual: facets: none\n" in made(server.url, "--format", "markdown").stdout


def test_a_report_of_an_org_holds_nothing_of_others(recorded: IntakeServer) -> None:
    summary = as_data(recorded.url, "--org", OTHER_ORG)[1]["summary"]
    assert (summary["events"], summary["runs"], summary["refused"]) == (1, 1, 0)
    whole = report_of(recorded, ORG).summary()
    assert whole["events"] > 10


def test_no_report_of_a_memory_journal_differs(server: IntakeServer) -> None:
    """The same record, the same report, whatever kept it."""
    fill(server)
    copied = MemoryJournal()
    copied.append([exchange for _, exchange in server.journal.read(0, 1_000)])
    one, other = report_of(server), from_journal(copied, Views(copied))
    assert (list(one.entries), one.notes) == (list(other.entries), other.notes)
    assert any(entry.key == f"{ORG}/{id_of('first')}" for entry in one.entries)


# The drawing.


def drawn(page: str) -> list[tuple[str, str]]:
    """What is drawn: elements with their classes."""
    return [(tag, attributes.get("class") or "") for tag, attributes in Elements(page).elements]


def test_a_page_draws_the_lineage_of_a_file_and_of_a_server(recorded: IntakeServer) -> None:
    assert isinstance(recorded.journal, SqliteJournal)
    one, other = (made(source, "--format", "html").stdout for source in (recorded.url, recorded.journal.file))
    assert drawn(one) == drawn(other)
    assert [what for what in drawn(one) if what == ("path", "near-miss")] == [("path", "near-miss")]
    assert ("g", "node dataset unsurfaced") in drawn(one)
    assert "dataset, DD201 in nowhere" in one
    assert one.count("<svg") == one.count("<h3>Org ") > 1
    mine = made(recorded.url, "--format", "html", "--org", OTHER_ORG).stdout
    assert mine.count("<svg") == 1
    assert "<h3>Org" not in mine


def test_only_what_is_drawn_is_read_from_bodies(recorded: IntakeServer) -> None:
    assert report_of(recorded).lineage is None
    assert "<h2>Lineage" not in to_html(report_of(recorded))


def test_what_is_too_much_to_be_drawn_is_told_and_listed(server: IntakeServer) -> None:
    send(server, run_of("one", inputs=[dataset(f"shop.public.t{number}") for number in range(MOST_NODES)]))
    page = made(server.url, "--format", "html").stdout
    assert f"1 job, {MOST_NODES} datasets, {MOST_NODES} edges: too many to be drawn" in page
    assert "<svg" not in page
    assert f"/ shop.public.t{MOST_NODES - 1}</li>" in page


def test_of_many_orgs_some_are_drawn(recorded: IntakeServer) -> None:
    [one] = from_journal(recorded.journal, Views(recorded.journal), OTHER_ORG, with_lineage=True).lineage or ()
    page = to_html(Report("many", datetime.now(UTC), [], lineage=[one._replace(org=str(n)) for n in range(52)]))
    assert page.count("<svg") == 50
    assert "2 more orgs: --org makes the report of one." in page


def test_a_page_without_lineage_says_so(server: IntakeServer) -> None:
    send(server, b"no JSON")
    assert "No lineage: no accepted event" in made(server.url, "--format", "html").stdout


def test_a_suffix_that_is_no_format_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = mock_intake("report", tmp_path / "missing.db", "-o", tmp_path / "report.pdf")
    assert done.returncode == 2
    assert f"the suffix is one of {suffixes(FORMATS.values())}." in done.stderr


class Watched(MemoryJournal):
    """Notes the exchanges that are listed, which are read in full."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[Exchange] = []

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        page = super().exchanges(which, limit, before)
        self.listed += page.items
        return page


def test_only_what_was_refused_is_read_for_the_requests_of_a_report() -> None:
    journal = Watched()
    taken = [exchange(f"taken-{number}") for number in range(1200)]
    refused = [exchange(f"refused-{number}", accepted=False) for number in range(3)]
    journal.append([*taken[:600], refused[0], *taken[600:], *refused[1:]])
    report = from_journal(journal, Views(journal))
    assert [entry.key for entry in report.entries if entry.kind == "request"] == [each.id for each in refused]
    assert [*reversed(journal.listed)] == refused
