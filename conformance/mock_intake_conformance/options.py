"""What ``certify`` and ``conformance`` have in common: options, progress on a terminal, reports in files."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mock_intake.cli.console import echo

if TYPE_CHECKING:
    from mock_intake.report.suite import ProducerReport, SuiteReport
    from mock_intake_conformance.observation import Observation
    from mock_intake_conformance.producer import Producer
    from mock_intake_conformance.suite import Plan, Progress

FORMATS = ("text", "json", "junit", "markdown", "html")
_BY_SUFFIX = {".json": "json", ".xml": "junit", ".md": "markdown", ".html": "html", ".txt": "text"}
F = TypeVar("F", bound=Callable[..., Any])


class Unjudged(click.ClickException):
    """Nothing could be judged, or told, for a reason outside the producer: exit code 2."""

    exit_code = 2


def suite_options(*, jobs: str, time_limit: float) -> Callable[[F], F]:
    """The options that both commands have. ``jobs`` says in words how many run at once by default."""

    def decorate(command: F) -> F:
        for option in (
            click.option("--dry-run", is_flag=True, help="Show what would be run, and run nothing."),
            click.option("--list", "listing", is_flag=True, help="List the cases, and run nothing."),
            click.option(
                "--slow", is_flag=True, help="Also run what can take more than a minute (an intake that never answers)."
            ),
            click.option(
                "--jobs", type=click.IntRange(1, 64), help=f"How many scenarios run at once.  [default: {jobs}]"
            ),
            click.option(
                "--time-limit",
                type=click.FloatRange(1, 3600),
                default=time_limit,
                show_default=True,
                help="Seconds that one run may take.",
            ),
            click.option(
                "--only", multiple=True, metavar="CASE", help="Only cases that begin so, or match a pattern with *."
            ),
            click.option(
                "-o",
                "--output",
                "outputs",
                multiple=True,
                type=click.Path(dir_okay=False, path_type=Path),
                help="Write a report there too, in the form that the suffix says (.html, .json, .xml, .md, .txt).",
            ),
            click.option(
                "--format",
                "output_format",
                type=click.Choice(FORMATS),
                default="text",
                show_default=True,
                help="Form of the report on standard output.",
            ),
        ):
            command = option(command)
        return command

    return decorate


def chosen(only: tuple[str, ...], slow: bool, jobs: int, time_limit: float) -> Plan:
    """The plan that the options ask for; exits with 2 where they select nothing."""
    from mock_intake_conformance.suite import Plan, SelectionError, select

    try:
        return Plan(select(only), jobs, time_limit, slow)
    except SelectionError as error:
        raise click.UsageError(f"--only: {error}") from error


def checked(outputs: Sequence[Path]) -> None:
    """Exits with 2 where a report could not be written: better before the suite has run than after."""
    for output in outputs:
        if output.suffix.lower() not in _BY_SUFFIX:
            raise click.UsageError(f"-o {output}: the suffix is one of {', '.join(_BY_SUFFIX)}.")
        if not output.resolve().parent.is_dir():
            raise click.UsageError(f"-o {output}: there is no directory {output.parent}.")


def list_cases(plan: Plan) -> None:
    for case in plan.cases:
        requirement = case.requirement
        echo(f"{requirement.id:36} {requirement.level:6} {requirement.title}")


def list_scenarios(plan: Plan, producers: Sequence[Producer]) -> None:
    """What would be run, and on which producers."""
    from mock_intake_conformance.suite import scenarios_for

    for producer in producers:
        scenarios = scenarios_for(producer, plan)
        echo(f"{producer.name} (path {producer.path}), {len(scenarios)} scenarios, {plan.jobs} at once:")
        for scenario in scenarios:
            command = " ".join(producer.command_for(scenario))
            echo(f"  {scenario.id:16} {scenario.title}\n{'':19}{command}")


def run_suite(plan: Plan, producers: Sequence[Producer]) -> list[ProducerReport]:
    """Runs the suite, with progress on a terminal. Ctrl-C and SIGTERM end it, and all that it has started."""
    from mock_intake.server.runner import ServerError
    from mock_intake.server.tls import TlsError
    from mock_intake_conformance.process import InterruptedRunError
    from mock_intake_conformance.suite import Suite

    with _told() as progress:
        suite = Suite(plan, progress)
        try:
            with _ending(suite.stop) as received:
                return suite.run(producers)
        except InterruptedRunError:
            echo("Interrupted: nothing was judged.", err=True)
            sys.exit(128 + received[0])
        except (ServerError, TlsError) as error:
            raise click.UsageError(str(error)) from error
        except OSError as error:
            raise Unjudged(str(error)) from error


@contextlib.contextmanager
def _ending(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Signals that end programs call ``stop`` in place of ending this one at once; those received are listed."""
    received: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        stop()

    before = {
        number: signal.signal(number, end)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _told() -> Iterator[Progress]:
    """Progress: a bar for each producer on a terminal; else a line at the beginning, so that waiting has a reason."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    from mock_intake_conformance.suite import Progress

    console = Console(stderr=True, highlight=False, markup=False)
    tasks: dict[str, Any] = {}
    with Bars(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    ) as bars:  # fmt: skip

        def begun(producer: Producer, scenarios: int) -> None:
            tasks[producer.name] = bars.add_task(producer.name, total=scenarios)
            if not console.is_terminal:
                console.print(f"{producer.name}: {scenarios} scenarios ...")

        def done(producer: Producer, _observation: Observation) -> None:
            bars.advance(tasks[producer.name])

        yield Progress(begun, done)


def write(report: SuiteReport, output_format: str, outputs: Sequence[Path]) -> None:
    """The report on standard output, and in files. Exits with 2 where one cannot be written."""
    from mock_intake.cli.sources import written
    from mock_intake.report.suite_renderers import RENDERERS
    from mock_intake.report.suite_terminal import print_report

    if output_format == "text" and sys.stdout.isatty():
        print_report(report)
    else:
        with written(None) as stream:
            stream.write(RENDERERS[output_format](report).encode())
    # What was found out is on standard output by now, whatever becomes of the files.
    failures: list[click.ClickException] = []
    for output in outputs:
        try:
            with written(output) as stream:
                stream.write(RENDERERS[_BY_SUFFIX[output.suffix.lower()]](report).encode())
            echo(f"Report written to {output}", err=True)
        except click.ClickException as error:
            failures.append(error)
    for failure in failures[:-1]:
        failure.show()
    if failures:
        raise failures[-1]
