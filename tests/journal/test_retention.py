"""What a journal may keep at most, and that everybody is told when it has dropped something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mock_intake.journal import EventFilter, ExchangeFilter, Journal, MemoryJournal
from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.protocol import Page
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from tests import databases
from tests.events import run_event
from tests.journal.exchanges import plain
from tests.journal.serving import Answer, Load, Serving, asked, new_event

Serve = Callable[..., Serving]
LISTINGS = (
    "/events",
    "/exchanges",
    "/exchanges?limit=1",
    "/events?org=nobody",
    "/runs",
    "/jobs",
    "/datasets",
    "/lineage",
    "/coverage",
    "/findings",
    "/orgs",
    "/statistics",
)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with the journal in memory, in a file and in a database, with options of retention."""
    running: list[Serving] = []
    places = {"memory": (), "sqlite": ("--journal", tmp_path / "journal.db")}
    url = databases.take() if request.param == "postgres" else None
    kept: tuple[str | Path, ...] = places[request.param] if url is None else ("--journal", url)

    def start(*options: str) -> Serving:
        running.append(Serving(tmp_path, *kept, *options))
        return running[-1]

    yield start
    for server in running:
        server.kill()
    if url is not None:
        databases.give_back(url)


def post(server: Serving, path: str, body: Any) -> Answer:
    with closing(server.connect()) as connection:
        return asked(connection, "POST", f"/api/mock/v1{path}", orjson.dumps(body))


def test_everything_says_that_something_was_dropped(serve: Serve) -> None:
    server = serve("--keep-events", "2")
    sent = [new_event() for _ in range(5)]
    ids = [server.send(event).body["id"] for event in sent]
    first_run, last_run = (sent[place]["run"]["runId"] for place in (0, -1))
    assert [event["id"] for event in server.get("/events").body["events"]] == ids[:2:-1]
    told = {path: server.get(path).body["dropped"] for path in LISTINGS}
    assert told == dict.fromkeys(LISTINGS, 3)
    assert server.get(f"/runs/{last_run}").body["dropped"] == 3
    for path in (f"/events/{ids[0]}", "/events/never", "/exchanges/never", "/runs/never"):
        answer = server.get(path)
        assert answer.status == 404
        assert "Retention has dropped 3 exchanges; it may have been in there." in answer.body["error"]
    assert server.get(f"/runs/{first_run}").status in (200, 404)
    late = post(server, "/wait", {"events": 5, "timeout": 0.1})
    assert (late.status, late.body["dropped"]) == (409, 3)
    assert "Retention has dropped 3 exchanges" in late.body["error"]
    assert post(server, "/wait", {"events": 2, "timeout": 5}).body["dropped"] == 3


def test_nothing_is_said_where_nothing_was_dropped(serve: Serve) -> None:
    server = serve("--keep-events", "5", "--keep-hours", "1", "--keep-bytes", "1M")
    for _ in range(5):
        assert server.send(new_event()).status == 202
    assert {path: server.get(path).body["dropped"] for path in LISTINGS} == dict.fromkeys(LISTINGS, 0)
    assert "Retention" not in server.get("/events/never").body["error"]


def test_an_event_stays_while_any_accepted_attempt_of_it_does(serve: Serve) -> None:
    server = serve("--keep-events", "2")
    event = run_event()
    first, second = (server.send(event).body["id"] for _ in range(2))
    assert first == second
    server.send(new_event())
    found = server.get(f"/events/{first}").body
    assert (found["attempts"], found["body"]) == (2, event)
    assert found["received_at"] < found["last_received_at"]
    assert len(server.get(f"/exchanges?event_id={first}").body["exchanges"]) == 1
    server.send(new_event())
    assert server.get(f"/events/{first}").status == 404
    assert server.get("/events").body["dropped"] == 2


def test_the_number_of_exchanges_is_bound_under_load(serve: Serve) -> None:
    server = serve("--keep-events", "50")
    dropped = 0
    with Load(server, 8) as load:
        until = time.monotonic() + 30
        while len(load.sent) < 400 and time.monotonic() < until:
            listed = server.get("/exchanges?limit=1000").body
            assert len(listed["exchanges"]) <= 50
            assert listed["dropped"] >= dropped
            dropped = listed["dropped"]
    assert len(load.sent) >= 400
    listed = server.get("/exchanges?limit=1000").body
    assert (len(listed["exchanges"]), listed["dropped"]) == (50, len(load.sent) - 50)
    latest = {each.event_id for each in load.sent[-50:]}
    # Answers come in another order than exchanges went on record, by as many as there are clients.
    assert len({exchange["event_id"] for exchange in listed["exchanges"]} - latest) <= 8
    assert server.get("/statistics").body["exchanges"] == 50


def test_the_size_of_a_file_is_bound_under_load(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    server = Serving(tmp_path, "--journal", file, "--keep-bytes", "300K")
    try:
        with Load(server, 8, lambda: new_event(padding="x" * 5_000)) as load:
            load.wait_for(500)
            assert server.get("/statistics").body["bytes"] <= 300 * 1024
        assert server.get("/events").body["dropped"] > 400
        assert server.end() == 0
    finally:
        server.kill()
    # Nothing of what was dropped takes room any more, but for half-filled pages; 2.5 MB went through.
    assert file.stat().st_size < 2 * 300 * 1024


def test_the_memory_that_is_held_is_bound_under_load(tmp_path: Path) -> None:
    server = Serving(tmp_path, "--keep-bytes", "2M")
    try:
        with Load(server, 8, lambda: new_event(padding="x" * 20_000)) as load:
            load.wait_for(200)
            before = server.memory()
            load.wait_for(1_200)
        assert server.get("/statistics").body["bytes"] <= 2 * 1024 * 1024
        assert server.get("/events").body["dropped"] > 1_000
        # 20 MB went through.
        assert server.memory() - before < 8 * 1024 * 1024
    finally:
        server.kill()


def test_what_is_older_than_the_hours_goes_when_something_new_comes(serve: Serve) -> None:
    server = serve("--keep-hours", "0.0005")  # 1.8 s
    old = [server.send(new_event()).body["id"] for _ in range(3)]
    assert len(server.get("/events").body["events"]) == 3
    time.sleep(2)
    # A journal that nothing comes into does not wither.
    assert len(server.get("/events").body["events"]) == 3
    new = server.send(new_event()).body["id"]
    listed = server.get("/events").body
    assert ([event["id"] for event in listed["events"]], listed["dropped"]) == ([new], 3)
    assert all(server.get(f"/events/{event_id}").status == 404 for event_id in old)


def test_a_file_is_brought_within_its_limits_when_it_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    journal = SqliteJournal(file)
    journal.append([plain(f"{number}", after=number) for number in range(20)])
    journal.close()
    journal = SqliteJournal(file, retention=Retention(exchanges=15))
    assert (journal.dropped, journal.position, len(journal.read(0, 99))) == (5, 20, 15)
    journal.close()
    journal = SqliteJournal(file, retention=Retention(hours=9 / 3600))
    assert (journal.dropped, len(journal.read(0, 99))) == (10, 10)
    journal.close()
    # What was dropped stays told.
    journal = SqliteJournal(file)
    assert (journal.dropped, journal.count_events(EventFilter())) == (10, 10)
    journal.close()


def _paged(ask: Callable[[Any, int, int | None], Page[Any]], which: EventFilter | ExchangeFilter) -> list[Any]:
    """All that is asked for, two at a time."""
    page = ask(which, 2, None)
    found = page.items
    while page.next is not None:
        page = ask(which, 2, page.next)
        found += page.items
    return found


def _state(journal: Journal, names: set[str]) -> dict[str, Any]:
    """All that one can see of a journal, but for sizes, which depend on how it is kept."""
    listed = journal.exchanges(ExchangeFilter(), 1_000).items
    return {
        "exchanges": listed,
        "read": journal.read(0, 1_000),
        "events": journal.events(EventFilter(), 1_000),
        "of orgs": {org: journal.events(EventFilter(org=org, event_type="START"), 1_000) for org in "AB"},
        "of runs": [
            [_paged(journal.events, EventFilter(run_id=run)), _paged(journal.exchanges, ExchangeFilter(run_id=run))]
            for run in ("one", "two", "three")
        ],
        "of jobs": [_paged(journal.events, EventFilter(job_name=job)) for job in ("job", "none")],
        "attempts": {name: journal.attempts(name) for name in names},
        "count": journal.count_events(EventFilter()),
        "counts": {org: journal.count_events(EventFilter(org=org, event_type="START")) for org in "AB"},
        "orgs": journal.orgs(),
        "statistics": [replace(journal.statistics(org), bytes=0) for org in (None, "A", "B", "C")],
        "position": journal.position,
        "dropped": journal.dropped,
    }


_attempts = st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from("AB"), st.floats(0, 3))


@given(
    steps=st.lists(st.lists(_attempts, min_size=1, max_size=4) | st.sampled_from(["A", "B", None]), max_size=12),
    most=st.none() | st.integers(1, 6),
    seconds=st.none() | st.integers(1, 8),
)
def test_all_back_ends_are_in_the_same_state_after_any_history(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], most: int | None, seconds: int | None
) -> None:
    """Appends in groups, org A forgotten, everything forgotten, by number and by age."""
    age = None if seconds is None else timedelta(seconds=seconds)
    memory = MemoryJournal(max_exchanges=most or 1_000, max_age=age)
    file = tmp_path_factory.mktemp("journal") / "journal.db"
    hours = None if seconds is None else seconds / 3600
    clock = 0.0
    names: set[str] = set()
    url = databases.take()
    with (
        closing(SqliteJournal(file, retention=Retention(most, hours))) as sqlite,
        closing(PostgresJournal(url, retention=Retention(most, hours))) as postgres,
    ):
        for step in steps:
            if step is None or isinstance(step, str):
                assert memory.forget(step) == sqlite.forget(step) == postgres.forget(step)
            else:
                group = []
                for name, accepted, org, later in step:
                    clock += later
                    # The same event is the same body, so it has one type.
                    event_type = "START" if name < "c" else None
                    said = {"event_type": event_type, "run_id": "one" if name == "a" else "two", "job_name": "job"}
                    group.append(plain(name, accepted=accepted, org=org, after=clock, **said))
                    names.add(f"{org}-{name}")
                for journal in (memory, sqlite, postgres):
                    journal.append(group)
            assert _state(memory, names) == _state(sqlite, names) == _state(postgres, names)
    databases.give_back(url)
