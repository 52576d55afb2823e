"""The intake's endpoint: reads a request off the wire, has it judged, puts it on record, answers.

The answer goes out after the exchange is on record, so a 2xx means that it is.
"""

from __future__ import annotations

from datetime import datetime

from starlette.types import Message, Receive, Scope, Send

from mock_intake.clock import utc_now
from mock_intake.exchange import Headers, ReceivedRequest, new_exchange_id
from mock_intake.server.protocol import CUT
from mock_intake.server.reception import Reception, answer

# A client that is still sending hears an early answer as a broken pipe. So what is too large is read on for a
# while and thrown away, that the client may read why it was refused.
_DRAIN_LIMIT = 64 * 1024 * 1024


class IntakeEndpoint:
    """An ASGI app that takes every request that is meant for the intake, also those that go astray."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reception = self._reception
        reception.reading += 1
        try:
            request, given_up = await read_request(scope, receive, reception.intake.settings.max_body)
            exchange, taken = await reception.take(request)
        finally:
            reception.reading -= 1
        if request.complete:
            await answer(exchange, taken, scope, receive, send, close=given_up)
        else:
            # For a client that is still there: its framing was broken, or the server is about to end.
            await answer(exchange, None, scope, receive, send, close=True)


async def read_request(scope: Scope, receive: Receive, limit: int) -> tuple[ReceivedRequest, bool]:
    """A request read off the wire, its body kept up to the limit; and whether reading was given up."""
    received_at = utc_now()
    body = _WireBody(limit)
    while body.goes_on(await receive()):
        pass
    return _request(scope, body, received_at), body.given_up


class _WireBody:
    """A body as it comes in: kept up to the limit, counted beyond it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = 0
        self.complete = True
        self.given_up = False

    def goes_on(self, message: Message) -> bool:
        """Takes a part of the body; whether there are more to come, and to be read."""
        if message["type"] == "http.disconnect":
            self.complete = False
            return False
        chunk: bytes = message.get("body", b"")
        if self.size < self._limit:
            self._chunks.append(chunk[: self._limit - self.size])
        self.size += len(chunk)
        more: bool = message.get("more_body", False)
        self.given_up = more and self.size > self._limit + _DRAIN_LIMIT
        return more and not self.given_up

    @property
    def kept(self) -> bytes:
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)


def _request(scope: Scope, body: _WireBody, received_at: datetime) -> ReceivedRequest:
    headers: Headers = tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
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
        complete=body.complete and CUT not in scope.get("extensions", {}),
    )
