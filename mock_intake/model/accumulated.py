"""The facets of a run as the standard accumulates them: each event adds to what came before, key by key.

* A facet replaces the earlier one of its key as a whole. Later is what has the later eventTime, whenever it arrives;
  of events of the same time, what arrived later.
* A facet of a job or a dataset with ``_deleted`` takes that of its key away (``JobFacet`` and ``DatasetFacet`` of the
  core have the flag, facets of runs and of roles do not).
* What is no object, as an explicit null, is no facet: it replaces nothing.
* An event whose jobType says COMPLETE_SNAPSHOT "contains complete state" (JobTypeJobFacet 2-0-4): it stands for itself,
  so what earlier events of the run said is gone.

The same comes out in whatever order events are added.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from msgspec import Struct

from mock_intake.model.event import DatasetId, EventView, Facets, Role
from mock_intake.model.times import nanoseconds

Stamp = tuple[int, ...]
"""When an event was: its eventTime in nanoseconds, and then the order of arrival."""

# Before all times that can be read: what cannot be placed replaces nothing that can.
_NO_TIME = -(10**21)
BEGINNING: Stamp = (_NO_TIME - 1,)
COMPLETE_SNAPSHOT = "COMPLETE_SNAPSHOT"


def stamp_of(event_time: str | None, *arrival: int) -> Stamp:
    """When an event was. ``arrival`` are numbers that order events of the same time; an unreadable time is before all
    others."""
    found = nanoseconds(event_time)
    return (_NO_TIME if found is None else found, *arrival)


# Made by the dozen for each event, which a Struct is in a quarter of the time of a named tuple.
class Facet(Struct, frozen=True, gc=False):
    """A facet as it stands: its content, the id of the event that it came with last, and when that was."""

    value: Mapping[str, Any]
    event_id: str
    stamp: Stamp

    @property
    def is_deleted(self) -> bool:
        """Whether it takes away what was there; of facets of jobs and datasets only."""
        return self.value.get("_deleted") is True


# So many events' facets of one place are held as they came before they are laid over each other: most runs have fewer.
_MOST_PARTS = 16
_Part = tuple[Stamp, str, Facets]
_stamp_in = itemgetter(0)
# Never added to: most places are never laid over each other, and need no dictionary of their own.
_NONE_YET: dict[str, Facet] = {}


class FacetsByKey(Mapping[str, Facet]):
    """The facets in one place, by key, as they stand when they are asked for; ``deletable`` where one with ``_deleted``
    takes away what was there.

    What came last is held as it came, and laid over each other once there is much of it: rules ask for few facets, and
    the others need not be looked at.
    """

    __slots__ = ("_deletable", "_floor", "_folded", "_parts")

    def __init__(self, deletable: bool) -> None:
        self._deletable = deletable
        # What is earlier does not count any more.
        self._floor = BEGINNING
        # Of the facets of the latest events, in order of their times, and the latest by key of all before.
        self._parts: list[_Part] = []
        self._folded = _NONE_YET

    def put(self, facets: Facets, event_id: str, stamp: Stamp) -> None:
        """Adds the facets of an event."""
        parts = self._parts
        if parts and stamp < parts[-1][0]:
            insort(parts, (stamp, event_id, facets), key=_stamp_in)
        else:
            parts.append((stamp, event_id, facets))
        if len(parts) > _MOST_PARTS:
            self._fold()

    def take(self, other: FacetsByKey) -> None:
        """Adds what is in ``other``."""
        folded = self._fold()
        for key, facet in other._fold().items():
            known = folded.get(key)
            if known is None or known.stamp <= facet.stamp:
                folded[key] = facet

    def since(self, floor: Stamp) -> FacetsByKey:
        """Itself, with what is earlier than ``floor`` left out."""
        self._floor = floor
        return self

    def _fold(self) -> dict[str, Facet]:
        """Lays all parts over each other."""
        folded = self._folded
        if folded is _NONE_YET:
            folded = self._folded = {}
        for stamp, event_id, facets in self._parts:
            for key, value in facets.items():
                if type(value) is dict:
                    known = folded.get(key)
                    if known is None or known.stamp <= stamp:
                        folded[key] = Facet(value, event_id, stamp)
        self._parts.clear()
        return folded

    def _stands(self, facet: Facet) -> bool:
        return facet.stamp >= self._floor and not (self._deletable and facet.is_deleted)

    def get(self, key: str, default: Any = None) -> Any:
        # Asked by the dozen for each run, most often for what is not there: an exception would take longer than all.
        found = self._folded.get(key) if self._folded else None
        for stamp, event_id, facets in reversed(self._parts):
            value = facets.get(key)
            if type(value) is dict:
                if found is None or found.stamp <= stamp:
                    found = Facet(value, event_id, stamp)
                break
        return default if found is None or not self._stands(found) else found

    def content(self, key: str) -> Mapping[str, Any]:
        """What the facet of a key holds; nothing where there is none."""
        if not self._folded and self._floor is BEGINNING:
            # As in nearly all runs; and there are no facets that hold nothing but one that says nothing.
            for _, _, facets in reversed(self._parts):
                value = facets.get(key)
                if type(value) is dict:
                    return _NOTHING if self._deletable and value.get("_deleted") is True else value
            return _NOTHING
        found: Facet | None = self.get(key)
        return _NOTHING if found is None else found.value

    def __getitem__(self, key: str) -> Facet:
        found: Facet | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key, facet in self._fold().items() if self._stands(facet))

    def __len__(self) -> int:
        return sum(1 for _ in self)


_NOTHING: Mapping[str, Any] = {}


class DatasetFacets:
    """Facets of a dataset in one role: its ``own``, and those of its being read or written (``of_role``).

    ``last`` is when an event named it last.
    """

    __slots__ = ("last", "of_role", "own")

    def __init__(self) -> None:
        self.own = FacetsByKey(deletable=True)
        self.of_role = FacetsByKey(deletable=False)
        self.last = BEGINNING


class Accumulated:
    """What a run's events say of run, job and datasets, taken together. Events are added in any order."""

    __slots__ = ("_datasets", "_floor", "_job", "_run")

    def __init__(self) -> None:
        self._run = FacetsByKey(deletable=False)
        self._job = FacetsByKey(deletable=True)
        self._datasets: dict[tuple[Role, DatasetId], DatasetFacets] = {}
        # What is earlier was overtaken by an event that stands for itself.
        self._floor = BEGINNING

    @classmethod
    def of(cls, parts: Iterable[Accumulated]) -> Accumulated:
        """What all ``parts`` say taken together; the one itself where there is one alone."""
        first, *others = parts
        if not others:
            return first
        merged = cls()
        for part in (first, *others):
            merged._floor = max(merged._floor, part._floor)
            merged._run.take(part._run)
            merged._job.take(part._job)
            for key, theirs in part._datasets.items():
                own = merged._datasets.setdefault(key, DatasetFacets())
                own.own.take(theirs.own)
                own.of_role.take(theirs.of_role)
                own.last = max(own.last, theirs.last)
        return merged

    def add(self, event_id: str, view: EventView, stamp: Stamp) -> None:
        """Adds one event; ``stamp`` is as ``stamp_of`` makes it, and no other event's of the run."""
        job_facets = view.job_facets
        if is_snapshot(job_facets):
            self._floor = max(self._floor, stamp)
        if view.run_facets:
            self._run.put(view.run_facets, event_id, stamp)
        if job_facets:
            self._job.put(job_facets, event_id, stamp)
        datasets = self._datasets
        for dataset in view.datasets:
            if dataset.id is not None:
                key = (dataset.role, dataset.id)
                facets = datasets.get(key)
                if facets is None:
                    facets = datasets[key] = DatasetFacets()
                if facets.last < stamp:
                    facets.last = stamp
                if dataset.facets:
                    facets.own.put(dataset.facets, event_id, stamp)
                if dataset.role_facets:
                    facets.of_role.put(dataset.role_facets, event_id, stamp)

    @property
    def run(self) -> FacetsByKey:
        """The run's facets, by key."""
        return self._run.since(self._floor)

    @property
    def job(self) -> FacetsByKey:
        """The job's facets, by key."""
        return self._job.since(self._floor)

    @property
    def datasets(self) -> Mapping[tuple[Role, DatasetId], DatasetFacets]:
        """The datasets that the run's events name, with the facets of each, by role and dataset."""
        floor = self._floor
        if floor is BEGINNING:  # as in nearly all runs
            return self._datasets
        for facets in self._datasets.values():
            facets.own.since(floor)
            facets.of_role.since(floor)
        return {key: facets for key, facets in self._datasets.items() if facets.last >= floor}

    @property
    def run_values(self) -> dict[str, Mapping[str, Any]]:
        """The contents of the run's facets, by key."""
        return {key: facet.value for key, facet in self.run.items()}

    @property
    def job_values(self) -> dict[str, Mapping[str, Any]]:
        """The contents of the job's facets, by key."""
        return {key: facet.value for key, facet in self.job.items()}


def accumulate(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Accumulated:
    """The facets over ``events`` (id and body), which are in order of arrival."""
    state = Accumulated()
    for number, (event_id, body) in enumerate(events):
        view = EventView(dict(body))
        state.add(event_id, view, stamp_of(view.event_time, number))
    return state


def is_snapshot(job_facets: Facets) -> bool:
    """Whether an event whose job has these ``job_facets`` stands for itself, and adds to no other."""
    job_type = job_facets.get("jobType")
    pattern = job_type.get("emissionPattern") if type(job_type) is dict else None
    mode = pattern.get("eventContentMode") if type(pattern) is dict else None
    return type(mode) is str and mode.upper() == COMPLETE_SNAPSHOT
