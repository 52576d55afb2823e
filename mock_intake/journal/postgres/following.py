"""Hears of what other replicas put on record: by notifications, and after each break by a look at what is there."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg

from mock_intake.journal.postgres.connections import Connections
from mock_intake.journal.postgres.plans import PlanTable
from mock_intake.journal.postgres.schema import CHANNEL, JOINED, PLANNED
from mock_intake.journal.protocol import JournalError

# How long (seconds) until a connection that broke is made anew, and until one on which nothing was heard is tried.
_PAUSE = 0.5
# So long (seconds) its beginning is waited for: on a machine that is busy with much else it takes some.
_PATIENCE = 20.0
_QUIET = 1.0


class Follower:
    """Calls ``changed`` when others than ``replica`` have appended or forgotten something, and ``joined`` where an org
    has come with it; has ``plans`` looked at where those were changed. Close it when done.

    They are called from a thread of its own, also where something may have been missed: notifications are not kept for
    whoever was away. So whoever is called looks for what is there that it has not seen.
    """

    def __init__(
        self,
        connections: Connections,
        replica: str,
        changed: Callable[[], None],
        joined: Callable[[], None],
        plans: PlanTable,
    ) -> None:
        self._connections = connections
        self._replica = replica
        self._changed = changed
        self._joined = joined
        self._plans = plans
        self._ended = threading.Event()
        self._hears = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="mock-intake-following", daemon=True)
        self._thread.start()
        # From now on others wait for it, where they have to.
        self._hears.wait(_PATIENCE)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except (psycopg.Error, JournalError):
                self._ended.wait(_PAUSE)

    def _listen(self) -> None:
        with self._connections.connect(self._replica) as connection:
            connection.execute(f"LISTEN {CHANNEL}".encode())
            self._plans.heard(connection)
            self._joined()
            self._changed()
            self._hears.set()
            while not self._ended.is_set():
                heard = [notify.payload for notify in connection.notifies(timeout=_QUIET, stop_after=1)]
                others = [payload for payload in heard if not payload.startswith(self._replica)]
                if any(payload.endswith(PLANNED) for payload in others):
                    self._plans.heard(connection)
                if any(payload.endswith(JOINED) for payload in others):
                    self._joined()
                if others:
                    self._changed()
                elif not heard:
                    connection.execute("")
            self._plans.left(connection)
