"""``mock-intake check``: judges recorded events."""

from __future__ import annotations

import sqlite3
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from msgspec.structs import replace

from mock_intake.cli.baselines import baseline_level, baseline_options, keep_baseline, opened_baseline
from mock_intake.cli.command import Command
from mock_intake.cli.console import echo, finding_style
from mock_intake.cli.options import judging_config, judging_options, output_options
from mock_intake.cli.sources import checked_outputs, written
from mock_intake.files.blocks import Block, blocks_of_file, blocks_of_stream
from mock_intake.files.recordings import Advance, RecordingError, files_in
from mock_intake.files.spooled import Spooled
from mock_intake.judging.closing import ClosedRun
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check, Checked
from mock_intake.model.findings import Severity
from mock_intake.report.baseline import (
    FINDINGS_HEAD,
    Acceptance,
    failing_places,
    read_findings_baseline,
    stale_words,
)
from mock_intake.report.check_report import CheckReport, OverAll
from mock_intake.report.formats import Kind, of_file, rendered
from mock_intake.system.collector import rare_collections
from mock_intake.system.processors import can_fork, processors

STANDARD_INPUT = "-"
NEVER = "never"


@click.command(cls=Command, short_help="Judge recorded events.", page="how-to/check-recordings")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="FILE...|-")
@output_options(Kind.CHECK)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in reversed(Severity)), NEVER]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with 1 if there is a finding of this level or above.",
)
@click.option("--places", default=3, show_default=True, type=click.IntRange(1), help="Places to show of each finding.")
@click.option("-v", "--verbose", is_flag=True, help="Show findings of the level info too.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=processors,
    show_default="one for each processor",
    help="How many processes judge what is large (Linux).",
)
@baseline_options("findings")
@judging_options
def check(
    files: tuple[Path, ...],
    output_format: str,
    outputs: tuple[Path, ...],
    fail_on: str,
    places: int,
    verbose: bool,
    jobs: int,
    baseline_file: Path | None,
    write_baseline: bool,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
) -> None:
    """Judge recorded events: NDJSON, a JSON array, single events, directories of such files; plain or gzip.

    \b
    Examples:
      mock-intake check events.ndjson
      mock-intake check build/ --fail-on warning
      zcat events.gz | mock-intake check - --format sarif > findings.sarif
      mock-intake check events.ndjson -o findings.sarif -o report.html
      mock-intake check events.ndjson --baseline accepted.toml --write-baseline

    \b
    Exit codes:
      0  no finding at or above --fail-on, but for what the baseline accepts
      1  findings at or above --fail-on
      2  input that cannot be read, or no events in it
    """
    checked_outputs(Kind.CHECK, outputs, files)
    config, library = judging_config(config_file, facets, ignore, select)
    baseline = opened_baseline(baseline_file, write=write_baseline, read=read_findings_baseline)
    acceptance = None if baseline is None else Acceptance(baseline)
    shown_from = Severity.INFO if verbose else Severity.WARNING
    try:
        # Before anything is written: a report may lie in a directory that is judged.
        recordings = files_in([file for file in files if str(file) != STANDARD_INPUT])
        expected = sum(file.stat().st_size for file in recordings if file.is_file())
        checking = Check(Judge(library, config.selection), jobs=jobs if can_fork() else 1, expected=expected)
        with (
            rare_collections(),
            checking,
            _blocks(recordings, checking, with_input=STANDARD_INPUT in map(str, files)) as blocks,
            ExitStack() as kept,
        ):
            results: Iterable[Checked] = checking.check_blocks(blocks)
            over_all = OverAll(kept=False)
            if outputs or write_baseline:
                # Gone through once for each output, and held in memory for none, however much it is.
                results = kept.enter_context(Spooled(results, Checked))
                over_all = OverAll(runs=kept.enter_context(Spooled(checking.closed_runs(), ClosedRun)))
            report = CheckReport(checking, iter(results), places, shown_from, finding_style(), acceptance, over_all)
            if acceptance is not None and write_baseline:
                failing = failing_places(report.places(), baseline_level(fail_on))
                # What is said is what will be from now on, as in other reports.
                acceptance = Acceptance(acceptance.updated(failing))
                report = replace(report, results=iter(results), acceptance=acceptance)
            for piece in rendered(Kind.CHECK, output_format, report):
                echo(piece, end="")
            for file in outputs:
                _write(report.again(results), file)
    except RecordingError as error:
        raise click.UsageError(str(error)) from error
    except sqlite3.Error as error:
        raise click.UsageError(f"Temporary files: {error}: set TMPDIR to where there is room.") from error
    if not checking.events:
        raise click.UsageError(f"There are no events in {', '.join(map(str, files))}; nothing was judged.")
    for file in recordings:
        if str(file) not in checking.sources:
            echo(f"note: {file} has no events", err=True)
    if acceptance is not None and baseline_file is not None and write_baseline:
        keep_baseline(baseline_file, acceptance.baseline, FINDINGS_HEAD, "finding")
        return
    if acceptance is not None:
        for entry in acceptance.stale:
            echo(f"note: {stale_words(acceptance.baseline, entry)}", err=True)
    counted = checking.severities - (acceptance.severities if acceptance else Counter())
    if fail_on != NEVER and any(severity.rank >= Severity(fail_on).rank for severity in counted):
        sys.exit(1)


def _write(report: CheckReport, file: Path) -> None:
    """Writes a report in the format of the file's suffix."""
    with written(file) as stream:
        for piece in rendered(Kind.CHECK, of_file(Kind.CHECK, file).name, report):
            stream.write(piece.encode())
    echo(f"Report written to {file}", err=True)


@contextmanager
def _blocks(found: list[Path], checking: Check, *, with_input: bool) -> Iterator[Iterable[Block]]:
    """The blocks of all files, with a progress bar where standard error is a terminal, which goes on to the end."""
    if with_input:
        yield _chain(found, lambda _: None, sys.stdin.buffer)
    elif not sys.stderr.isatty():
        yield _chain(found, lambda _: None)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            events = progress.add_task("judging events", total=sum(file.stat().st_size for file in found))
            runs = progress.add_task("closing runs", total=None)
            checking.closed = lambda number, of: progress.update(runs, completed=number, total=of)
            yield _chain(found, lambda size: progress.advance(events, size))


def _chain(files: list[Path], advance: Advance, stream: BinaryIO | None = None) -> Iterator[Block]:
    for file in files:
        yield from blocks_of_file(file, advance)
    if stream is not None:
        try:
            yield from blocks_of_stream(stream, "<stdin>")
        except (OSError, EOFError, zlib.error) as error:
            raise RecordingError(f"standard input: {error}") from error
