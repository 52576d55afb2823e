"""The journal in memory: bounded by count and bytes, gone with the process.

Exchanges are kept flat (``mock_intake.journal.flat``), which spares Python's collector of cycles.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal.flat import (
    ACCEPTED,
    EVENT,
    EVENT_FIELD,
    FAULT,
    ORG,
    RECEIVED_AT,
    REQUEST,
    Flat,
    bodies,
    exchange_of,
    flatten,
    identity,
    record_of,
    size,
)
from mock_intake.journal.protocol import (
    EventFilter,
    EventRecord,
    ExchangeFilter,
    OrgStatistics,
    Page,
    Statistics,
    UnkeepableError,
)

S = TypeVar("S")
T = TypeVar("T")

DEFAULT_MAX_EXCHANGES = 200_000
DEFAULT_MAX_BYTES = 1024 * 1024 * 1024
# Roughly what an exchange costs beside its body: headers, summary, findings, the answer.
_OVERHEAD = 2_000
_EVENT_ID, _STATUS, _RUN_ID = EVENT_FIELD["id"], EVENT_FIELD["status"], EVENT_FIELD["run_id"]


@dataclass(slots=True)
class _Event:
    """What is kept of an event that was attempted more than once.

    ``positions`` are those of the attempts that are left, ``attempts`` counts the others too. ``first`` is the first
    one left that was accepted, if one was, and ``received_at`` when the event was accepted first.
    """

    positions: list[int]
    attempts: int
    first: Flat | None
    received_at: datetime | None


@dataclass(slots=True)
class _Org:
    """What is counted of an org's exchanges, so that nobody has to go through them. ``bytes`` are those of bodies."""

    latest: datetime
    exchanges: int = 0
    accepted: int = 0
    faulted: int = 0
    bytes: int = 0

    def count(self, flat: Flat, number: int) -> None:
        """Adds an exchange, or takes it away (-1)."""
        self.exchanges += number
        if flat[ACCEPTED]:
            self.accepted += number
        if flat[FAULT] is not None:
            self.faulted += number
        self.bytes += number * bodies(flat)


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
        self._exchanges: OrderedDict[int, Flat] = OrderedDict()
        self._positions: dict[str, int] = {}
        # Where those stand that are looked for most, in order.
        self._refused: dict[int, None] = {}
        self._faulted: dict[int, None] = {}
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
    def generation(self) -> int:
        return self._generation

    @property
    def dropped(self) -> int:
        return self._dropped

    def append(self, exchanges: Sequence[Exchange]) -> None:
        made = [flatten(exchange) for exchange in exchanges]
        with self._lock:
            self._refuse_doubles(exchanges)
            for exchange, flat in zip(exchanges, made, strict=True):
                self._position = position = self._position + 1
                self._exchanges[position] = flat
                self._positions[exchange.id] = position
                self._bytes += _size(flat)
                self._count(exchange, flat)
                if exchange.event is not None:
                    self._attempt(exchange, flat)
            while self._exchanges and self._is_too_much():
                self._remove(next(iter(self._exchanges)))
                self._dropped += 1

    def _refuse_doubles(self, exchanges: Sequence[Exchange]) -> None:
        known = self._positions
        ids = {exchange.id for exchange in exchanges if exchange.id not in known}
        if len(ids) < len(exchanges):
            raise UnkeepableError("an exchange of the same id is on record already.")

    def _count(self, exchange: Exchange, flat: Flat) -> None:
        org = self._orgs.get(exchange.org)
        if org is None:
            org = self._orgs[exchange.org] = _Org(exchange.received_at)
        else:
            self._orgs.move_to_end(exchange.org)
            org.latest = exchange.received_at
        org.count(flat, 1)
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
        age: timedelta = latest[REQUEST][RECEIVED_AT] - oldest[REQUEST][RECEIVED_AT]
        return age > self._max_age

    def _attempt(self, exchange: Exchange, flat: Flat) -> None:
        """Notes the latest exchange as an attempt of its event."""
        assert exchange.event is not None
        event_id, status = exchange.event.id, exchange.event.status
        before = self._events.get(event_id)
        if before is None:
            self._events[event_id] = self._position
            if exchange.accepted:
                self._statuses[exchange.org, status] += 1
            return
        if isinstance(before, int):
            earlier = self._exchanges[before]
            first = earlier if earlier[ACCEPTED] else None
            received_at = None if first is None else first[REQUEST][RECEIVED_AT]
            before = self._events[event_id] = _Event([before], 1, first, received_at)
        self._events.move_to_end(event_id)
        before.positions.append(self._position)
        before.attempts += 1
        if before.first is None and exchange.accepted:
            before.first, before.received_at = flat, exchange.received_at
            self._statuses[exchange.org, status] += 1

    def _remove(self, position: int) -> None:
        flat = self._exchanges[position]
        if flat[EVENT] is not None:
            self._withdraw(flat, position)
        del self._exchanges[position]
        del self._positions[identity(flat)]
        self._refused.pop(position, None)
        self._faulted.pop(position, None)
        self._bytes -= _size(flat)
        org = self._orgs[flat[ORG]]
        org.count(flat, -1)
        if not org.exchanges:
            del self._orgs[flat[ORG]]

    def _withdraw(self, flat: Flat, position: int) -> None:
        """Takes an attempt away from its event. The first one left that was accepted then stands for the event."""
        event_id = flat[EVENT][_EVENT_ID]
        event = self._events[event_id]
        before = self._accepted(event)
        after = None
        if not isinstance(event, int):
            event.positions.remove(position)
            after = event.first
            if after is not None and identity(after) == identity(flat):
                left = (self._exchanges[place] for place in event.positions)
                after = event.first = next((each for each in left if each[ACCEPTED]), None)
        if isinstance(event, int) or not event.positions:
            del self._events[event_id]
        self._count_status(before, -1)
        self._count_status(after, 1)

    def _count_status(self, flat: Flat | None, number: int) -> None:
        """Counts an event under the status that the exchange gives it which stands for it, if one does."""
        if flat is None:
            return
        counted = (flat[ORG], Status(flat[EVENT][_STATUS]))
        self._statuses[counted] += number
        if not self._statuses[counted]:
            del self._statuses[counted]

    def _accepted(self, event: int | _Event) -> Flat | None:
        """The first attempt of an event that was accepted, of those that are left."""
        if isinstance(event, int):
            return flat if (flat := self._exchanges[event])[ACCEPTED] else None
        return event.first

    def _record(self, event: int | _Event, first: Flat) -> EventRecord:
        if isinstance(event, int):
            return record_of(first, first[REQUEST][RECEIVED_AT], first[REQUEST][RECEIVED_AT], 1)
        last = self._exchanges[event.positions[-1]][REQUEST][RECEIVED_AT]
        assert event.received_at is not None
        return record_of(first, event.received_at, last, event.attempts)

    def _places(self, event_id: str) -> Sequence[int]:
        """Where the attempts of an event stand."""
        event = self._events.get(event_id)
        return () if event is None else (event,) if isinstance(event, int) else event.positions

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        with self._lock:
            first = next(iter(self._exchanges), self._position + 1)
            # What was forgotten has left holes.
            places = range(max(after + 1, first), self._position + 1)
            later = ((place, flat) for place in places if (flat := self._exchanges.get(place)) is not None)
            found = list(islice(later, limit))
        return [(position, exchange_of(flat)) for position, flat in found]

    def _before(self, position: int | None) -> Iterator[tuple[int, Flat]]:
        """The exchanges before a position, the newest first, without a walk through those behind it."""
        if position is None:
            yield from reversed(self._exchanges.items())
            return
        first = next(iter(self._exchanges), position)
        for place in range(min(position, self._position + 1) - 1, first - 1, -1):
            if (flat := self._exchanges.get(place)) is not None:
                yield place, flat

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        with self._lock:
            matching = (
                (position, flat)
                for position, flat in self._walked(which, before)
                if (which.org is None or flat[ORG] == which.org)
                and (which.run_id is None or self._is_of_run(flat, which.run_id))
                and not (which.refused and flat[ACCEPTED])
                and not (which.faulted and flat[FAULT] is None)
            )
            found = list(islice(matching, limit + 1))
        return _page(found, limit, exchange_of)

    def _walked(self, which: ExchangeFilter, before: int | None) -> Iterator[tuple[int, Flat]]:
        """The fewest exchanges among which all are that are asked for, the newest first."""
        few: Sequence[int] | dict[int, None]
        if which.event_id is not None:
            few = self._places(which.event_id)
        elif which.faulted:
            few = self._faulted
        elif which.refused:
            few = self._refused
        else:
            return self._before(before)
        return (
            (position, self._exchanges[position]) for position in reversed(few) if before is None or position < before
        )

    def _is_of_run(self, flat: Flat, run_id: str) -> bool:
        event = flat[EVENT]
        if event is None or event[_RUN_ID] != run_id:
            return False
        return self._accepted(self._events[event[_EVENT_ID]]) is not None

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        with self._lock:
            found = list(islice(self._matching(which, before), limit + 1))
            return _page(found, limit, lambda listed: self._record(*listed))

    def count_events(self, which: EventFilter) -> int:
        with self._lock:
            if which == EventFilter(org=which.org, status=which.status):
                return sum(
                    count
                    for (org, status), count in self._statuses.items()
                    if which.org in (None, org) and which.status in (None, status)
                )
            return sum(1 for _ in self._matching(which, None))

    def _matching(self, which: EventFilter, before: int | None) -> Iterator[tuple[int, tuple[int | _Event, Flat]]]:
        """The accepted events before a position that are asked for, each with its first flat, the newest first."""
        matches = _matcher(which)
        for position, event in self._walked_events(before):
            if (flat := self._accepted(event)) is not None and matches(flat):
                yield position, (event, flat)

    def _walked_events(self, before: int | None) -> Iterator[tuple[int, int | _Event]]:
        """Where the events before a position stand, the newest first."""
        if before is None:
            for event in reversed(self._events.values()):
                yield (event if isinstance(event, int) else event.positions[-1]), event
            return
        for position, flat in self._before(before):
            # Attempts that were followed by others stand where nothing is listed.
            if flat[EVENT] is not None and self._places(flat[EVENT][_EVENT_ID])[-1] == position:
                yield position, self._events[flat[EVENT][_EVENT_ID]]

    def attempts(self, event_id: str) -> int:
        with self._lock:
            event = self._events.get(event_id)
        if event is None:
            return 0
        return 1 if isinstance(event, int) else event.attempts

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._lock:
            position = self._positions.get(exchange_id)
            flat = None if position is None else self._exchanges[position]
        return None if flat is None else exchange_of(flat)

    def event(self, event_id: str) -> EventRecord | None:
        with self._lock:
            event = self._events.get(event_id)
            first = None if event is None else self._accepted(event)
            return None if event is None or first is None else self._record(event, first)

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
            gone = [position for position, flat in self._exchanges.items() if org is None or flat[ORG] == org]
            for position in gone:
                self._remove(position)
            if gone:
                self._generation += 1
            return len(gone)


def _size(flat: Flat) -> int:
    return size(flat) + _OVERHEAD


def _matcher(which: EventFilter) -> Callable[[Flat], bool]:
    """Whether an exchange brought an event that is asked for."""
    names = ("status", "kind", "event_type", "job_namespace", "job_name", "run_id")
    wanted = [(EVENT_FIELD[name], value) for name in names if (value := getattr(which, name)) is not None]

    def matches(flat: Flat) -> bool:
        if which.org is not None and flat[ORG] != which.org:
            return False
        event = flat[EVENT]
        return all(event[place] == value for place, value in wanted)

    return matches


def _page(found: list[tuple[int, S]], limit: int, made: Callable[[S], T]) -> Page[T]:
    items = [made(item) for _, item in found[:limit]]
    return Page(items, found[limit - 1][0] if len(found) > limit else None)
