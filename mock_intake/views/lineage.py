"""Jobs, datasets and the lineage between them, folded from the exchanges that were accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from mock_intake.bodies import decoded
from mock_intake.datadog.coverage import BY_PLACE
from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.event import DatasetId, Entity, EventView
from mock_intake.exchange import Exchange, rfc3339
from mock_intake.findings import Status
from mock_intake.parsing import ParseError, parse, without_surrogates


class JobId(NamedTuple):
    namespace: str
    name: str


class Column(NamedTuple):
    """A column of a dataset; ``name`` is empty for the dataset as a whole."""

    dataset: DatasetId
    name: str


@dataclass(slots=True)
class JobNode:
    """A job: what was heard of it, what it reads and writes, in how many events each facet came.

    ``job_type`` is what its jobType facet last said, ``parents`` are the jobs that its runs named as their parents'.
    """

    id: JobId
    events: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    runs: set[str] = field(default_factory=set)
    last_event_type: str | None = None
    last_received_at: datetime | None = None
    inputs: dict[DatasetId, None] = field(default_factory=dict)
    outputs: dict[DatasetId, None] = field(default_factory=dict)
    facets: Counter[tuple[Entity, str]] = field(default_factory=Counter)
    job_type: str | None = None
    parents: dict[JobId, None] = field(default_factory=dict)


@dataclass(slots=True)
class DatasetNode:
    """A dataset: which jobs read and write it, and the columns of its latest schema."""

    id: DatasetId
    read_by: dict[JobId, None] = field(default_factory=dict)
    written_by: dict[JobId, None] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class Lineage:
    """The lineage of one org. ``columns`` leads from a column to those that it is made of.

    ``children`` leads from a job to those that name it as their parent; it may have sent no event of its own.
    ``seen`` are the ids of the events that it is made of: the same body accepted again is no other event.
    """

    jobs: dict[JobId, JobNode] = field(default_factory=dict)
    datasets: dict[DatasetId, DatasetNode] = field(default_factory=dict)
    columns: dict[Column, dict[Column, None]] = field(default_factory=dict)
    children: dict[JobId, dict[JobId, None]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


LineageState = dict[str, Lineage]
"""Lineage by org."""


def fold_lineage(state: LineageState, exchange: Exchange) -> LineageState:
    """Adds what one exchange says of jobs, datasets and columns."""
    summary = exchange.event
    if summary is None or not exchange.accepted:
        return state
    lineage = state.setdefault(exchange.org, Lineage())
    if summary.id in lineage.seen:
        _again(lineage, exchange)
        return state
    lineage.seen.add(summary.id)
    view = EventView(_body(exchange))
    if summary.job_namespace is not None and summary.job_name is not None:
        identity = JobId(summary.job_namespace, summary.job_name)
        job = lineage.jobs.setdefault(identity, JobNode(identity))
        job.events += 1
        job.statuses[summary.status] += 1
        job.last_event_type = summary.event_type
        job.last_received_at = exchange.received_at
        if summary.run_id is not None:
            job.runs.add(summary.run_id)
        for dataset in summary.inputs:
            job.inputs[dataset] = None
            _dataset(lineage, dataset).read_by[identity] = None
        for dataset in summary.outputs:
            job.outputs[dataset] = None
            _dataset(lineage, dataset).written_by[identity] = None
        job_type = view.job_facets.get("jobType")
        if type(job_type) is dict and type(job_type.get("jobType")) is str:
            job.job_type = job_type["jobType"]
        if summary.parent_job is not None and (parent := JobId(*summary.parent_job)) != identity:
            job.parents[parent] = None
            lineage.children.setdefault(parent, {})[identity] = None
        # Several datasets of an event have the same facets: what is counted is events.
        job.facets.update({(group.entity, key): None for group in view.facet_groups() for key in group.facets}.keys())
    if summary.dataset is not None:
        _dataset(lineage, summary.dataset)
    _columns(lineage, view)
    return state


def _again(lineage: Lineage, exchange: Exchange) -> None:
    """An event accepted once more says nothing new of its job, but that it was heard of."""
    summary = exchange.event
    if summary is not None and summary.job_namespace is not None and summary.job_name is not None:
        lineage.jobs[JobId(summary.job_namespace, summary.job_name)].last_received_at = exchange.received_at


def _body(exchange: Exchange) -> dict[str, Any]:
    """The event; names in it as they are in summaries, so that a dataset is one, however it was found."""
    try:
        value, surrogates = parse(decoded(exchange) or b"")
    except ParseError:
        return {}
    if surrogates is not None:
        value = without_surrogates(value)
    return value if isinstance(value, dict) else {}


def _dataset(lineage: Lineage, identity: DatasetId) -> DatasetNode:
    return lineage.datasets.setdefault(identity, DatasetNode(identity))


def _columns(lineage: Lineage, view: EventView) -> None:
    for dataset in view.datasets:
        if dataset.namespace is None or dataset.name is None:
            continue
        identity = DatasetId(dataset.namespace, dataset.name)
        names = tuple(_texts(_items(dataset.facets.get("schema"), "fields"), "name"))
        if names:
            _dataset(lineage, identity).columns = names
        facet = dataset.facets.get("columnLineage")
        fields = facet.get("fields") if type(facet) is dict else None
        for name, entry in fields.items() if type(fields) is dict else ():
            made_of = lineage.columns.setdefault(Column(identity, name), {})
            for source in _sources(_items(entry, "inputFields")):
                made_of[source] = None
        whole = list(_sources(_items(facet, "dataset")))
        if whole:
            lineage.columns.setdefault(Column(identity, ""), {}).update(dict.fromkeys(whole))


def _items(value: Any, name: str) -> list[Any]:
    found = value.get(name) if type(value) is dict else None
    return found if type(found) is list else []


def _texts(entries: Iterable[Any], name: str) -> Iterator[str]:
    for entry in entries:
        value = entry.get(name) if type(entry) is dict else None
        if type(value) is str:
            yield value


def _sources(entries: Iterable[Any]) -> Iterator[Column]:
    for entry in entries:
        if type(entry) is dict:
            parts = (entry.get("namespace"), entry.get("name"), entry.get("field"))
            if all(type(part) is str for part in parts):
                namespace, name, column = parts
                yield Column(DatasetId(str(namespace), str(name)), str(column))


def job_to_dict(job: JobNode) -> dict[str, Any]:
    return {
        **job.id._asdict(),
        "events": job.events,
        "runs": len(job.runs),
        "statuses": {str(status): job.statuses[status] for status in Status},
        "last_event_type": job.last_event_type,
        "last_received_at": rfc3339(job.last_received_at) if job.last_received_at else None,
        "inputs": [dataset._asdict() for dataset in job.inputs],
        "outputs": [dataset._asdict() for dataset in job.outputs],
        "job_type": job.job_type,
        "parents": [parent._asdict() for parent in job.parents],
    }


def dataset_to_dict(dataset: DatasetNode) -> dict[str, Any]:
    """``surfaced`` tells whether the product would show the dataset; ``issues`` are the rules its name breaks."""
    platform = platform_of(dataset.id.namespace)
    return {
        **dataset.id._asdict(),
        "platform": platform.title if platform else None,
        "surfaced": platform is not None,
        "issues": [issue.rule.code for issue in naming_issues(*dataset.id)],
        "read_by": [job._asdict() for job in dataset.read_by],
        "written_by": [job._asdict() for job in dataset.written_by],
        "columns": list(dataset.columns),
    }


def lineage_to_dict(lineage: Lineage) -> dict[str, Any]:
    """Jobs and datasets, edges in the direction of the data, and edges between columns."""
    edges = [
        edge
        for job in lineage.jobs.values()
        for edge in (
            *({"from": _dataset_ref(dataset), "to": _job_ref(job.id)} for dataset in job.inputs),
            *({"from": _job_ref(job.id), "to": _dataset_ref(dataset)} for dataset in job.outputs),
        )
    ]
    columns = [
        {"from": _column_ref(source), "to": _column_ref(column)}
        for column, sources in lineage.columns.items()
        for source in sources
    ]
    return {
        "jobs": [job_to_dict(job) for job in lineage.jobs.values()],
        "datasets": [dataset_to_dict(dataset) for dataset in lineage.datasets.values()],
        "edges": edges,
        "column_edges": columns,
    }


def _job_ref(job: JobId) -> dict[str, str]:
    return {"type": "job", **job._asdict()}


def _dataset_ref(dataset: DatasetId) -> dict[str, str]:
    return {"type": "dataset", **dataset._asdict()}


def _column_ref(column: Column) -> dict[str, str]:
    return {**column.dataset._asdict(), "field": column.name}


def coverage_to_dict(job: JobNode) -> dict[str, Any]:
    """Which facets came with a job and what each produces at Datadog; and what is supported and never came."""
    seen = [
        {
            "entity": entity,
            "key": key,
            "events": count,
            "produces": BY_PLACE[entity, key].produces if (entity, key) in BY_PLACE else None,
        }
        for (entity, key), count in sorted(job.facets.items())
    ]
    missing = [
        {"entity": supported.entity, "key": supported.key, "produces": supported.produces}
        for place, supported in BY_PLACE.items()
        if place not in job.facets
    ]
    return {"job": job.id._asdict(), "events": job.events, "facets": seen, "missing": missing}
