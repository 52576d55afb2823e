"""Signals are received by a thread: whatever the main thread holds or does, none is lost and none waits for itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake.cli.signals import ended_by, received
from tests.commands import clean_environment
from tests.signalling import Moment, signalled

ONE, OTHER = signal.SIGUSR1, signal.SIGUSR2


class Heard:
    """An action that remembers what it was called with."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.threads: set[str] = set()
        self._more = threading.Condition()

    def __call__(self, number: int) -> None:
        with self._more:
            self.numbers.append(number)
            self.threads.add(threading.current_thread().name)
            self._more.notify_all()

    def wait_for(self, count: int) -> bool:
        with self._more:
            return self._more.wait_for(lambda: len(self.numbers) >= count, 20)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Nothing of what a test has set up for signals is left."""
    numbers = (ONE, OTHER, signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    descriptors = len(os.listdir("/dev/fd"))  # noqa: PTH208 - of a directory that its own listing is in
    yield
    assert {number: signal.getsignal(number) for number in numbers} == before
    assert signal.set_wakeup_fd(-1) == -1
    assert "mock-intake-signals" not in {thread.name for thread in threading.enumerate()}
    assert len(os.listdir("/dev/fd")) == descriptors  # noqa: PTH208


def test_an_action_may_wait_for_a_lock_that_the_main_thread_holds() -> None:
    lock, done = threading.Lock(), threading.Event()

    def act(_number: int) -> None:
        with lock:
            done.set()

    with received({ONE: act}):
        with lock:
            signal.raise_signal(ONE)
            assert not done.wait(0.05)
        assert done.wait(20)


def test_actions_are_called_in_a_thread_of_their_own_in_the_order_in_which_signals_come() -> None:
    heard = Heard()
    with received({ONE: heard, OTHER: heard}):
        for number in (ONE, OTHER, OTHER, ONE):
            signal.raise_signal(number)
        assert heard.wait_for(4)
    assert heard.numbers == [ONE, OTHER, OTHER, ONE]
    assert heard.threads == {"mock-intake-signals"}


def test_what_came_before_the_end_counts() -> None:
    heard = Heard()
    with received({ONE: heard}):
        for _ in range(100):
            signal.raise_signal(ONE)
    assert len(heard.numbers) == 100


def test_of_nested_contexts_the_innermost_that_names_a_signal_has_it() -> None:
    outer, inner = Heard(), Heard()
    with received({ONE: outer, OTHER: outer}):
        with received({ONE: inner}):
            signal.raise_signal(ONE)
            signal.raise_signal(OTHER)
            assert inner.wait_for(1)
            assert outer.wait_for(1)
        signal.raise_signal(ONE)
        assert outer.wait_for(2)
    assert (inner.numbers, outer.numbers) == ([ONE], [OTHER, ONE])


def test_a_signal_that_is_ignored_stays_so_unless_it_is_asked_for() -> None:
    heard = Heard()
    before = signal.signal(ONE, signal.SIG_IGN)
    try:
        with received({ONE: heard, OTHER: heard}):
            signal.raise_signal(ONE)
            signal.raise_signal(OTHER)
            assert heard.wait_for(1)
        assert signal.getsignal(ONE) is signal.SIG_IGN
        with received({ONE: heard}, ignored_too=True):
            signal.raise_signal(ONE)
        assert signal.getsignal(ONE) is signal.SIG_IGN
    finally:
        signal.signal(ONE, before)
    assert heard.numbers == [OTHER, ONE]


def test_an_action_that_fails_is_told_and_the_next_signal_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    heard = Heard()

    def fail(_number: int) -> None:
        raise ValueError("no way")

    with received({ONE: fail, OTHER: heard}):
        signal.raise_signal(ONE)
        signal.raise_signal(OTHER)
        assert heard.wait_for(1)
    assert "ValueError: no way" in capsys.readouterr().err


def test_whoever_was_woken_by_signals_before_is_so_again() -> None:
    heard = Heard()
    with socket.socket() as ours:
        ours.setblocking(False)
        signal.set_wakeup_fd(ours.fileno())
        try:
            with received({ONE: heard}):
                signal.raise_signal(ONE)
        finally:
            assert signal.set_wakeup_fd(-1) == ours.fileno()
    assert heard.numbers == [ONE]


def test_a_thread_that_is_not_the_main_one_leaves_signals_as_they_are() -> None:
    before, inside = signal.getsignal(ONE), []

    def work() -> None:
        with received({ONE: Heard()}):
            inside.append(signal.getsignal(ONE))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [before]


def test_the_first_signal_sets_the_event_wherever_its_waiter_is() -> None:
    for _ in range(200):
        with ended_by(ONE, OTHER) as ended:
            timer = threading.Timer(0.001, os.kill, (os.getpid(), ONE))
            timer.start()
            until = time.monotonic() + 20
            while not ended.wait(0.000_1):
                assert time.monotonic() < until
            timer.join()


# While a command is being loaded


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "command", [["serve", "--port", "0"], ["run", "--", "true"], ["check", "-"]], ids=lambda c: c[0]
)
def test_a_signal_while_a_command_is_loaded_ends_it(number: signal.Signals, command: list[str], tmp_path: Path) -> None:
    moment = Moment(f"mock_intake/cli/{command[0]}.py", "<module>", "import click", number, tmp_path)
    done = subprocess.run(
        signalled([moment], *command),
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")
