"""The log beside a journal's file is written back into it, and stays small, whatever goes on."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mock_intake.journal import EventFilter, ExchangeFilter, JournalError, walk
from mock_intake.journal.checkpoints import Checkpoints
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.journal.turns import Turns
from tests.conftest import REPOSITORY
from tests.control.test_stream import eventually
from tests.journal.exchanges import MIB, large, plain
from tests.journal.serving import SOAK, Load, Serving, new_event

# What is due to be written back, and as much again that may come while it is.
MOST = 96 * MIB


def log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


def refused_before_it_was_kept(journal: SqliteJournal) -> int:
    """How often it was told to try again with a large exchange: on a busy machine a turn may not come in a second."""
    for refused in range(30):
        try:
            journal.append([large()])
        except JournalError as error:
            if not str(error).endswith("is being written to, for instance by a large import; try again."):
                raise
        else:
            return refused
    pytest.fail("it was told to try again for half a minute")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        yield journal


def test_the_log_is_written_back_while_exchanges_come(journal: SqliteJournal) -> None:
    for _ in range(200):
        journal.append([large()])
        assert log_of(journal.file).stat().st_size < MOST
    assert journal.file.stat().st_size > 100 * MIB
    assert journal.count_events(EventFilter()) == 200


def test_small_exchanges_one_by_one_are_written_back_too(journal: SqliteJournal) -> None:
    """Each changes some pages of indexes, which is most of what it costs."""
    for _ in range(3_000):
        journal.append([plain(str(random.random()))])
    assert journal.file.stat().st_size > MIB
    assert log_of(journal.file).stat().st_size < MOST


def test_the_log_stays_small_while_much_is_forgotten(journal: SqliteJournal) -> None:
    for _ in range(120):
        journal.append([large(MIB // 64) for _ in range(64)])
    assert journal.forget() == 120 * 64
    assert log_of(journal.file).stat().st_size < MOST


def test_a_reader_holds_the_writing_back_up_and_nobody_else(journal: SqliteJournal) -> None:
    journal.append([large()])
    with closing(sqlite3.connect(journal.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM exchanges").fetchone()
        for _ in range(80):
            journal.append([large()])
        assert log_of(journal.file).stat().st_size > 80 * MIB
        assert reader.execute("SELECT count(*) FROM exchanges").fetchone() == (1,)
        reader.execute("COMMIT")
    for _ in range(60):
        journal.append([large()])
    assert eventually(lambda: journal.file.stat().st_size > 100 * MIB)
    assert journal.count_events(EventFilter()) == 141


def test_a_journal_that_is_closed_leaves_no_thread_and_no_log(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    for _ in range(60):
        journal.append([large()])
    journal.close()
    assert not log_of(file).exists()
    assert [thread for thread in threading.enumerate() if thread.name.startswith("mock-intake-checkpoints")] == []
    with closing(SqliteJournal(file, read_only=True)) as again:
        assert again.count_events(EventFilter()) == 60


def test_a_close_in_the_moment_of_a_new_round_is_heard(tmp_path: Path) -> None:
    """What wakes the thread comes just before the thread forgets why it woke."""
    file = tmp_path / "x.db"
    checkpoints = Checkpoints(sqlite3.connect(file, check_same_thread=False), file, Turns())
    due = threading.Event()
    closers: list[threading.Thread] = []

    class LateToForget(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return due.wait(timeout)

        def set(self) -> None:
            due.set()

        def clear(self) -> None:
            if not closers:
                closers.append(threading.Thread(target=checkpoints.close, daemon=True))
                closers[0].start()
                time.sleep(0.2)
            due.clear()

    checkpoints._due = LateToForget()
    checkpoints.add(2**40)
    checkpoints.grew(1)
    assert eventually(lambda: closers and not closers[0].is_alive())


def lives(file: Path, number: int, ends: str) -> None:
    """As many processes, one after the other, that each write 40 MB and end so."""
    program = (
        "import os, sys; from pathlib import Path; from mock_intake.journal.sqlite import SqliteJournal\n"
        "from tests.journal.exchanges import large\n"
        "journal = SqliteJournal(Path(sys.argv[1]))\n"
        "for _ in range(40): journal.append([large()])\n"
    )
    for _ in range(number):
        subprocess.run([sys.executable, "-c", program + ends, file], check=True, cwd=REPOSITORY)


def test_the_log_of_a_process_that_was_killed_is_written_back_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    lives(file, 5, "os._exit(0)")
    assert log_of(file).stat().st_size < MOST
    assert file.stat().st_size > 100 * MIB


def test_a_journal_that_is_closed_beside_a_reader_leaves_an_empty_log(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    SqliteJournal(file).close()
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("SELECT count(*) FROM exchanges").fetchone()
        lives(file, 2, "journal.close()")
        assert log_of(file).stat().st_size == 0
    assert file.stat().st_size > 80 * MIB


def test_readers_that_come_and_go_do_not_let_the_log_grow(journal: SqliteJournal) -> None:
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            journal.exchanges(ExchangeFilter(), 20)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        refused = [refused_before_it_was_kept(journal) for _ in range(300)]
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert log_of(journal.file).stat().st_size < 3 * MOST
    # Few wait for a turn in vain, however busy the machine is.
    assert sum(count > 0 for count in refused) <= len(refused) // 20


def test_a_log_for_which_there_is_no_room_is_written_back_and_begun_anew(tmp_path: Path) -> None:
    """The largest file that the process may write is 20 MB; the journal itself stays small."""
    program = (
        "import resource, sys, time; from pathlib import Path\n"
        "from mock_intake.journal import JournalError\n"
        "from mock_intake.journal.retention import Retention\n"
        "from mock_intake.journal.sqlite import SqliteJournal\n"
        "from tests.journal.exchanges import large\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20 << 20, 20 << 20))\n"
        "journal = SqliteJournal(Path(sys.argv[1]), retention=Retention(5))\n"
        "done = failed = 0\n"
        "while done < 100 and failed < 100:\n"
        "    try: journal.append([large()]); done += 1\n"
        "    except JournalError: failed += 1; time.sleep(0.05)\n"
        "print(done)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "journal.db"],
        check=True, cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    assert told.stdout == "100\n"


def test_large_exchanges_are_forgotten_in_small_steps_between_which_events_come(journal: SqliteJournal) -> None:
    for _ in range(300):
        journal.append([large()])
    forgetting = threading.Thread(target=journal.forget)
    before = journal.generation
    forgetting.start()
    # Once the first step is done, it is settled up to where to forget.
    assert eventually(lambda: journal.generation > before)
    came = 0
    while forgetting.is_alive():
        journal.append([plain(f"meanwhile {came}")])
        came += 1
    forgetting.join()
    assert came > 3
    assert journal.count_events(EventFilter()) == came
    assert log_of(journal.file).stat().st_size < 2 * MOST


def test_no_more_threads_are_no_reason_to_refuse_what_is_on_record(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(60):
        journal.append([large()])
    monkeypatch.undo()
    for _ in range(60):
        journal.append([large()])
    assert journal.count_events(EventFilter()) == 120
    assert eventually(lambda: journal.file.stat().st_size > 60 * MIB)


def test_what_was_acknowledged_outlives_kill_9_while_the_log_is_written_back(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    chance = random.Random(6)
    acknowledged: dict[str, bytes] = {}
    for _ in range(20 if SOAK else 2):
        server = Serving(tmp_path, "--journal", file)
        try:
            # Some 50 MB, and so the log is being written back, or has just been.
            with Load(server, 8, lambda: new_event(padding=chance.randbytes(100_000).hex())) as load:
                load.wait_for(240)
                time.sleep(chance.uniform(0, 0.3))
                server.kill()
        finally:
            server.kill()
        assert {each.status for each in load.sent} == {202}
        acknowledged |= {each.event_id: each.body for each in load.sent}
        with closing(SqliteJournal(file)) as journal:
            kept = [exchange for _, exchange in walk(journal)]
            bodies = {exchange.event.id: exchange.request.body for exchange in kept if exchange.event is not None}
            assert len(bodies) == len(kept)
            assert {event_id: bodies.get(event_id) for event_id in acknowledged} == acknowledged
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
