"""What a command has started, wherever it went: found by what stands in the environment that it inherits (Linux).

A session of its own takes a process out of the group of whoever started it, and a parent that ends out of its family;
neither takes the variables away that it was started with.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_VARIABLE = "MOCK_INTAKE_RUN"
_PROCESSES = Path("/proc")
# Who is found may start another before it is gone.
_MOST_ROUNDS = 10
# How often, and how long (seconds) apart, one is looked at that is about to run another program: the system says for a
# moment that its environment is empty.
_LOOKS, _APART = 20, 0.005


class Kin(NamedTuple):
    """A process that runs, and what it is called."""

    pid: int
    name: str


def marked(environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """An environment to start a command with, and the mark that tells its kin from all others."""
    mark = secrets.token_hex(16)
    return {**environment, _VARIABLE: mark}, mark


def kin(mark: str) -> list[Kin]:
    """The processes that were started with a mark, of whatever session; none where the system does not tell."""
    wanted = f"{_VARIABLE}={mark}".encode()
    return [found for process in _PROCESSES.glob("[0-9]*") for found in _read(process, wanted)]


def signal_kin(mark: str, number: int) -> bool:
    """Sends a signal to all of them; whether there were any."""
    found = kin(mark)
    for each in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each.pid, number)
    return bool(found)


def kill_kin(mark: str) -> None:
    """Kills them, and those that they start meanwhile."""
    for _ in range(_MOST_ROUNDS):
        if not signal_kin(mark, signal.SIGKILL):
            return


def _read(process: Path, wanted: bytes) -> Iterator[Kin]:
    try:
        if wanted in _environment(process):
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
            yield Kin(int(process.name), name)
    except OSError:
        return  # another user's, or it has ended


def _environment(process: Path) -> bytes:
    """Raises ``OSError`` for one that has ended and was not reaped, and for a thread of the kernel: no program."""
    for _ in range(_LOOKS):
        if found := (process / "environ").read_bytes():
            return found
        (process / "exe").readlink()
        time.sleep(_APART)
    return b""  # it was started with an empty one
