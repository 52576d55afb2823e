"""Exchanges and events as rows of a database, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from mock_intake.event import DatasetId
from mock_intake.exchange import EventSummary, Exchange, Headers, Hop, ReceivedRequest, Response
from mock_intake.findings import Finding, Status
from mock_intake.journal.protocol import EventRecord, OrgStatistics
from mock_intake.parsing import dumps

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENT_FILTER_COLUMNS = ("status", "kind", "event_type", "job_namespace", "job_name", "run_id")
_SUMMARY_COLUMNS = (
    ("event_id", "TEXT"),
    ("status", "TEXT"),
    ("kind", "TEXT"),
    ("event_type", "TEXT"),
    ("event_time", "TEXT"),
    ("run_id", "TEXT"),
    ("job_namespace", "TEXT"),
    ("job_name", "TEXT"),
    ("inputs", "BLOB"),
    ("outputs", "BLOB"),
    ("dataset", "BLOB"),
    ("producer", "TEXT"),
    ("processing_type", "TEXT"),
    ("parent_run_id", "TEXT"),
    ("parent_job", "BLOB"),
)
EXCHANGE_COLUMNS = (
    ("id", "TEXT NOT NULL"),
    ("org", "TEXT NOT NULL"),
    ("received_at", "INTEGER NOT NULL"),
    ("method", "TEXT NOT NULL"),
    ("path", "TEXT NOT NULL"),
    ("query", "TEXT NOT NULL"),
    ("headers", "BLOB NOT NULL"),
    ("body", "BLOB NOT NULL"),
    ("peer", "TEXT"),
    ("wire_size", "INTEGER NOT NULL"),
    ("decoded_size", "INTEGER"),
    ("too_large", "INTEGER NOT NULL"),
    ("complete", "INTEGER NOT NULL"),
    ("status_code", "INTEGER NOT NULL"),
    ("response_headers", "BLOB NOT NULL"),
    ("response_body", "BLOB NOT NULL"),
    ("accepted", "INTEGER NOT NULL"),
    ("fault", "TEXT"),
    ("hop", "BLOB"),
    ("findings", "BLOB NOT NULL"),
    *_SUMMARY_COLUMNS,
)
_NAMES = [name for name, _ in EXCHANGE_COLUMNS]
EXCHANGE_COLUMN_NAMES = tuple(_NAMES)
_FIRST_OF_SUMMARY = _NAMES.index("event_id")
EXCHANGE_NAMES = ", ".join(_NAMES)
INSERT_EXCHANGE = f"INSERT INTO exchanges ({EXCHANGE_NAMES}) VALUES ({', '.join('?' * len(_NAMES))})"
SIZE = "length(body) + length(response_body)"
UPSERT_EVENT = f"""
INSERT INTO events (id, org, first, last, attempts, {", ".join(EVENT_FILTER_COLUMNS)})
VALUES (?, ?, ?, ?, 1, {", ".join("?" * len(EVENT_FILTER_COLUMNS))})
ON CONFLICT (id) DO UPDATE SET
    first = coalesce(first, excluded.first), last = excluded.last, attempts = attempts + 1
"""
RECOUNT_EVENT = """
UPDATE events SET
    attempts = (SELECT count(*) FROM exchanges WHERE event_id = :id),
    first = (SELECT min(position) FROM exchanges WHERE event_id = :id AND accepted)
WHERE id = :id
"""
SELECT_EVENTS = f"""
SELECT events.last, events.attempts, latest.received_at, {", ".join(f"kept.{name}" for name in _NAMES)}
FROM events
JOIN exchanges AS kept ON kept.position = events.first
JOIN exchanges AS latest ON latest.position = events.last
"""


SELECT_ORGS = """
SELECT org, count(*), (SELECT count(*) FROM events WHERE events.org = exchanges.org AND first IS NOT NULL),
       (SELECT received_at FROM exchanges AS latest WHERE latest.position = max(exchanges.position))
FROM exchanges GROUP BY org ORDER BY max(position) DESC
"""


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def size_of(exchange: Exchange) -> int:
    return len(exchange.request.body) + len(exchange.response.body)


def exchange_to_row(exchange: Exchange) -> Row:
    request, response = exchange.request, exchange.response
    return (
        exchange.id,
        exchange.org,
        microseconds(request.received_at),
        request.method,
        request.path,
        request.query,
        orjson.dumps(request.headers),
        request.body,
        request.peer,
        request.wire_size,
        exchange.decoded_size,
        request.too_large,
        request.complete,
        response.status_code,
        orjson.dumps(response.headers),
        response.body,
        exchange.accepted,
        exchange.fault,
        None if exchange.hop is None else orjson.dumps(list(exchange.hop)),
        dumps([finding.to_dict() for finding in exchange.findings]),
        *_summary_to_row(exchange.event),
    )


def _summary_to_row(event: EventSummary | None) -> Row:
    if event is None:
        return (None,) * len(_SUMMARY_COLUMNS)
    return (
        event.id,
        str(event.status),
        event.kind,
        event.event_type,
        event.event_time,
        event.run_id,
        event.job_namespace,
        event.job_name,
        orjson.dumps([list(dataset) for dataset in event.inputs]),
        orjson.dumps([list(dataset) for dataset in event.outputs]),
        None if event.dataset is None else orjson.dumps(list(event.dataset)),
        event.producer,
        event.processing_type,
        event.parent_run_id,
        None if event.parent_job is None else orjson.dumps(list(event.parent_job)),
    )


def event_to_row(exchange: Exchange, position: int | None) -> Row:
    event = exchange.event
    assert event is not None
    filters = [None if (value := getattr(event, name)) is None else str(value) for name in EVENT_FILTER_COLUMNS]
    return (event.id, exchange.org, position if exchange.accepted else None, position, *filters)


def exchange_from_row(row: Row) -> Exchange:
    value = dict(zip(_NAMES, row, strict=True))
    request = ReceivedRequest(
        value["id"],
        value["method"],
        value["path"],
        value["query"],
        _headers(value["headers"]),
        value["body"],
        _moment(value["received_at"]),
        value["peer"],
        value["wire_size"],
        bool(value["too_large"]),
        bool(value["complete"]),
    )
    hop = value["hop"]
    return Exchange(
        request,
        value["org"],
        Response(value["status_code"], _headers(value["response_headers"]), value["response_body"]),
        bool(value["accepted"]),
        _summary_from_row(row[_FIRST_OF_SUMMARY:]),
        _findings(value["findings"]),
        value["decoded_size"],
        value["fault"],
        None if hop is None else _hop(orjson.loads(hop)),
    )


def _summary_from_row(row: Row) -> EventSummary | None:
    if row[0] is None:
        return None
    identity, status, kind, event_type, event_time, run_id, namespace, name, inputs, outputs, dataset, *rest = row
    producer, processing_type, parent_run_id, parent_job = rest
    return EventSummary(
        identity,
        Status(status),
        kind,
        event_type,
        event_time,
        run_id,
        namespace,
        name,
        tuple(DatasetId(*pair) for pair in orjson.loads(inputs)),
        tuple(DatasetId(*pair) for pair in orjson.loads(outputs)),
        None if dataset is None else DatasetId(*orjson.loads(dataset)),
        producer,
        processing_type,
        parent_run_id,
        None if parent_job is None else _pair(orjson.loads(parent_job)),
    )


def event_from_row(row: Row) -> EventRecord:
    """An event's record from a row of ``SELECT_EVENTS``."""
    _, attempts, last_received_at, *exchange = row
    kept = exchange_from_row(tuple(exchange))
    assert kept.event is not None
    return EventRecord(
        kept.event, kept.org, kept.received_at, _moment(last_received_at), attempts, kept.findings, kept.id
    )


def org_from_row(row: Row) -> OrgStatistics:
    org, exchanges, events, received_at = row
    return OrgStatistics(org, exchanges, events, _moment(received_at))


def _headers(data: bytes) -> Headers:
    return tuple((name, value) for name, value in orjson.loads(data))


def _findings(data: bytes) -> tuple[Finding, ...]:
    return tuple(Finding.from_dict(finding) for finding in orjson.loads(data))


def _hop(data: list[Any]) -> Hop:
    path, query, headers, peer = data
    return Hop(path, query, tuple((name, value) for name, value in headers), peer)


def _pair(values: list[str]) -> tuple[str, str]:
    return values[0], values[1]
