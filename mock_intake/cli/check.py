"""``mock-intake check``: judges recorded events."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from mock_intake.checking import Check, Checked, run_results_to_dicts
from mock_intake.cli.console import coloured, counted, echo, level
from mock_intake.cli.options import judging_config, judging_options
from mock_intake.findings import Severity
from mock_intake.judgement import Judge
from mock_intake.recordings import Advance, Recorded, RecordingError, files_in, read_file, read_stream
from mock_intake.report.escaping import shown
from mock_intake.report.places import Group, Groups, Place
from mock_intake.report.sarif import sarif
from mock_intake.transfer import is_exchange_line

STANDARD_INPUT = "-"
NEVER = "never"


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="FILE...|-")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in reversed(Severity)), NEVER]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with 1 if there is a finding of this level or above.",
)
@click.option("--places", default=3, show_default=True, type=click.IntRange(1), help="Places to show of each rule.")
@click.option("-v", "--verbose", is_flag=True, help="Show findings of the level info too.")
@judging_options
def check(
    files: tuple[Path, ...],
    output: str,
    fail_on: str,
    places: int,
    verbose: bool,
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

    \b
    Exit codes:
      0  no finding at or above --fail-on
      1  findings at or above --fail-on
      2  input that cannot be read, or no events in it
    """
    config, library = judging_config(config_file, facets, ignore, select)
    checking = Check(Judge(library, config.selection))
    try:
        with _recorded(files) as recorded:
            results = checking.check(recorded)
            if output == "json":
                _print_json(checking, results)
            elif output == "sarif":
                _print_sarif(checking, results)
            else:
                _print_text(checking, results, places, Severity.INFO if verbose else Severity.WARNING)
    except RecordingError as error:
        raise click.UsageError(str(error)) from error
    if not checking.events:
        raise click.UsageError(f"There are no events in {', '.join(map(str, files))}; nothing was judged.")
    if fail_on != NEVER and any(
        count for severity, count in checking.severities.items() if severity.rank >= Severity(fail_on).rank
    ):
        sys.exit(1)


@contextmanager
def _recorded(files: tuple[Path, ...]) -> Iterator[Iterable[Recorded]]:
    """The recorded events of all files, with a progress bar where standard error is a terminal."""
    with_input = [file for file in files if str(file) == STANDARD_INPUT]
    found = files_in([file for file in files if str(file) != STANDARD_INPUT])
    if with_input:
        yield _chain(found, lambda _: None, sys.stdin.buffer)
    elif not sys.stderr.isatty():
        yield _chain(found, lambda _: None)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("judging"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("judging", total=sum(file.stat().st_size for file in found))
            yield _chain(found, lambda size: progress.advance(task, size))


def _chain(files: list[Path], advance: Advance, stream: BinaryIO | None = None) -> Iterator[Recorded]:
    for file in files:
        yield from _events_alone(read_file(file, advance))
    if stream is not None:
        try:
            yield from _events_alone(read_stream(stream, "<stdin>"))
        except (OSError, EOFError) as error:
            raise RecordingError(f"standard input: {error}") from error


def _events_alone(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    for one in recorded:
        if is_exchange_line(one.body):
            raise RecordingError(
                f"{one.source}: line {one.line} is a whole exchange, with the request and what was found in it. Export "
                "the events alone (mock-intake export --what events), or import it and use mock-intake report."
            )
        yield one


def _print_json(checking: Check, results: Iterator[Checked]) -> None:
    """The whole result as one object, the events written as they are judged."""
    echo('{"events": [')
    separator = ""
    for result in results:
        click.echo(separator + json.dumps(result.to_dict()), nl=False)
        separator = ",\n"
    rest = {
        "runs": run_results_to_dicts(checking.run_results()),
        "findings": [finding.to_dict() for finding in checking.dataset_findings()],
        "summary": checking.summary(),
    }
    echo("\n], " + json.dumps(rest).removeprefix("{"))


def _over_all(checking: Check) -> Iterator[Place]:
    for run, findings in checking.run_results():
        yield from (Place(finding, f"run {run.run_id}") for finding in findings)
    yield from (Place(finding, None) for finding in checking.dataset_findings())


def _print_sarif(checking: Check, results: Iterator[Checked]) -> None:
    places = [Place(finding, result.source, result.line) for result in results for finding in result.findings]
    places += _over_all(checking)
    echo(json.dumps(sarif(places), indent=2))


def _print_text(checking: Check, results: Iterator[Checked], most_places: int, shown: Severity) -> None:
    groups = Groups(most_places)
    for result in results:
        groups.extend(Place(finding, result.source, result.line) for finding in result.findings)
    over_all = list(_over_all(checking))
    groups.extend(over_all)
    if not checking.events:
        return
    for group in groups.at_or_above(shown):
        echo(_group_text(group))
        echo("")
    hidden = groups.below(shown)
    echo(_summary_text(checking, over_all) + (f" ({hidden} of the level info not shown: -v)" if hidden else ""))


def _group_text(group: Group) -> str:
    finding = group.first
    times = f", {group.count:,} times" if group.count > 1 else ""
    lines = [f"{coloured(finding.code, 'white', bold=True)} {level(finding.severity)}{times}"]
    told: set[tuple[str | None, str | None]] = set()
    for place in group.places:
        lines += _place_lines(place, told)
    if group.count > len(group.places):
        lines.append(f"  ... and {group.count - len(group.places):,} more")
    lines.append(f"  advice: {shown(finding.advice)}")
    lines.append(f"  source: {finding.source} ({finding.sureness})")
    return "\n".join(lines)


def _place_lines(place: Place, told: set[tuple[str | None, str | None]]) -> list[str]:
    finding = place.finding
    where = f"{place}" + (f" at {shown(finding.pointer)}" if finding.pointer else "")
    lines = [f"  {where}: {shown(finding.message)}" if where else f"  {shown(finding.message)}"]
    if (finding.expected, finding.actual) in told:
        return lines
    told.add((finding.expected, finding.actual))
    if finding.expected:
        lines.append(f"      expected {shown(finding.expected)}")
    if finding.actual:
        lines.append(f"      actual   {shown(finding.actual)}")
    return lines


def _summary_text(checking: Check, over_all: Collection[Place]) -> str:
    summary = checking.summary()
    counts = ", ".join(f"{summary[word]:,} {word}" for word in ("ok", "warning", "error"))
    plural = "" if checking.events == 1 else "s"
    # They are of no event, so they change no status.
    more = sum(place.finding.severity is not Severity.INFO for place in over_all)
    told = f"; {counted(more, 'finding')} on runs and datasets" if more else ""
    return f"{checking.events:,} event{plural}: {counts}{told}"
