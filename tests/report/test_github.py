"""Annotations of GitHub, and several outputs of one run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from junitparser import JUnitXml

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.report.formats import Kind, rendered
from mock_intake.report.model import Entry, Report
from mock_intake.report.sarif import of_report
from tests.control.content import send
from tests.events import run_event
from tests.report.samples import Recorded, samples
from tests.test_report import report_of

NO_FACET = {"namespace": "prod", "name": "a:b,c%d", "facets": {}}
FINDING = Finding(
    "DD101", Severity.ERROR, "event", "/job", "the message", None, None, "do it", "https://a.example", Sureness.SOURCE
)
OF_A_TEST = Entry(
    "event", "1", "START one", Status.ERROR, (FINDING,), {"test": "tests/test_it.py::test_one[a]"}, "START one"
)


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"MOCK_INTAKE_CONTROL_TOKEN": None}).invoke(main, [str(one) for one in arguments])


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    events = [run_event(kind, job=NO_FACET) for kind in ("START", "RUNNING", "COMPLETE")]
    file = tmp_path / "a,b.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def test_what_a_rule_says_alike_is_one_annotation_at_its_first_line(recording: Path) -> None:
    (line,) = run("check", recording, "--format", "github").stdout.splitlines()
    head, _, text = line.removeprefix("::").partition("::")
    assert head == "error file=a%2Cb.ndjson,line=1,title=DD101 START prod/a%3Ab%2Cc%25d"
    assert text.startswith("DD101 error, 3 times: the job has no jobType facet")
    assert "%0A  advice:   Add job.facets.jobType" in text


def test_a_finding_of_a_test_is_at_the_file_of_the_test() -> None:
    report = Report("all tests", datetime.now(UTC), [OF_A_TEST], ["mind this"])
    annotation, note = "".join(rendered(Kind.REPORT, "github", report)).splitlines()
    assert annotation.startswith("::error file=tests/test_it.py,line=1,title=DD101 START one::DD101 error: the message")
    assert note == "::notice title=mock-intake::mind this"
    (result,) = json.loads(of_report(report))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "tests/test_it.py"}


def test_what_was_received_is_in_no_file(server: IntakeServer) -> None:
    send(server, run_event("START", job=NO_FACET))
    annotation = "".join(rendered(Kind.REPORT, "github", report_of(server))).splitlines()[0]
    assert annotation.startswith("::error title=DD101 START prod/a%3Ab%2Cc%25d::")
    results = json.loads(of_report(report_of(server)))["runs"][0]["results"]
    assert {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results} == {"journal"}


def test_a_case_that_keeps_from_going_live_is_an_error_and_the_verdict_a_notice(recorded: Recorded) -> None:
    *cases, verdict = "".join(rendered(Kind.SUITE, "github", samples(recorded)["not ready"])).splitlines()
    assert verdict.startswith("::notice title=")
    assert verdict.endswith("1 required case could not be judged.")
    levels = {case.partition("title=")[2].partition(" ")[0]: case[2:].partition(" ")[0] for case in cases}
    assert levels["content/no-error"] == "error"
    assert set(levels.values()) == {"error", "warning", "notice"}
    assert any(case.endswith("The clock of this machine was set back.") for case in cases), "notes are told"


def test_several_outputs_are_written_from_one_run(recording: Path, tmp_path: Path) -> None:
    names = ["r.json", "r.sarif", "r.xml", "r.md", "r.html", "r.txt", "r.annotations"]
    done = run("check", recording, *(part for name in names for part in ("-o", name)))
    assert done.exit_code == 1
    assert done.stdout == (tmp_path / "r.txt").read_text()
    assert done.stderr.splitlines() == [f"Report written to {name}" for name in names]
    assert json.loads((tmp_path / "r.json").read_text())["summary"]["events"] == 3
    assert len(json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]) == 3
    suites = {suite.name: (suite.tests, suite.failures) for suite in JUnitXml.fromfile(str(tmp_path / "r.xml"))}
    assert suites == {"events": (3, 3), "runs": (1, 0)}
    assert "DD101" in (tmp_path / "r.md").read_text()
    assert "<h3><code>DD101</code>" in (tmp_path / "r.html").read_text()


def test_a_baseline_holds_for_every_output(recording: Path, tmp_path: Path) -> None:
    run("check", recording, "--baseline", "b.toml", "--write-baseline")
    done = run("check", recording, "--baseline", "b.toml", "-o", "r.xml", "-o", "r.annotations", "-o", "r.txt")
    assert (done.exit_code, (tmp_path / "r.annotations").read_text()) == (0, "")
    assert "3 findings accepted by b.toml" in (tmp_path / "r.txt").read_text()
    assert [suite.failures for suite in JUnitXml.fromfile(str(tmp_path / "r.xml"))] == [0, 0]


@pytest.mark.parametrize(("output", "words"), [("r.pdf", "the suffix is one of"), ("no/r.xml", "no directory no")])
def test_an_output_that_cannot_be_is_told_before_anything_is_read(recording: Path, output: str, words: str) -> None:
    done = run("check", recording, "-o", output)
    assert (done.exit_code, done.stdout, words in done.stderr) == (2, "", True)


def test_a_report_has_several_outputs_too(server: IntakeServer, tmp_path: Path) -> None:
    send(server, run_event("START"))
    done = run("report", server.url, "-o", tmp_path / "r.xml", "-o", tmp_path / "r.html")
    assert done.exit_code == 0
    assert "RC102 warning" in done.stdout  # printed too
    assert (tmp_path / "r.xml").read_text().startswith("<?xml")
    assert '<h2 id="lineage-heading">Lineage</h2>' in (tmp_path / "r.html").read_text()
