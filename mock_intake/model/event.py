"""A view of a parsed event that rules can walk without checking every type themselves.

Whatever the body holds, the view has the declared types: what is missing or of the wrong type reads as
``None`` or as an empty mapping. That something was wrong there is for the schemas to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct

from mock_intake.model.literals import Entity as Entity
from mock_intake.model.literals import Kind as Kind

if TYPE_CHECKING:
    from mock_intake.model import shapes

T = TypeVar("T")
Json = Any
JsonObject = dict[str, Any]
Facets = Mapping[str, Any]
Role = Literal["input", "output", "dataset"]

_NOTHING: JsonObject = {}


# As an array of two it is kept and exported. Nothing in it can lead back to it, so the collector need not look.
class DatasetId(Struct, frozen=True, gc=False, array_like=True):
    """What Datadog matches datasets by: both strings, to the letter. A pair, to be unpacked as one."""

    namespace: str
    name: str

    def __iter__(self) -> Iterator[str]:
        return iter((self.namespace, self.name))

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"

    def to_dict(self) -> shapes.Named:
        """The JSON form."""
        return {"namespace": self.namespace, "name": self.name}


# This and the next are parts of a view, and go with it. What they hold was parsed, so nothing in it leads back to them.
class Dataset(Struct, frozen=True, gc=False):
    """A dataset of an event: an input, an output, or the subject of a DatasetEvent.

    ``facets`` are those of the dataset itself, ``role_facets`` its inputFacets or outputFacets;
    ``pointer`` is the dataset's JSON Pointer in the event, ``id`` what it is known by; None where it lacks a name.
    """

    role: Role
    pointer: str
    namespace: str | None
    name: str | None
    facets: Facets
    role_facets: Facets
    id: DatasetId | None


class FacetGroup(Struct, frozen=True, gc=False):
    """The facets in one place of an event: on which entity, where, and the facets by key."""

    entity: Entity
    pointer: str
    facets: Facets


def _object(value: Json) -> JsonObject:
    return value if type(value) is dict else _NOTHING


def kind_of(body: JsonObject) -> Kind | None:
    """Which of the three kinds ``body`` is, by the entities that it carries; None where it carries none.

    As the 2-0-2 core has it: run and job together make a RunEvent; a dataset, unless both are there too, makes a
    DatasetEvent; a run alone can only be meant as a RunEvent; a job alone makes a JobEvent.
    """
    if "run" in body:
        if "job" in body or "dataset" not in body:
            return "RunEvent"
        return "DatasetEvent"
    if "dataset" in body:
        return "DatasetEvent"
    if "job" in body:
        return "JobEvent"
    return None


# How a run is written by who forgets that its key is "run": letters alone, in lower case.
_LIKE_RUN = ("run", "runid", "runfacets")
_STATES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
_LONGEST_LIKE = 24


def plain(key: str) -> str:
    """``key`` without what people write differently: case, underscores, hyphens."""
    return key.replace("_", "").replace("-", "").lower()


def _claims(body: JsonObject) -> tuple[str, ...]:
    """The places of a body without a run that say it is an event of one: its type, its schemaURL, keys nearly right.

    Where a dataset stands alone, an eventType of its own says nothing: DatasetEvents may have more fields.
    """
    claims = []
    about_a_job = "job" in body or "inputs" in body or "outputs" in body
    event_type = body.get("eventType")
    if about_a_job and type(event_type) is str and event_type.strip():
        claims.append("/eventType")
    url = body.get("schemaURL")
    if type(url) is str and url.endswith("/RunEvent"):
        claims.append("/schemaURL")
    for above, fields in (("", body), ("/job", _object(body.get("job")))):
        for key, value in fields.items():
            if len(key) > _LONGEST_LIKE:
                continue
            like = plain(key)
            is_type = like == "eventtype" and key != "eventType" and type(value) is str and value.upper() in _STATES
            if (like in _LIKE_RUN and value) or (is_type and about_a_job):
                claims.append(f"{above}{pointer_to(key)}")
    return tuple(claims)


def leaves_kind_open(view: EventView) -> bool:
    """Whether an event that is about a job and has no run says by nothing that this is how it was meant.

    Its schemaURL names no kind then, as without a fragment; whether a run was forgotten others of the job can tell.
    """
    url = view.schema_url
    named = url is not None and url.endswith(("/RunEvent", "/JobEvent", "/DatasetEvent"))
    return view.kind == "JobEvent" and not view.claims and not named


class EventView:
    """What rules need to know of an event, read from its parsed body once.

    ``kind`` is what the core schema takes it for. ``claims`` are the places by which an event that has no run says all
    the same that it is one of a run: what Datadog asks of run events is then asked of it. ``arrived`` is when it was
    received, where that is known; ``latest`` a text that times are before which cannot be too late then.
    """

    __slots__ = (
        "_remembered",
        "arrived",
        "body",
        "claims",
        "datasets",
        "event_time",
        "event_type",
        "job_facets",
        "job_name",
        "job_namespace",
        "kind",
        "latest",
        "producer",
        "run_facets",
        "run_id",
        "schema_url",
    )

    def __init__(self, body: JsonObject) -> None:
        self._remembered: dict[str, Any] | None = None
        self.arrived: datetime | None = None
        self.latest = "~"
        self.body = body
        self.kind = kind = kind_of(body)
        self.claims = () if kind == "RunEvent" or kind is None else _claims(body)
        # On the way of every event, so without a call for each.
        self.event_type = text if type(text := body.get("eventType")) is str else None
        self.event_time = text if type(text := body.get("eventTime")) is str else None
        self.producer = text if type(text := body.get("producer")) is str else None
        self.schema_url = text if type(text := body.get("schemaURL")) is str else None
        self.run_id = self.job_namespace = self.job_name = None
        self.run_facets: Facets = _NOTHING
        self.job_facets: Facets = _NOTHING
        if kind == "RunEvent" and type(run := body.get("run")) is dict:
            self.run_id = text if type(text := run.get("runId")) is str else None
            self.run_facets = facets if type(facets := run.get("facets")) is dict else _NOTHING
        if kind != "DatasetEvent" and type(job := body.get("job")) is dict:
            self.job_namespace = text if type(text := job.get("namespace")) is str else None
            self.job_name = text if type(text := job.get("name")) is str else None
            self.job_facets = facets if type(facets := job.get("facets")) is dict else _NOTHING
        datasets: list[Dataset] = []
        if kind == "DatasetEvent":
            datasets.append(_dataset("dataset", "/dataset", body.get("dataset")))
        else:
            if inputs := body.get("inputs"):
                _collect(datasets, "input", "/inputs/", inputs)
            if outputs := body.get("outputs"):
                _collect(datasets, "output", "/outputs/", outputs)
        self.datasets = datasets

    @property
    def meant(self) -> Kind | None:
        """The kind that it claims to be; ``kind`` where it claims nothing else."""
        return "RunEvent" if self.claims else self.kind

    def remembered(self, name: str, compute: Callable[[EventView], T]) -> T:
        """What ``compute`` makes of the event, computed once: rules look at one facet, and some need all datasets."""
        if self._remembered is None:
            self._remembered = {}
        if name not in self._remembered:
            self._remembered[name] = compute(self)
        found: T = self._remembered[name]
        return found

    @property
    def inputs(self) -> list[Dataset]:
        """Those of ``datasets`` that the event reads."""
        return [dataset for dataset in self.datasets if dataset.role == "input"]

    @property
    def outputs(self) -> list[Dataset]:
        """Those of ``datasets`` that the event writes."""
        return [dataset for dataset in self.datasets if dataset.role == "output"]

    def facets(self) -> list[tuple[Entity, Facets, Dataset | None]]:
        """The facets in every place of the event that has some, each with the entity and the dataset they are about."""
        places: list[tuple[Entity, Facets, Dataset | None]] = []
        if self.run_facets:
            places.append(("run", self.run_facets, None))
        if self.job_facets:
            places.append(("job", self.job_facets, None))
        for dataset in self.datasets:
            if dataset.facets:
                places.append(("dataset", dataset.facets, dataset))
            if dataset.role_facets:
                places.append(("input" if dataset.role == "input" else "output", dataset.role_facets, dataset))
        return places

    def facet_groups(self) -> list[FacetGroup]:
        """Every place of the event that has facets."""
        return [group_of(*place) for place in self.facets()]


def group_of(entity: Entity, facets: Facets, dataset: Dataset | None) -> FacetGroup:
    """One of ``EventView.facets`` with its place, which hardly any is looked at by."""
    return FacetGroup(entity, facets_at(entity, dataset), facets)


def facets_at(entity: Entity, dataset: Dataset | None) -> str:
    """The JSON Pointer of the facets that an entity has: in the ``dataset``, where they are about one."""
    above = f"/{entity}" if dataset is None else dataset.pointer
    return f"{above}/{entity}Facets" if entity in ("input", "output") else f"{above}/facets"


_ROLE_FACETS = {"input": "inputFacets", "output": "outputFacets", "dataset": ""}


def _collect(into: list[Dataset], role: Role, pointer: str, entries: Json) -> None:
    if type(entries) is list:
        for index, entry in enumerate(entries):
            into.append(_dataset(role, f"{pointer}{index}", entry))


def _dataset(role: Role, pointer: str, entry: Json) -> Dataset:
    if type(entry) is not dict:
        return Dataset(role, pointer, None, None, _NOTHING, _NOTHING, None)
    namespace = text if type(text := entry.get("namespace")) is str else None
    name = text if type(text := entry.get("name")) is str else None
    return Dataset(
        role,
        pointer,
        namespace,
        name,
        _object(entry.get("facets")),
        _object(entry.get(_ROLE_FACETS[role])),
        None if namespace is None or name is None else DatasetId(namespace, name),
    )


def table_identifier(facets: Facets) -> DatasetId | None:
    """The first identifier of the type TABLE in the symlinks facet of ``facets``; None if there is none.

    It is the name that the dataset is known by. Datadog's draft: an identifier of type TABLE wins.
    """
    symlinks = facets.get("symlinks")
    identifiers = symlinks.get("identifiers") if type(symlinks) is dict else None
    for entry in identifiers if type(identifiers) is list else ():
        if type(entry) is dict and type(kind := entry.get("type")) is str and kind.upper() == "TABLE":
            namespace, name = entry.get("namespace"), entry.get("name")
            if type(namespace) is str and type(name) is str:
                return DatasetId(namespace, name)
    return None


def pointer_to(*path: str | int) -> str:
    """The JSON Pointer (RFC 6901) that leads along ``path``: keys and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
