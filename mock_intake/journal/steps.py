"""What is done with a connection in one step, by statements that have values of their own."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from mock_intake.journal import rows, statements
from mock_intake.journal.protocol import EventFilter, Statistics
from mock_intake.model.findings import Status

# So much (bytes) of a file is written anew within the room that is held for a full disk.
_LITTLE = 256 * 1024


def number(connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> int:
    """The one number that a query finds."""
    return int(connection.execute(sql, values).fetchone()[0])


def tallied(connection: sqlite3.Connection, which: EventFilter) -> int:
    """How many events ``which`` asks for, as tallies tell."""
    return number(connection, *statements.tally_query(which))


def index(connection: sqlite3.Connection, which: EventFilter) -> str | None:
    """The index to walk for the filter ``which``."""
    query = statements.widths_query(which)
    return statements.index_of(which, () if query is None else connection.execute(*query).fetchone())


def statistics(connection: sqlite3.Connection, org: str | None) -> Statistics:
    """The counts of ``org`` or of all, of one moment. Outside a transaction."""
    where, values = ("", ()) if org is None else ("WHERE org = ?", (rows.storable(org),))
    summed = ", ".join(f"coalesce(sum({name}), 0)" for name in ("exchanges", "accepted", "faulted", "bytes"))
    connection.execute("BEGIN")
    try:
        row = connection.execute(f"SELECT {summed} FROM orgs {where}", values).fetchone()
        found = connection.execute(statements.STATUSES, (rows.storable(org),))
        counts = {Status(status): count for status, count in found}
    finally:
        connection.execute("COMMIT")
    exchanges, accepted, faulted, size = row
    return Statistics(exchanges, accepted, faulted, counts, size)


def drop(connection: sqlite3.Connection, upto: int, org: str | None = None) -> None:
    """Takes away the exchanges up to the position ``upto``, and the events that are left without an accepted one.

    Those of ``org`` alone, or of all. In the caller's transaction.
    """
    condition, whose = of_org(org)
    left = {last for (last,) in connection.execute(statements.EVENTS_UP_TO + condition, (upto, *whose)) if last > upto}
    connection.execute(f"DELETE FROM events WHERE last <= ?{condition}", (upto, *whose))
    connection.execute(f"DELETE FROM exchanges WHERE position <= ?{condition}", (upto, *whose))
    for last in left:
        connection.execute(statements.HOLD_EVENT, (last,))
        connection.execute("DELETE FROM events WHERE last = ? AND first <= ?", (last, upto))


def empty(connection: sqlite3.Connection) -> int:
    """Takes away all exchanges, however many, and writes next to nothing for that; how many they were.

    Without triggers SQLite lets the pages of a table go, and looks at no row. In the caller's transaction.
    """
    count = number(connection, "SELECT exchanges FROM held")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for table in ("exchanges", "events", "tallies", "orgs"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE held SET exchanges = 0, size = 0")
    for _, sql in triggers:
        connection.execute(sql)
    return count


def is_mostly_free(connection: sqlite3.Connection) -> bool:
    """Whether what is left of a file is so little that it can be written anew in little room, and less than is free."""
    pages, free, size = (number(connection, f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size <= _LITTLE and free > pages // 2


def shrink(connection: sqlite3.Connection) -> None:
    """Writes a file anew and gives the disk back what is free in it. Outside a transaction.

    What was taken away from a file stays in it as free pages, and those that are in the log only would have to be
    written back first: on a full disk there is no room for that.
    """
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()


def write_back(connection: sqlite3.Connection) -> bool:
    """Writes all of the log into the file, and leaves none; whether there was room for it. Outside a transaction."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return True
    return False


def oldest(connection: sqlite3.Connection, end: int, org: str | None, most: int, room: int) -> tuple[int, int]:
    """Up to which position the oldest are ``most`` exchanges, and about ``room`` bytes, at most; and how many they are.

    Of ``org`` alone or of all, and none behind the position ``end``.
    """
    condition, whose = of_org(org)
    query = f"SELECT position, size FROM exchanges WHERE position <= ?{condition} ORDER BY position LIMIT ?"
    upto = count = freed = 0
    for position, size in connection.execute(query, (end, *whose, most)).fetchall():
        upto, count, freed = position, count + 1, freed + size
        if freed > room:
            break
    return upto, count


def outdated(
    connection: sqlite3.Connection,
    exchanges: int | None,
    hours: float | None,
    size: int | None,
    at_once: int,
    bytes_at_once: int,
) -> tuple[int, int, bool]:
    """Up to which position the oldest exchanges are more than may be kept (None: no limit); how many, whether of more.

    ``exchanges``, ``hours`` and ``size`` are what may be kept; at once go so many, and about so many bytes, at most.
    """
    most, room = (math.inf if limit is None else limit for limit in (exchanges, size))
    held, taken = connection.execute(statements.HELD).fetchone()
    if held <= most and taken <= room and hours is None:
        return 0, 0, False
    oldest = -math.inf
    if hours is not None and (latest := connection.execute(statements.LATEST).fetchone()) is not None:
        oldest = latest[0] - timedelta(hours=hours) // timedelta(microseconds=1)
    upto, dropped, freed = 0, 0, 0
    for position, each, received_at in connection.execute(statements.OLDEST, (at_once,)).fetchall():
        if held - dropped <= most and taken - freed <= room and received_at >= oldest:
            return upto, dropped, False
        if freed > bytes_at_once:
            return upto, dropped, True
        upto, dropped, freed = position, dropped + 1, freed + each
    return upto, dropped, dropped < held


def of_org(org: str | None) -> tuple[str, tuple[object, ...]]:
    """A further condition, and its value."""
    return ("", ()) if org is None else (" AND org = ?", (rows.storable(org),))


def add_to_fact(connection: sqlite3.Connection, name: str, by: int) -> None:
    """Adds ``by`` to the number ``name``, one of those that are kept of the file."""
    connection.execute("UPDATE facts SET value = value + ? WHERE name = ?", (by, name))
