"""The whole server on one screen: which path leads where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.paths import Addresses
from mock_intake.server.agent import AgentEndpoint
from mock_intake.server.answers import answer
from mock_intake.server.control import Control
from mock_intake.server.endpoint import IntakeEndpoint
from mock_intake.server.reception import Reception


def create_app(
    reception: Reception, control: Control, addresses: Callable[[], Addresses | None] = lambda: None
) -> Starlette:
    """The ASGI app: the intake's endpoint, the control API, the pages, and a health check.

    Every other path leads to the endpoint too, which puts the request on record as misdirected; and so does what
    comes to the pages' paths and asks for no page. ``addresses`` is what the pages tell of how to get here.
    """
    endpoint = IntakeEndpoint(reception)
    pages = LazyPages(reception, control, addresses, endpoint)
    app = _App(
        endpoint,
        routes=[
            Route("/healthz", healthz),
            *control.routes(),
            Route("/", pages),
            Route("/mock", pages),
            Route("/mock/{rest:anything}", pages),
        ],
    )
    app.router.redirect_slashes = False
    app.router.default = endpoint
    return app


class _App(Starlette):
    """Leads events straight to their endpoint, which needs none of what routes and middleware do, and takes time."""

    def __init__(self, endpoint: IntakeEndpoint, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes=routes)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == INTAKE_PATH:
            await self._endpoint(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class LazyPages:
    """The pages, loaded with the first look at them: most servers are never looked at."""

    def __init__(
        self,
        reception: Reception,
        control: Control,
        addresses: Callable[[], Addresses | None],
        elsewhere: IntakeEndpoint,
    ) -> None:
        self._parts = (reception, control, addresses, elsewhere)
        self._pages: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pages is None:
            from mock_intake.web import Pages, Sources

            reception, control, addresses, elsewhere = self._parts
            sources = Sources(control.journal, control.views, control.faults, reception.intake.settings, addresses)
            self._pages = Pages(sources, control.access, elsewhere)
        await self._pages(scope, receive, send)


def create_agent_app(reception: Reception, settings: AgentSettings) -> AgentEndpoint:
    """The ASGI app of the Agent's port: it has one endpoint, and knows what else may arrive there."""
    return AgentEndpoint(reception, settings)


async def healthz(_request: Request) -> Response:
    return answer({"status": "ok"})
