"""What happens to a request once it is read: judged, faulted, sent on if asked, put on record.

Shared by the intake's own endpoint and by the Agent's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import Receive, Scope, Send

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.exchange import LATE, NO_ANSWER, Exchange, Headers, Hop, ReceivedRequest, Response, encode_headers
from mock_intake.faults import BODILESS, Faults, RequestFacts, Taken, apply
from mock_intake.intake import Intake, unrecorded
from mock_intake.journal import JournalError
from mock_intake.server.forward import Forwarder, Target
from mock_intake.server.misbehaviour import ANSWER, abort, carry_out
from mock_intake.server.recorder import Recorder

# The headers that the intake's own answers have.
_OWN = frozenset(("content-type", "allow", "retry-after"))


@dataclass
class _UnderWay:
    """An event with attempts on their way to the record: how many there were before, how many have come since, how many
    of those are open.

    ``before`` is None where no fault plan has asked.
    """

    before: int | None
    since: int = 0
    open: int = 0


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
        self._under_way: dict[str, _UnderWay] = {}
        self.reading = 0
        """How many requests have begun to arrive and are not on record yet: endpoints count them."""

    async def take(
        self,
        request: ReceivedRequest,
        hop: Hop | None = None,
        target: Target | None = None,
        secrets: frozenset[str] = frozenset(),
    ) -> tuple[Exchange, Taken | None]:
        """The exchange of a request, on record when this returns, and the fault step that it took.

        ``secrets`` are keys that are masked beside those that the request carries.
        """
        target = target or self._target
        if target is not None and target.api_key is not None:
            secrets |= {target.api_key}
        exchange = self.intake.receive(request, secrets)
        if hop is not None:
            exchange = exchange._replace(hop=hop)
        try:
            taken = self._fault(exchange)
            if taken is not None and taken.step is not None:
                exchange = apply(exchange, taken.step)
            elif taken is not None and taken.delay:
                exchange = exchange._replace(fault=LATE)
            if target is not None and exchange.accepted and (exchange.fault == LATE or not exchange.answer_lost):
                exchange = await self._sent_on(exchange, request, target)
            if exchange.event is not None and self.recorder.waits:
                await self._record_attempt(exchange, exchange.event.id)
            elif (recording := self.recorder.begin(exchange)) is not None:
                await recording
        except JournalError as error:
            return unrecorded(exchange, str(error)), None
        return exchange, taken

    async def _sent_on(self, exchange: Exchange, request: ReceivedRequest, target: Target) -> Exchange:
        """An exchange with the answer that the other side gives to the event."""
        try:
            response = await self.forwarder.send(target, request.headers, request.body)
        except asyncio.CancelledError:
            # The server ends before the other side has answered: there is no answer, and a request all the same.
            self.recorder.record_soon(exchange._replace(response=Response(NO_ANSWER, (), b""), accepted=False))
            raise
        return exchange._replace(response=response, accepted=200 <= response.status_code < 300)

    async def _record_attempt(self, exchange: Exchange, event_id: str) -> None:
        """Puts an attempt on record, and counts it until it is: others of the same event may be under way with it."""
        under_way = self._under_way.get(event_id)
        if under_way is None:
            before = self._attempts(event_id) if self._faults.any else None
            under_way = self._under_way[event_id] = _UnderWay(before)
        under_way.since += 1
        under_way.open += 1
        try:
            await self.recorder.record(exchange)
        finally:
            under_way.open -= 1
            if not under_way.open:
                del self._under_way[event_id]

    def _fault(self, exchange: Exchange) -> Taken | None:
        """The step of the fault plan that the exchange takes.

        Any POST to the endpoint does, whatever its key, if it has arrived to its end: a step is for a client that
        waits for an answer.
        """
        request = exchange.request
        if request.method != "POST" or request.path != INTAKE_PATH or not request.complete or not self._faults.any:
            return None
        event = exchange.event
        facts = RequestFacts()
        if event is not None:
            under_way = self._under_way.get(event.id)
            if under_way is None:
                before = self._attempts(event.id)
            elif under_way.before is None:  # the plan came in between
                before = self._attempts(event.id) + under_way.open
            else:
                before = under_way.before + under_way.since
            facts = RequestFacts(event.event_type, event.job_name, before + 1)
        return self._faults.take(exchange.org, facts)

    async def close(self) -> None:
        await self.forwarder.close()


async def answer(
    exchange: Exchange, taken: Taken | None, scope: Scope, receive: Receive, send: Send, *, close: bool = False
) -> None:
    """Answers an exchange, late and in the way that the fault step says."""
    if taken is not None:
        try:
            if taken.delay:
                await asyncio.sleep(taken.delay)
            if taken.step is not None and await carry_out(taken.step, exchange, scope, receive, send):
                return
        except asyncio.CancelledError:
            # The server stops: an answer that was never to come must not be made up now.
            abort(scope)
            raise
    response = exchange.response
    bodiless = response.status_code in BODILESS
    if ANSWER in scope.get("extensions", ()) and not bodiless and (lines := _lines(response.headers)) is not None:
        lines += b"content-length: %d\r\n" % len(response.body)
        await send(
            {"type": ANSWER, "status": response.status_code, "lines": lines, "body": response.body, "close": close}
        )
        return
    headers = list(response.headers)
    if not bodiless and not any(name.lower() == "content-length" for name, _ in headers):
        headers.append(("content-length", str(len(response.body))))
    if close:
        headers.append(("connection", "close"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": encode_headers(headers)})
    await send({"type": "http.response.body", "body": b"" if bodiless else response.body})


@lru_cache(maxsize=64)
def _lines(headers: Headers) -> bytes | None:
    """Headers as they go over the wire; None where there may be one that needs a look: from a plan, or a target."""
    if not all(name in _OWN for name, _ in headers):
        return None
    return b"".join(name + b": " + value + b"\r\n" for name, value in encode_headers(headers))
