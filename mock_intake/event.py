"""A view of a parsed event that rules can walk without checking every type themselves.

Whatever the body holds, the view has the declared types: what is missing or of the wrong type reads as
``None`` or as an empty mapping. That something was wrong there is for the schemas to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["RunEvent", "JobEvent", "DatasetEvent"]
Entity = Literal["run", "job", "dataset", "input", "output"]
Json = Any
JsonObject = dict[str, Any]
Facets = Mapping[str, Any]
Role = Literal["input", "output", "dataset"]

_NOTHING: JsonObject = {}


class DatasetId(NamedTuple):
    """What Datadog matches datasets by: both strings, to the letter."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace} {self.name}"


class Dataset(NamedTuple):
    """A dataset of an event: an input, an output, or the subject of a DatasetEvent.

    ``facets`` are those of the dataset itself, ``role_facets`` its inputFacets or outputFacets;
    ``pointer`` is the dataset's JSON Pointer in the event.
    """

    role: Role
    pointer: str
    namespace: str | None
    name: str | None
    facets: Facets
    role_facets: Facets


class FacetGroup(NamedTuple):
    """The facets in one place of an event: on which entity, where, and the facets by key."""

    entity: Entity
    pointer: str
    facets: Facets


def _object(value: Json) -> JsonObject:
    return value if type(value) is dict else _NOTHING


def _string(value: Json) -> str | None:
    return value if type(value) is str else None


def kind_of(body: JsonObject) -> Kind | None:
    """Which of the three kinds a body is, by the entities that it carries.

    As the 2-0-2 core has it: run and job together make a RunEvent; a dataset, unless both are there
    too, makes a DatasetEvent; a run alone can only be meant as a RunEvent; a job alone makes a JobEvent.
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


class EventView:
    """What rules need to know of an event, read from its parsed body once."""

    __slots__ = (
        "body",
        "datasets",
        "event_time",
        "event_type",
        "job_facets",
        "job_name",
        "job_namespace",
        "kind",
        "producer",
        "run_facets",
        "run_id",
        "schema_url",
    )

    def __init__(self, body: JsonObject) -> None:
        self.body = body
        self.kind = kind = kind_of(body)
        self.event_type = _string(body.get("eventType"))
        self.event_time = _string(body.get("eventTime"))
        self.producer = _string(body.get("producer"))
        self.schema_url = _string(body.get("schemaURL"))
        run = _object(body.get("run")) if kind == "RunEvent" else _NOTHING
        self.run_id = _string(run.get("runId"))
        self.run_facets: Facets = _object(run.get("facets"))
        job = _object(body.get("job")) if kind != "DatasetEvent" else _NOTHING
        self.job_namespace = _string(job.get("namespace"))
        self.job_name = _string(job.get("name"))
        self.job_facets: Facets = _object(job.get("facets"))
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
    def inputs(self) -> list[Dataset]:
        return [dataset for dataset in self.datasets if dataset.role == "input"]

    @property
    def outputs(self) -> list[Dataset]:
        return [dataset for dataset in self.datasets if dataset.role == "output"]

    def facet_groups(self) -> list[FacetGroup]:
        """Every place of the event that has facets."""
        groups = []
        if self.run_facets:
            groups.append(FacetGroup("run", "/run/facets", self.run_facets))
        if self.job_facets:
            groups.append(FacetGroup("job", "/job/facets", self.job_facets))
        for dataset in self.datasets:
            if dataset.facets:
                groups.append(FacetGroup("dataset", dataset.pointer + "/facets", dataset.facets))
            if dataset.role_facets:
                role: Entity = "input" if dataset.role == "input" else "output"
                groups.append(FacetGroup(role, f"{dataset.pointer}/{role}Facets", dataset.role_facets))
        return groups


_ROLE_FACETS = {"input": "inputFacets", "output": "outputFacets", "dataset": ""}


def _collect(into: list[Dataset], role: Role, pointer: str, entries: Json) -> None:
    if type(entries) is list:
        for index, entry in enumerate(entries):
            into.append(_dataset(role, f"{pointer}{index}", entry))


def _dataset(role: Role, pointer: str, entry: Json) -> Dataset:
    body = _object(entry)
    return Dataset(
        role,
        pointer,
        _string(body.get("namespace")),
        _string(body.get("name")),
        _object(body.get("facets")),
        _object(body.get(_ROLE_FACETS[role])),
    )


def pointer_to(*path: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
