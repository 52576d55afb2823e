"""The store of exchanges: one protocol, and the back ends that keep it."""

from __future__ import annotations

from mock_intake.journal.memory import MemoryJournal
from mock_intake.journal.protocol import (
    EventFilter,
    EventRecord,
    ExchangeFilter,
    Journal,
    JournalError,
    Page,
    UnkeepableError,
)
from mock_intake.journal.walking import newest_events, newest_exchanges, walk

__all__ = [
    "EventFilter",
    "EventRecord",
    "ExchangeFilter",
    "Journal",
    "JournalError",
    "MemoryJournal",
    "Page",
    "UnkeepableError",
    "newest_events",
    "newest_exchanges",
    "walk",
]
