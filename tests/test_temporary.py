"""Temporary directories: nobody takes one that is in use for one that was left over, not at its beginning either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.commands import clean_environment

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
