"""The shapes of the control API's answers, as types for those who read them in Python."""

from __future__ import annotations

from typing import Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar

T = TypeVar("T")
Status = Literal["ok", "warning", "error"]
State = Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
Kind = Literal["RunEvent", "JobEvent", "DatasetEvent"]
Entity = Literal["run", "job", "dataset", "input", "output"]


class Named(TypedDict):
    """A job or a dataset, by what it is called."""

    namespace: str
    name: str


class Finding(TypedDict):
    code: str
    severity: Literal["info", "warning", "error"]
    subject: Literal["request", "event", "run", "dataset"]
    pointer: str
    message: str
    expected: str | None
    actual: str | None
    advice: str
    source: str
    sureness: Literal["documented", "source", "measured", "draft", "assumed"]
    violates: Literal["openlineage"] | None


class JobName(TypedDict):
    """What an event calls its job, as far as it does."""

    namespace: str | None
    name: str | None


class Event(TypedDict):
    id: str
    org: str
    received_at: str
    last_received_at: str
    status: Status
    kind: Kind | None
    event_type: str | None
    event_time: str | None
    run_id: str | None
    job: JobName
    inputs: list[Named]
    outputs: list[Named]
    dataset: Named | None
    producer: str | None
    attempts: int
    findings: list[Finding]


class WholeEvent(Event):
    body: Any
    raw: str | None


class Agent(TypedDict):
    """A request as the Datadog Agent received it."""

    path: str
    query: str
    headers: dict[str, str]


class Exchange(TypedDict):
    id: str
    org: str
    received_at: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    wire_size: int
    decoded_size: int | None
    status_code: int | None
    fault: str | None
    agent: Agent | None
    event_id: str | None
    findings: list[Finding]
    body: NotRequired[Any]


class WholeExchange(Exchange):
    raw: str | None


class Run(TypedDict):
    run_id: str
    org: str
    job: JobName
    states: list[str | None]
    state: str | None
    started_at: str | None
    ended_at: str | None
    duration: float | None
    parent: str | None
    events: list[str]
    findings: list[Finding]


class WholeRun(Run):
    dropped: int


class Statuses(TypedDict):
    """Counts of events by status."""

    ok: int
    warning: int
    error: int


class Job(TypedDict):
    namespace: str
    name: str
    events: int
    runs: int
    statuses: Statuses
    last_event_type: str | None
    last_received_at: str | None
    inputs: list[Named]
    outputs: list[Named]
    job_type: str | None
    parents: list[Named]


class Dataset(TypedDict):
    namespace: str
    name: str
    platform: str | None
    surfaced: bool
    issues: list[str]
    read_by: list[Named]
    written_by: list[Named]
    columns: list[str]


class Node(TypedDict):
    type: Literal["job", "dataset"]
    namespace: str
    name: str


class Column(TypedDict):
    """A column of a dataset; ``field`` is empty for the dataset as a whole."""

    namespace: str
    name: str
    field: str


Edge = TypedDict("Edge", {"from": Node, "to": Node})
ColumnEdge = TypedDict("ColumnEdge", {"from": Column, "to": Column})


class Lineage(TypedDict):
    jobs: list[Job]
    datasets: list[Dataset]
    edges: list[Edge]
    column_edges: list[ColumnEdge]
    findings: list[Finding]
    dropped: int


class SeenFacet(TypedDict):
    entity: Entity
    key: str
    events: int
    produces: str | None


class MissingFacet(TypedDict):
    entity: Entity
    key: str
    produces: str


class Coverage(TypedDict):
    job: Named
    events: int
    facets: list[SeenFacet]
    missing: list[MissingFacet]


class ExchangeFinding(Finding):
    exchange_id: str
    event_id: str | None
    org: str
    received_at: str


class RunFinding(Finding):
    run_id: str
    org: str


class FindingPage(TypedDict):
    findings: list[ExchangeFinding]
    run_findings: list[RunFinding]
    dataset_findings: list[Finding]
    next: str | None
    dropped: int


class Org(TypedDict):
    org: str
    exchanges: int
    events: int
    last_received_at: str


class Statistics(TypedDict):
    exchanges: int
    accepted: int
    refused: int
    faulted: int
    events: int
    statuses: Statuses
    bytes: int
    dropped: int


class FaultStep(TypedDict):
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


class WaitedRun(TypedDict):
    run_id: str
    job: JobName
    state: str | None


class Waited(TypedDict):
    """What is there: how many events that fit, how many runs, and the latest of those."""

    waited: float
    events: int
    matching_runs: int
    runs: list[WaitedRun]
    dropped: int


class Imported(TypedDict):
    imported: int
    known: int
    dropped: int


class OpenApi(TypedDict):
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
