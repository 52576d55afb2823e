"""How ``mock-intake serve`` ends: by one signal in its own way, by more at once, whatever it is doing just then."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from mock_intake.journal.sqlite import SqliteJournal
from tests.commands import clean_environment, start_command
from tests.journal.serving import SOAK, Load, Sent
from tests.signalling import Moment, signalled

NUMBERS = (signal.SIGINT, signal.SIGTERM)
# Says that it has begun: what a signal does before, while Python itself begins, is nothing that we could say.
PROGRAM = "print('begun', flush=True); from mock_intake.cli.main import main; main(prog_name='mock-intake')"
# So long (seconds) it may take to begin; to end by one signal, for which 5 are promised; and by more, with 1 promised.
# Half a second, as much, and next to nothing are usual, but other tests want the processors too.
BEGINNING, BY_ONE, BY_MORE = 100.0, 20.0, 10.0
ROUNDS = 100 if SOAK else 10
_folders = itertools.count()


class Server:
    """A ``mock-intake serve`` with a journal, which may be about to begin, or to end."""

    def __init__(self, folder: Path, command: Callable[..., list[str]], stdout: int | None) -> None:
        folder.mkdir()
        self.ready_file = folder / "ready.json"
        self.journal_file = folder / "journal.db"
        self._printed = folder / "printed.txt"
        self._errors = folder / "errors.txt"
        options = ("serve", "--port", "0", "--ready-file", self.ready_file, "--journal", self.journal_file)
        with self._printed.open("wb") as out, self._errors.open("wb") as err:
            self.process = start_command(
                command(*map(str, options)),
                forked=False,
                stdout=out if stdout is None else stdout,
                stderr=err,
                env=clean_environment(),
            )

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + BEGINNING
        while not condition():
            assert self.process.poll() is None, self.errors
            assert time.monotonic() < until, self.printed
            time.sleep(0.002)

    @property
    def url(self) -> str:
        url: str = orjson.loads(self.ready_file.read_bytes())["url"]
        return url

    def connect(self) -> http.client.HTTPConnection:
        address = urlsplit(self.url)
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


def program(*options: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *options]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def begin(command: Callable[..., list[str]] = program, stdout: int | None = None) -> Server:
        started.append(Server(tmp_path / f"{next(_folders)}", command, stdout))
        return started[-1]

    yield begin
    for server in started:
        server.kill()


def expect_closed(server: Server, sent: Sequence[Sent] = ()) -> None:
    """What is to be after one signal: everything is on record, and told, and the log is back in the journal's file."""
    assert (server.process.returncode, server.errors) == (0, "")
    assert not server.ready_file.exists()
    assert {file.name for file in server.journal_file.parent.glob("journal*")} == {"journal.db", "journal.db-writer"}
    (told,) = re.findall(r"^(\d+) events? taken", server.printed, re.MULTILINE)
    assert int(told) == expect_on_record(server, sent)


def expect_on_record(server: Server, sent: Sequence[Sent] = ()) -> int:
    """That the journal opens again, is whole, and has all that was acknowledged; how many events it has."""
    journal = SqliteJournal(server.journal_file)
    try:
        on_record = {exchange.event.id for _, exchange in journal.read(0, 100_000) if exchange.event}
        position = journal.position
    finally:
        journal.close()
    with closing(sqlite3.connect(server.journal_file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert {each.status for each in sent} <= {202}
    assert {each.event_id for each in sent} <= on_record
    return position


def codes_for(numbers: Sequence[signal.Signals]) -> set[int]:
    """How a process may end by signals: by itself, with the code that shells have for one, or killed by it."""
    return {0, *(128 + number for number in numbers), *(-number for number in numbers)}


# At moments that are certain


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_that_comes_while_the_main_thread_holds_a_lock_ends_the_server(
    number: signal.Signals, start: Callable[..., Server], tmp_path: Path
) -> None:
    """The lock of an event, which is held for a moment five times a second; to set the event takes it too."""
    held = Moment("threading.py", "wait", "signaled = self._flag", number, tmp_path / "go")
    server = start(lambda *options: signalled([held], *options))
    server.wait_until(server.ready_file.exists)
    (tmp_path / "go").touch()
    server.process.wait(BY_ONE)
    expect_closed(server)


@pytest.mark.parametrize(
    ("file", "function", "line", "number"),
    [
        ("cli/serve.py", "serve", "socket.getaddrinfo", signal.SIGINT),
        ("journal/sqlite.py", "_open_for_writing", "self._checkpoints =", signal.SIGTERM),
        ("server/runner.py", "start", "self._outcome.get", signal.SIGINT),
        ("cli/greeting.py", "greet", "events to", signal.SIGTERM),
    ],
    ids=["options", "journal", "server", "greeting"],
)
def test_a_signal_while_the_server_begins_ends_it(
    file: str, function: str, line: str, number: signal.Signals, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(lambda *options: signalled([Moment(file, function, line, number, tmp_path)], *options))
    assert server.process.wait(BEGINNING) in codes_for([number])
    assert server.errors == ""
    expect_on_record(server)


def test_a_second_signal_ends_a_server_that_cannot_end_by_itself(start: Callable[..., Server]) -> None:
    """It has a summary to print, and nobody reads: the pipe that it prints to is full."""
    reading, writing = os.pipe()
    try:
        server = start(stdout=writing)
        server.wait_until(server.ready_file.exists)
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(1))
        os.set_blocking(writing, True)
        server.process.send_signal(signal.SIGTERM)
        server.wait_until(lambda: not server.ready_file.exists())
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.5)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(BY_MORE) == 128 + signal.SIGINT
    finally:
        os.close(reading)
        os.close(writing)
    expect_on_record(server)


# At moments of chance, the same ones every time in CI


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_one_signal_at_any_moment_closes_everything(round_: int, start: Callable[..., Server]) -> None:
    chance = random.Random(f"one {round_}")
    server = start()
    server.wait_until(server.ready_file.exists)
    with Load(server, 2) if round_ % 2 else nullcontext() as load:
        time.sleep(chance.uniform(0, 0.4))
        server.process.send_signal(chance.choice(NUMBERS))
        server.process.wait(BY_ONE)
    expect_closed(server, load.sent if load else ())


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_more_signals_at_any_moments_end_it_at_once(round_: int, start: Callable[..., Server]) -> None:
    """In their midst it may be about to stop, to write its log back, or to print."""
    chance = random.Random(f"more {round_}")
    server = start()
    server.wait_until(server.ready_file.exists)
    with Load(server, 2) if round_ % 2 else nullcontext() as load:
        time.sleep(chance.uniform(0, 0.4))
        send_some(server, chance, chance.randint(2, 4))
        server.process.wait(BY_MORE)
    expect_on_record(server, load.sent if load else ())


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_signals_before_it_is_ready_end_it(round_: int, start: Callable[..., Server]) -> None:
    chance = random.Random(f"before {round_}")
    server = start()
    server.wait_until(lambda: server.printed.startswith("begun"))
    # It is ready after about half a second.
    time.sleep(chance.uniform(0, 0.5))
    numbers = send_some(server, chance, chance.randint(1, 3))
    assert server.process.wait(BEGINNING) in codes_for(numbers)
    if server.journal_file.exists():
        expect_on_record(server)


def send_some(server: Server, chance: random.Random, count: int) -> list[signal.Signals]:
    """Sends signals with random pauses between them, or with none; which they were."""
    numbers = chance.choices(NUMBERS, k=count)
    for number in numbers:
        server.process.send_signal(number)
        time.sleep(chance.choice([0, chance.uniform(0, 0.02), chance.uniform(0, 0.3)]))
    return numbers
