"""``mock-intake certify``: is this producer ready to go live, or not, and why."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_intake.cli.baselines import baseline_options, keep_baseline, opened_baseline
from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.options import check_isolated, guard_of_settings, isolation_options
from mock_intake.producers.isolation import Kind, Reach
from mock_intake.producers.paths import PATHS
from mock_intake.report.formats import DEFAULT
from mock_intake_conformance.options import (
    checked,
    chosen,
    list_cases,
    list_scenarios,
    run_suite,
    settings_lines,
    suite_options,
    write,
)

if TYPE_CHECKING:
    from mock_intake_conformance.atlas.model import RealProducer
    from mock_intake_conformance.scenarios import Path as SendingPath

_JOBS_WITH_COPIES = 4
_NOT_READY, _NOT_JUDGED = 1, 2
_NO_NAME = re.compile(
    r"-|\w+=|\d[\d.]*[smhd]?$|(env|timeout|nice|nohup|time|uv|poetry|pipenv|run|python|node|bash|sh|ruby|perl)[\d.]*$"
)


@click.command(
    cls=Command,
    context_settings={"allow_interspersed_args": False},
    short_help="Is this producer ready to go live, and if not, why?",
    page="how-to/certify",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@click.option(
    "--path", type=click.Choice(list(PATHS)), default="datadog", show_default=True, help="The way in, as below."
)
@click.option(
    "--producer",
    "recipe",
    metavar="NAME",
    help="It is one of those that `mock-intake atlas` lists: set what that one reads, and cite the atlas.",
)
@click.option("--failing", metavar="CMD", help="A command of the producer's whose job fails, in one argument.")
@click.option("--name", help="What the report calls the producer.  [default: the command's name]")
@click.option(
    "--copy",
    "copied",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Run in a fresh copy of this directory each time, so that scenarios can run side by side.",
)
@click.option(
    "--debug-env",
    multiple=True,
    metavar="NAME=VALUE",
    help="What turns on the producer's debug logging, beside LOG_LEVEL and others.",
)
@isolation_options
@baseline_options("deviations")
@suite_options(jobs=f"{_JOBS_WITH_COPIES} with --copy, else 1", time_limit=60)
def certify(
    command: tuple[str, ...],
    path: SendingPath,
    recipe: str | None,
    failing: str | None,
    name: str | None,
    copied: Path | None,
    isolate: Kind | None,
    reach: tuple[Reach, ...],
    debug_env: tuple[str, ...],
    baseline_file: Path | None,
    write_baseline: bool,
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
    """Run a producer through what production will do to it, and say whether it is ready to go live.

    The command runs once per scenario, each time against an intake of its own that is healthy, slow, down, broken or an
    impostor. What would lead it elsewhere is replaced (variables, the transport in openlineage.yml or of Airflow's),
    what switches lineage off is taken out, and all else that it reads is kept, so that what is judged is what goes
    live; each is said. {url} and {key} in its arguments are filled in, and stand in MOCK_INTAKE_URL and
    MOCK_INTAKE_KEY. Ready means that no case failed that MUST pass, and that each had something to be judged by.

    \b
    Paths, and what they set:
      http       OPENLINEAGE_URL, OPENLINEAGE_API_KEY, and for Java OPENLINEAGE__TRANSPORT__*
      datadog    OPENLINEAGE__TRANSPORT__TYPE, DD_API_KEY, DD_SITE (a URL)
      async      as datadog, and OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES
      agent      OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT (no key: the Agent has it)
      proxy      as datadog with the real site, HTTPS_PROXY and CA variables
      intercept  as datadog with the real site, caught inside the Python process
      custom     nothing: the command takes {url} and {key}, or MOCK_INTAKE_URL and MOCK_INTAKE_KEY

    \b
    Examples:
      mock-intake certify -- python my_job.py
      mock-intake certify --failing "python my_job.py --break" -o report.html -- python my_job.py
      mock-intake certify --path custom -- ./send.sh --url {url} --key {key}
      mock-intake certify --only resilience --only 'security/tls-*' -- python my_job.py
      mock-intake certify --baseline accepted.toml --copy . -- python my_job.py
      mock-intake certify --producer dbt -- dbt-ol run
      mock-intake certify --isolate --reach db.internal:5432 -- ./job.sh

    \b
    Exit codes:
      0  ready to go live, or ready as far as asked (without --failing or --slow, or with --only)
      1  not ready: a case failed that MUST pass, and is not in the baseline
      2  could not be judged: the command cannot be run or never ends, --only selects nothing, -o cannot be written
    """
    from mock_intake.report.suite import SuiteReport
    from mock_intake_conformance.atlas.recipes import notes_on
    from mock_intake_conformance.atlas.shipped import read_atlas
    from mock_intake_conformance.baseline import HEAD, apply, read_baseline, stale, updated
    from mock_intake_conformance.cases import CASES
    from mock_intake_conformance.producer import Producer, no_copy
    from mock_intake_conformance.suite import could_not_be_run, undecided

    plan = chosen(only, slow, jobs or (_JOBS_WITH_COPIES if copied else 1), time_limit)
    if listing:
        list_cases(plan)
        return
    if not command:
        raise click.UsageError("Which command? mock-intake certify [OPTIONS] -- CMD [ARG]...")
    checked(outputs)
    check_isolated(reach, isolate)
    if copied is not None and (problem := no_copy(copied)) is not None:
        raise click.UsageError(f"--copy {copied}: {problem}")
    baseline = opened_baseline(
        baseline_file, write=write_baseline, read=lambda file: read_baseline(file, frozenset(case.id for case in CASES))
    )
    real = None if recipe is None else _real_producer(recipe)
    if real is not None and _is_default("path"):
        path = real.path
    if real is not None and _is_default("time_limit"):
        plan = replace(plan, time_limit=max(plan.time_limit, real.time_limit))
    producer = Producer(
        name or name_of(command),
        path,
        command,
        _words(failing),
        directory=copied or Path.cwd(),
        copied=copied is not None,
        debug_environment=_pairs(debug_env),
        isolated=isolate,
        reach=reach,
        leads=real.leads if real is not None and path == real.path else {},
        guard=guard_of_settings(),
    )
    settings = settings_lines(producer)
    for line in settings:
        echo(line, err=True)
    if dry_run:
        list_scenarios(plan, [producer])
        return
    (report,) = run_suite(plan, [producer], grace)
    problem = could_not_be_run([report])
    if problem is not None:
        echo(f"mock-intake certify: {problem}", err=True)
        sys.exit(_NOT_JUDGED)
    notes = settings
    if real is not None and real.name in (known := read_atlas()):
        notes = [*settings, *notes_on(report, real.name, known)]
    if baseline is not None:
        if write_baseline and baseline_file is not None:
            baseline = updated(baseline, report)
            keep_baseline(baseline_file, baseline, HEAD, "deviation")
        report = apply(baseline, report)
        passing = stale(baseline, report)
        notes += [f"{baseline.name} accepts {entry}, which passes: take the line out." for entry in passing]
    title = f"Is {producer.name} ready to go live?"
    cases = [case.requirement for case in plan.cases]
    write(SuiteReport(title, datetime.now(UTC), cases, [report], notes, left_out=plan.left_out), output_format, outputs)
    if output_format != DEFAULT:
        for note in notes:
            echo(note, err=True)
    if undecided(report):
        echo("Could not be judged: see why above.", err=True)
        sys.exit(_NOT_JUDGED)
    if not report.ready:
        sys.exit(_NOT_READY)


def _real_producer(name: str) -> RealProducer:
    from mock_intake_conformance.atlas.catalogue import producer_of, real_producers

    if (known := producer_of(name)) is None:
        there = ", ".join(real_producers())
        raise click.UsageError(f"--producer: there is no {name!r} in the atlas. There are: {there}.")
    return known


def _is_default(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.DEFAULT


def name_of(command: tuple[str, ...]) -> str:
    """The program's name; behind interpreters, launchers, options and variables that of the script or module."""
    names: list[str] = []
    for part in command:
        # What follows is a program, and no name; to a shell, -e is no such option.
        if part == "-c" or (part == "-e" and not {"sh", "bash"} & set(names)):
            break
        names.append(Path(part).name)
    named = [name for name in names if name and not _NO_NAME.match(name)]
    programs = [name for name in names if name and not re.match(r"-|\w+=|\d", name)]
    return (named or programs[-1:] or [command[0]])[0]


def _words(command: str | None) -> list[str] | None:
    if command is None:
        return None
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise click.UsageError(f"--failing: {error}.") from error
    if not words:
        raise click.UsageError("--failing: the command is empty.")
    return words


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise click.UsageError(f"--debug-env takes NAME=VALUE, not {each!r}.")
        pairs[name] = value
    return pairs
