"""``mock-intake report``: what was received and what was made of it, for people and for CI."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mock_intake.cli.console import echo
from mock_intake.cli.options import judging_config, judging_options
from mock_intake.cli.sources import control_token_option, opened, written
from mock_intake.findings import Severity
from mock_intake.report.model import from_journal
from mock_intake.report.renderers import DRAWING, RENDERERS
from mock_intake.views import Views

_BY_SUFFIX = {".json": "json", ".xml": "junit", ".md": "markdown", ".html": "html", ".txt": "text"}


@click.command()
@click.argument("source", metavar="JOURNAL|URL")
@click.option("--format", "output_format", type=click.Choice(list(RENDERERS)), help="By the suffix of -o, else text.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there, not to standard output."
)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in reversed(Severity)), "never"]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with 1 on a finding of this level or above.",
)
@click.option("--org", help="Only what belongs to this org.")
@control_token_option
@judging_options
def report(
    source: str,
    output_format: str | None,
    output: Path | None,
    fail_on: str,
    org: str | None,
    control_token: str | None,
    config_file: Path | None,
    facets: Path | None,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
) -> None:
    """Report on what a journal file or a running server has on record, taken as finished.

    Events were judged when they were received; --select and --ignore choose among what was found then. A report
    over no events is a failure, whatever --fail-on says.

    \b
    Examples:
      mock-intake report events.db
      mock-intake report http://127.0.0.1:8580 -o report.html
      mock-intake report events.db --format junit --fail-on warning > report.xml

    \b
    Exit codes:
      0  no finding at or above --fail-on
      1  findings at or above --fail-on, or no events at all
      2  the source cannot be read, or the report cannot be written
    """
    config, _ = judging_config(config_file, facets, ignore, select)
    chosen = output_format or _format_of(output)
    with opened(source, control_token, org) as recording:
        views = Views(recording.journal, config.selection)
        made = from_journal(
            recording.journal,
            views,
            org,
            f"mock-intake report on {source}",
            config.selection,
            with_lineage=chosen in DRAWING,
        )
    if recording.dropped and not any("Retention" in note for note in made.notes):
        note = f"Retention had dropped {recording.dropped} exchanges: this report does not cover them."
        made = made.with_note(note)
    with written(output) as stream:
        stream.write(RENDERERS[chosen](made).encode())
    if output is not None:
        echo(f"Report written to {output}", err=True)
    if not made.events or (fail_on != "never" and made.failed(Severity(fail_on))):
        sys.exit(1)


def _format_of(output: Path | None) -> str:
    """The format that a file's suffix asks for; text for standard output, and where there is no suffix."""
    if output is None or not output.suffix:
        return "text"
    if output.suffix.lower() not in _BY_SUFFIX:
        raise click.UsageError(f"-o {output}: the suffix is one of {', '.join(_BY_SUFFIX)}, unless --format says it.")
    return _BY_SUFFIX[output.suffix.lower()]
