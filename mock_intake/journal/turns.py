"""Turns at something that one thread may do at a time, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """As a lock, but fair: with ``threading.Lock`` a thread that comes back at once wins over one that has waited."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return len(self._waiting)

    def begin(self, timeout: float = -1) -> bool:
        """Waits for a turn, at most ``timeout`` seconds (-1: without end); whether it came. Then ``end`` it."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=timeout):
            return True
        with self._guard:
            if called not in self._waiting:  # it came in the last moment
                return True
            self._waiting.remove(called)
            return False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a turn without end, and ends it."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    def end(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
