"""Views of the journal: what is computed from it.

Each is a reducer, ``(state, exchange) -> state``. A view keeps its state together with the journal position
that it has seen, and catches up when it is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mock_intake.datadog.joins import judge_joins
from mock_intake.exchange import Exchange
from mock_intake.findings import Finding, Selection
from mock_intake.journal.protocol import Journal
from mock_intake.openlineage import run_cycle
from mock_intake.views.datasets import DatasetsState, add_datasets, fold_datasets
from mock_intake.views.lineage import Lineage, LineageState, fold_lineage
from mock_intake.views.runs import Run, RunsState, add_event, fold_run, run_to_dict

State = TypeVar("State")
_BATCH = 5_000


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
        generation = self._journal.generation
        if generation != self._generation:
            self._generation = generation
            self._position = 0
            self._state = self._begin()
        while batch := self._journal.read(self._position, _BATCH):
            for position, exchange in batch:
                self._state = self._fold(self._state, exchange)
                self._position = position
        return self._state


class Views:
    """The views of one journal. Safe to use from several threads."""

    def __init__(self, journal: Journal, selection: Selection | None = None) -> None:
        self._selection = selection or Selection()
        self._lock = threading.RLock()
        self._runs: View[RunsState] = View(journal, RunsState, fold_run)
        self._datasets: View[DatasetsState] = View(journal, dict, fold_datasets)
        self._lineage: View[LineageState] = View(journal, dict, fold_lineage)

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

    def dataset_findings(self, org: str | None = None) -> tuple[Finding, ...]:
        """Pairs of datasets that differ only in how they are written."""
        with self._lock:
            groups = [group for owner, group in self._datasets.state().items() if org is None or owner == org]
            return self._selection.apply(finding for group in groups for finding in judge_joins(group))

    def lineage(self, org: str | None = None) -> dict[str, Lineage]:
        """Lineage by org: orgs have no datasets in common."""
        with self._lock:
            return {owner: lineage for owner, lineage in self._lineage.state().items() if org in (None, owner)}


__all__ = [
    "DatasetsState",
    "Lineage",
    "Run",
    "RunsState",
    "View",
    "Views",
    "add_datasets",
    "add_event",
    "run_to_dict",
]
