"""Recordings that move: exchanges as lines of JSON that lose nothing, and events as lines for other tools."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import orjson

from mock_intake.bodies import decoded
from mock_intake.exchange import Exchange
from mock_intake.journal import rows
from mock_intake.parsing import ParseError, dumps, parse

FORMAT = "mock-intake/exchange/1"
_BINARY = ("body", "response_body")
_JSON = ("headers", "response_headers", "hop", "findings", "inputs", "outputs", "dataset", "parent_job")


class TransferError(ValueError):
    """A line that is no exported exchange; the message says why."""


def exchange_to_line(exchange: Exchange) -> bytes:
    """An exchange as one line of JSON, without the newline: everything that the journal keeps of it."""
    record: dict[str, Any] = dict(zip(rows.EXCHANGE_COLUMN_NAMES, rows.exchange_to_row(exchange), strict=True))
    for name in _BINARY:
        record[name] = b64encode(record[name]).decode("ascii")
    for name in _JSON:
        record[name] = None if record[name] is None else orjson.loads(record[name])
    return dumps({"format": FORMAT, **record})


def exchange_from_line(line: bytes) -> Exchange:
    """The exchange of an exported line. Raises ``TransferError``."""
    try:
        record = parse(line).value
    except ParseError as error:
        raise TransferError(f"the line is no JSON: {error}") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise TransferError(
            f"the line is no exported exchange (format {FORMAT}); events alone are sent with mock-intake replay"
        )
    try:
        for name in _BINARY:
            record[name] = b64decode(record[name], validate=True)
        for name in _JSON:
            record[name] = None if record[name] is None else orjson.dumps(record[name])
        return rows.exchange_from_row(tuple(record[name] for name in rows.EXCHANGE_COLUMN_NAMES))
    except (KeyError, TypeError, ValueError) as error:
        raise TransferError(f"the line is a damaged exchange: {type(error).__name__}: {error}") from error


def event_to_line(exchange: Exchange) -> bytes | None:
    """The event of an exchange as one line, as it was received; None if there is none.

    Line breaks between values are taken out, nothing else is changed.
    """
    body = decoded(exchange)
    if body is None or exchange.event is None:
        return None
    body = body.strip()
    if b"\n" not in body and b"\r" not in body:
        return body
    # A line break can only stand between values: inside strings JSON has it escaped.
    return body.replace(b"\r", b" ").replace(b"\n", b" ")
