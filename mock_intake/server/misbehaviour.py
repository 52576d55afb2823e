"""Carries out the steps of a fault plan on a real connection: resets, cuts, drips, silence.

What can be said in HTTP goes through ASGI; the rest needs the connection itself, which the server's protocol
leaves in the scope.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from http import HTTPStatus
from typing import Protocol

from starlette.types import Receive, Scope, Send

from mock_intake.exchange import Exchange, encode_headers
from mock_intake.faults import Step
from mock_intake.sockets import Socket

CONNECTION = "mock_intake.connection"
# An extension of ASGI, by its rules: where a scope names it, a message of this type is a whole answer. It has
# ``status``, ``lines`` (all headers, each ended with CRLF, Content-Length among them), ``body`` and ``close``.
ANSWER = "mock_intake.answer"
GARBAGE = b"\x00\xff\x15\x03 this is no HTTP \x7f\xfe\r\n\r\n"
_DRIP_PAUSE = 0.05
_DRIPS = 40


class Connection(Protocol):
    """What the server's protocol must have: the transport of the connection."""

    transport: asyncio.Transport


async def carry_out(step: Step, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> bool:
    """Does what a step without an ordinary answer says; false if there is an ordinary answer to send."""
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is None:
        return False
    match step.name:
        case "hang":
            pass
        case "close":
            connection.transport.close()
        case "reset" | "lost":
            reset(connection.transport)
        case "garbage":
            connection.transport.write(GARBAGE)
            connection.transport.close()
        case "truncate":
            connection.transport.write(_head(exchange) + exchange.response.body[: len(exchange.response.body) // 2])
            connection.transport.close()
        case "drip":
            await _drip(exchange, send)
            return True
        case _:
            return False
    await _gone(receive)
    return True


def abort(scope: Scope) -> None:
    """Ends the connection of a request at once, without an answer."""
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is not None:
        connection.transport.abort()


def reset(transport: asyncio.Transport) -> None:
    """Ends a connection with a TCP RST: what was not sent is thrown away, and the peer hears ECONNRESET."""
    # The transport's own socket object offers no options under uvloop, so a duplicate of it is asked.
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with Socket(fileno=os.dup(sock.fileno())) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _head(exchange: Exchange) -> bytes:
    """The head of the answer that would have been, with the length of the whole body."""
    response = exchange.response
    lines = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    # Also an empty body must be seen to be cut short.
    lines += [f"content-length: {max(len(response.body), 1)}", "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def _drip(exchange: Exchange, send: Send) -> None:
    response = exchange.response
    headers = [*response.headers, ("content-length", str(len(response.body)))]
    await send({"type": "http.response.start", "status": response.status_code, "headers": encode_headers(headers)})
    size = max(1, -(-len(response.body) // _DRIPS))
    for start in range(0, len(response.body), size):
        await asyncio.sleep(_DRIP_PAUSE)
        await send({"type": "http.response.body", "body": response.body[start : start + size], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    """Waits until the connection has ended, so that the server sends nothing of its own."""
    while (await receive())["type"] != "http.disconnect":
        pass
