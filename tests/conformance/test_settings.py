"""Settings that would lead a producer past the intake: none does, and what became of them is told before and after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import mock_intake_conformance
from mock_intake import IntakeServer
from tests.commands import mock_intake
from tests.settings import AS_AIRFLOW, led_by_airflow

# The documented program with the real client, set by the environment.
PROGRAM = str(Path(mock_intake_conformance.__file__).parent / "producers" / "documented_run.py")
JOB = (sys.executable, PROGRAM, "environment")
WITHOUT = "tags:\n  job:\n    team: orders\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The working directory; ``home`` beside it is the home."""
    for name in ("work", "home/.openlineage"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path / "work"


def with_transport(file: Path) -> Path:
    """A settings file that leads events into a file beside it, whose name is returned."""
    log = file.with_suffix(".log")
    file.write_text(f"{WITHOUT}transport:\n  type: file\n  log_file_path: {log}\n  append: true\n")
    return log


def certify(work: Path, *arguments: str, config: str = "") -> subprocess.CompletedProcess[str]:
    home = str(work.parent / "home")
    only = ("--only", "delivery/bearer")
    return mock_intake("certify", *only, *arguments, cwd=work, HOME=home, OPENLINEAGE_CONFIG=config)


@pytest.mark.parametrize("at", ["work", "home/.openlineage"])
@pytest.mark.parametrize("copied", [False, True])
def test_a_file_with_a_transport_leads_nobody_past_the_intake_and_is_told(at: str, copied: bool, work: Path) -> None:
    file = work.parent / at / "openlineage.yml"
    log = with_transport(file)
    report = work.parent / "report.json"
    copy = ("--copy", str(work)) if copied else ()
    done = certify(work, *copy, "-o", str(report), "--", *JOB)
    assert done.returncode == 0, done.stdout
    assert not log.exists()
    assert f"replaced: {file}: transport (was file)" in done.stderr
    assert f"note: replaced: {file}: transport (was file)" in done.stdout
    (producer,) = json.loads(report.read_text())["producers"]
    found = {setting["what"]: setting["name"].rpartition("/")[2] for setting in producer["settings"]}
    assert found == {"replaced": "openlineage.yml: transport", "kept": "openlineage.yml: tags"}


def test_a_file_that_the_command_names_itself_wins_and_is_named(work: Path) -> None:
    log = with_transport(work / "own.yml")
    done = certify(work, "--", "env", "OPENLINEAGE_CONFIG=own.yml", *JOB)
    assert log.exists()
    assert done.returncode == 1
    assert "the command sets OPENLINEAGE_CONFIG itself, which wins" in done.stdout


def test_the_path_proxy_is_judged_like_the_others(work: Path) -> None:
    only = ("--only", "security/tls-untrusted", "--only", "resilience/slow-intake")
    done = certify(work, "--path", "proxy", *only, "--", *JOB)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n4 passed\n" in done.stdout


@pytest.mark.parametrize("way", ["transport", "cfg"])
def test_a_task_of_airflow_is_judged_by_what_it_sends_here(way: str, server: IntakeServer, work: Path) -> None:
    """The server stands for production: what Airflow's own settings lead to wins over all that a path sets."""
    home = work.parent / "home"
    settings = led_by_airflow(way, server.url, home)
    command = ("--only", "delivery/bearer", "--", sys.executable, str(AS_AIRFLOW))
    done = mock_intake("certify", *command, cwd=work, stdin=b"", **{**settings, "HOME": str(home)})
    assert done.returncode == 0, done.stderr
    assert server.journal.position == 0
