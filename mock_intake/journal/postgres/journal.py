"""The journal in a PostgreSQL database: what was acknowledged is committed there, by whichever replica.

Each group is one transaction in one round trip: the lock with the positions, the rows, their counts, the commit. What
a server asked for when its connection broke may have been committed or not; it is tried again, and what is there then
is there. Bodies are kept as they were received.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from mock_intake.faults import PlanStore
from mock_intake.journal import rows, statements
from mock_intake.journal.damage import Damage
from mock_intake.journal.layout import LAYOUT, Layout
from mock_intake.journal.postgres import queries, schema
from mock_intake.journal.postgres.connections import Connection, Connections, is_lost
from mock_intake.journal.postgres.extracts import ExtractTable
from mock_intake.journal.postgres.following import Follower
from mock_intake.journal.postgres.plans import PlanTable
from mock_intake.journal.postgres.texts import escaped, given, kept
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
from mock_intake.journal.retention import Retention
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Status

# The first that has MERGE.
_LEAST_VERSION = 150_000
# One statement adds so many exchanges at most, a power of two: for each power there is one that stays prepared.
_ROWS_AT_ONCE = 64
# So many exchanges are taken away in one transaction, or as many as came in with it; fewer where they are large.
_AT_ONCE = 500
_BYTES_AT_ONCE = 8 * 1024 * 1024
_DOUBLE = "23505"


class PostgresJournal:
    """Keeps exchanges in the database at ``url`` (``postgresql://...``, as libpq has it). Close it when done.

    Any number of processes may write and read at once. Tables are made, in a schema of their own, where there are none,
    and those of an earlier version carried over. ``layout`` is how exchanges lie in them; another one is for tests.
    Raises ``JournalError`` where the database cannot be reached or used, or has the journal of a later version.
    """

    blocking = True

    def __init__(self, url: str, *, retention: Retention | None = None, layout: Layout[Any] = LAYOUT) -> None:
        self._connections = Connections(url)
        self.place: str = self._connections.shown
        self._layout = layout
        self._rows = layout.rows
        self._retention = retention or Retention()
        # What others call this one by.
        self._replica = secrets.token_hex(8)
        self._plan_table = PlanTable(self._connections, self._replica)
        self.plans: PlanStore | None = self._plan_table
        self.extracts: ExtractStore | None = ExtractTable(self._connections)
        self._damage = Damage(self.place)
        # By how many exchanges they add.
        self._inserts: dict[int, str] = {}
        self._closing = threading.Event()
        self._guard = threading.Lock()
        self._dropping: threading.Thread | None = None
        with self._connections.errors(), self._connections.connect() as connection:
            self._prepare(connection)
        self._connections.open()
        if self._retention != Retention():
            self._go_on_dropping()

    def _prepare(self, connection: Connection) -> None:
        info = connection.info
        if info.server_version < _LEAST_VERSION:
            raise JournalError(f"{self.place}: PostgreSQL {_LEAST_VERSION // 10_000} or later is needed.")
        if (encoding := info.parameter_status("server_encoding")) != "UTF8":
            raise JournalError(f"{self.place}: the database's encoding is {encoding}; create one with UTF8.")
        connection.patience = None
        with connection.transaction():
            # Made, or carried over, by one replica; others wait for that.
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SET LOCAL lock_timeout = 0")
            connection.ask(f"SELECT pg_advisory_xact_lock({schema.LOCK})")
            (state,) = connection.ask(f"SELECT to_regclass('{schema.SCHEMA}.state')::text").fetchone() or (None,)
            if state is None:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema.SCHEMA}".encode())
                connection.execute(schema.creation(self._layout).encode())
                return
            (version,) = connection.ask("SELECT version FROM state").fetchone() or (0,)
            if not self._layout.is_known(version):
                age = "a later" if version > self._layout.version else "an earlier"
                raise JournalError(
                    f"{self.place} was written by {age} mock-intake (journal version {version}; this one knows "
                    f"{self._layout.known}). Export it with that one and import the lines here, or use a new database."
                )
            (revision,) = connection.ask("SELECT obj_description('state'::regclass, 'pg_class')").fetchone() or (None,)
            due = [
                *(schema.steps(self._layout, version) if version < self._layout.version else ()),
                *schema.revision(revision),
            ]
            if due:
                connection.ask("SELECT FROM state FOR UPDATE")
                for step in due:
                    connection.execute(step.encode())

    @contextmanager
    def followed(self, changed: Callable[[], None], joined: Callable[[], None]) -> Iterator[None]:
        follower = Follower(self._connections, self._replica, changed, joined, self._plan_table)
        try:
            yield
        finally:
            follower.close()

    def close(self) -> None:
        """Ends all connections."""
        self._closing.set()
        with self._guard:
            dropping = self._dropping
        if dropping is not None:
            dropping.join()
        self._connections.close()

    def append(self, exchanges: Sequence[Exchange]) -> None:
        if not exchanges:
            return
        as_given = [self._rows.to_row(exchange) for exchange in exchanges]
        sizes = [self._rows.size_of(row) for row in as_given]
        made = [kept(row) for row in as_given]
        try:
            more = self._append(sizes, made)
        except JournalError as error:
            if not is_lost(error):
                raise
            more = self._append_again(exchanges, sizes, made)
        if more:
            self._go_on_dropping()

    def _append_again(self, exchanges: Sequence[Exchange], sizes: list[int], made: list[Any]) -> bool:
        """Appends what may have been committed when the connection broke: ids are given once, so that can be seen."""
        try:
            return self._append(sizes, made)
        except UnkeepableError as error:
            if not (isinstance(error.__cause__, psycopg.Error) and error.__cause__.sqlstate == _DOUBLE):
                raise
            if any(self.exchange(exchange.id) is None for exchange in exchanges):
                raise
            return False

    def _append(self, sizes: list[int], made: list[Any]) -> bool:
        retains = self._retention != Retention()
        with self._connections.use() as connection:
            try:
                with connection.pipeline():
                    connection.execute("BEGIN")
                    connection.ask(
                        "UPDATE state SET position = position + $1, exchanges = exchanges + $1::bigint, "
                        "size = size + $2",
                        (len(made), sum(sizes)),
                        prepare=True,
                    )
                    self._insert(connection, sizes, made)
                    connection.ask("SELECT came($1, $2)", (len(made), self._replica), prepare=True)
                    retained = self._retain(connection, len(made)) if retains else None
                    connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    connection.rollback()
                raise
            return bool(retained is not None and (retained.fetchone() or (False,))[0])

    def _insert(self, connection: Connection, sizes: list[int], made: list[Any]) -> None:
        begin, whole = 0, len(made)
        while begin < whole:
            count = min(_ROWS_AT_ONCE, 1 << (whole - begin).bit_length() - 1)
            values: list[Any] = [whole - begin]
            for place in range(begin, begin + count):
                values.append(sizes[place])
                values += made[place]
            if (sql := self._inserts.get(count)) is None:
                sql = self._inserts[count] = schema.insert(self._layout.columns, count)
            connection.ask(sql, values, prepare=True)
            begin += count

    def _retain(self, connection: Connection, added: int = 0) -> psycopg.Cursor[Any]:
        """Drops the oldest exchanges, as the limits ask for; gives whether there are more to."""
        most, hours, room = self._retention
        return connection.ask(
            "SELECT more FROM retain($1::bigint, $2::double precision, $3::bigint, $4::bigint, $5::bigint)",
            (most, None if hours is None else repr(float(hours)), room, max(_AT_ONCE, added), _BYTES_AT_ONCE),
            prepare=True,
        )

    def _go_on_dropping(self) -> None:
        """Has the rest dropped that the limits ask for, beside what comes in."""
        with self._guard:
            if not self._closing.is_set() and (self._dropping is None or not self._dropping.is_alive()):
                self._dropping = threading.Thread(target=self._drop_the_rest, name="mock-intake-retention", daemon=True)
                self._dropping.start()

    def _drop_the_rest(self) -> None:
        more = True
        while more:
            began = time.monotonic()
            try:
                with self._connections.use() as connection:
                    (more,) = self._retain(connection).fetchone() or (False,)
            except JournalError:
                return  # what comes in is told why, and begins this again
            # Events go first.
            if self._closing.wait(time.monotonic() - began):
                return

    def read(self, after: int, limit: int) -> list[tuple[int, Exchange]]:
        while True:
            found = self._ask(queries.following(self._layout.columns, after, limit)) if limit > 0 else []
            made = self._damage.values([row[:-1] for row in found], self._exchange_of)
            if made or not found:
                return made
            after = found[-1][0]  # of these nothing can be made; there may be others behind

    def exchanges(self, which: ExchangeFilter, limit: int, before: int | None = None) -> Page[Exchange]:
        found = self._ask(*queries.exchanges(self._layout.columns, which, limit, before))
        return self._page(found, limit, self._exchange_of)

    def events(self, which: EventFilter, limit: int, before: int | None = None) -> Page[EventRecord]:
        widths: list[Any] = []
        # Of one part alone its index tells at once that there is nothing; of several there may be much to look through.
        if (query := queries.widths(which)) is not None:
            *widths, whole = self._one(*query)
            if whole == 0:
                return Page([], None)
        index = statements.index_of(which, tuple(widths))
        found = self._ask(*queries.events(self._rows.record_names, which, limit, before, index))
        return self._page(found, limit, self._rows.event_from_row)

    def _page(self, found: list[rows.Row], limit: int, build: Any) -> Page[Any]:
        there = found[-1][-1] if found else 0
        part = [row[:-1] for row in found[:limit]]
        items = [item for _, item in self._damage.values(part, build)]
        return Page(items, part[-1][0] if part and there > len(part) else None)

    def _exchange_of(self, row: rows.Row) -> Exchange:
        exchange: Exchange = self._rows.from_row(row[1:])
        return exchange

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[rows.Row]:
        def ask(connection: Connection) -> list[rows.Row]:
            return connection.ask(sql, values).fetchall()

        return [given(row) for row in self._connections.tried_again(ask)]

    def _one(self, sql: str, values: Sequence[Any] = ()) -> rows.Row:
        (row,) = self._ask(sql, values)
        return row

    def _tallied(self, which: EventFilter) -> int:
        return int(self._one(*queries.tally(which))[0])

    def count_events(self, which: EventFilter) -> int:
        if queries.is_tallied(which):
            return self._tallied(which)
        return int(self._one(*queries.count(which))[0])

    def attempts(self, event_id: str) -> int:
        found = self._ask(*queries.attempts(event_id))
        return int(found[0][0]) if found else 0

    def exchange(self, exchange_id: str) -> Exchange | None:
        made = self._damage.values(self._ask(*queries.exchange(self._layout.columns, exchange_id)), self._exchange_of)
        return made[0][1] if made else None

    def event(self, event_id: str) -> EventRecord | None:
        made = self._damage.values(
            self._ask(*queries.event(self._rows.record_names, event_id)), self._rows.event_from_row
        )
        return made[0][1] if made else None

    def orgs(self) -> list[OrgStatistics]:
        return [rows.org_from_row(row) for row in self._ask(queries.orgs())]

    def statistics(self, org: str | None = None) -> Statistics:
        exchanges, accepted, faulted, size, statuses = self._one(*queries.statistics(org))
        counts = {Status(status): int(count) for status, count in (statuses or {}).items()}
        return Statistics(exchanges, accepted, faulted, counts, size)

    def forget(self, org: str | None = None) -> int:
        end, forgotten = self.position, 0
        whose = None if org is None else escaped(org)
        while True:
            began = time.monotonic()
            with self._connections.use() as connection:
                (some,) = connection.ask(
                    "SELECT forget($1::text, $2::bigint, $3::bigint, $4::bigint, $5::text)",
                    (whose, end, _AT_ONCE, _BYTES_AT_ONCE, self._replica),
                ).fetchone() or (0,)
            if not some:
                return forgotten
            forgotten += some
            # Events go first.
            self._closing.wait(time.monotonic() - began)

    @property
    def position(self) -> int:
        return self._state("position")

    @property
    def first(self) -> int:
        sql = "SELECT coalesce((SELECT position FROM exchanges ORDER BY position LIMIT 1), position + 1) FROM state"
        return int(self._one(sql)[0])

    @property
    def generation(self) -> int:
        return self._state("generation")

    @property
    def dropped(self) -> int:
        return self._state("dropped")

    @property
    def damaged(self) -> int:
        return self._damage.count

    def _state(self, name: str) -> int:
        return int(self._one(f"SELECT {name} FROM state")[0])
