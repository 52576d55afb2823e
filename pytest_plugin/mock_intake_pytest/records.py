"""What a test can ask about: events, runs, exchanges and lineage as values with short names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from mock_intake.bodies import decoded_text, parsed_body
from mock_intake.event import DatasetId, EventView
from mock_intake.exchange import Exchange, joined
from mock_intake.findings import Finding, Selection, Status, status_of
from mock_intake.journal import EventRecord
from mock_intake.openlineage import run_cycle
from mock_intake.views import Run as FoldedRun
from mock_intake.views.lineage import Column, JobId, Lineage


class Request:
    """One HTTP request that the producer made, and what it was answered.

    ``headers`` are in lower case with keys masked. ``status_code`` is None where no status was answered; ``fault``
    names the fault step that hit the request. ``attempt`` counts the requests with this very event, from 1; None
    where no event could be read.
    """

    def __init__(self, exchange: Exchange, attempt: int | None) -> None:
        self.exchange = exchange
        self.attempt = attempt
        self.id = exchange.id
        self.method = exchange.request.method
        self.path = exchange.request.path
        self.query = exchange.request.query
        self.headers: Mapping[str, str] = joined(exchange.request.headers)
        self.body = exchange.request.body
        self.received_at = exchange.received_at
        self.status_code = exchange.response.status_code or None
        self.accepted = exchange.accepted
        self.fault = exchange.fault
        self.event_id = exchange.event.id if exchange.event else None
        self.findings: Sequence[Finding] = exchange.findings

    @cached_property
    def json(self) -> Any:
        """The body as a JSON value; None if it is none."""
        return parsed_body(self.exchange)

    def __repr__(self) -> str:
        answered = self.status_code or f"no answer ({self.fault or 'connection ended'})"
        return f"<Request {self.method} {self.path} -> {answered}>"


class Event:
    """An OpenLineage event that the intake took.

    ``type`` is the eventType, ``time`` the eventTime as sent; ``job`` is (namespace, name); ``inputs`` and
    ``outputs`` are (namespace, name) of datasets. ``status`` is what the product would show. ``attempts`` counts
    the requests that carried it. The body is there whole: ``event.body``, or ``event["run"]["facets"]``.
    """

    def __init__(self, record: EventRecord, exchange: Exchange, selection: Selection) -> None:
        event = record.summary
        self.id = event.id
        self.findings: Sequence[Finding] = selection.apply(record.findings)
        # The test may ignore what the intake was told to hear.
        self.status: Status = status_of(self.findings)
        self.kind = event.kind
        self.type = event.event_type
        self.time = event.event_time
        self.run_id = event.run_id
        named = event.job_namespace is not None and event.job_name is not None
        self.job = JobId(event.job_namespace or "", event.job_name or "") if named else None
        self.inputs: list[DatasetId] = list(event.inputs)
        self.outputs: list[DatasetId] = list(event.outputs)
        self.dataset = event.dataset
        self.producer = event.producer
        self.attempts = record.attempts
        self.received_at: datetime = record.received_at
        self._exchange = exchange

    @cached_property
    def body(self) -> dict[str, Any]:
        """The event as it was sent, parsed."""
        body = parsed_body(self._exchange)
        return body if isinstance(body, dict) else {}

    @property
    def raw(self) -> str:
        """The event's text as it was sent, decompressed."""
        return decoded_text(self._exchange) or ""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the request that was accepted, in lower case, keys masked."""
        return joined(self._exchange.request.headers)

    @cached_property
    def _view(self) -> EventView:
        return EventView(self.body)

    @property
    def run_facets(self) -> Mapping[str, Any]:
        return self._view.run_facets

    @property
    def job_facets(self) -> Mapping[str, Any]:
        return self._view.job_facets

    def dataset_facets(self, name: str) -> Mapping[str, Any]:
        """All facets of the dataset with this name, inputFacets and outputFacets included. Raises ``KeyError``."""
        for dataset in self._view.datasets:
            if dataset.name == name:
                return {**dataset.facets, **dataset.role_facets}
        raise KeyError(f"{name}; the event has {', '.join(str(each.name) for each in self._view.datasets) or 'none'}")

    def __getitem__(self, key: str) -> Any:
        return self.body[key]

    def __repr__(self) -> str:
        return f"<Event {title_of(self)}>"


def title_of(event: Event) -> str:
    """How an event is called in messages: type, job or dataset, run, status."""
    words = [event.type or event.kind or "no event"]
    if event.job is not None:
        words.append(f"{event.job.namespace} / {event.job.name}")
    elif event.dataset is not None:
        words.append(f"{event.dataset.namespace} / {event.dataset.name}")
    if event.run_id is not None:
        words.append(f"run {event.run_id}")
    return ", ".join(words) + f" ({event.status})"


class Parent(NamedTuple):
    """The run that a parent facet names, and its job."""

    run_id: str | None
    job: JobId | None


class RunError(NamedTuple):
    """The errorMessage facet of a run."""

    message: str | None
    language: str | None
    stack_trace: str | None


class Run:
    """A run: its events in order of arrival, and what they make together.

    ``states`` are the event types in order of arrival; ``state`` is where the run stands. ``duration`` is in
    seconds, from START's eventTime to the terminal event's; None where either is missing. ``inputs`` and
    ``outputs`` are those of all its events. ``error`` is there where an errorMessage facet came.
    """

    def __init__(self, folded: FoldedRun, events: Sequence[Event], findings: Sequence[Finding]) -> None:
        facts = folded.facts
        self.id = folded.run_id
        self.events = list(events)
        self.findings = findings
        self.states = [fact.event_type for fact in folded.events]
        self.state = run_cycle.state_of(facts)
        self.started_at = run_cycle.moment(run_cycle.started_at(facts))
        self.ended_at = run_cycle.moment(run_cycle.ended_at(facts))
        length = run_cycle.duration(facts)
        self.duration = None if length is None else length.total_seconds()
        self.job = next((event.job for event in self.events if event.job is not None), None)
        self.inputs = list(dict.fromkeys(dataset for event in self.events for dataset in event.inputs))
        self.outputs = list(dict.fromkeys(dataset for event in self.events for dataset in event.outputs))

    @property
    def parent(self) -> Parent | None:
        facet = self._latest("parent")
        if facet is None:
            return None
        run, job = _object(facet.get("run")), _object(facet.get("job"))
        namespace, name = _text(job.get("namespace")), _text(job.get("name"))
        named = namespace is not None and name is not None
        return Parent(_text(run.get("runId")), JobId(namespace or "", name or "") if named else None)

    @property
    def error(self) -> RunError | None:
        facet = self._latest("errorMessage")
        if facet is None:
            return None
        return RunError(
            _text(facet.get("message")), _text(facet.get("programmingLanguage")), _text(facet.get("stackTrace"))
        )

    def _latest(self, key: str) -> Mapping[str, Any] | None:
        for event in reversed(self.events):
            facet = event.run_facets.get(key)
            if isinstance(facet, dict):
                return facet
        return None

    def __repr__(self) -> str:
        states = ", ".join(str(state) for state in self.states)
        job = f"{self.job.namespace} / {self.job.name}" if self.job else "no job"
        return f"<Run {self.id} of {job}: {states}>"


class Edge(NamedTuple):
    """Data flows from ``source`` to ``target``: a dataset into a job, or a job into a dataset."""

    source: JobId | DatasetId
    target: JobId | DatasetId


class ColumnEdge(NamedTuple):
    """``target`` is made of ``source``; a column is ((namespace, name), column), its name empty for a whole dataset."""

    source: Column
    target: Column


@dataclass(frozen=True)
class LineageGraph:
    """What the events say of jobs, datasets and columns, in order of appearance."""

    jobs: Sequence[JobId]
    datasets: Sequence[DatasetId]
    edges: Sequence[Edge]
    column_edges: Sequence[ColumnEdge]


def graph_of(lineage: Lineage | None) -> LineageGraph:
    if lineage is None:
        return LineageGraph((), (), (), ())
    edges = [
        edge
        for job in lineage.jobs.values()
        for edge in (
            *(Edge(dataset, job.id) for dataset in job.inputs),
            *(Edge(job.id, dataset) for dataset in job.outputs),
        )
    ]
    columns = [ColumnEdge(source, column) for column, sources in lineage.columns.items() for source in sources]
    return LineageGraph(list(lineage.jobs), list(lineage.datasets), edges, columns)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
