"""``mock-intake export``: writes what is on record as lines of JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mock_intake.cli.console import echo
from mock_intake.cli.sources import control_token_option, everything, opened
from mock_intake.transfer import event_to_line, exchange_to_line


@click.command()
@click.argument("source", metavar="JOURNAL|URL")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there, not to standard output."
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
    """
    written = 0
    with opened(source, control_token, org) as recording:
        stream = sys.stdout.buffer if output is None else output.open("wb")
        try:
            for exchange in everything(recording.journal, org):
                if what == "exchanges":
                    stream.write(exchange_to_line(exchange) + b"\n")
                elif not exchange.accepted or (line := event_to_line(exchange)) is None:
                    continue
                else:
                    stream.write(line + b"\n")
                written += 1
            stream.flush()
        finally:
            if output is not None:
                stream.close()
        if recording.dropped:
            echo(f"Retention had dropped {recording.dropped} exchanges: they are not in the export.", err=True)
    echo(f"{written} {what} exported" + (f" to {output}" if output else ""), err=True)
    if not written:
        raise click.ClickException(f"There are no {what} in {source}.")
