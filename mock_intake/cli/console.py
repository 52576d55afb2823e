"""How commands print: colours on a terminal only, one look for findings everywhere."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TextIO

import click

from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Finding, Severity, Status
from mock_intake.report.escaping import clipped, shown
from mock_intake.secrets.presenting import presented

if TYPE_CHECKING:
    from mock_intake.report.finding_text import Style

# What a write is answered where there is no room, or where the device is broken.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
# Producers choose names, and a line is to be one.
_MOST_OF_A_NAME = 200
_COLOURS = {"ok": "green", "info": "cyan", "warning": "yellow", "error": "red"}


def coloured(text: str, colour: str, **style: bool) -> str:
    """``text`` in a ``colour``; click takes it out where the output is no terminal. NO_COLOR has it stay plain."""
    return text if _no_colour() else click.style(text, fg=colour, **style)


@cache
def _no_colour() -> bool:
    return bool(os.environ.get("NO_COLOR"))


def level(word: Severity | Status) -> str:
    """A severity or a status in its colour."""
    return coloured(str(word), _COLOURS[str(word)])


@cache
def status_mark(word: Status) -> str:
    """A status in capitals, of one width, in its colour."""
    return coloured(f"{word.upper():7}", _COLOURS[str(word)], bold=True)


def finding_style() -> Style:
    """How findings are written on standard output: in colours and wrapped on a terminal, as they are elsewhere."""
    # Every command imports this module, and few write findings.
    from mock_intake.report.finding_text import Style

    return Style(_painted, width=shutil.get_terminal_size().columns if sys.stdout.isatty() else None)


def _painted(what: str, word: str) -> str:
    return coloured(word, "white", bold=True) if what == "code" else coloured(word, _COLOURS[what])


def codes(findings: Collection[Finding]) -> str:
    """The codes of ``findings``, each once, the worst first, with how often where it is more than once."""
    if not findings:
        return ""
    counted: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        counted.setdefault((-finding.severity.rank, finding.code), []).append(finding)
    words = []
    for (_, code), same in sorted(counted.items()):
        times = f"x{len(same)}" if len(same) > 1 else ""
        words.append(coloured(code + times, _COLOURS[str(same[0].severity)]))
    return " ".join(words)


def exchange_line(exchange: Exchange) -> str:
    """One readable line for ``exchange``: an event, or a refused request."""
    fault = f" fault {exchange.fault}" if exchange.fault else ""
    at = _time_of_day(int(exchange.received_at.timestamp()))
    event = exchange.event
    if not exchange.accepted or event is None:
        request = exchange.request
        what = clipped(f"{request.method} {request.path}".strip() or "no HTTP", _MOST_OF_A_NAME)
        worst = max(exchange.findings, key=lambda finding: finding.severity.rank, default=None)
        reason = worst.message if worst and not exchange.fault else ""
        status = coloured(f"{exchange.response.status_code or 'none':<7}", "red", bold=True)
        reason = clipped(reason, 2 * _MOST_OF_A_NAME)
        return f"{at} {status} {shown(what)}{fault}  {codes(exchange.findings)}  {shown(reason)}".rstrip()
    job = _job_words(event.job_namespace, event.job_name) if event.job_name else ""
    if event.dataset is not None:
        job = shown(clipped(" ".join(map(presented, event.dataset)), _MOST_OF_A_NAME))
    kind = f"{shown(clipped(event.event_type or event.kind or 'no event', _MOST_OF_A_NAME)):9}"
    run = shown(clipped(f"run {presented(event.run_id)}", _MOST_OF_A_NAME)) if event.run_id else ""
    words = [at, status_mark(event.status), kind, job, run, codes(exchange.findings)]
    return " ".join([word for word in words if word]) + fault


def _job_words(namespace: str | None, name: str) -> str:
    """What a line says of a job. A server says the same of each of its events."""
    usual = len(namespace or "") + len(name) <= _MOST_OF_A_NAME
    return _remembered_job_words(namespace, name) if usual else _words_of_job(namespace, name)


def _words_of_job(namespace: str | None, name: str) -> str:
    return shown(clipped(f"{presented(namespace or 'None')}/{presented(name)}", _MOST_OF_A_NAME))


_remembered_job_words = lru_cache(maxsize=1024)(_words_of_job)


@lru_cache(maxsize=4)
def _time_of_day(seconds: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


@contextmanager
def for_whoever_reads() -> Iterator[None]:
    """Nothing within fails because nobody reads what is printed: the terminal may be gone, or the far end of a pipe."""
    try:
        yield
    except OSError:
        for stream in (sys.stdout, sys.stderr):
            _emptied(stream)


def to_nowhere(stream: TextIO) -> None:
    """Has all that is printed on ``stream``, one of the process's, and all that waits in it, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class OutputError(click.ClickException):
    """What is printed finds no room, as a file on a disk that is full: what was asked for is not all there."""

    exit_code = 2

    def __init__(self, error: OSError) -> None:
        super().__init__(f"Nothing more can be printed: {error.strerror or error}.")


def echo(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Prints a line, or with another ``end`` a piece of text, whatever the terminal's encoding can or cannot show.

    A reader who has seen enough (``| head``) ends nothing but the printing: exit codes and files are as they would be.
    Raises ``OutputError`` where standard output cannot be written; of standard error nobody can be told.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding) + end, err=err, nl=False)
    except OSError as error:
        to_nowhere(stream)
        if not err and not isinstance(error, BrokenPipeError):
            raise OutputError(error) from error


def open_standard_streams() -> None:
    """Has input, output and errors of the process lead nowhere where it was begun without: what is asked of them works.

    As shells have it by ``>&-``, and some supervisors.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The first number that is free: that of the stream, so that no file of ours is taken for it.
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - as long as the process


@contextmanager
def output_errors() -> Iterator[None]:
    """Within, what others print (help, tables, errors of usage) raises ``OutputError`` too, as ``echo`` does."""
    try:
        yield
    except OSError as error:
        # A stream has no name.
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        for stream in (sys.stdout, sys.stderr):
            _emptied(stream)
        raise OutputError(error) from error


def _emptied(stream: TextIO) -> None:
    """What could not be printed is still in there. Python tries it again when it ends, and has that decide on the exit
    code: 120, whatever was asked for.
    """
    try:
        stream.flush()
    except OSError:
        to_nowhere(stream)
