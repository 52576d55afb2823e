"""The journal in a SQLite file: what was acknowledged is on disk, also after a power cut.

Write-ahead log, ``synchronous=FULL``, one transaction for each batch that is appended; a thread of its own writes the
log back into the file. Bodies are kept as they were received, beside flat columns by which they are listed; every
filter has an index. One process writes (a lock beside the file says so); any number may read. What is long work, for
instance to drop most of a large file, is done in short transactions, between those of events.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal import files, rows, statements
from mock_intake.journal.checkpoints import Checkpoints
from mock_intake.journal.protocol import (
    EventFilter,
    EventRecord,
    ExchangeFilter,
    JournalError,
    OrgStatistics,
    Page,
    Statistics,
    UnkeepableError,
)
from mock_intake.journal.statements import APPLICATION_ID, VERSION
from mock_intake.journal.turns import Turns

# What comes in while one commit waits waits for the next one too, and producers wait 5 s for an answer by default.
_BUSY_SECONDS = 1.0
# One statement adds so many exchanges at most. Each step into SQLite lets the interpreter's lock go and waits to
# have it back, so a group of usual size is to be few of them; for each number there is a statement that stays prepared.
_ROWS_AT_ONCE = 64
_PREPARED = 256
# So many exchanges are taken away in one transaction, or as many as came in with it; fewer where they are large.
_AT_ONCE = 500
_BYTES_AT_ONCE = 8 * 1024 * 1024
# A log that somebody who reads for long has let grow is cut to this (bytes) when it begins anew.
_LARGEST_LOG = 64 * 1024 * 1024


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
        # Never "rwc": a file that was taken away must not be made anew by whoever comes to read it.
        self._place = file.absolute()
        self._address = f"{self._place.as_uri()}?mode={'ro' if read_only else 'rw'}"
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._turns = Turns()
        self._checkpoints: Checkpoints | None = None
        self._writer: sqlite3.Connection | None = None
        self._closing = threading.Event()
        self._dropping: threading.Thread | None = None
        if file.is_dir():
            raise JournalError(f"{file} is a directory, and no file.")
        if read_only and not file.exists():
            raise JournalError(f"{file} does not exist.")
        self._held = None if read_only else files.hold(file)
        self._identity: tuple[int, int] | None = None
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
        files.refuse_network(self.file)
        files.make_private(self.file)
        self._identity = files.identity(self._place)
        self._writer = connection = self._connect()
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty:
            self._check(connection)
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise JournalError(f"{self.file}: its file system cannot have a write-ahead log; use another disk.")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")
        # What is dropped is not overwritten where that would have to be written too: no key is in it.
        connection.execute("PRAGMA secure_delete = FAST")
        if empty:
            connection.executescript(f"BEGIN IMMEDIATE; {statements.SCHEMA} COMMIT;")
        self._checkpoints = Checkpoints(self._connect(), self._place, self._turns)
        # Whatever keeps the file from being written to is to be told now, not by the first event.
        with self._transaction():
            _add_to_fact(connection, "opened", 1)
            more = self._retain(connection)
        if more:
            self._go_on_dropping()

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
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The connection that writes, for one statement."""
        with self._turn(), self._errors():
            connection = self._writer
            if connection is None:
                raise JournalError(f"{self.file} {'is open for reading only' if self._read_only else 'is closed'}.")
            if files.identity(self._place) != self._identity:
                raise JournalError(f"{self.file} was removed or replaced; put it back, or begin again with a new one.")
            before = connection.total_changes
            try:
                yield connection
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname.startswith(("SQLITE_FULL", "SQLITE_IOERR")) and self._checkpoints is not None:
                    # With the log written back there may be room again: what is in the file is written over.
                    self._checkpoints.hurry()
                raise
            if self._checkpoints is not None:
                self._checkpoints.grew(connection.total_changes - before)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One thread writes at a time; nobody waits long, since somebody waits for an answer."""
        if not self._turns.begin(_BUSY_SECONDS):
            raise JournalError(f"{self.file} is being written to, for instance by a large import; try again.")
        try:
            yield
        finally:
            self._turns.end()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns what SQLite says into what a user can do about it."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.DataError) as error:
            raise UnkeepableError(f"{self.file}: {files.explained(error)}") from error
        except sqlite3.Error as error:
            raise JournalError(f"{self.file}: {files.explained(error)}") from error

    def close(self) -> None:
        """Ends all connections; the last one writes the log back into the file."""
        self._closing.set()
        if self._dropping is not None:
            self._dropping.join()
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._checkpoints is not None:
            self._checkpoints.close()
        with self._turns.turn():
            if self._writer is not None:
                # The last connection leaves no log, and this may not be the last: somebody may read still.
                with suppress(sqlite3.Error):
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
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
        # One statement by itself is a transaction.
        whole = len(made) <= _ROWS_AT_ONCE and self._retention == Retention()
        with self._writing() if whole else self._transaction() as connection:
            _insert(connection, sizes, made)
            more = not whole and self._retain(connection, len(exchanges))
            assert self._checkpoints is not None
            self._checkpoints.add(sum(sizes))
        if more:
            self._go_on_dropping()

    def _retain(self, connection: sqlite3.Connection, added: int = 0) -> bool:
        """Drops the oldest exchanges, as the limits ask for; whether there are more to."""
        limits = self._retention
        most = math.inf if limits.exchanges is None else limits.exchanges
        room = math.inf if limits.bytes is None else limits.bytes
        held, size = connection.execute(statements.HELD).fetchone()
        if held <= most and size <= room and limits.hours is None:
            return False
        oldest = -math.inf
        if limits.hours is not None and (latest := connection.execute(statements.LATEST).fetchone()) is not None:
            oldest = latest[0] - timedelta(hours=limits.hours) // timedelta(microseconds=1)
        upto, dropped, freed = 0, 0, 0
        query = connection.execute(statements.OLDEST, (max(_AT_ONCE, added),))
        for position, taken, received_at in query:
            if held - dropped <= most and size - freed <= room and received_at >= oldest:
                more = False
                break
            if freed > _BYTES_AT_ONCE:
                more = True
                break
            upto, dropped, freed = position, dropped + 1, freed + taken
        else:
            more = dropped < held
        query.close()
        if dropped:
            _drop(connection, upto)
            _add_to_fact(connection, "dropped", dropped)
        return more

    def _go_on_dropping(self) -> None:
        """Has the rest dropped that the limits ask for, beside what comes in."""
        with self._guard:
            if not self._closed and (self._dropping is None or not self._dropping.is_alive()):
                self._dropping = threading.Thread(target=self._drop_the_rest, name="mock-intake-retention", daemon=True)
                self._dropping.start()

    def _drop_the_rest(self) -> None:
        more = True
        while more:
            began = time.monotonic()
            try:
                with self._transaction() as connection:
                    more = self._retain(connection)
            except JournalError:
                return  # what comes in is told why, and begins this again
            # Events go first.
            if self._closing.wait(time.monotonic() - began):
                return

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        with self._reading() as connection:
            found = connection.execute(statements.FOLLOWING, (after, limit)).fetchall()
        return [(position, rows.exchange_from_row(tuple(row))) for position, *row in found]

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        sql, values = statements.exchanges_query(which, before)
        with self._reading() as connection:
            found = connection.execute(
                f"SELECT position, {statements.EXCHANGE_NAMES} {sql} LIMIT ?", (*values, limit + 1)
            )
            page = found.fetchall()
        items = [rows.exchange_from_row(tuple(row)) for _, *row in page[:limit]]
        return Page(items, page[limit - 1][0] if len(page) > limit else None)

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        with self._reading() as connection:
            if statements.is_tallied(which) and _tallied(connection, which) == 0:
                return Page([], None)
            sql, values = statements.events_query(which, before, _index(connection, which))
            page = connection.execute(f"{sql} LIMIT ?", (*values, limit + 1)).fetchall()
        items = [rows.event_from_row(row) for row in page[:limit]]
        return Page(items, page[limit - 1][0] if len(page) > limit else None)

    def count_events(self, which: EventFilter) -> int:
        with self._reading() as connection:
            if statements.is_tallied(which):
                return _tallied(connection, which)
            return _number(connection, *statements.count_query(which, _index(connection, which)))

    def attempts(self, event_id: str) -> int:
        with self._reading() as connection:
            row = connection.execute(statements.ATTEMPTS, (rows.storable(event_id),)).fetchone()
        return 0 if row is None else int(row[0])

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._reading() as connection:
            row = connection.execute(
                f"SELECT {statements.EXCHANGE_NAMES} FROM exchanges WHERE id = ?", (rows.storable(exchange_id),)
            ).fetchone()
        return None if row is None else rows.exchange_from_row(row)

    def event(self, event_id: str) -> EventRecord | None:
        with self._reading() as connection:
            row = connection.execute(statements.SELECT_EVENT, (rows.storable(event_id),)).fetchone()
        return None if row is None else rows.event_from_row(row)

    def orgs(self) -> list[OrgStatistics]:
        with self._reading() as connection:
            found = connection.execute(statements.SELECT_ORGS).fetchall()
        return [rows.org_from_row(row) for row in found]

    def statistics(self, org: str | None = None) -> Statistics:
        where, values = ("", ()) if org is None else ("WHERE org = ?", (rows.storable(org),))
        summed = ", ".join(f"coalesce(sum({name}), 0)" for name in ("exchanges", "accepted", "faulted", "bytes"))
        with self._reading() as connection:
            # Both of one moment.
            connection.execute("BEGIN")
            try:
                row = connection.execute(f"SELECT {summed} FROM orgs {where}", values).fetchone()
                found = connection.execute(statements.STATUSES, (rows.storable(org),))
                counts = {Status(status): count for status, count in found}
            finally:
                connection.execute("COMMIT")
        exchanges, accepted, faulted, size = row
        return Statistics(exchanges, accepted, faulted, counts, size)

    def forget(self, org: str | None = None) -> int:
        end, forgotten = self.position, 0
        while True:
            began = time.monotonic()
            some = self._forget_some(end, org)
            if not some:
                return forgotten
            forgotten += some
            # Events go first.
            self._closing.wait(time.monotonic() - began)

    def _forget_some(self, end: int, org: str | None) -> int:
        of_org, whose = _of_org(org)
        with self._transaction() as connection:
            query = f"SELECT position, size FROM exchanges WHERE position <= ?{of_org} ORDER BY position LIMIT ?"
            found = connection.execute(query, (end, *whose, _AT_ONCE)).fetchall()
            forgotten = upto = freed = 0
            for position, size in found:
                upto, forgotten, freed = position, forgotten + 1, freed + size
                if freed > _BYTES_AT_ONCE:
                    break
            if forgotten:
                _drop(connection, upto, org)
                _add_to_fact(connection, "generation", 1)
        return forgotten

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
            return _number(connection, "SELECT value FROM facts WHERE name = ?", (name,))


def _number(connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> int:
    return int(connection.execute(sql, values).fetchone()[0])


def _tallied(connection: sqlite3.Connection, which: EventFilter) -> int:
    return _number(connection, *statements.tally_query(which))


def _index(connection: sqlite3.Connection, which: EventFilter) -> str | None:
    query = statements.widths_query(which)
    return statements.index_of(which, () if query is None else connection.execute(*query).fetchone())


def _insert(connection: sqlite3.Connection, sizes: list[int], made: list[rows.Row]) -> None:
    for begin in range(0, len(made), _ROWS_AT_ONCE):
        part = range(begin, min(begin + _ROWS_AT_ONCE, len(made)))
        values = [value for place in part for value in (sizes[place], *made[place])]
        try:
            connection.execute(statements.insert_exchanges(len(part)), values)
        except UnicodeEncodeError:
            connection.execute(statements.insert_exchanges(len(part)), [rows.storable(value) for value in values])


def _drop(connection: sqlite3.Connection, upto: int, org: str | None = None) -> None:
    """Takes away the exchanges up to a position, and the events that are left without an accepted one."""
    of_org, whose = _of_org(org)
    left = {last for (last,) in connection.execute(statements.EVENTS_UP_TO + of_org, (upto, *whose)) if last > upto}
    connection.execute(f"DELETE FROM events WHERE last <= ?{of_org}", (upto, *whose))
    connection.execute(f"DELETE FROM exchanges WHERE position <= ?{of_org}", (upto, *whose))
    for last in left:
        connection.execute(statements.HOLD_EVENT, (last,))
        connection.execute("DELETE FROM events WHERE last = ? AND first <= ?", (last, upto))


def _of_org(org: str | None) -> tuple[str, tuple[object, ...]]:
    """A further condition, and its value."""
    return ("", ()) if org is None else (" AND org = ?", (rows.storable(org),))


def _add_to_fact(connection: sqlite3.Connection, name: str, number: int) -> None:
    connection.execute("UPDATE facts SET value = value + ? WHERE name = ?", (number, name))
