"""The facets of a run as the standard accumulates them: each event adds to what came before, key by key.

A facet replaces the one of the same key as a whole. A facet of a job or dataset with ``_deleted`` takes it away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mock_intake.event import DatasetId, EventView, Facets, Role


class Facet(NamedTuple):
    """A facet as it stands, and the id of the event that it came with last."""

    value: Any
    event_id: str


FacetsByKey = dict[str, Facet]


@dataclass(slots=True)
class DatasetFacets:
    """Facets of a dataset in one role: its own, and those of its being read or written."""

    own: FacetsByKey = field(default_factory=dict)
    of_role: FacetsByKey = field(default_factory=dict)


@dataclass(slots=True)
class Accumulated:
    """What a run's events say of run, job and datasets, taken together."""

    run: FacetsByKey = field(default_factory=dict)
    job: FacetsByKey = field(default_factory=dict)
    datasets: dict[tuple[Role, DatasetId], DatasetFacets] = field(default_factory=dict)

    @property
    def run_values(self) -> dict[str, Any]:
        return {key: facet.value for key, facet in self.run.items()}

    @property
    def job_values(self) -> dict[str, Any]:
        return {key: facet.value for key, facet in self.job.items()}


def accumulate(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Accumulated:
    """The facets over events (id and body) in order of arrival."""
    state = Accumulated()
    for event_id, body in events:
        add_facets(state, event_id, EventView(dict(body)))
    return state


def add_facets(state: Accumulated, event_id: str, view: EventView) -> Accumulated:
    """Adds one event."""
    _put(state.run, view.run_facets, event_id, deletable=False)
    _put(state.job, view.job_facets, event_id)
    for dataset in view.datasets:
        if dataset.namespace is not None and dataset.name is not None:
            identity = DatasetId(dataset.namespace, dataset.name)
            facets = state.datasets.setdefault((dataset.role, identity), DatasetFacets())
            _put(facets.own, dataset.facets, event_id)
            _put(facets.of_role, dataset.role_facets, event_id, deletable=False)
    return state


def _put(into: FacetsByKey, facets: Facets, event_id: str, *, deletable: bool = True) -> None:
    for key, value in facets.items():
        if deletable and type(value) is dict and value.get("_deleted") is True:
            into.pop(key, None)
        else:
            into[key] = Facet(value, event_id)
