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

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

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


class _Latest(Struct):
    """The latest facet of each key in one place, those that take others away included.

    ``parts`` are the facets of the latest events as they came, ``folded`` those of all before: rules ask for few of
    them, and the others need not be looked at.
    """

    folded: dict[str, Facet] = field(default_factory=dict)
    parts: list[tuple[Stamp, str, Facets]] = field(default_factory=list)

    def put(self, facets: Facets, event_id: str, stamp: Stamp) -> None:
        if facets:
            self.parts.append((stamp, event_id, facets))
            if len(self.parts) > _MOST_PARTS:
                self.fold()

    def take(self, other: _Latest) -> None:
        for key, facet in other.fold().items():
            known = self.fold().get(key)
            if known is None or known.stamp <= facet.stamp:
                self.folded[key] = facet

    def fold(self) -> dict[str, Facet]:
        """Lays all parts over each other."""
        for stamp, event_id, facets in self.parts:
            for key, value in facets.items():
                if type(value) is dict:
                    known = self.folded.get(key)
                    if known is None or known.stamp <= stamp:
                        self.folded[key] = Facet(value, event_id, stamp)
        self.parts.clear()
        return self.folded

    def find(self, key: str) -> Facet | None:
        """The latest facet of one key."""
        found = self.folded.get(key)
        for stamp, event_id, facets in self.parts:
            value = facets.get(key)
            if type(value) is dict and (found is None or found.stamp <= stamp):
                found = Facet(value, event_id, stamp)
        return found


class FacetsByKey(Mapping[str, Facet]):
    """The facets in one place, by key, as they stand when they are asked for: those of ``latest`` since ``floor``.

    Where they are ``deletable`` those that were taken away are not there.
    """

    __slots__ = ("_deletable", "_floor", "_latest")

    def __init__(self, latest: _Latest, floor: Stamp, deletable: bool) -> None:
        self._latest = latest
        self._floor = floor
        self._deletable = deletable

    def _stands(self, facet: Facet) -> bool:
        return facet.stamp >= self._floor and not (self._deletable and facet.is_deleted)

    def __getitem__(self, key: str) -> Facet:
        found = self._latest.find(key)
        if found is None or not self._stands(found):
            raise KeyError(key)
        return found

    def get(self, key: str, default: Any = None) -> Any:
        # Most facets that rules ask for are not there, and an exception for each would take longer than all else.
        found = self._latest.find(key)
        return default if found is None or not self._stands(found) else found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key, facet in self._latest.fold().items() if self._stands(facet))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Dataset(Struct):
    own: _Latest = field(default_factory=_Latest)
    of_role: _Latest = field(default_factory=_Latest)
    last: Stamp = BEGINNING


class DatasetFacets(Struct, frozen=True, gc=False):
    """Facets of a dataset in one role: its own, and those of its being read or written."""

    own: Mapping[str, Facet]
    of_role: Mapping[str, Facet]


class Accumulated:
    """What a run's events say of run, job and datasets, taken together. Events are added in any order."""

    __slots__ = ("_datasets", "_floor", "_job", "_listed", "_run")

    def __init__(self) -> None:
        self._run = _Latest()
        self._job = _Latest()
        self._datasets: dict[tuple[Role, DatasetId], _Dataset] = {}
        # What is earlier was overtaken by an event that stands for itself.
        self._floor = BEGINNING
        # As ``datasets`` has them, until more is added: rules ask one after the other.
        self._listed: dict[tuple[Role, DatasetId], DatasetFacets] | None = None

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
                own = merged._datasets.setdefault(key, _Dataset())
                own.own.take(theirs.own)
                own.of_role.take(theirs.of_role)
                own.last = max(own.last, theirs.last)
        return merged

    def add(self, event_id: str, view: EventView, stamp: Stamp) -> None:
        """Adds one event; ``stamp`` is as ``stamp_of`` makes it, and no other event's of the run."""
        self._listed = None
        if is_snapshot(view.job_facets):
            self._floor = max(self._floor, stamp)
        self._run.put(view.run_facets, event_id, stamp)
        self._job.put(view.job_facets, event_id, stamp)
        for dataset in view.datasets:
            if dataset.id is not None:
                key = (dataset.role, dataset.id)
                facets = self._datasets.get(key)
                if facets is None:
                    facets = self._datasets[key] = _Dataset()
                facets.last = max(facets.last, stamp)
                facets.own.put(dataset.facets, event_id, stamp)
                facets.of_role.put(dataset.role_facets, event_id, stamp)

    @property
    def run(self) -> Mapping[str, Facet]:
        """The run's facets, by key."""
        return FacetsByKey(self._run, self._floor, deletable=False)

    @property
    def job(self) -> Mapping[str, Facet]:
        """The job's facets, by key."""
        return FacetsByKey(self._job, self._floor, deletable=True)

    @property
    def datasets(self) -> Mapping[tuple[Role, DatasetId], DatasetFacets]:
        """The datasets that the run's events name, with the facets of each, by role and dataset."""
        if self._listed is None:
            floor = self._floor
            self._listed = {
                key: DatasetFacets(FacetsByKey(one.own, floor, True), FacetsByKey(one.of_role, floor, False))
                for key, one in self._datasets.items()
                if one.last >= floor
            }
        return self._listed

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
