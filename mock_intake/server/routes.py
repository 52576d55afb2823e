"""All of the server but the way of events, on one screen: which path leads where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_intake.journal import JournalError
from mock_intake.producers.paths import Addresses
from mock_intake.server.control import Control, routes
from mock_intake.server.ingest.endpoint import IntakeEndpoint
from mock_intake.server.ingest.pipeline import Pipeline
from mock_intake.server.latencies import Latencies
from mock_intake.server.limits import Descriptors
from mock_intake.server.metrics import PATH, Metrics, MetricsUnavailableError
from mock_intake.server.responses import answer, failure

AddressesOf: TypeAlias = Callable[[], Addresses | None]


def create_routes(
    endpoint: IntakeEndpoint,
    pipeline: Pipeline,
    control: Control,
    addresses: AddressesOf = lambda: None,
    descriptors: Descriptors | None = None,
    latencies: Latencies | None = None,
) -> Starlette:
    """The ASGI app of the control API, the pages, metrics, and checks of health and readiness.

    Every other path leads to the endpoint, which puts the request on record as misdirected; and so does what comes to
    the pages' paths and asks for no page. ``addresses`` is what the pages say of how to get here.
    """
    pages = LazyPages(pipeline, control, addresses, endpoint)
    app = Starlette(
        routes=[
            Route("/healthz", _health(descriptors)),
            Route("/readyz", _readiness(control)),
            Route(PATH, _metrics(control, Metrics(control.journal, control.faults, latencies or Latencies()))),
            *routes(control),
            Route("/", pages),
            Route("/mock", pages),
            Route("/mock/{rest:anything}", pages),
        ],
        # The exception itself goes on to whoever serves the request, and is told in the log there.
        exception_handlers={Exception: _failed},
    )
    app.router.redirect_slashes = False
    app.router.default = endpoint
    return app


class LazyPages:
    """The pages, loaded with the first look at them: most servers are never looked at."""

    def __init__(self, pipeline: Pipeline, control: Control, addresses: AddressesOf, elsewhere: IntakeEndpoint) -> None:
        self._parts = (pipeline, control, addresses, elsewhere)
        self._pages: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pages is None:
            from mock_intake.web import Pages, Sources

            pipeline, control, addresses, elsewhere = self._parts
            sources = Sources(control.journal, control.views, control.faults, pipeline.intake.settings, addresses)
            self._pages = Pages(sources, control.access, control.making, elsewhere)
        await self._pages(scope, receive, send)


def _failed(_request: Request, _error: Exception) -> Response:
    return failure(500, "mock-intake could not serve the request: a bug of its own, which its log tells of.")


def _metrics(control: Control, metrics: Metrics) -> Callable[[Request], Awaitable[Response]]:
    """Metrics are for whom the control API is."""

    async def serve(request: Request) -> Response:
        refusal = await control.access.answer_to(request)
        if refusal is not None:
            return refusal
        try:
            content, media = await control.workers.run(metrics.text, request.headers.get("accept", ""))
        except MetricsUnavailableError as error:
            return failure(501, str(error))
        except JournalError as error:
            return failure(503, str(error))
        return Response(content, headers={"content-type": media})

    return serve


def _health(descriptors: Descriptors | None) -> Callable[[Request], Awaitable[Response]]:
    async def healthz(_request: Request) -> Response:
        if descriptors is not None and descriptors.used_up:
            return answer({"status": "all descriptors are in use: nobody can connect"}, 503)
        return answer({"status": "ok"})

    return healthz


def _readiness(control: Control) -> Callable[[Request], Awaitable[Response]]:
    async def readyz(_request: Request) -> Response:
        """Whether events can be put on record: asked of the journal, for others to send them elsewhere if not."""
        try:
            await control.readiness.run(lambda: control.journal.position)
        except JournalError as error:
            response = answer({"status": str(error)}, 503)
            response.headers["retry-after"] = "1"
            return response
        return answer({"status": "ok"})

    return readyz
