"""What is asked of a journal in PostgreSQL: its listings and counts, each by one index that it names by its order.

The planner of PostgreSQL goes by estimates, which are wrong where much has just come in, and takes no hints. So where
rows are wanted in an order that several indexes have, the query compares and orders by the pair that one index alone
has: (hash of the value, position). No statement here gives out more than there is room for
(``mock_intake.journal.protocol.LARGEST_PART``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mock_intake.journal import statements
from mock_intake.journal.columns import Column
from mock_intake.journal.postgres.schema import COUNTED, key
from mock_intake.journal.postgres.texts import escaped
from mock_intake.journal.protocol import LARGEST_PART, EventFilter, ExchangeFilter
from mock_intake.journal.rows import OVERHEAD

_END = 2**63 - 1
# What an event's record takes beside what is long in it, in bytes.
_OF_RECORD = 500
_TALLIED = "SELECT coalesce(sum(events), 0) FROM tallies"


class Query:
    """A statement that is being written, and its values."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def text(self, value: object) -> str:
        """The placeholder of a text."""
        self.values.append(escaped(str(value)))
        return f"${len(self.values)}::text"

    def walk(self, column: str, value: object, order: str, before: int | None) -> list[str]:
        """Conditions for the rows whose ``column`` is ``value``, in the order of the index over both."""
        same = self.text(value)
        pair = f"({key(column)}, {order})"
        end = _END if before is None else before
        return [f"{pair} >= ({key(same)}, 0)", f"{pair} < ({key(same)}, {end})", f"{column} = {same}"]

    def same(self, column: str, value: object) -> list[str]:
        """Conditions for the rows whose ``column`` is ``value``, looked for in an index and then in the row."""
        same = self.text(value)
        return [f"{key(column)} = {key(same)}", f"{column} = {same}"]


def following(columns: Sequence[Column], after: int, limit: int) -> str:
    """The query for the exchanges behind a position, oldest first."""
    found = f"SELECT * FROM exchanges WHERE position > {after} ORDER BY position LIMIT {limit}"
    return _within_room(["position", *(column.name for column in columns)], found, f"size - {OVERHEAD}", "position")


def exchange(columns: Sequence[Column], exchange_id: str) -> tuple[str, list[Any]]:
    """A query for one exchange, and its values."""
    query = Query()
    names = ", ".join(column.name for column in columns)
    return f"SELECT position, {names} FROM exchanges WHERE id = {query.text(exchange_id)}", query.values


def exchanges(
    columns: Sequence[Column], which: ExchangeFilter, limit: int, before: int | None
) -> tuple[str, list[Any]]:
    """A query for a page of exchanges, newest first, and its values; see ``_within_room``."""
    query = Query()
    conditions = ["NOT accepted"] * which.refused + ["fault IS NOT NULL"] * which.faulted
    source, order = "exchanges", "position DESC"
    if which.event_id is not None:
        conditions += query.walk("event_id", which.event_id, "position", before)
        order = f"{key('event_id')} DESC, position DESC"
        if which.run_id is not None:
            of_event = " AND ".join(query.same("id", which.event_id))
            conditions.append(f"EXISTS (SELECT FROM events WHERE {of_event} AND run_id = {query.text(which.run_id)})")
    elif which.run_id is not None:
        of_run = " AND ".join(query.walk("run_id", which.run_id, "last", None))
        end = _END if before is None else before
        source = f"""(
            SELECT attempts.* FROM (SELECT id FROM events WHERE {of_run}) AS listed CROSS JOIN LATERAL (
                SELECT * FROM exchanges WHERE ({key("event_id")}, position) >= ({key("listed.id")}, 0)
                    AND ({key("event_id")}, position) < ({key("listed.id")}, {end}) AND event_id = listed.id
                ORDER BY {key("event_id")}, position
            ) AS attempts
        ) AS of_run"""
    elif which.faulted or which.refused:
        order = "(-position)"
        if before is not None:
            conditions.append(f"(-position) > {-before}")
    elif which.org is not None:
        conditions += query.walk("org", which.org, "position", before)
        order = f"{key('org')} DESC, position DESC"
    elif before is not None:
        conditions.append(f"position < {before}")
    if which.org is not None:
        conditions += query.same("org", which.org)
    found = f"SELECT * FROM {source} {_where(conditions)} ORDER BY {order} LIMIT {limit + 1}"
    names = ["position", *(column.name for column in columns)]
    return _within_room(names, found, f"size - {OVERHEAD}", "position DESC"), query.values


def events(record: Sequence[str], which: EventFilter, limit: int, before: int | None, index: str | None) -> Any:
    """A query for a page of events' records, the latest received first, by one of the indexes, and its values."""
    query = Query()
    criteria = _criteria(which)
    conditions, order = [], "last DESC"
    if index is not None:
        walked = index.removeprefix("events_")
        conditions += query.walk(walked, criteria.pop(walked), "last", before)
        order = f"{key(walked)} DESC, last DESC"
    elif before is not None:
        conditions.append(f"last < {before}")
    for name, value in criteria.items():
        conditions += query.same(name, value)
    own = ("last", "attempts", "received_at", "last_received_at")
    long = " + ".join(f"coalesce(octet_length({name}), 0)" for name in ("findings", "inputs", "outputs"))
    found = f"""
        SELECT {", ".join(f"listed.{name}" for name in own)}, kept.* FROM (
            SELECT * FROM events {_where(conditions)} ORDER BY {order} LIMIT {limit + 1}
        ) AS listed CROSS JOIN LATERAL (
            SELECT {", ".join(record)} FROM exchanges WHERE position = listed.first LIMIT 1
        ) AS kept"""
    return _within_room([*own, *record], found, f"{long} + {_OF_RECORD}", "last DESC"), query.values


def event(record: Sequence[str], event_id: str) -> tuple[str, list[Any]]:
    """A query for the record of one event, and its values."""
    query = Query()
    own = ", ".join(f"listed.{name}" for name in ("last", "attempts", "received_at", "last_received_at"))
    names = ", ".join(f"kept.{name}" for name in record)
    conditions = " AND ".join(query.same("listed.id", event_id))
    found = f"events AS listed JOIN exchanges AS kept ON kept.position = listed.first WHERE {conditions}"
    return f"SELECT {own}, {names} FROM {found}", query.values


def attempts(event_id: str) -> tuple[str, list[Any]]:
    """A query for how often an event was attempted, counting what has gone since, and its values."""
    query = Query()
    conditions = query.walk("event_id", event_id, "position", None)
    order = f"{key('event_id')} DESC, position DESC"
    return f"SELECT attempt FROM exchanges {_where(conditions)} ORDER BY {order} LIMIT 1", query.values


def count(which: EventFilter) -> tuple[str, list[Any]]:
    """A query for how many events there are that tallies don't tell of, and its values."""
    query = Query()
    conditions = [part for name, value in _criteria(which).items() for part in query.same(name, value)]
    return f"SELECT count(*) FROM events {_where(conditions)}", query.values


def tally(which: EventFilter) -> tuple[str, list[Any]]:
    """A query for how many events there are, as tallies tell, and its values."""
    query = Query()
    return f"{_TALLIED} {_where(_tallied(query, which))}", query.values


def _tallied(query: Query, which: EventFilter) -> list[str]:
    criteria = _criteria(which)
    namespace = criteria.pop("job_namespace", None)
    whose = f"@{namespace}" if namespace is not None else _whose(criteria.pop("org", None))
    conditions = query.same("whose", whose)
    return [*conditions, *(f"{name} = {query.text(value)}" for name, value in criteria.items())]


def widths(which: EventFilter) -> tuple[str, list[Any]] | None:
    """A query for how many events each part of a filter leaves by itself (see ``statements.index_of``), and at last how
    many all of it does, NULL where tallies don't tell; and its values.

    None where there is nothing to choose.
    """
    criteria = _criteria(which)
    if len(criteria) < 2:
        return None
    query = Query()
    sums = []
    for name in ("org", *COUNTED):
        if name not in criteria:
            sums.append("NULL")
            continue
        org = criteria[name] if name == "org" else None
        conditions = query.same("whose", _whose(org))
        if name != "org":
            conditions.append(f"{name} = {query.text(criteria[name])}")
        sums.append(f"({_TALLIED} {_where(conditions)})")
    sums.append(f"({_TALLIED} {_where(_tallied(query, which))})" if is_tallied(which) else "NULL")
    return f"SELECT {', '.join(sums)}", query.values


def orgs() -> str:
    """The query for all orgs; see ``rows.org_from_row``."""
    return f"""
SELECT org, exchanges, events.number, latest.received_at FROM orgs
CROSS JOIN LATERAL (
    SELECT coalesce(sum(events), 0) AS number FROM tallies
    WHERE {key("whose")} = {key("'=' || orgs.org")} AND whose = '=' || orgs.org
) AS events
CROSS JOIN LATERAL (SELECT received_at FROM exchanges WHERE position = orgs.last LIMIT 1) AS latest
ORDER BY orgs.last DESC
"""


def statistics(org: str | None) -> tuple[str, list[Any]]:
    """A query for the counts of all, or of one org, with those by status as JSON, and its values."""
    query = Query()
    summed = ", ".join(f"coalesce(sum({name}), 0)" for name in ("exchanges", "accepted", "faulted", "bytes"))
    of_org = "" if org is None else _where(query.same("org", org))
    by_status = (
        f"SELECT status, sum(events) AS events FROM tallies {_where(query.same('whose', _whose(org)))} GROUP BY status"
    )
    statuses = f"SELECT json_object_agg(status, events) FROM ({by_status}) AS by_status"
    return f"SELECT {summed}, ({statuses}) FROM orgs {of_org}", query.values


def is_tallied(which: EventFilter) -> bool:
    """Whether tallies tell how many events there are: they are kept by org and by namespace, and not by both."""
    names = _criteria(which).keys()
    return any(names <= {whose, *COUNTED} for whose in ("org", "job_namespace"))


def _whose(org: object) -> str:
    return "" if org is None else f"={org}"


def _criteria(which: EventFilter) -> dict[str, Any]:
    values = {name: getattr(which, name) for name in ("org", *statements.EVENT_FILTER_COLUMNS)}
    return {name: value for name, value in values.items() if value is not None}


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _within_room(names: Sequence[str], found: str, size: str, order: str) -> str:
    """Of the rows that are ``found`` the first, as there is room for them; each with how many were found in all."""
    return f"""
SELECT {", ".join(names)}, number FROM (
    SELECT *, count(*) OVER () AS number,
        sum({size}) OVER (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken
    FROM ({found}) AS found
) AS measured
WHERE coalesce(taken, 0) < {LARGEST_PART} ORDER BY {order}
"""
