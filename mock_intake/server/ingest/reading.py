"""Reads a request off the wire, its body kept up to a limit."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from starlette.types import Message, Receive, Scope

from mock_intake.model.exchange import Headers, ReceivedRequest, new_exchange_id
from mock_intake.server.http.cycle import CUT
from mock_intake.server.http.misbehaviour import CONNECTION, Connection
from mock_intake.server.ingest.budget import Budget, Share
from mock_intake.system.clock import utc_now

# A client that is still sending hears an early answer as a broken pipe. So what is too large is read on for a
# while (bytes) and thrown away, that the client may read why it was refused.
_DRAIN_LIMIT = 64 * 1024 * 1024


class Read(NamedTuple):
    """A request read off the wire; ``given_up``: whether there was more of it; ``no_room``: because of the budget.

    ``share`` is what its body takes of that, where it came in parts.
    """

    request: ReceivedRequest
    given_up: bool
    no_room: bool
    share: Share | None


async def read_request(scope: Scope, receive: Receive, limit: int, budget: Budget) -> Read:
    """A request read off the wire, at most ``limit`` bytes of its body kept."""
    received_at = utc_now()
    body = _WireBody(limit)
    share = None
    no_room = False
    try:
        while body.goes_on(await receive()):
            # What came in one piece with its head is there already, and makes no difference.
            share = share or budget.share()
            share.add(body.kept_size - share.size)
            if not share.may_go_on:
                _pause(scope)
                no_room = not await share.room()
                if no_room:
                    break
    except BaseException:
        if share is not None:
            share.give_back()
        raise
    if share is not None:
        share.add(body.kept_size - share.size)
        share.is_read()
    return Read(_request(scope, body, received_at, cut=no_room), body.given_up or no_room, no_room, share)


def _pause(scope: Scope) -> None:
    """Has a connection not read on; whoever asks for more of its body has it go on."""
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is not None:
        connection.transport.pause_reading()


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
    def kept_size(self) -> int:
        return min(self.size, self._limit)

    @property
    def kept(self) -> bytes:
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]


def _request(scope: Scope, body: _WireBody, received_at: datetime, *, cut: bool) -> ReceivedRequest:
    # Bytes of a head have no encoding (RFC 9110, 5.5); Latin-1 keeps each as it is.
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
        complete=body.complete and not cut and CUT not in scope.get("extensions", {}),
    )
