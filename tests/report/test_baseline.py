"""Baselines of findings: what is known and accepted fails no longer, what is new does, stale entries are told."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from junitparser import JUnitXml

from mock_intake import IntakeServer
from mock_intake.cli.main import main
from mock_intake.model.findings import Finding, Severity, Sureness
from mock_intake.report.baseline import FINDINGS_HEAD, Baseline, key_of, read_findings_baseline, write_baseline
from mock_intake.report.places import Place
from tests.control.content import send
from tests.events import dataset, run_event, schema

KNOWN = "DD101 START prod/load at /job/facets"


def run(*arguments: str | Path) -> Result:
    """A command in this process, exit code and both outputs as a user has them."""
    return CliRunner(env={"MOCK_INTAKE_CONTROL_TOKEN": None}).invoke(main, [str(one) for one in arguments])


def written(baseline: Path) -> dict[str, str]:
    accepted: dict[str, str] = tomllib.loads(baseline.read_text(encoding="utf-8"))["accepted"]
    return accepted


def a_run(job: str = "load", *, facets: bool = False, kinds: tuple[str, ...] = ("START", "COMPLETE")) -> list[Any]:
    """Events of a run, without jobType unless it is told to have it."""
    run_id = str(uuid4())
    changes: dict[str, Any] = {} if facets else {"facets": {}}
    made = [run_event(kind, run={"runId": run_id, "facets": {}}) for kind in kinds]
    return [{**event, "job": {**event["job"], "namespace": "prod", "name": job, **changes}} for event in made]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return tmp_path / "events.ndjson"


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    return tmp_path / "accepted.toml"


def record(file: Path, *events: Any) -> Path:
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return file


# check


def test_what_is_written_is_accepted_in_the_next_run_whatever_its_ids_are(recording: Path, baseline: Path) -> None:
    done = run("check", record(recording, *a_run()), "--baseline", baseline, "--write-baseline")
    assert done.exit_code == 0
    assert done.stdout == "2 events: 0 ok, 0 warning, 2 error; 2 findings accepted by accepted.toml\n"
    assert done.stderr == f"2 accepted findings written to {baseline}\n"
    assert list(written(baseline)) == ["DD101 COMPLETE prod/load at /job/facets", KNOWN]
    assert all(reason.startswith("accepted 20") for reason in written(baseline).values())
    done = run("check", record(recording, *a_run(), *a_run()), "--baseline", baseline)
    assert done.exit_code == 0, done.output
    assert "DD101" not in done.stdout
    assert done.stdout.endswith("4 events: 0 ok, 0 warning, 4 error; 4 findings accepted by accepted.toml\n")


def test_what_is_new_fails(recording: Path, baseline: Path) -> None:
    run("check", record(recording, *a_run()), "--baseline", baseline, "--write-baseline")
    done = run("check", record(recording, *a_run(), *a_run("another")), "--baseline", baseline)
    assert done.exit_code == 1
    assert "DD101 error, 2 times" in done.stdout
    assert "2 findings accepted by accepted.toml" in done.stdout


def test_what_is_found_no_more_is_told(recording: Path, baseline: Path) -> None:
    run("check", record(recording, *a_run(), *a_run("another")), "--baseline", baseline, "--write-baseline")
    done = run("check", record(recording, *a_run(facets=True)), "--baseline", baseline)
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        f"note: accepted.toml accepts DD101 {kind} prod/load at /job/facets, which is found no more: take the line out."
        for kind in ("COMPLETE", "START")
    ], "the other job was not judged"


def test_writing_anew_keeps_reasons_and_takes_out_what_is_stale(recording: Path, baseline: Path) -> None:
    baseline.write_text(f'[accepted]\n"{KNOWN}" = "OPS-7"\n"DD101 FAIL prod/load at /job/facets" = "gone"\n')
    events = a_run(kinds=("START", "COMPLETE")), a_run(facets=True, kinds=("START", "FAIL"))
    done = run("check", record(recording, *events[0], *events[1]), "--baseline", baseline, "--update-baseline")
    assert done.exit_code == 0, done.output
    entries = written(baseline)
    assert entries.pop(KNOWN) == "OPS-7"
    assert list(entries) == ["DD101 COMPLETE prod/load at /job/facets"]


def test_only_what_fails_is_written(recording: Path, baseline: Path) -> None:
    record(recording, *a_run(kinds=("START",)))
    run("check", recording, "--baseline", baseline, "--write-baseline")
    assert list(written(baseline)) == [KNOWN]
    run("check", recording, "--baseline", baseline, "--write-baseline", "--fail-on", "warning")
    assert list(written(baseline)) == [KNOWN, "RC102 run of prod/load"]
    assert run("check", recording, "--baseline", baseline, "--fail-on", "warning").exit_code == 0


def test_reports_are_written_beside_a_new_baseline_and_say_what_it_accepts(recording: Path, baseline: Path) -> None:
    """They were not, and nobody was told."""
    file = baseline.with_name("report.json")
    record(recording, *a_run(kinds=("START",)), *a_run("late", facets=True, kinds=("START",)))
    options = ("--baseline", baseline, "--write-baseline", "--format", "json", "-o", file)
    done = run("check", recording, *options)
    assert done.exit_code == 0, done.stderr
    assert f"Report written to {file}\n" in done.stderr
    report = json.loads(file.read_text())
    assert list(report["accepted"]) == list(written(baseline)) == [KNOWN]
    assert [[one["code"] for one in run["findings"]] for run in report["runs"]] == [["RC102"], ["RC102"]]
    assert json.loads(done.stdout) == report
    assert run("check", recording, *options).stdout == done.stdout, "the same from then on"


def test_runs_datasets_and_broken_lines_are_accepted_too(recording: Path, baseline: Path) -> None:
    outputs = [dataset(f"shop.public.{name}", schema=schema()) for name in ("orders", "ORDERS")]
    recording.write_text(json.dumps(run_event("START", outputs=outputs)) + "\n{broken\n")
    options = ("--fail-on", "warning", "--baseline", baseline)
    run("check", recording, *options, "--write-baseline")
    keys = {key.partition(" at ")[0] for key in written(baseline)}
    assert keys >= {
        "HT201 no event",
        "RC102 run of prod/load_orders",
        "DS101 dataset postgres://db:5432/shop.public.ORDERS",
    }
    assert run("check", recording, *options).exit_code == 0
    recording.write_text("".join(json.dumps(event) + "\n" for event in a_run("load_orders", facets=True)))
    told = run("check", recording, *options).stderr
    assert "accepts HT201 no event at body, which is found no more" in told
    assert "accepts RC102 run of prod/load_orders, which" in told
    assert "DS101" not in told, "its dataset was not judged"


@pytest.mark.parametrize("output", ["json", "sarif"])
def test_other_programs_are_told_what_is_accepted(recording: Path, baseline: Path, output: str) -> None:
    baseline.write_text(f'[accepted]\n"{KNOWN}" = "OPS-7"\n')
    done = run("check", record(recording, *a_run()), "--baseline", baseline, "--format", output)
    assert done.exit_code == 1
    made = json.loads(done.stdout)
    if output == "json":
        assert made["accepted"] == {KNOWN: "OPS-7"}
        assert [len(event["findings"]) for event in made["events"]] == [1, 1], "as they were judged"
        return
    suppressed = [result.get("suppressions") for result in made["runs"][0]["results"]]
    assert suppressed == [[{"kind": "external", "justification": "accepted.toml: OPS-7"}], None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[accepted", "accepted.toml: Expected ']'"),
        ("[other]\nx = 1\n", "there is no table or key 'other'"),
        ("[accepted]\nx = 1\n", '[accepted] has lines such as "DD101 START prod/load at /job/facets" = "the reason"'),
        ('[accepted]\n"DD999 START a/b" = "x"\n', "'DD999 START a/b' begins with no rule"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_told(recording: Path, baseline: Path, text: str, words: str) -> None:
    baseline.write_text(text)
    done = run("check", record(recording, *a_run()), "--baseline", baseline)
    assert (done.exit_code, words in done.stderr) == (2, True), done.stderr


def test_a_baseline_that_is_not_there_is_told(recording: Path, baseline: Path) -> None:
    record(recording, *a_run())
    for arguments, words in (
        (("--baseline", baseline), "No such file"),
        (("--write-baseline",), "--write-baseline needs --baseline FILE."),
        (("--baseline", baseline / "x.toml", "--write-baseline"), f"there is no directory {baseline}"),
    ):
        done = run("check", recording, *arguments)
        assert (done.exit_code, words in done.stderr) == (2, True), done.stderr


FULL = """
import resource, sys
from pathlib import Path
from mock_intake.report.baseline import FINDINGS_HEAD, BaselineError, read_findings_baseline, write_baseline
file = Path(sys.argv[1])
baseline = read_findings_baseline(file)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    write_baseline(file, baseline, FINDINGS_HEAD)
except BaselineError as error:
    sys.exit(str(error))
"""


def test_a_baseline_that_there_is_no_room_for_stays_as_it_was(baseline: Path) -> None:
    """It has reasons that people wrote; it was empty then."""
    baseline.write_text(before := f'[accepted]\n"{KNOWN}" = "OPS-7"\n')
    done = subprocess.run([sys.executable, "-c", FULL, baseline], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{baseline}: File too large\n")
    assert baseline.read_text() == before
    assert list(baseline.parent.iterdir()) == [baseline]


def test_a_baseline_that_is_a_link_stays_one(recording: Path, baseline: Path) -> None:
    there = baseline.with_name("shared.toml")
    there.touch()
    baseline.symlink_to(there)
    run("check", record(recording, *a_run()), "--baseline", baseline, "--write-baseline")
    assert baseline.is_symlink()
    assert KNOWN in written(there)


# report


def test_a_report_accepts_what_its_baseline_does(server: IntakeServer, baseline: Path) -> None:
    for event in a_run():
        send(server, event)
    send(server, b"no JSON")
    assert run("report", server.url).exit_code == 1
    done = run("report", server.url, "--baseline", baseline, "--write-baseline")
    assert (done.exit_code, done.stderr) == (
        0,
        f"3 accepted findings written to {baseline}\nExit code 0: no finding of level error in 2 events.\n",
    )
    assert "note: 3 findings accepted by accepted.toml: known, and no failure.\n" in done.stdout
    assert list(written(baseline)) == [
        "DD101 COMPLETE prod/load at /job/facets", KNOWN, "HT201 POST /api/v1/lineage at body",
    ]  # fmt: skip
    junit = JUnitXml.fromstring(run("report", server.url, "--baseline", baseline, "--format", "junit").stdout.encode())
    assert [case.result for suite in junit for case in suite] == [[]] * 4
    assert any("accepted: DD101 the job has no jobType" in (case.system_out or "") for suite in junit for case in suite)
    entries = json.loads(run("report", server.url, "--baseline", baseline, "--format", "json").stdout)["entries"]
    assert [([one["code"] for one in each["accepted"]], each["status"]) for each in entries[:2]] == [
        (["DD101"], "error"), (["DD101"], "error"),
    ]  # fmt: skip
    for event in a_run("another"):
        send(server, event)
    done = run("report", server.url, "--baseline", baseline)
    assert (done.exit_code, "in START another, at /job/facets" in done.stdout) == (1, True)


def test_a_report_tells_what_is_stale(server: IntakeServer, baseline: Path) -> None:
    name = "DS101 dataset postgres://db:5432/shop.public.ORDERS"
    baseline.write_text(f'[accepted]\n"{KNOWN}" = "x"\n"{name}" = "y"\n"DD101 START prod/other at /job/facets" = "z"\n')
    for event in a_run(facets=True):
        send(server, {**event, "inputs": [dataset("shop.public.ORDERS", schema=schema())]})
    told = run("report", server.url, "--baseline", baseline).stdout
    assert f"note: accepted.toml accepts {KNOWN}, which is found no more: take the line out.\n" in told
    assert f"accepts {name}, which is found no more" in told
    assert "prod/other" not in told


# What a finding is known by.


def test_positions_in_lists_are_no_part_of_what_is_accepted() -> None:
    def key(pointer: str, name: str = "START a/b") -> str:
        finding = Finding("DD201", Severity.WARNING, "event", pointer, "m", None, None, "a", "s", Sureness.SOURCE)
        return key_of(Place(finding, None, name=name))

    assert key("/inputs/3/namespace") == key("/inputs/11/namespace") == "DD201 START a/b at /inputs/*/namespace"
    assert key("/run/facets/2x/0") == "DD201 START a/b at /run/facets/2x/*"
    assert key("", "START \x1b[31m\ud800") == "DD201 START \\x1b[31m\\ud800"


def test_any_key_can_be_written_and_read(baseline: Path) -> None:
    accepted = {'DD101 "quoted" \\ and ü \x7f': 'why "so"'}
    write_baseline(baseline, Baseline("accepted.toml", accepted), FINDINGS_HEAD)
    assert read_findings_baseline(baseline).accepted == accepted
