"""``--baseline``: what was accepted, for the commands that judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mock_intake.cli.console import echo
from mock_intake.cli.options import option_group
from mock_intake.cli.sources import UnusableError
from mock_intake.model.findings import Severity
from mock_intake.model.words import counted

if TYPE_CHECKING:
    from mock_intake.report.baseline import Baseline

F = TypeVar("F", bound=Callable[..., Any])


def baseline_options(accepted: str) -> Callable[[F], F]:
    """``--baseline`` and ``--write-baseline``; ``accepted`` says in words what the file holds."""
    return option_group(
        click.option(
            "--baseline",
            "baseline_file",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help=f"A file of {accepted} that were accepted: they do not count.",
        ),
        click.option(
            "--write-baseline",
            "--update-baseline",
            "write_baseline",
            is_flag=True,
            help="Write into the baseline what fails now, and take out what does no more.",
        ),
    )


def opened_baseline(file: Path | None, *, write: bool, read: Callable[[Path], Baseline]) -> Baseline | None:
    """The baseline that the options name, None where they name none; one to be written may be a new one.

    Exits with 2 where it cannot be read, or could not be written in the end.
    """
    from mock_intake.report.baseline import Baseline, BaselineError

    if file is None:
        if write:
            raise click.UsageError("--write-baseline needs --baseline FILE.")
        return None
    if write and not file.resolve().parent.is_dir():
        raise click.UsageError(f"--baseline {file}: there is no directory {file.parent}.")
    if write and not file.exists():
        return Baseline(file.name)
    try:
        return read(file)
    except BaselineError as error:
        raise click.UsageError(str(error)) from error


def keep_baseline(file: Path, baseline: Baseline, head: str, what: str) -> None:
    """Writes a baseline, and says so. Exits with 2 where it cannot be written."""
    from mock_intake.report.baseline import BaselineError, write_baseline

    try:
        write_baseline(file, baseline, head)
    except BaselineError as error:
        raise UnusableError(str(error)) from error
    echo(f"{counted(len(baseline.accepted), f'accepted {what}')} written to {file}", err=True)


def baseline_level(fail_on: str) -> Severity:
    """From which severity on findings are accepted: what fails; warnings and errors where nothing does."""
    return Severity.WARNING if fail_on == "never" else Severity(fail_on)
