"""The whole of the control API on one screen, and the routes that are made from it.

``ENDPOINTS`` is what everything else is made from: routes, checks of queries, OpenAPI and the reference page. All but
those that are marked ``on_loop`` are served in threads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from mock_intake.server.access import Access
from mock_intake.server.control import (
    events,
    exchanges,
    faults,
    findings,
    lineage,
    runs,
    statistics,
    stream,
    transfer,
    waiting,
)
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import (
    CLOSED,
    EVENT_PARAMETERS,
    ORG,
    PAGING,
    PREFIX,
    RUN_PARAMETERS,
    Body,
    Call,
    Endpoint,
    Parameter,
)
from mock_intake.server.control.openapi import document
from mock_intake.server.responses import answer, failure

_EXCHANGE_PARAMETERS = (
    ORG,
    Parameter("event_id", "Only attempts of this event."),
    Parameter("refused", "Only what was refused.", "flag"),
    Parameter("faulted", "Only what met a fault.", "flag"),
    Parameter("body", "With the parsed body of each.", "flag"),
)
_WHAT = Parameter("what", "Accepted events as received, or whole exchanges.", values=transfer.EXPORTED)
_LINES = "application/x-ndjson"
_WAIT = Body("Wait")
_PLAN = Body("FaultPlan")
_EXPORT = Body(
    "Lines", _LINES, transfer.MAX_IMPORT, "An import is at most {limit:,} bytes; split the file.", filed=True
)


def _openapi(_control: Control, _call: Call) -> Response:
    return answer(document(ENDPOINTS))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/events", "list_events", "Accepted events, the latest received first.",
             events.listing, "EventList", (*EVENT_PARAMETERS, *PAGING)),
    Endpoint("GET", "/events/{id}", "get_event", "One event with its body.",
             events.one, "WholeEvent", failures=(400, 404)),
    Endpoint("GET", "/exchanges", "list_exchanges", "All requests and what they were answered, the latest first.",
             exchanges.listing, "ExchangeList", (*_EXCHANGE_PARAMETERS, *PAGING)),
    Endpoint("GET", "/exchanges/{id}", "get_exchange", "One exchange with its body.",
             exchanges.one, "WholeExchange", failures=(400, 404)),
    Endpoint("DELETE", "/exchanges", "forget", "Takes the exchanges of an org, or all, off the record.",
             exchanges.forget, "Forgotten", (ORG,)),
    Endpoint("GET", "/runs", "list_runs", "Runs, the latest heard of first.",
             runs.listing, "RunList", (ORG, CLOSED, *PAGING)),
    Endpoint("GET", "/runs/{id}", "get_run", "One run; `latest` is the run heard of last.",
             runs.one, "WholeRun", RUN_PARAMETERS, failures=(400, 404), any_id=True),
    Endpoint("GET", "/jobs", "list_jobs", "Jobs, the latest new one first.",
             lineage.jobs, "JobList", (ORG, *PAGING)),
    Endpoint("GET", "/datasets", "list_datasets", "Datasets, the latest new one first.",
             lineage.datasets, "DatasetList", (ORG, *PAGING)),
    Endpoint("GET", "/lineage", "get_lineage", "Jobs, datasets and the edges between them and their columns.",
             lineage.whole, "Lineage", (ORG,)),
    Endpoint("GET", "/coverage", "list_coverage", "Facets by job: what came, what each produces, what is missing.",
             lineage.coverage, "CoverageList", (ORG, *PAGING)),
    Endpoint("GET", "/findings", "list_findings",
             "Findings of exchanges by page, and those of runs and datasets with every page.",
             findings.listing, "FindingList", (ORG, CLOSED, *PAGING)),
    Endpoint("GET", "/orgs", "list_orgs", "Orgs, the latest heard of first.", statistics.orgs, "OrgList"),
    Endpoint("GET", "/statistics", "get_statistics", "Counts of all, or of one org.",
             statistics.whole, "Statistics", (ORG,)),
    Endpoint("GET", "/faults", "get_faults", "The fault plan of all, or of an org, and its position.",
             faults.show, "Faults", (ORG,)),
    Endpoint("PUT", "/faults", "set_faults", "Sets a fault plan in place of the one before.",
             faults.set_plan, "Faults", (ORG,), _PLAN),
    Endpoint("DELETE", "/faults", "clear_faults", "Clears all fault plans, or that of one org.",
             faults.clear, "ClearedFaults", (ORG,)),
    Endpoint("POST", "/wait", "wait",
             "Waits until so many events, or a run in a state, are on record; 409 when time is up.",
             waiting.wait, "Waited", (ORG,), _WAIT, failures=(400, waiting.TIME_IS_UP), on_loop=True),
    Endpoint("GET", "/stream", "stream", "New exchanges as server-sent events.",
             stream.stream, "Stream", (ORG,), media=stream.MEDIA, on_loop=True),
    Endpoint("GET", "/export", "export", "Everything on record, oldest first, as lines of JSON.",
             transfer.export, "Lines", (ORG, _WHAT), media=_LINES),
    Endpoint("POST", "/import", "import", "Puts exported exchanges, also gzipped ones, on record.",
             transfer.import_, "Imported", (), _EXPORT, on_loop=True),
    Endpoint("GET", "/openapi.json", "openapi", "This API, as OpenAPI.", _openapi, "OpenApi"),
)  # fmt: skip


class _Anything(Convertor[str]):
    """The rest of a path, whatever it holds: producers choose ids with slashes and line breaks too."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def routes(control: Control) -> list[Route]:
    """A route for each endpoint, and one for all that the control API does not have."""
    made = [_route(control, endpoint) for endpoint in ENDPOINTS]
    return [*made, Route(PREFIX + "/{rest:anything}", _Elsewhere(control.access, made))]


def _route(control: Control, endpoint: Endpoint) -> Route:
    async def serve(request: Request) -> Response:
        return await endpoint.serve(control, request)

    served: Callable[[Request], Awaitable[Response]] = serve
    path = PREFIX + endpoint.path
    pattern = path.replace("{id}", "{id:anything}") if endpoint.any_id else path
    route = Route(pattern, served, methods=[endpoint.method], name=endpoint.name)
    route.path = path
    return route


class _Elsewhere:
    """Answers what the control API does not have: other paths, and other methods of its own."""

    def __init__(self, access: Access, routes: list[Route]) -> None:
        self._access = access
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        await (await self._access.answer_to(request) or self._answer(request))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        known = {
            method
            for route in self._routes
            if route.matches(request.scope)[0] is Match.PARTIAL
            for method in route.methods or ()
        }
        see = f"see {PREFIX}/openapi.json."
        if not known:
            return failure(404, f"The control API has no {path[:200]}: {see}")
        response = failure(405, f"{path[:200]} takes {', '.join(sorted(known))}, not {request.method}: {see}")
        response.headers["allow"] = ", ".join(sorted(known))
        return response
