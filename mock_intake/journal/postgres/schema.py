"""The tables of a journal in PostgreSQL, what keeps its counts, and the steps from an earlier version.

All that is written is written under one lock: that of the row in ``state``, which an append, a retention and a
forgetting take in a statement of their own before all others, so that these see what was there when they had it, and
positions are given in the order of commits. So nothing here needs a unique index beside that of ids.

A row of an index ends at 2,704 bytes, and texts do not: indexes are over hashes of 64 bits, and whoever finds
something by one of them looks at the text too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mock_intake.journal.columns import FLAG, NUMBER, TEXT, Column
from mock_intake.journal.layout import Layout
from mock_intake.journal.protocol import EXTRACTS_IN_BLOCK
from mock_intake.journal.statements import EVENT_FILTER_COLUMNS

SCHEMA = "mock_intake"
# By what all events, and those of an org, are counted; see mock_intake.journal.statements.
COUNTED = ("status", "kind", "event_type")
# By which other replicas are told, with the name of the one that has written.
CHANNEL = "mock_intake"
# What follows the name where an org came that was not on record before.
JOINED = " joined"
# What follows it where fault plans were changed.
PLANNED = " planned"
# How tables of one version are kept has changed since the first (which has no name), beside which replicas of that go
# on: they call the functions that are there.
REVISION = "revision 3"
_EARLIER = ("revision 2",)
# By which one replica alone makes the tables, or carries them over: "mint".
LOCK = 0x6D696E74

_TYPES = {"TEXT": 'text COLLATE "C"', "BLOB": "bytea", "INTEGER": "bigint"}


def key(text: str) -> str:
    """The SQL for the hash of a text, by which it is found in an index."""
    return f"hashtextextended({text}, 0)"


def type_of(column: Column) -> str:
    """The type of a column, without its collation."""
    if column.keeping is FLAG:
        return "boolean"
    # Sizes that producers claim may have any number of digits.
    return "numeric" if column.keeping is NUMBER else _TYPES[_sql_of(column)].split()[0]


def _sql_of(column: Column) -> str:
    return column.keeping.sql


def _definition(column: Column) -> str:
    collation = ' COLLATE "C"' if type_of(column) == "text" else ""
    empty = "" if column.optional or column.part else " NOT NULL"
    return f"{column.name} {type_of(column)}{collation}{empty}"


def _literal(column: Column) -> str:
    """The default of a column, for rows of before it was there."""
    value, write = column.default, column.keeping.write
    if value is not None and write is not None:
        value = write(value)
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, bool):
        return str(value).lower()
    return f"""'{str(value).replace("'", "''")}'""" if isinstance(value, str) else str(int(value))


def _index(name: str) -> str:
    """By value, and then as listings are; the rest is at hand to be checked on the way."""
    columns = [key(name), "last", *(key(each) for each in ("org", *COUNTED) if each != name)]
    return f"CREATE INDEX events_{name} ON events ({', '.join(f'({each})' for each in columns)});"


_TEXT = _TYPES[TEXT.sql]
_FILTERS = ", ".join(EVENT_FILTER_COLUMNS)
_TABLES = f"""
CREATE TABLE state (
    position bigint NOT NULL,
    exchanges bigint NOT NULL,
    size bigint NOT NULL,
    dropped bigint NOT NULL,
    generation bigint NOT NULL,
    version integer NOT NULL
) WITH (fillfactor = 10);

-- Fault plans that hold at all replicas, and which version of them each has heard of.
CREATE TABLE plans (version bigint NOT NULL, plans bytea NOT NULL) WITH (fillfactor = 10);
CREATE TABLE replicas (name text NOT NULL, plans bigint NOT NULL);

CREATE TABLE exchanges (
    position bigint PRIMARY KEY,
    size bigint NOT NULL,
    attempt bigint NOT NULL,
    {{columns}}
);
CREATE UNIQUE INDEX exchanges_id ON exchanges (id);
CREATE INDEX exchanges_org ON exchanges (({key("org")}), position);
CREATE INDEX exchanges_event ON exchanges (({key("event_id")}), position) WHERE event_id IS NOT NULL;
CREATE INDEX exchanges_refused ON exchanges ((-position), ({key("org")})) WHERE NOT accepted;
CREATE INDEX exchanges_faulted ON exchanges ((-position), ({key("org")})) WHERE fault IS NOT NULL;

CREATE TABLE events (
    last bigint PRIMARY KEY,
    id {_TEXT} NOT NULL,
    org {_TEXT} NOT NULL,
    first bigint NOT NULL,
    received_at bigint NOT NULL,
    last_received_at bigint NOT NULL,
    attempts bigint NOT NULL,
    {", ".join(f"{name} {_TEXT}" for name in EVENT_FILTER_COLUMNS)}
);
CREATE INDEX events_id ON events (({key("id")}));
{"".join(_index(name) for name in ("org", *EVENT_FILTER_COLUMNS))}

-- whose: '=' and an org, '@' and a namespace of jobs, or '' for all.
CREATE TABLE tallies (
    whose {_TEXT} NOT NULL,
    status {_TEXT} NOT NULL,
    kind {_TEXT},
    event_type {_TEXT},
    events bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX tallies_whose ON tallies (({key("whose")}), ({key("coalesce(event_type, '')")}));

CREATE TABLE orgs (
    org {_TEXT} NOT NULL,
    last bigint NOT NULL,
    exchanges bigint NOT NULL,
    accepted bigint NOT NULL,
    faulted bigint NOT NULL,
    bytes bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX orgs_org ON orgs (({key("org")}));
"""
# See mock_intake.journal.protocol.ExtractStore. Compressed already.
_EXTRACTS = """
CREATE TABLE IF NOT EXISTS extracts (
    number bigint PRIMARY KEY,
    form text NOT NULL,
    content bytea STORAGE EXTERNAL NOT NULL
);
"""

# What was counted, as changes to the tallies.
_TALLY = f"""
MERGE INTO tallies USING (
    SELECT
        CASE
            WHEN GROUPING(org) = 0 THEN '=' || org
            WHEN GROUPING(job_namespace) = 0 THEN '@' || job_namespace
            ELSE ''
        END AS whose,
        status, kind, event_type, sum(change) AS change
    FROM changes
    GROUP BY GROUPING SETS (
        (org, status, kind, event_type), (job_namespace, status, kind, event_type), (status, kind, event_type)
    )
    HAVING sum(change) <> 0 AND (GROUPING(job_namespace) = 1 OR job_namespace IS NOT NULL)
) AS counted
ON {key("tallies.whose")} = {key("counted.whose")}
    AND {key("coalesce(tallies.event_type, '')")} = {key("coalesce(counted.event_type, '')")}
    AND tallies.whose = counted.whose
    AND tallies.status = counted.status
    AND tallies.kind IS NOT DISTINCT FROM counted.kind
    AND tallies.event_type IS NOT DISTINCT FROM counted.event_type
WHEN MATCHED AND tallies.events + counted.change = 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET events = tallies.events + counted.change
WHEN NOT MATCHED THEN INSERT (whose, status, kind, event_type, events)
    VALUES (counted.whose, counted.status, counted.kind, counted.event_type, counted.change)
"""
FUNCTIONS = f"""
-- Counts and lists the exchanges that the caller has just put there, so many as the last.
CREATE OR REPLACE FUNCTION came(number bigint, replica text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    until bigint := (SELECT position FROM state);
    since bigint := until - number + 1;
    joined boolean;
BEGIN
    joined := EXISTS (
        SELECT FROM (SELECT DISTINCT org FROM exchanges WHERE position BETWEEN since AND until) AS heard
        WHERE NOT EXISTS (
            SELECT FROM orgs WHERE {key("orgs.org")} = {key("heard.org")} AND orgs.org = heard.org
        )
    );
    MERGE INTO orgs USING (
        SELECT
            org,
            max(position) AS last,
            count(*) AS exchanges,
            count(*) FILTER (WHERE accepted) AS accepted,
            count(fault) AS faulted,
            sum(octet_length(body) + octet_length(response_body)) AS bytes
        FROM exchanges WHERE position BETWEEN since AND until GROUP BY org
    ) AS counted
    ON {key("orgs.org")} = {key("counted.org")} AND orgs.org = counted.org
    WHEN MATCHED THEN UPDATE SET
        last = counted.last,
        exchanges = orgs.exchanges + counted.exchanges,
        accepted = orgs.accepted + counted.accepted,
        faulted = orgs.faulted + counted.faulted,
        bytes = orgs.bytes + counted.bytes
    WHEN NOT MATCHED THEN INSERT (org, last, exchanges, accepted, faulted, bytes) VALUES (
        counted.org, counted.last, counted.exchanges, counted.accepted, counted.faulted, counted.bytes
    );
    -- Of events that are listed: they were attempted again.
    WITH latest AS (
        SELECT DISTINCT ON (event_id) event_id, position, received_at, attempt FROM exchanges
        WHERE position BETWEEN since AND until AND event_id IS NOT NULL ORDER BY event_id, position DESC
    )
    UPDATE events SET last = latest.position, last_received_at = latest.received_at, attempts = latest.attempt
    FROM latest WHERE {key("events.id")} = {key("latest.event_id")} AND events.id = latest.event_id;
    -- Of those that are not, the first that was accepted stands for the event.
    WITH latest AS (
        SELECT DISTINCT ON (event_id) event_id, position, received_at, attempt FROM exchanges
        WHERE position BETWEEN since AND until AND event_id IS NOT NULL ORDER BY event_id, position DESC
    ), kept AS (
        SELECT DISTINCT ON (event_id) event_id, org, position, received_at, {_FILTERS} FROM exchanges
        WHERE position BETWEEN since AND until AND event_id IS NOT NULL AND accepted ORDER BY event_id, position
    ), changes AS (
        INSERT INTO events (last, id, org, first, received_at, last_received_at, attempts, {_FILTERS})
        SELECT latest.position, kept.event_id, kept.org, kept.position, kept.received_at, latest.received_at,
            latest.attempt, {_FILTERS}
        FROM kept JOIN latest USING (event_id)
        WHERE NOT EXISTS (
            SELECT FROM events AS known WHERE {key("known.id")} = {key("kept.event_id")} AND known.id = kept.event_id
        )
        RETURNING org, job_namespace, status, kind, event_type, 1 AS change
    )
    {_TALLY};
    PERFORM pg_notify('{CHANNEL}', CASE WHEN joined THEN replica || '{JOINED}' ELSE replica END);
END
$$;

-- Takes away the exchanges at these positions, the events that are left without an accepted one, and what was taken of
-- them beside others.
CREATE OR REPLACE FUNCTION take_away(positions bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM extracts WHERE number = ANY (
        ARRAY(SELECT DISTINCT (position - 1) / {EXTRACTS_IN_BLOCK} FROM unnest(positions) AS position)
    );
    WITH gone AS MATERIALIZED (
        SELECT DISTINCT event_id FROM exchanges
        WHERE position = ANY (positions) AND accepted AND event_id IS NOT NULL
    ), held AS MATERIALIZED (
        SELECT events.last, events.org, events.job_namespace, events.status, events.kind, events.event_type,
            following.position AS first, following.status AS now
        FROM gone JOIN events ON {key("events.id")} = {key("gone.event_id")} AND events.id = gone.event_id
        LEFT JOIN LATERAL (
            SELECT position, status FROM exchanges AS other
            WHERE ({key("other.event_id")}, other.position) > ({key("events.id")}, events.first)
                AND ({key("other.event_id")}, other.position) <= ({key("events.id")}, events.last)
                AND other.event_id = events.id AND other.accepted AND other.position <> ALL (positions)
            ORDER BY {key("other.event_id")}, other.position LIMIT 1
        ) AS following ON true
        WHERE events.first = ANY (positions)
    ), moved AS (
        UPDATE events SET first = held.first, status = held.now FROM held
        WHERE events.last = held.last AND held.first IS NOT NULL
    ), ended AS (
        DELETE FROM events USING held WHERE events.last = held.last AND held.first IS NULL
    ), changes AS (
        SELECT org, job_namespace, status, kind, event_type, -1 AS change FROM held
        UNION ALL SELECT org, job_namespace, now, kind, event_type, 1 FROM held WHERE first IS NOT NULL
    )
    {_TALLY};
    WITH gone AS (
        DELETE FROM exchanges WHERE position = ANY (positions)
        RETURNING org, accepted, fault, size, octet_length(body) + octet_length(response_body) AS bytes
    ), counted AS (
        UPDATE state SET exchanges = exchanges - whole.number, size = state.size - whole.size
        FROM (SELECT count(*) AS number, coalesce(sum(size), 0) AS size FROM gone) AS whole
    )
    MERGE INTO orgs USING (
        SELECT org, count(*) AS exchanges, count(*) FILTER (WHERE accepted) AS accepted, count(fault) AS faulted,
            sum(bytes) AS bytes
        FROM gone GROUP BY org
    ) AS less
    ON {key("orgs.org")} = {key("less.org")} AND orgs.org = less.org
    WHEN MATCHED AND orgs.exchanges = less.exchanges THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        exchanges = orgs.exchanges - less.exchanges,
        accepted = orgs.accepted - less.accepted,
        faulted = orgs.faulted - less.faulted,
        bytes = orgs.bytes - less.bytes;
END
$$;

-- Drops the oldest exchanges, as the limits (NULL: none) ask for; how many, and whether there are more to.
CREATE OR REPLACE FUNCTION retain(
    most bigint, hours double precision, room bigint, at_once bigint, bytes_at_once bigint, OUT number bigint,
    OUT more boolean
) LANGUAGE plpgsql AS $$
DECLARE
    positions bigint[] := '{{}}';
    held record;
    each record;
    since bigint;
    freed bigint := 0;
BEGIN
    number := 0;
    more := false;
    SELECT exchanges, size INTO held FROM state FOR UPDATE;
    IF held.exchanges <= coalesce(most, held.exchanges) AND held.size <= coalesce(room, held.size) AND hours IS NULL
    THEN
        RETURN;
    END IF;
    SELECT received_at - (hours * 3600000000)::bigint INTO since FROM exchanges ORDER BY position DESC LIMIT 1;
    FOR each IN SELECT position, size, received_at FROM exchanges ORDER BY position LIMIT at_once LOOP
        EXIT WHEN held.exchanges - number <= coalesce(most, held.exchanges)
            AND held.size - freed <= coalesce(room, held.size)
            AND each.received_at >= coalesce(since, each.received_at);
        IF freed > bytes_at_once THEN
            more := true;
            EXIT;
        END IF;
        positions := positions || each.position;
        number := number + 1;
        freed := freed + each.size;
    END LOOP;
    more := more OR number = at_once;
    IF number > 0 THEN
        PERFORM take_away(positions);
        UPDATE state SET dropped = dropped + number;
    END IF;
END
$$;

-- Takes away the oldest exchanges of an org, or (NULL) of all, up to a position; how many.
CREATE OR REPLACE FUNCTION forget(
    whose text, until bigint, at_once bigint, bytes_at_once bigint, replica text
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    positions bigint[] := '{{}}';
    each record;
    freed bigint := 0;
BEGIN
    PERFORM FROM state FOR UPDATE;
    FOR each IN
        SELECT position, size FROM exchanges WHERE whose IS NULL AND position <= until ORDER BY position LIMIT at_once
    LOOP
        positions := positions || each.position;
        freed := freed + each.size;
        EXIT WHEN freed > bytes_at_once;
    END LOOP;
    FOR each IN
        SELECT position, size FROM exchanges
        WHERE ({key("org")}, position) >= ({key("whose")}, 0) AND ({key("org")}, position) <= ({key("whose")}, until)
            AND org = whose
        ORDER BY {key("org")}, position LIMIT at_once
    LOOP
        positions := positions || each.position;
        freed := freed + each.size;
        EXIT WHEN freed > bytes_at_once;
    END LOOP;
    IF cardinality(positions) > 0 THEN
        PERFORM take_away(positions);
        UPDATE state SET generation = generation + 1;
        PERFORM pg_notify('{CHANNEL}', replica);
    END IF;
    RETURN cardinality(positions);
END
$$;
"""

_REVISED = f"COMMENT ON TABLE state IS '{REVISION}';"


def creation(layout: Layout[Any]) -> str:
    """The statements that make a new journal of the layout's version, in a schema that the caller has chosen."""
    columns = ", ".join(_definition(column) for column in layout.columns)
    begin = f"INSERT INTO state VALUES (0, 0, 0, 0, 0, {layout.version}); INSERT INTO plans VALUES (0, '');"
    return f"{_TABLES.format(columns=columns)}{_EXTRACTS}{FUNCTIONS}{begin}{_REVISED}"


def revision(earlier: str | None) -> list[str]:
    """The statements that make of a journal of an ``earlier`` revision one of this; none for one of a later."""
    if earlier is not None and earlier not in _EARLIER:
        return []
    statements = [_EXTRACTS, FUNCTIONS]
    if earlier is None:
        statements.append("DELETE FROM tallies WHERE whose LIKE '@%'")
        statements.append(
            "INSERT INTO tallies SELECT '@' || job_namespace, status, kind, event_type, count(*) FROM events "
            "WHERE job_namespace IS NOT NULL GROUP BY job_namespace, status, kind, event_type"
        )
    return [*statements, _REVISED]


def steps(layout: Layout[Any], version: int) -> Iterator[str]:
    """The statements that make of a journal of ``version`` one of the layout's own.

    Replicas of the earlier version go on beside it: they leave new columns to their defaults.
    """
    columns = {column.name: column for column in layout.columns}
    for _, names, more in layout.later(version):
        for name in names:
            column = columns[name]
            yield f"ALTER TABLE exchanges ADD COLUMN {_definition(column)} DEFAULT {_literal(column)}"
        yield from more
    yield FUNCTIONS
    yield f"UPDATE state SET version = {layout.version}"


def insert(columns: Sequence[Column], count: int) -> str:
    """The statement that adds ``count`` exchanges.

    Its first value is how many positions the first of them lies before the end, its own included; then follow, for
    each, its size and its columns. Attempts of an event go on from those that are there.
    """
    names = [column.name for column in columns]
    types = ["bigint", *(type_of(column) for column in columns)]
    rows = ", ".join(_row(types, place, at=2 + place * len(types)) for place in range(count))
    return f"""
INSERT INTO exchanges (position, size, attempt, {", ".join(names)})
SELECT state.position - $1::bigint + added.place + 1, added.size,
    coalesce((
        SELECT earlier.attempt FROM exchanges AS earlier
        WHERE ({key("earlier.event_id")}, earlier.position) >= ({key("added.event_id")}, 0)
            AND ({key("earlier.event_id")}, earlier.position) <= ({key("added.event_id")}, {2**63 - 1})
            AND earlier.event_id = added.event_id
        ORDER BY {key("earlier.event_id")} DESC, earlier.position DESC LIMIT 1
    ), 0) + row_number() OVER (PARTITION BY added.event_id ORDER BY added.place),
    {", ".join(f"added.{name}" for name in names)}
FROM state, (VALUES {rows}) AS added (place, size, {", ".join(names)})
"""


def _row(types: Iterable[str], place: int, at: int) -> str:
    # What the first row says of types goes for all.
    values = [f"${at + number}" + ("" if place else f"::{kind}") for number, kind in enumerate(types)]
    return f"({place}, {', '.join(values)})"
