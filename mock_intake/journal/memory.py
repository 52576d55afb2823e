"""The journal in memory: bounded by count and bytes, gone with the process.

Exchanges are kept as they are: Python's collector of cycles passes over them (``mock_intake.model.findings`` says why).
Many thousand that it looks through again and again would have the server stand still for a twentieth of a second.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct

from mock_intake.journal.position_index import PositionIndex
from mock_intake.journal.protocol import (
    LARGEST_PART,
    EventFilter,
    EventRecord,
    ExchangeFilter,
    ExtractStore,
    OrgStatistics,
    Page,
    Statistics,
    UnkeepableError,
)
from mock_intake.model.exchange import EventSummary, Exchange
from mock_intake.model.findings import Status

if TYPE_CHECKING:
    from mock_intake.faults import PlanStore

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode

DEFAULT_MAX_EXCHANGES = 200_000
DEFAULT_MAX_BYTES = 1024 * 1024 * 1024
# Roughly what an exchange costs beside its texts, and each of its headers, datasets and findings beside theirs.
_OVERHEAD = 1_200
_OF_EACH = 120


class _Event(Struct):
    """What is kept of an event that was attempted more than once.

    ``positions`` are those of the attempts that are left, ``attempts`` counts the others too. ``first`` is the first
    one left that was accepted, if one was, and ``received_at`` when the event was accepted first.
    """

    positions: list[int]
    attempts: int
    first: Exchange | None
    received_at: datetime | None


class _Org(Struct):
    """What is counted of an org's exchanges, so that nobody has to go through them. ``bytes`` are those of bodies."""

    latest: datetime
    exchanges: int = 0
    accepted: int = 0
    faulted: int = 0
    bytes: int = 0

    def count(self, exchange: Exchange, number: int) -> None:
        """Adds an exchange, or takes it away (-1)."""
        self.exchanges += number
        if exchange.accepted:
            self.accepted += number
        if exchange.fault is not None:
            self.faulted += number
        self.bytes += number * _bodies(exchange)


class MemoryJournal:
    """Keeps exchanges in memory, the oldest being dropped when there are too many or they are too large."""

    blocking = False
    place: str | None = None
    plans: PlanStore | None = None
    extracts: ExtractStore | None = None

    def __init__(
        self,
        max_exchanges: int = DEFAULT_MAX_EXCHANGES,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age: timedelta | None = None,
    ) -> None:
        self._max_age = max_age
        self._max_exchanges = max_exchanges
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._exchanges: OrderedDict[int, Exchange] = OrderedDict()
        self._positions: dict[str, int] = {}
        # Where those stand that are looked for most, in order.
        self._refused: dict[int, None] = {}
        self._faulted: dict[int, None] = {}
        # Of events, accepted or not: by run, and by the job's name.
        self._of_run = PositionIndex()
        self._of_job = PositionIndex()
        # In order of the latest attempt, so that the newest is last. Most events come once: of those only the place is
        # kept.
        self._events: OrderedDict[str, int | _Event] = OrderedDict()
        # In order of the latest exchange too.
        self._orgs: OrderedDict[str, _Org] = OrderedDict()
        self._statuses: Counter[tuple[str, Status]] = Counter()
        self._bytes = 0
        self._position = 0
        self._generation = 0
        self._dropped = 0

    @property
    def position(self) -> int:
        return self._position

    @property
    def first(self) -> int:
        with self._lock:
            return next(iter(self._exchanges), self._position + 1)

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def damaged(self) -> int:
        return 0

    @property
    def dropped(self) -> int:
        return self._dropped

    def append(self, exchanges: Sequence[Exchange]) -> None:
        with self._lock:
            self._refuse_doubles(exchanges)
            for exchange in exchanges:
                self._position = position = self._position + 1
                self._exchanges[position] = exchange
                self._positions[exchange.id] = position
                self._bytes += _size(exchange)
                self._count(exchange)
                if exchange.event is not None:
                    self._attempt(exchange, exchange.event)
            while self._exchanges and self._is_too_much():
                self._remove(next(iter(self._exchanges)))
                self._dropped += 1

    def _refuse_doubles(self, exchanges: Sequence[Exchange]) -> None:
        known = self._positions
        ids = {exchange.id for exchange in exchanges if exchange.id not in known}
        if len(ids) < len(exchanges):
            raise UnkeepableError("an exchange of the same id is on record already.")

    def _count(self, exchange: Exchange) -> None:
        org = self._orgs.get(exchange.org)
        if org is None:
            org = self._orgs[exchange.org] = _Org(exchange.received_at)
        else:
            self._orgs.move_to_end(exchange.org)
            org.latest = exchange.received_at
        org.count(exchange, 1)
        if not exchange.accepted:
            self._refused[self._position] = None
        if exchange.fault is not None:
            self._faulted[self._position] = None

    def _is_too_much(self) -> bool:
        if len(self._exchanges) > self._max_exchanges or self._bytes > self._max_bytes:
            return True
        if self._max_age is None:
            return False
        # Age counts up to the latest exchange: a journal that nothing comes into does not wither.
        oldest = next(iter(self._exchanges.values()))
        latest = self._exchanges.get(self._position, oldest)
        return latest.received_at - oldest.received_at > self._max_age

    def _attempt(self, exchange: Exchange, event: EventSummary) -> None:
        """Notes the latest exchange as an attempt of its event."""
        event_id, status = event.id, event.status
        if event.run_id is not None:
            self._of_run.add(event.run_id, self._position)
        if event.job_name is not None:
            self._of_job.add(event.job_name, self._position)
        before = self._events.get(event_id)
        if before is None:
            self._events[event_id] = self._position
            if exchange.accepted:
                self._statuses[exchange.org, status] += 1
            return
        if isinstance(before, int):
            earlier = self._exchanges[before]
            first = earlier if earlier.accepted else None
            received_at = None if first is None else first.received_at
            before = self._events[event_id] = _Event([before], 1, first, received_at)
        self._events.move_to_end(event_id)
        before.positions.append(self._position)
        before.attempts += 1
        if before.first is None and exchange.accepted:
            before.first, before.received_at = exchange, exchange.received_at
            self._statuses[exchange.org, status] += 1

    def _remove(self, position: int) -> None:
        exchange = self._exchanges[position]
        if exchange.event is not None:
            self._withdraw(exchange, exchange.event, position)
        del self._exchanges[position]
        del self._positions[exchange.id]
        self._refused.pop(position, None)
        self._faulted.pop(position, None)
        self._bytes -= _size(exchange)
        org = self._orgs[exchange.org]
        org.count(exchange, -1)
        if not org.exchanges:
            del self._orgs[exchange.org]

    def _withdraw(self, exchange: Exchange, summary: EventSummary, position: int) -> None:
        """Takes an attempt away from its event. The first one left that was accepted then stands for the event."""
        if summary.run_id is not None:
            self._of_run.remove(summary.run_id, position)
        if summary.job_name is not None:
            self._of_job.remove(summary.job_name, position)
        event = self._events[summary.id]
        before = self._accepted(event)
        after = None
        if not isinstance(event, int):
            event.positions.remove(position)
            after = event.first
            if after is not None and after.id == exchange.id:
                left = (self._exchanges[place] for place in event.positions)
                after = event.first = next((each for each in left if each.accepted), None)
        if isinstance(event, int) or not event.positions:
            del self._events[summary.id]
        self._count_status(before, -1)
        self._count_status(after, 1)

    def _count_status(self, exchange: Exchange | None, number: int) -> None:
        """Counts an event under the status that the exchange gives it which stands for it, if one does."""
        if exchange is None or exchange.event is None:
            return
        counted = (exchange.org, exchange.event.status)
        self._statuses[counted] += number
        if not self._statuses[counted]:
            del self._statuses[counted]

    def _accepted(self, event: int | _Event) -> Exchange | None:
        """The first attempt of an event that was accepted, of those that are left."""
        if isinstance(event, int):
            return exchange if (exchange := self._exchanges[event]).accepted else None
        return event.first

    def _record(self, event: int | _Event, first: Exchange) -> EventRecord:
        assert first.event is not None
        received_at, last, attempts = first.received_at, first.received_at, 1
        if not isinstance(event, int):
            assert event.received_at is not None
            received_at, attempts = event.received_at, event.attempts
            last = self._exchanges[event.positions[-1]].received_at
        return EventRecord(first.event, first.org, received_at, last, attempts, first.findings, first.id)

    def _places(self, event_id: str) -> Sequence[int]:
        """Where the attempts of an event stand."""
        event = self._events.get(event_id)
        return () if event is None else (event,) if isinstance(event, int) else event.positions

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        with self._lock:
            first = next(iter(self._exchanges), self._position + 1)
            # What was forgotten has left holes.
            places = range(max(after + 1, first), self._position + 1)
            later = ((place, found) for place in places if (found := self._exchanges.get(place)) is not None)
            return _part(later, limit, _bodies)[0]

    def _before(self, position: int | None) -> Iterator[tuple[int, Exchange]]:
        """The exchanges before a position, the newest first, without a walk through those behind it."""
        if position is None:
            yield from reversed(self._exchanges.items())
            return
        first = next(iter(self._exchanges), position)
        for place in range(min(position, self._position + 1) - 1, first - 1, -1):
            if (found := self._exchanges.get(place)) is not None:
                yield place, found

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        with self._lock:
            matching = (
                (position, found)
                for position, found in self._walked(which, before)
                if (which.org is None or found.org == which.org)
                and (which.run_id is None or self._is_of_run(found, which.run_id))
                and not (which.refused and found.accepted)
                and not (which.faulted and found.fault is None)
            )
            return _page(*_part(matching, limit, _bodies))

    def _walked(self, which: ExchangeFilter, before: int | None) -> Iterator[tuple[int, Exchange]]:
        """The fewest exchanges among which all are that are asked for, the newest first."""
        few: Sequence[int] | dict[int, None]
        if which.event_id is not None:
            few = self._places(which.event_id)
        elif which.run_id is not None:
            return self._at(self._of_run.newest(which.run_id, before))
        elif which.faulted:
            few = self._faulted
        elif which.refused:
            few = self._refused
        else:
            return self._before(before)
        return (
            (position, self._exchanges[position]) for position in reversed(few) if before is None or position < before
        )

    def _at(self, positions: Iterator[int]) -> Iterator[tuple[int, Exchange]]:
        return ((position, self._exchanges[position]) for position in positions)

    def _is_of_run(self, exchange: Exchange, run_id: str) -> bool:
        event = exchange.event
        if event is None or event.run_id != run_id:
            return False
        return self._accepted(self._events[event.id]) is not None

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        with self._lock:
            found = ((position, self._record(event, first)) for position, event, first in self._matching(which, before))
            return _page(*_part(found, limit, _size_of_record))

    def count_events(self, which: EventFilter) -> int:
        with self._lock:
            if which == EventFilter(org=which.org, status=which.status):
                return sum(
                    count
                    for (org, status), count in self._statuses.items()
                    if which.org in (None, org) and which.status in (None, status)
                )
            return sum(1 for _ in self._matching(which, None))

    def _matching(self, which: EventFilter, before: int | None) -> Iterator[tuple[int, int | _Event, Exchange]]:
        """The accepted events before a position that are asked for, each with the exchange that stands for it, the
        newest first."""
        matches = _matcher(which)
        for position, event in self._walked_events(which, before):
            if (first := self._accepted(event)) is not None and matches(first):
                yield position, event, first

    def _walked_events(self, which: EventFilter, before: int | None) -> Iterator[tuple[int, int | _Event]]:
        """The fewest events before a position among which all are that are asked for, and where they stand, the newest
        first.
        """
        if which.run_id is not None:
            walked = self._at(self._of_run.newest(which.run_id, before))
        elif which.job_name is not None:
            walked = self._at(self._of_job.newest(which.job_name, before))
        elif before is not None:
            walked = self._before(before)
        else:
            for event in reversed(self._events.values()):
                yield (event if isinstance(event, int) else event.positions[-1]), event
            return
        for position, exchange in walked:
            # Attempts that were followed by others stand where nothing is listed.
            summary = exchange.event
            if summary is not None and self._places(summary.id)[-1] == position:
                yield position, self._events[summary.id]

    def attempts(self, event_id: str) -> int:
        with self._lock:
            event = self._events.get(event_id)
        if event is None:
            return 0
        return 1 if isinstance(event, int) else event.attempts

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._lock:
            position = self._positions.get(exchange_id)
            return None if position is None else self._exchanges[position]

    def event(self, event_id: str) -> EventRecord | None:
        with self._lock:
            event = self._events.get(event_id)
            first = None if event is None else self._accepted(event)
            return None if event is None or first is None else self._record(event, first)

    def followed(self, changed: Callable[[], None], joined: Callable[[], None]) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def close(self) -> None:
        """Nothing is held that would have to be given back."""

    def orgs(self) -> list[OrgStatistics]:
        with self._lock:
            events: Counter[str] = Counter()
            for (org, _), count in self._statuses.items():
                events[org] += count
            return [
                OrgStatistics(name, org.exchanges, events[name], org.latest)
                for name, org in reversed(self._orgs.items())
            ]

    def statistics(self, org: str | None = None) -> Statistics:
        with self._lock:
            kept = [each for name, each in self._orgs.items() if org is None or name == org]
            statuses: Counter[Status] = Counter()
            for (name, status), count in self._statuses.items():
                if count and (org is None or name == org):
                    statuses[status] += count
            return Statistics(
                sum(each.exchanges for each in kept),
                sum(each.accepted for each in kept),
                sum(each.faulted for each in kept),
                statuses,
                sum(each.bytes for each in kept),
            )

    def forget(self, org: str | None = None) -> int:
        with self._lock:
            gone = [position for position, each in self._exchanges.items() if org is None or each.org == org]
            for position in gone:
                self._remove(position)
            if gone:
                self._generation += 1
            return len(gone)


def _bodies(exchange: Exchange) -> int:
    """How large its bodies are, in bytes: the request's and the answer's."""
    return len(exchange.request.body) + len(exchange.response.body)


def _size_of_event(event: EventSummary) -> int:
    try:
        return len(_encode(event))
    except UnicodeEncodeError:  # a lone surrogate stands in it, as in what was imported
        return len(repr(event))


def _size(exchange: Exchange) -> int:
    """How much room an exchange takes, in bytes, more or less."""
    request, event = exchange.request, exchange.event
    size = _OVERHEAD + _bodies(exchange) + len(request.path) + len(request.query)
    size += _OF_EACH * len(request.headers) + sum(map(len, chain.from_iterable(request.headers)))
    if event is not None:
        size += _size_of_event(event) + _OF_EACH * (len(event.inputs) + len(event.outputs))
    for finding in exchange.findings:
        # Other texts of a finding are its rule's own, which all of them share.
        size += _OF_EACH + len(finding.pointer) + len(finding.message) + len(finding.advice)
        size += len(finding.expected or "") + len(finding.actual or "")
    return size


def _matcher(which: EventFilter) -> Callable[[Exchange], bool]:
    """Whether an exchange brought an event that is asked for."""
    wanted = [
        (attrgetter(name), value)
        for name in ("status", "kind", "event_type", "job_namespace", "job_name", "run_id")
        if (value := getattr(which, name)) is not None
    ]

    def matches(exchange: Exchange) -> bool:
        if which.org is not None and exchange.org != which.org:
            return False
        event = exchange.event
        for get, value in wanted:  # noqa: SIM110 - asked of every event on record, and all() takes as long again
            if get(event) != value:
                return False
        return True

    return matches


def _part(found: Iterator[tuple[int, T]], limit: int, size_of: Callable[[T], int]) -> tuple[list[tuple[int, T]], bool]:
    """The first of what is found, so many at most, and no more than there is room for; and whether there are more."""
    part: list[tuple[int, T]] = []
    room = LARGEST_PART
    for one in found:
        if len(part) == limit or room <= 0:
            return part, True
        part.append(one)
        room -= size_of(one[1])
    return part, False


def _page(part: list[tuple[int, T]], more: bool) -> Page[T]:
    return Page([item for _, item in part], part[-1][0] if more else None)


def _size_of_record(record: EventRecord) -> int:
    return sum([len(name or "") for dataset in record.summary.datasets for name in dataset])
