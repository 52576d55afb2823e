"""What has arrived for one test, as the values that it asks for."""

from __future__ import annotations

import threading

from mock_intake.journal import ExchangeFilter, newest_exchanges, walk
from mock_intake.model.exchange import Exchange as KeptExchange
from mock_intake.model.words import counted
from mock_intake_pytest.host import Host, Record
from mock_intake_pytest.records import Event, Exchange, Run

_ALL = ExchangeFilter()


class Received:
    """Events, runs and requests of one record, caught up with what has arrived. Safe to use from several threads."""

    def __init__(self, host: Host, record: Record) -> None:
        self._host = host
        self._record = record
        self._lock = threading.Lock()
        self._seen = 0
        self._events: dict[str, Event] = {}

    def events(self) -> list[Event]:
        """The events so far, in the order in which they were first taken."""
        self._host.catch_up()
        journal = self._record.journal
        with self._lock:
            for position, exchange in walk(journal, self._seen):
                self._seen = position
                if exchange.event is None:
                    continue
                record = journal.event(exchange.event.id)
                known = self._events.get(exchange.event.id)
                if known is not None and record is not None:
                    known.attempts = record.attempts
                elif exchange.accepted and record is not None:
                    self._events[exchange.event.id] = Event(
                        record, exchange, self._record.selection, by_time=not self._record.by_key
                    )
            return list(self._events.values())

    def runs(self) -> list[Run]:
        """The runs, the first heard of first."""
        self._host.catch_up()
        events = {event.id: event for event in self.events()}
        views = self._record.views
        runs = [
            Run(
                folded,
                [events[fact.event_id] for fact in folded.events if fact.event_id in events],
                views.run_findings(folded, closed=False),
            )
            for folded in views.runs()
        ]
        runs.sort(key=lambda each: each.events[0].received_at if each.events else each.run_id)
        return runs

    def requests(self) -> list[Exchange]:
        """The requests that are the test's own, in order of arrival, each with which attempt of its event it is."""
        requests = []
        attempts: dict[str, int] = {}
        for exchange in self.exchanges():
            attempt = None
            if exchange.event is not None:
                attempt = attempts[exchange.event.id] = attempts.get(exchange.event.id, 0) + 1
            requests.append(Exchange(exchange, attempt, by_time=not self._record.by_key))
        return requests

    def exchanges(self, which: ExchangeFilter = _ALL) -> list[KeptExchange]:
        """The exchanges that are the test's own, in order of arrival."""
        self._host.catch_up()
        return [*newest_exchanges(self._record.journal, which)][::-1]

    def refused(self) -> list[KeptExchange]:
        """The test's own that were not taken, then those that came meanwhile with no test's key."""
        return [*self.exchanges(ExchangeFilter(refused=True)), *self._record.strays]

    def dropped_text(self) -> str:
        """A sentence on what is missing because memory is bounded; empty if nothing is."""
        count = self._record.dropped + self._record.journal.dropped
        return (
            f"{counted(count, 'request')} dropped from memory to stay within its bounds: missing here." if count else ""
        )
