"""The whole server on one screen: which path leads where."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.faults import Faults
from mock_intake.intake import Intake
from mock_intake.journal import Journal
from mock_intake.server.access import Access
from mock_intake.server.answers import answer
from mock_intake.server.control import Control
from mock_intake.server.endpoint import IntakeEndpoint, Record
from mock_intake.views import Views


def create_app(
    intake: Intake, journal: Journal, record: Record, views: Views, faults: Faults, access: Access
) -> Starlette:
    """The ASGI app: the intake's endpoint, the control API, and a health check.

    Every other path leads to the endpoint too, which puts the request on record as misdirected.
    """
    endpoint = IntakeEndpoint(intake, record, faults, journal.attempts)
    app = Starlette(
        routes=[
            Route(INTAKE_PATH, endpoint),
            Route("/healthz", healthz, methods=["GET"]),
            *Control(journal, views, faults, access).routes(),
        ]
    )
    app.router.redirect_slashes = False
    app.router.default = endpoint
    return app


async def healthz(_request: Request) -> Response:
    return answer({"status": "ok"})
