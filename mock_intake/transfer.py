"""Recordings that move: exchanges as lines of JSON that lose nothing, and events as lines for other tools."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from mock_intake.bodies import decoded
from mock_intake.exchange import Exchange
from mock_intake.findings import Severity, Status, Sureness
from mock_intake.journal import rows
from mock_intake.parsing import ParseError, dumps, parse

if TYPE_CHECKING:
    import jsonschema_rs

FORMAT = "mock-intake/exchange/1"
_BEGINNING = b'{"format":"' + FORMAT.encode()
_BINARY = ("body", "response_body")
_JSON = ("headers", "response_headers", "hop", "findings", "inputs", "outputs", "dataset", "parent_job")

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
# SQLite keeps 64 bits with a sign.
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_MAYBE_COUNT = {**_COUNT, "type": ["integer", "null"]}
_FLAG = {"type": "boolean"}
_NULL = {"type": "null"}
_PAIR = {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}
_PAIRS = {"type": "array", "items": _PAIR}
_MAYBE_PAIR = {"anyOf": [_PAIR, _NULL]}
_HOP = {"type": "array", "prefixItems": [_TEXT, _TEXT, _PAIRS, _MAYBE_TEXT], "minItems": 4, "maxItems": 4}
_FINDING_FIELDS = {
    "code": _TEXT,
    "severity": {"enum": list(Severity)},
    "subject": {"enum": ["request", "event", "run", "dataset"]},
    "pointer": _TEXT,
    "message": _TEXT,
    "expected": _MAYBE_TEXT,
    "actual": _MAYBE_TEXT,
    "advice": _TEXT,
    "source": _TEXT,
    "sureness": {"enum": list(Sureness)},
    "violates": {"enum": ["openlineage", None]},
}
_FINDING = {
    "type": "object",
    "properties": _FINDING_FIELDS,
    "required": list(_FINDING_FIELDS),
    "additionalProperties": False,
}
_EXCHANGE_FIELDS = {
    "format": {"const": FORMAT},
    "id": {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"},
    "org": _TEXT,
    # Microseconds since 1970, until the end of the year 9999.
    "received_at": {"type": "integer", "minimum": 0, "maximum": 253_402_300_799_999_999},
    "method": _TEXT,
    "path": _TEXT,
    "query": _TEXT,
    "headers": _PAIRS,
    "body": _TEXT,
    "peer": _MAYBE_TEXT,
    "wire_size": _COUNT,
    "decoded_size": _MAYBE_COUNT,
    "too_large": _FLAG,
    "complete": _FLAG,
    "status_code": {"type": "integer", "minimum": 0, "maximum": 999},
    "response_headers": _PAIRS,
    "response_body": _TEXT,
    "accepted": _FLAG,
    "fault": _MAYBE_TEXT,
    "hop": {"anyOf": [_HOP, _NULL]},
    "findings": {"type": "array", "items": _FINDING},
}
_SUMMARY_FIELDS = {
    "event_id": _TEXT,
    "status": {"enum": list(Status)},
    "kind": {"enum": ["RunEvent", "JobEvent", "DatasetEvent", None]},
    "event_type": _MAYBE_TEXT,
    "event_time": _MAYBE_TEXT,
    "run_id": _MAYBE_TEXT,
    "job_namespace": _MAYBE_TEXT,
    "job_name": _MAYBE_TEXT,
    "inputs": _PAIRS,
    "outputs": _PAIRS,
    "dataset": _MAYBE_PAIR,
    "producer": _MAYBE_TEXT,
    "processing_type": _MAYBE_TEXT,
    "parent_run_id": _MAYBE_TEXT,
    "parent_job": _MAYBE_PAIR,
}
LINE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {**_EXCHANGE_FIELDS, **dict.fromkeys(_SUMMARY_FIELDS, True)},
    "required": [*_EXCHANGE_FIELDS, *_SUMMARY_FIELDS],
    "additionalProperties": False,
    "if": {"properties": {"event_id": _NULL}},
    "then": {"properties": {**dict.fromkeys(_SUMMARY_FIELDS, _NULL), "accepted": {"const": False}}},
    "else": {"properties": _SUMMARY_FIELDS},
}


class TransferError(ValueError):
    """A line that is no exported exchange; the message says why."""


class Arrived(NamedTuple):
    """What an import brings: the exchanges that are new, and how many are on record already."""

    exchanges: list[Exchange]
    known: int


def exchange_to_line(exchange: Exchange) -> bytes:
    """An exchange as one line of JSON, without the newline: everything that the journal keeps of it."""
    record: dict[str, Any] = dict(zip(rows.EXCHANGE_COLUMN_NAMES, rows.exchange_to_row(exchange), strict=True))
    for name in _BINARY:
        record[name] = b64encode(record[name]).decode("ascii")
    for name in _JSON:
        record[name] = None if record[name] is None else orjson.loads(record[name])
    return dumps({"format": FORMAT, **record})


def is_exchange_line(line: bytes) -> bool:
    """Whether a line is meant as an exported exchange; cheap, for files that hold events otherwise."""
    return line.lstrip()[: len(_BEGINNING)] == _BEGINNING


def exchange_from_line(line: bytes) -> Exchange:
    """The exchange of an exported line. Raises ``TransferError``."""
    try:
        record, surrogates = parse(line)
    except ParseError as error:
        raise TransferError(f"the line is no JSON: {error}") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise TransferError(
            f"the line is no exported exchange (format {FORMAT}); events alone are sent with mock-intake replay"
        )
    if surrogates is not None:
        raise TransferError(f"the line is a damaged exchange: no Unicode text in {'/'.join(map(str, surrogates))}")
    for flaw in _validator().iter_errors(record):
        place = "/".join(str(part) for part in flaw.instance_path) or "its fields"
        raise TransferError(f"the line is a damaged exchange: {place}: {flaw.message[:200]}")
    for name in _BINARY:
        try:
            record[name] = b64decode(record[name], validate=True)
        except ValueError as error:
            raise TransferError(f"the line is a damaged exchange: {name}: {error}") from error
    for name in _JSON:
        record[name] = None if record[name] is None else orjson.dumps(record[name])
    return rows.exchange_from_row(tuple(record[name] for name in rows.EXCHANGE_COLUMN_NAMES))


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(LINE_SCHEMA)


def read_lines(data: bytes, is_known: Callable[[str], bool]) -> Arrived:
    """All exchanges of an export, those that are known already left out. Raises ``TransferError`` with the line."""
    taken: dict[str, Exchange] = {}
    known = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            exchange = exchange_from_line(line)
        except TransferError as error:
            raise TransferError(f"line {number}: {error}; nothing was imported.") from error
        if exchange.id in taken or is_known(exchange.id):
            known += 1
        else:
            taken[exchange.id] = exchange
    return Arrived(list(taken.values()), known)


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
