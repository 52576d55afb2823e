"""All that is on record, read part by part: one question to a journal gives out a few large exchanges at a time."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.journal.protocol import EventFilter, EventRecord, ExchangeFilter, Journal
from mock_intake.model.exchange import Exchange

_PART = 1_000


def walk(journal: Journal, after: int = 0) -> Iterator[tuple[int, Exchange]]:
    """The exchanges behind the position ``after``, oldest first, each with its own position: all that there are.

    What is appended meanwhile is there too. Raises ``JournalError`` as ``Journal.read`` does.
    """
    while part := journal.read(after, _PART):
        after = part[-1][0]
        yield from part


def newest_exchanges(journal: Journal, which: ExchangeFilter) -> Iterator[Exchange]:
    """All exchanges that ``which`` lets through, newest first. Raises ``JournalError``."""
    cursor: int | None = None
    while True:
        page = journal.exchanges(which, _PART, cursor)
        yield from page.items
        if (cursor := page.next) is None:
            return


def newest_events(journal: Journal, which: EventFilter) -> Iterator[EventRecord]:
    """All accepted events that ``which`` lets through, the latest received first. Raises ``JournalError``."""
    cursor: int | None = None
    while True:
        page = journal.events(which, _PART, cursor)
        yield from page.items
        if (cursor := page.next) is None:
            return
