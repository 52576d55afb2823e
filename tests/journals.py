"""Journals of every back end, and what to put into them."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mock_intake.journal import EventFilter, ExchangeFilter, Journal, MemoryJournal
from mock_intake.journal.postgres import PostgresJournal
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import EventSummary, Exchange, ReceivedRequest, Response
from mock_intake.model.findings import Finding, Status
from tests import databases

Open = Callable[..., Journal]


def open_sqlite(folder: Path, max_exchanges: int | None = None, max_bytes: int | None = None) -> Journal:
    return SqliteJournal(folder / "journal.db", retention=Retention(max_exchanges, None, max_bytes))


def open_postgres(_folder: Path, max_exchanges: int | None = None, max_bytes: int | None = None) -> Journal:
    url = databases.take()
    journal = PostgresJournal(url, retention=Retention(max_exchanges, None, max_bytes))
    _urls[id(journal)] = url
    return journal


# Each takes a folder of its own and the bounds (max_exchanges, max_bytes).
JOURNALS: dict[str, Open] = {
    "memory": lambda _folder, **bounds: MemoryJournal(**bounds),
    "sqlite": open_sqlite,
    "postgres": open_postgres,
}
EVERY = ExchangeFilter()
ALL = EventFilter()
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_numbers = itertools.count()
# Where those journals are that are in a database, by id.
_urls: dict[int, str] = {}


def summary(name: str, **changes: Any) -> EventSummary:
    """An event called so; its id is unique to org and name."""
    fields: dict[str, Any] = dict.fromkeys(EventSummary.__struct_fields__)
    fields |= {"id": f"event-{name}", "status": Status.OK, "inputs": (), "outputs": ()}
    return EventSummary(**fields | changes)


def exchange(
    event: str | EventSummary | None = None,
    *,
    accepted: bool = True,
    org: str = "org-1",
    body: bytes = b"{}",
    findings: tuple[Finding, ...] = (),
) -> Exchange:
    """An exchange, each received a second after the one made before."""
    number = next(_numbers)
    request = ReceivedRequest(
        f"x{number}", "POST", "/api/v1/lineage", "", (), body, NOON + timedelta(seconds=number), wire_size=len(body)
    )
    status = 202 if accepted else 400
    if isinstance(event, str):
        event = summary(event)
    return Exchange(request, org, Response(status, (), b""), accepted and event is not None, event, findings)


def filled(journal: Journal, *exchanges: Exchange) -> list[Exchange]:
    """Appends exchanges one by one."""
    for each in exchanges:
        journal.append([each])
    return list(exchanges)


def ids(exchanges: Iterable[Exchange]) -> list[str]:
    return [each.id for each in exchanges]


def listed(journal: Journal, which: ExchangeFilter = EVERY, limit: int = 1_000) -> list[str]:
    return ids(journal.exchanges(which, limit).items)


def events(journal: Journal, which: EventFilter = ALL, limit: int = 1_000) -> list[str]:
    return [record.summary.id.removeprefix("event-") for record in journal.events(which, limit).items]


def close(journal: Journal) -> None:
    """Lets go of what a back end holds open."""
    journal.close()
    if (url := _urls.pop(id(journal), None)) is not None:
        databases.give_back(url)


def new_journals(**bounds: int) -> Iterator[Journal]:
    """A new journal of every back end, for property tests: fixtures are made once for all examples."""
    for make in JOURNALS.values():
        with tempfile.TemporaryDirectory() as folder:
            journal = make(Path(folder), **bounds)
            try:
                yield journal
            finally:
                close(journal)
