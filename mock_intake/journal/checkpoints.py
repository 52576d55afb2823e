"""Writes the log of a SQLite journal back into its file, beside what is being appended.

SQLite would do so by itself, as part of one commit in so many, and whoever waits for that one would wait for all of it.
Here a thread of its own does most of it while commits go on, and takes a turn at writing for the little that came
meanwhile: only when all of the log is in the file does the next commit begin the log anew.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from mock_intake.journal.turns import Turns

# So much (bytes) is added to the log before it is written back, or an eighth of the room on the disk; about that it
# grows to. More would cost disk; with less, the pages that every commit changes would be written back more often.
_DUE = 48 * 1024 * 1024
_LEAST_DUE = 1024 * 1024
# What a commit adds to the log beside what is new in it, more or less: pages of most indexes, and one for each changed
# row, which others may share.
_PER_COMMIT = 48 * 1024
_PER_ROW = 4 * 1024
# So often what came meanwhile is written back, each time less, before commits have to wait for the rest.
_PASSES = 2
# Writes back what is in the log when it begins, and has nobody wait.
_BESIDE = "PRAGMA wal_checkpoint(PASSIVE)"
# Writes back all of it, and sees to it that the next commit can begin the log anew: waits for those who read from it,
# but not for long, as commits wait too.
_WHOLE = "PRAGMA wal_checkpoint(RESTART)"
# So long (milliseconds) at first; longer each time that it was too short, and less than commits wait for their turn.
_PATIENCE, _MOST_PATIENCE = 50, 800
# So long (seconds) whoever would add more waits for what is being written back; less than producers wait for an answer.
_MOST_WAIT = 2.0


class Checkpoints:
    """The thread that does so, begun when there is something to do.

    ``connection`` is for this alone, to ``file``; opened with the journal, so that it is to the same file whatever is
    put in its place later. ``close`` closes it.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path, turns: Turns) -> None:
        self._patience = _PATIENCE
        self._connection = connection
        self._file = file
        self._turns = turns
        self._most = self._room()
        # What stands in the log already, of a process that was killed: nobody else will write it back.
        self._grown = _size(file.with_name(file.name + "-wal"))
        self._due = threading.Event()
        # Set where nothing is due, and nothing is being written back.
        self._at_rest = threading.Event()
        self._at_rest.set()
        self._closed = False
        self._at_work = threading.RLock()
        self._thread: threading.Thread | None = None

    def add(self, size: int) -> None:
        """Hears from whoever has the turn how large (``size``, bytes) the rows are that the next commit adds."""
        self._grown += size

    def grew(self, rows: int) -> None:
        """Hears of a commit from whoever has the turn, and how many ``rows`` it changed. Raises nothing."""
        self._grown += _PER_COMMIT + rows * _PER_ROW
        if self._grown >= self._most:
            self.hurry()

    def wait(self) -> None:
        """Waits a while for what is being written back, where nearly as much was added meanwhile as is due.

        For whoever is about to take a turn: where more is added than the disk takes, the log would grow without end.
        """
        if self._grown > self._most // 4 * 3:
            self._at_rest.wait(_MOST_WAIT)

    def hurry(self) -> None:
        """Has the log written back as soon as may be: it is large, or there is no room for more of it."""
        if self._closed:
            return
        self._grown = 0
        self._at_rest.clear()
        self._due.set()
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="mock-intake-checkpoints", daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError:
                # There can be no more threads: a later commit tries again, and nobody waits.
                self._at_rest.set()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is written back by the thread meanwhile. Whoever has the turn must not ask for this."""
        with self._at_work:
            yield

    def close(self) -> None:
        """Returns when nothing is being written back any more."""
        self._closed = True
        self._due.set()
        self._at_rest.set()
        if self._thread is not None:
            self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            self._due.wait()
            # In this order: what is said between the two is heard in the next round, or now.
            self._due.clear()
            if self._closed:
                break
            # Where it cannot be, the log has all of it, and whatever is wrong is told to those who append.
            with self._at_work, contextlib.suppress(sqlite3.Error):
                self._write_back()
            self._most = self._room()
            if not self._due.is_set():
                self._at_rest.set()

    def _write_back(self) -> None:
        for _ in range(_PASSES):
            self._connection.execute(_BESIDE).fetchone()
            if self._closed:
                return
        with self._turns.turn():
            self._connection.execute(f"PRAGMA busy_timeout = {self._patience}")
            busy, *_ = self._connection.execute(_WHOLE).fetchone()
            if busy:
                # Somebody reads from the log, so it goes on growing; soon to be tried again.
                self._grown = self._most // 4 * 3
        self._patience = min(2 * self._patience, _MOST_PATIENCE) if busy else _PATIENCE

    def _room(self) -> int:
        try:
            free = shutil.disk_usage(self._file.parent).free
        except OSError:
            return _DUE
        return min(_DUE, max(_LEAST_DUE, free // 8))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
