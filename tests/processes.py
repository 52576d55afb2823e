"""What can be known of processes, this one and others, on whatever system the tests run."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NamedTuple

import psutil
import pytest

# Those that only wait to be reaped are processes no more.
_ENDED = (None, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc, which Linux alone has")


class Process(NamedTuple):
    """How a process is, one of ``psutil.STATUS_...``, and its group."""

    status: str
    group: int


def open_descriptors() -> int:
    """How many descriptors of this process are open, that of the listing included."""
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - of a directory that its own listing is in


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    return _status(pid) not in _ENDED


def of_session(leader: int) -> dict[int, Process]:
    """The processes of a session that run, by their ids."""
    found = {}
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) == leader and (status := _status(pid)) not in _ENDED:
                found[pid] = Process(str(status), os.getpgid(pid))
    return found


def memory_of(pid: int) -> int:
    """How much memory a process has in use, in bytes."""
    return int(psutil.Process(pid).memory_info().rss)


def _status(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).status())
    except psutil.NoSuchProcess:
        return None
