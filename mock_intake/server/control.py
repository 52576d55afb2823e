"""The control API under ``/api/mock/v1/``: what is on record, as JSON.

Listings are newest first, take ``limit`` and ``cursor``, and say how much retention has dropped.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mock_intake.decoding import decode
from mock_intake.exchange import Exchange, header, rfc3339
from mock_intake.faults import FaultError, Faults, Plan, parse_plan
from mock_intake.findings import Status
from mock_intake.journal import EventFilter, EventRecord, ExchangeFilter, Journal
from mock_intake.parsing import ParseError, parse
from mock_intake.server.access import Access
from mock_intake.server.answers import answer, failure
from mock_intake.views import Views, run_to_dict

PREFIX = "/api/mock/v1"
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_MAX_DECODED = 1 << 30

Handler = Callable[["Control", Request], Response]
_PAGING = ("limit", "cursor")


class BadQueryError(ValueError):
    """A query that cannot be answered; the message says what would be right."""


def _handler(handler: Handler) -> Callable[[Control, Request], Awaitable[Response]]:
    @functools.wraps(handler)
    async def handle(self: Control, request: Request) -> Response:
        refusal = self.access.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return handler(self, request)
        except BadQueryError as error:
            return failure(400, str(error))

    return handle


class Control:
    """The handlers of the control API, over one journal."""

    def __init__(self, journal: Journal, views: Views, faults: Faults, access: Access) -> None:
        self.journal = journal
        self.views = views
        self.plans = faults
        self.access = access

    def routes(self) -> list[Route]:
        return [
            Route(f"{PREFIX}/exchanges", self.exchanges, methods=["GET"]),
            Route(f"{PREFIX}/exchanges", self.forget, methods=["DELETE"]),
            Route(f"{PREFIX}/exchanges/{{id}}", self.exchange, methods=["GET"]),
            Route(f"{PREFIX}/events", self.events, methods=["GET"]),
            Route(f"{PREFIX}/events/{{id}}", self.event, methods=["GET"]),
            Route(f"{PREFIX}/runs", self.runs, methods=["GET"]),
            Route(f"{PREFIX}/runs/{{id}}", self.run, methods=["GET"]),
            Route(f"{PREFIX}/findings", self.findings, methods=["GET"]),
            Route(f"{PREFIX}/faults", self.faults, methods=["GET"]),
            Route(f"{PREFIX}/faults", self.set_faults, methods=["PUT"]),
            Route(f"{PREFIX}/faults", self.end_faults, methods=["DELETE"]),
            Route(PREFIX + "/{rest:path}", self.unknown),
        ]

    @_handler
    def exchanges(self, request: Request) -> Response:
        query = _query(request, "org", "event_id", "body", *_PAGING)
        limit, before = _paging(query)
        which = ExchangeFilter(org=query.get("org"), event_id=query.get("event_id"))
        page = self.journal.exchanges(which, limit, before)
        with_body = query.get("body") in ("1", "true")
        listed = [_with_body(exchange) if with_body else exchange.to_dict() for exchange in page.items]
        return self._listing("exchanges", listed, page.next)

    @_handler
    def exchange(self, request: Request) -> Response:
        found = self.journal.exchange(request.path_params["id"])
        if found is None:
            return failure(404, f"No exchange {request.path_params['id']} is on record.{self._dropped_hint()}")
        return answer({**_with_body(found), "raw": decoded_text(found)})

    @_handler
    def events(self, request: Request) -> Response:
        names = [field.name for field in fields(EventFilter)]
        query = _query(request, *names, *_PAGING)
        limit, before = _paging(query)
        wanted: dict[str, Any] = {name: query[name] for name in names if name in query}
        if "status" in wanted:
            wanted["status"] = _status(wanted["status"])
        page = self.journal.events(EventFilter(**wanted), limit, before)
        return self._listing("events", [record.to_dict() for record in page.items], page.next)

    @_handler
    def event(self, request: Request) -> Response:
        record = self.journal.event(request.path_params["id"])
        if record is None:
            return failure(404, f"No event {request.path_params['id']} is on record.{self._dropped_hint()}")
        return answer(self._whole_event(record))

    def _whole_event(self, record: EventRecord) -> dict[str, Any]:
        exchange = self.journal.exchange(record.exchange_id)
        body = None if exchange is None else parsed_body(exchange)
        raw = None if exchange is None else decoded_text(exchange)
        return {**record.to_dict(), "body": body, "raw": raw}

    @_handler
    def runs(self, request: Request) -> Response:
        query = _query(request, "org", "closed", *_PAGING)
        limit, skip = _paging(query)
        closed = query.get("closed") in ("1", "true")
        runs = self.views.runs(query.get("org"))
        # Runs move to the front as events come in, so their cursor is a count, not a position.
        part = runs[skip or 0 :][:limit]
        following = (skip or 0) + limit
        listed = [run_to_dict(run, self.views.run_findings(run, closed=closed)) for run in part]
        return self._listing("runs", listed, following if following < len(runs) else None)

    @_handler
    def run(self, request: Request) -> Response:
        query = _query(request, "org", "closed")
        closed = query.get("closed") in ("1", "true")
        wanted = request.path_params["id"]
        for run in self.views.runs(query.get("org")):
            if wanted in (run.run_id, "latest"):
                return answer(run_to_dict(run, self.views.run_findings(run, closed=closed)))
        return failure(404, f"No event of a run {wanted} is on record.{self._dropped_hint()}")

    @_handler
    def findings(self, request: Request) -> Response:
        """Findings of exchanges by page; those of runs and datasets, which are over all of them, with every page."""
        query = _query(request, "org", "closed", *_PAGING)
        limit, before = _paging(query)
        org = query.get("org")
        closed = query.get("closed") in ("1", "true")
        page = self.journal.exchanges(ExchangeFilter(org=org), limit, before)
        listed = [
            {**finding.to_dict(), **_origin(exchange)} for exchange in page.items for finding in exchange.findings
        ]
        runs = [
            {**finding.to_dict(), "run_id": run.run_id, "org": run.org}
            for run in self.views.runs(org)
            for finding in self.views.run_findings(run, closed=closed)
        ]
        datasets = [finding.to_dict() for finding in self.views.dataset_findings(org)]
        return self._listing("findings", listed, page.next, run_findings=runs, dataset_findings=datasets)

    @_handler
    def forget(self, request: Request) -> Response:
        query = _query(request, "org")
        return answer({"forgotten": self.journal.forget(query.get("org"))})

    @_handler
    def faults(self, request: Request) -> Response:
        query = _query(request, "org")
        state = self.plans.state(query.get("org"))
        return answer(state or {**Plan(org=query.get("org")).to_dict(), "taken": 0, "left": [], "active": False})

    async def set_faults(self, request: Request) -> Response:
        refusal = self.access.refusal(request)
        if refusal is not None:
            return refusal
        try:
            plan = parse_plan(parse(await request.body()).value)
        except (ParseError, FaultError) as error:
            return failure(400, f"{error}.")
        self.plans.set(plan)
        return answer(self.plans.state(plan.org))

    @_handler
    def end_faults(self, request: Request) -> Response:
        query = _query(request, "org")
        self.plans.clear(query.get("org"), everything="org" not in query)
        return answer({"active": False})

    @_handler
    def unknown(self, request: Request) -> Response:
        return failure(404, f"The control API has no {request.method} {request.url.path}.")

    def _listing(self, name: str, items: list[dict[str, Any]], following: int | None, **more: Any) -> Response:
        cursor = None if following is None else str(following)
        return answer({name: items, **more, "next": cursor, "dropped": self.journal.dropped})

    def _dropped_hint(self) -> str:
        dropped = self.journal.dropped
        return f" Retention has dropped {dropped} exchanges; it may have been among them." if dropped else ""


def _origin(exchange: Exchange) -> dict[str, Any]:
    return {
        "exchange_id": exchange.id,
        "event_id": exchange.event.id if exchange.event else None,
        "org": exchange.org,
        "received_at": rfc3339(exchange.received_at),
    }


def _with_body(exchange: Exchange) -> dict[str, Any]:
    return {**exchange.to_dict(), "body": parsed_body(exchange)}


def decoded(exchange: Exchange) -> bytes | None:
    """The body of an exchange with its Content-Encoding undone; None if that cannot be."""
    encoding = header(exchange.request.headers, "content-encoding")
    try:
        return decode(exchange.request.body, encoding, _MAX_DECODED)
    except ValueError:
        return None


def decoded_text(exchange: Exchange) -> str | None:
    """The body as text, as it was received; what is no UTF-8 is shown in backslash escapes."""
    body = decoded(exchange)
    return None if body is None else body.decode("utf-8", "backslashreplace")


def parsed_body(exchange: Exchange) -> Any:
    """The body as a JSON value; None if it is none."""
    body = decoded(exchange)
    if body is None:
        return None
    try:
        return parse(body).value
    except ParseError:
        return None


def _query(request: Request, *known: str) -> dict[str, str]:
    query = dict(request.query_params)
    for name in query:
        if name not in known:
            raise BadQueryError(f"There is no parameter {name!r} here; there are {', '.join(known)}.")
    return query


def _paging(query: dict[str, str]) -> tuple[int, int | None]:
    return (
        _number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT) or DEFAULT_LIMIT,
        _number(query, "cursor", None, None),
    )


def _number(query: dict[str, str], name: str, default: int | None, largest: int | None) -> int | None:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 15 or (largest and not 0 < int(text) <= largest):
        wanted = f"a number from 1 to {largest}" if largest else "the value of next from the page before"
        raise BadQueryError(f"{name} is {wanted}, not {text[:30]!r}.")
    return int(text)


def _status(text: str) -> Status:
    try:
        return Status(text.lower())
    except ValueError:
        raise BadQueryError(f"status is one of {', '.join(Status)}, not {text[:30]!r}.") from None
