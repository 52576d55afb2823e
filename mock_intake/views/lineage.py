"""Jobs, datasets and the lineage between them, folded from the exchanges that were accepted.

What events say is kept (``said``) job by job and dataset by dataset; each has one fold (``folds``), and the graph
(``nodes``) is put together from those when somebody asks for it (``graph``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mock_intake.datadog.coverage import BY_PLACE
from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.journal.columns import microseconds
from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import rfc3339
from mock_intake.model.findings import statuses
from mock_intake.views.event_lineage import Column, EventLineage, JobId, NodeId, SharedValues, Transformation, said_by
from mock_intake.views.extracts import Extract
from mock_intake.views.folds import DatasetFold, JobFold, Mention
from mock_intake.views.graph import Graph, put_in_order
from mock_intake.views.nodes import DatasetNode, JobNode, Lineage

if TYPE_CHECKING:
    from mock_intake.model import shapes

__all__ = ["Column", "DatasetNode", "JobId", "JobNode", "Lineage", "OrgLineage", "Transformation"]


# So many values that events have in common are kept, whatever retention drops.
_LEAST_KEPT = 10_000


class OrgLineage:
    """What is known of one org's jobs and datasets."""

    def __init__(self) -> None:
        self._events: dict[str, EventLineage] = {}
        # All attempts that were accepted, in order of their positions: of what event each was.
        self._attempts: deque[tuple[int, str]] = deque()
        # The arrivals of events that were accepted once more.
        self._again: dict[str, list[tuple[datetime, tuple[int, int]]]] = {}
        self._jobs: dict[JobId, JobFold] = {}
        self._datasets: dict[DatasetId, DatasetFold] = {}
        self._kept = SharedValues()
        # Whether jobs and datasets stand in the order in which they were first heard of.
        self._in_order = True
        self._latest = (0, 0)
        self._keys: dict[DatasetId, DatasetId] = {}
        self._graph: Graph | None = None

    def add(self, taken: Extract, position: int) -> None:
        """Adds what an accepted event says, of which this was ``taken``, and which stands at ``position`` on record."""
        event = taken.event
        assert event is not None
        self._attempts.append((position, event.id))
        known = self._events.get(event.id)
        # The same event accepted again says nothing new; but when it came first, and last, may be another time now.
        if known is not None:
            arrival = (microseconds(taken.received_at), position)
            if arrival < known.arrival:  # an import brings the first attempt later
                self._graph = None
                self._take_away(known)
                self._again.setdefault(known.id, []).append((known.received_at, known.arrival))
                self._put(_placed(known, taken.received_at, arrival))
                self._hear_again(known.id)
                return
            self._again.setdefault(known.id, []).append((taken.received_at, arrival))
            if known.job is not None:
                self._jobs[known.job].heard(taken.received_at, arrival)
                if self._graph is not None:
                    self._graph.heard(known.job)
            return
        said = said_by(event, taken.said(self._kept), taken.received_at, position, self._kept)
        graph = self._graph
        before = None if graph is None or said.arrival < self._latest else graph.before(said)
        self._put(said)
        if graph is None or before is None or not graph.add(said, before):
            self._graph = None

    def _put(self, said: EventLineage) -> None:
        self._in_order = self._in_order and said.arrival >= self._latest
        self._latest = max(self._latest, said.arrival)
        self._events[said.id] = said
        if said.job is not None:
            fold = self._jobs.get(said.job)
            if fold is None:
                fold = self._jobs[said.job] = JobFold(said.job)
            fold.add(said)
        numbers: dict[DatasetId, int] = {}
        for dataset in said.named:
            numbers.setdefault(dataset, len(numbers))
        of_dataset = {one.id for one in said.datasets}
        for dataset, number in numbers.items():
            if dataset not in self._datasets:
                self._datasets[dataset] = DatasetFold()
            if dataset not in of_dataset:
                self._datasets[dataset].add(Mention(said.arrival, number, said.stamp, None))
        for one in said.datasets:
            self._datasets[one.id].add(Mention(said.arrival, numbers[one.id], said.stamp, one))

    def _take_away(self, said: EventLineage) -> None:
        """Takes one event out again."""
        self._in_order = False
        del self._events[said.id]
        if said.job is not None:
            job = self._jobs[said.job]
            job.said = [one for one in job.said if one.id != said.id]
            # A fold of latest values cannot give one back: what is left is folded anew, of this job alone.
            job.renew()
        for dataset in dict.fromkeys(said.named):
            fold = self._datasets[dataset]
            # An arrival is one event's own: time and position.
            fold.said = [one for one in fold.said if one.arrival != said.arrival]
            fold.renew()

    def drop(self, first: int) -> bool:
        """Takes away what stands before the position ``first``; false where nothing is left."""
        ids: dict[str, None] = {}
        while self._attempts and self._attempts[0][0] < first:
            ids[self._attempts.popleft()[1]] = None
        if not ids:
            return True
        gone = [self._events.pop(event_id) for event_id in ids if self._events[event_id].arrival[1] < first]
        again = ids.keys() & self._again.keys()
        for event_id in again:
            self._again[event_id] = sorted(
                (one for one in self._again[event_id] if one[1][1] >= first), key=lambda one: one[1]
            )
            if not self._again[event_id]:
                del self._again[event_id]
        # An attempt that has gone is no longer the last that was heard of its job.
        heard = [self._events[event_id] for event_id in again if event_id in self._events]
        jobs = dict.fromkeys(said.job for said in (*gone, *heard) if said.job is not None)
        datasets = dict.fromkeys(dataset for said in gone for dataset in said.named)
        graph = self._graph
        before = graph.shape(jobs, datasets) if graph is not None and self._in_order else None
        for identity in jobs:
            self._jobs[identity].drop(first)
        for dataset in datasets:
            self._datasets[dataset].drop(first)
        # The first attempt that is left then stands for the event.
        held = [(said, self._again[said.id].pop(0)) for said in gone if said.id in self._again]
        for said, (received_at, arrival) in sorted(held, key=lambda one: one[1][1]):
            self._put(_placed(said, received_at, arrival))
        for identity in jobs:
            if not self._jobs[identity].said:
                del self._jobs[identity]
        for dataset in datasets:
            if not self._datasets[dataset].said:
                del self._datasets[dataset]
                self._keys.pop(dataset, None)
        for event_id in self._again:
            if self._events[event_id].job in jobs:
                self._hear_again(event_id)
        if jobs or datasets:
            self._in_order = False
            if graph is not None and before is not None and graph.drop(before):
                self._in_order = True
            else:
                self._graph = None
        # What is kept to be found again is of events that have gone, for the most part.
        if len(self._kept) > _LEAST_KEPT + 2 * len(self._events):
            self._kept = SharedValues()
        return bool(self._events)

    def _hear_again(self, event_id: str) -> None:
        job = self._events[event_id].job
        if job is not None:
            for received_at, arrival in self._again.get(event_id, ()):
                self._jobs[job].heard(received_at, arrival)

    def lineage(self) -> Lineage:
        """The graph as it is now: what comes later is put into it."""
        return self._put_together().lineage

    def groups(self) -> list[dict[DatasetId, int]]:
        """The datasets by what they would be joined by, each with how many events named it."""
        return self._counted(self._put_together().groups())

    def suspects(self) -> list[dict[DatasetId, int]]:
        """Of the ``groups`` those of more than one dataset."""
        if not self._datasets and not any(job.has_flows for job in self._jobs.values()):
            return []
        return self._counted(self._put_together().groups().several)

    def _counted(self, groups: Iterable[list[DatasetId]]) -> list[dict[DatasetId, int]]:
        nodes = self.lineage().datasets
        return [{one: nodes[one].events for one in group} for group in groups]

    def _put_together(self) -> Graph:
        if self._graph is None:
            # Pages list them in the order in which they were first heard of, whatever order things were imported in.
            if not self._in_order:
                put_in_order(self._jobs, self._datasets)
                self._in_order = True
            self._graph = Graph(self._jobs, self._datasets, self._keys)
        return self._graph


def _placed(said: EventLineage, received_at: datetime, arrival: tuple[int, int]) -> EventLineage:
    return replace(said, received_at=received_at, arrival=arrival, stamp=(said.stamp[0], *arrival))


LineageState = dict[str, OrgLineage]
"""What is known of jobs and datasets, by org."""


def fold_lineage(state: LineageState, taken: Extract, position: int) -> LineageState:
    """The ``state`` with what an exchange says of jobs, datasets and columns; nothing, where it was not accepted."""
    if taken.event is not None and taken.accepted:
        known = state.get(taken.org)
        if known is None:
            known = state[taken.org] = OrgLineage()
        known.add(taken, position)
    return state


def drop_lineage(state: LineageState, first: int) -> LineageState:
    """The ``state`` without what stands before the position ``first``: retention has dropped it."""
    for org in [org for org, known in state.items() if not known.drop(first)]:
        del state[org]
    return state


def job_to_dict(job: JobNode) -> shapes.Job:
    """The JSON form of ``job``; datasets as ``namespace`` and ``name``, times in RFC 3339."""
    return {
        **job.id.to_dict(),
        "events": job.events,
        "runs": len(job.runs),
        "statuses": statuses(job.statuses),
        "last_event_type": job.last_event_type,
        "last_received_at": rfc3339(job.last_received_at) if job.last_received_at else None,
        "inputs": [dataset.to_dict() for dataset in job.inputs],
        "outputs": [dataset.to_dict() for dataset in job.outputs],
        "job_type": job.job_type,
        "parents": [parent.to_dict() for parent in job.parents],
    }


def dataset_to_dict(dataset: DatasetNode) -> shapes.Dataset:
    """``surfaced`` tells whether the product would show the dataset; ``issues`` are the rules its name breaks."""
    platform = platform_of(dataset.id.namespace)
    shown: shapes.Dataset = {
        "namespace": dataset.id.namespace,
        "name": dataset.id.name,
        "platform": platform.title if platform else None,
        "surfaced": platform is not None,
        "issues": [issue.code for issue in naming_issues(*dataset.id)],
        "read_by": [job.to_dict() for job in dataset.read_by],
        "written_by": [job.to_dict() for job in dataset.written_by],
        "columns": list(dataset.columns),
    }
    if dataset.also_named:
        shown["also_named"] = [one.to_dict() for one in dataset.also_named]
    return shown


def lineage_to_dict(lineage: Lineage) -> shapes.Graph:
    """``lineage`` as JSON: jobs and datasets, edges in the direction of the data, edges between columns, and from
    parents to their parts.
    """
    edges: list[shapes.Edge] = []
    for job in lineage.jobs.values():
        edges += [{"from": _dataset_ref(dataset), "to": _job_ref(job.id)} for dataset in job.inputs]
        edges += [{"from": _job_ref(job.id), "to": _dataset_ref(dataset)} for dataset in job.outputs]
    edges += [
        {"from": _ref(source), "to": _ref(target)} for source, targets in lineage.flows.items() for target in targets
    ]
    return {
        "jobs": [job_to_dict(job) for job in lineage.jobs.values()],
        "datasets": [dataset_to_dict(dataset) for dataset in lineage.datasets.values()],
        "edges": edges,
        "column_edges": [
            _column_edge(source, column, how)
            for column, sources in lineage.columns.items()
            for source, how in sources.items()
        ],
        "parent_edges": [
            {"from": _job_ref(parent), "to": _job_ref(job.id)}
            for job in lineage.jobs.values()
            for parent in job.parents
        ],
    }


def _column_edge(source: Column, column: Column, how: tuple[Transformation, ...]) -> shapes.ColumnEdge:
    edge: shapes.ColumnEdge = {"from": _column_ref(source), "to": _column_ref(column)}
    if how:
        edge["transformations"] = [{"type": one.type, "subtype": one.subtype} for one in how]
    return edge


def _ref(node: NodeId) -> shapes.Node:
    return _job_ref(node) if isinstance(node, JobId) else _dataset_ref(node)


def _job_ref(job: JobId) -> shapes.Node:
    return {"type": "job", **job.to_dict()}


def _dataset_ref(dataset: DatasetId) -> shapes.Node:
    return {"type": "dataset", **dataset.to_dict()}


def _column_ref(column: Column) -> shapes.Column:
    return {**column.dataset.to_dict(), "field": column.name}


def coverage_to_dict(job: JobNode) -> shapes.Coverage:
    """Which facets came with ``job`` and what each produces at Datadog; and what is supported and never came."""
    seen: list[shapes.SeenFacet] = [
        {
            "entity": entity,
            "key": key,
            "events": count,
            "produces": BY_PLACE[entity, key].produces if (entity, key) in BY_PLACE else None,
        }
        for (entity, key), count in sorted(job.facets.items())
    ]
    missing: list[shapes.MissingFacet] = [
        {"entity": supported.entity, "key": supported.key, "produces": supported.produces}
        for place, supported in BY_PLACE.items()
        if place not in job.facets
    ]
    return {"job": job.id.to_dict(), "events": job.events, "facets": seen, "missing": missing}
