"""``mock-intake reset``: a running server as if it had just started."""

from __future__ import annotations

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.remote import connected, org_option, print_json, server_options
from mock_intake.model.words import counted


@click.command(cls=Command, short_help="Have a server forget what it has received.", page="how-to/ci")
@server_options
@org_option("What is")
@click.option("--keep-faults", is_flag=True, help="Leave fault plans as they are.")
def reset(server: str, control_token: str | None, as_json: bool, org: str | None, keep_faults: bool) -> None:
    """Have a running server forget what it has on record, and clear its fault plans.

    The server is named as in `mock-intake wait`.

    \b
    Examples:
      mock-intake reset
      mock-intake reset http://127.0.0.1:8580 --org 1b2a3c4d5e6f --keep-faults
      mock-intake reset intake.json --json

    \b
    Exit codes:
      0  done
      2  there is no such server, or it refuses
    """
    with connected(server, control_token) as (_, client):
        if not keep_faults:
            client.clear_faults(org=org)
        forgotten = client.forget(org=org)
    if as_json:
        print_json({"forgotten": forgotten, "faults_cleared": not keep_faults})
    else:
        echo(f"{counted(forgotten, 'exchange')} forgotten{'' if keep_faults else '; no faults are set'}")
