"""What a journal may keep at most, and the thread that drops what is more beside what comes in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from mock_intake.journal.protocol import JournalError


class Retention(NamedTuple):
    """What a journal may keep at most; None is no limit.

    ``hours`` count back from the latest exchange; ``bytes`` are what exchanges take up, headers, findings and
    indexes included.
    """

    exchanges: int | None = None
    hours: float | None = None
    bytes: int | None = None


class Dropping:
    """The thread of one journal, begun when there is much to drop. ``some`` drops a part: whether there is more."""

    def __init__(self, some: Callable[[], bool]) -> None:
        self._some = some
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def go_on(self) -> None:
        """Has the rest dropped, if that is not being done."""
        with self._guard:
            if not self._closing.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="mock-intake-retention", daemon=True)
                self._thread.start()

    def let_others(self, began: float) -> bool:
        """Events go first: waits as long as was worked since ``began`` (monotonic); whether the journal is closing."""
        return self._closing.wait(time.monotonic() - began)

    def close(self) -> None:
        """Returns when nothing is dropped any more."""
        with self._guard:
            self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                more = self._some()
            except JournalError:
                return  # what comes in is told why, and begins this again
            if not more or self.let_others(began):
                return
