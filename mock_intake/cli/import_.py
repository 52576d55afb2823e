"""``mock-intake import``: puts exported exchanges on record again."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from pathlib import Path

import click

from mock_intake.body.decoding import GZIP_MAGIC
from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.databases import is_database
from mock_intake.cli.sources import UnusableError, control_token_option, server_of, unusable
from mock_intake.client import Client
from mock_intake.files.imports import Import
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.words import counted

_TIMEOUT = 300.0


@click.command("import", cls=Command, short_help="Put exported exchanges on record.", page="how-to/recordings")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option(
    "--to",
    "target",
    required=True,
    metavar="JOURNAL|URL|READY-FILE",
    help="Journal file (made if need be) or running server.",
)
@control_token_option
def import_(file: Path, target: str, control_token: str | None) -> None:
    """Put exported exchanges (export --what exchanges) on record, all or none. Those that are there stay as they are.

    \b
    Examples:
      mock-intake import recording.ndjson.gz --to events.db
      mock-intake import recording.ndjson --to http://127.0.0.1:8580

    \b
    Exit codes:
      0  all of them are on record
      2  none was put there: the file, the journal or the server cannot be used
    """
    data = _read(file)
    if not data.strip():
        raise UnusableError(f"There are no exchanges in {file}.")
    if is_database(target):
        raise UnusableError("A journal in PostgreSQL is imported to by a server on it: --to http://...")
    url = server_of(target)
    with unusable():
        imported, known = _to_server(data, url, control_token) if url else _to_file(data, Path(target))
    echo(f"{counted(imported, 'exchange')} imported, {known} were there already")


def _read(file: Path) -> bytes:
    try:
        with click.open_file(str(file), "rb") as stream:
            data: bytes = stream.read()
        return gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def _to_server(data: bytes, url: str, token: str | None) -> tuple[int, int]:
    with Client(url, token=token, timeout=_TIMEOUT) as client:
        answer = client.import_(data)
    return answer["imported"], answer["known"]


def _to_file(data: bytes, file: Path) -> tuple[int, int]:
    # Before there is a file: a broken line leaves none behind.
    Import(BytesIO(data), lambda _: False)
    journal = SqliteJournal(file)
    try:
        arrived = Import(BytesIO(data), lambda identity: journal.exchange(identity) is not None, journal.event)
        journal.append([exchange for part in arrived.parts() for exchange in part])
    finally:
        journal.close()
    return arrived.new, arrived.known
