"""The intake's endpoint: reads a request off the wire, has it judged, puts it on record, answers.

The answer goes out after the exchange is on record, so a 2xx means that it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.types import Message, Receive, Scope, Send

from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.exchange import Exchange, Headers, ReceivedRequest, encode_headers, new_exchange_id
from mock_intake.faults import BODILESS, Faults, RequestFacts, Taken, apply
from mock_intake.intake import Intake
from mock_intake.server.misbehaviour import carry_out

Record = Callable[[Exchange], None]

# A client that is still sending hears an early answer as a broken pipe. So what is too large is read on for a
# while and thrown away, that the client may read why it was refused.
_DRAIN_LIMIT = 64 * 1024 * 1024


class IntakeEndpoint:
    """An ASGI app that takes every request that is meant for the intake, also those that go astray."""

    def __init__(self, intake: Intake, record: Record, faults: Faults, attempts: Callable[[str], int]) -> None:
        self._intake = intake
        self._record = record
        self._faults = faults
        self._attempts = attempts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received_at = datetime.now(UTC)
        body = _WireBody(self._intake.settings.max_body)
        await body.read(receive)
        request = _request(scope, body, received_at)
        exchange = self._intake.receive(request)
        taken = self._fault(exchange)
        if taken is not None and taken.step is not None:
            exchange = apply(exchange, taken.step)
        self._record(exchange)
        if not body.complete:
            return
        if taken is not None:
            if taken.delay:
                await asyncio.sleep(taken.delay)
            if taken.step is not None and await carry_out(taken.step, exchange, scope, receive, send):
                return
        await _answer(exchange, send, close=body.given_up)

    def _fault(self, exchange: Exchange) -> Taken | None:
        """The step of the fault plan that the exchange takes: any POST to the endpoint does, whatever its key."""
        if exchange.request.method != "POST" or exchange.request.path != INTAKE_PATH or not self._faults.any:
            return None
        event = exchange.event
        facts = RequestFacts()
        if event is not None:
            facts = RequestFacts(event.event_type, event.job_name, self._attempts(event.id) + 1)
        return self._faults.take(exchange.org, facts)


class _WireBody:
    """A body as it comes in: kept up to the limit, counted beyond it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = 0
        self.complete = True
        self.given_up = False

    async def read(self, receive: Receive) -> None:
        more = True
        while more:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                self.complete = False
                return
            chunk: bytes = message.get("body", b"")
            if self.size < self._limit:
                self._chunks.append(chunk[: self._limit - self.size])
            self.size += len(chunk)
            more = message.get("more_body", False)
            if more and self.size > self._limit + _DRAIN_LIMIT:
                self.given_up = True
                return

    @property
    def kept(self) -> bytes:
        return b"".join(self._chunks)


def _request(scope: Scope, body: _WireBody, received_at: datetime) -> ReceivedRequest:
    headers: Headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    client = scope.get("client")
    kept = body.kept
    return ReceivedRequest(
        id=new_exchange_id(),
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=kept,
        received_at=received_at,
        peer=f"{client[0]}:{client[1]}" if client else None,
        wire_size=body.size,
        too_large=body.size > len(kept),
        complete=body.complete,
    )


async def _answer(exchange: Exchange, send: Send, *, close: bool) -> None:
    response = exchange.response
    headers = list(response.headers)
    if response.status_code not in BODILESS:
        headers.append(("content-length", str(len(response.body))))
    if close:
        headers.append(("connection", "close"))
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": encode_headers(headers),
        }
    )
    await send({"type": "http.response.body", "body": b"" if response.status_code in BODILESS else response.body})
