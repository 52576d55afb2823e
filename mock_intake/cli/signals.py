"""Signals that end programs, received by a thread.

What Python runs as the handler of a signal runs in the main thread, between any two of its instructions. A lock that
the main thread holds just then is waited for by the handler for good, and even ``Event.set`` takes one; an exception
that the handler raises may leave a lock taken, or vanish where the interpreter ignores exceptions. So no handler here
does anything. The interpreter, which the system tells of a signal at once, writes its number into a pipe
(``signal.set_wakeup_fd``), and a thread that reads there acts on it. That thread may wait for locks as any other, and
has its turn also while the main thread is held up in a call of the system.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar, NoReturn

from mock_intake.cli.command import Command

Action = Callable[[int], None]

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
"""The signals that end programs, of those that there are on this system."""

_AT_ONCE = 64


class OwnSignals(Command):
    """A command that says itself what signals do, and until then is ended by them at once, with code 128 + N.

    In any other command Ctrl-C is a ``KeyboardInterrupt``, and what else ends programs ends it.
    """


def exit_at_once(number: int) -> NoReturn:
    """Ends the process with the code that shells have for the signal; waits for no lock, and closes nothing."""
    os._exit(128 + number)


@contextmanager
def received(actions: Mapping[int, Action], *, ignored_too: bool = False) -> Iterator[None]:
    """Has a thread do for each signal what is said here, until the context ends; signals that came by then count.

    An action is called with the signal's number; one after the other, in the order in which signals came. Of contexts
    that are nested the innermost that names a signal has it. Signals that are ignored, as under nohup, stay so, but for
    ``ignored_too``. Does nothing in other threads than the main one, which alone may say what signals do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in actions if ignored_too or signal.getsignal(number) is not signal.SIG_IGN]
    outermost = _Receiver.current is None
    receiver = _Receiver.current = _Receiver.current or _Receiver()
    outer = receiver.actions
    receiver.actions = {**outer, **{number: actions[number] for number in numbers}}
    handlers = {number: signal.signal(number, _leave_it_to_the_receiver) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if outermost:
            _Receiver.current = None
            receiver.close()
        else:
            receiver.actions = outer


@contextmanager
def ended_by(*numbers: int, leaving: Callable[[], None] = lambda: None) -> Iterator[threading.Event]:
    """An event that the first of these signals sets. A second one ends the process at once, whatever it is doing.

    ``leaving`` is called before that; it must not take long, nor wait for a lock.
    Ignored signals are heard too: a server that a script starts in its background can be ended by SIGINT all the same.
    """
    ended = threading.Event()

    def end(number: int) -> None:
        if ended.is_set():
            try:
                leaving()
            finally:
                exit_at_once(number)
        ended.set()

    with received(dict.fromkeys(numbers, end), ignored_too=True):
        yield ended


@contextmanager
def held_back() -> Iterator[None]:
    """Signals that end programs come to this thread, and to a process that it makes (fork), after the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_anew() -> None:
    """For a copy of a process (fork), while signals are held back: they do what they do to any program, but for Ctrl-C,
    which is left to whoever made the copy.

    The thread that received them is not in the copy, and its pipe is that of the original.
    """
    signal.set_wakeup_fd(-1)
    if _Receiver.current is not None:
        _Receiver.current.leave()
        _Receiver.current = None
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave_it_to_the_receiver(number: int, frame: FrameType | None) -> None:
    """Where Python has no handler, the interpreter writes nothing into the pipe."""


class _Receiver:
    """The pipe that the interpreter writes numbers of signals into, and the thread that acts on them."""

    current: ClassVar[_Receiver | None] = None

    def __init__(self) -> None:
        self.actions: Mapping[int, Action] = {}
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._thread = threading.Thread(target=self._receive, name="mock-intake-signals", daemon=True)
        self._thread.start()
        # That a pipe is full, after thousands of signals that nobody acted on, is not worth a word.
        self._before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)

    def close(self) -> None:
        """Returns when all signals that have come are acted on."""
        signal.set_wakeup_fd(self._before)
        os.close(self._writing)
        self._thread.join()
        os.close(self._reading)

    def leave(self) -> None:
        """Lets go of the pipe in a process that is a copy of its own."""
        os.close(self._writing)
        os.close(self._reading)

    def _receive(self) -> None:
        while numbers := os.read(self._reading, _AT_ONCE):
            for number in numbers:
                try:
                    # Of signals with handlers of somebody else's, the interpreter writes the numbers too.
                    if (action := self.actions.get(number)) is not None:
                        action(number)
                except Exception:
                    # The next signal must be heard, whatever became of this one.
                    sys.excepthook(*sys.exc_info())
