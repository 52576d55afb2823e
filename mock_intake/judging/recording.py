"""Judges recorded events: each by itself, and then the runs and datasets over all of them.

No I/O: recorded events in, results out, one at a time, so that a recording of any size can be judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from mock_intake.body.shown import digest, event_in
from mock_intake.datadog import rules as datadog
from mock_intake.datadog.joins import NearMiss, near_misses
from mock_intake.datadog.native import run_without_blame
from mock_intake.files.recordings import Recorded
from mock_intake.judging.judgement import Judge
from mock_intake.model import shapes
from mock_intake.model.accumulated import Accumulated, Pool, stamp_of
from mock_intake.model.event import leaves_kind_open
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Finding, Severity, Status
from mock_intake.model.flows import datasets_in_lineage
from mock_intake.model.runs import Repeat, RunFacts, run_id_key
from mock_intake.openlineage.runs import judge_run, repeated
from mock_intake.system.clock import utc_now
from mock_intake.views import Run, RunsState, add_event, run_to_dict
from mock_intake.views.datasets import NamedDatasets
from mock_intake.views.run import RunKey, events_without_run
from mock_intake.views.said import datasets_said

# Recorded events have no key, so all are of one org.
RECORDED_ORG = "recorded"


class Checked(NamedTuple):
    """One recorded event, judged. ``event`` is None for a line that is no event."""

    source: str
    line: int
    event: EventSummary | None
    findings: tuple[Finding, ...]
    status: Status

    def to_dict(self) -> dict[str, Any]:
        """An entry of ``events`` in ``check --format json``."""
        return {
            "source": self.source,
            "line": self.line,
            "status": self.status,
            "kind": self.event.kind if self.event else None,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class Check:
    """The judgement of one recording. Feed it with ``check``, then ask for what is over all events."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        # When events arrived nobody knows any more; later than now they cannot have been.
        self._now = utc_now()
        # Of the events of runs, to see which say the same in other bytes.
        self._digests: dict[str, bytes] = {}
        # Events without a run that do not say that they are meant so.
        self._of_open_kind: set[str] = set()
        self._runs = RunsState(self._digests.get)
        self._names = NamedDatasets()
        self._facets: dict[RunKey, Accumulated] = {}
        # Many runs have facets in common; of equal ones one is kept.
        self._known_facets: Pool = {}
        self.statuses: Counter[Status] = Counter()
        self.severities: Counter[Severity] = Counter()

    @property
    def events(self) -> int:
        """How many lines were judged, broken ones included."""
        return self.statuses.total()

    def check(self, recorded: Iterable[Recorded]) -> Iterator[Checked]:
        """Judges ``recorded`` events in their order, one by one as the results are taken; to be gone through to the
        end.
        """
        for source, line, body in recorded:
            event, findings = self._judge.judge(body, RECORDED_ORG, arrived=self._now)
            status = Status.ERROR if event is None else event.status
            if event is not None:
                repeat = self._add(event, body)
                if repeat is not None:
                    findings += self._judge.selection.apply([repeated(repeat)])
            self.statuses[status] += 1
            self._count(findings)
            yield Checked(source, line, event, findings, status)

    def run_results(self) -> list[tuple[Run, tuple[Finding, ...]]]:
        """Every run, closed now that the recording is at its end, in order of its latest event.

        A repeated event has its finding at its own line already.
        """

        def runs_of(run_id: str) -> list[RunFacts]:
            return [run.facts for run in self._runs.runs_of(RECORDED_ORG, run_id)]

        forgotten = events_without_run(
            self._runs.runs(RECORDED_ORG),
            self._runs.without_run.get(RECORDED_ORG, {}),
            leaves_open=self._of_open_kind.__contains__,
        )
        results = []
        for run in reversed(list(self._runs.runs(RECORDED_ORG))):
            # They have their findings already, each at its own line.
            facts = run.facts._replace(repeats=())
            found = judge_run(
                facts,
                closed=True,
                runs_of=runs_of,
                read=partial(self._facets_of, run),
                runs_of_job=partial(self._runs.unfinished, RECORDED_ORG),
                tables=(datadog.EVENTS,),
                named_per_run=self._runs.per_run.begun_by(RECORDED_ORG, run_id_key(run.run_id)),
                without_run=forgotten.get(run.key, ()),
                weigh=run_without_blame,
            )
            findings = self._judge.selection.apply(found)
            self._count(findings)
            results.append((run, findings))
        return results

    def _add(self, event: EventSummary, body: bytes) -> Repeat | None:
        """Adds an event to what is folded; tells if the same one came before."""
        number = self.events
        view = event_in(body)
        stamp = stamp_of(event.event_time, number)
        self._names.add((*event.datasets, *datasets_in_lineage(view)), datasets_said(view), stamp)
        if event.kind == "JobEvent" and leaves_kind_open(view):
            self._of_open_kind.add(event.id)
        # Kept of events of runs alone, and as digests: a recording may be larger than memory.
        if event.run_id is not None:
            self._digests[event.id] = digest(view.body)
            key = (RECORDED_ORG, run_id_key(event.run_id), (event.job_namespace, event.job_name))
            facets = self._facets.get(key)
            if facets is None:
                facets = self._facets[key] = Accumulated(self._known_facets)
            facets.add(event.id, view, stamp)
        return add_event(self._runs, RECORDED_ORG, event, (number, number))

    def _facets_of(self, run: Run) -> Accumulated:
        """The facets of a run, which may have changed its job on the way."""
        org, run_id, _ = run.key
        return Accumulated.of(self._facets[org, run_id, job] for job in run.jobs)

    def near_misses(self) -> list[NearMiss]:
        """Datasets over all events that would not join; to be asked for once, at the end, as they are counted."""
        found = [
            miss._replace(finding=finding)
            for miss in near_misses(self._names.groups().values())
            for finding in self._judge.selection.apply([miss.finding])
        ]
        self._count(miss.finding for miss in found)
        return found

    def dataset_findings(self) -> tuple[Finding, ...]:
        """The findings of ``near_misses``, in place of which it is asked for."""
        return tuple(miss.finding for miss in self.near_misses())

    def summary(self) -> dict[str, int]:
        """The counts of ``check --format json``: of events in all, and by status."""
        return {"events": self.events, **{str(status): self.statuses[status] for status in Status}}

    def _count(self, findings: Iterable[Finding]) -> None:
        self.severities.update(finding.severity for finding in findings)


def run_results_to_dicts(results: Iterable[tuple[Run, tuple[Finding, ...]]]) -> list[shapes.Run]:
    """The JSON form of ``results``, which are those of ``Check.run_results``."""
    return [run_to_dict(run, findings) for run, findings in results]
