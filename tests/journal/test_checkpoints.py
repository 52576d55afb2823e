"""The log beside a journal's file is written back into it, and stays small, whatever goes on."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mock_intake.exchange import Exchange
from mock_intake.journal import EventFilter
from mock_intake.journal.sqlite import SqliteJournal
from tests.control.test_stream import eventually
from tests.journal.exchanges import plain
from tests.journal.serving import SOAK, Load, Serving, new_event

MIB = 1024 * 1024
# What is due to be written back, and as much again that may come while it is.
MOST = 96 * MIB


def large(size: int = MIB) -> Exchange:
    exchange = plain(str(random.random()))
    return exchange._replace(request=exchange.request._replace(body=random.randbytes(size), wire_size=size))


def log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


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
    for _ in range(8_000):
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
            kept = [exchange for _, exchange in journal.read(0, 1_000_000)]
            bodies = {exchange.event.id: exchange.request.body for exchange in kept if exchange.event is not None}
            assert len(bodies) == len(kept)
            assert {event_id: bodies.get(event_id) for event_id in acknowledged} == acknowledged
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
