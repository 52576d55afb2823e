"""``mock-intake status``: what a running server has received so far, in a few lines."""

from __future__ import annotations

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo, level
from mock_intake.cli.faults import in_words
from mock_intake.cli.remote import connected, org_option, print_json, server_options
from mock_intake.model.findings import Status
from mock_intake.model.words import counted


@click.command(cls=Command, short_help="What has a server received?", page="how-to/ci")
@server_options
@org_option("What is")
def status(server: str, control_token: str | None, as_json: bool, org: str | None) -> None:
    """Say what a running server has received, and which faults are set.

    The server is named as in `mock-intake wait`.

    \b
    Examples:
      mock-intake status
      mock-intake status http://127.0.0.1:8580 --json

    \b
    Exit codes:
      0  it answers, whatever it has received
      2  there is no such server, or it refuses
    """
    with connected(server, control_token) as (url, client):
        counts = client.statistics(org=org)
        faults = client.faults(org=org)
    if as_json:
        print_json({"url": url, **counts, "faults": faults})
        return
    by_status = ", ".join(f"{number} {level(Status(word))}" for word, number in counts["statuses"].items() if number)
    beside = [f"{counts[word]} {word}" for word in ("refused", "faulted", "dropped", "damaged") if counts.get(word)]
    echo(f"{url} answers")
    echo(f"  {counted(counts['events'], 'event')}{f': {by_status}' if by_status else ''}")
    echo("  " + ", ".join([counted(counts["exchanges"], "exchange"), *beside]))
    echo(f"  {in_words(faults)}")
