"""Views of the journal: what is computed from it.

Each is a reducer, ``(state, extract) -> state``, over what is taken of each exchange. A view keeps its state together
with the journal position that it has seen, and catches up when it is read.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from mock_intake.body.shown import digest, event_view, parsed_body
from mock_intake.datadog import rules as datadog
from mock_intake.datadog.joins import NearMiss, near_misses
from mock_intake.datadog.native import run_without_blame
from mock_intake.journal.protocol import Journal
from mock_intake.model.accumulated import Accumulated, stamp_of
from mock_intake.model.event import DatasetId, leaves_kind_open
from mock_intake.model.findings import Finding, Selection
from mock_intake.model.runs import RunFacts, run_id_key
from mock_intake.openlineage.runs import judge_run
from mock_intake.secrets.presenting import may_stand_for_another, stands_for
from mock_intake.system.clock import monotonic
from mock_intake.views.extract_reader import ExtractReader, Extracts
from mock_intake.views.extracts import Extract
from mock_intake.views.lineage import Lineage, LineageState, OrgLineage, drop_lineage, fold_lineage
from mock_intake.views.run import ANY_JOB, JobFilter, Run, RunKey, events_without_run, run_to_dict
from mock_intake.views.runs import (
    RunsState,
    add_event,
    drop_runs,
    fold_run,
    path_above,
    read_runs,
    root_of,
)
from mock_intake.views.tallies import (
    Counted,
    Counts,
    Heard,
    RunCodes,
    Tallies,
    TalliesState,
    drop_tallies,
    fold_tallies,
    heard_of,
)

State = TypeVar("State")
_log = logging.getLogger("mock_intake")
# Exchanges that are read at once. Where somebody else may wait for the lock they are few.
_BATCH = 5_000
_SMALL_BATCH = 200
# Of so many orgs one can still be chosen.
_MOST_ORGS = 50


class View(Generic[State]):
    """The state of one reducer over a journal, caught up whenever it is asked for."""

    def __init__(
        self,
        journal: Journal,
        begin: Callable[[], State],
        fold: Callable[[State, Extract, int], State],
        drop: Callable[[State, int], State] = lambda state, _: state,
        read: Callable[[int, int], Extracts] | None = None,
    ) -> None:
        self._journal = journal
        self._read = read or partial(ExtractReader(journal).read, gather=False)
        self._begin = begin
        self._fold = fold
        self._drop = drop
        self._generation = journal.generation
        self._position = 0
        self.dropped = 0
        """How many exchanges retention had dropped when ``state`` was asked for last."""
        self._state = begin()

    def state(self) -> State:
        """The state over all that is on record now. Raises ``JournalError`` where that cannot be read."""
        while self.advance(_BATCH):
            pass
        self.let_go()
        return self._state

    def advance(self, limit: int) -> bool:
        """Reads on by ``limit`` exchanges at most; whether there are more of those that were on record then."""
        # Before reading: what comes in meanwhile is behind it, and must not count as seen.
        end = self._journal.position
        # Also where nothing is new: a journal that cannot be read must not pass for one that is empty.
        batch = self._read(self.position, limit)
        self.take(batch)
        if not batch:
            self.skip(end)
        return self._position < end

    def take(self, batch: Extracts) -> None:
        """Folds ``batch``, what was taken of exchanges that follow one another on record; what it has seen is left
        out.
        """
        for position, taken in batch:
            if position > self._position:
                # What is damaged on record must not keep all that came later, and all orgs, from being seen.
                try:
                    self._state = self._fold(self._state, taken, position)
                except Exception:
                    _log.exception(
                        "the exchange at position %d is left out of what is shown of all: it is damaged", position
                    )
                self._position = position

    def let_go(self) -> None:
        """Takes out of the state what retention has dropped, so that it is what who asks first would be told."""
        dropped = self._journal.dropped
        if dropped != self.dropped:
            self._state = self._drop(self._state, self._journal.first)
            self.dropped = dropped

    def skip(self, position: int) -> None:
        """There is nothing on record that was not seen, up to ``position``: what was there is forgotten."""
        # Else the journal would be asked again, with every request, for what was forgotten at its end.
        self._position = max(self._position, position)

    @property
    def position(self) -> int:
        """The position of the exchange that was seen last; begins anew where something was forgotten."""
        generation = self._journal.generation
        # A fold cannot take out what it took in: what was forgotten may have changed all that came after.
        if generation != self._generation:
            self._generation = generation
            self._position = 0
            self.dropped = 0
            self._state = self._begin()
        return self._position


class Views:
    """The views of one journal. Safe to use from several threads."""

    def __init__(self, journal: Journal, selection: Selection | None = None) -> None:
        self._journal = journal
        self._selection = selection or Selection()
        self._lock = threading.RLock()
        self._reader = ExtractReader(journal)
        # Of the journal alone: what held these views in turn would outlive them until it is collected.
        self._digest_of = partial(_digest_of, journal)
        read = partial(self._reader.read, gather=False)
        # Of the three this one alone asks what bodies say.
        read_bodies = partial(self._reader.read, gather=True)
        self._runs: View[RunsState] = View(journal, partial(RunsState, self._digest_of), fold_run, drop_runs, read)
        self._lineage: View[LineageState] = View(journal, dict, fold_lineage, drop_lineage, read_bodies)
        self._tallies: View[TalliesState] = View(journal, TalliesState, fold_tallies, drop_tallies, read)
        self._run_codes = RunCodes()
        self._forgotten: dict[str, tuple[int, Mapping[RunKey, Sequence[str]]]] = {}

    def held(self) -> AbstractContextManager[object]:
        """Nothing is folded within, so that what views give out stays as it is while it is looked through.

        Lineages and tallies are the views' own; whoever looks through them beside other threads holds them still.
        Not for long: who asks for a view waits meanwhile.
        """
        return self._lock

    def catch_up(self, seconds: float) -> int:
        """Reads on for about so many ``seconds`` at most; says how many exchanges are left then.

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
        # All views take the same batch, so that every exchange is read and decoded once.
        views: tuple[View[Any], ...] = (self._tallies, self._runs, self._lineage)
        with self._lock:
            end = self._journal.position
            # The one that is furthest back; the others leave out what they have seen.
            seen = min(view.position for view in views)
            if seen >= end:
                return 0
            batch = self._reader.read(seen, limit, gather=True)
            for view in views:
                view.take(batch)
                if not batch:
                    view.skip(end)
            return max(0, end - batch[-1][0]) if batch else 0

    def _judge_some(self, limit: int | None) -> int:
        """Judges anew so many runs at most, or all, that were heard of since; says how many that were."""
        state = self._runs.state()
        return self._run_codes.renew(state, limit, lambda run: self._findings_of(run, state, closed=False))

    def runs(self, org: str | None = None) -> list[Run]:
        """The runs of ``org``, or of all, the latest heard of first."""
        with self._lock:
            return self._runs.state().runs(org)

    def run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """What the run cycle has to say; ``closed`` when no more events are expected."""
        with self._lock:
            return self._findings_of(run, self._runs.state(), closed=closed)

    def judged(self, runs: Iterable[Run], *, closed: bool) -> Iterator[tuple[Run, tuple[Finding, ...]]]:
        """Each of ``runs`` with what ``run_findings`` gives for it; the journal is asked once for many of them."""
        left = iter(runs)
        while part := list(islice(left, _SMALL_BATCH)):
            with self._lock:
                state = self._runs.state()
                found = [(run, self._findings_of(run, state, closed=closed)) for run in part]
            yield from found

    def _findings_of(self, run: Run, state: RunsState, *, closed: bool) -> tuple[Finding, ...]:
        def runs_of(run_id: str) -> list[RunFacts]:
            return [other.facts for other in state.runs_of(run.org, run_id)]

        found = judge_run(
            run.facts,
            closed=closed,
            runs_of=runs_of,
            read=lambda: self.facets(run),
            dropped=self._runs.dropped,
            runs_of_job=partial(state.unfinished, run.org),
            tables=(datadog.EVENTS,),
            named_per_run=state.per_run.begun_by(run.org, run_id_key(run.run_id)),
            without_run=self._without_run(run, state) if closed else (),
            weigh=run_without_blame,
        )
        return self._selection.apply(found)

    def _without_run(self, run: Run, state: RunsState) -> Sequence[str]:
        """The events of its job that may have been meant as events of a run, where this run is told of them."""
        by_job = state.without_run.get(run.org)
        if not by_job:
            return ()
        # All runs are judged one after the other, and nothing comes in meanwhile.
        known = self._forgotten.get(run.org)
        if known is None or known[0] != self._runs.position:
            found = events_without_run(state.runs(run.org), by_job, leaves_open=self._leaves_kind_open)
            known = self._forgotten[run.org] = (self._runs.position, found)
        return known[1].get(run.key, ())

    def _leaves_kind_open(self, event_id: str) -> bool:
        record = self._journal.event(event_id)
        exchange = None if record is None else self._journal.exchange(record.exchange_id)
        return exchange is not None and leaves_kind_open(event_view(exchange))

    def facets(self, run: Run, most: int | None = None) -> Accumulated:
        """The facets of a run over its events, or the first ``most`` that arrived, each read from the journal; those
        that are gone are left out."""
        merged = Accumulated()
        for number, event in enumerate(run.events[:most]):
            record = self._journal.event(event.event_id)
            exchange = None if record is None else self._journal.exchange(record.exchange_id)
            if exchange is not None:
                merged.add(event.event_id, event_view(exchange), stamp_of(event.event_time, number))
        return merged

    def single_run(self, run_id: str, org: str | None = None, job: JobFilter = ANY_JOB) -> Run | None:
        """One run as ``run`` gives it, but read for itself: nothing else is folded.

        So a record of any size answers at once; ``run_id``, ``org`` and ``job`` are as there.
        """
        state = read_runs(self._journal, run_id, org, self._digest_of)
        return next((run for run in state.runs() if job.fits(run)), None)

    def single_run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """As ``run_findings``, for a ``run`` of ``single_run``: what else is known of the org's runs the journal is
        asked for.
        """

        def runs_of(run_id: str) -> list[RunFacts]:
            state = read_runs(self._journal, run_id, run.org, self._digest_of)
            return [other.facts for other in state.runs()]

        # A rule about what is missing looks at the other runs of the job too, which only the fold has.
        if closed:
            return self.run_findings(run, closed=True)
        found = judge_run(
            run.facts, closed=False, runs_of=runs_of, read=lambda: self.facets(run), dropped=self._journal.dropped
        )
        return self._selection.apply(found)

    def dataset_findings(self, org: str | None = None) -> tuple[Finding, ...]:
        """The findings on pairs of datasets of ``org`` (of each org, where None) that differ only in how they are
        written.
        """
        return tuple(miss.finding for miss in self.near_misses(org))

    def run(self, run_id: str, org: str | None = None, job: JobFilter = ANY_JOB) -> Run | None:
        """The run ``run_id`` of ``org`` whose job fits ``job``; None where no event of such a run is on record.

        Where several orgs or jobs have one of that id, the one that was heard of last.
        """
        with self._lock:
            state = self._runs.state()
            if org is not None:
                runs: Iterable[Run] = state.runs_of(org, run_id)
            else:
                wanted = run_id_key(run_id)
                # They stand in the order in which they were last heard of, so the first that is found is the latest.
                owners = (owner for owner, key in reversed(state.listed) if key == wanted)
                runs = (run for owner in owners for run in state.runs_of(owner, run_id))
            return next((run for run in runs if job.fits(run)), None)

    def runs_of(self, run_id: str, org: str) -> list[Run]:
        """The runs of ``org`` with the id ``run_id``, the first that began first: several where jobs share it."""
        with self._lock:
            return list(self._runs.state().runs_of(org, run_id))

    def children(self, run: Run) -> list[Run]:
        """The runs, of the same org, that name ``run`` as their parent."""
        with self._lock:
            state = self._runs.state()
            named = state.children.get((run.org, run_id_key(run.run_id)), ())
            groups = (state.groups.get(key) for key in named)
            # A group may have left, and of several runs with the parent's id only one is meant.
            below = (one for group in groups if group is not None for one in group.runs(lossy=state.lossy))
            return [one for one in below if (parent := state.parent(one)) is not None and parent.key == run.key]

    def hierarchy_of(self, run: Run) -> tuple[str | None, str]:
        """The run ids of the parent of ``run``, None where it has none, and of the root of all that it is part of."""
        with self._lock:
            state = self._runs.state()
            parent = state.parent(run)
            return (run.parent_id if parent is None else parent.run_id), root_of(state, run)

    def path_above(self, run: Run) -> list[Run | str]:
        """What ``run`` is part of, the topmost first: runs, and the ids of those that sent no event."""
        with self._lock:
            return path_above(self._runs.state(), run)

    def datasets(self, org: str | None = None) -> list[DatasetId]:
        """All datasets that events of ``org`` (or of all) named, each way in which it is written; those that symlinks
        join once.
        """
        with self._lock:
            return [dataset for known in self._known(org) for group in known.groups() for dataset in group]

    def _known(self, org: str | None) -> list[OrgLineage]:
        state = self._lineage.state()
        return list(state.values()) if org is None else [state[org]] if org in state else []

    def near_misses(self, org: str | None = None) -> list[NearMiss]:
        """Pairs of datasets of ``org``, or of each org, that would not join, and were probably meant to."""
        with self._lock:
            found = [miss for known in self._known(org) for miss in near_misses(known.suspects())]
        return [miss._replace(finding=one) for miss in found for one in self._selection.apply([miss.finding])]

    def counts(self, org: str | None, seconds: float) -> Counted | None:
        """What was counted of ``org``, or of all; None where reading the record takes longer than ``seconds``."""
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
            # A copy: the views go on counting in theirs when the lock is given back.
            return Counted(counts.copy(), list(islice(reversed(state.orgs), _MOST_ORGS)))

    def heard_of(self, event_ids: Iterable[str]) -> list[Heard]:
        """What was found in these events when they were received, in their order, without those that are gone."""
        with self._lock:
            state = self._tallies.state()
            return [heard for event_id in event_ids if (heard := heard_of(state, event_id)) is not None]

    def events_with(self, code: str) -> set[str]:
        """The ids of the events that the rule ``code`` has spoken of."""
        with self._lock:
            return {one.event_id for one in Tallies(self._tallies.state(), self._run_codes).events_with(code)}

    def tallies(self) -> Tallies:
        """Which rules have spoken how often."""
        with self._lock:
            # The findings of runs are no part of any exchange: they are found anew whenever a run was heard of.
            self._judge_some(None)
            return Tallies(self._tallies.state(), self._run_codes)

    def meant(self, text: str) -> str:
        """The name of a job, dataset or run that ``text`` stands for, where it is what is shown of one that holds a
        secret.

        Any other text is the name itself.
        """
        if not may_stand_for_another(text):
            return text
        with self._lock:
            return next((name for name in self._names() if stands_for(text, name)), text)

    def _names(self) -> Iterator[str]:
        for lineage in self.lineage().values():
            for job in lineage.jobs:
                yield from job
            for dataset in lineage.datasets:
                yield from dataset
        for _, run_id in self._runs.state().listed:
            yield run_id

    def lineage(self, org: str | None = None) -> dict[str, Lineage]:
        """Lineage by org, of ``org`` alone or of all: orgs have no datasets in common."""
        with self._lock:
            return {owner: known.lineage() for owner, known in self._lineage.state().items() if org in (None, owner)}


def _digest_of(journal: Journal, event_id: str) -> bytes | None:
    """What tells the body of an event from others; None where it is on record no more."""
    record = journal.event(event_id)
    exchange = None if record is None else journal.exchange(record.exchange_id)
    return None if exchange is None else digest(parsed_body(exchange))


__all__ = [
    "Counted",
    "Counts",
    "Lineage",
    "NearMiss",
    "Run",
    "RunsState",
    "Tallies",
    "View",
    "Views",
    "add_event",
    "run_to_dict",
]
