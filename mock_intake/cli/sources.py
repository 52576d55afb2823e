"""Where commands take recordings from and put them to: journal files, running servers, files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from mock_intake.cli.console import echo, to_nowhere
from mock_intake.cli.databases import is_database, opened_database
from mock_intake.cli.options import CONTROL_TOKEN
from mock_intake.files.exports import TransferError, event_to_line, exchange_from_line, is_exchange_line
from mock_intake.files.recordings import Recorded, RecordingError, files_in, read_file
from mock_intake.journal import Journal, JournalError, MemoryJournal, walk
from mock_intake.model.exchange import Exchange
from mock_intake.report.formats import Kind, UnknownSuffixError, of_file, rendered

if TYPE_CHECKING:
    from mock_intake.model.findings import Selection
    from mock_intake.views import Views

_BATCH = 500
# What the control API answers without its token, or with another one.
_NO_TOKEN = 401
_UNBOUNDED = 1 << 60
# A ready file has a few addresses in it, and is small beside this; a recording need not be read for it.
_LARGEST_READY_FILE = 1 << 16

control_token_option = click.option(
    "--control-token", envvar=CONTROL_TOKEN, help=f"Token of the server's control API [env: {CONTROL_TOKEN}]."
)


class UnusableError(click.ClickException):
    """What was asked for cannot be read, written or reached; the command line itself was fine."""

    exit_code = 2


class Source(NamedTuple):
    """An opened recording; ``dropped`` is what its server had let go before."""

    name: str
    journal: Journal
    dropped: int


def is_url(source: str) -> bool:
    """Whether a source is a server's address, and no file."""
    return source.startswith(("http://", "https://"))


def is_ready(content: object) -> bool:
    """Whether this is what stands in the file of ``serve --ready-file``, decoded."""
    return isinstance(content, dict) and {"url", "pid"} <= content.keys()


def server_of(source: str) -> str | None:
    """The URL of the server that ``source`` names, by itself or as a ready file; None for all else."""
    if is_url(source):
        return source
    file = Path(source)
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST_READY_FILE:
            return None
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):  # who opens it as a recording tells why that cannot be
        return None
    url = content["url"] if is_ready(content) else None
    return url if isinstance(url, str) and is_url(url) else None


@contextmanager
def unusable() -> Iterator[None]:
    """Exits with 2 and a clear word where a server, a journal or an export cannot be used."""
    # A command that is given files alone, as check is, does not wait for a library for HTTP.
    from mock_intake.client import ControlError

    try:
        yield
    except (ControlError, JournalError, TransferError) as error:
        needs_token = isinstance(error, ControlError) and error.status_code == _NO_TOKEN
        hint = f" Give it by --control-token, or by {CONTROL_TOKEN}." if needs_token else ""
        raise UnusableError(f"{error}{hint}") from error


@contextmanager
def opened(source: str, token: str | None, org: str | None = None) -> Iterator[Source]:
    """A journal, read beside whoever writes it, or all that a server has on record, named by its URL or its ready file.

    Exits with 2 on trouble.
    """
    with unusable():
        if (url := server_of(source)) is not None:
            journal, dropped = _fetched(url, token, org)
        else:
            journal = opened_file(source)
            dropped = journal.dropped
        try:
            # The address of a database may have a password in it.
            yield Source(journal.place or source, journal, dropped)
        finally:
            journal.close()


def opened_file(source: str) -> Journal:
    """A journal file, or one in a database, read beside whoever writes it. Raises ``JournalError``."""
    if is_database(source):
        return opened_database(source)
    if not Path(source).is_file():
        raise UnusableError(f"{source}: there is no such journal file (and it is no URL of a server).")
    if _looks_like_json(Path(source)):
        raise UnusableError(
            f"{source}: this is no journal; it looks like recorded events, which mock-intake check judges and "
            "mock-intake replay sends. (Exported exchanges become a journal by mock-intake import.)"
        )
    # Most commands read no journal.
    from mock_intake.journal.sqlite import SqliteJournal

    return SqliteJournal(Path(source), read_only=True)


def _looks_like_json(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(64).lstrip()[:1] in (b"{", b"[")
    except OSError:
        return False  # why it cannot be read is told by who opens it as a journal


def _fetched(url: str, token: str | None, org: str | None) -> tuple[Journal, int]:
    """All that a server has on record, and how much it has dropped by then."""
    journal = MemoryJournal(_UNBOUNDED, _UNBOUNDED)
    from mock_intake.client import Client

    with Client(url, token=token) as client:
        for line in client.export("exchanges", org=org):
            journal.append([exchange_from_line(line)])
        return journal, client.statistics()["dropped"]


def everything(journal: Journal, org: str | None = None) -> Iterator[Exchange]:
    """All exchanges of a journal, or of one org in it, oldest first."""
    for _, exchange in walk(journal):
        if org is None or exchange.org == org:
            yield exchange


def recorded_events(source: str, token: str | None = None) -> Iterator[Recorded]:
    """The accepted events of a recording, oldest first. Exits with 2 on trouble.

    It is lines of events or of exchanges in files and directories, a journal, or what a server has on record, which is
    named by its URL or its ready file.
    """
    if (url := server_of(source)) is not None:
        from mock_intake.client import Client

        with unusable(), Client(url, token=token) as client:
            for number, event in enumerate(client.export("events"), 1):
                yield Recorded(source, number, event)
        return
    path = Path(source)
    if is_database(source) or (path.is_file() and _is_journal(path)):
        with opened(source, None) as opened_source:
            for number, exchange in enumerate(everything(opened_source.journal), 1):
                if exchange.accepted and (line := event_to_line(exchange)) is not None:
                    yield Recorded(opened_source.name, number, line)
        return
    try:
        for file in files_in([path]):
            for recorded in read_file(file):
                if not is_exchange_line(recorded.body):
                    yield recorded
                    continue
                with unusable():
                    exchange = exchange_from_line(recorded.body)
                if exchange.accepted and (line := event_to_line(exchange)) is not None:
                    yield recorded._replace(body=line)
    except RecordingError as error:
        raise UnusableError(str(error)) from error


def _is_journal(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"


def checked_outputs(kind: Kind, outputs: Sequence[Path], sources: Iterable[str | Path] = ()) -> None:
    """Exits with 2 where a report on ``sources`` could not be written: better before there is one than after."""
    for output in outputs:
        try:
            output.is_file()  # a name that no file can have, as one that is too long, has an error of its own
            of_file(kind, output)
        except OSError as error:
            raise UnusableError(f"-o {output}: {error.strerror or error}.") from error
        except UnknownSuffixError as error:
            raise click.UsageError(f"-o {output}: {error}.") from error
        if not output.resolve().parent.is_dir():
            raise click.UsageError(f"-o {output}: there is no directory {output.parent}.")
    keep_sources(outputs, sources, "judged")


def keep_sources(outputs: Iterable[Path | None], sources: Iterable[str | Path], use: str) -> None:
    """Exits with 2 where an output is a file of the recordings that are ``use`` (as "judged"), whatever it is called.

    There may be no other copy of them.
    """
    there = [output for output in outputs if output is not None and output.is_file()]
    if not there:
        return
    for source in sources:
        if is_database(str(source)) or is_url(str(source)):
            continue
        try:
            files = files_in([Path(source)])
        except (RecordingError, OSError):  # who reads it tells why that cannot be
            continue
        for output in there:
            if any(file.samefile(output) for file in files):
                raise click.UsageError(f"-o {output} is the recording that is {use}; name another file.")


@contextmanager
def written(output: Path | None, *, private: bool = False) -> Iterator[BinaryIO]:
    """Standard output (also "-"), or a file that is put in its place once it is complete. Exits with 2 on trouble.

    What is ``private``, as bodies are that were received, is for its owner alone. The rest follows the umask.
    A reader of standard output who has seen enough (``| head``) ends the block, and nothing else.
    """
    if output is None or str(output) == "-":
        with _standard_output() as stream:
            yield stream
        return
    try:
        if output.exists() and not output.is_file():
            with output.open("wb") as stream:  # a device or a pipe: nothing can be put in its place
                yield stream
            return
        output = output.resolve()  # where a link leads, so that the link stays
        partial = output.with_name(output.name + ".partial")
        try:
            with _opened(partial, private=private) as stream:
                yield stream
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UnusableError(f"{output}: {error.strerror or error}") from error


def _opened(file: Path, *, private: bool) -> BinaryIO:
    if not private:
        return file.open("wb")
    file.unlink(missing_ok=True)  # which others may be able to read
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError as error:
        to_nowhere(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise UnusableError(f"standard output: {error.strerror or error}") from error


def write_reports(
    outputs: Sequence[Path], journal: Journal, views: Views, title: str, selection: Selection | None
) -> None:
    """Writes a report on all of a journal into each file, in the format of its suffix. Exits with 2 on trouble."""
    if not outputs:
        return
    # Most commands write none.
    from mock_intake.report.model import from_journal

    chosen = [(file, of_file(Kind.REPORT, file)) for file in outputs]
    made = from_journal(
        journal,
        views,
        title=title,
        selection=selection,
        with_lineage=any(form.draws_lineage for _, form in chosen),
        with_bodies=any(form.shows_bodies for _, form in chosen),
    )
    for file, form in chosen:
        with written(file) as stream:
            for piece in rendered(Kind.REPORT, form.name, made):
                stream.write(piece.encode())
        echo(f"Report written to {file}", err=True)
