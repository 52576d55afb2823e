"""A file of an earlier version is carried over, in its place, by the first who opens it for writing.

All steps are one transaction, and before it ends exchanges are read from it as they will be from then on; so a file is
of the old version or of the new one, whatever happens. Beside it stands a copy of what it was, until it has been opened
as what it is: for what a transaction does not cover, as a disk that forgets, and steps that are wrong.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from mock_intake.journal import files
from mock_intake.journal.layout import FIRST_VERSION, E, Layout
from mock_intake.journal.protocol import EventFilter, JournalError
from mock_intake.journal.statements import APPLICATION_ID, FACTS

# So many pages of 4 KB are copied at a time.
_PAGES = 4_096


def copy_of(file: Path, version: int) -> Path:
    """Where the copy of ``file`` stands, as it was in ``version``."""
    return file.with_name(f"{file.name}-version-{version}")


def version_of(connection: sqlite3.Connection, file: Path, layout: Layout[E]) -> int:
    """The version of a journal's file. Raises ``JournalError`` for what is none, or of a version that is not known."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        raise JournalError(f"{file} is empty: there is no journal in it.")
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID:
        raise JournalError(f"{file} is a database, and no journal of mock-intake.")
    if not layout.is_known(version):
        age = "a later" if version > layout.version else "an earlier"
        raise JournalError(
            f"{file} was written by {age} mock-intake (journal version {version}; this one knows {layout.known}). "
            "Export it with that one and import the lines here, or begin a new file."
        )
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if missing := sorted(layout.names(version) - there):
        raise JournalError(
            f"{file} is damaged: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing in it. Take an "
            "earlier copy, or begin a new file."
        )
    kept = dict(connection.execute("SELECT name, value FROM facts").fetchall())
    held = connection.execute("SELECT exchanges, size FROM held").fetchone() or (None,)
    if not all(type(count) is int for count in (*(kept.get(name) for name in FACTS), *held)):
        raise JournalError(
            f"{file} is damaged: what it counts (the tables facts and held) cannot be read. Take an earlier copy, or "
            "begin a new file."
        )
    return version


def carry_over(connection: sqlite3.Connection, file: Path, version: int, layout: Layout[E]) -> None:
    """Makes of a file of an earlier version, which nobody else writes to, one of the layout's own.

    ``connection`` is to that file, and in no transaction. Raises ``JournalError``, the file being as it was: where
    there is no room for the copy and the change, or the steps do not lead to what can be read.
    """
    copy = copy_of(file, version)
    try:
        _copy(connection, copy)
        connection.execute("BEGIN IMMEDIATE")
        for step in layout.steps(version):
            connection.execute(step)
        _look(connection, layout)
        connection.execute("COMMIT")
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with suppress(OSError):
            copy.unlink(missing_ok=True)
        why = files.explained(error) if isinstance(error, sqlite3.Error) else f"{error}."
        raise JournalError(
            f"{file} was written by an earlier mock-intake (journal version {version}) and cannot be carried over to "
            f"version {layout.version}: {why} It is as it was."
        ) from error


def _copy(connection: sqlite3.Connection, copy: Path) -> None:
    # What is left of an attempt that was broken off is no copy of anything.
    copy.unlink(missing_ok=True)
    files.make_private(copy)
    with closing(sqlite3.connect(copy)) as target:
        connection.backup(target, pages=_PAGES)
        # One file alone, to be moved or removed as one.
        target.execute("PRAGMA journal_mode = DELETE")


def _look(connection: sqlite3.Connection, layout: Layout[E]) -> None:
    """Reads the oldest exchange and the newest, and an event."""
    own = layout.statements(layout.version)
    for order in ("ASC", "DESC"):
        query = f"SELECT {own.names} FROM exchanges ORDER BY position {order} LIMIT 1"
        for row in connection.execute(query).fetchall():
            layout.rows.from_row(row)
    sql, values = own.events(EventFilter(), None, None)
    for row in connection.execute(f"{sql} LIMIT 1", values).fetchall():
        layout.rows.event_from_row(row)


def remove_copies(file: Path, version: int) -> None:
    """Removes what stands beside ``file``, of ``version``, of its earlier ones: it was opened, and is all there."""
    for earlier in range(FIRST_VERSION, version):
        with suppress(OSError):
            copy_of(file, earlier).unlink(missing_ok=True)
