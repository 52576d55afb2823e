"""The shapes of the control API's answers, as types for those who read them in Python.

What is answered is defined in ``mock_intake.model.shapes``, and handed on here; what only a client has stands below.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

from mock_intake.model.shapes import (
    Agent,
    BareExchange,
    Column,
    ColumnEdge,
    Counts,
    Coverage,
    Dataset,
    Edge,
    Entity,
    Event,
    Exchange,
    ExchangeFinding,
    Finding,
    FindingPage,
    Imported,
    Job,
    JobName,
    Kind,
    Lineage,
    MissingFacet,
    Named,
    Node,
    Org,
    Rule,
    Run,
    RunFinding,
    SeenFacet,
    State,
    Statistics,
    Status,
    Statuses,
    Transformation,
    Waited,
    WaitedRun,
    WholeEvent,
    WholeExchange,
    WholeRun,
)

T = TypeVar("T")


class FaultStep(TypedDict):
    """A step of a fault plan in its long form, with all defaults; ``delay`` is in seconds, ``times`` None for ever."""

    step: int | str
    times: int | None
    headers: dict[str, str]
    body: str | None
    delay: float
    match: dict[str, Any] | None
    probability: float | None
    seed: int
    location: str | None


class Faults(TypedDict):
    """A fault plan and how far it has come; in ``left``, None is for ever."""

    sequence: list[FaultStep]
    delay: float
    repeat_last: bool
    org: str | None
    taken: int
    left: list[int | None]
    active: bool


class OpenApi(TypedDict):
    """The OpenAPI document of the control API."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]


class EventQuery(TypedDict, total=False):
    """Which events are asked for."""

    org: str
    status: Status
    kind: Kind
    event_type: str
    job_namespace: str
    job_name: str
    run_id: str


class Listing(NamedTuple, Generic[T]):
    """A page of a listing. ``next`` is the cursor of the following page; ``dropped`` what retention let go."""

    items: list[T]
    next: str | None
    dropped: int


class Streamed(NamedTuple):
    """What a stream brings: a new exchange, with the id to go on behind.

    Or no exchange, and in ``dropped`` how many retention has let go in all, some of which the stream has missed.
    """

    id: str
    exchange: Exchange | None
    dropped: int = 0


__all__ = [
    "Agent",
    "BareExchange",
    "Column",
    "ColumnEdge",
    "Counts",
    "Coverage",
    "Dataset",
    "Edge",
    "Entity",
    "Event",
    "EventQuery",
    "Exchange",
    "ExchangeFinding",
    "FaultStep",
    "Faults",
    "Finding",
    "FindingPage",
    "Imported",
    "Job",
    "JobName",
    "Kind",
    "Lineage",
    "Listing",
    "MissingFacet",
    "Named",
    "Node",
    "OpenApi",
    "Org",
    "Rule",
    "Run",
    "RunFinding",
    "SeenFacet",
    "State",
    "Statistics",
    "Status",
    "Statuses",
    "Streamed",
    "Transformation",
    "Waited",
    "WaitedRun",
    "WholeEvent",
    "WholeExchange",
    "WholeRun",
]
