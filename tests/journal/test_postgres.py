"""The journal in PostgreSQL, beyond what all journals do: replicas, broken connections, plans, versions, secrets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice, product
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from bench.journal import exchanges
from mock_intake.faults import Faults, RequestFacts, SharedFaults, parse_plan
from mock_intake.files.exports import exchange_to_line
from mock_intake.journal import EventFilter, ExchangeFilter, JournalError, UnkeepableError, statements, walk
from mock_intake.journal.layout import LAYOUT
from mock_intake.journal.postgres import PostgresJournal, queries
from mock_intake.journal.postgres.connections import Connections
from mock_intake.journal.retention import Retention
from mock_intake.model.findings import Status
from tests import databases
from tests.journal.exchanges import plain
from tests.journal.later import LATER, later
from tests.journal.relay import Relay
from tests.journal.serving import command
from tests.journal.test_many import ASKED, VALUES

COUNT = 2_000


@pytest.fixture
def url() -> Iterator[str]:
    url = databases.take()
    yield url
    databases.give_back(url)


# Replicas.


def test_replicas_lose_no_event_and_count_every_attempt_once(url: str) -> None:
    """Each of 200 events comes four times, twice by each replica, while a third reads on from where it was."""
    each = 100
    with (
        closing(PostgresJournal(url)) as one,
        closing(PostgresJournal(url)) as two,
        closing(PostgresJournal(url)) as third,
    ):

        def append(journal: PostgresJournal, begin: int) -> None:
            for number in range(begin, begin + each, 4):
                journal.append([plain(f"{name % 200}") for name in range(number, number + 4)])

        writers = [
            threading.Thread(target=append, args=(journal, begin * each))
            for journal, begin in product((one, two), range(4))
        ]
        for writer in writers:
            writer.start()
        seen: list[int] = []
        while any(writer.is_alive() for writer in writers) or seen[-1:] != [8 * each]:
            seen += [position for position, _ in third.read(seen[-1] if seen else 0, 50)]
        assert seen == list(range(1, 8 * each + 1)), "nothing came in before what was read"
        assert third.count_events(EventFilter()) == 200
        assert {record.attempts for record in third.events(EventFilter(), 500).items} == {4}
        assert {third.attempts(f"org-{number}") for number in range(200)} == {4}
        assert [(org.exchanges, org.events) for org in third.orgs()] == [(800, 200)]


def test_what_others_append_and_forget_is_told(url: str) -> None:
    with closing(PostgresJournal(url)) as one, closing(PostgresJournal(url)) as two:
        heard, joined = threading.Semaphore(0), threading.Semaphore(0)
        with one.followed(heard.release, joined.release):
            assert heard.acquire(timeout=20), "what came before is looked for at once"
            two.append([plain("a")])
            assert heard.acquire(timeout=20)
            two.forget()
            assert heard.acquire(timeout=20)


def test_each_step_of_a_plan_is_taken_once_by_whichever_replica_and_chance_goes_on(url: str) -> None:
    plan = parse_plan(
        {
            "sequence": [
                {"step": 503, "times": 20, "probability": 0.5, "seed": 3},
                {"step": 429, "match": {"event_type": "FAIL"}},
                "reset",
            ],
            "delay": 0.25,
        }
    )
    alone = Faults()
    alone.set(plan)
    with closing(PostgresJournal(url)) as one, closing(PostgresJournal(url)) as two:
        replicas = [SharedFaults(journal.plans) for journal in (one, two) if journal.plans is not None]
        nobody = threading.Semaphore(0).release
        with one.followed(nobody, nobody), two.followed(nobody, nobody):
            assert [replica.any for replica in replicas] == [False, False]
            replicas[0].set(plan)
            assert [replica.any for replica in replicas] == [True, True], "who sets it is not told before all know"
            for number in range(24):
                facts = RequestFacts("FAIL" if number == 22 else "START")
                assert replicas[number % 2].take("org", facts) == alone.take("org", facts)
            assert [replica.any for replica in replicas] == [False, False]
            assert replicas[0].states() == replicas[1].states() == alone.states()
            replicas[1].clear()
            assert replicas[0].states() == []


# A connection that breaks.


def test_a_commit_whose_answer_is_lost_is_there_once_and_counts_as_done(url: str) -> None:
    with Relay(psycopg.conninfo.conninfo_to_dict(url)["port"]) as relay:  # type: ignore[arg-type]
        elsewhere = url.replace(url.split("@")[1].split("/")[0], f"127.0.0.1:{relay.port}")
        with closing(PostgresJournal(elsewhere)) as journal:
            journal.append([plain("a")])
            relay.lose_next_answer()
            journal.append([plain("a"), plain("b")])
            assert relay.lost == 1
            journal.append([plain("a")])
            assert len(list(walk(journal))) == 4
            assert (journal.position, journal.attempts("org-a"), journal.attempts("org-b")) == (4, 3, 1)
            relay.lose_next_answer()
            assert journal.count_events(EventFilter()) == 2
            assert relay.lost == 2


def test_connections_that_were_ended_are_replaced_unseen(url: str) -> None:
    with closing(PostgresJournal(url)) as journal:
        journal.append([plain("a")])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        journal.append([plain("b")])
        assert journal.count_events(EventFilter()) == 2


def test_what_a_replica_holds_is_waited_for_and_told(url: str) -> None:
    with closing(PostgresJournal(url)) as journal, psycopg.connect(url) as other:
        other.execute("SELECT FROM mock_intake.state FOR UPDATE")
        with pytest.raises(JournalError, match="is being written to by another"):
            journal.append([plain("a")])
        other.rollback()
        journal.append([plain("a")])
        assert journal.position == 1


# What may not be written, by errors that cannot be had here: they are raised in the database by a trigger.


@pytest.mark.parametrize(
    ("state", "told"),
    [("25006", "read-only"), ("53100", "disk is full"), ("53300", "no connection left"), ("XX000", "SQLSTATE XX000")],
)
def test_what_the_database_refuses_is_told_and_leaves_nothing_half_there(url: str, state: str, told: str) -> None:
    with closing(PostgresJournal(url)) as journal:
        journal.append([plain("a")])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END $$"
            )
            other.execute("CREATE TRIGGER refuse BEFORE INSERT ON mock_intake.events EXECUTE FUNCTION public.refuse()")
            with pytest.raises(JournalError, match=told) as raised:
                journal.append([plain("b"), plain("a")])
            assert not isinstance(raised.value, UnkeepableError)
            assert (journal.position, journal.attempts("org-a"), journal.statistics().exchanges) == (1, 1, 1)
            other.execute("DROP TRIGGER refuse ON mock_intake.events")
            other.execute("DROP FUNCTION refuse")
        journal.append([plain("b")])
        assert journal.position == 2


# What can be kept.


def test_texts_of_any_length_and_numbers_of_any_size_come_back(url: str) -> None:
    """A row of an index ends at 2,704 bytes, a number of the database's own at 64 bits."""
    name = "\0\\u0041\ud800ä" + "".join(chr(0x4E00 + number % 20_000) for number in range(30_000))
    whole = plain("a", job_name=name, run_id=name, job_namespace=name, event_type=name, org=name)
    whole = replace(whole, request=replace(whole.request, wire_size=10**30), decoded_size=2**64)
    with closing(PostgresJournal(url)) as journal:
        journal.append([whole, plain("b", job_name=name + "x")])
        assert journal.exchange(whole.id) == whole
        assert [record.summary for record in journal.events(EventFilter(job_name=name), 5).items] == [whole.event]
        assert journal.count_events(EventFilter(org=name, run_id=name)) == 1
        assert [org.org for org in journal.orgs()] == ["org", name]
        assert journal.forget(name) == 1


def test_one_that_cannot_be_kept_says_so(url: str) -> None:
    twice = plain("a")
    with closing(PostgresJournal(url)) as journal:
        journal.append([twice])
        with pytest.raises(UnkeepableError, match="same id"):
            journal.append([plain("b"), twice])
        assert journal.position == 1


def test_a_row_that_cannot_be_read_is_passed_over_and_counted(url: str) -> None:
    with closing(PostgresJournal(url)) as journal:
        journal.append([plain("a"), plain("b"), plain("c")])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("UPDATE mock_intake.exchanges SET headers = 'no JSON' WHERE position = 2")
        assert [position for position, _ in walk(journal)] == [1, 3]
        assert len(journal.exchanges(ExchangeFilter(), 5).items) == 2
        assert journal.damaged == 1


# Plans.


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[PostgresJournal, str]]:
    url = databases.take()
    with closing(PostgresJournal(url)) as journal:
        source = exchanges()
        for _ in range(COUNT // 500):
            journal.append(list(islice(source, 500)))
        journal.append([plain(None, accepted=False), replace(plain("lost"), fault="reset")])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("ANALYZE")
        yield journal, url
    databases.give_back(url)


def plan(connection: Any, sql: str, values: Any) -> str:
    return "\n".join(row[0] for row in connection.ask(f"EXPLAIN {sql}", values).fetchall())


def test_every_query_goes_by_the_index_that_it_is_meant_to(filled: tuple[PostgresJournal, str]) -> None:
    """Of all that can be asked together, with a cursor and without."""
    names = LAYOUT.rows.record_names
    asked: list[tuple[str, tuple[str, list[Any]]]] = [
        ("exchanges_pkey", (queries.following(LAYOUT.columns, 500, 100), [])),
        ("exchanges_id", queries.exchange(LAYOUT.columns, "x")),
        ("exchanges_event", queries.attempts("e")),
        ("events_id", queries.event(names, "e")),
        ("tallies_whose", queries.tally(EventFilter(org="o", status=Status.OK))),
        ("tallies_whose", queries.tally(EventFilter(job_namespace="n", kind="RunEvent"))),
        ("orgs_org", queries.statistics("org")),
    ]
    for before, filters in product((None, 500), ASKED):
        which = EventFilter(**{name: VALUES[name] for name in filters})  # type: ignore[arg-type]
        widths = [[None] if name not in filters else [1, 100_000] for name in ("org", "status", "kind", "event_type")]
        asked += [
            (index or "events_pkey", queries.events(names, which, 100, before, index))
            for index in {statements.index_of(which, found) for found in (*product(*widths), ())}
        ]
        if (found := queries.widths(which)) is not None and {"org", "status", "kind", "event_type"} & set(filters):
            asked.append(("tallies_whose", found))
        if {"job_namespace", "job_name", "run_id"} & set(filters):
            asked.append(("events_", queries.count(which)))
    of_exchanges = {
        "exchanges_pkey": [ExchangeFilter()],
        "exchanges_org": [ExchangeFilter(org="o")],
        "exchanges_event": [ExchangeFilter(org="o", event_id="e"), ExchangeFilter(run_id="r", event_id="e")],
        "events_run_id": [ExchangeFilter(run_id="r")],
        "exchanges_refused": [ExchangeFilter(refused=True, org="o")],
        "exchanges_faulted": [ExchangeFilter(faulted=True)],
    }
    asked += [
        (index, queries.exchanges(LAYOUT.columns, each, 100, before))
        for before, (index, some) in product((None, 500), of_exchanges.items())
        for each in some
    ]
    with closing(Connections(filled[1]).connect()) as connection:
        for index, (sql, values) in asked:
            steps = plan(connection, sql, values)
            assert f"using {index}" in steps, steps
            assert "Seq Scan" not in steps, steps


def test_answers_are_right_however_many_there_are(filled: tuple[PostgresJournal, str]) -> None:
    journal, _ = filled
    latest: dict[str, Any] = {}
    for _, exchange in walk(journal):
        if exchange.event is not None:
            latest.pop(exchange.event.id, None)
            latest[exchange.event.id] = (exchange.event, exchange.org)
    newest_first = list(reversed(latest.values()))
    for org, name in product([None, "org-main", "org-three"], ["status", "event_type", "job_namespace", "job_name"]):
        value = getattr(newest_first[7][0], name)
        which = EventFilter(**{"org": org, name: value})
        wanted = [event for event, owner in newest_first if org in (None, owner) and getattr(event, name) == value]
        assert [record.summary for record in journal.events(which, 100).items] == wanted[:100]
        assert journal.count_events(which) == len(wanted)


# Versions, and how it is opened.


def test_a_journal_of_an_earlier_version_is_carried_over_beside_a_replica_of_that_version(url: str) -> None:
    with closing(PostgresJournal(url)) as earlier:
        first, second = plain("a"), plain("b")
        earlier.append([first])
        with closing(PostgresJournal(url, layout=LATER)) as now:
            assert now.exchange(first.id) == later(first)
            assert now.events(EventFilter(), 5).items[0].summary == later(first).event
            earlier.append([second])
            assert [exchange for _, exchange in walk(now)] == [later(first), later(second)]
            new = replace(later(plain("c")), notes=("new",), looks=7)
            now.append([new])
            assert now.exchange(new.id) == new
    with pytest.raises(JournalError, match="written by a later mock-intake"):
        PostgresJournal(url)


def test_what_counts_by_namespace_is_made_for_a_journal_of_before(url: str) -> None:
    """A replica of before goes on beside the one that makes it, by the functions that are in the database."""

    def counts(journal: PostgresJournal) -> list[int]:
        ok = EventFilter(job_namespace="x", status=Status.OK)
        return [journal.count_events(which) for which in (EventFilter(job_namespace="x"), ok, EventFilter())]

    with closing(PostgresJournal(url)) as earlier:
        earlier.append([plain("a", job_namespace="x"), plain("b", job_namespace="x"), plain("c")])
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("DELETE FROM mock_intake.tallies WHERE whose LIKE '@%'")
            other.execute("COMMENT ON TABLE mock_intake.state IS NULL")
        assert counts(earlier) == [0, 0, 3]
        with closing(PostgresJournal(url)) as now:
            assert counts(now) == [2, 2, 3]
            earlier.append([plain("d", job_namespace="x"), plain("a", job_namespace="x")])
            assert counts(now) == [3, 3, 4]
            assert now.forget() == 5
            assert counts(now) == [0, 0, 0]
        with psycopg.connect(url) as other:
            assert other.execute("SELECT count(*) FROM mock_intake.tallies").fetchone() == (0,)


def test_replicas_that_start_at_once_make_one_journal(url: str) -> None:
    made: list[PostgresJournal] = []
    threads = [threading.Thread(target=lambda: made.append(PostgresJournal(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for journal in made:
        journal.append([plain("a")])
    assert [journal.position for journal in made] == [4] * 4
    for journal in made:
        journal.close()


def test_a_journal_is_brought_within_its_limits_when_it_is_opened(url: str) -> None:
    with closing(PostgresJournal(url)) as journal:
        journal.append([plain(f"{number}") for number in range(1_200)])
    with closing(PostgresJournal(url, retention=Retention(exchanges=15))) as journal:
        until = time.monotonic() + 30
        while journal.statistics().exchanges > 15:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert (journal.dropped, journal.position, journal.count_events(EventFilter())) == (1_185, 1_200, 15)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda url: url.rsplit("/", 1)[0] + "/there_is_none", "no such database"),
        (lambda url: url.replace("mock@", "nobody:S3cret@"), "does not let this user in"),
        (lambda _: "postgresql://mock:S3cret@127.0.0.1:1/x", "cannot be reached"),
        (lambda _: "postgresql://mock:S3cret@[::1/x", "cannot be read"),
    ],
)
def test_what_keeps_it_from_being_opened_is_told_without_secrets(url: str, change: Any, told: str) -> None:
    with pytest.raises(JournalError, match=told) as raised:
        PostgresJournal(change(url))
    assert "S3cret" not in str(raised.value)
    assert "S3cret" not in repr(raised.value.__cause__)


# Commands that read a journal.


def test_commands_read_the_database_as_they_read_a_file_and_show_no_password(url: str) -> None:
    with closing(PostgresJournal(url)) as journal:
        journal.append([plain("a"), plain("b")])
        wanted = [exchange_to_line(exchange) for _, exchange in walk(journal)]
    named = url.replace("mock@", "mock:S3cret@")
    exported = command("export", named, "--what", "exchanges")
    assert exported.stdout.encode().splitlines() == wanted
    report = command("report", named, "--fail-on", "never")
    assert (report.returncode, "2 events" in report.stderr) == (0, True)
    gone = command("report", named.rpartition(":")[0] + ":1/none")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "the database cannot be reached" in gone.stderr
    for done in (exported, report, gone):
        assert "S3cret" not in done.stdout + done.stderr
