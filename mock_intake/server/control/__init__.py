"""The control API under ``/api/mock/v1/``: what is on record, as JSON.

Listings are newest first, take ``limit`` and ``cursor``, and say how much retention has dropped. ``ENDPOINTS`` is
the whole of it: routes, checks of queries, OpenAPI and the reference page are made from this table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from mock_intake.faults import Faults
from mock_intake.journal import Journal
from mock_intake.server.access import Access
from mock_intake.server.answers import answer, failure
from mock_intake.server.bell import Bell
from mock_intake.server.control import folded, moving, plans, records
from mock_intake.server.control.endpoints import PREFIX, Call, Endpoint
from mock_intake.views import Views


async def _openapi(_control: Control, _call: Call) -> Response:
    from mock_intake.server.control.openapi import document

    return answer(document(ENDPOINTS))


ENDPOINTS: tuple[Endpoint, ...] = (
    *records.ENDPOINTS,
    *folded.ENDPOINTS,
    *plans.ENDPOINTS,
    *moving.ENDPOINTS,
    Endpoint("GET", "/openapi.json", "openapi", "This API, as OpenAPI.", _openapi, "OpenApi"),
)


class _Anything(Convertor[str]):
    """The rest of a path, whatever it holds: producers choose ids with slashes and line breaks too."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


class Control:
    """The control API over one journal, with its views and fault plans."""

    def __init__(self, journal: Journal, views: Views, faults: Faults, access: Access, bell: Bell) -> None:
        self.journal = journal
        self.views = views
        self.faults = faults
        self.access = access
        self.bell = bell
        # How many requests are waiting for something to come in.
        self.waiting = 0
        # One import at a time: each looks first which exchanges are there already.
        self.importing = asyncio.Lock()

    def routes(self) -> list[Route]:
        routes = [self._route(endpoint) for endpoint in ENDPOINTS]
        return [*routes, Route(PREFIX + "/{rest:anything}", _Elsewhere(self.access, routes))]

    def _route(self, endpoint: Endpoint) -> Route:
        async def serve(request: Request) -> Response:
            return await endpoint.serve(self, request)

        served: Callable[[Request], Awaitable[Response]] = serve
        path = PREFIX + endpoint.path
        pattern = path.replace("{id}", "{id:anything}") if endpoint.any_id else path
        route = Route(pattern, served, methods=[endpoint.method], name=endpoint.name)
        route.path = path
        return route

    def listing(self, name: str, items: list[dict[str, Any]], following: int | None, **more: Any) -> Response:
        """A page of a listing, with the cursor of the next and the count of what retention dropped."""
        cursor = None if following is None else str(following)
        return answer({name: items, **more, "next": cursor, "dropped": self.journal.dropped})

    def dropped_hint(self) -> str:
        dropped = self.journal.dropped
        return f" Retention has dropped {dropped} exchanges; it may have been among them." if dropped else ""


class _Elsewhere:
    """Answers what the control API does not have: other paths, and other methods of its own."""

    def __init__(self, access: Access, routes: list[Route]) -> None:
        self._access = access
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        await (self._access.refusal(request) or self._answer(request))(scope, receive, send)

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


__all__ = ["ENDPOINTS", "PREFIX", "Control"]
