"""Views of the journal: what is computed from it.

Each is a reducer, ``(state, exchange) -> state``. A view keeps its state together with the journal position
that it has seen, and catches up when it is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Generic, TypeVar

from mock_intake.clock import monotonic
from mock_intake.datadog.joins import NearMiss, judge_joins, near_misses
from mock_intake.exchange import Exchange
from mock_intake.findings import Finding, Selection
from mock_intake.journal.protocol import EventFilter, Journal
from mock_intake.openlineage import run_cycle
from mock_intake.views.datasets import DatasetsState, add_datasets, fold_datasets
from mock_intake.views.lineage import Lineage, LineageState, fold_lineage
from mock_intake.views.runs import Run, RunsState, add_event, ancestors, fold_run, read_run, run_to_dict
from mock_intake.views.tallies import Counted, Counts, RunCodes, Tallies, TalliesState, fold_tallies

State = TypeVar("State")
_BATCH = 5_000
_SMALL_BATCH = 200
# Of so many orgs one can still be chosen.
_MOST_ORGS = 50


class View(Generic[State]):
    """The state of one reducer over a journal, caught up whenever it is asked for."""

    def __init__(self, journal: Journal, begin: Callable[[], State], fold: Callable[[State, Exchange], State]) -> None:
        self._journal = journal
        self._begin = begin
        self._fold = fold
        self._generation = journal.generation
        self._position = 0
        self._state = begin()

    def state(self) -> State:
        while self.advance(_BATCH):
            pass
        return self._state

    def advance(self, limit: int) -> bool:
        """Reads on by so many exchanges at most; false when there were none."""
        end = self._journal.position
        batch = self._journal.read(self.position, limit)
        self.take(batch)
        if len(batch) < limit:
            self.skip(end)
        return bool(batch)

    def take(self, batch: Sequence[tuple[int, Exchange]]) -> None:
        """Folds exchanges that follow one another on record; those that it has seen are left out."""
        for position, exchange in batch:
            if position > self._position:
                self._state = self._fold(self._state, exchange)
                self._position = position

    def skip(self, position: int) -> None:
        """There is nothing on record that was not seen, up to a position: what was there is forgotten."""
        self._position = max(self._position, position)

    @property
    def position(self) -> int:
        """The position of the exchange that was seen last; begins anew where something was forgotten."""
        generation = self._journal.generation
        if generation != self._generation:
            self._generation = generation
            self._position = 0
            self._state = self._begin()
        return self._position


class Views:
    """The views of one journal. Safe to use from several threads."""

    def __init__(self, journal: Journal, selection: Selection | None = None) -> None:
        self._journal = journal
        self._selection = selection or Selection()
        self._lock = threading.RLock()
        self._runs: View[RunsState] = View(journal, RunsState, fold_run)
        self._datasets: View[DatasetsState] = View(journal, dict, fold_datasets)
        self._lineage: View[LineageState] = View(journal, dict, fold_lineage)
        self._tallies: View[TalliesState] = View(journal, TalliesState, fold_tallies)
        self._run_codes = RunCodes()

    def held(self) -> AbstractContextManager[object]:
        """Nothing is folded within, so that what views give out stays as it is while it is looked through.

        Lineages and tallies are the views' own; whoever looks through them beside other threads holds them still.
        Not for long: who asks for a view waits meanwhile.
        """
        return self._lock

    def catch_up(self, seconds: float) -> int:
        """Reads on for about so long at most; says how many exchanges are left then.

        In small parts, so that others get their turn: a long record takes its time.
        """
        until = monotonic() + seconds
        while left := self._read_some(_SMALL_BATCH):
            if monotonic() >= until:
                return left
        while monotonic() < until:
            with self._lock:
                if not self._judge_some(_SMALL_BATCH):
                    return 0
        with self._lock:
            return len(self._runs.state().touched)

    def _read_some(self, limit: int) -> int:
        """Reads so many exchanges at most for all views at once; says how many may be left."""
        views: tuple[View[Any], ...] = (self._tallies, self._runs, self._datasets, self._lineage)
        with self._lock:
            end = self._journal.position
            seen = min(view.position for view in views)
            if seen >= end:
                return 0
            batch = self._journal.read(seen, limit)
            for view in views:
                view.take(batch)
                if len(batch) < limit:
                    view.skip(end)
            return max(0, end - batch[-1][0]) if len(batch) == limit else 0

    def _judge_some(self, limit: int) -> int:
        """Judges anew so many runs at most that were heard of since; says how many that were."""
        state = self._runs.state()
        return self._run_codes.renew(state, limit, lambda run: self.run_findings(run, closed=False))

    def runs(self, org: str | None = None) -> list[Run]:
        """Runs, the latest heard of first."""
        with self._lock:
            return [run for run in reversed(self._runs.state().runs.values()) if org is None or run.org == org]

    def run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """What the run cycle has to say; ``closed`` when no more events are expected."""
        with self._lock:
            known = self._runs.state().runs
            found = run_cycle.judge_run(
                run.facts, closed=closed, run_is_known=lambda run_id: (run.org, run_id) in known
            )
        return self._selection.apply(found)

    def single_run(self, run_id: str, org: str | None = None) -> Run | None:
        """One run, read for itself: nothing else is folded."""
        return read_run(self._journal, run_id, org)

    def single_run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """As ``run_findings``, with what else is known of the org's runs asked of the journal."""
        found = run_cycle.judge_run(
            run.facts,
            closed=closed,
            run_is_known=lambda run_id: self._journal.count_events(EventFilter(org=run.org, run_id=run_id)) > 0,
        )
        return self._selection.apply(found)

    def dataset_findings(self, org: str | None = None) -> tuple[Finding, ...]:
        """Pairs of datasets that differ only in how they are written."""
        with self._lock:
            groups = [group for owner, group in self._datasets.state().items() if org is None or owner == org]
            return self._selection.apply(finding for group in groups for finding in judge_joins(group))

    def run(self, run_id: str, org: str | None = None) -> Run | None:
        """One run; the one heard of last, where several orgs have one of that id."""
        with self._lock:
            state = self._runs.state()
            if org is not None:
                return state.runs.get((org, run_id))
            return next((run for run in reversed(state.runs.values()) if run.run_id == run_id), None)

    def children(self, run: Run) -> list[Run]:
        """The runs that name a run as their parent."""
        with self._lock:
            state = self._runs.state()
            named = state.children.get((run.org, run.run_id), ())
            return [state.runs[run.org, run_id] for run_id in named]

    def ancestors(self, run: Run) -> list[Run]:
        """The runs that a run is part of, the topmost first."""
        with self._lock:
            return ancestors(self._runs.state(), run)

    def near_misses(self, org: str) -> list[NearMiss]:
        """Pairs of datasets that would not join, and were probably meant to."""
        with self._lock:
            found = list(near_misses(self._datasets.state().get(org, {})))
        return [miss for miss in found if self._selection.apply([miss.finding])]

    def counts(self, org: str | None, seconds: float) -> Counted | None:
        """What was counted of all, or of one org; None where reading the record takes longer than that."""
        until = monotonic() + seconds
        advanced = True
        while advanced:
            if monotonic() > until:
                return None
            with self._lock:
                advanced = self._tallies.advance(_SMALL_BATCH)
        with self._lock:
            state = self._tallies.state()
            counts = state.all if org is None else state.orgs.get(org, Counts())
            return Counted(counts.copy(), list(islice(reversed(state.orgs), _MOST_ORGS)))

    def tallies(self) -> Tallies:
        """Which rules have spoken how often."""
        with self._lock:
            while self._judge_some(_BATCH):
                pass
            return Tallies(self._tallies.state(), self._run_codes)

    def lineage(self, org: str | None = None) -> dict[str, Lineage]:
        """Lineage by org: orgs have no datasets in common."""
        with self._lock:
            return {owner: lineage for owner, lineage in self._lineage.state().items() if org in (None, owner)}


__all__ = [
    "Counted",
    "Counts",
    "DatasetsState",
    "Lineage",
    "NearMiss",
    "Run",
    "RunsState",
    "Tallies",
    "View",
    "Views",
    "add_datasets",
    "add_event",
    "run_to_dict",
]
