"""Tells whoever waits that something new is on record: threads and coroutines alike."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from mock_intake.clock import monotonic


class Bell:
    """Rung when something was put on record, be it one exchange or several.

    Safe to ring and to listen from any thread and loop.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._rung = 0
        # How many threads wait: mostly none, and then there is nobody to be told.
        self._waiting = 0
        self._listeners: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def rung(self) -> int:
        """How often it was rung."""
        return self._rung

    def ring(self) -> None:
        with self._lock:
            self._rung += 1
            if self._waiting:
                self._condition.notify_all()
            for event, loop in self._listeners.items():
                with contextlib.suppress(RuntimeError):  # a loop that has ended hears nothing
                    loop.call_soon_threadsafe(event.set)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Blocks until the condition holds, looked at anew after every ring; false when the time (seconds) is up."""
        until = monotonic() + timeout
        while True:
            heard = self._rung
            if condition():
                return True
            if not self._wait(heard, until):
                return condition()

    def _wait(self, since: int, until: float) -> bool:
        """Blocks until there is a ring after the ``since``-th; false when it is too late."""
        with self._condition:
            self._waiting += 1
            try:
                while self._rung == since:
                    left = until - monotonic()
                    if left <= 0 or not self._condition.wait(left):
                        return False
                return True
            finally:
                self._waiting -= 1

    async def heard(self, since: int, timeout: float) -> bool:
        """Waits for a ring after the ``since``-th; false when the time (seconds) is up."""
        event = asyncio.Event()
        with self._lock:
            self._listeners[event] = asyncio.get_running_loop()
        try:
            while self._rung <= since:
                event.clear()
                if self._rung > since:
                    break
                try:
                    await asyncio.wait_for(event.wait(), timeout)
                except TimeoutError:
                    return self._rung > since
            return True
        finally:
            with self._lock:
                del self._listeners[event]
