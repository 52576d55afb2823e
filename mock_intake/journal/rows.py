"""Exchanges and events as rows of a database, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from mock_intake.event import DatasetId
from mock_intake.exchange import EventSummary, Exchange, Headers, Hop, ReceivedRequest, Response
from mock_intake.findings import Finding, Status
from mock_intake.journal.protocol import EventRecord, OrgStatistics
from mock_intake.parsing import dumps

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SUMMARY_COLUMNS = (
    ("event_id", "TEXT"),
    ("status", "TEXT"),
    ("kind", "TEXT"),
    ("event_type", "TEXT"),
    ("event_time", "TEXT"),
    ("run_id", "TEXT"),
    ("job_namespace", "TEXT"),
    ("job_name", "TEXT"),
    ("producer", "TEXT"),
    ("processing_type", "TEXT"),
    ("parent_run_id", "TEXT"),
    ("inputs", "BLOB"),
    ("outputs", "BLOB"),
    ("dataset", "BLOB"),
    ("parent_job", "BLOB"),
)
# What is long stands last: SQLite reads a row from its beginning, and listings want what is short.
EXCHANGE_COLUMNS = (
    ("id", "TEXT NOT NULL"),
    ("org", "TEXT NOT NULL"),
    ("received_at", "INTEGER NOT NULL"),
    ("method", "TEXT NOT NULL"),
    ("path", "TEXT NOT NULL"),
    ("query", "TEXT NOT NULL"),
    ("peer", "TEXT"),
    ("wire_size", "INTEGER NOT NULL"),
    ("decoded_size", "INTEGER"),
    ("too_large", "INTEGER NOT NULL"),
    ("complete", "INTEGER NOT NULL"),
    ("status_code", "INTEGER NOT NULL"),
    ("accepted", "INTEGER NOT NULL"),
    ("fault", "TEXT"),
    *SUMMARY_COLUMNS,
    ("findings", "BLOB NOT NULL"),
    ("hop", "BLOB"),
    ("headers", "BLOB NOT NULL"),
    ("response_headers", "BLOB NOT NULL"),
    ("response_body", "BLOB NOT NULL"),
    ("body", "BLOB NOT NULL"),
)
_NAMES = [name for name, _ in EXCHANGE_COLUMNS]
EXCHANGE_COLUMN_NAMES = tuple(_NAMES)
_SUMMARY = slice(_NAMES.index("event_id"), _NAMES.index("event_id") + len(SUMMARY_COLUMNS))
# From there on a row has texts and bytes alone, or nothing; and two of those that stand before can be long.
_TEXTS = slice(_NAMES.index("fault"), None)
_PATH, _QUERY = _NAMES.index("path"), _NAMES.index("query")
# Roughly what a row takes beside its values: its part of the indexes, and the row of its event.
_OVERHEAD = 1_000
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def size_of(row: Row) -> int:
    """How much room an exchange takes, more or less."""
    texts = sum([len(value) for value in row[_TEXTS] if value])
    return _OVERHEAD + texts + len(row[_PATH]) + len(row[_QUERY])


def storable(value: Any) -> Any:
    """The value as SQLite can keep it: text with lone surrogates, which has no UTF-8, as bytes."""
    if type(value) is not str:
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def _text(value: Any) -> Any:
    return value.decode("utf-8", "surrogatepass") if type(value) is bytes else value


def _loads(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)  # lone surrogates


def exchange_to_row(exchange: Exchange) -> Row:
    request, response = exchange.request, exchange.response
    return (
        exchange.id,
        exchange.org,
        microseconds(request.received_at),
        request.method,
        request.path,
        request.query,
        request.peer,
        request.wire_size,
        exchange.decoded_size,
        request.too_large,
        request.complete,
        response.status_code,
        exchange.accepted,
        exchange.fault,
        *_summary_to_row(exchange.event),
        dumps([finding.to_dict() for finding in exchange.findings]) if exchange.findings else b"[]",
        None if exchange.hop is None else dumps(list(exchange.hop)),
        dumps(request.headers),
        _response_headers(response.headers),
        response.body,
        request.body,
    )


@lru_cache(maxsize=64)
def _response_headers(headers: Headers) -> bytes:
    return dumps(headers)


def _summary_to_row(event: EventSummary | None) -> Row:
    if event is None:
        return (None,) * len(SUMMARY_COLUMNS)
    return (
        event.id,
        str(event.status),
        event.kind,
        event.event_type,
        event.event_time,
        event.run_id,
        event.job_namespace,
        event.job_name,
        event.producer,
        event.processing_type,
        event.parent_run_id,
        dumps([list(dataset) for dataset in event.inputs]),
        dumps([list(dataset) for dataset in event.outputs]),
        None if event.dataset is None else dumps(list(event.dataset)),
        None if event.parent_job is None else dumps(list(event.parent_job)),
    )


def exchange_from_row(row: Row) -> Exchange:
    value = dict(zip(_NAMES, row, strict=True))
    hop = value["hop"]
    request = ReceivedRequest(
        _text(value["id"]),
        _text(value["method"]),
        _text(value["path"]),
        _text(value["query"]),
        _headers(value["headers"]),
        value["body"],
        _moment(value["received_at"]),
        _text(value["peer"]),
        value["wire_size"],
        bool(value["too_large"]),
        bool(value["complete"]),
    )
    return Exchange(
        request,
        _text(value["org"]),
        Response(value["status_code"], _headers(value["response_headers"]), value["response_body"]),
        bool(value["accepted"]),
        _summary_from_row(row[_SUMMARY]),
        _findings(value["findings"]),
        value["decoded_size"],
        _text(value["fault"]),
        None if hop is None else _hop(_loads(hop)),
    )


def _summary_from_row(row: Row) -> EventSummary | None:
    if row[0] is None:
        return None
    *flat, inputs, outputs, dataset, parent_job = row
    identity, status, kind, event_type, event_time, run_id, namespace, name, producer, processing_type, parent = (
        [_text(value) for value in flat] if bytes in map(type, flat) else flat
    )
    return EventSummary(
        identity,
        Status(status),
        kind,
        event_type,
        event_time,
        run_id,
        namespace,
        name,
        tuple(DatasetId(*pair) for pair in _loads(inputs)),
        tuple(DatasetId(*pair) for pair in _loads(outputs)),
        None if dataset is None else DatasetId(*_loads(dataset)),
        producer,
        processing_type,
        parent,
        None if parent_job is None else _pair(_loads(parent_job)),
    )


def event_from_row(row: Row) -> EventRecord:
    """An event's record from a row of ``statements.RECORD``."""
    _, attempts, received_at, last_received_at, exchange_id, org, findings, *rest = row
    summary = _summary_from_row(tuple(rest))
    assert summary is not None
    return EventRecord(
        summary,
        _text(org),
        _moment(received_at),
        _moment(last_received_at),
        attempts,
        _findings(findings),
        _text(exchange_id),
    )


def org_from_row(row: Row) -> OrgStatistics:
    org, exchanges, events, received_at = row
    return OrgStatistics(_text(org), exchanges, events, _moment(received_at))


def _headers(data: bytes) -> Headers:
    return tuple((name, value) for name, value in _loads(data))


def _findings(data: bytes) -> tuple[Finding, ...]:
    return tuple(Finding.from_dict(finding) for finding in _loads(data))


def _hop(data: list[Any]) -> Hop:
    path, query, headers, peer = data
    return Hop(path, query, tuple((name, value) for name, value in headers), peer)


def _pair(values: list[str]) -> tuple[str, str]:
    return values[0], values[1]
