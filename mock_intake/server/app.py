"""The ASGI app of the server: events go straight to their endpoint, all else by routes.

Those are loaded with the first request that needs them. Most servers of a test, or of a scenario, are sent events and
nothing else; and to load the control API takes as long as all that judges them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.server.ingest.endpoint import IntakeEndpoint

if TYPE_CHECKING:
    from starlette.applications import Starlette


class App:
    """Leads events to ``endpoint``, and all else to the routes that ``load`` gives (``mock_intake.server.routes``)."""

    def __init__(self, endpoint: IntakeEndpoint, load: Callable[[], Starlette]) -> None:
        self._endpoint = endpoint
        self._load = load

    @cached_property
    def routed(self) -> Starlette:
        """The app of all other paths."""
        return self._load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == INTAKE_PATH:
            await self._endpoint(scope, receive, send)
        else:
            await self.routed(scope, receive, send)
