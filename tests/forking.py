"""Starts ``mock-intake``, or pytest, in a process of its own that need not import anything: see ``tests.zygote``."""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ZYGOTE = Path(__file__).parent / "zygote.py"
# What an interpreter looks at when it starts, which these have behind them. Without a locale it chooses UTF-8, as here.
_AT_START = ("PYTHON", "LD_", "COVERAGE_")
_LOCALE = ("LANG", "LC_")
# What a fork does as it is told.
_ITS_OWN = {"PYTHONUNBUFFERED"}
# The one place in PYTHONPATH that has nothing that an interpreter would have begun with, or that a fork has already.
_REPOSITORY = str(Path(__file__).parent.parent)


def can_fork(environment: Mapping[str, str]) -> bool:
    """Whether a command in that environment would begin as the zygote did."""
    there = _those(os.environ, _LOCALE)
    return _those(environment, _AT_START) == _those(os.environ, _AT_START) and all(
        there.get(name) == value for name, value in _those(environment, _LOCALE).items()
    )


def _those(environment: Mapping[str, str], beginnings: tuple[str, ...]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(beginnings) and name not in _ITS_OWN and (name, value) != ("PYTHONPATH", _REPOSITORY)
    }


class Started(subprocess.Popen[Any]):
    """A process that ends at the latest with the block that it is for; a test that fails in it waits for nothing."""

    def __exit__(self, kind: Any, *error: Any) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *error)


class Forked(Started):
    """A command with its process, as ``subprocess.Popen`` has it.

    ``args`` begin with the name of the installed script, or are those of ``python -m pytest``; streams, ``cwd``,
    ``env`` and ``start_new_session`` are those of ``Popen``.
    """

    # What a ``Popen`` is made of: how it starts a process, and how it learns of its end.

    def _execute_child(self, args: Any, *more: Any) -> None:
        _, preexec, _, passed, folder, environment, _, _, shell, *more_still = more
        *streams, _, _, _, _, _, new_session, _ = more_still
        assert not any((preexec, passed, shell)), "a fork cannot do this"
        job = {
            "arguments": [os.fspath(each) for each in args],
            "environment": dict(os.environ if environment is None else environment),
            "folder": os.fspath(folder or Path.cwd()),
            "new_session": new_session,
        }
        standard = [number if end == -1 else end for number, end in enumerate((streams[0], streams[3], streams[5]))]
        told, telling = os.pipe()
        self._told = os.fdopen(told, "rb", buffering=0)
        try:
            zygote = _zygote_for_pytest() if job["arguments"][1:3] == ["-m", "pytest"] else _zygote()
            zygote.start(json.dumps(job).encode(), [telling, *standard])
        finally:
            os.close(telling)
            self._close_pipe_fds(*streams)  # type: ignore[attr-defined]
        self.pid = int(self._told.readline())
        self._child_created = True

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if wait_flags & os.WNOHANG and not select.select([self._told], [], [], 0)[0]:
            return 0, 0
        told = self._told.readline()
        self._told.close()
        # Without a word: the zygote has ended, and nobody knows.
        return self.pid, int(told or b"0")

    def _internal_poll(self, _deadstate: int | None = None, *_: Any) -> int | None:
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                if self.returncode is None and not self._told.closed:
                    pid, status = self._try_wait(os.WNOHANG)
                    if pid:
                        self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


class Zygote:
    """The process that forks, which ends with this one.

    That for pytest is a fork of the other itself: it needs what was imported there, and more.
    """

    def __init__(self, parent: Zygote | None = None) -> None:
        self._socket, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._process = None
        with theirs:
            if parent is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", ZYGOTE, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            else:
                with Path(os.devnull).open("wb") as nobody:
                    parent.start(b'{"for_pytest": true}', [nobody.fileno(), theirs.fileno()])
        atexit.register(self.close)

    def start(self, job: bytes, descriptors: list[int]) -> None:
        with self._lock:
            socket.send_fds(self._socket, [len(job).to_bytes(8)], descriptors)
            self._socket.sendall(job)

    def close(self) -> None:
        self._socket.close()
        if self._process is not None:
            self._process.wait(10)


@cache
def _zygote() -> Zygote:
    return Zygote()


@cache
def _zygote_for_pytest() -> Zygote:
    return Zygote(_zygote())
