"""``mock-intake report``: what was received and what was made of it, for people and for CI."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mock_intake.cli.baselines import baseline_level, baseline_options, keep_baseline, opened_baseline
from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.options import judging_config, judging_options, output_options
from mock_intake.cli.sources import checked_outputs, control_token_option, opened, written
from mock_intake.model.findings import Severity, at_or_above
from mock_intake.model.words import counted
from mock_intake.report.baseline import (
    FINDINGS_HEAD,
    Acceptance,
    Baseline,
    failing_places,
    read_findings_baseline,
    with_baseline,
)
from mock_intake.report.formats import Format, Kind, formats, of_file, rendered
from mock_intake.report.model import Report, from_journal, places_in
from mock_intake.views import Views

_FORMATS = formats(Kind.REPORT)


@click.command(cls=Command, short_help="Report on what a journal or a server has on record.", page="reference/report")
@click.argument("source", metavar="JOURNAL|URL|READY-FILE")
@output_options(Kind.REPORT)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in reversed(Severity)), "never"]),
    default=Severity.ERROR.value,
    show_default=True,
    help="Exit with 1 on a finding of this level or above.",
)
@click.option("--org", help="Only what belongs to this org.")
@control_token_option
@baseline_options("findings")
@judging_options
def report(
    source: str,
    output_format: str,
    outputs: tuple[Path, ...],
    fail_on: str,
    org: str | None,
    control_token: str | None,
    baseline_file: Path | None,
    write_baseline: bool,
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
      mock-intake report http://127.0.0.1:8580 -o report.html -o report.xml
      mock-intake report events.db --format junit --fail-on warning > report.xml
      mock-intake report events.db --baseline accepted.toml

    \b
    Exit codes:
      0  no finding at or above --fail-on, but for what the baseline accepts
      1  findings at or above --fail-on, or no events at all
      2  the source cannot be read, or the report cannot be written
    """
    config, _ = judging_config(config_file, facets, ignore, select)
    baseline = opened_baseline(baseline_file, write=write_baseline, read=read_findings_baseline)
    checked_outputs(Kind.REPORT, outputs, [source])
    wanted: list[tuple[Path | None, Format]] = [(None, _FORMATS[output_format])]
    wanted += [(file, of_file(Kind.REPORT, file)) for file in outputs]
    with opened(source, control_token, org) as recording:
        views = Views(recording.journal, config.selection)
        made = from_journal(
            recording.journal,
            views,
            org,
            f"mock-intake report on {source}",
            config.selection,
            with_lineage=any(chosen.draws_lineage for _, chosen in wanted),
            with_bodies=any(chosen.shows_bodies for _, chosen in wanted),
        )
    if recording.dropped and not any("Retention" in note for note in made.notes):
        note = f"Retention had dropped {counted(recording.dropped, 'exchange')}, which this report does not cover."
        made = made.with_note(note)
    if baseline is not None:
        made = _accepting(made, baseline, baseline_file if write_baseline else None, baseline_level(fail_on))
    for output, chosen in wanted:
        with written(output) as stream:
            for piece in rendered(Kind.REPORT, chosen.name, made):
                stream.write(piece.encode())
        if output is not None:
            echo(f"Report written to {output}", err=True)
    why, failed = _why(made, fail_on)
    echo(why, err=True)
    if failed:
        sys.exit(1)


def _why(report: Report, fail_on: str) -> tuple[str, bool]:
    """Why the exit code is 0 or 1, in a line, and whether it is 1."""
    if not report.events:
        return "Exit code 1: no event was received, so nothing was judged.", True
    events = counted(len(report.events), "event")
    if fail_on == "never":
        return f"Exit code 0: --fail-on never, whatever was found in {events}.", False
    above = "" if fail_on == Severity.ERROR else " or above"
    found = at_or_above(report.findings, Severity(fail_on))
    if not found:
        return f"Exit code 0: no finding of level {fail_on}{above} in {events}.", False
    codes = ", ".join(sorted({finding.code for finding in found}))
    return f"Exit code 1: {counted(len(found), 'finding')} of level {fail_on}{above} ({codes}).", True


def _accepting(report: Report, baseline: Baseline, file: Path | None, level: Severity) -> Report:
    """The report with what the baseline accepts; with a file, all that fails is accepted first, and written there."""
    acceptance = Acceptance(baseline)
    made = with_baseline(report, acceptance)
    if file is None:
        return made
    updated = acceptance.updated(failing_places(places_in(made), level))
    keep_baseline(file, updated, FINDINGS_HEAD, "finding")
    return with_baseline(report, Acceptance(updated))
