"""Temporary directories: nobody takes one that is in use for one that was left over, not at its beginning either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.commands import clean_environment
from tests.events import run_event

BETWEEN = """
import subprocess, sys
from mock_intake.system.temporary import temporary_directory

LOOK = "from mock_intake.system.temporary import remove_left_over; remove_left_over()"
looked = []

def between(event, arguments):
    # Told before the lock is there: the file of this directory exists, and is nobody's yet.
    if event == "fcntl.flock" and not looked:
        looked.append(True)
        subprocess.run([sys.executable, "-c", LOOK], check=True)

sys.addaudithook(between)
with temporary_directory() as made:
    print(bool(looked), made.is_dir())
    subprocess.run([sys.executable, "-c", LOOK], check=True)
    print(made.is_dir())
print(made.exists())
"""


def test_a_directory_in_the_making_is_not_taken_for_one_that_was_left_over(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BETWEEN],
        env=clean_environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["True", "True", "True", "False"], done.stderr
    assert [*tmp_path.iterdir()] == []


FULL = """
import resource, sys
from mock_intake.cli.main import main
room = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
main(sys.argv[2:], prog_name="mock-intake")
"""


@pytest.mark.parametrize(
    ("room", "command", "words"),
    [
        (0, "run -- true", "No usable temporary directory"),
        (0, "check events.ndjson -o report.json", "No usable temporary directory"),
        (100, "check events.ndjson -o report.json", "File too large"),
        (0, "certify -- true", "No usable temporary directory"),
        (0, "certify --copy . -- true", "No usable temporary directory"),
    ],
)
def test_where_there_is_no_room_for_temporary_files_a_command_says_so(
    tmp_path: Path, room: int, command: str, words: str
) -> None:
    """In a line, with what to do about it: each of these ended in a traceback."""
    (tmp_path / "events.ndjson").write_bytes(orjson.dumps(run_event()))
    done = subprocess.run(
        [sys.executable, "-P", "-c", FULL, str(room), *command.split()],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"Error: Temporary files: {words}"), done.stderr
    assert last.endswith(": set TMPDIR to where there is room.")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report.json").exists()
