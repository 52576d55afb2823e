"""``mock-intake faults``: has a running server misbehave."""

from __future__ import annotations

import os

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.fault_options import FAULT_HELP
from mock_intake.cli.options import Number
from mock_intake.cli.remote import DEFAULT_SERVER, SERVER, connected, json_option, org_option, print_json
from mock_intake.cli.sources import control_token_option, is_url
from mock_intake.client.types import Faults
from mock_intake.faults import MAX_DELAY, FaultError, Plan, parse_plan

_ACTIONS = ("set", "clear", "show")
_CLEARED = {"active": False}


@click.command(
    cls=Command,
    epilog=FAULT_HELP.replace("Steps of --fault", "Steps of a PLAN"),
    short_help="Have a server misbehave, or stop it.",
    page="how-to/misbehave",
)
@click.argument("words", nargs=-1, metavar="[URL|FILE] set PLAN|clear|show")
@click.option(
    "--delay",
    type=Number(0, int(MAX_DELAY)),
    default=0.0,
    metavar="SECONDS",
    help="With set: wait before every answer.",
)
@click.option("--repeat-last", is_flag=True, help="With set: the last step lasts for ever.")
@org_option("The plan")
@json_option
@control_token_option
def faults(
    words: tuple[str, ...],
    delay: float,
    repeat_last: bool,
    org: str | None,
    as_json: bool,
    control_token: str | None,
) -> None:
    """Have a running server misbehave: set a plan in place of the one before, clear all plans, or show how far one is.

    Every event that comes takes a step; after the last one events are taken as usual. The server is named as in
    `mock-intake wait`.

    \b
    Examples:
      mock-intake faults http://127.0.0.1:8580 set 503,reset,202
      mock-intake faults intake.json set '{"sequence": [{"step": 429, "headers": {"Retry-After": "1"}}]}'
      mock-intake faults set 503 --repeat-last
      mock-intake faults show --json
      mock-intake faults clear

    \b
    Exit codes:
      0  done
      2  there is no such server, or it refuses the plan
    """
    server, action, plan = _read(words)
    if action != "set" and (delay or repeat_last):
        raise click.UsageError("--delay and --repeat-last go with set.")
    if action == "set" and not plan and not delay:
        raise click.UsageError("Which plan? mock-intake faults set 503,reset,202, or --delay alone.")
    with connected(server, control_token) as (_, client):
        if action == "clear":
            client.clear_faults(org=org)
            print_json(_CLEARED) if as_json else echo("No faults: requests are handled as usual.")
            return
        if action == "set":
            whole = _parsed(plan, delay, repeat_last=repeat_last).to_dict()
            sequence, delay, repeat_last = whole["sequence"], whole["delay"], whole["repeat_last"]
            state = client.set_faults(sequence, delay=delay, repeat_last=repeat_last, org=org or whole["org"])
        else:
            state = client.faults(org=org)
    print_json(state) if as_json else echo(in_words(state))


def _read(words: tuple[str, ...]) -> tuple[str, str, str]:
    """Server, action and plan of the command line. Raises ``click.UsageError``."""
    first = next((number for number, word in enumerate(words[:2]) if word in _ACTIONS), None)
    if first is None:
        raise click.UsageError("What is to be done? mock-intake faults [URL|FILE] set PLAN, clear or show.")
    action, rest = words[first], words[first + 1 :]
    if len(rest) > (action == "set"):
        misplaced = f" The server stands before {action}: mock-intake faults {rest[-1][:100]} {action} ..."
        hint = misplaced if is_url(rest[-1]) or rest[-1].endswith(".json") else ""
        raise click.UsageError(f"There is more behind {action} than it takes: {' '.join(rest)[:100]}.{hint}")
    server = words[0] if first else os.environ.get(SERVER) or DEFAULT_SERVER
    return server, action, rest[0] if rest else ""


def _parsed(plan: str, delay: float, *, repeat_last: bool) -> Plan:
    """The plan of a text or JSON; what the options say goes before what it says. Raises ``click.UsageError``."""
    try:
        return parse_plan(plan or {}, delay=delay or None, repeat_last=repeat_last or None)
    except FaultError as error:
        raise click.UsageError(f"{error}.") from error


def in_words(state: Faults) -> str:
    """A plan and how far it has come, in a line."""
    if not state["active"]:
        return "No faults: requests are handled as usual."
    left = [
        f"{step['step']}{'' if times == 1 else ' for ever' if times is None else f' x{times}'}"
        for step, times in zip(state["sequence"], state["left"], strict=True)
        if times != 0
    ]
    delay = f"{state['delay']:g} s before every answer" if state["delay"] else ""
    steps = f"still to come {', '.join(left)} ({state['taken']} taken)" if left else ""
    whose = f" for the org {state['org']}" if state["org"] else ""
    return f"Faults{whose}: {'; '.join(part for part in (steps, delay) if part)}"
