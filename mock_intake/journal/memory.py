"""The journal in memory: bounded by count and bytes, gone with the process."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal.protocol import EventFilter, EventRecord, ExchangeFilter, OrgStatistics, Page, Statistics

T = TypeVar("T")

DEFAULT_MAX_EXCHANGES = 200_000
DEFAULT_MAX_BYTES = 1024 * 1024 * 1024
# Roughly what an exchange costs beside its body: headers, summary, findings, the answer.
_OVERHEAD = 2_000


@dataclass(slots=True)
class _Event:
    """What is kept of an event: its record, if an attempt was accepted, where its attempts stand, how many there were.

    ``attempts`` also counts those that retention has dropped.
    """

    record: EventRecord | None
    # A list, though it loses its first: a deque is larger than all the rest, and most events come once.
    positions: list[int]
    attempts: int


@dataclass(slots=True)
class _Org:
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
        self.bytes += number * (len(exchange.request.body) + len(exchange.response.body))


class MemoryJournal:
    """Keeps exchanges in memory, the oldest being dropped when there are too many or they are too large."""

    blocking = False

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
        # In order of the latest attempt, so that the newest is last.
        self._events: OrderedDict[str, _Event] = OrderedDict()
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
    def generation(self) -> int:
        return self._generation

    @property
    def dropped(self) -> int:
        return self._dropped

    def append(self, exchanges: Sequence[Exchange]) -> None:
        with self._lock:
            for exchange in exchanges:
                self._position += 1
                self._exchanges[self._position] = exchange
                self._positions[exchange.id] = self._position
                self._bytes += _size(exchange)
                self._count(exchange)
                if exchange.event is not None:
                    self._attempt(exchange, self._position)
            while self._exchanges and self._is_too_much():
                self._remove(next(iter(self._exchanges)))
                self._dropped += 1

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

    def _attempt(self, exchange: Exchange, position: int) -> None:
        summary = exchange.event
        assert summary is not None
        event = self._events.get(summary.id)
        if event is None:
            event = self._events[summary.id] = _Event(None, [], 0)
        else:
            self._events.move_to_end(summary.id)
        event.positions.append(position)
        event.attempts = attempts = event.attempts + 1
        if event.record is not None:
            event.record = replace(event.record, last_received_at=exchange.received_at, attempts=attempts)
        elif exchange.accepted:
            self._statuses[exchange.org, summary.status] += 1
            event.record = EventRecord(
                summary,
                exchange.org,
                exchange.received_at,
                exchange.received_at,
                attempts,
                exchange.findings,
                exchange.id,
            )

    def _remove(self, position: int) -> None:
        exchange = self._exchanges.pop(position)
        del self._positions[exchange.id]
        self._refused.pop(position, None)
        self._faulted.pop(position, None)
        self._bytes -= _size(exchange)
        org = self._orgs[exchange.org]
        org.count(exchange, -1)
        if not org.exchanges:
            del self._orgs[exchange.org]
        if exchange.event is None:
            return
        event = self._events[exchange.event.id]
        before = event.record
        event.positions.remove(position)
        if not event.positions:
            del self._events[exchange.event.id]
        elif event.record is not None and event.record.exchange_id == exchange.id:
            # The body is the same in every attempt, so any accepted one that is left can hold it.
            left = (self._exchanges[other] for other in event.positions)
            held_by = next((other for other in left if other.accepted), None)
            event.record = None if held_by is None else replace(event.record, exchange_id=held_by.id)
        if before is not None and (not event.positions or event.record is None):
            self._statuses[before.org, before.summary.status] -= 1

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        with self._lock:
            if not self._exchanges:
                return []
            first = next(iter(self._exchanges))
            if after < first:
                return list(islice(self._exchanges.items(), limit))
            if self._position - first + 1 == len(self._exchanges):
                # No holes: positions can be counted through.
                return [
                    (position, self._exchanges[position])
                    for position in range(after + 1, min(after + limit, self._position) + 1)
                ]
            later = ((position, exchange) for position, exchange in self._exchanges.items() if position > after)
            return list(islice(later, limit))

    def _before(self, position: int | None) -> Iterator[tuple[int, Exchange]]:
        """The exchanges before a position, the newest first, without a walk through those behind it."""
        if position is None:
            yield from reversed(self._exchanges.items())
            return
        first = next(iter(self._exchanges), position)
        for place in range(min(position, self._position + 1) - 1, first - 1, -1):
            if (exchange := self._exchanges.get(place)) is not None:
                yield place, exchange

    def _attempts_of(self, event_id: str, before: int | None) -> Iterator[tuple[int, Exchange]]:
        event = self._events.get(event_id)
        for position in reversed(event.positions) if event is not None else ():
            if before is None or position < before:
                yield position, self._exchanges[position]

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        with self._lock:
            walked = self._walked(which, before)
            matching = (
                (position, exchange)
                for position, exchange in walked
                if (which.org is None or exchange.org == which.org)
                and (which.run_id is None or self._is_of_run(exchange, which.run_id))
                and not (which.refused and exchange.accepted)
                and not (which.faulted and exchange.fault is None)
            )
            return _page(list(islice(matching, limit + 1)), limit)

    def _walked(self, which: ExchangeFilter, before: int | None) -> Iterator[tuple[int, Exchange]]:
        """The fewest exchanges among which all are that are asked for, the newest first."""
        if which.event_id is not None:
            return self._attempts_of(which.event_id, before)
        if not which.refused and not which.faulted:
            return self._before(before)
        few = self._faulted if which.faulted else self._refused
        positions = (position for position in reversed(few) if before is None or position < before)
        return ((position, self._exchanges[position]) for position in positions)

    def _is_of_run(self, exchange: Exchange, run_id: str) -> bool:
        event = exchange.event
        return event is not None and event.run_id == run_id and self._events[event.id].record is not None

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        with self._lock:
            return _page(list(islice(self._matching(which, before), limit + 1)), limit)

    def count_events(self, which: EventFilter) -> int:
        with self._lock:
            return sum(1 for _ in self._matching(which, None))

    def _matching(self, which: EventFilter, before: int | None) -> Iterator[tuple[int, EventRecord]]:
        matches = _matcher(which)
        for position, record in self._listed(before):
            if record is not None and matches(record):
                yield position, record

    def _listed(self, before: int | None) -> Iterator[tuple[int, EventRecord | None]]:
        """Where the events before a position stand, the newest first; their records, of those that have one."""
        if before is None:
            for event in reversed(self._events.values()):
                yield event.positions[-1], event.record
            return
        for position, exchange in self._before(before):
            # Attempts that were followed by others stand where nothing is listed.
            if exchange.event is not None and self._events[exchange.event.id].positions[-1] == position:
                yield position, self._events[exchange.event.id].record

    def attempts(self, event_id: str) -> int:
        with self._lock:
            event = self._events.get(event_id)
            return 0 if event is None else event.attempts

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._lock:
            position = self._positions.get(exchange_id)
            return None if position is None else self._exchanges[position]

    def event(self, event_id: str) -> EventRecord | None:
        with self._lock:
            event = self._events.get(event_id)
            return None if event is None else event.record

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
            gone = [position for position, exchange in self._exchanges.items() if org is None or exchange.org == org]
            for position in gone:
                self._remove(position)
            if gone:
                self._generation += 1
            return len(gone)


def _size(exchange: Exchange) -> int:
    request = exchange.request
    headers = sum([len(name) + len(value) for name, value in request.headers])
    texts = len(request.path) + len(request.query) + headers
    return len(request.body) + len(exchange.response.body) + texts + _OVERHEAD


def _matcher(which: EventFilter) -> Callable[[EventRecord], bool]:
    wanted = {
        name: value
        for name, value in (
            ("status", which.status),
            ("kind", which.kind),
            ("event_type", which.event_type),
            ("job_namespace", which.job_namespace),
            ("job_name", which.job_name),
            ("run_id", which.run_id),
        )
        if value is not None
    }

    def matches(record: EventRecord) -> bool:
        if which.org is not None and record.org != which.org:
            return False
        return all(getattr(record.summary, name) == value for name, value in wanted.items())

    return matches


def _page(found: list[tuple[int, T]], limit: int) -> Page[T]:
    items = [item for _, item in found[:limit]]
    return Page(items, found[limit - 1][0] if len(found) > limit else None)
