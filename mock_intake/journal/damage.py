"""Rows of a journal that cannot be read any more: passed over, counted, and told in the log.

A disk that fails, a program that writes into the file, a machine that was switched off without its disk being asked:
what is left can be read all the same, and nobody is to look at an error page for ever because of one row.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from mock_intake.journal.protocol import LARGEST_PART, Page
from mock_intake.journal.statements import Statements

T = TypeVar("T")
Row = tuple[Any, ...]

_log = logging.getLogger("mock_intake")
# So many rows are named in the log, and counted further.
_MOST_NAMED = 20
# So many in a row that cannot be read are a file that cannot be read.
_MOST_IN_A_ROW = 2_000


class Damage:
    """What was found to be damaged in one file, or other place. Safe to use from several threads."""

    def __init__(self, file: Path | str) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._positions: set[int] = set()

    @property
    def count(self) -> int:
        """How many rows were found so far that cannot be read."""
        return len(self._positions)

    def found(self, position: int, error: Exception) -> None:
        """Counts the row at ``position``, which ``error`` kept from being read, and tells of it the first time."""
        with self._lock:
            if position in self._positions:
                return
            self._positions.add(position)
            count = len(self._positions)
        if count <= _MOST_NAMED:
            # Not the error's text, which may quote what stands there.
            kind = getattr(error, "sqlite_errorname", None) or type(error).__name__
            more = " (more are counted, and not told)" if count == _MOST_NAMED else ""
            _log.error("%s: the row %d is damaged (%s), and is left out%s", self._file, position, kind, more)

    def values(self, found: Sequence[Row], build: Callable[[Row], T]) -> list[tuple[int, T]]:
        """What ``build`` makes of rows that begin with a position; those of which nothing can be made are left out."""
        made = []
        for row in found:
            try:
                made.append((row[0], build(row)))
            except Exception as error:  # whatever a value that is none of its type brings about
                self.found(row[0], error)
        return made

    def page(
        self,
        connection: sqlite3.Connection,
        sql: str,
        values: Sequence[object],
        limit: int,
        build: Callable[[Row], T],
    ) -> Page[T]:
        """What is made of the rows of a listing, so many at most; where one cannot be read, of the others.

        Raises ``sqlite3.Error``.
        """
        found, more = self._listed(connection, sql, values, limit)
        return Page([item for _, item in self.values(found, build)], found[-1][0] if more and found else None)

    def _listed(
        self, connection: sqlite3.Connection, sql: str, values: Sequence[object], limit: int
    ) -> tuple[list[Row], bool]:
        try:
            return _part(connection.execute(f"{sql} LIMIT ?", (*values, limit + 1)), limit)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            first = error
        found: list[Row] = []
        failures = offset = 0
        room = LARGEST_PART
        while len(found) < limit and room > 0:
            try:
                row = connection.execute(f"{sql} LIMIT 1 OFFSET ?", (*values, offset)).fetchone()
            except sqlite3.DatabaseError as error:
                failures += 1
                if not _is_damage(error) or failures > limit:
                    raise first from error
            else:
                if row is None:
                    return found, False
                found.append(row)
                room -= _size(row)
            offset += 1
        return found, True

    def following(
        self, connection: sqlite3.Connection, own: Statements, after: int, limit: int, end: Callable[[], int]
    ) -> list[Row]:
        """The rows behind a position, up to the last one (``end``); those that cannot be read are left out."""
        try:
            return _part(connection.execute(own.following, (after, limit)), limit)[0]
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            first = error
        found: list[Row] = []
        in_a_row = 0
        room = LARGEST_PART
        for position in range(after + 1, end() + 1):
            try:
                # Of one row alone, so that it is no other that cannot be read.
                row = connection.execute(f"{own.following.replace('position > ?', 'position = ?')}", (position, 1))
                read = row.fetchall()
                found += read
                room -= sum(map(_size, read))
                in_a_row = 0
            except sqlite3.DatabaseError as error:
                self.found(position, error)
                in_a_row += 1
                if not _is_damage(error) or in_a_row > _MOST_IN_A_ROW:
                    raise first from error
            if len(found) == limit or room <= 0:
                break
        return found

    def one(self, found: Iterator[Row], build: Callable[[Row], T]) -> T | None:
        """What ``build`` makes of the row that was ``found``, which begins with a position; None if nothing can."""
        try:
            row = next(found, None)
        except sqlite3.OperationalError as error:
            if not _is_damage(error):
                raise
            return None
        made = [] if row is None else self.values([row], build)
        return made[0][1] if made else None


def _part(rows: sqlite3.Cursor, limit: int) -> tuple[list[Row], bool]:
    """The first rows, so many at most, and no more than there is room for; and whether there are more."""
    found: list[Row] = []
    room = LARGEST_PART
    # One that is left open goes on seeing the file as it was.
    with closing(rows):
        for row in rows:
            if len(found) == limit or room <= 0:
                return found, True
            found.append(row)
            room -= _size(row)
    return found, False


def _size(row: Row) -> int:
    return sum([len(value) for value in row if type(value) is str or type(value) is bytes])


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether it is the rows that are wrong, and not the way to them."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.startswith("SQLITE_CORRUPT") or "decode to UTF-8" in str(error)
