"""Prints exchanges as they come in, and counts them for the summary at the end."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, TypeVar

from mock_intake.cli.console import OutputError, echo, finding_style
from mock_intake.cli.logs import Log
from mock_intake.faults import Faults
from mock_intake.journal import Journal, JournalError
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Severity, Status
from mock_intake.model.runs import run_id_key
from mock_intake.model.words import counted
from mock_intake.producers.reached import is_stopped
from mock_intake.report.finding_text import finding_head
from mock_intake.report.places import Groups, Place
from mock_intake.views import Views

T = TypeVar("T")

# So long (seconds) lines gather before they are written: one write for all that come at once.
_GATHERING = 0.1
# So many lines wait for an output that takes none, as a terminal that is held up; the server must not wait for it.
_MOST_WAITING = 10_000
_AT_ONCE = 1_000
# So long (seconds) an output may take for the last of them.
_LAST_LINES = 5.0


class Counts(NamedTuple):
    """What a tally has counted: events by status, requests that were refused, those that were stopped, findings; and of
    which runs it has heard.
    """

    statuses: Counter[Status]
    refused: int
    stopped: int
    groups: Groups
    heard_of: set[tuple[str, str]]


class Tally:
    """Give its ``add`` to a server as ``on_exchange``; ``err`` prints to standard error, ``log`` says what and how.

    Where the journal came ``with_earlier`` exchanges, the summary is of the runs alone that were heard of since.

    A thread of its own does the printing, so that neither the work nor a slow terminal holds the server up. ``turn`` is
    entered for each writing, where other processes write to the same output.
    """

    def __init__(
        self,
        log: Log | None = None,
        *,
        err: bool = False,
        with_earlier: bool = False,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        self._err = err
        self._turn = turn or nullcontext()
        self._log = log or Log()
        self.statuses: Counter[Status] = Counter()
        self.refused = 0
        self.stopped = 0
        self.groups = Groups(most_places=1, most_messages=0)
        # Of which orgs, by which ids; None where all there is came since.
        self._heard_of: set[tuple[str, str]] | None = set() if with_earlier else None
        self._faults: Faults | None = None
        self._ended = 0
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._left_out = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, faults: Faults) -> None:
        """Has it said when the fault plans have ended."""
        self._faults = faults

    @property
    def taken(self) -> int:
        """How many requests with an event were taken."""
        return self.statuses.total()

    def add(self, exchange: Exchange) -> None:
        """Counts an exchange and prints its line, without waiting for who reads that; called by the server."""
        if exchange.accepted and exchange.event is not None:
            self.statuses[exchange.event.status] += 1
            if self._heard_of is not None and exchange.event.run_id is not None:
                self._heard_of.add((exchange.org, run_id_key(exchange.event.run_id)))
        elif is_stopped(exchange):
            self.stopped += 1
        else:
            self.refused += 1
        if exchange.findings:
            self.groups.extend(Place(finding, None) for finding in exchange.findings)
        # The line, and not the exchange: bodies of megabytes must not wait for a slow terminal.
        self._print_later(self._log.line_of, exchange)
        if self._faults is not None and self._faults.ended != self._ended:
            self._ended = self._faults.ended
            rest = "" if self._faults.active else ": requests are handled as usual again"
            self._print_later(self._log.text_line, f"the fault plan has ended{rest}")

    @property
    def counts(self) -> Counts:
        """What was counted so far."""
        return Counts(self.statuses, self.refused, self.stopped, self.groups, self._heard_of or set())

    def take_in(self, counts: Counts) -> None:
        """Adds what another has counted."""
        self.statuses.update(counts.statuses)
        self.refused += counts.refused
        self.stopped += counts.stopped
        self.groups.take_in(counts.groups)
        if self._heard_of is not None:
            self._heard_of |= counts.heard_of

    def summarise(self, views: Views, journal: Journal) -> None:
        """Says what there was, over all events, now that nothing more is expected."""
        self.finish()
        problem = dropped = damaged = None
        earlier = 0
        try:
            runs = views.runs()[::-1]
            if self._heard_of is not None:
                heard_of = [run for run in runs if (run.org, run_id_key(run.run_id)) in self._heard_of]
                earlier, runs = len(runs) - len(heard_of), heard_of
            for _, findings in views.judged(runs, closed=True):
                self.groups.extend(Place(finding, None) for finding in findings)
            if self._heard_of is None or self.taken:
                self.groups.extend(Place(finding, None) for finding in views.dataset_findings())
            dropped, damaged = journal.dropped, journal.damaged
        except JournalError as error:
            # What was counted meanwhile is known all the same.
            problem = str(error)
        self.say_counts(problem, dropped, damaged)
        if earlier:
            self._say(
                f"{counted(earlier, 'run')} of before this start left out; all: mock-intake report {journal.place}"
            )

    def say_counts(self, problem: str | None = None, dropped: int | None = None, damaged: int | None = None) -> None:
        """Says what was counted; and the ``problem`` why nothing more can be said."""
        self._say("")
        counts = ", ".join(f"{self.statuses[status]} {status}" for status in Status)
        self._say(f"{counted(self.taken, 'event')} taken: {counts}; {counted(self.refused, 'request')} refused")
        if self.stopped:
            self._say(f"Connections to Datadog that were stopped: {self.stopped}")
        if problem:
            self._say(f"What runs and datasets came to cannot be told: {problem}")
        if dropped:
            self._say(f"{counted(dropped, 'exchange')} dropped from memory to stay within its bounds")
        if damaged:
            self._say(f"{counted(damaged, 'damaged row')} of the journal left out: the log names them")
        groups = self.groups.at_or_above(Severity.WARNING)
        style = finding_style()
        for group in groups:
            self._say(f"  {finding_head(group, style)}")
        if groups:
            self._say("mock-intake rules CODE explains a code.")

    def _print_later(self, line_of: Callable[[T], str], what: T) -> None:
        if self._waiting.qsize() >= _MOST_WAITING:
            with self._lock:
                self._left_out += 1
            return
        if not (line := line_of(what)):
            return
        self._waiting.put(line)
        if self._thread is None:
            self._thread = threading.Thread(target=self._print, name="mock-intake-tally", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Returns once all lines are printed, or nobody has read them for long."""
        if self._thread is not None:
            self._waiting.put(None)
            # An output that nobody reads must not keep the server from ending.
            self._thread.join(_LAST_LINES)
            self._thread = None

    def _print(self) -> None:
        readable = True
        more = True
        while more:
            taken = [self._waiting.get()]
            if self._waiting.qsize() < _AT_ONCE:
                # Also where there is a next one: to take each at once has two threads fight for turns.
                time.sleep(_GATHERING)
            taken += [self._waiting.get() for _ in range(min(self._waiting.qsize(), _AT_ONCE))]
            more = None not in taken
            lines = [line for line in taken if line is not None]
            with self._lock:
                left_out, self._left_out = self._left_out, 0
            if left_out:
                words = f"... {counted(left_out, 'line')} left out: they came faster than they could be printed"
                lines += filter(None, [self._log.text_line(words)])
            if lines and readable:
                readable = self._written("\n".join(lines))

    def _written(self, text: str) -> bool:
        try:
            self._echo(text)
        except (OutputError, OSError, ValueError):  # nobody reads it any more, or the disk is full
            return False
        return True

    def _say(self, line: str) -> None:
        self._log.say(line, err=self._err)

    def _echo(self, line: str) -> None:
        with self._turn:
            echo(line, err=self._err)
