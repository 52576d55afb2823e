"""The body of an exchange, from what is on record: decoded, as text, parsed."""

from __future__ import annotations

from typing import Any

from mock_intake.decoding import decode
from mock_intake.exchange import Exchange, header
from mock_intake.parsing import ParseError, parse

# A body that had its key masked is a little longer or shorter than it was when its size was taken.
_LEEWAY = 64 * 1024


def decoded(exchange: Exchange) -> bytes | None:
    """The body of an exchange with its Content-Encoding undone; None if that cannot be."""
    encoding = header(exchange.request.headers, "content-encoding")
    if exchange.decoded_size is None:
        # It was refused before it could be decoded: it may be a bomb.
        return None if encoding else exchange.request.body
    try:
        return decode(exchange.request.body, encoding, exchange.decoded_size + _LEEWAY)
    except ValueError:
        return None


def decoded_text(exchange: Exchange) -> str | None:
    """The body as text, as it was received; what is no UTF-8 is shown in backslash escapes."""
    body = decoded(exchange)
    return None if body is None else body.decode("utf-8", "backslashreplace")


def parsed_body(exchange: Exchange) -> Any:
    """The body as a JSON value; None if it is none."""
    body = decoded(exchange)
    if body is None:
        return None
    try:
        return parse(body).value
    except ParseError:
        return None
