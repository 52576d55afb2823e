"""Connections to a PostgreSQL database: a pool that recovers by itself, no wait without end, nothing secret said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Format
from psycopg_pool import ConnectionPool, PoolTimeout

from mock_intake.journal.postgres.schema import SCHEMA
from mock_intake.journal.protocol import JournalError, UnkeepableError
from mock_intake.system.clock import monotonic

T = TypeVar("T")

# Of the pool; to each connection belongs a process in the database.
_MOST = 8
# So long (seconds) a connection is waited for: producers wait 5 s for an answer by default.
_CONNECT_SECONDS = 2
_POOL_SECONDS = 2.0
# The pool gives up a connection that cannot be had after so long (seconds); who comes next begins anew.
_RETRY_SECONDS = 0.3
# So long (ms) a statement may take and a lock be waited for, and a session be silent within a transaction: what a
# replica that has stopped holds is let go of.
_STATEMENT_MS = 3_000
_LOCK_MS = 2_000
_SILENT_MS = 5_000
# The network is given up after so long (ms) without an answer to what was sent, where libpq can say so.
_NETWORK_MS = 4_000
# A database that does not answer at all: neither the network nor the statement's own limit then ends the wait.
_PATIENCE = 4.0
# So long (seconds) for a connection that may have broken to answer at all.
_TRIAL = 1.0

_EXPLANATIONS = {
    "08": "the connection broke.",
    "22": "a value is none that the database can keep.",
    "23505": "an exchange of the same id is on record already.",
    "25006": "the database is read-only: a standby, perhaps; name the primary, or several hosts.",
    "28": "the database does not let this user in: name another, or its password (PGPASSWORD, PGPASSFILE).",
    "3D000": "there is no such database; create it (createdb).",
    "42501": "this user may not do that: it needs the right to create a schema in the database (GRANT CREATE).",
    "53100": "the database's disk is full.",
    "53300": "the database has no connection left for us (max_connections).",
    "54000": "a value is longer than the database can keep.",
    "55P03": "the journal is being written to by another, for instance by a large import; try again.",
    "57014": "the database took too long.",
    "57P": "the database is shutting down or starting.",
    # Of our own, for what has no code.
    "certificate": "its certificate is not trusted: name its CA (sslrootcert), and a host that it is for.",
    "no TLS": "the database speaks no TLS, which is asked for (sslmode).",
}
_REFUSALS = {
    "authentication failed": "28",
    "no password supplied": "28",
    "no pg_hba.conf entry": "28",
    "role ": "28",
    "database system is": "57P",
    "too many clients": "53300",
    "connection slots": "53300",
    "session is read-only": "25006",
    "does not support SSL": "no TLS",
    "certificate": "certificate",
    "database ": "3D000",
}
_UNKEEPABLE = ("22", "23", "54000")
# A connection to which this happened is of no use for what comes next.
_NO_PRIMARY = ("25006", "57P")

# Every statement here has the order of the index that it is to go by, and PostgreSQL's planner takes no other hint than
# to be kept from what it may think cheaper where its statistics are old: walking a table whole, sorting what it found.
_PLANNING = dict.fromkeys(
    ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin"), "off"
)

# What the pool says of each attempt is said by who asked for a connection.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class UnansweredError(psycopg.OperationalError):
    """The database has not answered in time; it may still do what it was asked for."""


class _Number(Dumper):
    """Numbers of one type, whatever their size: so that a statement is prepared once."""

    def dump(self, obj: Any) -> bytes:
        return b"%d" % obj


class _Flag(Dumper):
    def dump(self, obj: Any) -> bytes:
        return b"t" if obj else b"f"


class _Bytes(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> Any:
        return obj


class Connection(psycopg.Connection[Any]):
    """A connection that waits for no answer longer than ``_PATIENCE``; it is of no use after that."""

    patience: float | None = _PATIENCE
    tried_at = 0.0
    """When it was made, or answered after another had broken."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()
            raise UnansweredError("the database does not answer") from error

    def ask(self, sql: str, values: Sequence[Any] = (), *, prepare: bool = False) -> psycopg.Cursor[Any]:
        """Executes a statement whose placeholders are ``$1`` and so on; results come in binary form."""
        # Not prepared by themselves: a plan that was made when there was little is none for much.
        return psycopg.RawCursor(self).execute(sql.encode(), values, prepare=prepare, binary=True)


class Connections:
    """A pool of connections to the database at ``url``. Raises ``JournalError`` for what is no such address.

    The first connection is made by ``open``.
    """

    NAME_OF_FOLLOWERS = "mock-intake "
    """What a connection that listens for others is called by, before the replica's own name."""

    def __init__(self, url: str) -> None:
        try:
            parts = conninfo_to_dict(url)
        except psycopg.Error:
            # What libpq says quotes the address, which may have a password in it.
            raise JournalError(
                "the address of the database cannot be read: it is postgresql://USER@HOST:PORT/DATABASE, with what is "
                "special in a name or password percent-encoded."
            ) from None
        self.shown = shown(parts)
        """Where the database is, without what is nobody's business."""
        defaults: dict[str, str | int] = {
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _NETWORK_MS,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "target_session_attrs": "read-write",
        }
        self.conninfo = make_conninfo(url, **{name: value for name, value in defaults.items() if name not in parts})
        # Connections that have not answered since are tried before they are used: one of them has broken.
        self._suspect_before = 0.0
        self._pool: ConnectionPool[Connection] | None = None
        # Why the pool's last attempt came to nothing, and when that was.
        self._failure: tuple[psycopg.Error, float] | None = None

    def connect(self, replica: str | None = None) -> Connection:
        """A connection of one's own, which is in no pool; called after a replica. Raises ``psycopg.Error``."""
        name = "mock-intake" if replica is None else self.NAME_OF_FOLLOWERS + replica
        connection = Connection.connect(self.conninfo, autocommit=True, application_name=name)
        configure(connection)
        return connection

    def open(self) -> None:
        """Begins the pool."""

        class Pooled(Connection):
            @classmethod
            def connect(cls, *args: Any, **options: Any) -> Pooled:
                try:
                    return super().connect(*args, **options)
                except psycopg.Error as error:
                    of_pool._failure = error, monotonic()
                    raise

        of_pool = self
        self._pool = ConnectionPool(
            self.conninfo,
            connection_class=Pooled,
            kwargs={"autocommit": True, "application_name": "mock-intake"},
            min_size=0,
            max_size=_MOST,
            open=True,
            configure=configure,
            timeout=_POOL_SECONDS,
            reconnect_timeout=_RETRY_SECONDS,
            num_workers=2,
            name="mock-intake",
        )

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close(timeout=_PATIENCE)

    def _take(self, pool: ConnectionPool[Connection]) -> Connection:
        """A connection that has answered since the last one broke."""
        until = monotonic() + _POOL_SECONDS
        while True:
            connection = pool.getconn(max(0.0, until - monotonic()))
            if connection.tried_at > self._suspect_before:
                return connection
            connection.patience = _TRIAL
            try:
                connection.execute("")
            except psycopg.Error as error:
                connection.close()
                pool.putconn(connection)
                if isinstance(error, UnansweredError):
                    raise
            else:
                connection.patience = _PATIENCE
                connection.tried_at = monotonic()
                return connection

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """A connection of the pool. Raises ``JournalError`` where none can be had, and for what fails within."""
        pool = self._pool
        if pool is None or pool.closed:
            raise JournalError(f"{self.shown} has been closed.")
        with self.errors():
            connection = self._take(pool)
            try:
                yield connection
            except psycopg.Error as error:
                if connection.closed or (error.sqlstate or "").startswith(_NO_PRIMARY):
                    # Others of the pool have broken too, or lead to what is no primary any more.
                    self._suspect_before = monotonic()
                    connection.close()
                raise
            finally:
                pool.putconn(connection)

    def tried_again(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` gives, done once more where the connection broke. Raises ``JournalError``."""
        try:
            with self.use() as connection:
                return work(connection)
        except JournalError as error:
            if not is_lost(error):
                raise
        with self.use() as connection:
            return work(connection)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what PostgreSQL says into what a user can do about it."""
        try:
            yield
        except PoolTimeout as error:
            failure, at = self._failure or (None, 0.0)
            known = failure is not None and monotonic() - at < _POOL_SECONDS
            why = explained(failure) if known and failure is not None else "the database cannot be reached."
            raise JournalError(f"{self.shown}: {why}") from error
        except psycopg.Error as error:
            kind = UnkeepableError if (error.sqlstate or "").startswith(_UNKEEPABLE) else JournalError
            raise kind(f"{self.shown}: {explained(error)}") from error


def configure(connection: Connection) -> None:
    """Makes a connection what the statements here need it to be."""
    for kind, dumper in ((int, _Number), (bool, _Flag), (bytes, _Bytes)):
        connection.adapters.register_dumper(kind, dumper)
    settings = {
        "search_path": f"{SCHEMA}, pg_catalog",
        "statement_timeout": str(_STATEMENT_MS),
        "lock_timeout": str(_LOCK_MS),
        "idle_in_transaction_session_timeout": str(_SILENT_MS),
        # A 2xx means that it is on record, also where whoever set the database up was easier to please.
        "synchronous_commit": "on",
        "jit": "off",
        **_PLANNING,
    }
    settled = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    connection.execute(f"SELECT {settled}".encode())
    connection.tried_at = monotonic()


def shown(parts: dict[str, Any]) -> str:
    """The address of a database without password, or whatever else it was given."""
    host, port, user = (str(parts.get(name) or "") for name in ("host", "port", "user"))
    database = str(parts.get("dbname") or "")
    return f"postgresql://{user}{'@' if user else ''}{host}{':' if port else ''}{port}/{database}"


def is_lost(error: BaseException) -> bool:
    """Whether ``error`` says that the connection broke, so that what was asked may or may not have been done."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.OperationalError) or isinstance(cause, (PoolTimeout, UnansweredError)):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P"))


def explained(error: psycopg.Error) -> str:
    """What a user can do about ``error``; never in the words of PostgreSQL, which may quote values."""
    state = error.sqlstate or ""
    if isinstance(error, UnansweredError):
        return "the database does not answer."
    if not state:
        # What went wrong with a connection that was never made has no code, only words.
        words = str(error)
        state = next((code for part, code in _REFUSALS.items() if part in words), "")
    if not state:
        return "the database cannot be reached: is it running, and is this its address?"
    found = next((text for prefix, text in _EXPLANATIONS.items() if state.startswith(prefix)), None)
    return found or f"the database failed (SQLSTATE {state})."
