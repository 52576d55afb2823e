"""What one event says of jobs, datasets and columns, as far as lineage is made of it.

Of each facet there are three things to say: nothing, that it is gone (``None``), and its content. What is no object is
no facet, as in ``mock_intake.model.accumulated``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from msgspec import Struct

from mock_intake.journal.columns import microseconds
from mock_intake.model.accumulated import Stamp, stamp_of
from mock_intake.model.event import DatasetId, EventView, Role
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Status
from mock_intake.model.literals import Entity
from mock_intake.model.runs import run_id_key
from mock_intake.secrets.presenting import presented

if TYPE_CHECKING:
    from mock_intake.model import shapes


class JobId(NamedTuple):
    """A job, by both strings, to the letter. Tests compare it with plain pairs, so it is one."""

    namespace: str
    name: str

    def __repr__(self) -> str:
        # As pytest shows it where an assertion fails.
        return f"JobId(namespace={presented(self.namespace)!r}, name={presented(self.name)!r})"

    def to_dict(self) -> shapes.Named:
        """The JSON form."""
        return {"namespace": self.namespace, "name": self.name}


NodeId = JobId | DatasetId


class Column(NamedTuple):
    """A column of a dataset; ``name`` is empty for the dataset as a whole."""

    dataset: DatasetId
    name: str


class Transformation(NamedTuple):
    """How a column is made of another: the type (DIRECT, INDIRECT), and the subtype, if they are told."""

    type: str | None
    subtype: str | None


ColumnSources = tuple[tuple[str, tuple[tuple[Column, tuple[Transformation, ...]], ...]], ...]
"""Of each column of a dataset those that it is made of, and how. The column "" is the dataset as a whole."""


class Flow(NamedTuple):
    """What an explicit lineage facet says of one target: what feeds it, and its columns.

    ``sources`` is None where it says nothing of what feeds the whole.
    """

    target: NodeId
    sources: tuple[NodeId, ...] | None
    columns: ColumnSources

    def feeding(self) -> tuple[DatasetId, ...] | None:
        """The datasets that feed the target, by its sources and its columns; None where neither is told."""
        if self.sources is None and not self.columns:
            return None
        named = [source for source in self.sources or () if isinstance(source, DatasetId)]
        return tuple(dict.fromkeys([*named, *(one.dataset for one in sources_in(self.columns))]))


class Identifier(NamedTuple):
    """Another name of a dataset, and whether it is that of a table."""

    dataset: DatasetId
    is_table: bool


class DatasetSaid(Struct, frozen=True, gc=False):
    """What an event says of a dataset in one role, by facet: ``said`` are the keys of those it says something of."""

    id: DatasetId
    role: Role
    said: frozenset[str]
    schema: tuple[str, ...] | None = None
    columns: ColumnSources | None = None
    symlinks: tuple[Identifier, ...] | None = None
    lineage: Flow | None = None


class EventLineage(Struct, frozen=True, gc=False):
    """What an event says. ``arrival`` is when it was received (microseconds since 1970) and its position.

    ``parent`` and ``root`` are the jobs that its parent facet names; ``names_parent`` that there is one.
    """

    id: str
    arrival: tuple[int, int]
    received_at: datetime
    stamp: Stamp
    status: Status
    event_type: str | None
    run: str | None
    job: JobId | None
    inputs: tuple[DatasetId, ...]
    outputs: tuple[DatasetId, ...]
    subject: DatasetId | None
    facets: tuple[tuple[Entity, str], ...]
    says_job_type: bool
    job_type: str | None
    says_lineage: bool
    lineage: tuple[Flow, ...]
    datasets: tuple[DatasetSaid, ...]
    names_parent: bool
    parent: JobId | None
    root: JobId | None
    snapshot: bool

    @property
    def named(self) -> tuple[DatasetId, ...]:
        """The datasets that it names as inputs, outputs or its subject."""
        named = self.inputs + self.outputs
        return named if self.subject is None else (*named, self.subject)


Memory = dict[tuple[Role, DatasetId], tuple[dict[str, Any], DatasetSaid]]
"""Of datasets what their facets were last time, and what that says: most of the time it is the same again."""

T = TypeVar("T")


class SharedValues:
    """What is kept of events to be found in later ones: values that many have in common are kept once."""

    def __init__(self) -> None:
        self.datasets: Memory = {}
        self._values: dict[Any, Any] = {}

    def share(self, value: T) -> T:
        """``value``, or an equal one that is there already."""
        found: T = self._values.setdefault(value, value)
        return found

    def __len__(self) -> int:
        return len(self._values)


class BodySaid(Struct, frozen=True, gc=False):
    """What the body of an event says beside its summary: which facets it has of what, and what those that lineage is
    made of say of its job and of its datasets.
    """

    facets: tuple[tuple[Entity, str], ...]
    says_job_type: bool
    job_type: str | None
    says_lineage: bool
    lineage: tuple[Flow, ...]
    datasets: tuple[DatasetSaid, ...]


def said_in_body(summary: EventSummary, view: EventView, kept: SharedValues) -> BodySaid:
    """What the body ``view`` of an event says. ``kept`` is for who asks of many events."""
    share = kept.share
    job_type, lineage = view.job_facets.get("jobType"), view.job_facets.get("lineage")
    return BodySaid(
        # Jobs send the same combinations again and again; kept once, an event costs a pointer for it.
        share(_facets_in(view)),
        type(job_type) is dict,
        None if type(job_type) is not dict or _is_deleted(job_type) else _text(job_type.get("jobType")),
        type(lineage) is dict,
        share(_flows(lineage, _job_of(summary))) if type(lineage) is dict and not _is_deleted(lineage) else (),
        tuple(datasets_said(view, kept.datasets)),
    )


def _job_of(summary: EventSummary) -> JobId | None:
    named = summary.job_namespace is not None and summary.job_name is not None
    return JobId(summary.job_namespace or "", summary.job_name or "") if named else None


def said_by(
    summary: EventSummary, body: BodySaid, received_at: datetime, position: int, kept: SharedValues
) -> EventLineage:
    """What an event says, being accepted with an exchange that was received at a moment and stands at ``position``.

    ``kept`` is for who asks of many events.
    """
    share = kept.share
    arrival = (microseconds(received_at), position)
    return EventLineage(
        summary.id,
        arrival,
        received_at,
        stamp_of(summary.event_time, *arrival),
        summary.status,
        summary.event_type,
        None if summary.run_id is None else share(run_id_key(summary.run_id)),
        share(_job_of(summary)),
        share(summary.inputs),
        share(summary.outputs),
        summary.dataset,
        body.facets,
        body.says_job_type,
        body.job_type,
        body.says_lineage,
        body.lineage,
        body.datasets,
        summary.parent_run_id is not None,
        None if summary.parent_job is None else share(JobId(*summary.parent_job)),
        None if summary.root_job is None else share(JobId(*summary.root_job)),
        bool(summary.snapshot),
    )


def _facets_in(view: EventView) -> tuple[tuple[Entity, str], ...]:
    """Which facets an event has of what, each once: several of its datasets have the same, and counted are events."""
    found: dict[tuple[Entity, str], None] = {}
    for key in view.run_facets:
        found["run", key] = None
    for key in view.job_facets:
        found["job", key] = None
    for dataset in view.datasets:
        for key in dataset.facets:
            found["dataset", key] = None
        if dataset.role_facets:
            role: Entity = "input" if dataset.role == "input" else "output"
            for key in dataset.role_facets:
                found[role, key] = None
    return tuple(found)


# So many datasets are remembered.
_MOST_REMEMBERED = 2_000


def datasets_said(view: EventView, memory: Memory | None = None) -> Iterator[DatasetSaid]:
    """What the event ``view`` says of its datasets, as far as it says anything of schema, columns, other names or
    lineage.

    With a ``memory`` equal parts of several events are kept once.
    """
    for dataset in view.datasets:
        if dataset.namespace is None or dataset.name is None or not dataset.facets:
            continue
        facets = {key: value for key in _READ if type(value := dataset.facets.get(key)) is dict}
        if not facets:
            continue
        key = (dataset.role, DatasetId(dataset.namespace, dataset.name))
        known = None if memory is None else memory.get(key)
        if known is not None and known[0] == facets:
            yield known[1]
            continue
        said = _said_of(*key, facets)
        if memory is not None:
            # Not one by one: the names of temporary tables never come again, and would push out the others.
            if len(memory) >= _MOST_REMEMBERED:
                memory.clear()
            memory[key] = (facets, said)
        yield said


def symlinks_said(view: EventView) -> Iterator[tuple[DatasetId, tuple[Identifier, ...]]]:
    """The other names of its datasets that the event ``view`` says, as ``datasets_said`` has them, and no more."""
    for dataset in view.datasets:
        facet = dataset.facets.get("symlinks")
        if type(facet) is dict and dataset.namespace is not None and dataset.name is not None:
            there = () if _is_deleted(facet) else tuple(_identifiers(facet))
            yield DatasetId(dataset.namespace, dataset.name), there


def _said_of(role: Role, identity: DatasetId, facets: Mapping[str, Any]) -> DatasetSaid:
    # A facet with ``_deleted`` says that there is nothing: it counts as said, with nothing in it.
    there = {key: value for key, value in facets.items() if not _is_deleted(value)}
    return DatasetSaid(
        identity,
        role,
        frozenset(facets),
        _schema(there["schema"]) if "schema" in there else None,
        _column_lineage(there["columnLineage"]) if "columnLineage" in there else None,
        tuple(_identifiers(there["symlinks"])) if "symlinks" in there else None,
        _flow(identity, there["lineage"]) if "lineage" in there else None,
    )


_READ = ("schema", "columnLineage", "symlinks", "lineage")


def sources_in(columns: ColumnSources) -> Iterator[Column]:
    """The columns that others are made of, by ``columns``."""
    return (source for _, sources in columns for source, _ in sources)


def _is_deleted(facet: Mapping[str, Any]) -> bool:
    return facet.get("_deleted") is True


def _schema(facet: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        name for entry in _items(facet, "fields") if type(entry) is dict and type(name := entry.get("name")) is str
    )


def _column_lineage(facet: Mapping[str, Any]) -> ColumnSources:
    fields = facet.get("fields")
    columns = [
        (name, _sources(_items(entry, "inputFields"), _transformations(entry)))
        for name, entry in (fields.items() if type(fields) is dict else ())
    ]
    whole = _sources(_items(facet, "dataset"))
    return tuple([*columns, ("", whole)] if whole else columns)


def _sources(
    entries: Iterable[Any], of_column: tuple[Transformation, ...] = ()
) -> tuple[tuple[Column, tuple[Transformation, ...]], ...]:
    found: dict[Column, tuple[Transformation, ...]] = {}
    for entry in entries:
        if type(entry) is dict and (dataset := _dataset(entry)) is not None:
            name = entry.get("field")
            if type(name) is str:
                how = [
                    Transformation(_text(one.get("type")), _text(one.get("subtype")))
                    for one in _items(entry, "transformations")
                    if type(one) is dict
                ]
                found[Column(dataset, name)] = tuple(how) or of_column
    return tuple(found.items())


def _transformations(entry: Any) -> tuple[Transformation, ...]:
    """What earlier versions of columnLineage say of a column as a whole (transformationType)."""
    kind = _text(entry.get("transformationType")) if type(entry) is dict else None
    return () if kind is None else (Transformation(kind, None),)


def _identifiers(facet: Mapping[str, Any]) -> Iterator[Identifier]:
    for entry in _items(facet, "identifiers"):
        if type(entry) is dict and (dataset := _dataset(entry)) is not None:
            yield Identifier(dataset, (_text(entry.get("type")) or "").upper() == "TABLE")


def _flows(facet: Mapping[str, Any], own: JobId | None) -> tuple[Flow, ...]:
    """The entries of a job's lineage facet; one for a job without a name is the event's own."""
    flows = []
    for entry in _items(facet, "entries"):
        if type(entry) is dict:
            # The facet's schema lets an entry leave both out for the job that it stands at.
            is_own = entry.get("type") == "JOB" and "name" not in entry and "namespace" not in entry
            target = own if is_own else _node(entry)
            if target is not None:
                flows.append(_flow(target, entry))
    return tuple(flows)


def _flow(target: NodeId, entry: Mapping[str, Any]) -> Flow:
    fields = entry.get("fields")
    columns = [
        (name, _sources(_items(one, "inputs"))) for name, one in (fields.items() if type(fields) is dict else ())
    ]
    inputs = [one for one in _items(entry, "inputs") if type(one) is dict]
    # An input with a field affects the target as a whole.
    whole = _sources(inputs)
    sources = tuple(dict.fromkeys(node for one in inputs if (node := _node(one)) is not None))
    has_inputs = type(entry.get("inputs")) is list
    return Flow(target, sources if has_inputs else None, tuple([*columns, ("", whole)] if whole else columns))


def _node(entry: Mapping[str, Any]) -> NodeId | None:
    dataset = _dataset(entry)
    if dataset is None:
        return None
    kind: Literal["JOB", "DATASET"] | None = entry.get("type")
    return JobId(*dataset) if kind == "JOB" else dataset


def _dataset(entry: Mapping[str, Any]) -> DatasetId | None:
    namespace, name = entry.get("namespace"), entry.get("name")
    return DatasetId(namespace, name) if type(namespace) is str and type(name) is str else None


def _items(value: Any, name: str) -> list[Any]:
    found = value.get(name) if type(value) is dict else None
    return found if type(found) is list else []


def _text(value: Any) -> str | None:
    return value if type(value) is str else None
