"""Runs a command to its end, or ends it, with all that it has started; keeps what it printed."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mock_intake.system.kin import kill_kin, kin, marked, signal_kin
from mock_intake.system.parents import ending_with_us
from mock_intake_conformance.leaks import KeyWatch, WatchedStream

_TICK = 0.02
# What a command leaves running, as a shell's "&" does, gets so long to end by itself.
_AFTERWARDS = 1.0
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Outcome:
    """How a run of a producer went.

    ``exit_code`` is None where it was ended at the time limit, and negative where a signal ended it. ``leaks`` are
    the places of the output where the key stood, masked. ``left_running`` tells that processes of its had to be
    killed after it. ``error`` says why it could not be run at all.
    """

    began: datetime
    exit_code: int | None
    seconds: float
    stdout: str = ""
    stderr: str = ""
    leaks: tuple[str, ...] = ()
    left_running: bool = False
    error: str | None = None

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        if self.exit_code is None:
            return f"was still running after {self.seconds:.0f} s, and was ended"
        if self.exit_code < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-self.exit_code).name} after {self.seconds:.1f} s"
        return f"ended with exit code {self.exit_code} after {self.seconds:.1f} s"


class Stop:
    """Has runs end, from any thread: asked for, they get ``grace`` seconds to flush what they have; hurried, none."""

    def __init__(self, grace: float = 30.0) -> None:
        self.grace = grace
        self._requested = threading.Event()
        self._hurried = threading.Event()

    @property
    def is_requested(self) -> bool:
        """Whether runs are to end."""
        return self._requested.is_set()

    @property
    def is_hurried(self) -> bool:
        """Whether they are to end at once."""
        return self._hurried.is_set()

    def ask(self) -> None:
        """Has runs end."""
        self._requested.set()

    def ask_again(self) -> None:
        """Has runs end: at once, if they were asked before."""
        if self._requested.is_set():
            self._hurried.set()
        self._requested.set()


class InterruptedRunError(Exception):
    """The suite is to end: the run was ended before it was over."""


def run_command(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    key: str,
    limit: float,
    stop: Stop,
) -> Outcome:
    """Runs a command in a process group of its own until it ends, or for ``limit`` seconds.

    Nothing that it has started is left running after, in sessions of their own neither (on Linux). Raises
    ``InterruptedRunError`` once ``stop`` is asked for.
    """
    began, start = datetime.now(UTC), time.monotonic()
    watch = KeyWatch(key)
    variables, mark = marked(environment)
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            list(command),
            env=variables,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=ending_with_us(),
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return Outcome(began, None, 0.0, error=f"{command[0]} cannot be run: {reason}")
    streams = WatchedStream("stdout", watch), WatchedStream("stderr", watch)
    over = left_running = False
    try:
        exit_code, seconds = _wait(process, streams, start, limit, stop)
        if exit_code is not None:
            left_running = _outlived(process, streams, stop, mark)
            over = not left_running
    except InterruptedRunError:
        _end_group(process, streams, stop, mark)
        raise
    finally:
        if not over:
            _kill_group(process)
            kill_kin(mark)
        process.wait()
        _close(process)
    leaks = tuple(leak for stream in streams for leak in stream.leaks)
    return Outcome(began, exit_code, seconds, streams[0].text, streams[1].text, leaks, left_running)


def _wait(
    process: subprocess.Popen[bytes],
    streams: tuple[WatchedStream, WatchedStream],
    start: float,
    limit: float,
    stop: Stop,
) -> tuple[int | None, float]:
    with _reading(process, streams) as selector:
        while True:
            if stop.is_requested:
                raise InterruptedRunError
            _pump(selector)
            exit_code = process.poll()
            seconds = time.monotonic() - start
            if exit_code is not None or seconds >= limit:
                return exit_code, seconds


def _outlived(
    process: subprocess.Popen[bytes], streams: tuple[WatchedStream, WatchedStream], stop: Stop, mark: str
) -> bool:
    """Reads what is left, and gives what the command left behind a moment to end; whether something of it did not."""
    until = time.monotonic() + _AFTERWARDS
    with _reading(process, streams) as selector:
        while True:
            _pump(selector)
            gone = not _group_lives(process) and not kin(mark)
            if gone and not selector.get_map():
                return False
            if stop.is_requested or time.monotonic() >= until:
                return not gone


class _reading(contextlib.AbstractContextManager[selectors.BaseSelector]):  # noqa: N801 - used as a function
    """A selector on what a process prints; each stream as long as it is open."""

    def __init__(self, process: subprocess.Popen[bytes], streams: tuple[WatchedStream, WatchedStream]) -> None:
        self._selector = selectors.DefaultSelector()
        for pipe, stream in zip((process.stdout, process.stderr), streams, strict=True):
            if pipe is not None and not pipe.closed:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, stream)

    def __enter__(self) -> selectors.BaseSelector:
        return self._selector

    def __exit__(self, *_: object) -> None:
        self._selector.close()


def _pump(selector: selectors.BaseSelector) -> None:
    """Reads whatever is there, for a moment."""
    if not selector.get_map():
        time.sleep(_TICK)
        return
    for ready, _ in selector.select(_TICK):
        try:
            data = os.read(ready.fd, _CHUNK)
        except BlockingIOError:
            continue
        if data:
            ready.data.feed(data)
        else:
            selector.unregister(ready.fileobj)


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    """Whether anything of the process group runs. What has ended and was not reaped yet, by a lazy init, does not."""
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    states = _states(process.pid)
    return not states or any(state not in "ZX" for state in states)


def _states(group: int) -> list[str]:
    """The states of the processes of a group; none where there is no /proc to tell."""
    states = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            # The name, in brackets, may hold anything.
            state, _, of = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
            if int(of) == group:
                states.append(state)
    return states


def _end_group(
    process: subprocess.Popen[bytes], streams: tuple[WatchedStream, WatchedStream], stop: Stop, mark: str
) -> None:
    """Asks a process group to end, and what has left it, and returns when they have, or may take no longer."""
    until = time.monotonic() + stop.grace
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    signal_kin(mark, signal.SIGTERM)
    with _reading(process, streams) as selector:
        while not stop.is_hurried and time.monotonic() < until:
            _pump(selector)
            process.poll()
            if not _group_lives(process) and not kin(mark):
                return


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
