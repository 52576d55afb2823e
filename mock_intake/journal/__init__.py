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

__all__ = [
    "EventFilter",
    "EventRecord",
    "ExchangeFilter",
    "Journal",
    "JournalError",
    "MemoryJournal",
    "Page",
    "UnkeepableError",
]
