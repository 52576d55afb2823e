"""Judges recorded events: each by itself, and then the runs and datasets over all of them.

No I/O: recorded events in, results out, one at a time, so that a recording of any size can be judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from mock_intake.datadog.joins import judge_joins
from mock_intake.exchange import EventSummary
from mock_intake.findings import Finding, Severity, Status
from mock_intake.judgement import Judge
from mock_intake.openlineage import run_cycle
from mock_intake.recordings import Recorded
from mock_intake.views import DatasetsState, Run, RunsState, add_datasets, add_event, run_to_dict

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
        self._runs = RunsState()
        self._datasets: DatasetsState = {}
        self.statuses: Counter[Status] = Counter()
        self.severities: Counter[Severity] = Counter()

    @property
    def events(self) -> int:
        """How many lines were judged, broken ones included."""
        return self.statuses.total()

    def check(self, recorded: Iterable[Recorded]) -> Iterator[Checked]:
        for source, line, body in recorded:
            event, findings = self._judge.judge(body, RECORDED_ORG)
            status = Status.ERROR if event is None else event.status
            if event is not None:
                repeat = add_event(self._runs, RECORDED_ORG, event)
                add_datasets(self._datasets, RECORDED_ORG, event)
                if repeat is not None:
                    findings += self._judge.selection.apply([run_cycle.repeated(repeat)])
            self.statuses[status] += 1
            self._count(findings)
            yield Checked(source, line, event, findings, status)

    def run_results(self) -> list[tuple[Run, tuple[Finding, ...]]]:
        """Every run, closed now that the recording is at its end, in order of its latest event.

        A repeated event has its finding at its own line already.
        """
        known = {run_id for _, run_id in self._runs.runs}
        results = []
        for run in self._runs.runs.values():
            facts = run.facts._replace(repeats=())
            found = run_cycle.judge_run(facts, closed=True, run_is_known=known.__contains__)
            findings = self._judge.selection.apply(found)
            self._count(findings)
            results.append((run, findings))
        return results

    def dataset_findings(self) -> tuple[Finding, ...]:
        found = self._judge.selection.apply(judge_joins(self._datasets.get(RECORDED_ORG, {})))
        self._count(found)
        return found

    def summary(self) -> dict[str, int]:
        return {"events": self.events, **{str(status): self.statuses[status] for status in Status}}

    def _count(self, findings: Iterable[Finding]) -> None:
        self.severities.update(finding.severity for finding in findings)


def run_results_to_dicts(results: Iterable[tuple[Run, tuple[Finding, ...]]]) -> list[dict[str, Any]]:
    return [run_to_dict(run, findings) for run, findings in results]
