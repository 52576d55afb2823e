"""When rules about runs speak, and what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeVar

from msgspec import Struct, field

from mock_intake.model.accumulated import Accumulated
from mock_intake.model.literals import Subject
from mock_intake.model.per_run import NamedPerRun
from mock_intake.model.runs import Job, RunFacts
from mock_intake.rules.definition import When

Trait = Literal["unbegun", "unended", "disordered", "completed", "failed", "changing", "a part"]
"""What most runs are not: without START; without an end; with several of either, or something behind the end; with
COMPLETE; with FAIL; with events of several jobs, or ids in several spellings; with a parent."""


class OutOfReachError(Exception):
    """A rule asked for what is not known yet: it is asked again once it is."""


T = TypeVar("T")


# What nobody else remembers something by.
_FACETS = "the facets of all events"


def _no_runs(_: object) -> Sequence[RunFacts]:
    return ()


class RunView(Struct, frozen=True, eq=False):
    """A run as rules see it: its facts, and what else is on record of whoever it belongs to.

    ``runs_of`` gives the runs with an id, this one included where it is its own: there are several where jobs share an
    id, and none where no event of it came. ``read`` folds the facets of the run's events; rules ask for ``facets``.
    ``dropped`` is how many exchanges retention has dropped: what is not on record may have been among them.
    ``runs_of_job`` gives the runs of a job that lack their beginning or their end; ``named_per_run`` are the groups of
    names that differ in an id alone and began with this run. ``without_run`` are the ids of events of its job that have
    no run and do not say that they are meant so; of the runs of a job one is told of them.
    """

    run: RunFacts
    runs_of: Callable[[str], Sequence[RunFacts]] = _no_runs
    read: Callable[[], Accumulated] = Accumulated
    dropped: int = 0
    runs_of_job: Callable[[Job], Sequence[RunFacts]] = _no_runs
    named_per_run: Iterable[NamedPerRun] = ()
    without_run: Sequence[str] = ()
    # By the names under which it was asked for.
    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def facets(self) -> Accumulated:
        """The facets of run, job and datasets over all events of the run.

        Bodies are read for it, so a rule asks for it once the run is closed, and only where the facts do not say
        already that it has nothing to find.
        """
        found: Accumulated | None = self._known.get(_FACETS)
        if found is None:
            found = self._known[_FACETS] = self.read()
        return found

    def remembered(self, name: str, compute: Callable[[RunView], T]) -> T:
        """What ``compute`` makes of the run, computed once for all rules that ask for it by this ``name``."""
        known = self._known
        if name not in known:
            known[name] = compute(self)
        found: T = known[name]
        return found

    def is_known(self, run_id: str) -> bool:
        """Whether an event of a run ``run_id`` came, in whatever case a UUID is written."""
        return bool(self.runs_of(run_id))


class OnRun(When[RunView], Struct, frozen=True):
    """Each run; with ``closed`` only once no more events of it are expected, so that what is missing can be told.

    With ``traits`` only runs that have one of them, so that nobody is called for what nearly all runs are.
    """

    closed: bool = False
    traits: tuple[Trait, ...] = ()

    @property
    def subject(self) -> Subject:
        return "run"

    @property
    def moment(self) -> OnRun:
        return self if not self.traits else OnRun(self.closed)


_NO_TRAITS: frozenset[Trait] = frozenset()
_TERMINAL = frozenset({"COMPLETE", "ABORT", "FAIL"})


def traits_of(run: RunFacts) -> frozenset[Trait]:
    """Which traits a run has, as far as its events say."""
    events = run.events
    types = tuple([event.event_type for event in events])
    traits = _of_types(types) if len(types) <= _MOST_TYPES else _traits_of_types(types)
    is_part = is_changing = False
    job, run_id = (events[0].job, events[0].run_id) if events else (None, None)
    for event in events:
        if event.parent_run_id is not None:
            is_part = True
        if event.job != job or event.run_id != run_id:
            is_changing = True
    if is_changing:
        traits |= {"changing"}
    return traits | {"a part"} if is_part else traits


# Types of so many events are remembered with what they make.
_MOST_TYPES = 16


def _traits_of_types(types: tuple[str | None, ...]) -> frozenset[Trait]:
    ends = [index for index, name in enumerate(types) if name in _TERMINAL]
    starts = types.count("START")
    has: dict[Trait, bool] = {
        "unbegun": not starts,
        "unended": not ends,
        "disordered": starts > 1 or len(ends) > 1 or (bool(ends) and ends[0] < len(types) - 1),
        "completed": "COMPLETE" in types,
        "failed": "FAIL" in types,
    }
    return frozenset(trait for trait, holds in has.items() if holds)


_of_types = lru_cache(maxsize=1_024)(_traits_of_types)
