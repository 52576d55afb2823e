"""``mock-intake certify``: is this producer ready to go live, or not, and why."""

from __future__ import annotations

import re
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_intake.cli.console import echo
from mock_intake_conformance.options import (
    Unjudged,
    checked,
    chosen,
    list_cases,
    list_scenarios,
    run_suite,
    suite_options,
    write,
)

if TYPE_CHECKING:
    from mock_intake_conformance.baseline import Baseline
    from mock_intake_conformance.scenarios import Path as SendingPath

PATHS = ("http", "datadog", "async", "agent", "intercept", "custom")
# Of the others, one is caught whatever it is set to, and one is told in a way of its own.
_TOLD_BY_VARIABLES = ("http", "datadog", "async", "agent")
_JOBS_WITH_COPIES = 4
_NOT_READY, _NOT_JUDGED = 1, 2
_NO_NAME = re.compile(
    r"-|\w+=|\d[\d.]*[smhd]?$|(env|timeout|nice|nohup|time|uv|poetry|pipenv|run|python|node|bash|sh|ruby|perl)[\d.]*$"
)


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@click.option("--path", type=click.Choice(PATHS), default="datadog", show_default=True, help="The way in, as below.")
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
@click.option(
    "--baseline",
    "baseline_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of deviations that were accepted: their failures do not count.",
)
@click.option(
    "--update-baseline", is_flag=True, help="Write into the baseline what fails now, and take out what passes."
)
@suite_options(jobs=f"{_JOBS_WITH_COPIES} with --copy, else 1", time_limit=60)
def certify(
    command: tuple[str, ...],
    path: SendingPath,
    failing: str | None,
    name: str | None,
    copied: Path | None,
    debug_env: tuple[str, ...],
    baseline_file: Path | None,
    update_baseline: bool,
    output_format: str,
    outputs: tuple[Path, ...],
    only: tuple[str, ...],
    time_limit: float,
    jobs: int | None,
    slow: bool,
    listing: bool,
    dry_run: bool,
) -> None:
    """Run a producer through what production will do to it, and say whether it is ready to go live.

    The command runs once per scenario, each time against an intake of its own that is well, slow, down, broken or an
    impostor. Variables that would lead it elsewhere (OPENLINEAGE*, DD_*, proxies) are taken out of its environment,
    and those of the path are set. {url} and {key} in its arguments are filled in, and stand in MOCK_INTAKE_URL and
    MOCK_INTAKE_KEY. Ready means that no case failed that MUST pass.

    \b
    Paths, and what they set:
      http       OPENLINEAGE_URL, OPENLINEAGE_API_KEY
      datadog    OPENLINEAGE__TRANSPORT__TYPE, DD_API_KEY, DD_SITE (a URL)
      async      as datadog, and OPENLINEAGE__TRANSPORT__ASYNC_TRANSPORT_RULES
      agent      OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT (no key: the Agent has it)
      intercept  as datadog with the real site, caught inside the Python process
      custom     nothing: the command takes {url} and {key}, or MOCK_INTAKE_URL and MOCK_INTAKE_KEY

    \b
    Examples:
      mock-intake certify -- python my_job.py
      mock-intake certify --failing "python my_job.py --break" -o report.html -- python my_job.py
      mock-intake certify --path custom -- ./send.sh --url {url} --key {key}
      mock-intake certify --only resilience --only 'security/tls-*' -- python my_job.py
      mock-intake certify --baseline accepted.toml --copy . -- python my_job.py

    \b
    Exit codes:
      0  ready to go live; with --only, no selected case failed that MUST pass
      1  not ready: a case failed that MUST pass, and is not in the baseline
      2  could not be judged: the command cannot be run or never ends, --only selects nothing, -o cannot be written
    """
    from mock_intake.report.suite import SuiteReport
    from mock_intake_conformance.producer import Producer, no_copy, settings_file
    from mock_intake_conformance.suite import could_not_be_run, required_and_skipped, undecided

    plan = chosen(only, slow, jobs or (_JOBS_WITH_COPIES if copied else 1), time_limit)
    if listing:
        list_cases(plan)
        return
    if not command:
        raise click.UsageError("Which command? mock-intake certify [OPTIONS] -- CMD [ARG]...")
    if update_baseline and baseline_file is None:
        raise click.UsageError("--update-baseline needs --baseline FILE.")
    checked(outputs)
    if update_baseline and baseline_file is not None and not baseline_file.resolve().parent.is_dir():
        raise click.UsageError(f"--baseline {baseline_file}: there is no directory {baseline_file.parent}.")
    if copied is not None and (problem := no_copy(copied)) is not None:
        raise click.UsageError(f"--copy {copied}: {problem}")
    baseline = _baseline(baseline_file, may_be_new=update_baseline)
    producer = Producer(
        name or name_of(command),
        path,
        command,
        _words(failing),
        directory=copied or Path.cwd(),
        copied=copied is not None,
        debug_environment=_pairs(debug_env),
    )
    settings = settings_file(producer) if path in _TOLD_BY_VARIABLES else None
    if settings is not None:
        echo(f"note: {settings} has a transport, which wins over what --path {path} sets.", err=True)
    if dry_run:
        list_scenarios(plan, [producer])
        return
    (report,) = run_suite(plan, [producer])
    problem = could_not_be_run([report])
    if problem is not None:
        echo(f"mock-intake certify: {problem}", err=True)
        sys.exit(_NOT_JUDGED)
    notes = []
    if baseline is not None:
        if update_baseline and baseline_file is not None:
            baseline = baseline.updated(report)
            _write(baseline_file, baseline)
        report = baseline.apply(report)
        stale = baseline.stale(report)
        notes = [f"{baseline.name} accepts {entry}, which passes: take the line out." for entry in stale]
    skipped = required_and_skipped(report)
    if report.ready and skipped:
        what = "Nothing is said" if plan.left_out else "Ready says nothing"
        notes.append(f"{what} of what was skipped: {', '.join(skipped)}.")
    title = f"Is {producer.name} ready to go live?"
    cases = [case.requirement for case in plan.cases]
    write(SuiteReport(title, datetime.now(UTC), cases, [report], notes, left_out=plan.left_out), output_format, outputs)
    if output_format != "text":
        for note in notes:
            echo(note, err=True)
    if undecided(report):
        echo("Could not be judged: see why above.", err=True)
        sys.exit(_NOT_JUDGED)
    if not report.ready:
        sys.exit(_NOT_READY)


def name_of(command: tuple[str, ...]) -> str:
    """The program's name; behind interpreters, launchers, options and variables that of the script or module."""
    names: list[str] = []
    for part in command:
        # What follows is a program, and no name; to a shell, -e is no such option.
        if part == "-c" or (part == "-e" and not {"sh", "bash"} & set(names)):
            break
        names.append(Path(part).name)
    told = [name for name in names if name and not _NO_NAME.match(name)]
    programs = [name for name in names if name and not re.match(r"-|\w+=|\d", name)]
    return (told or programs[-1:] or [command[0]])[0]


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


def _baseline(file: Path | None, *, may_be_new: bool) -> Baseline | None:
    from mock_intake_conformance.baseline import Baseline, BaselineError, read_baseline
    from mock_intake_conformance.cases import CASES

    if file is None:
        return None
    if may_be_new and not file.exists():
        return Baseline(file.name)
    try:
        return read_baseline(file, frozenset(case.id for case in CASES))
    except BaselineError as error:
        raise click.UsageError(str(error)) from error


def _write(file: Path, baseline: Baseline) -> None:
    try:
        file.write_text(baseline.to_toml(), encoding="utf-8")
    except OSError as error:
        raise Unjudged(f"{file}: {error.strerror or error}") from error
    echo(f"{len(baseline.accepted)} accepted deviations written to {file}", err=True)
