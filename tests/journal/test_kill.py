"""A server that is killed under load has lost nothing that it acknowledged."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import orjson

from mock_intake.journal import EventFilter, ExchangeFilter, walk
from mock_intake.journal.sqlite import SqliteJournal
from tests.journal.serving import HEADERS, SOAK, Load, Sent, Serving

ROUNDS = 100 if SOAK else 3
CLIENTS = 8
CURLS = 2


class Curls(Load):
    """Each event is sent by a curl of its own."""

    def _keep_sending(self) -> None:
        headers = [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]
        while not self._stopped.is_set():
            body = orjson.dumps(self._make())
            self.begun += 1
            began = time.monotonic()
            curl = ["curl", "-sS", "-w", "\n%{http_code}", *headers, "--data-binary", "@-"]
            url = f"{self._server.url}/api/v1/lineage"
            done = subprocess.run([*curl, url], input=body, capture_output=True, timeout=30, check=False)
            if done.returncode != 0:
                return
            answer, _, status = done.stdout.rpartition(b"\n")
            self.sent.append(Sent(body, orjson.loads(answer)["id"], int(status), time.monotonic() - began))


def test_every_acknowledged_event_outlives_kill_9_once_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    chance = random.Random(4)
    acknowledged: dict[str, bytes] = {}
    begun = 0
    for _ in range(ROUNDS):
        server = Serving(tmp_path, "--journal", file)
        try:
            with Load(server, CLIENTS) as clients, Curls(server, CURLS) as curls:
                clients.wait_for(CLIENTS)
                curls.wait_for(1)
                time.sleep(chance.uniform(0, 0.5))
                server.kill()
        finally:
            server.kill()
        sent = [*clients.sent, *curls.sent]
        begun += clients.begun + curls.begun
        assert {each.status for each in sent} == {202}
        acknowledged |= {each.event_id: each.body for each in sent}
        _assert_all_there(file, acknowledged, begun)


def test_what_is_kept_and_what_was_dropped_add_up_after_kill_9(tmp_path: Path) -> None:
    """Killed while retention drops, beside what comes in and when the file is opened."""
    file = tmp_path / "journal.db"
    chance = random.Random(5)
    for number in range(10 if SOAK else 2):
        limit = "10" if number % 2 else "2000"
        server = Serving(tmp_path, "--journal", file, "--keep-events", limit)
        try:
            with Load(server, CLIENTS) as clients:
                clients.wait_for(300)
                time.sleep(chance.uniform(0, 0.3))
                server.kill()
        finally:
            server.kill()
        newest = [each.event_id for each in clients.sent[-CLIENTS:]]
        with closing(SqliteJournal(file)) as journal:
            kept = [exchange for _, exchange in walk(journal)]
            assert journal.dropped + len(kept) == journal.position
            assert journal.count_events(EventFilter()) == journal.statistics().exchanges == len(kept)
            # Answers come in another order than exchanges went on record, by as many as there are clients.
            assert sum(journal.event(event_id) is not None for event_id in newest) >= 1
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT exchanges FROM held").fetchone() == (len(kept),)


def _assert_all_there(file: Path, acknowledged: dict[str, bytes], begun: int) -> None:
    began = time.monotonic()
    journal = SqliteJournal(file)
    assert time.monotonic() - began < 20, "the file did not open at once"
    try:
        kept = [exchange for _, exchange in walk(journal)]
        bodies = {exchange.event.id: exchange.request.body for exchange in kept if exchange.event is not None}
        # Once: as many exchanges as events. Whole: the bodies are what was sent.
        assert len(bodies) == len(kept) == journal.count_events(EventFilter()) <= begun
        assert {event_id: bodies.get(event_id) for event_id in acknowledged} == acknowledged
        assert all(orjson.loads(body)["job"]["name"].startswith("job-") for body in bodies.values())
        for event_id in list(acknowledged)[-20:]:
            record = journal.event(event_id)
            assert record is not None
            assert record.attempts == 1
            assert [exchange.id for exchange in journal.exchanges(ExchangeFilter(event_id=event_id), 9).items] == [
                record.exchange_id
            ]
        # What is counted beside is right too.
        statistics = journal.statistics()
        assert statistics.exchanges == statistics.accepted == sum(org.events for org in journal.orgs()) == len(kept)
        assert statistics.bytes == sum(len(each.request.body) + len(each.response.body) for each in kept)
        assert journal.position == len(kept)
    finally:
        journal.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT exchanges FROM held").fetchone() == (len(kept),)
    connection.close()
