"""What happens to a request once it is read: judged, faulted, sent on if asked, put on record.

Shared by the intake's own endpoint and by the Agent's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.exchange import Exchange, Hop, ReceivedRequest, encode_headers
from mock_intake.faults import BODILESS, Faults, RequestFacts, Taken, apply
from mock_intake.intake import Intake, unrecorded
from mock_intake.journal import JournalError
from mock_intake.server.forward import Forwarder, Target
from mock_intake.server.misbehaviour import carry_out
from mock_intake.server.recorder import Recorder


class Reception:
    """The one way of a request to the record. ``target``: where accepted events are sent on to, if anywhere."""

    def __init__(
        self,
        intake: Intake,
        recorder: Recorder,
        faults: Faults,
        attempts: Callable[[str], int],
        target: Target | None = None,
    ) -> None:
        self.intake = intake
        self.recorder = recorder
        self.forwarder = Forwarder()
        self._faults = faults
        self._attempts = attempts
        self._target = target

    async def take(
        self, request: ReceivedRequest, hop: Hop | None = None, target: Target | None = None
    ) -> tuple[Exchange, Taken | None]:
        """The exchange of a request, on record when this returns, and the fault step that it took."""
        exchange = self.intake.receive(request)
        if hop is not None:
            exchange = replace(exchange, hop=hop)
        taken = self._fault(exchange)
        if taken is not None and taken.step is not None:
            exchange = apply(exchange, taken.step)
        target = target or self._target
        if target is not None and exchange.accepted and not exchange.answer_lost:
            response = await self.forwarder.send(target, request.headers, request.body)
            taken_there = 200 <= response.status_code < 300
            exchange = replace(exchange, response=response, accepted=taken_there)
        try:
            await self.recorder.record(exchange)
        except JournalError as error:
            return unrecorded(exchange, str(error)), None
        return exchange, taken

    def _fault(self, exchange: Exchange) -> Taken | None:
        """The step of the fault plan that the exchange takes: any POST to the endpoint does, whatever its key."""
        if exchange.request.method != "POST" or exchange.request.path != INTAKE_PATH or not self._faults.any:
            return None
        event = exchange.event
        facts = RequestFacts()
        if event is not None:
            facts = RequestFacts(event.event_type, event.job_name, self._attempts(event.id) + 1)
        return self._faults.take(exchange.org, facts)

    async def close(self) -> None:
        await self.forwarder.close()


async def answer(
    exchange: Exchange, taken: Taken | None, scope: Scope, receive: Receive, send: Send, *, close: bool = False
) -> None:
    """Answers an exchange, late and in the way that the fault step says."""
    if taken is not None:
        if taken.delay:
            await asyncio.sleep(taken.delay)
        if taken.step is not None and await carry_out(taken.step, exchange, scope, receive, send):
            return
    response = exchange.response
    bodiless = response.status_code in BODILESS
    headers = list(response.headers)
    if not bodiless:
        headers.append(("content-length", str(len(response.body))))
    if close:
        headers.append(("connection", "close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": encode_headers(headers)})
    await send({"type": "http.response.body", "body": b"" if bodiless else response.body})
