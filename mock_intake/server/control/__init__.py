"""The control API under ``/api/mock/v1/``: what is on record, as JSON.

Listings are newest first, take ``limit`` and ``cursor``, and say how much retention has dropped. ``ENDPOINTS`` is
the whole of it: routes, checks of queries, OpenAPI and the reference page are made from this table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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


class Control:
    """The control API over one journal, with its views and fault plans."""

    def __init__(self, journal: Journal, views: Views, faults: Faults, access: Access, bell: Bell) -> None:
        self.journal = journal
        self.views = views
        self.faults = faults
        self.access = access
        self.bell = bell

    def routes(self) -> list[Route]:
        routes = [
            Route(PREFIX + endpoint.path, self._served(endpoint), methods=[endpoint.method], name=endpoint.name)
            for endpoint in ENDPOINTS
        ]
        return [*routes, Route(PREFIX + "/{rest:path}", self._unknown)]

    def _served(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            return await endpoint.serve(self, request)

        return serve

    async def _unknown(self, request: Request) -> Response:
        refusal = self.access.refusal(request)
        if refusal is not None:
            return refusal
        return failure(404, f"The control API has no {request.method} {request.url.path}: see {PREFIX}/openapi.json.")

    def listing(self, name: str, items: list[dict[str, Any]], following: int | None, **more: Any) -> Response:
        """A page of a listing, with the cursor of the next and the count of what retention dropped."""
        cursor = None if following is None else str(following)
        return answer({name: items, **more, "next": cursor, "dropped": self.journal.dropped})

    def dropped_hint(self) -> str:
        dropped = self.journal.dropped
        return f" Retention has dropped {dropped} exchanges; it may have been among them." if dropped else ""


__all__ = ["ENDPOINTS", "PREFIX", "Control"]
