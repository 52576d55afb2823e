"""The body of an exchange, from what is on record: decoded, as text, parsed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mock_intake.body.decoding import DecodedTooLargeError, decode
from mock_intake.body.parsing import ParseError, parse, parse_exactly, without_surrogates
from mock_intake.model.event import EventView
from mock_intake.model.exchange import Exchange, header

# A body that had its key masked is a little longer or shorter than it was when its size was taken.
_LEEWAY = 64 * 1024
MOST_DECODED = 128 * 1024 * 1024
_PIECE = 256 * 1024


def decoded(exchange: Exchange) -> bytes | None:
    """The body of ``exchange`` with its Content-Encoding undone; None if that cannot be.

    What its record says of its size is not believed beyond ``MOST_DECODED``: it may come from elsewhere.
    """
    encoding = header(exchange.request.headers, "content-encoding")
    if exchange.decoded_size is None:
        # It was refused before it could be decoded: it may be a bomb.
        return None if encoding else exchange.request.body
    try:
        return decode(exchange.request.body, encoding, min(exchange.decoded_size, MOST_DECODED) + _LEEWAY)
    except ValueError:
        return None


def decoded_beginning(exchange: Exchange, most: int) -> tuple[str | None, bool]:
    """The first ``most`` bytes of the body of ``exchange`` as ``decoded_text`` has it, and whether that is all."""
    encoding = header(exchange.request.headers, "content-encoding")
    if exchange.decoded_size is None and encoding:
        return None, True
    try:
        body, whole = decode(exchange.request.body, encoding, most), True
    except DecodedTooLargeError as error:
        body, whole = error.decoded[:most], False
    except ValueError:
        return None, True
    return body.decode("utf-8", "backslashreplace"), whole


def holds_text(exchange: Exchange, wanted: str) -> bool:
    """Whether a text in small letters stands in a body, upper and lower case alike; read a piece at a time."""
    body = decoded(exchange) or b""
    # A piece reaches so far into the next that nothing is cut: a letter has four bytes, and may have two small ones.
    reach = 4 * len(wanted) + 8
    return any(
        wanted in body[begin : begin + _PIECE + reach].decode("utf-8", "replace").lower()
        for begin in range(0, len(body), _PIECE)
    )


def decoded_text(exchange: Exchange) -> str | None:
    """The body of ``exchange`` as text, as it was received; what is no UTF-8 is shown in backslash escapes.

    None where its Content-Encoding cannot be undone.
    """
    body = decoded(exchange)
    return None if body is None else body.decode("utf-8", "backslashreplace")


def parsed_body(exchange: Exchange, *, exactly: bool = False) -> Any:
    """The body as a JSON value; None if it is none. ``exactly`` keeps all digits of integers beyond 64 bits."""
    body = decoded(exchange)
    if body is None:
        return None
    try:
        return parse_exactly(body) if exactly else parse(body).value
    except ParseError:
        return None


def event_view(exchange: Exchange) -> EventView:
    """The event of ``exchange``, of which nothing is there where its body is none.

    Names in it are as they are in summaries, so that a dataset is one, however it was found.
    """
    return event_in(decoded(exchange) or b"")


def event_in(body: bytes) -> EventView:
    """The event that a decoded ``body`` holds, as ``event_view`` gives it."""
    try:
        parsed = parse(body)
    except ParseError:
        return EventView({})
    value = parsed.value if parsed.surrogates is None else without_surrogates(parsed.value)
    return EventView(value if isinstance(value, dict) else {})


def digest(value: Any) -> bytes:
    """The same for equal JSON values, whatever the order of keys, the blanks and the form of numbers (1 is 1.0).

    ``value`` is parsed; two digests are equal by chance as seldom as their hash has it.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode("ascii"), digest_size=16, usedforsecurity=False).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
