"""Writes the log of a SQLite journal back into its file, beside what is being appended.

SQLite would do so by itself, within every so-manieth commit, and whoever waits for that one would wait for all of it.
Here a thread of its own does most of it while commits go on, and takes a turn at writing for the little that came
meanwhile: only when all of the log is in the file does the next commit begin the log anew.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

from mock_intake.journal.turns import Turns

# So much (bytes) is added to the log before it is written back; about that it grows to. More would cost disk; with
# less, the pages that every commit changes would be written back more often.
_DUE = 48 * 1024 * 1024
# What a commit adds to the log beside what is new in it, more or less: pages of most indexes, and one for each changed
# row, which others may share.
_PER_COMMIT = 48 * 1024
_PER_ROW = 4 * 1024
# So often what came meanwhile is written back, each time less, before commits have to wait for the rest.
_PASSES = 2
# Writes back what is in the log when it begins, and has nobody wait.
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """The thread that does so, begun when there is something to do. ``connect`` makes it a connection of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], turns: Turns) -> None:
        self._connect = connect
        self._turns = turns
        self._grown = 0
        self._due = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def grew(self, rows: int, size: int = 0) -> None:
        """Hears of a commit from whoever has the turn: how many rows it changed, and how large (bytes) new ones are."""
        self._grown += _PER_COMMIT + rows * _PER_ROW + size
        if self._grown < _DUE or self._closed:
            return
        self._grown = 0
        self._due.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mock-intake-checkpoints", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Returns when nothing is being written back any more."""
        self._closed = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._due.wait() and not self._closed:
            self._due.clear()
            try:
                connection = connection or self._connect()
                self._write_back(connection)
            except sqlite3.Error:
                # The log has all of it, and whatever keeps it from being written to is told to those who append.
                continue
        if connection is not None:
            connection.close()

    def _write_back(self, connection: sqlite3.Connection) -> None:
        for _ in range(_PASSES):
            connection.execute(_CHECKPOINT).fetchone()
            if self._closed:
                return
        if self._turns.begin():
            try:
                connection.execute(_CHECKPOINT).fetchone()
            finally:
                self._turns.end()
