"""What a test can ask about: events, runs, exchanges and lineage as values with short names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from mock_intake.body.shown import decoded_text, parsed_body
from mock_intake.journal import EventRecord
from mock_intake.model.accumulated import Accumulated, accumulate
from mock_intake.model.event import DatasetId, EventView, Role
from mock_intake.model.exchange import Exchange as KeptExchange
from mock_intake.model.exchange import joined
from mock_intake.model.findings import Finding, Selection, Status, status_of
from mock_intake.model.times import moment
from mock_intake.openlineage import run_cycle
from mock_intake.secrets.presenting import presented, presented_name
from mock_intake.views import Run as FoldedRun
from mock_intake.views.lineage import Column, JobId, Lineage
from mock_intake_pytest.renames import OF_EVENTS, OF_RUNS, check_attribute


class DatasetName(NamedTuple):
    """A dataset: a pair, so that tests compare it with plain ones."""

    namespace: str
    name: str

    def __repr__(self) -> str:
        return f"DatasetName(namespace={presented(self.namespace)!r}, name={presented(self.name)!r})"


class ColumnName(NamedTuple):
    """A column of a dataset; ``name`` is empty for the dataset as a whole."""

    dataset: DatasetName
    name: str


def _names(datasets: Iterable[DatasetId]) -> list[DatasetName]:
    return [DatasetName(*dataset) for dataset in datasets]


def _column(column: Column) -> ColumnName:
    return ColumnName(DatasetName(*column.dataset), column.name)


class Exchange:
    """One HTTP request that the producer made, and what it was answered.

    ``headers`` are in lower case with keys masked. ``status_code`` is None where no status was answered; ``fault``
    names the fault step that hit the request. ``attempt`` counts the requests with this very event, from 1; None
    where no event could be read. ``by_time`` if it is this test's because it came while the test was under way, as all
    tests share a key (``intake_scope = session``); else it came with the test's own.
    """

    def __init__(self, exchange: KeptExchange, attempt: int | None, *, by_time: bool = False) -> None:
        self.exchange = exchange
        self.by_time = by_time
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
        return parsed_body(self.exchange, exactly=True)

    def __repr__(self) -> str:
        answered = self.status_code or f"no answer ({self.fault or 'connection ended'})"
        return f"<Exchange {self.method} {presented(self.path)} -> {answered}>"


class Event:
    """An OpenLineage event that the intake took.

    ``event_type`` is the eventType, ``event_time`` the eventTime as sent; ``job`` is (namespace, name); ``inputs`` and
    ``outputs`` are (namespace, name) of datasets. ``status`` is what the product would show. ``attempts`` counts
    the requests that carried it. The body is there whole: ``event.body``, or ``event["run"]["facets"]``. ``by_time`` is
    as for exchanges.
    """

    def __init__(
        self, record: EventRecord, exchange: KeptExchange, selection: Selection, *, by_time: bool = False
    ) -> None:
        event = record.summary
        self.by_time = by_time
        self.id = event.id
        self.findings: Sequence[Finding] = selection.apply(record.findings)
        # The test may ignore what the intake was told to hear.
        self.status: Status = status_of(self.findings)
        self.kind = event.kind
        self.event_type = event.event_type
        self.event_time = event.event_time
        self.run_id = event.run_id
        named = event.job_namespace is not None and event.job_name is not None
        self.job = JobId(event.job_namespace or "", event.job_name or "") if named else None
        self.inputs = _names(event.inputs)
        self.outputs = _names(event.outputs)
        self.dataset = None if event.dataset is None else DatasetName(*event.dataset)
        self.producer = event.producer
        self.attempts = record.attempts
        self.received_at: datetime = record.received_at
        self._exchange = exchange

    @cached_property
    def body(self) -> dict[str, Any]:
        """The event as it was sent, parsed."""
        body = parsed_body(self._exchange, exactly=True)
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
        """The run's facets by key; empty where there are none."""
        return self._view.run_facets

    @property
    def job_facets(self) -> Mapping[str, Any]:
        """The job's facets by key; empty where there are none."""
        return self._view.job_facets

    def dataset_facets(self, name: str | tuple[str, str]) -> Mapping[str, Any]:
        """All facets of a dataset, by its name or by (namespace, name): as input, as output, and those of either role.

        Raises ``KeyError`` where there is no such dataset, and ``ValueError`` for a name that several have.
        """
        wanted = (None, name) if isinstance(name, str) else name
        found = [each for each in self._view.datasets if each.name == wanted[1] and wanted[0] in (None, each.namespace)]
        namespaces = list(dict.fromkeys(str(each.namespace) for each in found))
        if len(namespaces) > 1:
            raise ValueError(
                f"{presented(str(name))} names several datasets, in {', '.join(map(presented, namespaces))}: "
                "say (namespace, name)"
            )
        if not found:
            there = ", ".join(dict.fromkeys(presented(str(each.name)) for each in self._view.datasets)) or "none"
            raise KeyError(f"{presented(str(name))}; the event has {there}")
        merged: dict[str, Any] = {}
        for facets in (*(each.facets for each in found), *(each.role_facets for each in found)):
            # What is null, or no object at all, is no facet, and replaces none.
            merged.update({key: value for key, value in facets.items() if isinstance(value, dict) or key not in merged})
        return merged

    def __getitem__(self, key: str) -> Any:
        return self.body[key]

    def __repr__(self) -> str:
        return f"<Event {title_of(self)}>"

    if not TYPE_CHECKING:  # where it would let any name pass

        def __getattr__(self, name: str) -> Any:
            __tracebackhide__ = True
            check_attribute("event", name, OF_EVENTS)
            return super().__getattribute__(name)  # which raises what it should


def title_of(event: Event) -> str:
    """How ``event`` is called in messages: type, job or dataset, run, status."""
    words = [presented(event.event_type or event.kind or "no event")]
    if event.job is not None:
        words.append(presented_name(*event.job))
    elif event.dataset is not None:
        words.append(presented_name(*event.dataset))
    if event.run_id is not None:
        words.append(f"run {presented(event.run_id)}")
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
    ``outputs`` are those of all its events. ``error`` is there where an errorMessage facet came. Jobs that share a run
    id have a run each; ``jobs`` are all that the events name, several where the job changes, and ``job`` is the first.
    """

    def __init__(self, folded: FoldedRun, events: Sequence[Event], findings: Sequence[Finding]) -> None:
        self._facts = facts = folded.facts
        self.run_id = folded.run_id
        self.events = list(events)
        self.findings = findings
        self.states = [fact.event_type for fact in folded.events]
        self.state = run_cycle.state_of(facts)
        self.started_at = moment(run_cycle.started_at(facts))
        self.ended_at = moment(run_cycle.ended_at(facts))
        self.duration = run_cycle.seconds(facts)
        self.jobs = list(dict.fromkeys(event.job for event in self.events if event.job is not None))
        self.job = self.jobs[0] if self.jobs else None

    @cached_property
    def _facets(self) -> Accumulated:
        return accumulate((event.id, event.body) for event in self.events)

    def has_reached(self, state: str) -> bool:
        """Whether the run is in ``state`` or was in it before; an end is final, whatever came behind it."""
        return run_cycle.has_reached(self._facts, state)

    @cached_property
    def inputs(self) -> list[DatasetName]:
        """What the run read, in order of appearance."""
        return self._named("input")

    @cached_property
    def outputs(self) -> list[DatasetName]:
        """What the run wrote, in order of appearance."""
        return self._named("output")

    def _named(self, wanted: Role) -> list[DatasetName]:
        return _names(dataset for role, dataset in self._facets.datasets if role == wanted)

    @property
    def parent(self) -> Parent | None:
        """What the latest parent facet says; None where none came."""
        facet = self._latest("parent")
        if facet is None:
            return None
        run, job = _object(facet.get("run")), _object(facet.get("job"))
        namespace, name = _text(job.get("namespace")), _text(job.get("name"))
        named = namespace is not None and name is not None
        return Parent(_text(run.get("runId")), JobId(namespace or "", name or "") if named else None)

    @property
    def error(self) -> RunError | None:
        """What the latest errorMessage facet says; None where none came."""
        facet = self._latest("errorMessage")
        if facet is None:
            return None
        return RunError(
            _text(facet.get("message")), _text(facet.get("programmingLanguage")), _text(facet.get("stackTrace"))
        )

    def _latest(self, key: str) -> Mapping[str, Any] | None:
        facet = self._facets.run.get(key)
        return None if facet is None else facet.value

    def __repr__(self) -> str:
        states = ", ".join(str(state) for state in self.states)
        job = presented_name(*self.job) if self.job else "no job"
        return f"<Run {presented(self.run_id)} of {job}: {states}>"

    if not TYPE_CHECKING:  # where it would let any name pass

        def __getattr__(self, name: str) -> Any:
            __tracebackhide__ = True
            check_attribute("run", name, OF_RUNS)
            return super().__getattribute__(name)  # which raises what it should


class Edge(NamedTuple):
    """Data flows from ``source`` to ``target``: a dataset into a job, or a job into a dataset.

    What an explicit lineage facet says flows without a job between may lead from dataset to dataset, or job to job.
    """

    source: JobId | DatasetName
    target: JobId | DatasetName


class ColumnEdge(NamedTuple):
    """``target`` is made of ``source``; a column is ((namespace, name), column), its name empty for a whole dataset."""

    source: ColumnName
    target: ColumnName


class LineageGraph(Struct, frozen=True):
    """What the events say of jobs, datasets and columns, in order of appearance."""

    jobs: Sequence[JobId]
    datasets: Sequence[DatasetName]
    edges: Sequence[Edge]
    column_edges: Sequence[ColumnEdge]


def _node(node: JobId | DatasetId) -> JobId | DatasetName:
    return node if isinstance(node, JobId) else DatasetName(*node)


def graph_of(lineage: Lineage | None) -> LineageGraph:
    """``lineage`` as tests read it; an empty one for None."""
    if lineage is None:
        return LineageGraph((), (), (), ())
    edges = [
        edge
        for job in lineage.jobs.values()
        for edge in (
            *(Edge(dataset, job.id) for dataset in _names(job.inputs)),
            *(Edge(job.id, dataset) for dataset in _names(job.outputs)),
        )
    ]
    columns = [
        ColumnEdge(_column(source), _column(column))
        for column, sources in lineage.columns.items()
        for source in sources
    ]
    edges += [Edge(_node(source), _node(target)) for source, targets in lineage.flows.items() for target in targets]
    return LineageGraph(list(lineage.jobs), _names(lineage.datasets), edges, columns)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
