"""``mock-intake doctor``: where a producer would send to, and what is wrong with that, without running it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import coloured, echo
from mock_intake.producers.configuration import Surroundings
from mock_intake.producers.doctor import AGENT_FILE, UNKNOWN, Diagnosis, Weight, diagnose, with_own_settings
from mock_intake.producers.environment import lines_of, producer_environment
from mock_intake.producers.paths import PATHS, REAL_SITE, Addresses, PathName
from mock_intake.report.escaping import shown

_NOWHERE = "http://127.0.0.1:1"
_COLOURS = {Weight.PROBLEM: "red", Weight.NOTE: "yellow"}


@click.command(
    cls=Command,
    context_settings={"allow_interspersed_args": False},
    short_help="Where would lineage go from here, and why?",
    page="how-to/send-events",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD [ARG]...]")
@click.option("--path", type=click.Choice(list(PATHS)), help="Also say what run and certify would do by this path.")
@click.option(
    "--agent-config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=AGENT_FILE,
    show_default=True,
    help="The Datadog Agent's file, looked into if it is there.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
def doctor(command: tuple[str, ...], path: PathName | None, agent_config: Path, output: str) -> None:
    """Say where lineage would go from here, and what is wrong with that, without running anything.

    Reads what a producer would read: variables, openlineage.yml, Airflow's settings, those that the command sets
    itself (env NAME=VALUE CMD). Says which transport would win, from where, whether it leads to a Datadog site, what
    conflicts, and what is misspelt. What a program sets in its code cannot be seen.

    \b
    Examples:
      mock-intake doctor
      mock-intake doctor --path datadog
      mock-intake doctor -- env OPENLINEAGE_CONFIG=prod.yml python my_job.py

    \b
    Exit codes:
      0  nothing to mend
      1  events would not arrive as they should
      2  wrong use
    """
    here = Surroundings.here()
    diagnosis = diagnose(here, command, agent_config)
    done = _would_do(path, with_own_settings(here, command)) if path else []
    if output == "json":
        found = {
            "leading": [one.to_dict() for one in diagnosis.leading],
            "remarks": [remark.to_dict() for remark in diagnosis.remarks],
            "path": path,
            "settings": done,
        }
        echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(diagnosis, path, done)
    if diagnosis.sick:
        sys.exit(1)


def _would_do(path: PathName, around: Surroundings) -> list[str]:
    where = Addresses(_NOWHERE, "", _NOWHERE, _NOWHERE, ("127.0.0.1", 1), Path("ca.pem"))
    return lines_of(producer_environment(path, where, around, around.directory, site=REAL_SITE).changes)


def _print(diagnosis: Diagnosis, path: PathName | None, done: list[str]) -> None:
    for one in diagnosis.leading:
        if one.transport == UNKNOWN:
            echo(shown(f"{one.reader}: {one.transport}, from {one.origin}"))
            continue
        to = f"a Datadog intake, {one.site}" if one.site else "no Datadog site"
        echo(shown(f"{one.reader}: {one.transport}, from {one.origin}: {to}"))
    for remark in diagnosis.remarks:
        echo("")
        echo(f"{coloured(f'{remark.weight}', _COLOURS[remark.weight])}: {shown(remark.text)}")
        if remark.advice:
            echo(f"  {shown(remark.advice)}")
    if path:
        echo("")
        echo(f"By --path {path}, run and certify would do so with its settings:")
        for line in done or ["nothing: there are none"]:
            echo(f"  {shown(line)}")
    echo("")
    problems = sum(remark.weight is Weight.PROBLEM for remark in diagnosis.remarks)
    echo("Nothing to mend." if not problems else f"To mend: {problems}.")
