"""Views of the journal: runs and datasets, folded from exchanges.

Each view is a reducer, ``(state, exchange) -> state``, over the exchanges that were accepted. ``Views``
keeps the states together with the journal position that they have seen, and catches up when it is read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mock_intake.datadog.joins import join_key, judge_joins
from mock_intake.event import DatasetId
from mock_intake.exchange import EventSummary, Exchange
from mock_intake.findings import Finding, Selection
from mock_intake.journal.protocol import Journal
from mock_intake.openlineage import run_cycle
from mock_intake.openlineage.run_cycle import Repeat, RunEventFact, RunFacts

_BATCH = 5_000


@dataclass(slots=True)
class Run:
    """A run as far as it was seen: its events in order of arrival, and what was accepted again."""

    run_id: str
    org: str
    events: list[RunEventFact] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)

    @property
    def facts(self) -> RunFacts:
        return RunFacts(self.run_id, self.events, self.repeats)


@dataclass(slots=True)
class RunsState:
    """Runs by org and id, the latest heard of last, and the accepted events with the fault of their last attempt."""

    runs: dict[tuple[str, str], Run] = field(default_factory=dict)
    accepted: dict[str, bool] = field(default_factory=dict)


def fold_run(state: RunsState, exchange: Exchange) -> RunsState:
    """Adds one exchange to the runs."""
    if exchange.event is not None and exchange.accepted:
        add_event(state, exchange.org, exchange.event, answer_lost=exchange.answer_lost)
    return state


def add_event(state: RunsState, org: str, event: EventSummary, *, answer_lost: bool = False) -> Repeat | None:
    """Adds one accepted event to the runs; tells if the same body had been accepted before."""
    excused = state.accepted.get(event.id)
    repeat = None if excused is None else Repeat(event.id, event.event_type, excused)
    state.accepted[event.id] = answer_lost
    if event.run_id is not None:
        key = (org, event.run_id)
        run = state.runs.pop(key, None) or Run(event.run_id, org)
        state.runs[key] = run
        if repeat is None:
            run.events.append(fact_of(event))
        else:
            run.repeats.append(repeat)
    return repeat


def fact_of(event: EventSummary) -> RunEventFact:
    return RunEventFact(
        event.id,
        event.event_type,
        event.event_time,
        (event.job_namespace, event.job_name),
        event.processing_type,
        event.parent_run_id,
    )


DatasetsState = dict[str, dict[DatasetId, dict[DatasetId, None]]]
"""Datasets by org and join key: those with the same key were meant to be one, in order of appearance."""


def fold_datasets(state: DatasetsState, exchange: Exchange) -> DatasetsState:
    """Adds the datasets of one exchange."""
    if exchange.event is not None and exchange.accepted:
        add_datasets(state, exchange.org, exchange.event)
    return state


def add_datasets(state: DatasetsState, org: str, event: EventSummary) -> None:
    for dataset in datasets_of(event):
        state.setdefault(org, {}).setdefault(join_key(dataset), {})[dataset] = None


def datasets_of(event: EventSummary) -> Iterable[DatasetId]:
    yield from event.inputs
    yield from event.outputs
    if event.dataset is not None:
        yield event.dataset


class Views:
    """The views of one journal, caught up whenever they are read. Safe to use from several threads."""

    def __init__(self, journal: Journal, selection: Selection | None = None) -> None:
        self._journal = journal
        self._selection = selection or Selection()
        self._lock = threading.Lock()
        self._generation = journal.generation
        self._position = 0
        self._runs = RunsState()
        self._datasets: DatasetsState = {}

    def runs(self, org: str | None = None) -> list[Run]:
        """Runs, the latest heard of first."""
        with self._lock:
            self._catch_up()
            return [run for run in reversed(self._runs.runs.values()) if org is None or run.org == org]

    def run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """What the run cycle has to say; ``closed`` when no more events are expected."""
        with self._lock:
            known = self._runs.runs
            found = run_cycle.judge_run(
                run.facts, closed=closed, run_is_known=lambda run_id: (run.org, run_id) in known
            )
        return self._selection.apply(found)

    def dataset_findings(self, org: str | None = None) -> tuple[Finding, ...]:
        """Pairs of datasets that differ only in how they are written."""
        with self._lock:
            self._catch_up()
            groups = [group for owner, group in self._datasets.items() if org is None or owner == org]
            return self._selection.apply(finding for group in groups for finding in judge_joins(group))

    def _catch_up(self) -> None:
        if self._generation != self._journal.generation:
            self._generation = self._journal.generation
            self._position = 0
            self._runs = RunsState()
            self._datasets = {}
        while batch := self._journal.read(self._position, _BATCH):
            for position, exchange in batch:
                self._runs = fold_run(self._runs, exchange)
                self._datasets = fold_datasets(self._datasets, exchange)
                self._position = position


def run_to_dict(run: Run, findings: Iterable[Finding]) -> dict[str, Any]:
    """The JSON form of a run; ``events`` are event ids in order of arrival, ``duration`` is in seconds."""
    facts = run.facts
    length = run_cycle.duration(facts)
    namespace, name = run.events[0].job if run.events else (None, None)
    parent = next((event.parent_run_id for event in run.events if event.parent_run_id), None)
    return {
        "run_id": run.run_id,
        "org": run.org,
        "job": {"namespace": namespace, "name": name},
        "states": [event.event_type for event in run.events],
        "state": run_cycle.state_of(facts),
        "started_at": _with_offset(run_cycle.started_at(facts)),
        "ended_at": _with_offset(run_cycle.ended_at(facts)),
        "duration": None if length is None else length.total_seconds(),
        "parent": parent,
        "events": [event.event_id for event in run.events],
        "findings": [finding.to_dict() for finding in findings],
    }


def _with_offset(event_time: str | None) -> str | None:
    """An eventTime as RFC 3339: as it was sent, or as UTC where it has no offset; None if it cannot be read."""
    moment = run_cycle.moment(event_time)
    if moment is None or event_time is None:
        return None
    return event_time if moment.tzinfo is not None else moment.isoformat() + "Z"
