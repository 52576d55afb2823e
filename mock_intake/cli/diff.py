"""``mock-intake diff``: two recordings side by side, before and after an upgrade of a producer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.options import judging_config, judging_options, output_options
from mock_intake.cli.sources import UnusableError, checked_outputs, control_token_option, recorded_events, written
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.report.difference import Profile, compared, profile
from mock_intake.report.formats import Kind, of_file, rendered

_LOSSES, _CHANGES, _NEVER = "loss", "change", "never"


@click.command(cls=Command, short_help="What came, went or changed between two recordings?", page="how-to/diff")
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@output_options(Kind.DIFFERENCE)
@click.option(
    "--fail-on",
    type=click.Choice([_LOSSES, _CHANGES, _NEVER]),
    default=_LOSSES,
    show_default=True,
    help="Exit with 1 on a loss, or on any change.",
)
@control_token_option
@judging_options
def diff(
    before: str,
    after: str,
    output_format: str,
    outputs: tuple[Path, ...],
    fail_on: str,
    control_token: str | None,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
) -> None:
    """Tell what came, went or changed from one recording to another, by job and type of event.

    Compared are events, datasets, facets with their versions and fields, and findings: not values, which differ from
    run to run. A recording is a file or directory of events or exchanges, a journal file, or a server's URL. Both are
    judged by the same rules. A loss is what went, what not all events have any more, and a finding that came, or got
    worse, of the level warning or above.

    \b
    Examples:
      mock-intake diff before.ndjson after.ndjson
      mock-intake diff recordings/airflow-2 recordings/airflow-3 -o diff.html -o diff.md
      mock-intake diff released.db http://127.0.0.1:8580 --fail-on change --format json

    \b
    Exit codes:
      0  no loss (or, with --fail-on change, no change)
      1  something was lost (or changed)
      2  a recording that cannot be read, or has no events
    """
    checked_outputs(Kind.DIFFERENCE, outputs, (before, after))
    config, library = judging_config(config_file, facets, ignore, select)

    def profile_of(source: str) -> Profile:
        with Check(Judge(library, config.selection)) as check:
            made = profile(source, recorded_events(source, control_token), check)
        if not made.events:
            raise UnusableError(f"There are no events in {source}.")
        return made

    difference = compared(profile_of(before), profile_of(after))
    for piece in rendered(Kind.DIFFERENCE, output_format, difference):
        echo(piece, end="")
    for file in outputs:
        with written(file) as stream:
            for piece in rendered(Kind.DIFFERENCE, of_file(Kind.DIFFERENCE, file).name, difference):
                stream.write(piece.encode())
        echo(f"Report written to {file}", err=True)
    if fail_on != _NEVER and (difference.losses or (fail_on == _CHANGES and difference.changes)):
        sys.exit(1)
