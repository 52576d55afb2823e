"""``mock-intake demo``: the documented ways of sending, for real, and what the intake makes of each."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click

from mock_intake.cli.command import Command
from mock_intake.cli.signals import ENDING, received
from mock_intake.cli.sources import written
from mock_intake.model.findings import Severity
from mock_intake.model.words import counted
from mock_intake.system.parents import ending_with_us
from mock_intake.system.temporary import temporary_directory

if TYPE_CHECKING:
    from rich.console import Console

    from mock_intake import IntakeServer
    from mock_intake.model.exchange import Exchange

PRODUCERS = Path(__file__).parent / "producers"
# As the vendor prints them.
DOCUMENTED = Path(__file__).parent / "documented"
EVENTS_FILE = "events.ndjson"
_TIMEOUT = 60.0
# What programs get of the environment: nothing that could turn their events elsewhere.
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
# What the product would do with what has which status.
_OUTCOMES = {
    "ok": "that Datadog would process",
    "warning": "that it would show less of",
    "error": "that it would not process",
    "refused": "that the intake refused",
}
_STYLES = {"ok": "green", "info": "cyan", "warning": "yellow", "error": "bold red", "refused": "bold red"}

# What the documented example lacks, to be put into "job".
JOB_TYPE = {
    "_producer": "https://github.com/you/your-job",
    "_schemaURL": "https://openlineage.io/spec/facets/2-0-4/JobTypeJobFacet.json",
    "processingType": "BATCH",
    "integration": "CUSTOM",
    "jobType": "JOB",
}


@dataclass(frozen=True)
class SendingPath:
    """A path by which events are sent: a program, and the events that are to arrive, each with its status.

    ``environment`` is set for the program that the client's own variables configure.
    """

    name: str
    program: str
    expected: tuple[tuple[str, str], ...]
    documented: bool = False
    environment: bool = False
    key: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True)
class Row:
    """An event that arrived, or a request that was refused: one line of the table."""

    path: SendingPath
    event: str
    answer: int
    status: str
    exchange: Exchange
    attempts: int = 1


def sending_paths() -> list[SendingPath]:
    """All paths of the demo, each with a key of its own, so that what arrives can be told apart."""
    unprocessed = (("START", "error"),)
    return [
        SendingPath("curl", "curl.sh", unprocessed, documented=True),
        SendingPath("HTTP transport", "http_transport.py", unprocessed, documented=True),
        SendingPath("Datadog transport, object", "datadog_transport.py", unprocessed, documented=True),
        SendingPath("Datadog transport, env", "datadog_environment.py", unprocessed, documented=True, environment=True),
        SendingPath("Datadog transport, async", "async_route.py", (("START", "ok"), ("COMPLETE", "ok"))),
        SendingPath("full run", "full_run.py", (("START", "ok"), ("RUNNING", "ok"), ("COMPLETE", "ok"))),
        SendingPath("failed run", "failed_run.py", (("START", "ok"), ("FAIL", "ok"))),
    ]


class Unusable(click.ClickException):
    """The demo cannot run here; the message says what to do."""

    exit_code = 2


@click.command(
    cls=Command,
    epilog="Exit codes: 0 everything arrived as expected, 1 something did not, 2 something that it needs is missing.",
    short_help="Send by every documented way, and see what becomes of it.",
    page="tutorial",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build"),
    show_default=True,
    help=f"Directory for {EVENTS_FILE}; made if need be.",
)
@click.option(
    "--documented",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of programs to run in place of the documented ones, of the same names.",
)
def demo(out: Path, documented: Path | None) -> None:
    """Send events in every documented way to an intake of its own, and show what becomes of them.

    Starts an intake on a free port of the loopback address and runs real producers against it: curl, the
    OpenLineage Python client with an HTTP transport and with a Datadog transport, a full run and a failed one.
    Nothing leaves this machine.

    \b
    Examples:
      mock-intake demo
      mock-intake demo --out /tmp/demo
      mock-intake demo --documented my-programs
    """
    from rich.console import Console

    from mock_intake import IntakeServer

    chosen = sending_paths()
    documented = documented or DOCUMENTED
    _check_requirements(chosen, documented)
    events_file = _writable(out)
    console = Console(highlight=False, markup=False)
    with IntakeServer() as server:
        url = server.url
        problems = _run_all(chosen, documented, server)
        rows = [row for path in chosen for row in _rows(path, server)]
    for path in chosen:
        problems[path] += _differences(path, [row for row in rows if row.path is path])
    _write(events_file, rows)

    _print_outcome(console, chosen, rows)
    console.print(f"Sent to an intake at {url}, by real producers, each path with a key of its own:")
    _print_table(console, rows)
    _print_explanation(console, rows)
    _print_lesson(console, rows)
    written = sum(1 for row in rows if row.exchange.accepted)
    console.print(f"\nThe {counted(written, 'event')}, in the order of the table: {events_file}", soft_wrap=True)
    console.print(f"Next: mock-intake check {events_file}\n      mock-intake rules DD101", soft_wrap=True)
    if any(problems.values()):
        _report(problems)
        raise click.exceptions.Exit(1)


def _check_requirements(chosen: Sequence[SendingPath], documented: Path) -> None:
    missing = [path.program for path in chosen if path.documented and not (documented / path.program).is_file()]
    if missing:
        raise Unusable(
            f"No {', '.join(missing)} in {documented}. Name a directory that has them all with --documented DIR, "
            "or leave the option out."
        )
    for command in ("bash", "curl"):
        if shutil.which(command) is None:
            raise Unusable(
                f"{command} is not installed, or not on PATH; the documented request is sent with it. "
                f"Install it with the system's package manager (Debian: apt-get install {command})."
            )
    if find_spec("openlineage") is None:
        raise Unusable(
            "The OpenLineage Python client is not installed. Install it: pip install 'mock-intake[openlineage]'"
        )


def _writable(out: Path) -> Path:
    file = out / EVENTS_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise Unusable(f"Cannot write {file}: {error.strerror or error}. Name another directory with --out.") from error
    return file


def _run_all(chosen: Sequence[SendingPath], documented: Path, server: IntakeServer) -> dict[SendingPath, list[str]]:
    """Runs all programs side by side; for each path what went wrong with its program."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    problems: dict[SendingPath, list[str]] = {}
    if not console.is_terminal:
        console.print(f"Running {len(chosen)} producers; this takes a few seconds ...")
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with (
        temporary_directory() as place,
        _Programs() as programs,
        ThreadPoolExecutor(len(chosen)) as pool,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("Running producers", total=len(chosen))
        empty = place / "home"
        empty.mkdir()
        running = {pool.submit(_run, path, documented, server.url, empty, programs): path for path in chosen}
        for finished in as_completed(running):
            problems[running[finished]] = finished.result()
            progress.advance(task)
    return problems


class _Programs:
    """The programs under way. A signal that ends us ends them, with all that they have started; then so do we."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._signal: int | None = None
        self._receiving = received(dict.fromkeys(ENDING, self._end))

    def __enter__(self) -> _Programs:
        self._receiving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._receiving.__exit__(kind, error, traceback)
        if self._signal is not None:
            click.echo("Interrupted.", err=True)
            sys.exit(128 + self._signal)

    def add(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.add(process)
            if self._signal is not None:
                _kill(process)

    def remove(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process)

    def _end(self, number: int) -> None:
        with self._lock:
            self._signal = number
            for process in self._running:
                _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _run(path: SendingPath, documented: Path, url: str, home: Path, programs: _Programs) -> list[str]:
    """Runs one program, in an empty home and working directory; says what went wrong."""
    program = (documented if path.documented else PRODUCERS) / path.program
    command = ["bash", "-e"] if program.suffix == ".sh" else [sys.executable]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["HOME"] = str(home)
    if path.environment:
        environment |= {"DD_API_KEY": path.key, "DD_SITE": url, "OPENLINEAGE__TRANSPORT__TYPE": "datadog"}
    else:
        environment |= {"MOCK_INTAKE_URL": url, "MOCK_INTAKE_KEY": path.key}
    process = subprocess.Popen(
        [*command, str(program.resolve())],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that a shell and its curl can be ended together
        preexec_fn=ending_with_us(),
    )
    programs.add(process)
    try:
        output, _ = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.communicate()
        return [f"{path.program} did not end within {_TIMEOUT:.0f} s and was stopped"]
    finally:
        programs.remove(process)
    if process.returncode == 0:
        return []
    last = [line.replace(path.key, "****") for line in output.strip().splitlines()[-3:]]
    return ["\n    ".join([f"{path.program} ended with exit code {process.returncode}:", *last])]


def _rows(path: SendingPath, server: IntakeServer) -> Iterator[Row]:
    """What arrived with the path's key, in order of arrival, each event once."""
    from mock_intake.journal import ExchangeFilter, newest_exchanges
    from mock_intake.secrets.api_keys import org_of

    exchanges = [*newest_exchanges(server.journal, ExchangeFilter(org=org_of(path.key)))]
    rows: dict[str, Row] = {}
    for exchange in reversed(exchanges):
        event, answer = exchange.event, exchange.response.status_code
        if event is None or not exchange.accepted:
            rows[exchange.id] = Row(path, (event and event.event_type) or "?", answer, "refused", exchange)
        elif seen := rows.get(event.id):
            rows[event.id] = Row(path, seen.event, answer, seen.status, exchange, seen.attempts + 1)
        else:
            rows[event.id] = Row(path, event.event_type or event.kind or "?", answer, str(event.status), exchange)
    yield from rows.values()


def _differences(path: SendingPath, rows: Sequence[Row]) -> list[str]:
    arrived = tuple((row.event, row.status) for row in rows)
    if arrived == path.expected:
        return []
    return [f"expected {_listed(path.expected)}; arrived: {_listed(arrived)}"]


def _listed(events: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{event} ({status})" for event, status in events) or "nothing"


def _write(file: Path, rows: Sequence[Row]) -> None:
    """One compact JSON event a line; what was refused is no event, and is left out."""
    from mock_intake.body.decoding import decode
    from mock_intake.body.parsing import dumps, parse
    from mock_intake.model.exchange import header

    with written(file) as stream:
        for row in rows:
            if row.exchange.accepted:
                request = row.exchange.request
                body = decode(request.body, header(request.headers, "content-encoding"), sys.maxsize)
                stream.write(dumps(parse(body).value) + b"\n")


def _print_outcome(console: Console, chosen: Sequence[SendingPath], rows: Sequence[Row]) -> None:
    """What was shown, in a few lines: they stand where a reader begins."""
    counts = {status: sum(row.status == status for row in rows) for status in _OUTCOMES}
    parts = [f"{count} {words}" for status, words in _OUTCOMES.items() if (count := counts[status])]
    codes = sorted({each.code for row in rows for each in row.exchange.findings if each.severity is Severity.ERROR})
    why = f" ({', '.join(codes)})" if codes else ""
    console.print(
        f"{len(chosen)} ways of sending, {len(rows)} events: {', '.join(parts)}{why}.", style="bold", soft_wrap=False
    )
    console.print()


def _print_table(console: Console, rows: Sequence[Row]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("path", "event", "answer", "status", "why"):
        table.add_column(title, no_wrap=title != "why")
    before: SendingPath | None = None
    for row in rows:
        findings = sorted(row.exchange.findings, key=lambda finding: (-finding.severity.rank, finding.code))
        codes = dict.fromkeys((finding.code, _STYLES[str(finding.severity)]) for finding in findings)
        table.add_row(
            "" if row.path is before else row.path.name,
            row.event if row.attempts == 1 else f"{row.event} x{row.attempts}",
            str(row.answer),
            Text(row.status, style=_STYLES[row.status]),
            Text(" ").join(Text(code, style=style) for code, style in codes),
        )
        before = row.path
    console.print(table)


def _print_explanation(console: Console, rows: Sequence[Row]) -> None:
    """The codes of the table in words, the worst first."""
    from rich.table import Table
    from rich.text import Text

    from mock_intake.judging.catalogue import RULES

    findings = {finding.code: finding.severity for row in rows for finding in row.exchange.findings}
    if not findings:
        return
    grid = Table.grid(padding=(0, 2))
    for code, severity in sorted(findings.items(), key=lambda item: (-item[1].rank, item[0])):
        grid.add_row(code, Text(str(severity), style=_STYLES[str(severity)]), RULES[code].requirement)
    console.print("\nWhat these codes ask for, which the events above do not give:")
    console.print(grid)


def _print_lesson(console: Console, rows: Sequence[Row]) -> None:
    """What users of the documented example do not know, said where it was just seen."""
    unprocessed = [row for row in rows if row.path.documented and "DD101" in {f.code for f in row.exchange.findings}]
    if not unprocessed:
        return
    answers = " and ".join(sorted({str(row.answer) for row in unprocessed}))
    console.print(
        f"\nThe short documented example is answered with {answers}, and would still not be processed: its job has no "
        "jobType facet, which Datadog documents as required for run events. Since events can be accepted over HTTP and "
        "be rejected later, the producer does not learn it from the answer. Add the facet to every event of the run, "
        "as JSON or in Python (from openlineage.client.facet_v2 import job_type_job):\n"
    )
    fields = json.dumps(JOB_TYPE, indent=2).removeprefix("{")
    console.print(f'"job": {{..., "facets": {{"jobType": {{{fields}}}}}', soft_wrap=True)
    in_python = 'job.facets["jobType"] = job_type_job.JobTypeJobFacet("BATCH", "CUSTOM", "JOB")'
    console.print(f"\n{in_python}", soft_wrap=True)


def _report(problems: dict[SendingPath, list[str]]) -> None:
    click.echo("\nNot everything arrived as expected:", err=True)
    for path, found in problems.items():
        for problem in found:
            click.echo(f"  {path.name}: {problem}", err=True)
