"""``mock-intake certify`` and ``mock-intake conformance`` as a user runs them."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from junitparser import JUnitXml

from mock_intake.report.formats import Kind, formats
from mock_intake_conformance.builtin import builtin_producers
from mock_intake_conformance.cases import CASES
from mock_intake_conformance.cases.delivery import REACHES
from mock_intake_conformance.certify import name_of
from mock_intake_conformance.matrix import Matrix, MatrixError, measured, read_matrix
from mock_intake_conformance.suite import Plan, SelectionError, Suite, select
from tests.commands import MOCK_INTAKE, clean_environment, mock_intake, start_command
from tests.conformance.test_running import gone
from tests.conftest import REPOSITORY
from tests.processes import alive
from tests.signalling import Moment, signalled

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
GOOD = (sys.executable, "-m", "tests.producers.well_behaved")
BAD = (sys.executable, "-m", "tests.producers.no_job_type")
FLAKY = (sys.executable, "-m", "tests.producers.no_retry")


def certify(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return mock_intake("certify", "--path", "custom", *arguments, PYTHONPATH=str(REPOSITORY))


def test_a_part_of_the_cases_makes_nobody_ready() -> None:
    done = certify("--only", "delivery", "--only", "content", "--", *GOOD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "valid-openlineage" in done.stdout
    left_out = len(CASES) - len(select(["delivery", "content"]))
    assert f"Ready, as far as asked: no required case failed. Not asked: {left_out} cases (--only)." in done.stdout
    assert "Ready to go live" not in done.stdout


def test_what_ready_does_not_cover_is_said() -> None:
    done = certify("--only", "lifecycle", "--", *GOOD)
    assert done.returncode == 0
    assert "Ready, as far as asked: no required case failed. Not asked: lifecycle/failure-is-told, " in done.stdout


def test_a_must_that_fails_is_not_ready_and_a_should_does_not_count() -> None:
    assert certify("--only", "content", "--", *BAD).returncode == 1
    done = certify("--only", "resilience/503-once", "--", *FLAKY)
    assert done.returncode == 0
    assert "1 event lost by a single 503" in done.stdout


def test_a_report_in_every_form_is_written_by_suffix(tmp_path: Path) -> None:
    files = {name: tmp_path / f"report{each.suffix}" for name, each in formats(Kind.SUITE).items()}
    options = [option for file in files.values() for option in ("-o", file)]
    done = certify("--only", "delivery", "--format", "json", *options, "--", *GOOD)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads(files["json"].read_text())
    (producer,) = report["producers"]
    assert producer["ready"] is False
    assert report["left_out"] == len(CASES) - len(report["cases"])
    assert [case["id"] for case in report["cases"]] == [case.id for case in select(["delivery"])]
    assert sum(suite.tests for suite in JUnitXml.fromfile(str(files["junit"]))) == len(report["cases"])
    # Annotations are of what failed, and nothing did: there is the verdict alone.
    assert files.pop("github").read_text().startswith("::notice title=Is ")
    assert all(file.stat().st_size > 300 for file in files.values())


def test_url_and_key_are_filled_in_and_other_braces_are_left(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    done = certify("--only", "delivery/readable", "--", "sh", "-c", f"echo '{{url}} {{key}} {{}}' > {seen}")
    assert done.returncode == 1, "it sends nothing"
    url, key, braces = seen.read_text().split()
    assert url.startswith("http://127.0.0.1:")
    assert len(key) == 32
    assert braces == "{}"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python3.11 -u jobs/load.py --day 1", "load.py"),
        ("python -m pkg.mod", "pkg.mod"),
        ("python -c 'import job; job.run()'", "python"),
        ("bash -c 'exec ./send.sh'", "bash"),
        ("bash -e send.sh", "send.sh"),
        ("node -e 'run()'", "node"),
        ("env A=b ./job", "job"),
        ("timeout 20 python my_stream.py", "my_stream.py"),
        ("timeout 1.5m ./job", "job"),
        ("uv run python x.py", "x.py"),
        ("poetry run etl", "etl"),
        ("sh", "sh"),
        ("./send.sh {url}", "send.sh"),
        ("/", "/"),
    ],
)
def test_a_producer_is_called_by_its_program(command: str, name: str) -> None:
    assert name_of(tuple(shlex.split(command))) == name


def test_the_name_of_a_producer_is_told_and_may_be_given() -> None:
    command = ("--dry-run", "--only", "delivery", "--", "env", "MODE=test", "./send.sh", "{url}")
    assert certify(*command).stdout.startswith("send.sh (path custom)")
    assert certify("--name", "nightly", *command).stdout.startswith("nightly (path custom)")


def test_selecting_nothing_is_an_error() -> None:
    done = certify("--only", "nonsense", "--", *GOOD)
    assert done.returncode == 2
    assert "selects no case" in done.stderr
    with pytest.raises(SelectionError):
        select(["delivery", "nonsense"])


def test_cases_are_selected_by_beginning_or_pattern_in_their_own_order() -> None:
    assert [case.id for case in select(["resilience/5*", "resilience/413"])] == [
        REACHES,
        "resilience/500-once",
        "resilience/502-once",
        "resilience/503-once",
        "resilience/504-once",
        "resilience/413-no-storm",
    ]
    assert select([]) == CASES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--", "/nonexistent/command"), "cannot be run"),
        ((), "Which command?"),
        (("--only", "", "--", "true"), "Invalid value for '--only': it is empty"),
        (("--update-baseline", "--", "true"), "needs --baseline"),
        (("-o", "report.pdf", "--", "true"), "suffix"),
        (("-o", "/nonexistent/report.html", "--", "true"), "no directory"),
        (("--debug-env", "VERBOSE", "--", "true"), "NAME=VALUE"),
        (("--failing", "'", "--", "true"), "--failing"),
    ],
)
def test_what_cannot_be_judged_exits_with_2(arguments: tuple[str, ...], words: str) -> None:
    done = certify("--only", "delivery", *arguments)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr


def test_a_baseline_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    baseline, touched = tmp_path / "nowhere" / "accepted.toml", tmp_path / "touched"
    done = certify("--baseline", baseline, "--update-baseline", "--", "touch", touched)
    assert done.returncode == 2
    assert f"there is no directory {baseline.parent}" in done.stderr
    assert not touched.exists()


def test_the_suffix_of_a_report_may_be_in_capitals(tmp_path: Path) -> None:
    report = tmp_path / "REPORT.JSON"
    done = certify("--only", "delivery/bearer-key", "-o", report, "--", *GOOD)
    assert done.returncode == 0, done.stderr
    assert json.loads(report.read_text())["producers"]


def test_what_could_not_be_judged_is_not_ready() -> None:
    """A job that never ends leaves nothing to compare with."""
    program = "import sys, time; from tests.producers.well_behaved import Producer; Producer().run(); time.sleep(60)"
    options = ("--only", "resilience/refusing", "--time-limit", "2", "--jobs", "2")
    endless = certify(*options, "--", sys.executable, "-c", program)
    assert endless.returncode == 2, endless.stdout
    assert "there is nothing to compare with" in endless.stdout


def test_listing_and_dry_run_run_nothing(tmp_path: Path) -> None:
    listed = certify("--list", "--only", "security")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [case.id for case in select(["security"])]
    touched = tmp_path / "touched"
    dry = certify("--dry-run", "--only", "resilience/5", "--", "touch", str(touched))
    assert dry.returncode == 0
    assert [line.split()[0] for line in dry.stdout.splitlines() if "answered 50" in line] == [
        "500-once", "502-once", "503-once", "504-once",
    ]  # fmt: skip
    assert not touched.exists()


def test_a_baseline_accepts_what_failed_and_tells_what_is_stale(tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.toml"
    only = ("--only", "content", "--only", "lifecycle/start", "--baseline", baseline)
    written = certify(*only, "--update-baseline", "--", *BAD)
    assert written.returncode == 0, written.stderr
    assert '"content/no-datadog-error" = "accepted 20' in baseline.read_text()

    again = certify(*only, "--", *BAD)
    assert again.returncode == 0, again.stdout
    worse = certify(*only, "--", sys.executable, "-m", "tests.producers.run_id_is_no_uuid")
    assert worse.returncode == 1, "a failure that was not accepted counts"
    better = certify(*only, "--", *GOOD)
    assert better.returncode == 0
    assert "content/no-datadog-error, which passes" in better.stdout + better.stderr

    updated = certify(*only, "--update-baseline", "--", *GOOD)
    assert updated.returncode == 0
    assert "content/" not in baseline.read_text()


def test_reasons_that_people_wrote_are_kept(tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.toml"
    baseline.write_text('[accepted]\n"content/no-datadog-error" = "the facet comes with release 7"\n')
    done = certify("--only", "content", "--baseline", baseline, "--update-baseline", "--", *BAD)
    assert done.returncode == 0
    assert '"content/no-datadog-error" = "the facet comes with release 7"' in baseline.read_text()
    assert "release 7" in certify("--only", "content", "--baseline", baseline, "--format", "json", "--", *BAD).stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[accepted\n", "accepted.toml"),
        ('[accepted]\n"no/such-case" = "why"\n', "no case 'no/such-case'"),
        ('[accepted]\n"content/no-secrets" = 3\n', "the reason"),
        ('[ignored]\n"content/no-secrets" = "why"\n', "'ignored'"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_told(text: str, words: str, tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.toml"
    baseline.write_text(text)
    done = certify("--baseline", baseline, "--", *GOOD)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_baseline_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = certify("--baseline", tmp_path / "none.toml", "--", *GOOD)
    assert missing.returncode == 2
    assert "none.toml: No such file" in missing.stderr


class Certifying:
    """A ``mock-intake certify`` whose producer, and a process that it has started, are under way."""

    def __init__(self, folder: Path, command: Callable[..., list[str]]) -> None:
        self.pids_file = folder / "pids"
        script = f"echo $$ >> {self.pids_file}; sleep 300 & echo $! >> {self.pids_file}; wait"
        self.process = start_command(
            command("certify", "--path", "custom", "--", "sh", "-c", script),
            forked=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            cwd=folder,
            text=True,
        )

    def pids(self) -> list[int]:
        until = time.monotonic() + 30
        pids: list[int] = []
        while len(pids) < 2 and time.monotonic() < until:
            time.sleep(0.05)
            if self.pids_file.exists():
                pids = [int(line) for line in self.pids_file.read_text().split()]
        assert len(pids) == 2
        return pids

    def kill(self) -> None:
        """Ends all that there may be still."""
        if self.pids_file.exists():
            for pid in map(int, self.pids_file.read_text().split()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Certifying]]:
    started: list[Certifying] = []

    def begin(command: Callable[..., list[str]]) -> Certifying:
        started.append(Certifying(tmp_path, command))
        return started[-1]

    yield begin
    for certifying in started:
        certifying.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_nothing_running(
    number: signal.Signals, code: int, start: Callable[..., Certifying]
) -> None:
    certifying = start(lambda *arguments: [MOCK_INTAKE, *arguments])
    pids = certifying.pids()
    assert all(map(alive, pids))
    certifying.process.send_signal(number)
    _, errors = certifying.process.communicate(timeout=15)
    assert certifying.process.returncode == code, errors
    assert all(map(gone, pids))


def test_a_signal_that_comes_while_another_stops_it_leaves_nothing_running_either(
    start: Callable[..., Certifying], tmp_path: Path
) -> None:
    """To stop takes a lock, which is held when the second comes."""
    held = Moment("threading.py", "set", "self._flag = True", signal.SIGINT, tmp_path / "go")
    certifying = start(lambda *arguments: signalled([held], *arguments))
    pids = certifying.pids()
    (tmp_path / "go").touch()
    certifying.process.send_signal(signal.SIGTERM)
    _, errors = certifying.process.communicate(timeout=60)
    assert certifying.process.returncode == 128 + signal.SIGTERM, errors
    assert errors.endswith("Interrupted: nothing was judged.\n")
    assert all(map(gone, pids))


# The documented paths


def test_the_shipped_matrix_was_measured_with_the_client_that_is_installed() -> None:
    matrix = read_matrix()
    assert matrix.client == f"openlineage-python {version('openlineage-python')}", (
        "the client has changed: mock-intake conformance --update-matrix, and look at what changed"
    )
    assert list(matrix.cells) == [case.id for case in CASES]
    names = [producer.name for producer in builtin_producers()]
    assert all(list(row) == names for row in matrix.cells.values())


def test_the_documented_paths_are_as_measured() -> None:
    """The whole matrix in the soak form; in CI what shows most of a client in the least time.

    What they do after a single 503 is compared where a curl has learnt to try again, below.
    """
    quick = ["delivery/reaches", "delivery/bearer", "resilience/429", "resilience/400"]
    cases = select([] if SOAK else quick)
    reports = Suite(Plan(cases, jobs=6, time_limit=30)).run(builtin_producers())
    now = measured(reports)
    assert read_matrix().changes(now) == []
    failing = {cell for cell in now.cells["resilience/429-retry-after"].items() if cell[1] == "failed"}
    assert failing == {("curl", "failed"), ("Datadog, async", "failed")}


def test_what_was_skipped_before_is_no_change() -> None:
    """A slow case that is asked for is measured for the first time."""
    before = Matrix("client 1", "2026-01-01", {"a/slow": {"curl": "skipped", "Agent": "passed"}})
    now = Matrix(
        "client 1", "2026-02-01", {"a/slow": {"curl": "failed", "Agent": "skipped"}, "a/new": {"curl": "passed"}}
    )
    assert before.changes(now) == [
        "a/slow, Agent: passed before, skipped now",
        "a/new, curl: not there before, passed now",
    ]


@pytest.mark.parametrize("text", ["[]", "{}", "{", "3"])
def test_a_matrix_that_is_none_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "matrix.json"
    file.write_text(text)
    with pytest.raises(MatrixError, match=r"matrix\.json: "):
        read_matrix(file)


def test_the_matrix_is_for_developers_to_update() -> None:
    shown = mock_intake("conformance", "--help")
    assert shown.returncode == 0
    assert "--only" in shown.stdout
    assert "update-matrix" not in shown.stdout


def test_a_change_is_told_and_exits_with_1(tmp_path: Path) -> None:
    before = Matrix("openlineage-python 1.0", "2026-01-01", {"a/b": {"curl": "passed", "Agent": "failed"}})
    now = Matrix("openlineage-python 2.0", "2026-02-01", {"a/b": {"curl": "failed", "Agent": "failed"}})
    assert before.changes(now) == ["a/b, curl: passed before, failed now"]
    assert now.changes(now) == []
    # A curl that has learnt to try again.
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\nexec {shutil.which("curl")} --fail --retry 2 --retry-all-errors "$@"\n')
    curl.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = mock_intake("conformance", "--only", "resilience/503-once", "--format", "json", PATH=path)
    assert done.returncode == 1
    notes = json.loads(done.stdout)["notes"]
    assert notes[1:] == ["resilience/503-once, curl: failed before, passed now"]


def test_conformance_lists_its_cases_and_what_it_would_run() -> None:
    done = mock_intake("conformance", "--dry-run", "--only", "delivery/reaches")
    assert done.returncode == 0
    for producer in builtin_producers():
        assert producer.name in done.stdout
    assert mock_intake("conformance", "--only", "nonsense").returncode == 2


def test_that_nothing_arrives_cannot_be_accepted(tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.toml"
    accepting = certify("--baseline", baseline, "--update-baseline", "--", "true")
    assert accepting.returncode == 1
    assert "reaches-the-endpoint" not in baseline.read_text()
    baseline.write_text('[accepted]\n"delivery/reaches-the-endpoint" = "by hand"\n')
    refused = certify("--baseline", baseline, "--", "true")
    assert refused.returncode == 2
    assert "cannot be accepted: without it nothing is judged" in refused.stderr


def test_an_option_that_there_is_not_is_no_command() -> None:
    misspelt = certify("--jbos", "3", "--dry-run", "--", *GOOD)
    assert misspelt.returncode == 2
    assert "No such option" in misspelt.stderr


def test_a_file_that_cannot_be_written_does_not_lose_the_others(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    outputs = ("-o", tmp_path / "report.json", "-o", "/proc/report.html")
    done = certify("--only", "delivery/bearer-key", *outputs, "--", *GOOD)
    assert done.returncode == 2
    assert "/proc/report.html" in done.stderr
    assert "no required case failed" in done.stdout
    assert json.loads(report.read_text())["producers"]
