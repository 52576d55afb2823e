"""The evidence of a suite report, as its page shows it: requests of executions, events over all of them, lineage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from markupsafe import Markup

from mock_intake.model.findings import Status
from mock_intake.model.words import counted
from mock_intake.report.graph import MOST_NODES, drawing
from mock_intake.report.layout import Graph, Node
from mock_intake.report.suite import ProducerReport, SeenRequest
from mock_intake.report.suite_words import seen_event, status_of_request
from mock_intake.secrets.presenting import presented_json, presented_name

_RANK = {Status.OK: 0, Status.WARNING: 1, Status.ERROR: 2}


def execution_id(producer: int, index: int) -> str:
    """The id of an execution on the page; both are counted from 0."""
    return f"execution/{producer + 1}/{index + 1}"


def request_id(producer: int, execution: int, index: int) -> str:
    """The id of a request on the page, all counted from 0."""
    return f"request/{producer + 1}/{execution + 1}/{index + 1}"


def event_id(producer: int, number: int) -> str:
    """The id of an event on the page, both counted from 0."""
    return f"event/{producer + 1}/{number + 1}"


def run_id(producer: int, number: int) -> str:
    """The id of a run on the page, both counted from 0."""
    return f"run/{producer + 1}/{number + 1}"


def pretty(body: str) -> str:
    """JSON with indents, so that it can be read; anything else as it is. No secret is in it."""
    try:
        return presented_json(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return body


def request_line(request: SeenRequest) -> str:
    """Method, path and query of a request."""
    exchange = request.exchange
    query = f"?{exchange['query']}" if exchange.get("query") else ""
    return f"{exchange.get('method', '')} {exchange.get('path', '')}{query}"


def header_lines(headers: Mapping[str, str]) -> str:
    """Headers as they are sent, a line each."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


@dataclass
class SentEvent:
    """An event over all executions: the first request with it, how often it was sent and taken.

    ``place`` is where that request stands: the numbers of its execution and of itself, counted from 0. ``scenarios``
    are the ids of those in which the event came, in their order.
    """

    request: SeenRequest
    place: tuple[int, int]
    scenarios: dict[str, None]
    sent: int = 0
    accepted: int = 0
    status: Status = Status.OK

    @property
    def facts(self) -> tuple[str, str, str, str]:
        """What a reader knows it by: kind, job or dataset, run, event time."""
        return seen_event(self.request) or ("too large to show", "", "", "")


@dataclass
class SentEvents:
    """The events that a producer sent, by id, each once: run by run, in the order in which these first came."""

    events: dict[str, SentEvent]

    @property
    def runs(self) -> dict[str, list[SentEvent]]:
        """The events by run; those that are of none under an empty id."""
        runs: dict[str, list[SentEvent]] = {}
        for event in self.events.values():
            runs.setdefault(event.facts[2], []).append(event)
        return runs

    def number(self, event_id: str | None) -> int | None:
        """The number of an event, counted from 0; None where it is not among them."""
        return self._numbers.get(event_id or "")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {identity: number for number, identity in enumerate(self.events)}


def sent_by(producer: ProducerReport) -> SentEvents:
    """The events that a producer sent."""
    events: dict[str, SentEvent] = {}
    for number, execution in enumerate(producer.executions):
        for index, request in enumerate(execution.requests):
            identity = request.exchange.get("event_id")
            if identity is not None:
                event = events.setdefault(identity, SentEvent(request, (number, index), {}))
                event.scenarios[execution.scenario] = None
                event.sent += 1
                event.accepted += 200 <= (request.exchange.get("status_code") or 0) < 300
                event.status = max(event.status, status_of_request(request), key=_RANK.__getitem__)
    runs: dict[str, int] = {}
    of_run = {identity: runs.setdefault(event.facts[2], len(runs)) for identity, event in events.items()}
    return SentEvents(dict(sorted(events.items(), key=lambda one: of_run[one[0]])))


class Job(NamedTuple):
    """A job with the datasets that it reads and writes."""

    name: str
    reads: list[str]
    writes: list[str]


class LineageShown(NamedTuple):
    """A producer's lineage: a drawing, unless there is too much, and the same as lists.

    ``datasets``, ``column_edges`` and ``findings`` are those of the control API's form.
    """

    words: str
    drawing: Markup | None
    jobs: list[Job]
    datasets: Sequence[Any]
    column_edges: Sequence[Any]
    findings: Sequence[Any]


def lineage_of(producer: ProducerReport) -> LineageShown | None:
    """The lineage of a producer, or None where there is none."""
    graph = Graph.of(producer.lineage)
    if not graph.nodes:
        return None
    jobs = [node for node in graph.nodes if node.type == "job"]
    words = ", ".join(
        [counted(len(jobs), "job"), counted(len(graph.nodes) - len(jobs), "dataset"), counted(len(graph.edges), "edge")]
    )
    return LineageShown(
        words,
        None if len(graph.nodes) > MOST_NODES else drawing(graph, f"Lineage: {words}"),
        _jobs(graph, jobs),
        producer.lineage.get("datasets", ()),
        producer.lineage.get("column_edges", ()),
        producer.lineage.get("findings", ()),
    )


def _jobs(graph: Graph, jobs: list[Node]) -> list[Job]:
    made = {node: Job(_named(node), [], []) for node in jobs}
    for start, end in graph.edges:
        if end in made:
            made[end].reads.append(_named(start))
        if start in made:
            made[start].writes.append(_named(end))
    return list(made.values())


def _named(node: Node) -> str:
    return presented_name(node.namespace, node.name)
