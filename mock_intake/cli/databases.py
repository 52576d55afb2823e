"""Journals in a PostgreSQL database, by their addresses: what they need is an extra."""

from __future__ import annotations

from mock_intake.journal import Journal, JournalError
from mock_intake.journal.retention import Retention

_SCHEMES = ("postgresql://", "postgres://")


def is_database(place: str) -> bool:
    """Whether a journal is in a database, and in no file."""
    return place.startswith(_SCHEMES)


def opened_database(url: str, retention: Retention | None = None) -> Journal:
    """The journal in the database at ``url``. Raises ``JournalError``, also where the extra is not installed."""
    try:
        from mock_intake.journal.postgres import PostgresJournal
    except ImportError as error:
        raise JournalError("a journal in PostgreSQL needs psycopg: pip install 'mock-intake[postgres]'.") from error
    return PostgresJournal(url, retention=retention)
