"""The journal in a SQLite file: what was acknowledged is on disk, also after a power cut.

Write-ahead log, ``synchronous=FULL``, one transaction for each batch that is appended; a thread of its own writes the
log back into the file. Bodies are kept as they were received, beside flat columns by which they are listed; every
filter has an index. One process writes (a lock beside the file says so); any number may read. What is long work, for
instance to drop most of a large file, is done in short transactions, between those of events.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from mock_intake.faults import PlanStore
from mock_intake.journal import files, migration, rows, statements
from mock_intake.journal.checkpoints import Checkpoints
from mock_intake.journal.damage import Damage
from mock_intake.journal.layout import LAYOUT, Layout
from mock_intake.journal.protocol import (
    EventFilter,
    EventRecord,
    ExchangeFilter,
    ExtractStore,
    JournalError,
    OrgStatistics,
    Page,
    Statistics,
    UnkeepableError,
)
from mock_intake.journal.reserve import Reserve
from mock_intake.journal.retention import Dropping, Retention
from mock_intake.journal.statements import Statements
from mock_intake.journal.steps import (
    add_to_fact,
    drop,
    empty,
    index,
    is_mostly_free,
    number,
    oldest,
    outdated,
    shrink,
    statistics,
    tallied,
    write_back,
)
from mock_intake.journal.turns import Turns
from mock_intake.model.exchange import Exchange

T = TypeVar("T")

# What comes in while one commit waits waits for the next one too, and producers wait 5 s for an answer by default.
_BUSY_SECONDS = 1.0
# One statement adds so many exchanges at most. Each step into SQLite lets the interpreter's lock go and waits to
# have it back, so a group of usual size is to be few of them; for each number there is a statement that stays prepared.
_ROWS_AT_ONCE = 64
_PREPARED = 256
# So many exchanges are taken away in one transaction, or as many as came in with it; fewer where they are large.
_AT_ONCE = 500
_BYTES_AT_ONCE = 8 * 1024 * 1024
_AT_ONCE_WITHOUT_ROOM = 20
# A log that somebody who reads for long has let grow is cut to this (bytes) when it begins anew.
_LARGEST_LOG = 64 * 1024 * 1024


class SqliteJournal:
    """Keeps exchanges in a SQLite file. Close it when done.

    ``read_only`` opens a file for reading only, beside a process that may be writing to it. ``layout`` is how
    exchanges lie in it; another one is for tests. A file of an earlier version that is known is read as it is, and
    carried over where it is opened for writing. Raises ``JournalError`` on a file that is no journal, of a version
    that is not known, in use by another writer, or unwritable.
    """

    blocking = True
    plans: PlanStore | None = None
    extracts: ExtractStore | None = None

    def __init__(
        self,
        file: str | Path,
        *,
        retention: Retention | None = None,
        read_only: bool = False,
        layout: Layout[Any] = LAYOUT,
    ) -> None:
        self.file = file = Path(file)
        self.place: str = str(file)
        self._layout = layout
        self._rows = layout.rows
        # Of the file as it was found: an earlier one, until somebody else carries it over.
        self._version = layout.version
        self._retention = retention or Retention()
        self._is_bounded = self._retention != Retention()
        self._read_only = read_only
        # Never "rwc": a file that was taken away must not be made anew by whoever comes to read it.
        self._place = file.absolute()
        self._address = f"{self._place.as_uri()}?mode={'ro' if read_only else 'rw'}"
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._turns = Turns()
        self._damage = Damage(file)
        self._reserve = Reserve(self._place)
        self._checkpoints: Checkpoints | None = None
        self._writer: sqlite3.Connection | None = None
        self._dropping = Dropping(self._drop_some)
        files.check_name(file, must_exist=read_only)
        self._held = None if read_only else files.hold(file)
        self._opened = files.OpenedFile(self._place)
        try:
            with self._errors():
                if read_only:
                    self._open_for_reading()
                else:
                    self._open_for_writing()
        except BaseException:
            self.close()
            raise

    def _open_for_writing(self) -> None:
        files.refuse_network(self.file)
        files.make_private(self.file)
        self._opened.was_opened()
        self._writer = connection = self._connect()
        empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        version = self._layout.version if empty else self._found(connection)
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
            connection.executescript(f"BEGIN IMMEDIATE; {self._layout.schema} COMMIT;")
        if version < self._layout.version:
            migration.carry_over(connection, self._place, version, self._layout)
        self._checkpoints = Checkpoints(self._connect(), self._place, self._turns)
        # Whatever keeps the file from being written to is to be told now, not by the first event.
        try:
            more = self._note_opening()
        except JournalError as error:
            # On a full disk one that was killed leaves its reserve, and whoever would forget has to open the file.
            if not files.is_full(error) or not self._reserve.give_up():
                raise
            self._begin_log_anew()
            more = self._note_opening()
        if more:
            self._dropping.go_on()
        migration.remove_copies(self._place, self._layout.version)
        self._opened.has_log()
        self._reserve.hold_or_tell()

    def _note_opening(self) -> bool:
        with self._transaction() as connection:
            add_to_fact(connection, "opened", 1)
            return self._retain(connection)

    def _open_for_reading(self) -> None:
        try:
            with self._reading() as connection:
                self._version = self._found(connection)
        except JournalError:
            log = self.file.with_name(self.file.name + "-wal")
            if log.exists() and log.stat().st_size > 0:
                raise
            # Beside a file in use SQLite needs a file of its own, which it cannot make everywhere. Nobody writes.
            while self._idle:
                self._idle.pop().close()
            self._address += "&immutable=1"
            with self._reading() as connection:
                self._version = self._found(connection)

    def _found(self, connection: sqlite3.Connection) -> int:
        return migration.version_of(connection, self.file, self._layout)

    def _statements(self, connection: sqlite3.Connection) -> Statements:
        """The statements for the file as it is: one of an earlier version may be carried over meanwhile."""
        if self._version != self._layout.version:
            self._version = self._found(connection)
        return self._layout.statements(self._version)

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
        """The connection that writes, for one statement and one thread at a time; none waits long: for an answer."""
        if self._checkpoints is not None:
            self._checkpoints.wait()
        if not self._turns.begin(_BUSY_SECONDS):
            raise JournalError(f"{self.file} is being written to, for instance by a large import; try again.")
        try:
            connection = self._writer
            if connection is None:
                raise JournalError(f"{self.file} {'is open for reading only' if self._read_only else 'is closed'}.")
            self._opened.check(self.file)
            before = connection.total_changes
            try:
                yield connection
            except sqlite3.Error as error:
                name = getattr(error, "sqlite_errorname", "")
                if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) and self._checkpoints is not None:
                    # With the log written back there may be room again: what is in the file is written over.
                    self._checkpoints.hurry()
                raise self._explained(error) from error
            if self._checkpoints is not None:
                self._checkpoints.grew(connection.total_changes - before)
        finally:
            self._turns.end()

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
    def _errors(self) -> Iterator[None]:
        """Turns what SQLite says into what a user can do about it."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error) -> JournalError:
        of_what_is_kept = isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
        kind = UnkeepableError if of_what_is_kept else JournalError
        return kind(f"{self.file}: {files.explained(error)}")

    def followed(self, changed: Callable[[], None], joined: Callable[[], None]) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def close(self) -> None:
        """Ends all connections; the last one writes the log back into the file."""
        self._dropping.close()
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
                if not write_back(self._writer) and self._reserve.give_up():
                    write_back(self._writer)
                self._writer.close()
                self._writer = None
            if self._held is not None:
                with self._held:  # let go of whatever happens
                    self._reserve.give_up()
                self._held = None

    def append(self, exchanges: Sequence[Exchange]) -> None:
        if not exchanges:
            return
        made = [self._rows.to_row(exchange) for exchange in exchanges]
        sizes = [self._rows.size_of(row) for row in made]
        try:
            self._append(sizes, made)
        except JournalError as error:
            if not files.is_full(error):
                raise
            # With the log written back and begun anew there may be room, or with what was forgotten given back.
            self._begin_log_anew()
            try:
                self._append(sizes, made)
            except JournalError:
                if not self._give_back():
                    raise
                self._append(sizes, made)

    def _append(self, sizes: list[int], made: list[rows.Row]) -> None:
        whole = len(made) <= _ROWS_AT_ONCE and not self._is_bounded  # one statement is a transaction
        with self._writing() if whole else self._transaction() as connection:
            self._insert(connection, sizes, made)
            more = not whole and self._retain(connection, len(made))
            assert self._checkpoints is not None
            self._checkpoints.add(sum(sizes))
        if more:
            self._dropping.go_on()

    def _insert(self, connection: sqlite3.Connection, sizes: list[int], made: list[rows.Row]) -> None:
        own = self._statements(connection)
        for begin in range(0, len(made), _ROWS_AT_ONCE):
            part = range(begin, min(begin + _ROWS_AT_ONCE, len(made)))
            values = [value for place in part for value in (sizes[place], *made[place])]
            try:
                connection.execute(own.insert(len(part)), values)
            except UnicodeEncodeError:
                connection.execute(own.insert(len(part)), [rows.storable(value) for value in values])

    def _retain(self, connection: sqlite3.Connection, added: int = 0) -> bool:
        """Drops the oldest exchanges, as the limits ask for; whether there are more to."""
        upto, dropped, more = outdated(connection, *self._retention, max(_AT_ONCE, added), _BYTES_AT_ONCE)
        if dropped:
            drop(connection, upto)
            add_to_fact(connection, "dropped", dropped)
        return more

    def _drop_some(self) -> bool:
        with self._transaction() as connection:
            return self._retain(connection)

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        while True:
            with self._reading() as connection:
                own = self._statements(connection)
                found = self._damage.following(connection, own, after, limit, lambda: self.position)
            made = self._damage.values(found, self._exchange_of)
            if made or not found:
                return made
            after = found[-1][0]  # of these nothing can be made; there may be others behind

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        with self._reading() as connection:
            sql, values = self._statements(connection).exchanges(which, before)
            return self._damage.page(connection, sql, values, limit, self._exchange_of)

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        with self._reading() as connection:
            if statements.is_tallied(which) and tallied(connection, which) == 0:
                return Page([], None)
            sql, values = self._statements(connection).events(which, before, index(connection, which))
            return self._damage.page(connection, sql, values, limit, self._rows.event_from_row)

    def _exchange_of(self, row: rows.Row) -> Exchange:
        exchange: Exchange = self._rows.from_row(row[1:])
        return exchange

    def count_events(self, which: EventFilter) -> int:
        with self._reading() as connection:
            if statements.is_tallied(which):
                return tallied(connection, which)
            return number(connection, *statements.count_query(which, index(connection, which)))

    def attempts(self, event_id: str) -> int:
        with self._reading() as connection:
            row = connection.execute(statements.ATTEMPTS, (rows.storable(event_id),)).fetchone()
        return 0 if row is None else int(row[0])

    def exchange(self, exchange_id: str) -> Exchange | None:
        with self._reading() as connection:
            sql = self._statements(connection).exchange
            return self._damage.one(connection.execute(sql, (rows.storable(exchange_id),)), self._exchange_of)

    def event(self, event_id: str) -> EventRecord | None:
        with self._reading() as connection:
            sql = self._statements(connection).event
            return self._damage.one(connection.execute(sql, (rows.storable(event_id),)), self._rows.event_from_row)

    def orgs(self) -> list[OrgStatistics]:
        with self._reading() as connection:
            found = connection.execute(statements.SELECT_ORGS).fetchall()
        return [org for _, org in self._damage.values(found, lambda row: rows.org_from_row(row[1:]))]

    def statistics(self, org: str | None = None) -> Statistics:
        with self._reading() as connection:
            return statistics(connection, org)

    def forget(self, org: str | None = None) -> int:
        end, forgotten = self.position, 0
        while True:
            began = time.monotonic()
            try:
                some = self._forget_some(end, org)
            except JournalError as error:
                if not files.is_full(error):
                    raise
                return forgotten + self._forget_without_room(end, org)
            if not some:
                if self._reserve.is_short:
                    self._give_back()
                self._reserve.hold()
                return forgotten
            forgotten += some
            self._dropping.let_others(began)

    def _forget_without_room(self, end: int, org: str | None) -> int:
        """Forgets on a full disk, in the room that was held for that: all at once, or those of ``org`` in pieces."""
        forgotten, some = 0, 1
        self._begin_log_anew()
        with self._reserved_room():
            if org is None:
                with self._transaction() as connection:
                    forgotten = empty(connection)
                    add_to_fact(connection, "generation", 1)
            while org is not None and some:
                some = self._forget_some(end, org, _AT_ONCE_WITHOUT_ROOM)
                forgotten += some
                self._begin_log_anew()
            self._give_back()
            # Also where nothing was given back: all may be in the log alone, which needs this room to be written back.
            self._begin_log_anew()
        return forgotten

    @contextmanager
    def _reserved_room(self) -> Iterator[None]:
        """There is the room that was held; what is still to be written back of the log does not take its place."""
        assert self._checkpoints is not None
        with self._checkpoints.paused():
            self._reserve.give_up()
            yield
        self._reserve.hold()

    def _give_back(self) -> bool:
        """Gives the disk back what is free in the file, where that is most of it; whether it was."""
        with suppress(JournalError):
            with self._reading() as connection:
                worthwhile = is_mostly_free(connection)
            if worthwhile:
                with self._reserved_room(), self._writing() as connection:
                    shrink(connection)
                return True
        return False

    def _begin_log_anew(self) -> None:
        """What is taken away next, and what comes in, then finds its place in the log as it is."""
        with suppress(JournalError), self._writing() as connection:
            connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()

    def _forget_some(self, end: int, org: str | None, at_once: int = _AT_ONCE) -> int:
        with self._transaction() as connection:
            upto, forgotten = oldest(connection, end, org, at_once, _BYTES_AT_ONCE)
            if forgotten:
                drop(connection, upto, org)
                add_to_fact(connection, "generation", 1)
        return forgotten

    @property
    def position(self) -> int:
        with self._reading() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'exchanges'").fetchone()
        return 0 if row is None else int(row[0])

    @property
    def first(self) -> int:
        with self._reading() as connection:
            row = connection.execute("SELECT position FROM exchanges ORDER BY position LIMIT 1").fetchone()
        return self.position + 1 if row is None else int(row[0])

    @property
    def generation(self) -> int:
        return self._fact("generation")

    @property
    def dropped(self) -> int:
        return self._fact("dropped")

    @property
    def damaged(self) -> int:
        return self._damage.count

    def _fact(self, name: str) -> int:
        with self._reading() as connection:
            return number(connection, "SELECT value FROM facts WHERE name = ?", (name,))
