"""Where commands take recordings from and put them to: journal files and running servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from mock_intake.client import Client, ControlError
from mock_intake.exchange import Exchange
from mock_intake.journal import Journal, JournalError, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.transfer import exchange_from_line

CONTROL_TOKEN = "MOCK_INTAKE_CONTROL_TOKEN"  # noqa: S105 - the variable's name, not a token
_BATCH = 500
_UNBOUNDED = 1 << 60

control_token_option = click.option(
    "--control-token", envvar=CONTROL_TOKEN, help=f"Token of the server's control API [env: {CONTROL_TOKEN}]."
)


class Source(NamedTuple):
    """An opened recording; ``dropped`` is what its server had let go before."""

    name: str
    journal: Journal
    dropped: int


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


@contextmanager
def opened(source: str, token: str | None, org: str | None = None) -> Iterator[Source]:
    """A journal file, read beside whoever writes it, or all that a server has on record. Exits with 2 on trouble."""
    try:
        if is_url(source):
            journal: Journal = MemoryJournal(_UNBOUNDED, _UNBOUNDED)
            with Client(source, token=token) as client:
                lines = [exchange_from_line(line) for line in client.export("exchanges", org=org)]
                journal.append(lines)
                dropped = int(client.statistics()["dropped"])
        else:
            if not Path(source).is_file():
                raise click.UsageError(f"{source}: there is no such journal file (and it is no URL of a server).")
            journal = SqliteJournal(Path(source), read_only=True)
            dropped = journal.dropped
        try:
            yield Source(source, journal, dropped)
        finally:
            journal.close()
    except (ControlError, JournalError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def everything(journal: Journal, org: str | None = None) -> Iterator[Exchange]:
    """All exchanges of a journal, or of one org in it, oldest first."""
    position = 0
    while batch := journal.read(position, _BATCH):
        for found, exchange in batch:
            position = found
            if org is None or exchange.org == org:
                yield exchange
