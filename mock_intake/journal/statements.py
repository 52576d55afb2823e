"""What is asked of the database: its tables, the statements of every append, and the queries by filter.

Those that name the columns of exchanges are made for a layout and the version of a file (``Statements``).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import cache
from typing import Any

from mock_intake.journal.columns import Column
from mock_intake.journal.protocol import EventFilter, ExchangeFilter
from mock_intake.journal.rows import storable

APPLICATION_ID = 0x6D696E74  # "mint"
# The numbers that are kept of a file.
FACTS = ("opened", "dropped", "generation")

# By what the events of an org, and all events, are counted: there are few different values.
_COUNTED = ("status", "kind", "event_type")
_TALLIED = ("org", *_COUNTED)
# What most likely leaves the fewest events stands first: its index is the one to walk.
EVENT_FILTER_COLUMNS = ("run_id", "job_name", "job_namespace", "event_type", "status", "kind")
# Sorted by value and then as listings are, newest last; the rest is at hand to be checked on the way, so that a
# listing looks up what it shows and nothing else, however rare that is.
_EVENT_INDEXES = "".join(
    f"CREATE INDEX events_{name} ON events ({', '.join(dict.fromkeys((name, 'last', *_TALLIED)))});"
    for name in ("org", *EVENT_FILTER_COLUMNS)
)
# So few events are walked through as a whole, whatever else is asked: there is no way to know of a better index.
_FEW = 2_000
_FILTERS = ", ".join(EVENT_FILTER_COLUMNS)


def _tally(row: str, number: int) -> str:
    """Counts an event that came or went, among those of its org and among all, whose tallies have no org."""
    steps = ""
    for org in (f"{row}.org", "NULL"):
        same = f"org IS {org} AND " + " AND ".join(f"{name} IS {row}.{name}" for name in _COUNTED)
        steps += f"UPDATE tallies SET events = events + {number} WHERE {same};"
        if number > 0:
            values = ", ".join((org, *(f"{row}.{name}" for name in _COUNTED)))
            steps += f"INSERT INTO tallies SELECT {values}, {number} WHERE changes() = 0;"
        else:
            steps += f"DELETE FROM tallies WHERE {same} AND events = 0;"
    return steps


# What follows the arrival of an exchange that brings an event, whose columns are the values. Each step is one for the
# trigger; apart, so that tests can ask how it is carried out.
COUNT_ATTEMPT = """
UPDATE exchanges SET attempt = 1 + (
    SELECT attempt FROM exchanges WHERE event_id = :event_id AND position < :position ORDER BY position DESC LIMIT 1
) WHERE position = :position
    AND EXISTS (SELECT * FROM exchanges WHERE event_id = :event_id AND position < :position)
"""
# A listed event was attempted again.
MOVE_EVENT = """
UPDATE events SET
    last = :position,
    last_received_at = :received_at,
    attempts = (SELECT attempt FROM exchanges WHERE position = :position)
WHERE last = (SELECT max(position) FROM exchanges WHERE event_id = :event_id AND position < :position)
"""
LIST_EVENT = f"""
INSERT INTO events (last, id, org, first, received_at, last_received_at, attempts, {_FILTERS})
SELECT position, event_id, org, position, received_at, received_at, attempt, {_FILTERS} FROM exchanges
WHERE position = :position AND accepted AND changes() = 0
"""
_EVENT_CAME = ";".join((COUNT_ATTEMPT, MOVE_EVENT, LIST_EVENT)).replace(":", "new.")

# Counts and the list of events are kept by the database itself, whatever adds to its tables or takes from them. So one
# statement is a whole append: SQLite has it to itself, and whoever judges the next events need not be waited for.
_EXCHANGES = """
CREATE TABLE exchanges (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    {}
);
"""
_OTHERS = f"""
CREATE UNIQUE INDEX exchanges_id ON exchanges (id);
CREATE INDEX exchanges_org ON exchanges (org);
CREATE INDEX exchanges_event ON exchanges (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX exchanges_refused ON exchanges (position, org) WHERE NOT accepted;
CREATE INDEX exchanges_faulted ON exchanges (position, org) WHERE fault IS NOT NULL;

CREATE TABLE events (
    last INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    org TEXT NOT NULL,
    first INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    last_received_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    {", ".join(f"{name} TEXT" for name in EVENT_FILTER_COLUMNS)}
);
{_EVENT_INDEXES}

CREATE TABLE tallies (org TEXT, status TEXT NOT NULL, kind TEXT, event_type TEXT, events INTEGER NOT NULL);
CREATE INDEX tallies_org ON tallies ({", ".join(_TALLIED)});
CREATE TRIGGER event_came AFTER INSERT ON events BEGIN {_tally("new", 1)} END;
CREATE TRIGGER event_went AFTER DELETE ON events BEGIN {_tally("old", -1)} END;
CREATE TRIGGER event_changed AFTER UPDATE OF status ON events BEGIN {_tally("old", -1)} {_tally("new", 1)} END;

CREATE TABLE orgs (
    org TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    exchanges INTEGER NOT NULL DEFAULT 1,
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
    UPDATE held SET exchanges = exchanges + 1, size = size + new.size;
END;
CREATE TRIGGER exchange_of_event_came AFTER INSERT ON exchanges WHEN new.event_id IS NOT NULL BEGIN {_EVENT_CAME}; END;
CREATE TRIGGER exchange_went AFTER DELETE ON exchanges BEGIN
    UPDATE orgs SET
        exchanges = exchanges - 1,
        accepted = accepted - old.accepted,
        faulted = faulted - (old.fault IS NOT NULL),
        bytes = bytes - length(old.body) - length(old.response_body)
    WHERE org = old.org;
    DELETE FROM orgs WHERE org = old.org AND exchanges = 0;
    UPDATE held SET exchanges = exchanges - 1, size = size - old.size;
END;

CREATE TABLE held (exchanges INTEGER NOT NULL, size INTEGER NOT NULL);
INSERT INTO held VALUES (0, 0);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO facts VALUES {", ".join(f"('{name}', 0)" for name in FACTS)};
PRAGMA application_id = {APPLICATION_ID};
"""


def schema(columns: Sequence[Column], version: int) -> str:
    """The statements that make a new file of ``version`` with these ``columns`` of exchanges."""
    exchanges = _EXCHANGES.format(", ".join(f"{column.name} {column.sql}" for column in columns))
    return f"{exchanges}{_OTHERS}PRAGMA user_version = {version};"


# Where the events of the exchanges up to a position stand.
EVENTS_UP_TO = """
SELECT (SELECT max(position) FROM exchanges AS other WHERE other.event_id = gone.event_id)
FROM exchanges AS gone WHERE gone.accepted AND gone.event_id IS NOT NULL AND gone.position <= ?
"""
# The body is the same in every attempt, so an event whose first accepted exchange has gone is held by the next one.
HOLD_EVENT = """
UPDATE events SET (first, status) = (
    SELECT position, status FROM exchanges WHERE event_id = events.id AND accepted ORDER BY position LIMIT 1
) WHERE last = ?1 AND EXISTS (SELECT * FROM exchanges WHERE event_id = events.id AND accepted)
"""
# How often an event was attempted, counting what has gone since.
ATTEMPTS = "SELECT attempt FROM exchanges WHERE event_id = ? ORDER BY position DESC LIMIT 1"
HELD = "SELECT exchanges, size FROM held"
LATEST = "SELECT received_at FROM exchanges ORDER BY position DESC LIMIT 1"
OLDEST = "SELECT position, size, received_at FROM exchanges ORDER BY position LIMIT ?"

# The exchange that stands for an event: the first that was accepted.
_KEPT = "JOIN exchanges AS kept ON kept.position = events.first"
SELECT_ORGS = """
SELECT
    last,
    org,
    exchanges,
    (SELECT coalesce(sum(events), 0) FROM tallies WHERE tallies.org = orgs.org),
    (SELECT received_at FROM exchanges WHERE position = last)
FROM orgs ORDER BY last DESC
"""
STATUSES = "SELECT status, sum(events) FROM tallies WHERE org IS ? GROUP BY status"


class Statements:
    """The statements that name columns of exchanges.

    ``columns`` are those of the layout; a file of an earlier version has no more than those ``there``, and of the
    others it has their default. ``record`` are the names of those that an event's record is made of.
    """

    def __init__(self, columns: Sequence[Column], there: Container[str], record: Sequence[str]) -> None:
        literals = {column.name: column.literal for column in columns if column.name not in there}
        self.names = ", ".join(literals.get(column.name, column.name) for column in columns)
        """All columns of an exchange, to be selected."""
        self._row = f"({', '.join('?' * (1 + len(columns)))})"
        self.following = f"SELECT position, {self.names} FROM exchanges WHERE position > ? ORDER BY position LIMIT ?"
        self.exchange = f"SELECT position, {self.names} FROM exchanges WHERE id = ?"
        kept = ", ".join(literals.get(name, f"kept.{name}") for name in record)
        self.record = f"events.last, events.attempts, events.received_at, events.last_received_at, {kept}"
        """What an event's record is made of, to be selected."""
        self.event = f"""
SELECT {self.record} FROM events {_KEPT} WHERE events.last = (SELECT max(position) FROM exchanges WHERE event_id = ?)
"""

    @cache  # noqa: B019 - there is one for each version of a file
    def insert(self, count: int) -> str:
        """The statement that adds ``count`` exchanges, each with its size before its columns."""
        return f"INSERT INTO exchanges (size, {self.names}) VALUES {', '.join([self._row] * count)}"

    def exchanges(self, which: ExchangeFilter, before: int | None) -> tuple[str, list[Any]]:
        """A query for the exchanges that ``which`` asks for before the position ``before``, newest first, and its
        values.
        """
        sql, values = exchanges_query(which, before)
        return f"SELECT position, {self.names} {sql}", values

    def events(self, which: EventFilter, before: int | None, index: str | None) -> tuple[str, list[Any]]:
        """A query for the records of events that ``which`` asks for, newest first, by walking ``index``, and its
        values.
        """
        sql, values = events_query(which, before, index)
        return f"SELECT {self.record} {sql}", values


def exchanges_query(which: ExchangeFilter, before: int | None) -> tuple[str, list[Any]]:
    """Which exchanges, newest first: from FROM on, and its values."""
    criteria = _criteria(which, ("org", "event_id"))
    by_event = "event_id" in criteria or which.run_id is not None
    index = (
        "exchanges_event" if by_event
        else "exchanges_faulted" if which.faulted
        else "exchanges_refused" if which.refused
        else "exchanges_org" if "org" in criteria
        else None
    )  # fmt: skip
    conditions, values = _conditions(criteria)
    conditions += ["NOT accepted"] * which.refused + ["fault IS NOT NULL"] * which.faulted
    if which.run_id is not None:
        conditions.append(f"event_id IN (SELECT id FROM events {_by('events_run_id')} WHERE run_id = ?)")
        values.append(storable(which.run_id))
    if before is not None:
        conditions.append("position < ?")
        values.append(before)
    return f"FROM exchanges {_by(index)} {_where(conditions)} ORDER BY position DESC", values


def widths_query(which: EventFilter) -> tuple[str, list[Any]] | None:
    """A query for how many events each part of a filter leaves by itself, where that is counted; see ``index_of``.

    None where there is nothing to choose.
    """
    criteria = _criteria(which)
    if len(criteria) < 2:
        return None
    sums, values = [], []
    for name in _TALLIED:
        condition = "org = ?" if name == "org" else f"org IS NULL AND {name} = ?"
        sums.append(f"(SELECT coalesce(sum(events), 0) FROM tallies WHERE {condition})" if name in criteria else "NULL")
        values += [storable(str(criteria[name]))] if name in criteria else []
    return f"SELECT {', '.join(sums)}", values


def index_of(which: EventFilter, widths: tuple[int | None, ...]) -> str | None:
    """The index to walk: of what leaves the fewest events, as far as that is known.

    ``widths`` is what ``widths_query`` found, or nothing.
    """
    known = {name: width for name, width in zip(_TALLIED, widths, strict=False) if width is not None}
    narrowest = min(known, key=lambda name: known[name], default=None)
    particular = next((name for name in EVENT_FILTER_COLUMNS if getattr(which, name) is not None), "org")
    if narrowest is not None and (particular in _TALLIED or known[narrowest] <= _FEW):
        return f"events_{narrowest}"
    return f"events_{particular}" if _criteria(which) else None


def events_query(which: EventFilter, before: int | None, index: str | None) -> tuple[str, list[Any]]:
    """Which events, each with the exchange that stands for it, newest first: from FROM on, and its values."""
    conditions, values = _conditions({f"events.{name}": value for name, value in _criteria(which).items()})
    if before is not None:
        conditions.append("events.last < ?")
        values.append(before)
    return f"FROM events {_by(index)} {_KEPT} {_where(conditions)} ORDER BY events.last DESC", values


def is_tallied(which: EventFilter) -> bool:
    """Whether tallies tell how many events there are that ``which`` asks for."""
    return _criteria(which).keys() <= set(_TALLIED)


def tally_query(which: EventFilter) -> tuple[str, list[Any]]:
    """A query for the number of events by ``which`` that tallies tell, and its values."""
    criteria = _criteria(which)
    org = criteria.pop("org", None)
    conditions, values = _conditions(criteria)
    where = _where(["org IS ?", *conditions])
    return f"SELECT coalesce(sum(events), 0) FROM tallies {where}", [storable(org), *values]


def count_query(which: EventFilter, index: str | None) -> tuple[str, list[Any]]:
    """A query for the number of events by ``which`` that have to be counted one by one, walking ``index``, and its
    values.
    """
    conditions, values = _conditions(_criteria(which))
    return f"SELECT count(*) FROM events {_by(index)} {_where(conditions)}", values


def _criteria(
    which: EventFilter | ExchangeFilter, names: tuple[str, ...] = ("org", *EVENT_FILTER_COLUMNS)
) -> dict[str, Any]:
    values = {name: getattr(which, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _conditions(criteria: dict[str, Any]) -> tuple[list[str], list[Any]]:
    return [f"{name} = ?" for name in criteria], [storable(str(value)) for value in criteria.values()]


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _by(index: str | None) -> str:
    return "" if index is None else f"INDEXED BY {index}"
