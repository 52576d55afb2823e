"""Concurrent requests share a commit, and nobody is answered before it."""

from __future__ import annotations

import asyncio
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mock_intake.journal import JournalError
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.server.change_signal import ChangeSignal
from mock_intake.server.ingest.recorder import Recorder, _share
from tests.journal.exchanges import plain
from tests.journal.serving import Answer, Load, new_event, serving

CLIENTS = 16


def commits(file: Path) -> int:
    """How many transactions stand in the write-ahead log; each of them was one fsync.

    The last frame of a transaction has the size of the database in its header. Frames behind the end of the log,
    left over from before, have other salts.
    """
    log = file.with_name(file.name + "-wal").read_bytes()
    page_size = struct.unpack(">I", log[8:12])[0]
    salts = log[16:24]
    frames = (log[start : start + 24] for start in range(32, len(log), 24 + page_size))
    return sum(1 for frame in frames if frame[8:16] == salts and frame[4:8] != bytes(4))


@pytest.fixture
def kept_log(tmp_path: Path) -> Iterator[Path]:
    """A journal whose log is kept whole: somebody reads at its beginning."""
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    journal.append([plain("first")])
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM exchanges").fetchall()
    journal.close()
    yield file
    reader.close()


def test_requests_that_wait_for_one_commit_share_the_next(tmp_path: Path, kept_log: Path) -> None:
    answers: list[Answer] = []
    with serving(tmp_path, "--journal", kept_log) as server:
        senders = [threading.Thread(target=lambda: answers.append(server.send(new_event()))) for _ in range(CLIENTS)]
        before = commits(kept_log)
        with sqlite3.connect(kept_log, isolation_level=None) as other:
            # Nobody can commit until all have come.
            other.execute("BEGIN IMMEDIATE")
            for sender in senders:
                sender.start()
            time.sleep(0.4)
            assert answers == [], "answered before the commit"
            other.execute("ROLLBACK")
        other.close()
        for sender in senders:
            sender.join()
        assert [answer.status for answer in answers] == [202] * CLIENTS
        # The first to come is on its way already when the others gather.
        assert 1 <= commits(kept_log) - before <= 2


def test_under_load_commits_are_shared(tmp_path: Path, kept_log: Path) -> None:
    with serving(tmp_path, "--journal", kept_log) as server:
        before = commits(kept_log)
        with Load(server, CLIENTS) as load:
            load.wait_for(300)
        made = commits(kept_log) - before
        assert {each.status for each in load.sent} == {202}
        assert 1 <= made < len(load.sent) / 2, f"{made} commits for {len(load.sent)} events"


def test_an_answer_means_that_another_process_can_see_the_event(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    missing: list[str] = []

    def send_and_look() -> None:
        with sqlite3.connect(file) as reader:
            for _ in range(20):
                event_id = server.send(new_event()).body["id"]
                if reader.execute("SELECT count(*) FROM events WHERE id = ?", (event_id,)).fetchone() != (1,):
                    missing.append(event_id)
        reader.close()

    with serving(tmp_path, "--journal", file) as server:
        threads = [threading.Thread(target=send_and_look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert missing == []
        assert server.get("/statistics").body["exchanges"] == 160


# The recorder by itself.


def test_one_that_cannot_be_kept_takes_no_other_with_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite keeps numbers of 64 bits; whatever else goes wrong with one exchange is treated alike."""
    journal = SqliteJournal(tmp_path / "journal.db")
    recorder = Recorder(journal, ChangeSignal())
    good = [plain(f"{number}") for number in range(5)]
    bad = replace(plain("bad"), decoded_size=2**70)

    async def record() -> list[BaseException | None]:
        return await asyncio.gather(
            *(recorder.record(exchange) for exchange in (*good[:3], bad, *good[3:])), return_exceptions=True
        )

    results = asyncio.run(record())
    assert [type(result) for result in results] == [type(None)] * 3 + [JournalError] + [type(None)] * 2
    assert "cannot be put on record" in str(results[3])
    assert {exchange.id for _, exchange in journal.read(0, 10)} == {exchange.id for exchange in good}
    # It goes on.
    asyncio.run(recorder.record(plain("later")))
    recorder.close()
    assert journal.position == 6
    journal.close()
    assert f"the exchange {bad.id} cannot be put on record" in caplog.text


def test_one_that_is_there_already_takes_no_other_with_it(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    recorder = Recorder(journal, ChangeSignal())
    first = plain("first")
    good = [plain(f"{number}") for number in range(4)]

    async def record() -> list[BaseException | None]:
        await recorder.record(first)
        return await asyncio.gather(
            *(recorder.record(exchange) for exchange in (*good[:2], first, *good[2:])), return_exceptions=True
        )

    results = asyncio.run(record())
    recorder.close()
    assert [type(result) for result in results] == [type(None)] * 2 + [JournalError] + [type(None)] * 2
    assert "an exchange of the same id is on record already" in str(results[2])
    assert {exchange.id for _, exchange in journal.read(0, 10)} == {first.id, *(exchange.id for exchange in good)}
    journal.close()


def test_a_loop_that_records_goes_on_while_the_file_is_locked(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    recorder = Recorder(journal, ChangeSignal())

    async def record_and_tick() -> tuple[float, object]:
        under_way = asyncio.gather(*(recorder.record(plain(f"{n}")) for n in range(5)), return_exceptions=True)
        longest = 0.0
        while not under_way.done():
            began = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - began)
        return longest, {type(result) for result in await under_way}

    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    longest, results = asyncio.run(record_and_tick())
    other.close()
    assert results == {JournalError}
    assert longest < 0.9, "it waits for the file, which is for a second"
    recorder.close()
    journal.close()


def test_closing_waits_for_all_that_was_given(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    heard: list[str] = []
    recorder = Recorder(journal, ChangeSignal(), lambda exchange: heard.append(exchange.id))
    for again in (1, 2):
        given = [plain(f"{again}-{number}") for number in range(50)]
        for exchange in given:
            recorder.record_soon(exchange)
        recorder.close()
        assert journal.position == 50 * again
        assert heard[-50:] == [exchange.id for exchange in given]
    journal.close()


@pytest.mark.parametrize(
    ("under_way", "slow", "share"),
    [(1, False, 1), (2, False, 1), (16, False, 8), (17, False, 9), (1, True, 1), (2, True, 1), (16, True, 16)],
)
def test_half_of_what_is_under_way_shares_a_commit_and_on_a_slow_disk_all(
    under_way: int, slow: bool, share: int
) -> None:
    """Of two, one may be the last of a client that is alone: it does not wait for others on a slow disk either."""
    assert _share(under_way, slow=slow) == share


def test_no_commit_is_without_end() -> None:
    assert _share(100_000, slow=True) == 1_000
