"""What a journal is: append exchanges, and ask for them and for the events in them.

Listings are newest first and paged by cursor; views read oldest first by position. Whatever was dropped by
retention is counted, so that nobody takes a listing for complete that is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from mock_intake.event import Kind
from mock_intake.exchange import EventSummary, Exchange, rfc3339
from mock_intake.findings import Finding, Status

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExchangeFilter:
    """Which exchanges; None asks for all.

    ``event_id`` gives all attempts of one event, ``run_id`` all attempts of the accepted events of a run, ``refused``
    only what was not accepted, ``faulted`` only what met a fault.
    """

    org: str | None = None
    event_id: str | None = None
    run_id: str | None = None
    refused: bool = False
    faulted: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None asks for all. Job namespace and name are matched exactly."""

    org: str | None = None
    status: Status | None = None
    kind: Kind | None = None
    event_type: str | None = None
    job_namespace: str | None = None
    job_name: str | None = None
    run_id: str | None = None


class Page(NamedTuple, Generic[T]):
    """A part of a listing, newest first; ``next`` is the cursor of the following part, if there is one."""

    items: list[T]
    next: int | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event that was accepted, over all attempts to send it.

    ``received_at`` is the first acceptance, ``last_received_at`` the latest attempt of any kind;
    ``attempts`` counts all exchanges with this body. ``exchange_id`` is the exchange that was accepted
    first: the body is kept there.
    """

    summary: EventSummary
    org: str
    received_at: datetime
    last_received_at: datetime
    attempts: int
    findings: tuple[Finding, ...]
    exchange_id: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of the control API, without the body."""
        event = self.summary
        return {
            "id": event.id,
            "org": self.org,
            "received_at": rfc3339(self.received_at),
            "last_received_at": rfc3339(self.last_received_at),
            "status": event.status,
            "kind": event.kind,
            "event_type": event.event_type,
            "event_time": event.event_time,
            "run_id": event.run_id,
            "job": {"namespace": event.job_namespace, "name": event.job_name},
            "inputs": [dataset._asdict() for dataset in event.inputs],
            "outputs": [dataset._asdict() for dataset in event.outputs],
            "dataset": event.dataset._asdict() if event.dataset else None,
            "producer": event.producer,
            "attempts": self.attempts,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class OrgStatistics(NamedTuple):
    """What there is of one org: exchanges of all kinds, accepted events, when it was last heard of."""

    org: str
    exchanges: int
    events: int
    last_received_at: datetime

    def to_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "last_received_at": rfc3339(self.last_received_at)}


class Statistics(NamedTuple):
    """Counts over the record; ``bytes`` is the size of bodies and answers."""

    exchanges: int
    accepted: int
    faulted: int
    statuses: dict[Status, int]
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "exchanges": self.exchanges,
            "accepted": self.accepted,
            "refused": self.exchanges - self.accepted,
            "faulted": self.faulted,
            "events": sum(self.statuses.values()),
            "statuses": {str(status): self.statuses.get(status, 0) for status in Status},
            "bytes": self.bytes,
        }


class JournalError(RuntimeError):
    """The journal cannot be opened, read or written; the message says which and what to do."""


class UnkeepableError(JournalError):
    """One of the exchanges is nothing that the journal can keep; others may be."""


class Journal(Protocol):
    """The one store. Safe to use from several threads. Its calls raise ``JournalError``.

    ``blocking`` tells that appending waits for a disk, so that a server does it beside its loop.
    """

    blocking: bool

    def append(self, exchanges: Sequence[Exchange]) -> None:
        """Puts exchanges on record, all or none; returns once they are. Raises ``UnkeepableError`` too."""

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        """Exchanges behind a position, oldest first, each with its own position (positions begin at 1)."""

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        """A part of the exchanges, newest first; ``before`` is a cursor from an earlier page."""

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        """A part of the accepted events, latest received first."""

    def count_events(self, which: EventFilter) -> int: ...

    def attempts(self, event_id: str) -> int:
        """How many exchanges have had this event, whatever came of them."""

    def exchange(self, exchange_id: str) -> Exchange | None: ...

    def event(self, event_id: str) -> EventRecord | None: ...

    def orgs(self) -> list[OrgStatistics]:
        """All orgs on record, the latest heard of first."""

    def statistics(self, org: str | None = None) -> Statistics: ...

    def forget(self, org: str | None = None) -> int:
        """Takes the exchanges of one org, or all, off the record; says how many there were."""

    def close(self) -> None:
        """Gives back what the journal holds; it is not to be used after that."""

    @property
    def position(self) -> int:
        """The position of the latest exchange; 0 if there never was one."""

    @property
    def generation(self) -> int:
        """Grows whenever something was forgotten, so that views know to begin anew."""

    @property
    def dropped(self) -> int:
        """How many exchanges retention has dropped."""
