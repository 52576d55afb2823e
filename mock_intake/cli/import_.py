"""``mock-intake import``: puts exported exchanges on record again."""

from __future__ import annotations

import gzip
from pathlib import Path

import click

from mock_intake.cli.console import echo
from mock_intake.cli.sources import control_token_option, is_url
from mock_intake.client import Client, ControlError
from mock_intake.decoding import GZIP_MAGIC
from mock_intake.exchange import Exchange
from mock_intake.journal import JournalError
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.transfer import TransferError, exchange_from_line


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option(
    "--to", "target", required=True, metavar="JOURNAL|URL", help="Journal file (made if need be) or running server."
)
@control_token_option
def import_(file: Path, target: str, control_token: str | None) -> None:
    """Put exported exchanges (export --what exchanges) on record, all or none. Those that are there stay as they are.

    \b
    Examples:
      mock-intake import recording.ndjson.gz --to events.db
      mock-intake import recording.ndjson --to http://127.0.0.1:8580
    """
    try:
        with click.open_file(str(file), "rb") as stream:
            data = stream.read()
        if data.startswith(GZIP_MAGIC):
            data = gzip.decompress(data)
    except (OSError, EOFError) as error:
        raise click.UsageError(f"{file}: {error}") from error
    if not data.strip():
        raise click.UsageError(f"There are no exchanges in {file}.")
    try:
        imported, known = _to_server(data, target, control_token) if is_url(target) else _to_file(data, Path(target))
    except (ControlError, JournalError, TransferError) as error:
        raise click.UsageError(str(error)) from error
    echo(f"{imported} exchanges imported, {known} were there already")


def _to_server(data: bytes, url: str, token: str | None) -> tuple[int, int]:
    with Client(url, token=token, timeout=300) as client:
        answer = client.import_(data)
    return int(answer["imported"]), int(answer["known"])


def _to_file(data: bytes, file: Path) -> tuple[int, int]:
    taken: dict[str, Exchange] = {}
    known = 0
    journal = SqliteJournal(file)
    try:
        for number, line in enumerate(data.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                exchange = exchange_from_line(line)
            except TransferError as error:
                raise TransferError(f"line {number}: {error}; nothing was imported.") from error
            if exchange.id in taken or journal.exchange(exchange.id) is not None:
                known += 1
            else:
                taken[exchange.id] = exchange
        journal.append(list(taken.values()))
    finally:
        journal.close()
    return len(taken), known
