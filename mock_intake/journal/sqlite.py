"""The journal in a SQLite file: what was acknowledged is on disk, also after a power cut.

Write-ahead log, ``synchronous=FULL``, one transaction for each batch that is appended. Bodies are kept as they
were received, beside flat columns by which they are listed; every filter has an index.
One process writes (a lock beside the file says so); any number may read.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
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
VERSION = 2
# Less than producers wait for an answer (5 s by default), so that they hear why.
_BUSY_SECONDS = 2.0
# One statement adds so many exchanges at most. Each step into SQLite lets the interpreter's lock go and waits to
# have it back, so a group of usual size is to be few of them; for each number there is a statement that stays prepared.
_ROWS_AT_ONCE = 64
_PREPARED = 256
# An org with this many events at most is walked through as a whole, whatever else is asked.
_FEW = 2_000

_SCHEMA = f"""
CREATE TABLE exchanges (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    {", ".join(f"{name} {kind}" for name, kind in rows.EXCHANGE_COLUMNS)}
);
CREATE UNIQUE INDEX exchanges_id ON exchanges (id);
CREATE INDEX exchanges_org ON exchanges (org);
CREATE INDEX exchanges_event ON exchanges (event_id) WHERE event_id IS NOT NULL;
CREATE TABLE events (
    last INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    org TEXT NOT NULL,
    first INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    last_received_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    {", ".join(f"{name} TEXT" for name in rows.EVENT_FILTER_COLUMNS)}
);
CREATE INDEX events_org ON events (org);
{rows.EVENT_INDEXES}
{rows.ORGS}
CREATE TABLE held (exchanges INTEGER NOT NULL, size INTEGER NOT NULL);
INSERT INTO held VALUES (0, 0);
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO facts VALUES ('opened', 0), ('dropped', 0), ('generation', 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


class Retention(NamedTuple):
    """What a journal may keep at most; None is no limit.

    ``hours`` count back from the latest exchange; ``bytes`` are what exchanges take up, headers, findings and
    indexes included.
    """

    exchanges: int | None = None
    hours: float | None = None
    bytes: int | None = None


class SqliteJournal:
    """Keeps exchanges in a SQLite file. Close it when done.

    ``read_only`` opens a file for reading only, beside a process that may be writing to it. Raises
    ``JournalError`` on a file that is no journal, of another version, in use by another writer, or unwritable.
    """

    blocking = True

    def __init__(self, file: Path, *, retention: Retention | None = None, read_only: bool = False) -> None:
        self.file = file
        self._retention = retention or Retention()
        self._read_only = read_only
        self._address = f"{file.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._write_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        if file.is_dir():
            raise JournalError(f"{file} is a directory, and no file.")
        if read_only and not file.exists():
            raise JournalError(f"{file} does not exist.")
        self._held = None if read_only else _hold(file)
        try:
            with self._errors():
                if read_only:
                    self._open_for_reading()
                else:
                    self._open_for_writing()
        except JournalError:
            self.close()
            raise

    def _open_for_writing(self) -> None:
        self._writer = connection = self._connect()
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty:
            self._check(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        if empty:
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        # Whatever keeps the file from being written to is to be told now, not by the first event.
        with self._transaction():
            _add_to_fact(connection, "opened", 1)
            latest = connection.execute("SELECT received_at FROM exchanges ORDER BY position DESC LIMIT 1").fetchone()
            if latest is not None:
                self._retain(connection, 0, 0, latest[0])

    def _open_for_reading(self) -> None:
        try:
            with self._reading() as connection:
                self._check(connection)
        except JournalError:
            log = self.file.with_name(self.file.name + "-wal")
            if log.exists() and log.stat().st_size > 0:
                raise
            # Beside a file in use SQLite needs a file of its own, which it cannot make everywhere. Nobody writes.
            while self._idle:
                self._idle.pop().close()
            self._address += "&immutable=1"
            with self._reading() as connection:
                self._check(connection)

    def _check(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            raise JournalError(f"{self.file} is empty: there is no journal in it.")
        if application != APPLICATION_ID:
            raise JournalError(f"{self.file} is a database, and no journal of mock-intake.")
        if version != VERSION:
            age = "a later" if version > VERSION else "an earlier"
            raise JournalError(
                f"{self.file} was written by {age} mock-intake (journal version {version}; this one knows {VERSION}). "
                "Export it with that one and import the lines here, or begin a new file."
            )

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._address,
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_PREPARED,
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one query: an idle one, or a new one where all are in use."""
        with self._guard:
            if self._closed:
                raise JournalError(f"{self.file} has been closed.")
            connection = self._idle.pop() if self._idle else None
        with self._errors():
            connection = connection or self._connect()
            try:
                yield connection
            finally:
                with self._guard:
                    if not self._closed:
                        self._idle.append(connection)
                    else:
                        connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock, self._errors():
            connection = self._writer
            if connection is None:
                raise JournalError(f"{self.file} {'is open for reading only' if self._read_only else 'is closed'}.")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns what SQLite says into what a user can do about it."""
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"{self.file}: {_explained(error)}") from error

    def close(self) -> None:
        """Ends all connections; the last one writes the log back into the file."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        with self._write_lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            if self._held is not None:
                self._held.close()
                self._held = None

    def append(self, exchanges: Sequence[Exchange]) -> None:
        if not exchanges:
            return
        made = [rows.exchange_to_row(exchange) for exchange in exchanges]
        sizes = [rows.size_of(row) for row in made]
        with self._transaction() as connection:
            first = _insert(connection, sizes, made)
            _list_events(connection, first)
            self._retain(connection, len(exchanges), sum(sizes), rows.microseconds(exchanges[-1].received_at))

    def _retain(self, connection: sqlite3.Connection, added: int, grown: int, latest: int) -> None:
        """Counts what was added, and drops the oldest exchanges, as many as the limits ask for."""
        limits = self._retention
        most = math.inf if limits.exchanges is None else limits.exchanges
        room = math.inf if limits.bytes is None else limits.bytes
        oldest = -math.inf
        if limits.hours is not None:
            oldest = latest - timedelta(hours=limits.hours) // timedelta(microseconds=1)
        held, size = _grow(connection, added, grown)
        if held <= most and size <= room and limits.hours is None:
            return
        upto, dropped, freed = 0, 0, 0
        query = connection.execute("SELECT position, size, received_at FROM exchanges ORDER BY position")
        for position, taken, received_at in query:
            if held - dropped <= most and size - freed <= room and received_at >= oldest:
                break
            upto, dropped, freed = position, dropped + 1, freed + taken
        query.close()
        if dropped:
            _drop(connection, upto)
            _grow(connection, -dropped, -freed)
            _add_to_fact(connection, "dropped", dropped)

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        with self._reading() as connection:
            found = connection.execute(
                f"SELECT position, {rows.EXCHANGE_NAMES} FROM exchanges WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            ).fetchall()
        return [(position, rows.exchange_from_row(tuple(row))) for position, *row in found]

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        sql, values = rows.exchanges_query(which, before)
        with self._reading() as connection:
            found = connection.execute(f"SELECT position, {rows.EXCHANGE_NAMES} {sql} LIMIT ?", (*values, limit + 1))
            page = found.fetchall()
        items = [rows.exchange_from_row(tuple(row)) for _, *row in page[:limit]]
        return Page(items, page[limit - 1][0] if len(page) > limit else None)

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        with self._reading() as connection:
            sql, values = rows.events_query(which, before, _is_small(connection, which.org))
            page = connection.execute(f"{sql} LIMIT ?", (*values, limit + 1)).fetchall()
        items = [rows.event_from_row(row) for row in page[:limit]]
        return Page(items, page[limit - 1][0] if len(page) > limit else None)

    def count_events(self, which: EventFilter) -> int:
        with self._reading() as connection:
            sql, values = rows.count_query(which, _is_small(connection, which.org))
            return int(connection.execute(sql, values).fetchone()[0])

    def attempts(self, event_id: str) -> int:
        with self._reading() as connection:
            row = connection.execute(rows.ATTEMPTS, (rows.storable(event_id),)).fetchone()
        return 0 if row is None else int(row[0])

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._reading() as connection:
            row = connection.execute(
                f"SELECT {rows.EXCHANGE_NAMES} FROM exchanges WHERE id = ?", (rows.storable(exchange_id),)
            ).fetchone()
        return None if row is None else rows.exchange_from_row(row)

    def event(self, event_id: str) -> EventRecord | None:
        with self._reading() as connection:
            row = connection.execute(rows.SELECT_EVENT, (rows.storable(event_id),)).fetchone()
        return None if row is None else rows.event_from_row(row)

    def orgs(self) -> list[OrgStatistics]:
        with self._reading() as connection:
            found = connection.execute(rows.SELECT_ORGS).fetchall()
        return [rows.org_from_row(row) for row in found]

    def statistics(self, org: str | None = None) -> Statistics:
        where, values = ("", ()) if org is None else ("WHERE org = ?", (rows.storable(org),))
        summed = ", ".join(f"coalesce(sum({name}), 0)" for name in ("exchanges", "accepted", "faulted", "bytes"))
        with self._reading() as connection:
            row = connection.execute(f"SELECT {summed} FROM orgs {where}", values).fetchone()
            statuses = connection.execute(f"SELECT status, count(*) FROM events {where} GROUP BY status", values)
            counts = {Status(status): count for status, count in statuses}
        exchanges, accepted, faulted, size = row
        return Statistics(exchanges, accepted, faulted, counts, size)

    def forget(self, org: str | None = None) -> int:
        where, values = ("", ()) if org is None else ("WHERE org = ?", (rows.storable(org),))
        with self._transaction() as connection:
            held, size = connection.execute(
                f"SELECT count(*), coalesce(sum(size), 0) FROM exchanges {where}", values
            ).fetchone()
            if held:
                connection.execute(f"DELETE FROM events {where}", values)
                connection.execute(f"DELETE FROM exchanges {where}", values)
                _grow(connection, -held, -size)
                _add_to_fact(connection, "generation", 1)
        return int(held)

    @property
    def position(self) -> int:
        with self._reading() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'exchanges'").fetchone()
        return 0 if row is None else int(row[0])

    @property
    def generation(self) -> int:
        return self._fact("generation")

    @property
    def dropped(self) -> int:
        return self._fact("dropped")

    def _fact(self, name: str) -> int:
        with self._reading() as connection:
            return int(connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])


def _is_small(connection: sqlite3.Connection, org: str | None) -> bool:
    if org is None:
        return False
    row = connection.execute("SELECT events FROM orgs WHERE org = ?", (rows.storable(org),)).fetchone()
    return row is None or row[0] <= _FEW


def _insert(connection: sqlite3.Connection, sizes: list[int], made: list[rows.Row]) -> int:
    """Adds exchanges; the position of the first of them."""
    last = 0
    for begin in range(0, len(made), _ROWS_AT_ONCE):
        part = range(begin, min(begin + _ROWS_AT_ONCE, len(made)))
        values = [value for place in part for value in (sizes[place], *made[place])]
        try:
            cursor = connection.execute(rows.insert_exchanges(len(part)), values)
        except UnicodeEncodeError:
            cursor = connection.execute(rows.insert_exchanges(len(part)), [rows.storable(value) for value in values])
        last = cursor.lastrowid or 0
    return last - len(made) + 1


def _list_events(connection: sqlite3.Connection, first: int) -> None:
    """Brings the list of events up to date with the exchanges from a position on."""
    repeated = [
        {"position": position, "before": before} for position, before in connection.execute(rows.REPEATED, (first,))
    ]
    for again in repeated:
        connection.execute(rows.COUNT_ATTEMPT, again)
    connection.execute(rows.LIST_NEW_EVENTS, (first,))
    for again in repeated:
        if connection.execute(rows.MOVE_EVENT, again).rowcount == 0:
            connection.execute(rows.LIST_EVENT, again)


def _drop(connection: sqlite3.Connection, upto: int) -> None:
    """Takes away the exchanges up to a position, and the events that are left without an accepted one."""
    left = {last for (last,) in connection.execute(rows.EVENTS_UP_TO, (upto,)) if last > upto}
    connection.execute("DELETE FROM events WHERE last <= ?", (upto,))
    connection.execute("DELETE FROM exchanges WHERE position <= ?", (upto,))
    for last in left:
        connection.execute(rows.HOLD_EVENT, (last,))
        connection.execute("DELETE FROM events WHERE last = ? AND first <= ?", (last, upto))


def _grow(connection: sqlite3.Connection, held: int, size: int) -> tuple[int, int]:
    """Adds to the number of exchanges and to their size; how many and how much there are then."""
    grown: list[tuple[int, int]] = connection.execute(
        "UPDATE held SET exchanges = exchanges + ?, size = size + ? RETURNING exchanges, size", (held, size)
    ).fetchall()
    return grown[0]


def _add_to_fact(connection: sqlite3.Connection, name: str, number: int) -> None:
    connection.execute("UPDATE facts SET value = value + ? WHERE name = ?", (number, name))


_EXPLANATIONS = {
    "SQLITE_NOTADB": "the file is no SQLite database, so it is no journal.",
    "SQLITE_FULL": "the disk is full.",
    "SQLITE_READONLY": "the file, or its directory, cannot be written to.",
    "SQLITE_CANTOPEN": "the file cannot be opened: does its directory exist, and may this user read and write there?",
    "SQLITE_BUSY": "the file is in use by another program.",
    "SQLITE_CORRUPT": "the file is damaged.",
    "SQLITE_IOERR": "the disk cannot be read or written: it may be full, or the file has reached its largest size.",
    "SQLITE_CONSTRAINT_UNIQUE": "an exchange of the same id is on record already.",
    "SQLITE_TOOBIG": "the exchange is larger than SQLite can keep.",
}


def _explained(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    return next((text for prefix, text in _EXPLANATIONS.items() if name.startswith(prefix)), f"{error}.")


def _hold(file: Path) -> Any:
    """Takes the lock of the one writer, beside the file; it goes with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows; SQLite's own keep the file whole
        return None
    try:
        file = file.resolve()  # another name of the file is no other file
        held = file.with_name(file.name + "-writer").open("a")
    except OSError as error:
        raise JournalError(f"{file}: {error.strerror or error}: its directory must exist and be writable.") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise JournalError(f"{file} is written to by another mock-intake; give each its own file.") from error
    return held
