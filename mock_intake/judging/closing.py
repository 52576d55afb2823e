"""Judges the runs of a recording that is at its end: no more events of them come.

A run's own block has judged it as far as it could (``mock_intake.judging.blocks``). What is left are the rules that ask
for other runs, and all of them where a run id has events in several blocks: these are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from mock_intake.body.shown import event_in
from mock_intake.datadog.native import run_without_blame
from mock_intake.judging.blocks import (
    RECORDED_ORG,
    RunEvent,
    events_by_job,
    facets_of,
    group_of,
    is_plain,
    plain_run,
    run_rules,
)
from mock_intake.judging.ledger import KnownRun, Line, RunsKept
from mock_intake.model.event import EventView
from mock_intake.model.findings import Finding, Selection
from mock_intake.model.runs import Job, Repeat, RunEventFact, RunFacts, run_id_key
from mock_intake.openlineage.runs import Found, Later, judge_rest
from mock_intake.rules.runs import RunView
from mock_intake.views.run import Run, is_unfinished

# Of the runs of a job so many that lack their beginning or their end are looked through for each other.
MOST_UNFINISHED = 50
# So many events of runs that others ask for are held in memory.
_MOST_HELD = 50_000


class ClosedRun(Struct, array_like=True, gc=False):
    """A run that is over, with what was found in it, and where its last event stands."""

    run_id: str
    events: list[RunEventFact]
    repeats: list[Repeat]
    is_shared: bool
    findings: tuple[Finding, ...]
    line: Line

    @property
    def job(self) -> Job:
        """The job of its first event."""
        return self.events[0].job

    @property
    def run(self) -> Run:
        """The run itself."""
        return Run(self.run_id, RECORDED_ORG, self.events, self.repeats, shared=self.is_shared)


class Closing:
    """Closes runs, with what a ledger that is sealed has of others; ``selection`` is the user's say over rules."""

    def __init__(self, ledger: RunsKept, selection: Selection) -> None:
        self._ledger = ledger
        self._selection = selection
        self._with_id: dict[str, list[Run]] = {}
        self._facts: dict[str, list[RunFacts]] = {}
        self._unfinished: dict[Job, list[RunFacts]] = {}
        self._held = 0

    def close(self, known: Iterable[KnownRun], *, silent: bool = True) -> Iterator[ClosedRun]:
        """The runs of those run ids, in their order; without ``silent`` those alone in which something was found."""
        for one in known:
            for closed in self.close_runs(one):
                if silent or closed.findings:
                    yield closed

    def close_runs(self, known: KnownRun) -> Iterator[ClosedRun]:
        """The runs of one run id, in the order in which they were heard of last."""
        # Of most there is one run, and it has them all.
        by_job = {} if known.is_plain else events_by_job(known.events)
        for number, run in enumerate(self._runs(known)):
            found = None if known.found is None else known.found[number]
            events = by_job.get(run.job, known.events) if run.shared else known.events
            findings = self._selection.apply(self._judged(known, events, run, found))
            # Of its last event as it arrived last: that may have been a repeat.
            last = by_job.get(run.events[-1].job, known.events)[-1]
            line = self._ledger.line(last)
            yield ClosedRun(run.run_id, run.events, run.repeats, run.shared, findings, line)

    def _runs(self, known: KnownRun) -> list[Run]:
        if known.is_plain:
            return [plain_run(known.events)]
        # Where several share an id, each was heard of at another time.
        runs = self._runs_with(known.key, known.events)
        return runs if len(runs) == 1 else sorted(runs, key=lambda run: run.heard)

    def _judged(self, known: KnownRun, events: list[RunEvent], run: Run, found: Found | None) -> list[Finding]:
        without_run = self._ledger.rest.without_run.get((known.key, run.job), ())
        # What is known of events without a run no block could know: all rules are asked again.
        if found is None or without_run:
            found = dict.fromkeys(run_rules().of(run.facts), Later.WEIGHED)
        if not found:
            return []

        view = RunView(
            # Repeats have their findings already, each at its own line.
            run.facts._replace(repeats=()),
            self._facts_of,
            partial(facets_of, run, events, self._view),
            runs_of_job=self._unfinished_of,
            named_per_run=self._ledger.rest.named.get(known.key, ()),
            without_run=without_run,
        )
        return judge_rest(run_rules(), view, found, run_without_blame)

    def _facts_of(self, run_id: str) -> Sequence[RunFacts]:
        """The runs with an id: made once, as all runs that share it, or have it as their parent, ask for them."""
        key = run_id_key(run_id)
        runs = self._runs_with(key)
        facts = self._facts.get(key)
        if facts is None:
            facts = self._facts[key] = [run.facts for run in runs]
        return facts

    def _view(self, event: RunEvent) -> EventView:
        return event_in(self._ledger.body(event))

    def _runs_with(self, key: str, events: list[RunEvent] | None = None) -> list[Run]:
        """The runs that share an id, in the order in which they began; none where no event has it."""
        known = self._with_id.get(key)
        if known is None:
            events = self._ledger.events(key) if events is None else events
            self._held += len(events) + 1
            # All at once: those asked for most, parents of many runs, are soon there again.
            if self._held > _MOST_HELD:
                self._with_id.clear()
                self._facts.clear()
                self._unfinished.clear()
                self._held = len(events)
            known = self._with_id[key] = self._made(events)
        return known

    def _made(self, events: list[RunEvent]) -> list[Run]:
        if not events:
            return []
        if is_plain(events):
            return [plain_run(events)]
        return group_of(events, self._ledger.digests(events))[0].runs(lossy=False)

    def _unfinished_of(self, job: Job) -> list[RunFacts]:
        """The runs of a job that lack a START or an end, the latest heard of first."""
        found = self._unfinished.get(job)
        if found is None:
            unfinished = self._ledger.unfinished(job, MOST_UNFINISHED)
            runs = (run for key, events in unfinished for run in self._runs_with(key, events))
            found = [run.facts for run in runs if run.job == job and is_unfinished(run)]
            self._unfinished[job] = found
        return found
