"""All that was accepted under one run id, and the runs that it makes.

A run is a run of a job: its key is org, run id and job. Who gives one id to the runs of several jobs, as Dagster does
for all assets of a run, has a run for each of them; one whose job only changes on the way is one run (``split``).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from mock_intake.model.runs import Job, Repeat, RunEventFact
from mock_intake.openlineage import run_cycle
from mock_intake.views.run import Run

Arrival = tuple[int, int]
"""When an exchange was received, in microseconds since 1970, and its position."""
DigestOf = Callable[[str], bytes | None]
"""The digest of an event's JSON value, by the event's id; None where its body is gone."""


class Taken(NamedTuple):
    """An attempt of an event that was accepted."""

    arrival: Arrival
    run_id: str
    fact: RunEventFact
    answer_lost: bool


class Group:
    """All that was accepted under one run id, and the runs that it makes."""

    __slots__ = (
        "_alike",
        "_by_job",
        "_events",
        "_lost",
        "_repeats",
        "_same",
        "_several_jobs",
        "_stale",
        "_taken",
        "made",
        "oldest",
        "org",
    )

    def __init__(self, org: str) -> None:
        self.org = org
        # The lowest position of all.
        self.oldest = 0
        # In order of arrival.
        self._taken: list[Taken] = []
        # Set where what follows from them is to be found anew: once for all that came out of turn.
        self._stale: DigestOf | None = None
        self._forget_what_follows()

    def _forget_what_follows(self) -> None:
        # Each event once. Where all are of one run, this is its list of them.
        self._events: list[RunEventFact] = []
        self._repeats: list[Repeat] = []
        # By event: whether a fault kept the answer to its last attempt.
        self._lost: dict[str, bool] = {}
        # By event that is the same JSON value in other bytes: the one that came first.
        self._same: dict[str, str] | None = None
        # By what the facts of an event say: the first of which they say it, then all of them by their JSON values.
        self._alike: dict[tuple[object, ...], str | dict[bytes, str]] = {}
        self._several_jobs = False
        # The runs by their jobs, where there are several.
        self._by_job: dict[Job, Run] | None = None
        self.made: list[Run] | None = None
        """The runs, as far as they stand: see ``runs``."""

    def runs(self, *, lossy: bool) -> list[Run]:
        """The runs, the first that began first; ``lossy`` where retention has dropped exchanges."""
        if self._stale is not None:
            self._again(self._stale)
            self._stale = None
        if self.made is None:
            self.made = self._made(lossy=lossy)
            self._by_job = None
        return self.made

    def _made(self, *, lossy: bool) -> list[Run]:
        run_id = self._taken[0].run_id
        parts = split(self._events, lossy=lossy)
        if len(parts) == 1:
            # The lists themselves, not copies: a run that goes on grows with them, and need not be made anew.
            runs = [Run(run_id, self.org, self._events, self._repeats)]
        else:
            owners = {event.event_id: number for number, part in enumerate(parts) for event in part}
            runs = [Run(run_id, self.org, list(part), shared=True) for part in parts]
            for repeat in self._repeats:
                runs[owners[self._first_of(repeat.event_id)]].repeats.append(repeat)
            for place, one in enumerate(self._taken):
                # The latest attempt decides which of them was heard of last, also one of an event that had come before.
                runs[owners[self._first_of(one.fact.event_id)]].heard = place
        for run in runs:
            # Without its START it may have begun before what is on record; rules of what is missing are silent then.
            run.incomplete = lossy and run.events[0].event_type != "START"
        return runs

    def _first_of(self, event_id: str) -> str:
        return event_id if self._same is None else self._same.get(event_id, event_id)

    def add(self, taken: Taken, digest_of: DigestOf) -> Repeat | None:
        """Adds an attempt; tells if the same event had been accepted before, as far as it arrived in its turn."""
        if not self._taken:
            self.oldest = taken.arrival[1]
        in_turn = not self._taken or self._taken[-1].arrival <= taken.arrival
        if in_turn and self._stale is None:
            self._taken.append(taken)
            return self._follow(taken, digest_of)
        # An import brings earlier ones later. What follows depends on the order, and is found anew when it is asked
        # for: once, however many come out of turn.
        insort(self._taken, taken, key=attrgetter("arrival"))
        self.oldest = min(self.oldest, taken.arrival[1])
        self._stale = digest_of
        self.made = None
        return None

    def parents(self) -> set[str]:
        """The run ids that its events name as their parent."""
        return {taken.fact.parent_run_id for taken in self._taken if taken.fact.parent_run_id}

    def drop(self, first: int, digest_of: DigestOf) -> bool:
        """Takes away what stands before the position ``first``; false where nothing is left."""
        self._taken = [taken for taken in self._taken if taken.arrival[1] >= first]
        if self._taken:
            self.oldest = min(taken.arrival[1] for taken in self._taken)
            self._stale = digest_of
            self.made = None
        return bool(self._taken)

    def renew(self) -> None:
        """Has the runs made anew when they are asked for."""
        self.made = None

    @property
    def latest(self) -> RunEventFact | None:
        """The event that came last; None where none came."""
        return self._taken[-1].fact if self._taken else None

    @property
    def has_one_job(self) -> bool:
        """Whether all events are of one job, as far as they were taken in turn."""
        return self._stale is None and not self._several_jobs

    def run_of(self, job: Job, *, lossy: bool) -> Run | None:
        """The run of a job; None where there is none whose first event is of it."""
        runs = self.runs(lossy=lossy)
        if len(runs) == 1:
            return runs[0] if runs[0].job == job else None
        if self._by_job is None:
            self._by_job = {run.job: run for run in runs}
        return self._by_job.get(job)

    @property
    def jobs(self) -> list[Job]:
        """The jobs that its events name, in the order in which they were heard of last."""
        return list(dict.fromkeys(taken.fact.job for taken in reversed(self._taken)))[::-1]

    def _again(self, digest_of: DigestOf) -> None:
        self._forget_what_follows()
        for taken in self._taken:
            self._follow(taken, digest_of)

    def _follow(self, taken: Taken, digest_of: DigestOf) -> Repeat | None:
        """Takes the next attempt."""
        fact = taken.fact
        first = self._earlier(fact, digest_of)
        if first is not None:
            # The answer before this attempt is what counts: who never got it had reason to send again.
            repeat = Repeat(fact.event_id, fact.event_type, self._lost[first], rewritten=first != fact.event_id)
            self._lost[first] = taken.answer_lost
            self._repeats.append(repeat)
            # One run alone has the list of repeats itself; where several share it, they have been dealt out.
            if self.made is not None and len(self.made) > 1:
                self.made = None
            return repeat
        self._lost[fact.event_id] = taken.answer_lost
        self._several_jobs = self._several_jobs or (bool(self._events) and fact.job != self._events[0].job)
        if self._several_jobs:
            # Which of them are runs of their own may be another matter now.
            self.made = None
        self._events.append(fact)
        return None

    def _earlier(self, fact: RunEventFact, digest_of: DigestOf) -> str | None:
        """The event that came before with the same JSON value, if there is one."""
        first = self._first_of(fact.event_id)
        if first in self._lost:
            return first
        # Equal values have these in common, and hardly any others have all three.
        signature = (fact.event_type, fact.event_time, fact.job)
        known = self._alike.get(signature)
        if known is None:
            self._alike[signature] = fact.event_id
            return None
        # Bodies are read for it, so only where there is another that may be the same; and each once.
        if isinstance(known, str):
            digest = digest_of(known)
            known = self._alike[signature] = {} if digest is None else {digest: known}
        digest = digest_of(fact.event_id)
        same = None if digest is None else known.setdefault(digest, fact.event_id)
        if same is None or same == fact.event_id:
            return None
        if self._same is None:
            self._same = {}
        self._same[fact.event_id] = same
        return same


def split(events: Sequence[RunEventFact], *, lossy: bool = False) -> list[Sequence[RunEventFact]]:
    """``events`` under one run id, by run.

    Several jobs have a run each where more than one of them began, or, where none did, more than one ended; or
    (``lossy``) where what they began with may have been dropped. Else the events are of one run, whose job changes.
    """
    by_job: dict[Job, list[RunEventFact]] = {}
    for event in events:
        by_job.setdefault(event.job, []).append(event)
    # The usual case: the list itself, as who made it goes on with it.
    if len(by_job) < 2:
        return [events]
    # Some producers give one run id to several jobs, others change the name of the job within a run. What tells them
    # apart is whether more than one job has a life of its own.
    began = {event.job for event in events if event.event_type == "START"}
    living = began or {event.job for event in events if event.event_type in run_cycle.TERMINAL}
    if len(living) < 2 and not lossy:
        return [events]
    return list(by_job.values())
