"""What one replica has taken of the record, others read in place of it: as long as all of it is on record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.protocol import EXTRACTS_IN_BLOCK
from mock_intake.journal.retention import Retention
from mock_intake.judging.catalogue import RULES
from mock_intake.model.exchange import Exchange
from mock_intake.views import Views
from mock_intake.views.extract_blocks import form
from tests import databases
from tests.folds.test_growing import Graphs, shown
from tests.folds.test_model import ORGS
from tests.journal.exchanges import plain

# Two blocks, and something that is none yet.
LENGTH = 2 * EXTRACTS_IN_BLOCK + 50


@pytest.fixture
def url() -> Iterator[str]:
    url = databases.take()
    yield url
    databases.give_back(url)


@pytest.fixture(scope="module")
def recorded() -> list[Exchange]:
    """Events of every kind at the beginning of each block, and many that say nothing."""
    recording = Graphs(11, plain=False)
    rich = (position % EXTRACTS_IN_BLOCK < 60 for position in range(1, LENGTH + 1))
    return [recording.grow(at) if is_rich else filler(at) for at, is_rich in enumerate(rich, 1)]


def filler(number: int, org: str = "org") -> Exchange:
    exchange = plain(f"{number}", org=org)
    return replace(exchange, request=replace(exchange.request, id=f"filler-{number}"))


def fill(journal: PostgresJournal, exchanges: list[Exchange]) -> None:
    for begin in range(0, len(exchanges), 250):
        journal.append(exchanges[begin : begin + 250])


def caught_up(journal: PostgresJournal) -> Views:
    views = Views(journal)
    while views.catch_up(60):
        pass
    return views


def all_shown(views: Views) -> list[Any]:
    """All that is folded, and in which order."""
    tallies = views.tallies()
    runs = [(run.key, [event.event_id for event in run.events], list(run.repeats)) for run in views.runs()]
    counts = [(tallies.events_with(code), tallies.refused(code)) for code in RULES]
    return [shown(views), runs, counts, [views.counts(org, 60) for org in (None, *ORGS)]]


def blocks(url: str) -> list[int]:
    with psycopg.connect(url) as other:
        return [number for (number,) in other.execute("SELECT number FROM mock_intake.extracts ORDER BY number")]


def move(url: str, since: int = 1) -> None:
    """Has all that is in whole blocks received at another time, as who reads the exchanges themselves would see."""
    sql = (
        "UPDATE mock_intake.exchanges SET received_at = received_at - 3600000000 * (position %% 7) "
        "WHERE position BETWEEN %s AND %s"
    )
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(sql, (since, 2 * EXTRACTS_IN_BLOCK))


def test_a_replica_that_starts_reads_what_another_has_taken_and_no_exchange(url: str, recorded: list[Exchange]) -> None:
    with closing(PostgresJournal(url)) as one, closing(PostgresJournal(url)) as two:
        fill(one, recorded)
        first = caught_up(one)
        assert blocks(url) == [0, 1]
        wanted = all_shown(first)
        move(url)
        again = caught_up(two)
        assert all_shown(again) == wanted
        # Also view by view, as the control API asks for them.
        assert shown(Views(two)) == shown(first)
        assert [run.key for run in Views(two).runs()] == [run.key for run in first.runs()]
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("DELETE FROM mock_intake.extracts")
        assert shown(Views(two)) != shown(first), "else this would tell nothing"


def test_what_is_forgotten_takes_with_it_what_was_taken_of_it(url: str, recorded: list[Exchange]) -> None:
    """All blocks that it was in; the others stay."""
    with closing(PostgresJournal(url)) as journal:
        fill(journal, recorded[:1_500])
        journal.append([filler(9_999, "late")])
        fill(journal, recorded[1_500:])
        views = caught_up(journal)
        assert blocks(url) == [0, 1]
        assert journal.forget("late") == 1
        assert blocks(url) == [0]
        assert all_shown(caught_up(journal)) == all_shown(views)
        assert blocks(url) == [0, 1], "what is left of it is taken anew"
        assert journal.forget() == LENGTH
        assert blocks(url) == []
        assert caught_up(journal).runs() == []


def test_what_retention_drops_takes_with_it_what_was_taken_of_it(url: str, recorded: list[Exchange]) -> None:
    with closing(PostgresJournal(url, retention=Retention(exchanges=LENGTH - 10))) as journal:
        fill(journal, recorded)
        caught_up(journal)
        # What came before the first block that is whole is read as it always is.
        assert (journal.first, blocks(url)) == (11, [0, 1])
        journal.append([filler(9_999)])
        assert (journal.first, blocks(url)) == (12, [1])
        wanted = all_shown(caught_up(journal))
        move(url, since=1_001)
        again = caught_up(journal)
        assert all_shown(again) == wanted


def test_what_is_not_all_of_a_block_or_was_forgotten_meanwhile_is_not_kept(url: str) -> None:
    with closing(PostgresJournal(url)) as journal:
        fill(journal, [filler(number) for number in range(EXTRACTS_IN_BLOCK)])
        table = journal.extracts
        assert table is not None
        table.keep(0, "form", b"too few", EXTRACTS_IN_BLOCK - 1, journal.generation)
        table.keep(0, "form", b"of before", EXTRACTS_IN_BLOCK, journal.generation - 1)
        table.keep(1, "form", b"not there yet", 0, journal.generation)
        assert blocks(url) == []
        table.keep(0, "form", b"all", EXTRACTS_IN_BLOCK, journal.generation)
        assert (table.load(0, "form"), table.load(0, "another"), table.load(1, "form")) == (b"all", None, None)
        # Another build reads other things, and puts its own there.
        caught_up(journal)
        assert table.load(0, "form") is None
        assert len(table.load(0, form()) or b"") > 0


def test_a_block_that_is_damaged_is_read_as_if_it_were_not_there(url: str, recorded: list[Exchange]) -> None:
    with closing(PostgresJournal(url)) as journal:
        fill(journal, recorded)
        wanted = all_shown(caught_up(journal))
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("UPDATE mock_intake.extracts SET content = 'nonsense' WHERE number = 1")
        assert all_shown(caught_up(journal)) == wanted


def test_a_journal_of_before_gets_a_place_for_them(url: str, recorded: list[Exchange]) -> None:
    with closing(PostgresJournal(url)) as journal:
        fill(journal, recorded)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("DROP TABLE mock_intake.extracts")
        other.execute("COMMENT ON TABLE mock_intake.state IS 'revision 2'")
    with closing(PostgresJournal(url)) as journal:
        caught_up(journal)
        assert blocks(url) == [0, 1]
    # And what a later build has made of it stays.
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("COMMENT ON TABLE mock_intake.state IS 'revision 4'")
    with closing(PostgresJournal(url)), psycopg.connect(url) as other:
        found = other.execute("SELECT obj_description('mock_intake.state'::regclass, 'pg_class')").fetchone()
        assert found == ("revision 4",)
