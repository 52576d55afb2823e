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
from mock_intake.intake import unrecorded
from mock_intake.journal import JournalError
from mock_intake.masking import keys_in, masker_of
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
        with self._reception.arriving():
            await self._take(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, given_up = await read_request(scope, receive, MAX_BODY)
        settings = self._settings
        masker = masker_of(request.headers, request.query, settings.keys)
        if request.path != AGENT_PATH:
            finding = misdirected_to_agent(masker.path(request.path))
            await self._refuse(request, 404, finding, scope, receive, send)
            return
        off = settings.off
        if off is not None:
            finding = rules.AGENT_OFF.found("request", off, expected="a forwarder that is on", actual=off)
            await self._refuse(request, 500, finding, scope, receive, send, text=off)
            return
        hop = Hop(request.path, masker.query(request.query), masker.headers(request.headers), request.peer)
        sent_on = forwarded(request, settings)
        if request.complete and not request.too_large:
            self._send_to_others(sent_on)
        target = None
        if settings.dd_url is not None:
            target = Target(endpoint_url(settings.dd_url, settings.query), settings.api_key)
        # The producer's key is in the headers no more, and may be in the body all the same.
        secrets = keys_in(request.headers, request.query) | settings.keys
        exchange, taken = await self._reception.take(sent_on, hop, target, secrets)
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
        text: str | None = None,
    ) -> None:
        exchange = self._reception.intake.refuse(request, status, finding, text=text, secrets=self._settings.keys)
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
