"""What ``certify`` and ``conformance`` have in common: options, progress on a terminal, reports in files."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mock_intake.cli.console import echo
from mock_intake.cli.options import Number, grace_option, option_group, output_options
from mock_intake.cli.signals import ENDING, received
from mock_intake.model.words import counted
from mock_intake.producers.paths import Addresses
from mock_intake.report.formats import DEFAULT, Kind, of_file, rendered

if TYPE_CHECKING:
    from mock_intake.report.suite import ProducerReport, SuiteReport
    from mock_intake_conformance.observation import Observation
    from mock_intake_conformance.producer import Producer
    from mock_intake_conformance.suite import Plan, Progress

F = TypeVar("F", bound=Callable[..., Any])


class Unjudged(click.ClickException):
    """Nothing could be judged, or told, for a reason outside the producer: exit code 2."""

    exit_code = 2


def suite_options(*, jobs: str, time_limit: float) -> Callable[[F], F]:
    """The options that both commands have. ``jobs`` says in words how many run at once by default."""

    return option_group(
        output_options(Kind.SUITE),
        click.option(
            "--only", multiple=True, metavar="CASE", help="Only cases that begin so, or match a pattern with *."
        ),
        click.option(
            "--time-limit",
            type=Number(1, 3600),
            default=time_limit,
            show_default=True,
            help="Seconds that one run may take.",
        ),
        click.option("--jobs", type=click.IntRange(1, 64), help=f"How many scenarios run at once.  [default: {jobs}]"),
        click.option(
            "--slow", is_flag=True, help="Also run what can take more than a minute (an intake that never answers)."
        ),
        grace_option,
        click.option("--list", "listing", is_flag=True, help="List the cases, and run nothing."),
        click.option("--dry-run", is_flag=True, help="Show what would be run, and run nothing."),
    )


def chosen(only: tuple[str, ...], slow: bool, jobs: int, time_limit: float) -> Plan:
    """The plan that the options ask for; exits with 2 where they select nothing."""
    from mock_intake_conformance.suite import Plan, SelectionError, select

    try:
        return Plan(select(only), jobs, time_limit, slow)
    except SelectionError as error:
        raise click.UsageError(f"--only: {error}") from error


def checked(outputs: Sequence[Path]) -> None:
    """Exits with 2 where a report could not be written: better before the suite has run than after."""
    from mock_intake.cli.sources import checked_outputs

    checked_outputs(Kind.SUITE, outputs)


def list_cases(plan: Plan) -> None:
    for case in plan.cases:
        requirement = case.requirement
        echo(f"{requirement.id:36} {requirement.level:6} {requirement.title}")


def list_scenarios(plan: Plan, producers: Sequence[Producer]) -> None:
    """What would be run, and on which producers."""
    from mock_intake_conformance.suite import scenarios_for

    for producer in producers:
        scenarios = scenarios_for(producer, plan)
        echo(f"{producer.name} (path {producer.path}), {counted(len(scenarios), 'scenario')}, {plan.jobs} at once:")
        for scenario in scenarios:
            command = " ".join(producer.command_for(scenario))
            echo(f"  {scenario.id:16} {scenario.title}\n{'':19}{command}")


def settings_lines(producer: Producer) -> list[str]:
    """What becomes of the producer's settings, in lines, as it would be led if it ran where it is."""
    from mock_intake.producers.environment import lines_of, producer_environment
    from mock_intake.report.escaping import shown

    nowhere = "http://127.0.0.1:1"
    where = Addresses(nowhere, "", nowhere, nowhere, ("127.0.0.1", 1), Path("ca.pem"))
    directory = producer.directory or Path.cwd()
    led = producer_environment(producer.path, where, producer.surroundings(directory), directory)
    return [shown(line) for line in lines_of(led.changes)]


def run_suite(plan: Plan, producers: Sequence[Producer], grace: float) -> list[ProducerReport]:
    """Runs the suite, with progress on a terminal. Ctrl-C and SIGTERM end it, and all that it has started.

    What runs gets ``grace`` seconds to end; a second signal ends it at once.
    """
    from mock_intake.server.http.tls import TlsError
    from mock_intake.server.runner import ServerError
    from mock_intake_conformance.process import InterruptedRunError
    from mock_intake_conformance.suite import Suite

    numbers: list[int] = []
    with _progress() as progress:
        suite = Suite(plan, progress, grace)

        def end(number: int) -> None:
            numbers.append(number)
            suite.stop()

        try:
            with received(dict.fromkeys(ENDING, end)):
                return suite.run(producers)
        except InterruptedRunError:
            echo("Interrupted: nothing was judged.", err=True)
            sys.exit(128 + numbers[0])
        except (ServerError, TlsError) as error:
            raise click.UsageError(str(error)) from error
        except OSError as error:
            raise Unjudged(str(error)) from error


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
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
                console.print(f"{producer.name}: {counted(scenarios, 'scenario')} ...")

        def done(producer: Producer, _observation: Observation) -> None:
            bars.advance(tasks[producer.name])

        yield Progress(begun, done)


def write(report: SuiteReport, output_format: str, outputs: Sequence[Path]) -> None:
    """The report on standard output, and in files. Exits with 2 where one cannot be written."""
    from mock_intake.cli.sources import written
    from mock_intake.report.suite_terminal import print_report

    if output_format == DEFAULT and sys.stdout.isatty():
        print_report(report)
    else:
        with written(None) as stream:
            for piece in rendered(Kind.SUITE, output_format, report):
                stream.write(piece.encode())
    # What was found out is on standard output by now, whatever becomes of the files.
    failures: list[click.ClickException] = []
    for output in outputs:
        try:
            with written(output) as stream:
                for piece in rendered(Kind.SUITE, of_file(Kind.SUITE, output).name, report):
                    stream.write(piece.encode())
            echo(f"Report written to {output}", err=True)
        except click.ClickException as error:
            failures.append(error)
    for failure in failures[:-1]:
        failure.show()
    if failures:
        raise failures[-1]
