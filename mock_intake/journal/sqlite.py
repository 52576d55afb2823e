"""The journal in a SQLite file: what was acknowledged is on disk, also after a power cut.

Write-ahead log, ``synchronous=FULL``, one transaction for each batch that is appended. Bodies are kept as they
were received, beside flat columns by which they are listed; every filter has an index. One process writes (a
lock beside the file says so); any number may read.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal import rows
from mock_intake.journal.protocol import (
    EventFilter,
    EventRecord,
    ExchangeFilter,
    JournalError,
    OrgStatistics,
    Page,
    Statistics,
)

APPLICATION_ID = 0x6D696E74  # "mint"
VERSION = 1
_BUSY_SECONDS = 5.0
_REMOVED_AT_ONCE = 500

_FILTER_INDEXES = "".join(
    f"CREATE INDEX events_{name} ON events ({name}, last) WHERE first IS NOT NULL;"
    for name in rows.EVENT_FILTER_COLUMNS
)
_SCHEMA = f"""
CREATE TABLE exchanges (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    {", ".join(f"{name} {kind}" for name, kind in rows.EXCHANGE_COLUMNS)}
);
CREATE UNIQUE INDEX exchanges_id ON exchanges (id);
CREATE INDEX exchanges_org ON exchanges (org, position);
CREATE INDEX exchanges_event ON exchanges (event_id, position) WHERE event_id IS NOT NULL;
CREATE INDEX exchanges_time ON exchanges (received_at);
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL,
    first INTEGER,
    last INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    {", ".join(f"{name} TEXT" for name in rows.EVENT_FILTER_COLUMNS)}
) WITHOUT ROWID;
CREATE INDEX events_last ON events (last) WHERE first IS NOT NULL;
CREATE INDEX events_org ON events (org, last) WHERE first IS NOT NULL;
{_FILTER_INDEXES}
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO facts VALUES ('dropped', 0), ('generation', 0), ('bytes', 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


class Retention(NamedTuple):
    """What a journal may keep at most; None is no limit. ``hours`` from receipt, ``bytes`` of bodies and answers."""

    exchanges: int | None = None
    hours: float | None = None
    bytes: int | None = None


class SqliteJournal:
    """Keeps exchanges in a SQLite file. Close it when done.

    ``read_only`` opens a file for reading only, beside a process that may be writing to it. Raises
    ``JournalError`` on a file that is no journal, of a later version, in use by another writer, or unwritable.
    """

    blocking = True

    def __init__(self, file: Path, *, retention: Retention | None = None, read_only: bool = False) -> None:
        self.file = file
        self._retention = retention or Retention()
        self._read_only = read_only
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._write_lock = threading.Lock()
        self._held = None if read_only else _hold(file)
        try:
            with self._errors():
                self._open()
        except JournalError:
            self.close()
            raise

    def _open(self) -> None:
        connection = self._connection
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            if self._read_only:
                raise JournalError(f"{self.file} is empty: there is no journal in it.")
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise JournalError(f"{self.file} is a database, and no journal of mock-intake.")
        if version > VERSION:
            raise JournalError(
                f"{self.file} was written by a later mock-intake (journal version {version}; this one knows {VERSION})."
            )

    @property
    def _connection(self) -> sqlite3.Connection:
        """A connection of the calling thread's own."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            mode = "ro" if self._read_only else "rwc"
            address = f"{self.file.absolute().as_uri()}?mode={mode}"
            connection = sqlite3.connect(
                address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            if not self._read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
            with self._guard:
                self._connections.append(connection)
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns what SQLite says into what a user can do about it."""
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"{self.file}: {_explained(error)}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock, self._errors():
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Ends all connections; the last one writes the log back into the file."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()
        if self._held is not None:
            self._held.close()
            self._held = None

    def append(self, exchanges: Sequence[Exchange]) -> None:
        with self._transaction() as connection:
            for exchange in exchanges:
                position = connection.execute(rows.INSERT_EXCHANGE, rows.exchange_to_row(exchange)).lastrowid
                if exchange.event is not None:
                    connection.execute(rows.UPSERT_EVENT, rows.event_to_row(exchange, position))
            size = sum(rows.size_of(exchange) for exchange in exchanges)
            connection.execute("UPDATE facts SET value = value + ? WHERE name = 'bytes'", (size,))
            self._retain(connection, exchanges[-1] if exchanges else None)

    def _retain(self, connection: sqlite3.Connection, latest: Exchange | None) -> None:
        """Drops the oldest exchanges, as many as the limits ask for."""
        limits = self._retention
        if latest is None or limits == Retention():
            return
        gone: list[int] = []
        if limits.exchanges is not None:
            surplus = connection.execute("SELECT count(*) FROM exchanges").fetchone()[0] - limits.exchanges
            if surplus > 0:
                gone += _positions(connection, "ORDER BY position LIMIT ?", surplus)
        if limits.hours is not None:
            oldest = rows.microseconds(latest.received_at) - int(limits.hours * 3_600_000_000)
            gone += _positions(connection, "WHERE received_at < ?", oldest)
        if limits.bytes is not None:
            surplus = _fact(connection, "bytes") - limits.bytes
            for position, size in connection.execute(f"SELECT position, {rows.SIZE} FROM exchanges ORDER BY position"):
                if surplus <= 0:
                    break
                gone.append(position)
                surplus -= size
        removed = self._remove(connection, sorted(set(gone)))
        if removed:
            connection.execute("UPDATE facts SET value = value + ? WHERE name = 'dropped'", (removed,))

    def _remove(self, connection: sqlite3.Connection, positions: Sequence[int]) -> int:
        """Takes exchanges away, and what was known of their events by them."""
        for start in range(0, len(positions), _REMOVED_AT_ONCE):
            part = positions[start : start + _REMOVED_AT_ONCE]
            marks = ",".join("?" * len(part))
            of_part = f"position IN ({marks})"
            found = connection.execute(
                f"SELECT DISTINCT event_id FROM exchanges WHERE {of_part} AND event_id IS NOT NULL", part
            )
            events = [row[0] for row in found]
            size = connection.execute(f"SELECT sum({rows.SIZE}) FROM exchanges WHERE {of_part}", part).fetchone()[0]
            connection.execute("UPDATE facts SET value = value - ? WHERE name = 'bytes'", (size or 0,))
            connection.execute(f"DELETE FROM exchanges WHERE {of_part}", part)
            for event_id in events:
                connection.execute(rows.RECOUNT_EVENT, {"id": event_id})
                connection.execute("DELETE FROM events WHERE id = ? AND attempts = 0", (event_id,))
        return len(positions)

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        with self._errors():
            found = self._connection.execute(
                f"SELECT {rows.EXCHANGE_NAMES}, position FROM exchanges WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            ).fetchall()
        return [(row[-1], rows.exchange_from_row(row[:-1])) for row in found]

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        conditions, values = _conditions({"org": which.org, "event_id": which.event_id})
        if before is not None:
            conditions.append("position < ?")
            values.append(before)
        with self._errors():
            found = self._connection.execute(
                f"SELECT {rows.EXCHANGE_NAMES}, position FROM exchanges {_where(conditions)} "
                "ORDER BY position DESC LIMIT ?",
                (*values, limit + 1),
            ).fetchall()
        items = [rows.exchange_from_row(row[:-1]) for row in found[:limit]]
        return Page(items, found[limit - 1][-1] if len(found) > limit else None)

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        conditions, values = _event_conditions(which)
        if before is not None:
            conditions.append("events.last < ?")
            values.append(before)
        with self._errors():
            found = self._connection.execute(
                f"{rows.SELECT_EVENTS} {_where(conditions)} ORDER BY events.last DESC LIMIT ?", (*values, limit + 1)
            ).fetchall()
        items = [rows.event_from_row(row) for row in found[:limit]]
        return Page(items, found[limit - 1][0] if len(found) > limit else None)

    def count_events(self, which: EventFilter) -> int:
        conditions, values = _event_conditions(which)
        with self._errors():
            return int(
                self._connection.execute(f"SELECT count(*) FROM events {_where(conditions)}", values).fetchone()[0]
            )

    def attempts(self, event_id: str) -> int:
        with self._errors():
            row = self._connection.execute("SELECT attempts FROM events WHERE id = ?", (event_id,)).fetchone()
        return 0 if row is None else int(row[0])

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._errors():
            row = self._connection.execute(
                f"SELECT {rows.EXCHANGE_NAMES} FROM exchanges WHERE id = ?", (exchange_id,)
            ).fetchone()
        return None if row is None else rows.exchange_from_row(row)

    def event(self, event_id: str) -> EventRecord | None:
        with self._errors():
            row = self._connection.execute(
                f"{rows.SELECT_EVENTS} WHERE events.id = ? AND events.first IS NOT NULL", (event_id,)
            ).fetchone()
        return None if row is None else rows.event_from_row(row)

    def orgs(self) -> list[OrgStatistics]:
        with self._errors():
            found = self._connection.execute(rows.SELECT_ORGS).fetchall()
        return [rows.org_from_row(row) for row in found]

    def statistics(self, org: str | None = None) -> Statistics:
        conditions, values = _conditions({"org": org})
        where = _where(conditions)
        counted = "count(*), coalesce(sum(accepted), 0), count(fault)"
        with self._errors():
            row = self._connection.execute(
                f"SELECT {counted}, coalesce(sum({rows.SIZE}), 0) FROM exchanges {where}", values
            ).fetchone()
            accepted = _where(["first IS NOT NULL", *conditions])
            statuses = self._connection.execute(
                f"SELECT status, count(*) FROM events {accepted} GROUP BY status", values
            ).fetchall()
        exchanges, taken, faulted, size = row
        return Statistics(exchanges, taken, faulted, {Status(status): count for status, count in statuses}, size)

    def forget(self, org: str | None = None) -> int:
        conditions, values = _conditions({"org": org})
        with self._transaction() as connection:
            found = connection.execute(f"SELECT position FROM exchanges {_where(conditions)}", values).fetchall()
            removed = self._remove(connection, [row[0] for row in found])
            if removed:
                connection.execute("UPDATE facts SET value = value + 1 WHERE name = 'generation'")
        return removed

    @property
    def position(self) -> int:
        with self._errors():
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'exchanges'").fetchone()
        return 0 if row is None else int(row[0])

    @property
    def generation(self) -> int:
        with self._errors():
            return _fact(self._connection, "generation")

    @property
    def dropped(self) -> int:
        with self._errors():
            return _fact(self._connection, "dropped")


def _fact(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])


def _positions(connection: sqlite3.Connection, which: str, value: int) -> list[int]:
    return [row[0] for row in connection.execute(f"SELECT position FROM exchanges {which}", (value,))]


def _conditions(wanted: dict[str, Any]) -> tuple[list[str], list[Any]]:
    asked = {name: value for name, value in wanted.items() if value is not None}
    return [f"{name} = ?" for name in asked], list(asked.values())


def _event_conditions(which: EventFilter) -> tuple[list[str], list[Any]]:
    wanted: dict[str, Any] = {"events.org": which.org}
    wanted |= {f"events.{name}": getattr(which, name) for name in rows.EVENT_FILTER_COLUMNS}
    conditions, values = _conditions(wanted)
    return ["events.first IS NOT NULL", *conditions], [None if value is None else str(value) for value in values]


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _explained(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_NOTADB"):
        return "the file is no SQLite database, so it is no journal."
    if name.startswith("SQLITE_FULL"):
        return "the disk is full."
    if name.startswith("SQLITE_READONLY"):
        return "the file, or its directory, cannot be written to."
    if name.startswith("SQLITE_CANTOPEN"):
        return "the file cannot be opened: does its directory exist, and may this user write there?"
    if name.startswith("SQLITE_BUSY"):
        return "the file is in use by another program."
    if name.startswith("SQLITE_CORRUPT"):
        return "the file is damaged."
    return f"{error}."


def _hold(file: Path) -> Any:
    """Takes the lock of the one writer, beside the file; it goes with the process, however that ends."""
    lock = file.with_name(file.name + "-writer")
    try:
        import fcntl
    except ImportError:  # no such locks on Windows; SQLite's own keep the file whole
        return None
    try:
        held = lock.open("a")
    except OSError as error:
        raise JournalError(f"{file}: {error.strerror or error}: its directory must exist and be writable.") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise JournalError(f"{file} is written to by another mock-intake; give each its own file.") from error
    return held
