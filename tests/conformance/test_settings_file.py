"""An openlineage.yml that leads the client past the intake is told before anything runs, and named after."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import mock_intake_conformance
from mock_intake_conformance.producer import Producer, settings_file
from tests.commands import mock_intake

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


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (JOB, ("work/openlineage.yml", "home/.openlineage/openlineage.yml")),
        (JOB, ("home/.openlineage/openlineage.yml",)),
        (("env", "OPENLINEAGE_CONFIG=conf/own.yml", *JOB), ("work/conf/own.yml", "work/openlineage.yml")),
    ],
    ids=["working directory", "home", "of the command"],
)
def test_the_file_that_the_client_reads_is_told_before_and_named_after(
    command: Sequence[str], files: Sequence[str], work: Path
) -> None:
    (work / "conf").mkdir()
    logs = [with_transport(work.parent / file) for file in files]
    done = certify(work, "--", *command)
    assert [log.exists() for log in logs] == [True, *(False for _ in files[1:])], "the client reads the first"
    read = work.parent / files[0]
    assert f"note: {read} has a transport, which wins over what --path datadog sets." in done.stderr
    assert done.returncode == 1
    assert f"{read} has a transport, which the OpenLineage client takes" in done.stdout
    assert "Does the transport come from" not in done.stdout


def test_files_that_the_client_does_not_read_and_such_without_a_transport_are_no_matter(work: Path) -> None:
    (work / "openlineage.yml").write_text(WITHOUT)
    with_transport(work.parent / "home/.openlineage/openlineage.yml")
    elsewhere = work.parent / "elsewhere.yml"
    with_transport(elsewhere)
    done = certify(work, "--", *JOB, config=str(elsewhere))
    assert done.returncode == 0, done.stdout
    assert "has a transport" not in done.stderr + done.stdout


def test_a_file_that_leads_past_the_intake_is_passed_over_as_advised(work: Path) -> None:
    with_transport(work / "openlineage.yml")
    (work / "without.yml").write_text(WITHOUT)
    done = certify(work, "--", "env", "OPENLINEAGE_CONFIG=without.yml", *JOB)
    assert done.returncode == 0, done.stdout
    assert "has a transport" not in done.stderr + done.stdout


def test_a_path_on_which_variables_decide_nothing_is_not_warned_of(work: Path) -> None:
    with_transport(work / "openlineage.yml")
    assert "has a transport" in certify(work, "--path", "http", "--dry-run", "--", *JOB).stderr
    for path in ("custom", "intercept"):
        assert certify(work, "--path", path, "--dry-run", "--", *JOB).stderr == ""


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("transport:\n  type: console\n", True),
        ('"transport" : {"type": "console"}\n', True),
        ('{"transport": {"type": "console"}}', True),
        ('{\n  "tags": {},\n  "transport": {"type": "console"}\n}', True),
        ("# transport:\n#   type: console\n", False),
        ("tags:\n  job:\n    transport_of: goods\n", False),
        ("", False),
    ],
)
def test_a_transport_is_seen_however_it_is_written(text: str, leads: bool, tmp_path: Path) -> None:
    file = tmp_path / "openlineage.yml"
    file.write_text(text)
    made = Producer("job", "datadog", ["job"], environment={}, directory=tmp_path)
    assert settings_file(made) == (file if leads else None)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "openlineage.yml").mkdir()
    made = Producer("job", "datadog", ["job"], environment={}, directory=tmp_path)
    assert settings_file(made) is None
