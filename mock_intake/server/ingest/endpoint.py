"""The intake's endpoint: takes every request that is meant for the intake, also those that go astray."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from mock_intake.model.exchange import ReceivedRequest
from mock_intake.server.ingest.pipeline import Outcome, Pipeline


class IntakeEndpoint:
    """An ASGI app: has each request go through the pipeline as it is."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._pipeline.serve(scope, receive, send, self._take, self._pipeline.intake.settings.max_body)

    async def _take(self, request: ReceivedRequest) -> Outcome:
        exchange, taken = await self._pipeline.take(request)
        if request.complete:
            return Outcome(exchange, taken)
        # For a client that is still there: its framing was broken, or the server is about to end.
        return Outcome(exchange, None, close=True)
