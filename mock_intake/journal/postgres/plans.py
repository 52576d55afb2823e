"""Fault plans in the database: one row, changed under its lock; other replicas are waited for until they know."""

from __future__ import annotations

import time
from collections.abc import Callable

from mock_intake.faults.shared import PlanChange
from mock_intake.journal.postgres.connections import Connection, Connections
from mock_intake.journal.postgres.schema import CHANNEL, PLANNED
from mock_intake.system.clock import monotonic

# So long (seconds) other replicas are waited for: one that does not hear is about to find its connection broken.
_PATIENCE = 20.0
_LOOK = 0.01


class PlanTable:
    """A ``PlanStore`` of the replica that is called so."""

    def __init__(self, connections: Connections, replica: str) -> None:
        self._connections = connections
        self._replica = replica
        self._changed: Callable[[], None] = lambda: None

    def read(self) -> bytes:
        def ask(connection: Connection) -> bytes:
            (plans,) = connection.ask("SELECT plans FROM plans").fetchone() or (b"",)
            return bytes(plans)

        return self._connections.tried_again(ask)

    def change(self, work: Callable[[bytes], PlanChange]) -> None:
        with self._connections.use() as connection, connection.transaction():
            version, plans = connection.ask("SELECT version, plans FROM plans FOR UPDATE").fetchone() or (0, b"")
            change = work(bytes(plans))
            connection.ask("UPDATE plans SET version = $1::bigint, plans = $2", (version + 1, change.plans))
            if change.is_announced:
                connection.ask(f"SELECT pg_notify('{CHANNEL}', $1::text)", (self._replica + PLANNED,))
        if change.is_announced:
            self._wait_for_others(version + 1)

    def _wait_for_others(self, version: int) -> None:
        """Returns once all replicas that live know of ``version``."""
        until = monotonic() + _PATIENCE
        while monotonic() < until:
            with self._connections.use() as connection:
                (behind,) = connection.ask(
                    "SELECT count(*) FROM replicas JOIN pg_stat_activity ON application_name = $1::text || name "
                    "WHERE plans < $2::bigint AND name <> $3::text",
                    (Connections.NAME_OF_FOLLOWERS, version, self._replica),
                ).fetchone() or (0,)
            if not behind:
                return
            time.sleep(_LOOK)

    def watch(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def heard(self, connection: Connection) -> None:
        """Has the plans looked at, and says by ``connection`` that this replica has. Others that are gone are
        forgotten.
        """
        connection.ask(
            "DELETE FROM replicas WHERE NOT EXISTS "
            "(SELECT FROM pg_stat_activity WHERE application_name = $1::text || name)",
            (Connections.NAME_OF_FOLLOWERS,),
        )
        (version,) = connection.ask("SELECT version FROM plans").fetchone() or (0,)
        self._changed()
        connection.ask(
            "MERGE INTO replicas USING (SELECT $1::text AS name, $2::bigint AS plans) AS own "
            "ON replicas.name = own.name WHEN MATCHED THEN UPDATE SET plans = own.plans "
            "WHEN NOT MATCHED THEN INSERT VALUES (own.name, own.plans)",
            (self._replica, version),
        )

    def left(self, connection: Connection) -> None:
        """Takes this replica off the list."""
        connection.ask("DELETE FROM replicas WHERE name = $1::text", (self._replica,))
