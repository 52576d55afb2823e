"""Answers an exchange, late and in the way that a fault step says."""

from __future__ import annotations

from functools import lru_cache, partial

from starlette.types import Receive, Scope, Send

from mock_intake.faults import BODILESS, Taken
from mock_intake.model.exchange import Exchange, Headers, encode_headers
from mock_intake.server.http import heads
from mock_intake.server.http.misbehaviour import ANSWER, carry_out

# The headers that the intake's own answers have. Their values are its own, too, and need no look before they are sent.
_OWN = frozenset(("content-type", "allow", "retry-after"))


async def answer(
    exchange: Exchange, taken: Taken | None, scope: Scope, receive: Receive, send: Send, *, close: bool = False
) -> None:
    """Answers an exchange. ``taken`` is the fault step that it took; ``close`` ends the connection behind it."""
    if taken is not None:
        ordinary = partial(answer, exchange, None, scope, receive, send, close=close)
        await carry_out(taken, exchange.response, ordinary, scope, receive, send)
        return
    response = exchange.response
    bodiless = response.status_code in BODILESS
    if ANSWER in scope.get("extensions", ()) and not bodiless and (lines := _lines(response.headers)) is not None:
        lines += heads.length_line(len(response.body))
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
    return heads.header_lines(headers) if all(name in _OWN for name, _ in headers) else None
