"""What goes into a journal comes out of it, whatever it is, by every way there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.files.exports import exchange_from_line, exchange_to_line
from mock_intake.journal import EventFilter, ExchangeFilter, Journal, MemoryJournal, walk
from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.journal.statements import EVENT_FILTER_COLUMNS
from mock_intake.model.exchange import Exchange
from tests import databases
from tests.journal.exchanges import ANY_TEXTS, LATER_MOMENTS, MOMENTS, TEXTS, exchanges_of


class Kept(NamedTuple):
    """A journal that is written, and all by which it can be read."""

    journal: Journal
    readers: tuple[Journal, ...]


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    if request.param == "memory":
        journal: Journal = MemoryJournal()
        yield Kept(journal, (journal,))
        return
    if request.param == "postgres":
        url = databases.take()
        with closing(PostgresJournal(url)) as one, closing(PostgresJournal(url)) as replica:
            yield Kept(one, (one, replica))
            everything = list(walk(one))
        with closing(PostgresJournal(url)) as later:
            assert list(walk(later)) == everything
        databases.give_back(url)
        return
    file: Path = tmp_path_factory.mktemp("journal") / "journal.db"
    journal = SqliteJournal(file)
    beside = SqliteJournal(file, read_only=True)
    yield Kept(journal, (journal, beside))
    everything = list(walk(journal))
    beside.close()
    journal.close()
    again = SqliteJournal(file)
    assert list(walk(again)) == everything
    again.close()


@given(exchanges=st.lists(exchanges_of(ANY_TEXTS, MOMENTS), min_size=1, max_size=3))
def test_what_goes_in_comes_out(kept: Kept, exchanges: list[Exchange]) -> None:
    before = kept.journal.position
    kept.journal.append(exchanges)
    for journal in kept.readers:
        assert journal.position == before + len(exchanges)
        assert journal.read(before, 10) == list(enumerate(exchanges, start=before + 1))
        assert journal.exchanges(ExchangeFilter(), len(exchanges)).items == exchanges[::-1]
        for exchange in exchanges:
            assert journal.exchange(exchange.id) == exchange
            assert exchange in journal.exchanges(ExchangeFilter(org=exchange.org), len(exchanges)).items
            _assert_event(journal, exchange)


def _assert_event(journal: Journal, exchange: Exchange) -> None:
    event = exchange.event
    if event is None:
        return
    assert journal.attempts(event.id) == 1
    assert journal.exchanges(ExchangeFilter(event_id=event.id), 9) == ([exchange], None)
    record = journal.event(event.id)
    if not exchange.accepted:
        assert record is None
        return
    assert record is not None
    assert (record.summary, record.org, record.findings) == (event, exchange.org, exchange.findings)
    assert record.received_at == record.last_received_at == exchange.received_at
    for name in EVENT_FILTER_COLUMNS:
        value = getattr(event, name)
        if value is not None:
            for which in (EventFilter(**{name: value}), EventFilter(**{"org": exchange.org, name: value})):
                assert record in journal.events(which, 5).items
                assert journal.count_events(which) >= 1


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Journal, ...]]:
    """Journals of every back end to import to."""
    url = databases.take()
    file = tmp_path_factory.mktemp("elsewhere") / "journal.db"
    with closing(SqliteJournal(file)) as sqlite, closing(PostgresJournal(url)) as postgres:
        yield MemoryJournal(), sqlite, postgres
    databases.give_back(url)


@given(exchange=exchanges_of(TEXTS, LATER_MOMENTS))
def test_what_is_exported_from_one_journal_and_imported_to_another_is_the_same(
    kept: Kept, elsewhere: tuple[Journal, ...], exchange: Exchange
) -> None:
    kept.journal.append([exchange])
    (found,) = [journal.exchange(exchange.id) for journal in kept.readers[-1:]]
    assert found is not None
    line = exchange_to_line(found)
    assert b"\n" not in line
    imported = exchange_from_line(line)
    for other in elsewhere:
        other.append([imported])
        assert other.exchange(exchange.id) == exchange
        assert exchange_to_line(imported) == line


@given(event_id=ANY_TEXTS, org=ANY_TEXTS)
def test_what_is_not_there_is_not_found_whatever_it_is_called(kept: Kept, event_id: str, org: str) -> None:
    for journal in kept.readers:
        assert journal.exchange(f"none {event_id}") is None
        assert journal.event(f"none {event_id}") is None
        assert journal.attempts(f"none {event_id}") == 0
        assert journal.events(EventFilter(org=f"none {org}", job_name=event_id), 5) == ([], None)
        assert journal.statistics(f"none {org}").exchanges == 0
