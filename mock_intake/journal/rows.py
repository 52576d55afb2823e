"""Exchanges and events as rows of a database, and back; and the queries for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from mock_intake.event import DatasetId
from mock_intake.exchange import EventSummary, Exchange, Headers, Hop, ReceivedRequest, Response
from mock_intake.findings import Finding, Status
from mock_intake.journal.protocol import EventFilter, EventRecord, ExchangeFilter, OrgStatistics
from mock_intake.parsing import dumps

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What most likely leaves the fewest events stands first: its index is the one to walk.
EVENT_FILTER_COLUMNS = ("run_id", "job_name", "job_namespace", "event_type", "status", "kind")
# Sorted by value and then as listings are, newest last; org and status are at hand to be checked on the way.
EVENT_INDEXES = "".join(
    f"CREATE INDEX events_{name} ON events ({', '.join(dict.fromkeys((name, 'last', 'org', 'status')))});"
    for name in EVENT_FILTER_COLUMNS
)
_SUMMARY_COLUMNS = (
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
    *_SUMMARY_COLUMNS,
    ("findings", "BLOB NOT NULL"),
    ("hop", "BLOB"),
    ("headers", "BLOB NOT NULL"),
    ("response_headers", "BLOB NOT NULL"),
    ("response_body", "BLOB NOT NULL"),
    ("body", "BLOB NOT NULL"),
)
_NAMES = [name for name, _ in EXCHANGE_COLUMNS]
EXCHANGE_COLUMN_NAMES = tuple(_NAMES)
_SUMMARY = slice(_NAMES.index("event_id"), _NAMES.index("event_id") + len(_SUMMARY_COLUMNS))
EXCHANGE_NAMES = ", ".join(_NAMES)
_FILTERS = ", ".join(EVENT_FILTER_COLUMNS)
# Roughly what a row takes beside its values: its part of the indexes, and the row of its event.
_OVERHEAD = 1_000

# Exchanges from a position on that bring an event that was there before, and where it was last.
REPEATED = """
SELECT new.position, (
    SELECT max(old.position) FROM exchanges AS old WHERE old.event_id = new.event_id AND old.position < new.position
) AS before
FROM exchanges AS new WHERE new.position >= ? AND new.event_id IS NOT NULL AND before IS NOT NULL
ORDER BY new.position
"""
COUNT_ATTEMPT = """
UPDATE exchanges SET attempt = (SELECT attempt + 1 FROM exchanges WHERE position = :before) WHERE position = :position
"""
_LIST_EVENTS = f"""
INSERT INTO events (last, id, org, first, received_at, last_received_at, attempts, {_FILTERS})
SELECT position, event_id, org, position, received_at, received_at, attempt, {_FILTERS} FROM exchanges
"""
LIST_NEW_EVENTS = f"{_LIST_EVENTS} WHERE position >= ? AND accepted AND event_id IS NOT NULL AND attempt = 1"
LIST_EVENT = f"{_LIST_EVENTS} WHERE position = :position AND accepted"
# A listed event was attempted again.
MOVE_EVENT = """
UPDATE events SET (last, last_received_at, attempts) = (
    SELECT position, received_at, attempt FROM exchanges WHERE position = :position
) WHERE last = :before
"""
# Where the events of the exchanges up to a position stand.
EVENTS_UP_TO = """
SELECT (SELECT max(position) FROM exchanges AS other WHERE other.event_id = gone.event_id)
FROM exchanges AS gone WHERE gone.position <= ? AND gone.accepted AND gone.event_id IS NOT NULL
"""
# The body is the same in every attempt, so an event whose first accepted exchange has gone is held by the next one.
HOLD_EVENT = """
UPDATE events SET (first, status) = (
    SELECT position, status FROM exchanges WHERE event_id = events.id AND accepted ORDER BY position LIMIT 1
) WHERE last = ?1 AND EXISTS (SELECT * FROM exchanges WHERE event_id = events.id AND accepted)
"""
# How often an event was attempted, counting what has gone since.
ATTEMPTS = "SELECT attempt FROM exchanges WHERE event_id = ? ORDER BY position DESC LIMIT 1"
_RECORD_NAMES = ", ".join(f"kept.{name}" for name in ("id", "org", "findings", *(name for name, _ in _SUMMARY_COLUMNS)))
RECORD = f"events.last, events.attempts, events.received_at, events.last_received_at, {_RECORD_NAMES}"
KEPT = "JOIN exchanges AS kept ON kept.position = events.first"
SELECT_EVENT = f"""
SELECT {RECORD} FROM events {KEPT} WHERE events.last = (SELECT max(position) FROM exchanges WHERE event_id = ?)
"""


# What there is of each org, counted by the database itself whatever adds to its tables or takes from them.
ORGS = """
CREATE TABLE orgs (
    org TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    exchanges INTEGER NOT NULL DEFAULT 1,
    events INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL,
    faulted INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER exchange_came AFTER INSERT ON exchanges BEGIN
    INSERT INTO orgs (org, last, accepted, faulted, bytes) VALUES (
        new.org, new.position, new.accepted, new.fault IS NOT NULL, length(new.body) + length(new.response_body)
    ) ON CONFLICT (org) DO UPDATE SET
        last = excluded.last,
        exchanges = exchanges + 1,
        accepted = accepted + excluded.accepted,
        faulted = faulted + excluded.faulted,
        bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER exchange_went AFTER DELETE ON exchanges BEGIN
    UPDATE orgs SET
        exchanges = exchanges - 1,
        accepted = accepted - old.accepted,
        faulted = faulted - (old.fault IS NOT NULL),
        bytes = bytes - length(old.body) - length(old.response_body)
    WHERE org = old.org;
    DELETE FROM orgs WHERE org = old.org AND exchanges = 0;
END;
CREATE TRIGGER event_came AFTER INSERT ON events BEGIN
    UPDATE orgs SET events = events + 1 WHERE org = new.org;
END;
CREATE TRIGGER event_went AFTER DELETE ON events BEGIN
    UPDATE orgs SET events = events - 1 WHERE org = old.org;
END;
"""
SELECT_ORGS = """
SELECT org, exchanges, events, (SELECT received_at FROM exchanges WHERE position = last) FROM orgs ORDER BY last DESC
"""


@cache
def insert_exchanges(count: int) -> str:
    """The statement that adds so many exchanges, each with its size before its columns."""
    row = f"({', '.join('?' * (1 + len(_NAMES)))})"
    return f"INSERT INTO exchanges (size, {EXCHANGE_NAMES}) VALUES {', '.join([row] * count)}"


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def size_of(row: Row) -> int:
    """How much room an exchange takes, more or less."""
    return _OVERHEAD + sum([len(value) for value in row if type(value) is bytes or type(value) is str])


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
        dumps([finding.to_dict() for finding in exchange.findings]),
        None if exchange.hop is None else dumps(list(exchange.hop)),
        dumps(request.headers),
        dumps(response.headers),
        response.body,
        request.body,
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
    """An event's record from a row of ``RECORD``."""
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


def exchanges_query(which: ExchangeFilter, before: int | None) -> tuple[str, list[Any]]:
    """Which exchanges, newest first: from FROM on, and its values."""
    asked = {"org": which.org, "event_id": which.event_id}
    index = "exchanges_event" if which.event_id is not None else "exchanges_org" if which.org is not None else None
    conditions, values = _conditions(asked)
    if before is not None:
        conditions.append("position < ?")
        values.append(before)
    return f"FROM exchanges {_by(index)} {_where(conditions)} ORDER BY position DESC", values


def events_query(which: EventFilter, before: int | None, org_is_small: bool) -> tuple[str, list[Any]]:
    """A query for the records of events, newest first, and its values."""
    index, conditions, values = _event_conditions(which, org_is_small)
    if before is not None:
        conditions.append("events.last < ?")
        values.append(before)
    chosen = f"SELECT {RECORD} FROM events {_by(index)} {KEPT}"
    return f"{chosen} {_where(conditions)} ORDER BY events.last DESC", values


def count_query(which: EventFilter, org_is_small: bool) -> tuple[str, list[Any]]:
    index, conditions, values = _event_conditions(which, org_is_small)
    return f"SELECT count(*) FROM events {_by(index)} {_where(conditions)}", values


def _event_conditions(which: EventFilter, org_is_small: bool) -> tuple[str | None, list[str], list[Any]]:
    """The index to walk, the conditions and their values."""
    asked = {name: getattr(which, name) for name in ("org", *EVENT_FILTER_COLUMNS)}
    conditions, values = _conditions({f"events.{name}": value for name, value in asked.items()})
    if asked["org"] is not None and (org_is_small or len(conditions) == 1):
        return "events_org", conditions, values
    narrowest = next((name for name in EVENT_FILTER_COLUMNS if asked[name] is not None), None)
    return (None if narrowest is None else f"events_{narrowest}"), conditions, values


def _conditions(asked: dict[str, Any]) -> tuple[list[str], list[Any]]:
    wanted = {name: value for name, value in asked.items() if value is not None}
    return [f"{name} = ?" for name in wanted], [storable(str(value)) for value in wanted.values()]


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _by(index: str | None) -> str:
    return "" if index is None else f"INDEXED BY {index}"
