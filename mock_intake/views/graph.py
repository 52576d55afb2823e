"""The graph put together from the folds of jobs and datasets, with symlinks, explicit lineage and parents.

It is put together when somebody asks for it, and what comes afterwards is put into it where that can be: most events
say again what was said before, and most others add a job, a dataset, an edge, or other columns. What joins datasets,
explicit lineage, and events that stand for themselves have it put together anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from mock_intake.datadog.joins import join_key
from mock_intake.model.event import DatasetId
from mock_intake.views.columns import Columns
from mock_intake.views.datasets import NameGroups, joined
from mock_intake.views.event_lineage import EventLineage, Flow, JobId
from mock_intake.views.folds import JOINING, NOTHING, DatasetFold, JobFold, Known
from mock_intake.views.hierarchy import place_parents
from mock_intake.views.nodes import DatasetNode, JobNode, Lineage


class Before(NamedTuple):
    """What was known, before an event, of what it speaks of: its job's versions of flows and of parents; and what joins
    those of its datasets or is explicit of them of which it says that."""

    versions: tuple[int, int]
    datasets: dict[DatasetId, Known]


class Shape(NamedTuple):
    """What the graph has been made from, of jobs and datasets of which events are to go."""

    jobs: dict[JobId, bool]
    datasets: dict[DatasetId, tuple[object, ...]]


def put_in_order(jobs: dict[JobId, JobFold], datasets: dict[DatasetId, DatasetFold]) -> None:
    """Has both in the order in which they were first heard of."""
    in_order = sorted(jobs.items(), key=lambda one: one[1].said[0].arrival)
    jobs.clear()
    jobs.update(in_order)
    named = sorted(datasets.items(), key=lambda one: one[1].said[0][:2])
    datasets.clear()
    datasets.update(named)


def _shape_of(fold: DatasetFold) -> tuple[object, ...]:
    return (fold.known, fold.schema, fold.columns, fold.since("schema"), fold.since("columnLineage"))


class Graph:
    """The lineage of an org, and what it takes to put events into it that come later.

    ``jobs`` and ``datasets`` are the folds, in the order in which they were first heard of; ``keys`` what datasets are
    joined by, as far as that was asked for, which is kept.
    """

    def __init__(
        self,
        jobs: dict[JobId, JobFold],
        datasets: dict[DatasetId, DatasetFold],
        keys: dict[DatasetId, DatasetId],
    ) -> None:
        self._jobs = jobs
        self._folds = datasets
        self._keys = keys
        names = joined({one: fold.symlinks for one, fold in datasets.items() if fold.symlinks})
        self._lineage = lineage = Lineage(names=names)
        parts: dict[DatasetId, list[DatasetFold]] = {}
        for identity, fold in datasets.items():
            parts.setdefault(lineage.named(identity), []).append(fold)
            self._dataset(identity).events += fold.events
        for identity in names:
            self._dataset(identity)
        self._groups: NameGroups | None = None
        self._columns = Columns(lineage, parts)
        for job in jobs.values():
            self._place_job(job)
        self._columns.place_all(flow for job in jobs.values() for flow in job.flows())
        # Explicit lineage brings nodes and edges of its own.
        self._explicit = any(one.lineage is not None for one in datasets.values()) or any(
            job.has_flows for job in jobs.values()
        )
        for identity, folds in parts.items():
            self._place_sources(identity, folds)
        self._unsent = place_parents(lineage, jobs.values())

    @property
    def lineage(self) -> Lineage:
        """The graph as it is now."""
        self._columns.settle()
        return self._lineage

    def groups(self) -> NameGroups:
        """The datasets by what they would be joined by."""
        if self._groups is None:
            self._groups = NameGroups()
            for identity in self._lineage.datasets:
                self._groups.add(identity, self._key(identity))
        return self._groups

    # What came afterwards.

    def heard(self, job: JobId) -> None:
        """One of a job's events was accepted once more."""
        self._jobs[job].counted(self._lineage.jobs[job])

    def before(self, said: EventLineage) -> Before | None:
        """What is known before an event is folded; None where the graph is to be put together anew after it."""
        lineage = self._lineage
        job = None if said.job is None else self._jobs.get(said.job)
        if said.snapshot or (job is not None and job.has_snapshots):
            return None
        if job is None and (said.says_lineage or said.job in lineage.jobs):
            return None
        new = [one for one in said.named if one not in self._folds]
        if new and (self._explicit or any(one in lineage.names for one in new)):
            return None
        if self._explicit and self._adds_edges(said):
            return None
        joining = [one.id for one in said.datasets if not one.said.isdisjoint(JOINING)]
        return Before(
            (0, 0) if job is None else job.versions,
            {one: NOTHING if (fold := self._folds.get(one)) is None else fold.known for one in joining},
        )

    def add(self, said: EventLineage, before: Before) -> bool:
        """Puts an event into the graph that was folded meanwhile; false where that cannot be."""
        job = None if said.job is None else self._jobs[said.job]
        if job is not None and job.versions[0] != before.versions[0]:
            return False
        known = before.datasets
        if known and any(self._folds[identity].known != was for identity, was in known.items()):
            return False
        self._add_datasets(dict.fromkeys(said.named))
        for one in said.datasets:
            self._columns.said(self._lineage.named(one.id), one.said)
        if job is not None:
            self._add_job(said, job, before)
        return True

    def _adds_edges(self, said: EventLineage) -> bool:
        """Whether an event names what its job did not name before: that stands before what explicit lineage says, even
        where that says the same."""
        if said.job is None:
            return False
        fold = self._jobs.get(said.job)
        return fold is None or not (
            all(one in fold.node.inputs for one in said.inputs)
            and all(one in fold.node.outputs for one in said.outputs)
        )

    def _add_datasets(self, named: Iterable[DatasetId]) -> None:
        lineage = self._lineage
        names = lineage.names
        for identity in named:
            node = lineage.datasets.get(names.get(identity, identity))
            if node is None:
                node = self._dataset(identity)
                self._columns.begin(identity, self._folds[identity])
                if self._groups is not None:
                    self._groups.add(identity, self._key(identity))
            node.events += 1

    def _add_job(self, said: EventLineage, job: JobFold, before: Before) -> None:
        lineage = self._lineage
        is_new = job.id not in lineage.jobs
        node = job.counted(self._job(job.id))
        names = lineage.names
        for dataset in said.inputs:
            if names.get(dataset, dataset) not in node.inputs:
                self._read(node, dataset, job)
        for dataset in said.outputs:
            if names.get(dataset, dataset) not in node.outputs:
                self._written(node, dataset, job)
        if job.feeding_is_stale:
            node.feeding = {}
            self._place_feeding(node, job)
        if job.versions[1] != before.versions[1] or (is_new and self._unsent):
            self._place_parents_anew()

    def _place_parents_anew(self) -> None:
        lineage = self._lineage
        for one in self._unsent:
            del lineage.jobs[one]
        for each in lineage.jobs.values():
            each.parents = {}
        lineage.children = {}
        self._unsent = place_parents(lineage, self._jobs.values())

    # What retention dropped.

    def shape(self, jobs: Iterable[JobId], datasets: Iterable[DatasetId]) -> Shape | None:
        """What is known, before events go, of the jobs and datasets that they are of; None where the graph is to be put
        together anew."""
        if self._explicit or self._lineage.names or any(self._jobs[one].has_snapshots for one in jobs):
            return None
        return Shape(dict.fromkeys(jobs, True), {one: _shape_of(self._folds[one]) for one in datasets})

    def drop(self, before: Shape) -> bool:
        """Takes out what went from the folds meanwhile; false where that cannot be."""
        folds, lineage = self._folds, self._lineage
        if any(one not in folds or _shape_of(folds[one]) != was for one, was in before.datasets.items()):
            return False
        left = [self._jobs[one] for one in before.jobs if one in self._jobs]
        # What came first may have overridden, by its time, what came later: that counts again.
        if any(job.has_flows for job in left):
            return False
        put_in_order(self._jobs, folds)
        for one in before.datasets:
            lineage.datasets[one].events = folds[one].events
        touched: dict[DatasetId, None] = {}
        for identity in before.jobs:
            touched.update(self._renew_job(identity))
        places = {identity: number for number, identity in enumerate(self._jobs)}
        for one in touched:
            node = lineage.datasets[one]
            node.read_by = dict.fromkeys(sorted(node.read_by, key=places.__getitem__))
            node.written_by = dict.fromkeys(sorted(node.written_by, key=places.__getitem__))
        nodes = lineage.jobs
        # Those that sent no event are placed anew, behind the others.
        lineage.jobs = {one: nodes[one] for one in self._jobs} | {one: nodes[one] for one in self._unsent}
        lineage.datasets = {one: lineage.datasets[one] for one in folds}
        if lineage.children or any(True for job in left for _ in job.parents()):
            self._place_parents_anew()
        self._columns.put_in_order(folds)
        self._groups = None
        return True

    def _renew_job(self, identity: JobId) -> dict[DatasetId, None]:
        """Has the node of a job what its fold has now, or none; gives the datasets that it had to do with."""
        lineage = self._lineage
        node, fold = lineage.jobs[identity], self._jobs.get(identity)
        touched = {**node.inputs, **node.outputs}
        inputs, outputs = ({}, {}) if fold is None else fold.datasets()
        for one in node.inputs.keys() - inputs.keys():
            del lineage.datasets[one].read_by[identity]
        for one in node.outputs.keys() - outputs.keys():
            del lineage.datasets[one].written_by[identity]
        if fold is None:
            del lineage.jobs[identity]
            return touched
        node.inputs, node.outputs, node.feeding = dict.fromkeys(inputs), dict.fromkeys(outputs), {}
        self._place_feeding(fold.counted(node), fold)
        return touched

    # Nodes and edges.

    def _key(self, identity: DatasetId) -> DatasetId:
        found = self._keys.get(identity)
        if found is None:
            found = self._keys[identity] = join_key(identity)
        return found

    def _dataset(self, identity: DatasetId) -> DatasetNode:
        lineage = self._lineage
        name = lineage.names.get(identity, identity)
        node = lineage.datasets.get(name)
        if node is None:
            node = lineage.datasets[name] = DatasetNode(name)
        if identity != name and identity not in node.also_named:
            node.also_named = (*node.also_named, identity)
        return node

    def _job(self, identity: JobId) -> JobNode:
        node = self._lineage.jobs.get(identity)
        if node is None:
            node = self._lineage.jobs[identity] = JobNode(identity)
        return node

    def _place_job(self, fold: JobFold) -> None:
        node = fold.counted(self._job(fold.id))
        inputs, outputs = fold.datasets()
        for dataset in inputs:
            self._read(node, dataset)
        for dataset in outputs:
            self._written(node, dataset)
        self._place_feeding(node, fold)
        for flow in fold.flows():
            self._place_flow(node, flow)

    def _place_feeding(self, node: JobNode, fold: JobFold) -> None:
        named = self._lineage.named
        for output, found in fold.feeding().items():
            name = named(output)
            node.feeding[name] = node.feeding.get(name, frozenset()) | {named(one) for one in found}

    def _read(self, job: JobNode, dataset: DatasetId, late: JobFold | None = None) -> None:
        node = self._dataset(dataset)
        job.inputs[node.id] = None
        if job.id not in node.read_by:
            node.read_by[job.id] = None
            if late is not None:
                node.read_by = self._in_order(node.read_by, late)

    def _written(self, job: JobNode, dataset: DatasetId, late: JobFold | None = None) -> None:
        node = self._dataset(dataset)
        job.outputs[node.id] = None
        if job.id not in node.written_by:
            node.written_by[job.id] = None
            if late is not None:
                node.written_by = self._in_order(node.written_by, late)

    def _in_order(self, jobs: dict[JobId, None], late: JobFold) -> dict[JobId, None]:
        """Jobs in the order in which they were first heard of, one of them having been added now."""
        if len(jobs) == 1 or late is next(reversed(self._jobs.values())):
            return jobs
        return dict.fromkeys(sorted(jobs, key=lambda one: self._jobs[one].said[0].arrival))

    def _place_flow(self, job: JobNode, flow: Flow) -> None:
        """What a lineage facet says, on a job or on a dataset that the job writes: what flows into datasets does by
        it."""
        target = flow.target
        if isinstance(target, DatasetId):
            self._written(job, target)
            for dataset in flow.feeding() or ():
                self._read(job, dataset)
            for source in flow.sources or ():
                if isinstance(source, JobId) and source != job.id:
                    self._written(self._job(source), target)
            return
        into = self._job(target)
        for source in flow.sources or ():
            if isinstance(source, DatasetId):
                self._read(into, source)
            elif source != target:
                self._job(source)
                self._lineage.flows.setdefault(source, {})[target] = None

    def _place_sources(self, identity: DatasetId, folds: Collection[DatasetFold]) -> None:
        """What an explicit lineage facet of a dataset says that no job writes."""
        lineage = self._lineage
        explicit = max(folds, key=lambda fold: fold.since("lineage"))
        if explicit.lineage is not None and not lineage.datasets[identity].written_by:
            for source in explicit.lineage.sources or ():
                node = self._job(source).id if isinstance(source, JobId) else self._dataset(source).id
                lineage.flows.setdefault(node, {})[identity] = None
