"""``mock-intake open``: the pages of a running server in a browser."""

from __future__ import annotations

import webbrowser

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo
from mock_intake.cli.remote import connected, print_json, server_options
from mock_intake.cli.sources import UnusableError
from mock_intake.client.requests import server_url

_PAGES = ("events", "runs", "lineage", "exchanges", "coverage", "rules", "faults", "start")


@click.command("open", cls=Command, short_help="Look at a server's pages in a browser.", page="how-to/pages")
@server_options
@click.option("--page", type=click.Choice(_PAGES), default="events", show_default=True, help="Which page.")
def open_(server: str, control_token: str | None, as_json: bool, page: str) -> None:
    """Open the pages of a running server in the browser of this machine (BROWSER names another).

    The server is named as in `mock-intake wait`.

    \b
    Examples:
      mock-intake open
      mock-intake open intake.json --page lineage

    \b
    Exit codes:
      0  a browser was told
      2  there is no such server, or no browser
    """
    with connected(server, control_token) as (url, _):
        address = f"{server_url(url)}/mock/{page}"
    if not webbrowser.open(address):
        raise UnusableError(f"There is no browser here that could be opened. Look at {address}")
    print_json({"url": address}) if as_json else echo(f"Opened {address}")
