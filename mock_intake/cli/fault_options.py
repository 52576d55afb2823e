"""``--fault``, of the commands that run an intake: what it takes, and its help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mock_intake.faults import MAX_STATUS, MIN_STATUS, STEPS, FaultError, Plan, parse_plan

F = TypeVar("F", bound=Callable[..., Any])


def fault_option(command: F) -> F:
    """``--fault``; see ``parsed_fault_plan``. The command is to have ``FAULT_HELP`` as the epilog of its help."""
    words = "Misbehave: 503,503,reset,202; or a plan as JSON. The steps are listed below."
    return click.option("--fault", metavar="PLAN", help=words)(command)


def _fault_help() -> str:
    """What a plan can have, from the table of steps."""
    status = f"a status from {MIN_STATUS} to {MAX_STATUS} (2xx takes the event as usual)"
    lines = ["\b", f"Steps of --fault: {status}, and"]
    width = max(len(word) for word in STEPS) + 2
    for word, kind in STEPS.items():
        lines.append(f"  {word:{width}}{kind.help}{' In a plan as JSON.' if kind.needs_location else ''}")
    return "\n".join(lines)


FAULT_HELP = _fault_help()


def parsed_fault_plan(fault: str | None, delay: float) -> Plan | None:
    """The plan that ``--fault`` and ``--delay`` (``delay``, seconds) ask for, if any.

    Raises ``click.UsageError`` (exit code 2) for what cannot be understood.
    """
    if not fault and not delay:
        return None
    try:
        return parse_plan(fault or {}, delay=delay or None)
    except FaultError as error:
        raise click.UsageError(f"--fault: {error}.") from error
