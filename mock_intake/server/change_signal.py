"""Tells whoever waits that something new is on record: threads and coroutines alike."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from mock_intake.system.clock import monotonic


class ChangeSignal:
    """Given when something was put on record, be it one exchange or several.

    Whoever waits remembers ``count``, looks, and then waits for a change behind that count: what happens between the
    look and the wait is not missed. Safe to give and to wait for from any thread and loop.
    """

    def __init__(self) -> None:
        # Reentrant, as whoever waits in the main thread may be interrupted by a signal's handler that waits too.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._count = 0
        # How many threads wait: mostly none, and then there is nobody to be woken.
        self._waiting = 0
        self._listeners: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def count(self) -> int:
        """How often it was given."""
        return self._count

    def notify(self) -> None:
        """Wakes all who wait."""
        with self._lock:
            self._count += 1
            if self._waiting:
                self._condition.notify_all()
            for event, loop in self._listeners.items():
                with contextlib.suppress(RuntimeError):  # a loop that has ended hears nothing
                    loop.call_soon_threadsafe(event.set)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Blocks until ``condition`` holds, looked at after every change; false when ``timeout`` seconds are up."""
        until = monotonic() + timeout
        while True:
            seen = self._count
            if condition():
                return True
            if not self._wait(seen, until):
                return condition()

    def _wait(self, since: int, until: float) -> bool:
        """Blocks until there is a change after the ``since``-th; false when it is too late."""
        with self._condition:
            self._waiting += 1
            try:
                while self._count == since:
                    left = until - monotonic()
                    if left <= 0 or not self._condition.wait(left):
                        return False
                return True
            finally:
                self._waiting -= 1

    async def changed(self, since: int, timeout: float) -> bool:
        """Waits for a change after the ``since``-th; false when the time (seconds) is up."""
        event = asyncio.Event()
        with self._lock:
            self._listeners[event] = asyncio.get_running_loop()
        try:
            while self._count <= since:
                event.clear()
                # One that came before the event was cleared has set it in vain.
                if self._count > since:
                    break
                try:
                    await asyncio.wait_for(event.wait(), timeout)
                except TimeoutError:
                    return self._count > since
            return True
        finally:
            with self._lock:
                del self._listeners[event]
