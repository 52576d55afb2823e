"""Where ``serve`` keeps what it receives, and how much of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from mock_intake.cli.databases import is_database, opened_database
from mock_intake.cli.options import Number, Size, option_group
from mock_intake.journal import Journal, JournalError, MemoryJournal
from mock_intake.journal.memory import DEFAULT_MAX_BYTES, DEFAULT_MAX_EXCHANGES
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT_FILE = "default"


def keeping_options(command: F) -> F:
    """The options of this module; see ``open_journal``."""
    return option_group(
        click.option(
            "--journal",
            "journal_file",
            is_flag=False,
            flag_value=_DEFAULT_FILE,
            metavar="[FILE]",
            help="Keep everything in this SQLite file (without FILE: in the user's state directory), or in the "
            "PostgreSQL database at postgresql://..., not in memory.",
        ),
        click.option("--keep-events", type=click.IntRange(1), metavar="N", help="Keep the latest N exchanges."),
        click.option("--keep-hours", type=Number(0, min_open=True), metavar="H", help="Keep those of H hours."),
        click.option("--keep-bytes", type=Size(), metavar="SIZE", help="Keep bodies and answers of this size in all."),
        heading="What is kept",
    )(command)


def state_file() -> Path:
    """The journal of this user where no other file is named (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "mock-intake" / "journal.db"


def open_journal(
    journal_file: str | None, keep_events: int | None, keep_hours: float | None, keep_bytes: int | None
) -> Journal:
    """The journal that the options ask for; exits with 2 where it cannot be had."""
    if journal_file is None:
        age = timedelta(hours=keep_hours) if keep_hours else None
        return MemoryJournal(keep_events or DEFAULT_MAX_EXCHANGES, keep_bytes or DEFAULT_MAX_BYTES, age)
    retention = Retention(keep_events, keep_hours, keep_bytes)
    file = state_file() if journal_file == _DEFAULT_FILE else Path(journal_file)
    try:
        if is_database(journal_file):
            return opened_database(journal_file, retention)
        if journal_file == _DEFAULT_FILE:
            file.parent.mkdir(parents=True, exist_ok=True)
        return SqliteJournal(file, retention=retention)
    except (JournalError, OSError) as error:
        raise click.UsageError(f"--journal: {error}") from error
