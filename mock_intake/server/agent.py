"""The Datadog Agent's OpenLineage proxy, as an ASGI app on a port of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from mock_intake.datadog import requests as rules
from mock_intake.datadog.agent import (
    MAX_BODY,
    AgentSettings,
    endpoint_url,
    forwarded,
    misdirected_to_agent,
)
from mock_intake.datadog.sites import AGENT_PATH
from mock_intake.exchange import Hop, ReceivedRequest, Response
from mock_intake.findings import Finding
from mock_intake.intake import refused, unrecorded
from mock_intake.journal import JournalError
from mock_intake.masking import masker_of
from mock_intake.server.endpoint import read_request
from mock_intake.server.forward import Target
from mock_intake.server.reception import Reception, answer

# Steps that break the connection to the intake: the Agent, being between, answers this to the producer.
_BROKEN = ("close", "reset", "lost", "garbage")
_BAD_GATEWAY = 502


class AgentEndpoint:
    """Takes what producers send to the Agent, and has it received by the intake as the Agent sends it on."""

    def __init__(self, reception: Reception, settings: AgentSettings) -> None:
        self._reception = reception
        self._settings = settings
        self._tasks: set[asyncio.Task[Response]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, given_up = await read_request(scope, receive, MAX_BODY)
        settings = self._settings
        masked = _masked(request)
        if request.path != AGENT_PATH:
            await self._refuse(masked, 404, misdirected_to_agent(masked.path), scope, receive, send)
            return
        off = settings.off
        if off is not None:
            finding = rules.AGENT_OFF.found("request", off, expected="a forwarder that is on", actual=off)
            await self._refuse(masked, 500, finding, scope, receive, send, body=off)
            return
        hop = Hop(masked.path, masked.query, masked.headers, masked.peer)
        sent_on = forwarded(request, settings)
        self._send_to_others(sent_on)
        target = None
        if settings.dd_url is not None:
            target = Target(endpoint_url(settings.dd_url, settings.query), settings.api_key)
        exchange, taken = await self._reception.take(sent_on, hop, target)
        if not request.complete:
            await answer(exchange, None, scope, receive, send, close=True)
            return
        if taken is not None and taken.step is not None and taken.step.name in _BROKEN:
            if taken.delay:
                await asyncio.sleep(taken.delay)
            exchange, taken = replace(exchange, response=Response(_BAD_GATEWAY, (), b"")), None
        await answer(exchange, taken, scope, receive, send, close=given_up)

    async def _refuse(
        self,
        request: ReceivedRequest,
        status: int,
        finding: Finding,
        scope: Scope,
        receive: Receive,
        send: Send,
        body: str | None = None,
    ) -> None:
        exchange = refused(request, status, finding, body)
        try:
            await self._reception.recorder.record(exchange)
        except JournalError as error:
            exchange = unrecorded(exchange, str(error))
        await answer(exchange, None, scope, receive, send, close=not request.complete)

    def _send_to_others(self, request: ReceivedRequest) -> None:
        """Sends to the additional endpoints too; their answers are dropped, as the Agent drops them."""
        for where, keys in self._settings.additional_endpoints.items():
            for key in keys:
                target = Target(endpoint_url(where, self._settings.query), key)
                send = self._reception.forwarder.send(target, request.headers, request.body)
                task = asyncio.get_running_loop().create_task(send)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)


def _masked(request: ReceivedRequest) -> ReceivedRequest:
    masker = masker_of(request.headers, request.query)
    return replace(
        request,
        headers=masker.headers(request.headers),
        query=masker.query(request.query),
        path=masker.path(request.path),
        body=masker.body(request.body),
    )
