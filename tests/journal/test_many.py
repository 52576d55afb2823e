"""A million events (20,000 in CI): every question is answered at once, and the server stays as small as it was."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations, islice, product
from pathlib import Path
from typing import Any

import pytest

from bench.journal import exchanges, milliseconds, queries
from mock_intake.journal import EventFilter, ExchangeFilter, JournalError, statements
from mock_intake.journal.layout import LAYOUT, VERSION
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.findings import Status
from tests.journal.exchanges import plain
from tests.journal.serving import SOAK, Load, Serving, serving

COUNT = 1_000_000 if SOAK else 20_000
# Warm; elsewhere the machine is busy with other tests.
SLOWEST = 100 if SOAK else 1_000

VALUES = {"org": "org", "status": Status.ERROR, "kind": "RunEvent"} | dict.fromkeys(
    ("event_type", "job_namespace", "job_name", "run_id"), "x"
)
# All that can be asked together: none, each by itself, each pair, up to all of them.
ASKED = [names for count in range(len(VALUES) + 1) for names in combinations(VALUES, count)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    file = tmp_path_factory.mktemp("many") / "journal.db"
    journal = SqliteJournal(file)
    source = exchanges()
    for _ in range(COUNT // 1_000):
        journal.append(list(islice(source, 1_000)))
    journal.close()
    yield file
    file.unlink()


def test_every_question_is_answered_within_a_tenth_of_a_second(file: Path) -> None:
    journal = SqliteJournal(file, read_only=True)
    times = {name: milliseconds(call) for name, call in queries(journal, COUNT).items()}
    times["statistics"] = milliseconds(journal.statistics)
    times["statistics of an org"] = milliseconds(lambda: journal.statistics("org-main"))
    times["orgs"] = milliseconds(journal.orgs)
    for names, which in together(journal):
        times[f"page of {which}"] = milliseconds(lambda which=which: journal.events(which, 100), 2, 0)  # type: ignore[misc]
        # Tallies do not tell of a job in a namespace; nobody counts those.
        if len({"job_namespace", "job_name", "run_id"} & set(names)) < 2:
            times[f"count of {which}"] = milliseconds(lambda which=which: journal.count_events(which), 2, 0)  # type: ignore[misc]
    journal.close()
    assert {name: time for name, time in times.items() if time > SLOWEST} == {}


def together(journal: SqliteJournal) -> Iterator[tuple[tuple[str, ...], EventFilter]]:
    """All filters that can be asked together: as some event has them, and with each that rules all events out."""
    ((_, exchange),) = journal.read(COUNT // 2, 1)
    there = {"org": exchange.org} | {name: getattr(exchange.event, name) for name in VALUES if name != "org"}
    absent = {"org": "org-two", "status": Status.ERROR, "kind": "JobEvent", "event_type": "FAIL"}
    for names in ASKED:
        asked = {name: there[name] for name in names}
        yield names, EventFilter(**asked)
        for name in names:
            yield names, EventFilter(**asked | {name: absent.get(name, "namespace-0")})


def test_answers_are_right_however_many_there_are(file: Path) -> None:
    """Against a walk over all of them."""
    journal = SqliteJournal(file, read_only=True)
    latest: dict[str, Any] = {}
    attempts = 0
    position = 0
    while batch := journal.read(position, 5_000):
        position = batch[-1][0]
        for _, exchange in batch:
            assert exchange.event is not None
            latest.pop(exchange.event.id, None)
            latest[exchange.event.id] = (exchange.event, exchange.org)
            attempts += 1
    assert (journal.position, attempts) == (COUNT, COUNT)
    newest_first = list(reversed(latest.values()))
    assert journal.count_events(EventFilter()) == len(newest_first)
    for org, name in product([None, "org-main", "org-three"], ["status", "event_type", "job_namespace", "job_name"]):
        value = getattr(newest_first[7][0], name)
        which = EventFilter(**{"org": org, name: value})
        wanted = [event for event, owner in newest_first if org in (None, owner) and getattr(event, name) == value]
        assert [record.summary for record in journal.events(which, 100).items] == wanted[:100]
        assert journal.count_events(which) == len(wanted)
    assert journal.statistics().exchanges == COUNT
    assert sum(journal.statistics().statuses.values()) == len(newest_first)
    assert {org.org: org.events for org in journal.orgs()} == {
        org: sum(1 for _, owner in newest_first if owner == org) for org in ("org-main", "org-two", "org-three")
    }
    journal.close()


def test_the_server_answers_fast_and_stays_small(tmp_path: Path, file: Path) -> None:
    server = Serving(tmp_path, "--journal", file)
    try:
        with Load(server, 8) as load:
            load.wait_for(200)
        run_id = server.get("/events?job_name=job-321").body["events"][0]["run_id"]
        paths = (
            "/events",
            "/events?status=error",
            "/events?org=org-three&event_type=START",
            f"/events?run_id={run_id}",
            "/exchanges",
            "/statistics",
            f"/runs/{run_id}",
        )
        for path in paths:
            assert server.get(path).status == 200
        before = server.memory()
        for path in paths:
            began = time.monotonic()
            assert server.get(path).status == 200
            assert (time.monotonic() - began) * 1000 < SLOWEST, path
        with Load(server, 8) as load:
            load.wait_for(2_000)
        for path in paths:
            assert server.get(path).status == 200
        grown = server.memory() - before
        assert grown < 16 * 1024 * 1024
        # What has to be in memory does not depend on how much is in the file.
        assert before < 200 * 1024 * 1024
    finally:
        server.kill()


def test_retention_costs_the_same_however_much_is_kept(tmp_path: Path, file: Path) -> None:
    def seconds(journal: SqliteJournal, begin: int) -> float:
        source = exchanges(begin)
        groups = [list(islice(source, 16)) for _ in range(60)]
        times = []
        for group in groups:
            began = time.perf_counter()
            journal.append(group)
            times.append(time.perf_counter() - began)
        return sorted(times)[len(times) // 4]

    small = SqliteJournal(tmp_path / "small.db", retention=Retention(exchanges=1_000, bytes=1 << 40, hours=1e6))
    small.append(list(islice(exchanges(COUNT * 2), 1_000)))
    large = SqliteJournal(file, retention=Retention(exchanges=COUNT, bytes=1 << 40, hours=1e6))
    assert seconds(large, COUNT * 4) < 5 * seconds(small, COUNT * 6)
    assert small.dropped == 960
    assert large.dropped >= 960
    small.close()
    large.close()


def test_a_large_file_is_brought_within_smaller_limits_beside_what_comes_in(tmp_path: Path, file: Path) -> None:
    copy = tmp_path / "journal.db"
    with closing(sqlite3.connect(file)) as whole, closing(sqlite3.connect(copy)) as target:
        whole.backup(target)
        (there,) = whole.execute("SELECT count(*) FROM exchanges").fetchone()
        (before,) = whole.execute("SELECT value FROM facts WHERE name = 'dropped'").fetchone()
    with serving(tmp_path, "--journal", copy, "--keep-events", "100") as server:
        at_once = server.get("/statistics").body["exchanges"]
        assert at_once > 100, "it did not wait until all was dropped"
        until = time.monotonic() + COUNT / 500
        with Load(server, 4) as load:
            while server.get("/statistics").body["exchanges"] > 100:
                assert time.monotonic() < until
                time.sleep(0.05)
            load.wait_for(100)
        assert {each.status for each in load.sent} == {202}
        assert max(each.seconds for each in load.sent) < 5, "a producer gives up then"
        assert server.get("/events").body["dropped"] == before + there + len(load.sent) - 100
        assert server.end() == 0
    with closing(SqliteJournal(copy)) as journal:
        assert (journal.dropped, len(journal.read(0, 200))) == (before + there + len(load.sent) - 100, 100)
        assert {exchange.request.body for _, exchange in journal.read(0, 200)} <= {each.body for each in load.sent}


def test_much_is_forgotten_beside_what_comes_in(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    count = COUNT // 4
    with closing(SqliteJournal(file)) as journal:
        for begin in range(0, count, 1_000):
            journal.append([plain(f"{begin + number}", org="old") for number in range(1_000)])
    with closing(SqliteJournal(file)) as journal:
        longest = 0.0
        forgotten: list[int] = []
        forgetting = threading.Thread(target=lambda: forgotten.append(journal.forget("old")))
        started = time.monotonic()
        forgetting.start()
        new = 0
        while forgetting.is_alive():
            began = time.monotonic()
            journal.append([plain(f"{new}", org="new")])
            longest = max(longest, time.monotonic() - began)
            new += 1
        forgetting.join()
        # Whatever the machine does besides: in between, not behind it.
        assert (forgotten, new > 5) == ([count], True)
        assert longest < max(1, (time.monotonic() - started) / 2)
        assert [(org.org, org.exchanges, org.events) for org in journal.orgs()] == [("new", new, new)]
        assert (journal.statistics().exchanges, journal.dropped) == (new, 0)
        assert journal.forget() == new
        assert journal.read(0, 5) == []


def test_nobody_waits_long_beside_a_large_import(tmp_path: Path) -> None:
    """It is one transaction, so that all of it is there or nothing."""
    count = 100_000 if SOAK else 15_000
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        many = list(islice(exchanges(), count))
        importing = threading.Thread(target=journal.append, args=(many,))
        importing.start()
        longest, taken, refused = 0.0, 0, set()
        while importing.is_alive():
            began = time.monotonic()
            try:
                journal.append([plain(f"{taken}")])
                taken += 1
            except JournalError as error:
                refused.add(str(error).removeprefix(str(journal.file)))
            longest = max(longest, time.monotonic() - began)
        importing.join()
        assert longest < 5, "after a second it is told"
        assert refused <= {" is being written to, for instance by a large import; try again."}
        assert journal.position == count + taken


def test_a_file_that_is_closed_while_it_is_brought_within_its_limits_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with closing(SqliteJournal(file)) as journal:
        journal.append([plain(f"{number % 3000}") for number in range(4_000)])
    for _ in range(3):
        SqliteJournal(file, retention=Retention(exchanges=100)).close()
        with closing(SqliteJournal(file)) as journal:
            kept = journal.read(0, 5_000)
            assert 100 <= len(kept) <= 3_500
            assert len(kept) + journal.dropped == 4_000
            assert journal.count_events(EventFilter()) == len({exchange.event for _, exchange in kept})
            assert journal.statistics().exchanges == len(kept)


# How SQLite goes about it.

SQL = LAYOUT.statements(VERSION)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.append([plain(f"{number}") for number in range(10)])
    journal.close()
    connection = sqlite3.connect(tmp_path / "journal.db")
    yield connection
    connection.close()


def plan(database: sqlite3.Connection, sql: str, values: Any) -> list[str]:
    return [step for *_, step in database.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def indexes(which: EventFilter) -> set[str | None]:
    """All that may be chosen for a filter, by how many events its parts leave."""
    widths = [
        [None] if getattr(which, name) is None else [1, 100_000] for name in ("org", "status", "kind", "event_type")
    ]
    return {statements.index_of(which, found) for found in (*product(*widths), ())}


@pytest.mark.parametrize("before", [None, 5])
def test_the_exchanges_of_a_run_are_found_by_two_indexes(database: sqlite3.Connection, before: int | None) -> None:
    steps = plan(database, *SQL.exchanges(ExchangeFilter(run_id="a run"), before))
    assert any(step.startswith("SEARCH exchanges USING INDEX exchanges_event (event_id=?") for step in steps), steps
    assert any(step.startswith("SEARCH events USING INDEX events_run_id (run_id=?") for step in steps), steps
    assert not any(step.startswith("SCAN") for step in steps), steps


@pytest.mark.parametrize("before", [None, 5])
def test_listings_walk_an_index_in_its_order_whatever_is_asked_together(
    database: sqlite3.Connection, before: int | None
) -> None:
    for names in ASKED:
        which = EventFilter(**{name: VALUES[name] for name in names})  # type: ignore[arg-type]
        for index in indexes(which):
            first, *joined = plan(database, *SQL.events(which, before, index))
            if names:
                assert first.startswith(f"SEARCH events USING INDEX {index} ("), names
            else:
                # The table itself is in the order of listings.
                whole = "SCAN events" if before is None else "SEARCH events USING INTEGER PRIMARY KEY (rowid<?)"
                assert first == whole
            assert joined == ["SEARCH kept USING INTEGER PRIMARY KEY (rowid=?)"], names


def test_counts_look_up_no_event_unless_several_of_job_and_run_are_asked(database: sqlite3.Connection) -> None:
    """Otherwise tallies tell, or an index that holds all that is asked, but where another leaves few events."""
    for names in ASKED:
        which = EventFilter(**{name: VALUES[name] for name in names})  # type: ignore[arg-type]
        particular = {"job_namespace", "job_name", "run_id"}.intersection(names)
        assert statements.is_tallied(which) == (not particular)
        if not particular:
            assert plan(database, *statements.tally_query(which))[0].startswith("SEARCH tallies USING INDEX"), names
            continue
        for index in indexes(which):
            (step,) = plan(database, *statements.count_query(which, index))
            if len(particular) == 1 and index == f"events_{min(particular)}":
                assert step.startswith(f"SEARCH events USING COVERING INDEX {index}"), names
            else:
                assert step.startswith(f"SEARCH events USING INDEX {index}"), names


def test_the_index_of_what_leaves_the_fewest_events_is_walked() -> None:
    status_and_type = EventFilter(org="org", status=Status.ERROR, event_type="FAIL")
    assert statements.index_of(status_and_type, (9_000, 5_000, None, 7_000)) == "events_status"
    assert statements.index_of(status_and_type, (4_000, 5_000, None, 7_000)) == "events_org"
    # How many there are of a job isn't counted.
    job = EventFilter(org="org", kind="RunEvent", job_name="job")
    assert statements.index_of(job, (9_000, None, 8_000, None)) == "events_job_name"
    assert statements.index_of(job, (90, None, 8_000, None)) == "events_org"
    assert statements.index_of(job, (9_000, None, 80, None)) == "events_kind"


@pytest.mark.parametrize("before", [None, 5])
@pytest.mark.parametrize("event_id", [None, "e"])
@pytest.mark.parametrize("org", [None, "org"])
def test_listings_of_exchanges_walk_an_index_in_its_order(
    database: sqlite3.Connection, org: str | None, event_id: str | None, before: int | None
) -> None:
    sql, values = SQL.exchanges(ExchangeFilter(org, event_id), before)
    (step,) = plan(database, f"{sql} LIMIT 5", values)
    if org is None and event_id is None:
        whole = "SCAN exchanges" if before is None else "SEARCH exchanges USING INTEGER PRIMARY KEY (rowid<?)"
        assert step == whole
    else:
        assert step.startswith("SEARCH exchanges USING INDEX exchanges_")


@pytest.mark.parametrize("before", [None, 5])
@pytest.mark.parametrize("org", [None, "org"])
@pytest.mark.parametrize("which", ["refused", "faulted"])
def test_what_is_rare_among_exchanges_is_walked_alone(
    database: sqlite3.Connection, which: str, org: str | None, before: int | None
) -> None:
    sql, values = SQL.exchanges(ExchangeFilter(org, refused=which == "refused", faulted=which == "faulted"), before)
    (step,) = plan(database, f"{sql} LIMIT 5", values)
    assert step.partition(" ")[2].startswith(f"exchanges USING INDEX exchanges_{which}"), step


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (statements.COUNT_ATTEMPT, {"position": 4, "event_id": "e"}),
        (statements.MOVE_EVENT, {"position": 4, "event_id": "e", "received_at": 0}),
        (statements.LIST_EVENT, {"position": 4}),
        (statements.EVENTS_UP_TO, (3,)),
        (f"{statements.EVENTS_UP_TO} AND org = ?", (3, "org")),
        (statements.HOLD_EVENT, (4,)),
        (statements.ATTEMPTS, ("e",)),
        (SQL.event, ("e",)),
    ],
)
def test_what_every_append_does_walks_nothing_whole(database: sqlite3.Connection, sql: str, values: Any) -> None:
    steps = plan(database, sql, values)
    assert not [step for step in steps if step.startswith(("SCAN exchanges", "SCAN events", "USE TEMP"))]
    assert any(step.startswith("SEARCH") for step in steps)
