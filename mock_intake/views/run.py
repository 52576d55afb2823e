"""A run as it was folded: what it is told from others by, what it is asked for by, and its form in JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from mock_intake.model.findings import Finding
from mock_intake.model.runs import Job, Repeat, RunEventFact, RunFacts, run_id_key
from mock_intake.model.times import rfc3339_of
from mock_intake.openlineage import run_cycle

if TYPE_CHECKING:
    from mock_intake.model import shapes

RunKey = tuple[str, str, Job]
"""Org, run id as it is compared, and job: two orgs may have a run of the same id, and so may two jobs."""
GroupKey = tuple[str, str]
"""Org, and run id as it is compared: what runs have in common that share an id."""


class Run(Struct):
    """A run as far as it was seen: its events in order of arrival, each once, and what was accepted again.

    ``incomplete`` tells that retention may have dropped earlier events of it, ``shared`` that other jobs have runs with
    its id; ``heard`` orders those by when they were heard of last.
    """

    run_id: str
    org: str
    events: list[RunEventFact] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    incomplete: bool = False
    shared: bool = False
    heard: int = 0

    @property
    def facts(self) -> RunFacts:
        """What the rules of the run cycle judge."""
        return RunFacts(self.run_id, self.events, self.repeats, self.incomplete)

    @property
    def job(self) -> Job:
        """The job of its first event."""
        return self.events[0].job if self.events else (None, None)

    @property
    def jobs(self) -> list[Job]:
        """All jobs that its events name, in order of arrival."""
        return list(dict.fromkeys(event.job for event in self.events))

    @property
    def key(self) -> RunKey:
        """What it is told from other runs by."""
        return (self.org, run_id_key(self.run_id), self.job)

    @property
    def parent(self) -> RunEventFact | None:
        """The event with the parent facet that counts, the latest one; None where there is none."""
        return run_cycle.parent_of(self.events)

    @property
    def parent_id(self) -> str | None:
        """The run id that its latest parent facet names; None where there is none, or it names no run."""
        parent = self.parent
        return None if parent is None else parent.parent_run_id or None


class JobFilter(NamedTuple):
    """Which runs: those with an event of a job of that namespace and name; None for any."""

    namespace: str | None = None
    name: str | None = None

    def fits(self, run: Run) -> bool:
        """Whether one event of ``run`` has both namespace and name, where they are asked for."""
        if self.namespace is None and self.name is None:
            return True
        # Each of its events by itself: lists are looked through run by run, and most runs have few.
        for event in run.events:
            namespace, name = event.job
            if self.namespace in (None, namespace) and self.name in (None, name):
                return True
        return False


ANY_JOB = JobFilter()


def run_named(runs: Sequence[Run], job: tuple[str, str] | None) -> Run | None:
    """Of ``runs`` that share an id the one of ``job`` (namespace, name); the first where that fits none, or is None.

    None where there are no runs.
    """
    if len(runs) > 1:
        for run in runs:
            if any(event.job == job for event in run.events):
                return run
    return runs[0] if runs else None


def run_to_dict(run: Run, findings: Iterable[Finding]) -> shapes.Run:
    """The JSON form of ``run``; ``events`` are event ids in order of arrival, ``duration`` is in seconds."""
    facts = run.facts
    namespace, name = run.job
    return {
        "run_id": run.run_id,
        "org": run.org,
        "job": {"namespace": namespace, "name": name},
        "states": [event.event_type for event in run.events],
        "state": run_cycle.state_of(facts),
        "started_at": rfc3339_of(run_cycle.started_at(facts)),
        "ended_at": rfc3339_of(run_cycle.ended_at(facts)),
        "duration": run_cycle.seconds(facts),
        "parent": run.parent_id,
        "events": [event.event_id for event in run.events],
        "findings": [finding.to_dict() for finding in findings],
    }


def events_without_run(
    runs: Iterable[Run], by_job: Mapping[Job, Sequence[str]], *, leaves_open: Callable[[str], bool]
) -> dict[RunKey, list[str]]:
    """Events of a job that have no run, by the run that is told of them: the job's latest (``runs`` begin with that).

    ``by_job`` has their ids; ``leaves_open`` says of one whether it may have been meant as an event of a run.
    """
    forgotten: dict[RunKey, list[str]] = {}
    waiting = dict(by_job)
    for run in runs if waiting else ():
        events = waiting.pop(run.job, ())
        if events and (open_ones := [event for event in events if leaves_open(event)]):
            forgotten[run.key] = open_ones
    return forgotten


def is_unfinished(run: Run) -> bool:
    """Whether it lacks a START or an end."""
    types = {event.event_type for event in run.events}
    return bool(run.events) and ("START" not in types or types.isdisjoint(run_cycle.TERMINAL))
