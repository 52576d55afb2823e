"""``mock-intake export``: writes what is on record as lines of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.sources import (
    UnusableError,
    control_token_option,
    everything,
    keep_sources,
    opened_file,
    server_of,
    unusable,
    written,
)
from mock_intake.client import Client
from mock_intake.files.exports import event_to_line, exchange_to_line
from mock_intake.journal import Journal
from mock_intake.model.words import counted

What = Literal["events", "exchanges"]


@click.command(cls=Command, short_help="Write what is on record as lines of JSON.", page="how-to/recordings")
@click.argument("source", metavar="JOURNAL|URL|READY-FILE")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write there, not to standard output (-).",
)
@click.option(
    "--what",
    type=click.Choice(["events", "exchanges"]),
    default="events",
    show_default=True,
    help="Accepted events as received, or whole exchanges, which lose nothing.",
)
@click.option("--org", help="Only what belongs to this org.")
@control_token_option
def export(source: str, output: Path | None, what: str, org: str | None, control_token: str | None) -> None:
    """Write what a journal file or a running server has on record, oldest first, one line of JSON each.

    \b
    Examples:
      mock-intake export http://127.0.0.1:8580 -o events.ndjson
      mock-intake export events.db --what exchanges | gzip > recording.ndjson.gz

    \b
    Exit codes:
      0  something was exported
      2  there is nothing, or it cannot be read or written
    """
    keep_sources([output], [source], "read")
    count = 0
    is_whole = False
    with unusable(), _exported(source, cast("What", what), org, control_token) as (lines, dropped):
        with written(output, private=True) as stream:
            for line in lines:
                stream.write(line + b"\n")
                count += 1
            if not count:
                raise UnusableError(f"There are no {what} in {source}{f' of the org {org}' if org else ''}.")
            stream.flush()
            is_whole = True
        if is_whole and (gone := dropped()):
            echo(f"Retention had dropped {counted(gone, 'exchange')}, which the export does not have.", err=True)
    if is_whole:
        echo(
            f"{counted(count, what.removesuffix('s'))} exported"
            + (f" to {output}" if output and str(output) != "-" else ""),
            err=True,
        )


@contextmanager
def _exported(
    source: str, what: What, org: str | None, token: str | None
) -> Iterator[tuple[Iterator[bytes], Callable[[], int]]]:
    """The lines of an export, and how many exchanges retention had dropped by the end of it."""
    if (url := server_of(source)) is not None:
        with Client(url, token=token) as client:
            yield client.export(what, org=org), lambda: client.statistics()["dropped"]
        return
    journal = opened_file(source)
    try:
        yield _of_journal(journal, what, org), lambda: journal.dropped
        if journal.damaged:
            echo(
                f"{counted(journal.damaged, 'damaged row')} of {journal.place} cannot be read, and left out.", err=True
            )
    finally:
        journal.close()


def _of_journal(journal: Journal, what: What, org: str | None) -> Iterator[bytes]:
    for exchange in everything(journal, org):
        if what == "exchanges":
            yield exchange_to_line(exchange)
        elif exchange.accepted and (line := event_to_line(exchange)) is not None:
            yield line
