"""``mock-intake conformance``: the documented ways in through the suite, and what has changed since it was measured."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.report.formats import DEFAULT
from mock_intake_conformance.options import checked, chosen, list_cases, list_scenarios, run_suite, suite_options, write

_JOBS = 8
# Refused connections, requests that hang and bad certificates cost time and hardly any work: they are tried meanwhile.
_WAITING_BESIDE = 12
_CHANGED = 1


@click.command(
    cls=Command,
    short_help="What do the documented ways of sending make of a bad intake?",
    page="reference/conformance",
)
# For developers: it writes into the package.
@click.option("--update-matrix", is_flag=True, hidden=True, help="Ship what is measured now in place of what was.")
@suite_options(jobs=f"{_JOBS}, and {_WAITING_BESIDE} more that wait", time_limit=30)
def conformance(
    update_matrix: bool,
    output_format: str,
    outputs: tuple[Path, ...],
    only: tuple[str, ...],
    time_limit: float,
    jobs: int | None,
    slow: bool,
    grace: float,
    listing: bool,
    dry_run: bool,
) -> None:
    """Run the documented ways of sending through the suite, and compare with what was measured before.

    The ways are curl, the Python client with an HTTP transport and with a Datadog transport (made by hand, by the
    environment, on the asynchronous route) and the Agent. Each sends the documented run as the documentation does it.
    Their matrix, which failures of theirs are part of, is shipped: this tells whether a client has changed.

    \b
    Examples:
      mock-intake conformance
      mock-intake conformance --only resilience/5 -o report.html
      mock-intake conformance --list

    \b
    Exit codes:
      0  as measured
      1  something changed
      2  something that it needs is missing, nothing was selected, or a report cannot be written
    """
    from mock_intake.report.suite import SuiteReport
    from mock_intake_conformance.builtin import builtin_producers, missing
    from mock_intake_conformance.matrix import SHIPPED, MatrixError, client_version, measured, read_matrix

    plan = chosen(only, slow, jobs or _JOBS, time_limit)
    if jobs is None:
        plan = replace(plan, waiting_beside=_WAITING_BESIDE)
    if listing:
        list_cases(plan)
        return
    producers = builtin_producers()
    if dry_run:
        list_scenarios(plan, producers)
        return
    checked(outputs)
    if update_matrix and (only or slow):
        raise click.UsageError("--update-matrix measures all cases: leave out --only and --slow.")
    problem = missing()
    if problem is not None:
        raise click.UsageError(problem)
    reports = run_suite(plan, producers, grace)
    now = measured(reports)
    if update_matrix:
        SHIPPED.write_text(now.to_json(), encoding="utf-8")
        echo(f"Matrix written to {SHIPPED}", err=True)
    try:
        before = read_matrix()
    except MatrixError as error:
        raise click.UsageError(str(error)) from error
    changes = before.changes(now)
    summary = f"Measured with {client_version()}; compared with {before.client} of {before.measured}"
    notes = [f"{summary}: {'changed' if changes else 'as measured'}.", *changes]
    cases = [case.requirement for case in plan.cases]
    report = SuiteReport("The documented paths", datetime.now(UTC), cases, reports, notes, says_ready=False)
    write(report, output_format, outputs)
    if output_format != DEFAULT:
        echo(notes[0], err=True)
    if changes:
        sys.exit(_CHANGED)
