"""The shapes in which values leave the process as JSON: what the control API answers, and its client gives out.

Each is defined here and nowhere else: the type checker holds the functions to it that make it (``to_dict`` of the
values, and the views' own), the OpenAPI document is derived from it (``mock_intake.model.schemas``), and the client
hands it on. ``Finding`` alone has all fields of the value of that name; a test holds the two together.

Times are RFC 3339 in UTC, to the microsecond, but for those that producers wrote; durations are seconds, sizes bytes.
Only ``typing`` is needed, as the client needs no more. Types are not put off here as elsewhere (``from __future__
import annotations``): who asks for them may do so where this module is no longer to be found, as in a run of pytest
within another one, which takes out what the inner one has imported.
"""

from typing import Any, Literal, NotRequired, TypedDict

from mock_intake.model.literals import Count as Count
from mock_intake.model.literals import Entity as Entity
from mock_intake.model.literals import Kind as Kind
from mock_intake.model.literals import Seconds as Seconds
from mock_intake.model.literals import State as State
from mock_intake.model.literals import Status as Status
from mock_intake.model.literals import Subject as Subject
from mock_intake.model.literals import Time as Time
from mock_intake.model.literals import Violates as Violates


class Named(TypedDict):
    """A job or a dataset, by what it is called."""

    namespace: str
    name: str


class Finding(TypedDict):
    """What a rule has to say; the same object wherever a finding is shown."""

    code: str
    severity: Literal["info", "warning", "error"]
    subject: Subject
    pointer: str
    message: str
    expected: str | None
    actual: str | None
    advice: str
    source: str
    sureness: Literal["documented", "source", "measured", "draft", "assumed"]
    violates: Violates | None


class Rule(TypedDict):
    """A rule, as ``mock-intake rules --format json`` lists it; ``documentation`` leads to its place in the docs."""

    code: str
    name: str
    severity: Literal["info", "warning", "error"]
    subject: Subject
    requirement: str
    because: str
    advice: str
    source: str
    sureness: Literal["documented", "source", "measured", "draft", "assumed"]
    documentation: str


class JobName(TypedDict):
    """What an event calls its job, as far as it does."""

    namespace: str | None
    name: str | None


class Event(TypedDict):
    """An event that was accepted, over all attempts to send it; ``event_time`` is as it was sent."""

    id: str
    org: str
    received_at: Time
    last_received_at: Time
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
    attempts: Count
    findings: list[Finding]


class WholeEvent(Event):
    """An event with its body, parsed and as received."""

    body: Any
    raw: str | None


class Agent(TypedDict):
    """A request as the Datadog Agent received it."""

    path: str
    query: str
    headers: dict[str, str]


class BareExchange(TypedDict):
    """A request and what it was answered, without its body; ``status_code`` is null where no status was answered.

    Header names are in lower case, values of the same name joined by commas.
    """

    id: str
    org: str
    received_at: Time
    method: str
    path: str
    query: str
    headers: dict[str, str]
    wire_size: Count
    decoded_size: Count | None
    status_code: Count | None
    fault: str | None
    agent: Agent | None
    event_id: str | None
    findings: list[Finding]


class Exchange(BareExchange):
    """An exchange of a listing; with its body, parsed, where that was asked for."""

    body: NotRequired[Any]


class WholeExchange(BareExchange):
    """An exchange with its body, parsed and as received."""

    body: Any
    raw: str | None


class Run(TypedDict):
    """A run as far as it was seen: ``events`` are event ids in order of arrival, ``states`` their types.

    ``started_at`` and ``ended_at`` are event times as they were sent, in UTC where they had no offset.
    """

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
    """One run that was asked for by its id."""

    dropped: Count


class Statuses(TypedDict):
    """Counts of events by status."""

    ok: Count
    warning: Count
    error: Count


class Job(TypedDict):
    """A job: what was heard of it, what it reads and writes; ``parents`` are the jobs that its runs named so."""

    namespace: str
    name: str
    events: Count
    runs: Count
    statuses: Statuses
    last_event_type: str | None
    last_received_at: Time | None
    inputs: list[Named]
    outputs: list[Named]
    job_type: str | None
    parents: list[Named]


class Dataset(TypedDict):
    """A dataset: whether the product would show it (``surfaced``), and the codes of the rules that its name breaks.

    ``also_named`` are other names that symlinks join with its own.
    """

    namespace: str
    name: str
    platform: str | None
    surfaced: bool
    issues: list[str]
    read_by: list[Named]
    written_by: list[Named]
    columns: list[str]
    also_named: NotRequired[list[Named]]


class Node(TypedDict):
    """A node of the lineage."""

    type: Literal["job", "dataset"]
    namespace: str
    name: str


class Column(TypedDict):
    """A column of a dataset; ``field`` is empty for the dataset as a whole."""

    namespace: str
    name: str
    field: str


class Transformation(TypedDict):
    """How a column is made of another, as the columnLineage facet says it: DIRECT or INDIRECT, and which kind of it."""

    type: str | None
    subtype: str | None


# ``from`` is no name in Python.
Edge = TypedDict("Edge", {"from": Node, "to": Node})
ColumnEdge = TypedDict(
    "ColumnEdge", {"from": Column, "to": Column, "transformations": NotRequired[list[Transformation]]}
)


class Graph(TypedDict):
    """Jobs and datasets, edges in the direction of the data, edges between columns, and from jobs to their parts."""

    jobs: list[Job]
    datasets: list[Dataset]
    edges: list[Edge]
    column_edges: list[ColumnEdge]
    parent_edges: list[Edge]


class Lineage(Graph):
    """The lineage with what is found of its datasets."""

    findings: list[Finding]
    dropped: Count


class SeenFacet(TypedDict):
    """A facet that came with a job, in how many events, and what it produces at Datadog."""

    entity: Entity
    key: str
    events: Count
    produces: str | None


class MissingFacet(TypedDict):
    """A facet that Datadog reads and that never came with a job."""

    entity: Entity
    key: str
    produces: str


class Coverage(TypedDict):
    """Which facets came with a job, and which did not."""

    job: Named
    events: Count
    facets: list[SeenFacet]
    missing: list[MissingFacet]


class ExchangeFinding(Finding):
    """A finding, and the exchange that it is of."""

    exchange_id: str
    event_id: str | None
    org: str
    received_at: Time


class RunFinding(Finding):
    """A finding, and the run that it is of."""

    run_id: str
    org: str


class FindingPage(TypedDict):
    """A page of the findings of exchanges; those of runs and datasets come with every page."""

    findings: list[ExchangeFinding]
    run_findings: list[RunFinding]
    dataset_findings: list[Finding]
    next: str | None
    dropped: Count


class Org(TypedDict):
    """What there is of an org."""

    org: str
    exchanges: Count
    events: Count
    last_received_at: Time


class Counts(TypedDict):
    """Counts over the record; ``bytes`` is the size of bodies and answers."""

    exchanges: Count
    accepted: Count
    refused: Count
    faulted: Count
    events: Count
    statuses: Statuses
    bytes: Count


class Statistics(Counts):
    """Counts, with what retention has dropped; and how many rows cannot be read any more, if any were found."""

    dropped: Count
    damaged: NotRequired[Count]


class WaitedRun(TypedDict):
    """A run that fits what was waited for."""

    run_id: str
    job: JobName
    state: str | None


class Waited(TypedDict):
    """Whether what was waited for has come, after how many seconds; and what is there.

    That is how many events that fit, how many runs, and the latest of those.
    """

    reached: bool
    waited: Seconds
    events: Count
    matching_runs: Count
    runs: list[WaitedRun]
    dropped: Count


class Imported(TypedDict):
    """How many exchanges an import brought, and how many were on record already."""

    imported: Count
    known: Count
    dropped: Count
