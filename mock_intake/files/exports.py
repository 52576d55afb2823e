"""Recordings that move: exchanges as lines of JSON that lose nothing, and events as lines for other tools.

A line has the columns of a row (``mock_intake.journal.layout``), by name: bytes in base64, moments as microseconds
since 1970, and JSON as it is.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from mock_intake.body.parsing import ParseError, dumps, parse
from mock_intake.body.shown import decoded
from mock_intake.journal.columns import BYTES, FLAG, MOMENT, Column
from mock_intake.journal.layout import LAYOUT, Layout
from mock_intake.model.exchange import Exchange
from mock_intake.model.schemas import NULL, Schema, schema_of

if TYPE_CHECKING:
    import jsonschema_rs

E = TypeVar("E", bound=Exchange)

FORMAT = "mock-intake/exchange/1"
_BEGINNING = b'{"format":"' + FORMAT.encode()
# SQLite keeps 64 bits with a sign.
_LARGEST = 2**63 - 1
# Microseconds since 1970, until the end of the year 9999.
_MOMENT: Schema = {"type": "integer", "minimum": 0, "maximum": 253_402_300_799_999_999}


_encode = msgspec.json.Encoder().encode


class TransferError(ValueError):
    """A line that is no exported exchange; the message says why."""


class Lines(Generic[E]):
    """Exchanges as lines of JSON, and back: the columns of a layout, by name."""

    def __init__(self, layout: Layout[E]) -> None:
        self._rows = layout.rows
        self._columns = layout.columns
        self._names = [column.name for column in layout.columns]
        self._json = [name for name, column in zip(self._names, layout.columns, strict=True) if column.is_json]
        self._binary = [column.name for column in layout.columns if column.keeping is BYTES]
        self._reads = [(column.name, _reader(column)) for column in layout.columns]
        self._added = {column.name: column.default for column in layout.columns if column.name in layout.added}
        self._nothing = [name for name, default in self._added.items() if default is None]
        self.schema = _schema(layout)
        """The JSON Schema of a line. What later versions added may be missing."""

    def from_exchange(self, exchange: E) -> bytes:
        """``exchange`` as one line of JSON, without the newline."""
        record: dict[str, Any] = dict(zip(self._names, self._rows.to_row(exchange), strict=True))
        # What was added is left out where it says nothing: an earlier version can read such a line.
        for name in self._nothing:
            if record[name] is None:
                del record[name]
        try:
            # As they are: they were just made.
            parts = {name: msgspec.Raw(record[name]) for name in self._json if record.get(name) is not None}
            return _encode({"format": FORMAT, **record, **parts})
        except UnicodeEncodeError:  # lone surrogates
            parts = {name: json.loads(record[name]) for name in self._json if record.get(name) is not None}
            binary = {name: b64encode(record[name]).decode("ascii") for name in self._binary}
            return dumps({"format": FORMAT, **record, **parts, **binary})

    def to_exchange(self, line: bytes) -> E:
        """The exchange of a line. Raises ``TransferError``."""
        try:
            parsed = parse(line)
        except ParseError as error:
            raise TransferError(f"the line is no JSON: {error}") from error
        record, surrogates = parsed.value, parsed.surrogates
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise TransferError(
                f"the line is no exported exchange (format {FORMAT}); events alone are sent with mock-intake replay"
            )
        if surrogates is not None:
            raise TransferError(f"the line is a damaged exchange: no Unicode text in {'/'.join(map(str, surrogates))}")
        for flaw in self._validator.iter_errors(record):
            place = "/".join(str(part) for part in flaw.instance_path) or "its fields"
            raise TransferError(f"the line is a damaged exchange: {place}: {flaw.message[:200]}")
        values = []
        for name, read in self._reads:
            try:
                values.append(self._added[name] if name not in record else read(record[name]))
            except ValueError as error:
                raise TransferError(f"the line is a damaged exchange: {name}: {error}") from error
        return self._rows.build(values)

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        import jsonschema_rs

        return jsonschema_rs.Draft202012Validator(self.schema)


def _reader(column: Column) -> Callable[[Any], Any]:
    """What makes of the value of a line, which is as the schema says, that of an exchange."""
    read = partial(msgspec.convert, type=column.kind) if column.is_json else column.keeping.read
    if column.keeping is BYTES:
        read = partial(b64decode, validate=True)
    return lambda value: value if value is None or read is None else read(value)


def _schema(layout: Layout[E]) -> Schema:
    fields = {column.name: _column_schema(column) for column in layout.columns if not column.part}
    of_event = {column.name: _column_schema(column) for column in layout.columns if column.part}
    first = [column.name for column in layout.columns if column.name not in layout.added]
    none = {"properties": {**dict.fromkeys(of_event, NULL), "accepted": {"const": False}}}
    return {
        "type": "object",
        "properties": {"format": {"const": FORMAT}, **fields, **dict.fromkeys(of_event, True)},
        "required": ["format", *first],
        "additionalProperties": False,
        # Where there is no event nothing is said of it.
        "if": {"properties": {"event_id": NULL}},
        "then": none,
        "else": {"properties": of_event},
    }


def _column_schema(column: Column) -> Schema:
    kind = column.kind | None if column.optional else column.kind
    if column.keeping is MOMENT:
        return _MOMENT
    schema = schema_of(kind, taken=True)
    if column.keeping.sql == "INTEGER" and column.keeping is not FLAG:
        return {"minimum": 0, "maximum": _LARGEST, **schema}
    return schema


@cache
def _lines() -> Lines[Exchange]:
    # Not at every start: most never export.
    return Lines(LAYOUT)


def exchange_to_line(exchange: Exchange) -> bytes:
    """``exchange`` as one line of JSON, without the newline: everything that the journal keeps of it."""
    return _lines().from_exchange(exchange)


def is_exchange_line(line: bytes) -> bool:
    """Whether ``line`` is meant as an exported exchange; cheap, for files that hold events otherwise."""
    return line.lstrip()[: len(_BEGINNING)] == _BEGINNING


def exchange_from_line(line: bytes) -> Exchange:
    """The exchange of an exported line. Raises ``TransferError``."""
    return _lines().to_exchange(line)


def event_to_line(exchange: Exchange) -> bytes | None:
    """The event of ``exchange`` as one line, as it was received; None if there is none.

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
