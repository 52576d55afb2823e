"""The evidence of a suite report as parts of its page: executions with their requests and outputs, events, lineage."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mock_intake.findings import Status
from mock_intake.report.escaping import clipped, shown_lines
from mock_intake.report.graph import MOST_DRAWN, Graph, Node, drawing
from mock_intake.report.markup import Markup, definitions, element, folded, items, joined, scrolling, table
from mock_intake.report.suite import Execution, ProducerReport, SeenRequest
from mock_intake.report.suite_words import requests_in_words, seen_event, status_of_request
from mock_intake.report.timeline import answer_of, seconds, timeline

_MOST_REQUESTS = 200
_FEW_REQUESTS = 12
_MOST_EVENTS = 300
_MOST_LISTED = 500
_MOST_LETTERS = 8_000
_RANK = {Status.OK: 0, Status.WARNING: 1, Status.ERROR: 2}


# Executions.


def execution_id(producer: int, index: int) -> str:
    return f"execution/{producer + 1}/{index + 1}"


def executions_of(number: int, producer: ProducerReport) -> Markup:
    made = (_execution(execution_id(number, index), one) for index, one in enumerate(producer.executions))
    return joined(made) or element("p", "Nothing was executed.")


def _execution(identity: str, execution: Execution) -> Markup:
    code = "ended at the time limit" if execution.exit_code is None else str(execution.exit_code)
    facts = {
        "Command": element("code", shlex.join(execution.command)),
        "Exit code": code,
        "Ran for": seconds(execution.seconds),
        "Noted": joined(element("div", note) for note in execution.notes),
    }
    return element(
        "article",
        element("h4", f"{execution.scenario}: {execution.title}", id=identity),
        definitions(facts),
        timeline(execution),
        _requests(execution),
        _output("Standard output", execution.stdout),
        _output("Standard error", execution.stderr),
    )


def _requests(execution: Execution) -> Markup:
    requests = execution.requests
    if not requests:
        return element("p", "No request arrived.")
    head = ("At", "Request", "Answer", "Fault", "Event", "Status", "Size", "Headers and body")
    made = table(f"Requests of {execution.scenario}", head, map(_request, requests[:_MOST_REQUESTS]))
    more = _more(len(requests) - _MOST_REQUESTS, "requests")
    return folded(requests_in_words(execution), made, more, is_open=len(requests) <= _FEW_REQUESTS)


def _request(request: SeenRequest) -> list[str]:
    exchange = request.exchange
    event = seen_event(request)
    query = f"?{exchange['query']}" if exchange.get("query") else ""
    status = status_of_request(request)
    return [
        seconds(request.at),
        element("code", f"{exchange.get('method', '')} {exchange.get('path', '')}{query}"),
        answer_of(request),
        str(exchange.get("fault") or ""),
        f"{event.kind} {event.job}" if event else "",
        element("span", status, class_=status),
        f"{exchange.get('wire_size', 0)} B",
        folded("Show", *_inside(request)),
    ]


def _inside(request: SeenRequest) -> Iterable[Markup]:
    headers = "\n".join(f"{name}: {value}" for name, value in request.exchange.get("headers", {}).items())
    yield _pre(headers)
    hop = request.exchange.get("agent")
    if hop:
        yield element("p", "As the Agent received it:")
        yield _pre("\n".join(f"{name}: {value}" for name, value in hop["headers"].items()))
    yield _pre(_pretty(request.body)) if request.body else element("p", "No body that is text.", class_="sub")
    found = request.exchange.get("findings", ())
    yield items(f"{finding['code']} {finding['severity']}: {finding['message']}" for finding in found)


def _pretty(body: str) -> str:
    """JSON with indents, so that it can be read; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


def _pre(text: str) -> Markup:
    lines = shown_lines(clipped(text, _MOST_LETTERS)).split("\n")
    return element("pre", Markup("\n".join(joined([line]) for line in lines)))


def _output(title: str, text: str) -> Markup:
    return folded(title, _pre(text)) if text else Markup()


def _more(number: int, what: str) -> Markup:
    return element("p", f"... and {number} more {what}, in the JSON form.") if number > 0 else Markup()


# Events.


@dataclass
class _Heard:
    """An event over all executions: the first request with it, how often it was sent and taken."""

    request: SeenRequest
    scenarios: dict[str, None]
    sent: int = 0
    accepted: int = 0
    status: Status = Status.OK


def events_of(_number: int, producer: ProducerReport) -> Markup:
    heard: dict[str, _Heard] = {}
    for execution in producer.executions:
        for request in execution.requests:
            identity = request.exchange.get("event_id")
            if identity is not None:
                event = heard.setdefault(identity, _Heard(request, {}))
                event.scenarios[execution.scenario] = None
                event.sent += 1
                event.accepted += 200 <= (request.exchange.get("status_code") or 0) < 300
                event.status = max(event.status, status_of_request(request), key=_RANK.__getitem__)
    if not heard:
        return element("p", "No event arrived.")
    head = ("Event", "Job or dataset", "Run", "Event time", "Status", "Sent", "Accepted", "Scenarios")
    rows = map(_event, list(heard.values())[:_MOST_EVENTS])
    parts = [table("Events, each once", head, rows), _more(len(heard) - _MOST_EVENTS, "events")]
    left_out = sum(execution.requests_left_out for execution in producer.executions)
    if left_out:
        parts.append(element("p", f"Without the {left_out} requests that the executions leave out."))
    return joined(parts)


def _event(heard: _Heard) -> list[str]:
    event = seen_event(heard.request)
    known = (event.kind, event.job, event.run_id, event.event_time) if event else ("too large to show", "", "", "")
    status = element("span", heard.status, class_=heard.status)
    return [*known, status, str(heard.sent), str(heard.accepted), ", ".join(heard.scenarios)]


# Lineage.


def lineage_of(_number: int, producer: ProducerReport) -> Markup:
    """The graph twice: drawn where it is not too large, and as lists."""
    graph = Graph.of(producer.lineage)
    if not graph.nodes:
        return element("p", "No lineage: no accepted event named a job or dataset.")
    jobs = [node for node in graph.nodes if node.type == "job"]
    words = f"{len(jobs)} jobs, {len(graph.nodes) - len(jobs)} datasets, {len(graph.edges)} edges"
    if len(graph.nodes) > MOST_DRAWN:
        drawn = element("p", f"{words}: too many to be drawn.")
    else:
        drawn = scrolling(f"Lineage graph of {producer.name}", drawing(graph, f"Lineage: {words}"))
    parts = (drawn, folded("The same as lists", _jobs(graph, jobs), _datasets(producer), _columns(producer)))
    return joined([*parts, items(f"{found['code']}: {found['message']}" for found in _listed(producer, "findings"))])


def _listed(producer: ProducerReport, name: str) -> list[Any]:
    return list(producer.lineage.get(name, ()))


def _jobs(graph: Graph, jobs: list[Node]) -> Markup:
    reads: dict[Node, list[str]] = {job: [] for job in jobs}
    writes: dict[Node, list[str]] = {job: [] for job in jobs}
    for start, end in graph.edges:
        if end in reads:
            reads[end].append(_named(start))
        if start in writes:
            writes[start].append(_named(end))
    rows = ([_named(job), _stacked(reads[job]), _stacked(writes[job])] for job in jobs[:_MOST_LISTED])
    return joined(
        [table("Jobs", ("Job", "Reads", "Writes"), rows), _more(len(jobs) - _MOST_LISTED, "jobs")]
        if jobs
        else [element("p", "No jobs.")]
    )


def _named(node: Node) -> str:
    return f"{node.namespace} / {node.name}"


def _stacked(names: list[str]) -> Markup:
    return joined(element("div", name) for name in names) or Markup("nothing")


def _datasets(producer: ProducerReport) -> Markup:
    datasets = _listed(producer, "datasets")
    rows = (
        [
            f"{entry['namespace']} / {entry['name']}",
            str(entry.get("platform") or "none known: not shown by the product"),
            ", ".join(entry.get("columns", ())),
            " ".join(entry.get("issues", ())),
        ]
        for entry in datasets[:_MOST_LISTED]
    )
    head = ("Dataset", "Platform", "Columns", "Naming rules that it breaks")
    return (
        joined([table("Datasets", head, rows), _more(len(datasets) - _MOST_LISTED, "datasets")])
        if datasets
        else Markup()
    )


def _columns(producer: ProducerReport) -> Markup:
    edges = _listed(producer, "column_edges")
    rows = ([_column(edge["to"]), _column(edge["from"])] for edge in edges[:_MOST_LISTED])
    made = [table("Columns", ("Column", "Made of"), rows), _more(len(edges) - _MOST_LISTED, "edges between columns")]
    return joined(made) if edges else Markup()


def _column(reference: dict[str, str]) -> str:
    return f"{reference['namespace']} / {reference['name']} / {reference['field'] or 'the whole of it'}"
