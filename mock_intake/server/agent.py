"""The Datadog Agent's OpenLineage proxy, as an ASGI app on a port of its own."""

from __future__ import annotations

import asyncio

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
from mock_intake.exchange import Exchange, Hop, ReceivedRequest, Response
from mock_intake.faults import Taken
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
        self._reception.reading += 1
        try:
            exchange, taken, close = await self._take(scope, receive)
        finally:
            self._reception.reading -= 1
        if taken is not None and taken.step is not None and taken.step.name in _BROKEN:
            if taken.delay:
                await asyncio.sleep(taken.delay)
            exchange, taken = exchange._replace(response=Response(_BAD_GATEWAY, (), b"")), None
        await answer(exchange, taken, scope, receive, send, close=close)

    async def _take(self, scope: Scope, receive: Receive) -> tuple[Exchange, Taken | None, bool]:
        """The exchange of a request, on record; the fault step that it took; whether its connection is to end."""
        request, given_up = await read_request(scope, receive, MAX_BODY)
        settings = self._settings
        masker = masker_of(request.headers, request.query, settings.keys)
        if request.path != AGENT_PATH:
            finding = misdirected_to_agent(masker.path(request.path))
            return await self._refused(request, 404, finding), None, not request.complete
        off = settings.off
        if off is not None:
            finding = rules.AGENT_OFF.found("request", off, expected="a forwarder that is on", actual=off)
            return await self._refused(request, 500, finding, off), None, not request.complete
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
            return exchange, None, True
        return exchange, taken, given_up

    async def _refused(
        self, request: ReceivedRequest, status: int, finding: Finding, text: str | None = None
    ) -> Exchange:
        exchange = self._reception.intake.refuse(request, status, finding, text=text, secrets=self._settings.keys)
        try:
            await self._reception.recorder.record(exchange)
        except JournalError as error:
            return unrecorded(exchange, str(error))
        return exchange

    def _send_to_others(self, request: ReceivedRequest) -> None:
        """Sends to the additional endpoints too; their answers are dropped, as the Agent drops them."""
        for where, keys in self._settings.additional_endpoints.items():
            for key in keys:
                target = Target(endpoint_url(where, self._settings.query), key)
                send = self._reception.forwarder.send(target, request.headers, request.body)
                task = asyncio.get_running_loop().create_task(send)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
