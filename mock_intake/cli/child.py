"""A command that is run as a child, with the signals that end programs handed on to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from mock_intake.cli.console import echo

_COMMAND_NOT_FOUND = 127
_CANNOT_RUN = 126
# How long what a signal should have ended may take to end, before it is killed.
_PATIENCE = 5.0
# Signals that end programs, and which of them a terminal's keys send.
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
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

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._arguments = arguments
        self._shared = _in_foreground()
        self._begun = False
        self._process: subprocess.Popen[bytes] | None = None
        self._to_hand_on: list[int] = []
        self._handed_on = False
        self._last_resort: threading.Timer | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> ChildCommand:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, environment: dict[str, str]) -> int:
        """The exit code, once the command has ended. Raises ``NotRunError``."""
        self._begun = True
        name = self._arguments[0]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                self._arguments, env=environment, process_group=None if self._shared else 0
            )
        except FileNotFoundError as error:
            raise NotRunError(f"there is no command {name}", _COMMAND_NOT_FOUND) from error
        except OSError as error:
            raise NotRunError(f"{name} cannot be run: {error.strerror}", _CANNOT_RUN) from error
        self._hand_on()  # what came meanwhile
        code = self._process.wait()
        if self._handed_on and not self._shared:
            self._see_off()
        if self._last_resort is not None:
            self._last_resort.cancel()
        self._process = None
        return 128 - code if code < 0 else code

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if not self._begun:
            sys.exit(128 + number)
        self._to_hand_on.append(number)
        self._hand_on()

    def _hand_on(self) -> None:
        while self._process is not None and self._to_hand_on:
            number = signal.Signals(self._to_hand_on.pop(0))
            if self._shared and number.name in _KEYS and _in_foreground():
                continue  # the terminal has sent it to the command too
            self._handed_on = True
            self._send(number)
            if number.name == "SIGHUP" and self._last_resort is None:
                # The terminal is gone, and with it whoever could end by hand what does not end by itself.
                self._last_resort = threading.Timer(_PATIENCE, self._send, (signal.SIGKILL,))
                self._last_resort.daemon = True
                self._last_resort.start()

    def _send(self, number: int) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if self._shared:
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)

    def _see_off(self) -> None:
        """Waits for what the command has started, which a signal is to end as well: it may have events to send."""
        assert self._process is not None
        until = time.monotonic() + _PATIENCE
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < until:
                os.killpg(self._process.pid, 0)
                time.sleep(0.02)
            os.killpg(self._process.pid, signal.SIGKILL)
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
