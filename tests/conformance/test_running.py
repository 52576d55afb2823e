"""How producers are run: ended in time and whole, kept from each other, nothing of them left behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mock_intake.report.suite import ProducerReport, Verdict
from mock_intake_conformance.builtin import builtin_producers
from mock_intake_conformance.cases.delivery import REACHES
from mock_intake_conformance.process import InterruptedRunError, Outcome, Stop, run_command
from mock_intake_conformance.producer import Producer, working_directory
from mock_intake_conformance.scenarios import FAILING, SCENARIOS
from mock_intake_conformance.suite import Plan, Suite, limit_of, select
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake
from tests.conformance.wrong import producer
from tests.events import run_event
from tests.processes import alive, open_descriptors
from tests.timing import in_time

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
KEY = "0123456789abcdef0123456789abcdef"


def run(command: list[str], directory: Path, limit: float = 20.0) -> Outcome:
    return run_command(
        command,
        environment={"PATH": os.environ["PATH"]},
        directory=directory,
        key=KEY,
        limit=limit,
        stop=Stop(),
    )


def gone(pid: int) -> bool:
    until = time.monotonic() + 20
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def test_exit_code_and_output_are_kept(tmp_path: Path) -> None:
    outcome = run(["sh", "-c", "echo out; echo err >&2; exit 7"], tmp_path)
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (7, "out\n", "err\n")
    assert outcome.error is None
    assert not outcome.left_running


def test_a_signal_that_ended_the_command_is_named(tmp_path: Path) -> None:
    assert "SIGTERM" in run(["sh", "-c", "kill -TERM $$"], tmp_path).ended


def test_at_the_limit_the_command_ends_with_all_that_it_has_started(tmp_path: Path) -> None:
    with in_time(30):
        outcome = run(["sh", "-c", "sleep 300 & echo $! > child; exec sleep 300"], tmp_path, limit=0.5)
    assert outcome.exit_code is None
    assert gone(int((tmp_path / "child").read_text()))


def test_what_is_left_running_is_ended_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_intake_conformance.process._AFTERWARDS", 3.0)
    outcome = run(["sh", "-c", "sleep 300 & echo $! > child"], tmp_path)
    assert outcome.exit_code == 0
    assert outcome.left_running
    assert outcome.seconds < 3, "the job itself was quick"
    assert gone(int((tmp_path / "child").read_text()))


def test_what_has_left_for_a_session_of_its_own_is_ended_and_told_too(tmp_path: Path) -> None:
    """Neither its group nor its parents tell whose it is."""
    outcome = run(["sh", "-c", "setsid sh -c 'echo $$ > child; exec sleep 300' >/dev/null 2>&1 &"], tmp_path)
    assert outcome.exit_code == 0
    assert outcome.left_running
    assert gone(int((tmp_path / "child").read_text()))


def test_what_ends_soon_after_is_waited_for(tmp_path: Path) -> None:
    outcome = run(["sh", "-c", "(sleep 0.3; echo late) &"], tmp_path)
    assert outcome.stdout == "late\n"
    assert not outcome.left_running


def test_a_command_that_cannot_be_run_is_no_exception(tmp_path: Path) -> None:
    assert "No such file" in (run(["/nonexistent"], tmp_path).error or "")


def test_standard_input_is_empty(tmp_path: Path) -> None:
    assert run(["cat"], tmp_path).exit_code == 0


def test_a_flood_of_output_is_bounded_and_searched_to_its_end(tmp_path: Path) -> None:
    script = "head -c 3000000 /dev/zero | tr '\\0' x | fold -w 80; echo the key is " + KEY
    outcome = run(["sh", "-c", script], tmp_path)
    assert len(outcome.stdout) < 200_000
    assert outcome.stdout.endswith("the key is ****cdef\n")
    assert len(outcome.leaks) == 1


def test_being_interrupted_ends_the_command(tmp_path: Path) -> None:
    interrupted(["sh", "-c", "echo $$ > me; exec sleep 300"], tmp_path, Stop())
    assert gone(int((tmp_path / "me").read_text()))


def interrupted(command: list[str], directory: Path, stop: Stop, *, again: bool = False) -> float:
    """Runs a command that is asked to end once it has written the file ``me``; says how long (s) that took."""
    asked = []

    def ask() -> None:
        until = time.monotonic() + 20
        while not (directory / "me").is_file() and time.monotonic() < until:
            time.sleep(0.01)
        asked.append(time.monotonic())
        stop.ask_again()
        if again:
            time.sleep(0.2)
            stop.ask_again()

    asking = threading.Thread(target=ask)
    asking.start()
    with pytest.raises(InterruptedRunError):
        run_command(
            command,
            environment={"PATH": os.environ["PATH"]},
            directory=directory,
            key=KEY,
            limit=60,
            stop=stop,
        )
    asking.join()
    return time.monotonic() - asked[0]


FLUSHING = "trap 'sleep 0.5; echo flushed > flushed; exit' TERM; echo $$ > me; sleep 300 & wait"
STUBBORN = "trap '' TERM; echo $$ > me; while true; do sleep 1; done"


def test_who_is_interrupted_may_flush_what_it_has(tmp_path: Path) -> None:
    interrupted(["sh", "-c", FLUSHING], tmp_path, Stop())
    assert (tmp_path / "flushed").is_file()
    assert gone(int((tmp_path / "me").read_text()))


@pytest.mark.parametrize(("grace", "again"), [(0.5, False), (60, True)])
def test_who_ignores_that_is_killed_after_its_grace_or_when_asked_again(
    grace: float, again: bool, tmp_path: Path
) -> None:
    assert interrupted(["sh", "-c", STUBBORN], tmp_path, Stop(grace), again=again) < 20
    assert gone(int((tmp_path / "me").read_text()))


# Whole suites


def report_on(made: Producer, *only: str, jobs: int = 4) -> ProducerReport:
    (report,) = Suite(Plan(select(only), jobs)).run([made])
    return report


def test_nothing_is_left_open() -> None:
    report_on(producer("no_retry.py"), "delivery")
    before, threads = open_descriptors(), set(threading.enumerate())
    report_on(producer("no_retry.py"), "delivery", "resilience/refusing", "security/tls", "security/redirect")
    assert open_descriptors() <= before
    assert [thread for thread in threading.enumerate() if thread.name == "mock-intake" and thread not in threads] == []


def test_one_run_at_a_time_where_nothing_else_was_asked_for(tmp_path: Path) -> None:
    """Runs in one directory would meet each other's files."""
    sent = json.dumps(run_event())
    post = """curl -s -X POST "$MOCK_INTAKE_URL/api/v1/lineage" -H "Authorization: Bearer $MOCK_INTAKE_KEY" -d "$1" """
    script = f"echo begin >> {tmp_path}/runs; {post}; sleep 0.1; echo end >> {tmp_path}/runs"
    Suite(Plan(select(["resilience/50"]))).run([Producer("curl", "custom", ["sh", "-c", script, "sh", sent])])
    lines = (tmp_path / "runs").read_text().split()
    assert lines == ["begin", "end"] * (len(lines) // 2)
    assert len(lines) > 2


def test_what_mostly_waits_runs_beside_the_others(tmp_path: Path) -> None:
    """Refused connections and bad certificates: each of their runs begins before another has ended."""
    sent = json.dumps(run_event())
    post = """curl -s -X POST "$MOCK_INTAKE_URL/api/v1/lineage" -H "Authorization: Bearer $MOCK_INTAKE_KEY" -d "$1" """
    script = f"echo begin >> {tmp_path}/runs; {post} || sleep 1; echo end >> {tmp_path}/runs"
    plan = Plan(select(["resilience/refusing", "security/tls"]), jobs=1, waiting_beside=4)
    Suite(plan).run([Producer("curl", "custom", ["sh", "-c", script, "sh", sent])])
    lines = (tmp_path / "runs").read_text().split()
    assert lines.count("begin") == lines.count("end") > 4
    # The healthy one is alone: all others are judged by it.
    assert lines[:2] == ["begin", "end"]
    assert "begin begin" in " ".join(lines)


@pytest.mark.parametrize(
    ("scenario", "plan", "healthy", "limit"),
    [
        # Who has no time-out is not waited for until the time limit.
        ("hang-once", Plan(), 1.5, 15.0),
        ("403-always", Plan(), 1.5, 18.0),
        ("hang-once", Plan(time_limit=8), 1.5, 8),
        ("hang-once", Plan(impatient=False), 1.5, 60),
        ("slow", Plan(), 1.5, 60),
    ],
)
def test_a_run_is_ended_once_all_is_seen(scenario: str, plan: Plan, healthy: float, limit: float) -> None:
    assert limit_of(SCENARIOS[scenario], plan, healthy) == limit


def test_each_run_has_a_copy_of_its_own(tmp_path: Path) -> None:
    work, seen = tmp_path / "work", tmp_path / "seen"
    work.mkdir()
    (work / "settings").write_text("as they were")
    script = f'cat settings >> {seen}; echo " in $PWD" >> {seen}; echo changed > settings'
    copied = Producer("copied", "custom", ["sh", "-c", script], directory=work, copied=True)
    report_on(copied, "delivery/same")
    report_on(copied, "delivery/same")
    lines = seen.read_text().splitlines()
    assert all(line.startswith("as they were in ") for line in lines)
    assert len(set(lines)) == len(lines) == 2
    assert (work / "settings").read_text() == "as they were"
    assert not any(Path(line.rpartition(" ")[2]).exists() for line in lines), "copies are gone after"


def test_what_can_be_copied_is_and_pipes_and_sockets_are_left_out(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "jobs").mkdir(parents=True)
    (work / "jobs" / "load.py").write_text("print()")
    (work / "latest").symlink_to("jobs/load.py")
    (work / "dangling").symlink_to("nowhere")
    os.mkfifo(work / "jobs" / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(work / "agent.sock"))
        with working_directory(Producer("copied", "custom", ["true"], directory=work, copied=True)) as copy:
            assert copy != work
            assert sorted(str(file.relative_to(copy)) for file in copy.rglob("*")) == [
                "dangling", "jobs", "jobs/load.py", "latest",
            ]  # fmt: skip
            assert (copy / "latest").readlink() == Path("jobs/load.py")
    assert not copy.exists()


def test_a_file_that_cannot_be_copied_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "large.csv").write_bytes(bytes(1_000_000))
    # No file that is written may be larger, which holds for root too.
    script = f"ulimit -f 100; exec {MOCK_INTAKE} certify --path custom --copy . -- true"
    command = ["sh", "-c", script]
    environment = clean_environment()
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == ["Error: ./large.csv cannot be copied: File too large"]


def test_a_directory_that_holds_its_own_copies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    touched = tmp_path / "touched"
    options = ("certify", "--path", "custom", "--copy", tmp_path, "--", "touch", touched)
    done = mock_intake(*options, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 2
    assert "it holds the directory for temporary files" in done.stderr
    assert "set TMPDIR to another" in done.stderr
    assert not touched.exists()


def test_variables_that_lead_elsewhere_are_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLINEAGE_URL", "DD_SITE", "DD_API_KEY", "HTTPS_PROXY", "MOCK_INTAKE_KEY"):
        monkeypatch.setenv(name, "http://elsewhere.invalid")
    seen = tmp_path / "seen"
    report_on(Producer("env", "custom", ["sh", "-c", f"env > {seen}"], directory=tmp_path), "delivery/readable")
    variables = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    assert "http://elsewhere.invalid" not in variables.values()
    assert variables["MOCK_INTAKE_URL"].startswith("http://127.0.0.1:")
    assert len(variables["MOCK_INTAKE_KEY"]) == 32
    assert "DD_API_KEY" not in variables
    assert variables["HOME"] == os.environ["HOME"]


def test_nothing_taken_when_all_is_well_leaves_the_rest_unjudged() -> None:
    report = report_on(producer("sends_nothing.py"))
    assert [execution.scenario for execution in report.executions] == ["healthy"]
    assert [result.case.id for result in report.results if result.verdict is Verdict.FAILED] == [REACHES]
    assert report.count(Verdict.ERRORED) == 0
    assert report.count(Verdict.SKIPPED) > 30
    assert not report.ready


def test_nothing_taken_is_no_pass_whatever_was_selected() -> None:
    report = report_on(producer("sends_nothing.py"), "resilience/503", "security/key-not-printed")
    verdicts = {result.case.id: str(result.verdict) for result in report.results}
    assert verdicts == {
        REACHES: "failed",
        "resilience/503-once": "skipped",
        "security/key-not-printed": "passed",
    }
    assert not report.ready


def test_a_producer_that_is_caught_inside_its_process_is_judged_with_the_real_site() -> None:
    documented = next(made for made in builtin_producers() if made.name == "Datadog, env")
    caught = replace(documented, path="intercept")
    # The client tries a certificate that it does not trust again for nine seconds.
    tls = ["security/tls"] if SOAK else []
    report = report_on(caught, "delivery/reaches", "resilience/503", "security/redirect", *tls)
    verdicts = {result.case.id: str(result.verdict) for result in report.results}
    assert set(verdicts.values()) == {"passed"}, report.to_dict()["results"]
    hosts = {seen.exchange["headers"]["host"] for execution in report.executions for seen in execution.requests}
    assert hosts == {"data-obs-intake.datadoghq.com"}


def test_a_stream_that_timeout_ends_is_judged_like_any_job() -> None:
    program = "import time; from tests.producers.well_behaved import Producer; Producer().begin(); time.sleep(60)"
    made = producer("well_behaved.py")
    report = report_on(replace(made, command=["timeout", "1.5", sys.executable, "-c", program]), "delivery/job")
    assert {str(result.verdict) for result in report.results} == {"passed"}, report.to_dict()["results"]


def test_a_scenario_that_could_not_be_carried_out_is_left_out_where_others_tell_enough() -> None:
    made = replace(producer("well_behaved.py"), failing=["/nonexistent/command"])
    only = ("content/no-secrets", "lifecycle/failure-is-told", "security/key-not-printed")
    (report,) = Suite(Plan(select(only), jobs=2, scenarios=frozenset({FAILING}))).run([made])
    results = {result.case.id: (str(result.verdict), result.message) for result in report.results}
    assert results["content/no-secrets"][0] == "passed"
    assert results["security/key-not-printed"] == ("passed", "the key stands in no output (1 scenario)")
    assert results["lifecycle/failure-is-told"][0] == "errored"
    (none,) = Suite(Plan(select(only))).run([replace(made, command=["/nonexistent/command"])])
    assert {str(result.verdict) for result in none.results if result.case.id in only[::2]} == {"errored"}
