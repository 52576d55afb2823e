"""What commands do where what they print has nowhere to go: a full disk, no stream at all, a reader who has gone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from tests.commands import MOCK_INTAKE, clean_environment
from tests.events import dataset, run_event

# Fine, and one without jobType: that is an error.
GOOD, BAD = run_event("START"), {**run_event("COMPLETE"), "job": {"namespace": "prod", "name": "load"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.ndjson").write_bytes(orjson.dumps(GOOD) + b"\n")
    (tmp_path / "bad.ndjson").write_bytes(orjson.dumps(BAD) + b"\n")
    return tmp_path


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line, in which ``M`` is the command."""
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('M ', f'{MOCK_INTAKE} ')}"],
        cwd=folder,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["check good.ndjson", "check good.ndjson --format html", "rules DD101", "--help"])
def test_a_full_disk_is_unusable_and_told_in_a_line(folder: Path, command: str, unbuffered: str) -> None:
    """It was a traceback, and 1 as for findings, or 120."""
    done = shell(f"M {command} > /dev/full", folder, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 2
    assert done.stderr == "Error: Nothing more can be printed: No space left on device.\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_errors_that_cannot_be_told_keep_their_exit_code(folder: Path, unbuffered: str) -> None:
    assert shell("M check nosuch 2> /dev/full", folder, PYTHONUNBUFFERED=unbuffered).returncode == 2
    assert shell("M check bad.ndjson -o r.html 2> /dev/full", folder, PYTHONUNBUFFERED=unbuffered).returncode == 1
    assert (folder / "r.html").exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [("check good.ndjson -o r.json", 0), ("check bad.ndjson -o r.json", 1), ("check - -o r.json", 2), ("rules", 0)],
)
def test_a_process_without_streams_works_as_ever(folder: Path, command: str, code: int) -> None:
    """As under some supervisors, or ``>&-``: it was an AttributeError."""
    assert shell(f"M {command} <&- >&- 2>&-", folder).returncode == code
    done = shell(f"M {command} <&- >&-", folder)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    if code < 2 and "r.json" in command:
        # Nothing that was meant for a stream has come into a file that took its number.
        assert orjson.loads((folder / "r.json").read_bytes())["summary"]["events"] == 1


def test_who_has_read_enough_changes_neither_exit_code_nor_files(folder: Path) -> None:
    """A check of good events ended with 1, as if there were findings, and wrote no report."""
    (folder / "good.ndjson").write_bytes((orjson.dumps(GOOD) + b"\n") * 5_000)
    done = shell("M check good.ndjson --format json -o r.json | head -c 9", folder)
    assert (done.returncode, done.stdout) == (0, '{"events"')
    assert done.stderr == "Report written to r.json\n"
    assert orjson.loads((folder / "r.json").read_bytes())["summary"]["events"] == 5_000
    with (folder / "bad.ndjson").open("ab") as stream:
        stream.write((orjson.dumps(GOOD) + b"\n") * 5_000)
    assert shell("M check bad.ndjson --format json | head -c 9", folder).returncode == 1


def test_large_numbers_are_written_in_one_way(folder: Path) -> None:
    events = [
        run_event("COMPLETE", run={"runId": str(uuid4()), "facets": {}}, outputs=[dataset("a.b.c")]) for _ in range(700)
    ]
    (folder / "good.ndjson").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    last = shell("M check good.ndjson --fail-on never", folder).stdout.splitlines()[-1]
    assert re.search(r" \(\d,\d{3} of the level info not shown: -v\)$", last), last
