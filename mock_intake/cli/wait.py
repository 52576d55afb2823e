"""``mock-intake wait``: until a server is there, and until what a job sends has come in."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Literal, cast, get_args

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.options import Number
from mock_intake.cli.remote import connected, org_option, print_json, server_options
from mock_intake.client import Waited, WaitTimeoutError
from mock_intake.client.types import State
from mock_intake.model.findings import Status
from mock_intake.model.words import counted
from mock_intake.report.escaping import shown

# What the server takes of one wait; longer ones are several.
_LONGEST = 300.0
_LONGEST_OF_ALL = 24 * 3600
_STATE = click.Choice(get_args(State), case_sensitive=False)
# As events have them: click would show those that may be written anyhow in small letters.
_STATES = f"[{'|'.join(get_args(State))}]"
_TIME_WAITED = re.compile(r"within [\d.e+-]+ s")
_STATUS = click.Choice([status.value for status in Status], case_sensitive=False)


@click.command(cls=Command, short_help="Wait for a server, and for what a job sends.", page="how-to/ci")
@server_options
@click.option("--events", type=click.IntRange(0), metavar="N", help="So many events.  [default: 1, with --state 0]")
@click.option("--job", metavar="NAME", help="Events and runs of the job of this name.")
@click.option("--state", type=_STATE, metavar=_STATES, help="A run that has reached this state.")
@click.option("--run-id", metavar="ID", help="Events of this run, and this run.")
@click.option("--event-type", type=_STATE, metavar=_STATES, help="Events of this type.")
@click.option("--status", type=_STATUS, help="Events of this status.")
@org_option("What is")
@click.option("--ready", is_flag=True, help="Only until the server takes requests.")
@click.option(
    "--timeout",
    type=Number(0, _LONGEST_OF_ALL),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait, for the server and for events together.",
)
def wait(
    server: str,
    control_token: str | None,
    as_json: bool,
    events: int | None,
    job: str | None,
    state: str | None,
    run_id: str | None,
    event_type: str | None,
    status: str | None,
    org: str | None,
    ready: bool,
    timeout: float,
) -> None:
    """Wait until a server has received what is asked for, also what came before; for the server too, where it starts.

    The server is named by its URL, by the file of `serve --ready-file`, by MOCK_INTAKE_URL, or is the one that
    `serve` starts without options.

    \b
    Examples:
      mock-intake wait http://127.0.0.1:8580 --events 2 --job load_orders --state COMPLETE --timeout 30
      mock-intake wait intake.json --ready
      mock-intake wait intake.json --event-type FAIL --json

    \b
    Exit codes:
      0  it is there
      1  the time is up
      2  there is no such server, or it refuses
    """
    until = time.monotonic() + timeout
    with connected(server, control_token, within=timeout) as (url, client):
        if ready:
            print_json({"url": url}) if as_json else echo(f"{url} takes requests")
            return
        try:
            waited = _within(
                until,
                lambda seconds: client.wait(
                    events=events,
                    org=org,
                    job=job,
                    run_id=run_id,
                    state=cast("State | None", state),
                    event_type=event_type,
                    status=cast("Literal['ok', 'warning', 'error'] | None", status),
                    timeout=seconds,
                ),
            )
        except WaitTimeoutError as missed:
            if as_json:
                print_json(missed.there)
            else:
                # The server was asked for what was left of it by then.
                echo(shown(_TIME_WAITED.sub(f"within {timeout:g} s", str(missed), count=1)), err=True)
            sys.exit(1)
    if as_json:
        print_json(waited)
        return
    echo(f"{counted(waited['events'], 'event')} on record")
    for run in waited["runs"] if state else ():
        job = "/".join(part for part in (run["job"]["namespace"], run["job"]["name"]) if part)
        echo(shown(f"  run {run['run_id']} of {job}: {run['state'] or 'no state'}"))


def _within(until: float, wait_for: Callable[[float], Waited]) -> Waited:
    """What came by the time ``until`` (monotonic), by waits as long as the server takes; the last one may be missed."""
    while True:
        # The server says how long that was, and nobody has asked for thousandths of a second.
        left = round(max(until - time.monotonic(), 0.0), 1)
        try:
            return wait_for(min(left, _LONGEST))
        except WaitTimeoutError:
            if left <= _LONGEST:
                raise
