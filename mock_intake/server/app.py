"""The whole server on one screen: which path leads where."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mock_intake.datadog.agent import AgentSettings
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.server.agent import AgentEndpoint
from mock_intake.server.answers import answer
from mock_intake.server.control import Control
from mock_intake.server.endpoint import IntakeEndpoint
from mock_intake.server.reception import Reception


def create_app(reception: Reception, control: Control) -> Starlette:
    """The ASGI app: the intake's endpoint, the control API, and a health check.

    Every other path leads to the endpoint too, which puts the request on record as misdirected.
    """
    endpoint = IntakeEndpoint(reception)
    app = Starlette(
        routes=[
            Route(INTAKE_PATH, endpoint),
            Route("/healthz", healthz),
            *control.routes(),
        ]
    )
    app.router.redirect_slashes = False
    app.router.default = endpoint
    return app


def create_agent_app(reception: Reception, settings: AgentSettings) -> AgentEndpoint:
    """The ASGI app of the Agent's port: it has one endpoint, and knows what else may arrive there."""
    return AgentEndpoint(reception, settings)


async def healthz(_request: Request) -> Response:
    return answer({"status": "ok"})
