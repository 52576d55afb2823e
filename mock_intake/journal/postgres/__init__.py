"""The journal in a PostgreSQL database, which several servers may share: needs the extra ``postgres``."""

from __future__ import annotations

from mock_intake.journal.postgres.journal import PostgresJournal

__all__ = ["PostgresJournal"]
