"""What a command has started is found by its mark, whatever it is doing."""

from __future__ import annotations

import os
import time

import pytest

from mock_intake.system.kin import kill_kin, kin, marked
from tests.commands import start_command

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")  # noqa: PTH112

# Does nothing but to run the next program, which is the same.
_AGAIN = 'exec sh -c "$0" "$0"'


def test_one_that_is_about_to_run_another_program_is_found() -> None:
    """For a moment of that the system says that it has no environment: one look in twenty found nobody."""
    environment, mark = marked({"PATH": os.environ["PATH"]})
    process = start_command(["sh", "-c", _AGAIN, _AGAIN], env=environment)
    until = time.monotonic() + 2
    looks = 0
    while time.monotonic() < until or looks < 50:
        assert [each.pid for each in kin(mark)] == [process.pid], f"after {looks} looks"
        looks += 1
    kill_kin(mark)
    process.wait(10)
    assert kin(mark) == []


def test_one_that_has_ended_and_one_without_an_environment_are_none() -> None:
    _, mark = marked({})
    ended, empty = start_command(["true"]), start_command(["env", "-i", "sleep", "60"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert kin(mark) == []
    assert empty.poll() is None
