"""Replicas of ``serve`` over one database, each of which is killed, stopped, or gone for a while.

What was acknowledged is there, once and whole; what cannot be kept is answered 503, and told when to come back; and as
soon as the database is there again, so is the intake.
"""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from mock_intake.journal import EventFilter, walk
from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.protocol import EventRecord
from tests.databases import Database
from tests.journal.serving import SOAK, Answer, Load, Sent, Serving, asked, new_event, serving

ROUNDS = 30 if SOAK else 2
CLIENTS = 16 if SOAK else 3
# Of two replicas with 16 clients each.
ACKNOWLEDGED = 20_000 if SOAK else 240


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """One that keeps its promises, as users have it: a commit is on disk."""
    made = Database("shared_buffers=64MB")
    try:
        yield made
    finally:
        made.end()


def ask(server: Serving, path: str) -> Answer:
    with closing(server.connect()) as connection:
        return asked(connection, "GET", path)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Returns once a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.05)


def test_what_was_acknowledged_outlives_kill_9_of_replicas_and_of_the_database(
    database: Database, tmp_path: Path
) -> None:
    url = database.create()
    chance = random.Random(7)
    acknowledged: dict[str, bytes] = {}
    begun = 0
    for number in range(ROUNDS):
        with ExitStack() as running:
            servers = [running.enter_context(serving(tmp_path, "--journal", url)) for _ in range(2)]
            loads = [running.enter_context(Load(server, CLIENTS)) for server in servers]
            for load in loads:
                load.wait_for(CLIENTS)
            time.sleep(chance.uniform(0, 0.5))
            if number % 2:
                database.kill()
                database.start()
                wait_until(lambda: all(ask(server, "/readyz").status == 200 for server in servers))  # noqa: B023
            else:
                servers[0].kill()
            seen = len(loads[1].sent)
            wait_until(lambda: any(each.status == 202 for each in loads[1].sent[seen:]))  # noqa: B023
        sent: list[Sent] = [each for load in loads for each in load.sent]
        begun += sum(load.begun for load in loads)
        assert {each.status for each in sent} <= {202, 503}
        acknowledged |= {each.event_id: each.body for each in sent if each.status == 202}
        with closing(PostgresJournal(url)) as journal:
            kept = [exchange for _, exchange in walk(journal)]
            bodies = {exchange.event.id: exchange.request.body for exchange in kept if exchange.event is not None}
            # Once: as many exchanges as events. Whole: the bodies are what was sent.
            assert len(bodies) == len(kept) == journal.count_events(EventFilter()) <= begun
            assert {event_id: bodies.get(event_id) for event_id in acknowledged} == acknowledged
            assert all(orjson.loads(body)["job"]["name"].startswith("job-") for body in bodies.values())
            statistics = journal.statistics()
            assert statistics.exchanges == sum(org.events for org in journal.orgs()) == journal.position == len(kept)
            assert {journal.attempts(event_id) for event_id in list(acknowledged)[-20:]} == {1}
    # What the database says of itself.
    name = url.rpartition("/")[2]
    held = "SELECT exchanges, (SELECT count(*) FROM mock_intake.exchanges) FROM mock_intake.state"
    assert len({*database.execute(held, name)[0]}) == 1
    database.execute("CREATE EXTENSION amcheck", name)
    database.execute(
        "SELECT bt_index_check(indexrelid, true) FROM pg_index JOIN pg_class ON oid = indrelid "
        "WHERE relnamespace = 'mock_intake'::regnamespace",
        name,
    )


@pytest.mark.parametrize(
    "killed", [False, True] if SOAK else [True], ids=lambda killed: "one dies" if killed else "both live"
)
def test_of_two_replicas_with_16_clients_each_every_event_is_there_once_and_its_attempts_are_right(
    database: Database, tmp_path: Path, killed: bool
) -> None:
    """Each event is sent five times, at both of them at once."""
    url = database.create()
    numbers = itertools.count()
    events = {number: new_event() for number in range(ACKNOWLEDGED)}

    def next_event() -> dict[str, Any]:
        return events[next(numbers) // 5 % ACKNOWLEDGED]

    with ExitStack() as running:
        servers = [running.enter_context(serving(tmp_path, "--journal", url)) for _ in range(2)]
        loads = [running.enter_context(Load(server, 16, next_event)) for server in servers]
        if killed:
            loads[0].wait_for(ACKNOWLEDGED // 8)
            servers[0].kill()
        else:
            loads[0].wait_for(ACKNOWLEDGED // 2)
        loads[1].wait_for(ACKNOWLEDGED // 2, 600)
    sent = [each for load in loads for each in load.sent]
    assert {each.status for each in sent} == {202}
    acknowledged = Counter(each.event_id for each in sent)
    with closing(PostgresJournal(url)) as journal:
        positions, kept = zip(*walk(journal), strict=True)
        attempts = Counter(exchange.event.id for exchange in kept if exchange.event is not None)
        # What the one that was killed had committed, and not answered any more, may be there.
        unanswered = sum(load.begun for load in loads) - len(sent)
        assert unanswered <= (16 if killed else 0)
        assert not acknowledged - attempts
        assert (attempts - acknowledged).total() <= unanswered
        assert list(positions) == list(range(1, len(kept) + 1))
        assert len({exchange.id for exchange in kept}) == len(kept)
        listed = [record for page in pages(journal) for record in page]
        assert {record.summary.id: record.attempts for record in listed} == attempts
        assert {event_id: journal.attempts(event_id) for event_id in attempts} == attempts
        assert (len(listed), journal.statistics().exchanges) == (len(attempts), len(kept))
        assert journal.count_events(EventFilter()) == len(attempts)


def pages(journal: PostgresJournal) -> Iterator[list[EventRecord]]:
    before = None
    while True:
        page = journal.events(EventFilter(), 500, before)
        yield page.items
        if (before := page.next) is None:
            return


def test_the_intake_lives_and_says_so_while_the_database_does_not_answer(database: Database, tmp_path: Path) -> None:
    with serving(tmp_path, "--journal", database.create()) as server:
        assert server.send(new_event()).status == 202
        assert ask(server, "/readyz").status == 200
        database.signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            refused = server.send(new_event())
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
            assert "does not answer" in orjson.dumps(refused.body).decode()
            assert time.monotonic() - began < 30, "a producer does not wait without end"
            alive = ask(server, "/healthz")
            assert alive.status == 200
            ready = ask(server, "/readyz")
            assert (ready.status, ready.headers["retry-after"]) == (503, "1")
            listed = server.get("/events")
            assert (listed.status, listed.headers["retry-after"]) == (503, "1")
        finally:
            database.signal(signal.SIGCONT)
        wait_until(lambda: server.send(new_event()).status == 202)
        wait_until(lambda: ask(server, "/readyz").status == 200)


def test_the_intake_goes_on_when_the_database_is_back(database: Database, tmp_path: Path) -> None:
    with serving(tmp_path, "--journal", database.create()) as server:
        assert server.send(new_event()).status == 202
        database.stop()
        try:
            refused = server.send(new_event())
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
            assert ask(server, "/healthz").status == 200
            page = page_of(server)
            assert (page.status, page.headers["retry-after"]) == (503, "1")
        finally:
            database.start()
        wait_until(lambda: server.send(new_event()).status == 202)
        assert len(server.get("/events").body["events"]) == 2
        assert "can be written again" in server.errors.read_text()


def page_of(server: Serving) -> Answer:
    with closing(server.connect()) as connection:
        connection.request("GET", "/mock/events", headers={"Accept": "text/html"})
        response = connection.getresponse()
        assert b"cannot be reached" in response.read()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, None)


def test_replicas_are_one_intake(database: Database, tmp_path: Path) -> None:
    """What comes to one is listed, counted, waited for and streamed by the other."""
    url = database.create()
    with serving(tmp_path, "--journal", url) as one, serving(tmp_path, "--journal", url) as two:
        event = new_event()
        with closing(two.connect()) as stream:
            stream.request("GET", "/api/mock/v1/stream")
            arriving = stream.getresponse()
            assert one.send(event).status == 202
            assert two.send(event).status == 202
            ids: list[bytes] = []
            while len(ids) < 2:
                if (line := arriving.readline()).startswith(b"id:"):
                    ids.append(line)
            assert ids == [b"id: 1\n", b"id: 2\n"]
        (listed,) = two.get("/events").body["events"]
        assert (listed["attempts"], one.get("/events").body["events"]) == (2, [listed])
        waited: list[Any] = []

        def wait() -> None:
            with closing(two.connect()) as connection:
                body = orjson.dumps({"events": 2, "timeout": 30})
                waited.append(asked(connection, "POST", "/api/mock/v1/wait", body))

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert one.send(new_event()).status == 202
        waiting.join(40)
        assert [answer.status for answer in waited] == [200]
        assert waited[0].body["waited"] < 20
        _assert_plans_are_shared(one, two)
        assert one.end() == 0
        assert two.send(new_event()).status == 202


def _assert_plans_are_shared(one: Serving, two: Serving) -> None:
    with closing(two.connect()) as connection:
        plan = orjson.dumps({"sequence": [503, 429, {"step": 500, "match": {"attempt": 4}}]})
        assert asked(connection, "PUT", "/api/mock/v1/faults", plan).status == 200
    event = new_event()
    assert [server.send(event).status for server in (one, two, one, two, one)] == [503, 429, 202, 500, 202]
    (left,) = {orjson.dumps(server.get("/faults").body) for server in (one, two)}
    assert orjson.loads(left)["active"] is False


def test_the_password_of_the_database_is_shown_nowhere(database: Database, tmp_path: Path) -> None:
    url = database.create().replace("mock@", "mock:S3cretWord@")
    with serving(tmp_path, "--journal", url) as server:
        database.stop()
        try:
            refused = server.send(new_event())
            shown = orjson.dumps(refused.body) + orjson.dumps(ask(server, "/readyz").body)
        finally:
            database.start()
        assert server.end() == 0
    assert b"postgresql://mock@127.0.0.1" in shown
    assert b"S3cretWord" not in shown + server.errors.read_bytes()
