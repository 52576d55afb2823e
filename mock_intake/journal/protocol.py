"""What a journal is: append exchanges, and ask for them and for the events in them.

Listings are newest first and paged by cursor; views read oldest first by position. Whatever was dropped by
retention is counted, so that nobody takes a listing for complete that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from mock_intake.model.exchange import EventSummary, Exchange, rfc3339
from mock_intake.model.findings import Finding, Status, statuses
from mock_intake.model.literals import Kind

if TYPE_CHECKING:
    from mock_intake.faults import PlanStore
    from mock_intake.model import shapes

T = TypeVar("T")

# What is given out at a time is so large (bytes) at most, or one alone: whoever asks for a thousand may not have room
# for them.
LARGEST_PART = 2 * 1024 * 1024


class ExchangeFilter(Struct, frozen=True):
    """Which exchanges; a field that is None or False asks for nothing, and several together ask for what fits them all.

    ``event_id`` gives all attempts of one event, ``run_id`` all attempts of the accepted events of a run, ``refused``
    only what was not accepted, ``faulted`` only what met a fault.
    """

    org: str | None = None
    event_id: str | None = None
    run_id: str | None = None
    refused: bool = False
    faulted: bool = False


class EventFilter(Struct, frozen=True):
    """Which events; a field that is None asks for nothing, and several together ask for what fits them all.

    All are compared exactly, as the event has them.
    """

    org: str | None = None
    status: Status | None = None
    kind: Kind | None = None
    event_type: str | None = None
    job_namespace: str | None = None
    job_name: str | None = None
    run_id: str | None = None


class Page(NamedTuple, Generic[T]):
    """A part of a listing: ``items``, newest first, and in ``next`` the cursor of the part behind them, None at the
    end.
    """

    items: list[T]
    next: int | None


class EventRecord(Struct, frozen=True, gc=False):
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

    def to_dict(self) -> shapes.Event:
        """The JSON form of the control API, without the body."""
        event = self.summary
        return {
            "id": event.id,
            "org": self.org,
            "received_at": rfc3339(self.received_at),
            "last_received_at": rfc3339(self.last_received_at),
            "status": event.status.value,
            "kind": event.kind,
            "event_type": event.event_type,
            "event_time": event.event_time,
            "run_id": event.run_id,
            "job": {"namespace": event.job_namespace, "name": event.job_name},
            "inputs": [dataset.to_dict() for dataset in event.inputs],
            "outputs": [dataset.to_dict() for dataset in event.outputs],
            "dataset": event.dataset.to_dict() if event.dataset else None,
            "producer": event.producer,
            "attempts": self.attempts,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class OrgStatistics(Struct, frozen=True, gc=False):
    """What there is of one org: exchanges of all kinds, accepted events, when it was last heard of."""

    org: str
    exchanges: int
    events: int
    last_received_at: datetime

    def to_dict(self) -> shapes.Org:
        """The JSON form of the control API."""
        return {
            "org": self.org,
            "exchanges": self.exchanges,
            "events": self.events,
            "last_received_at": rfc3339(self.last_received_at),
        }


class Statistics(Struct, frozen=True):
    """Counts over the record: all ``exchanges``, those of them that were ``accepted``, and those that met a fault.

    ``statuses`` counts events (not attempts) by status; ``bytes`` is the size of the bodies and answers kept.
    """

    exchanges: int
    accepted: int
    faulted: int
    statuses: dict[Status, int]
    bytes: int

    def to_dict(self) -> shapes.Counts:
        """The JSON form of the control API, with what follows from the counts."""
        return {
            "exchanges": self.exchanges,
            "accepted": self.accepted,
            "refused": self.exchanges - self.accepted,
            "faulted": self.faulted,
            "events": sum(self.statuses.values()),
            "statuses": statuses(self.statuses),
            "bytes": self.bytes,
        }


class JournalError(RuntimeError):
    """The journal cannot be opened, read or written; the message says which and what to do."""


class UnkeepableError(JournalError):
    """One of the exchanges is nothing that the journal can keep; others may be."""


# What views have taken of exchanges is kept for so many positions at a time.
EXTRACTS_IN_BLOCK = 1_000


class ExtractStore(Protocol):
    """Keeps what views have taken of exchanges, as bytes, beside those: a block of ``EXTRACTS_IN_BLOCK`` positions is
    there as long as all its exchanges are. Block 0 begins with the position 1. Its calls raise ``JournalError``.
    """

    def load(self, number: int, form: str) -> bytes | None:
        """The block ``number``, as a build kept it whose bytes are of this ``form``; None where there is none."""

    def keep(self, number: int, form: str, content: bytes, count: int, generation: int) -> None:
        """Keeps a block, in place of those of other forms: where there are just ``count`` exchanges in it, no other can
        come, and nothing was forgotten since the journal's ``generation`` was this. Else this does nothing.
        """


class Journal(Protocol):
    """The one store. Safe to use from several threads. Its calls raise ``JournalError``.

    ``blocking`` tells that appending waits for a disk, so that a server does it beside its loop.
    """

    blocking: bool

    @property
    def place(self) -> str | None:
        """Where the record is kept, as it may be shown; None where that is the process itself."""

    @property
    def plans(self) -> PlanStore | None:
        """Where fault plans are kept for all who share the record; None where nobody does."""

    @property
    def extracts(self) -> ExtractStore | None:
        """Where is kept what views have taken of the record; None where whoever opens it reads all of it anew."""

    def append(self, exchanges: Sequence[Exchange]) -> None:
        """Puts exchanges on record, all of them or none, in this order; returns once they are.

        Raises ``UnkeepableError`` where one of ``exchanges`` cannot be kept, others of them alone perhaps can; any
        other ``JournalError`` says that the store takes nothing now.
        """

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        """At most ``limit`` exchanges behind the position ``after``, oldest first, each with its own position.

        Fewer where they are large (``LARGEST_PART``); none only where there are no more. Positions begin at 1 and grow,
        with gaps where something was dropped or forgotten; 0 reads from the beginning. What is appended while this runs
        is there, or at a later position: nothing comes in before what was read.
        """

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        """A part of the exchanges, newest first: at most ``limit``, all before ``before``, the ``next`` of an earlier
        page. Fewer where they are large (``LARGEST_PART``): how it goes on is told by ``next`` alone.
        """

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        """A part of the accepted events, the latest received first; ``limit`` and ``before`` as for ``exchanges``.

        An event that is received again moves to the front: a walk that had not come to it yet does not meet it.
        """

    def count_events(self, which: EventFilter) -> int:
        """How many accepted events a listing by ``which`` would have over all its pages."""

    def attempts(self, event_id: str) -> int:
        """How many exchanges have had the event ``event_id``, whatever came of them; 0 for one that is not known."""

    def exchange(self, exchange_id: str) -> Exchange | None:
        """The exchange with this id; None where ``exchange_id`` was never on record, or is no longer."""

    def event(self, event_id: str) -> EventRecord | None:
        """The event with this id; None where no attempt of ``event_id`` was accepted, or none is on record any more."""

    def orgs(self) -> list[OrgStatistics]:
        """All orgs on record, the latest heard of first."""

    def statistics(self, org: str | None = None) -> Statistics:
        """Counts over all that is on record, or over the part of ``org``: zeros where that never sent anything."""

    def forget(self, org: str | None = None) -> int:
        """Takes the exchanges of one org, or (``org`` None) all, off the record; says how many there were.

        They do not count as ``dropped``. Positions are not given out again.
        """

    def followed(self, changed: Callable[[], None], joined: Callable[[], None]) -> AbstractContextManager[None]:
        """While it is entered, ``changed`` is called whenever others may have appended or forgotten something, and
        ``joined`` before that where an org may have come that was not on record before.

        From any thread, and also where nothing happened. Others are other processes that share the record; where there
        can be none, nothing is ever called.
        """

    def close(self) -> None:
        """Gives back what the journal holds; it is not to be used after that."""

    @property
    def position(self) -> int:
        """The position of the latest exchange; 0 if there never was one."""

    @property
    def first(self) -> int:
        """The position of the oldest exchange on record; behind ``position`` where there is none."""

    @property
    def generation(self) -> int:
        """Grows whenever something was forgotten, so that views know to begin anew."""

    @property
    def damaged(self) -> int:
        """How many rows were found so far that cannot be read any more, and are left out."""

    @property
    def dropped(self) -> int:
        """How many exchanges retention has dropped."""
