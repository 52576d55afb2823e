"""Carries out the steps of a fault plan on a real connection: ``mock_intake.faults.Wire`` for the server's protocol.

What can be said in HTTP goes through ASGI; the rest needs the connection itself, which the server's protocol
leaves in the scope.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

from starlette.types import Receive, Scope, Send

from mock_intake.faults import Taken
from mock_intake.model.exchange import Response, encode_headers
from mock_intake.server.http import heads
from mock_intake.system.sockets import Socket

CONNECTION = "mock_intake.connection"
# An extension of ASGI, by its rules: where a scope names it, a message of this type is a whole answer. It has
# ``status``, ``lines`` (all headers, each ended with CRLF, Content-Length among them), ``body`` and ``close``.
ANSWER = "mock_intake.answer"


class Connection(Protocol):
    """What the server's protocol must have: the transport of the connection."""

    transport: asyncio.Transport


async def carry_out(
    taken: Taken,
    response: Response,
    answer: Callable[[], Awaitable[None]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Waits as long as plan and step say, and does what the step says; ``answer`` is how the server sends the answer.

    Returns once the request is done with: answered, or its connection ended, by the step or by the client.
    """
    wire = _ConnectionWire(response, answer, scope, send)
    try:
        if taken.delay:
            await asyncio.sleep(taken.delay)
        await (wire.answer() if taken.step is None else taken.step.kind.action(wire))
        if not wire.answered:
            # Until then, or the server would send an answer of its own for a request that got none.
            await _gone(receive)
    except asyncio.CancelledError:
        # The server stops: an answer that was never to come must not be made up now.
        if not wire.answered:
            wire.abort()
        raise


class _ConnectionWire:
    """The connection of one request; ``answered`` once the answer is in the server's hands, to be sent as any."""

    def __init__(self, response: Response, answer: Callable[[], Awaitable[None]], scope: Scope, send: Send) -> None:
        self.response = response
        self.answered = False
        self._answer = answer
        self._scope = scope
        self._send = send

    @property
    def _transport(self) -> asyncio.Transport:
        connection: Connection = self._scope["extensions"][CONNECTION]
        return connection.transport

    async def answer(self) -> None:
        self.answered = True
        await self._answer()

    async def answer_in_pieces(self, pieces: AsyncIterable[bytes]) -> None:
        response = self.response
        headers = encode_headers([*response.headers, ("content-length", str(len(response.body)))])
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async for piece in pieces:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})
        self.answered = True

    def head(self) -> bytes:
        response = self.response
        length = heads.length_line(max(len(response.body), 1))
        return heads.head(response.status_code, heads.header_lines(response.headers), length)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        reset(self._transport)

    def abort(self) -> None:
        """Ends the connection at once, whatever is still to be sent."""
        if CONNECTION in self._scope.get("extensions", {}):
            self._transport.abort()


def reset(transport: asyncio.Transport) -> None:
    """Ends the connection of ``transport`` with a TCP RST: what is unsent is thrown away, the peer hears ECONNRESET."""
    # The transport's own socket object offers no options under uvloop, so a duplicate of it is asked.
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with Socket(fileno=os.dup(sock.fileno())) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _gone(receive: Receive) -> None:
    """Waits until the connection has ended."""
    while (await receive())["type"] != "http.disconnect":
        pass
