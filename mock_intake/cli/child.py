"""A command that is run as a child, with the signals that end programs handed on to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from mock_intake.cli.console import echo
from mock_intake.cli.signals import ENDING, received
from mock_intake.system.kin import Kin, kin, marked
from mock_intake.system.parents import ending_with_us

_COMMAND_NOT_FOUND = 127
_CANNOT_RUN = 126
# How long what a signal should have ended may take to end, before it is killed.
_PATIENCE = 5.0
# What a signal to nobody raises: macOS denies it where what has ended was not reaped yet.
_GONE = (ProcessLookupError, PermissionError)
# Signals that a terminal's keys send.
_KEYS = ("SIGINT", "SIGQUIT")


class NotRunError(Exception):
    """The command cannot be run; with the exit code that shells have for that."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class ChildCommand:
    """Runs a command once, and hands on to it the signals that end programs. We stay, to tell what arrived.

    In the foreground of a terminal the command shares our process group, so that the terminal's keys (Ctrl-C, Ctrl-Z)
    reach it as if we were not there. Elsewhere it gets a group of its own: a signal to us alone, as a supervisor sends
    it, then reaches all that the command has started. Signals that are ignored, as under nohup, stay ignored.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._shared = _in_foreground()
        self._receiving = received(dict.fromkeys(ENDING, self._take))
        # What follows is for the thread that receives signals, and for the one that runs the command.
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._to_hand_on: list[int] = []
        self._handed_on = False
        self._killed = False
        self._last_resort: threading.Timer | None = None
        self.left: list[Kin] = []
        """What the command has started and still runs, once it has ended itself."""

    def __enter__(self) -> ChildCommand:
        self._receiving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._receiving.__exit__(kind, error, traceback)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        """The exit code, once the command has ended. Raises ``NotRunError``.

        Where a signal has come before, the command is not begun: ``SystemExit``, with the exit code for the signal.
        """
        name = arguments[0]
        variables, mark = marked(environment)
        with self._lock:
            if self._to_hand_on:
                sys.exit(128 + self._to_hand_on[0])
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command
                arguments,
                env=variables,
                process_group=None if self._shared else 0,
                # In the thread that waits for its end.
                preexec_fn=ending_with_us(),
            )
        except FileNotFoundError as error:
            raise NotRunError(f"there is no command {name}", _COMMAND_NOT_FOUND) from error
        except OSError as error:
            raise NotRunError(f"{name} cannot be run: {error.strerror}", _CANNOT_RUN) from error
        with self._lock:
            self._process = process
            self._hand_on()  # what came meanwhile
        code = process.wait()
        with self._lock:
            to_see_off = self._handed_on and not self._shared
            if not to_see_off:
                self._process = None
        if to_see_off:
            _see_off(process)
        with self._lock:
            self._process = None
            if self._last_resort is not None:
                self._last_resort.cancel()
            killed = self._killed
        self.left = kin(mark)
        if killed:
            echo("The command did not end, and was killed.", err=True)
        return 128 - code if code < 0 else code

    def _take(self, number: int) -> None:
        with self._lock:
            if self._handed_on and self._process is not None and not self._is_of_keys(signal.Signals(number)):
                # It was told before, and whoever tells it again has waited for long enough.
                self._kill()
                return
            self._to_hand_on.append(number)
            self._hand_on()

    def _hand_on(self) -> None:
        while self._process is not None and self._to_hand_on:
            number = signal.Signals(self._to_hand_on.pop(0))
            if self._is_of_keys(number):
                continue
            self._handed_on = True
            self._send(number)
            if self._last_resort is None:
                # Where the terminal is gone, nobody is left who could say that it takes too long.
                grace = min(self._grace, _PATIENCE) if number.name == "SIGHUP" else self._grace
                self._last_resort = threading.Timer(grace, self._end_of_grace)
                self._last_resort.daemon = True
                self._last_resort.start()

    def _is_of_keys(self, number: signal.Signals) -> bool:
        """Whether it came from a terminal's keys, so that the terminal has sent it to the command too."""
        return self._shared and number.name in _KEYS and _in_foreground()

    def _end_of_grace(self) -> None:
        with self._lock:
            self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._killed = True
            self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(*_GONE):
            if self._shared:
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)


def _see_off(process: subprocess.Popen[bytes]) -> None:
    """Waits for what the command has started, which a signal is to end as well: it may have events to send."""
    until = time.monotonic() + _PATIENCE
    with contextlib.suppress(*_GONE):
        while time.monotonic() < until:
            os.killpg(process.pid, 0)
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        echo("What the command had started did not end, and was killed.", err=True)


def _in_foreground() -> bool:
    """Whether our process group is the one that a terminal's keys go to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False  # the terminal has gone
    finally:
        os.close(terminal)
