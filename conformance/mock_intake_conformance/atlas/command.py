"""``mock-intake atlas``: what real producers send and do, as it was measured; what has changed since another time."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo

_CHANGED = 1


@click.command(cls=Command, short_help="What do real producers send, as it was measured?", page="producers")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Tell what has changed against the older atlas in this directory (NAME.json).",
)
def atlas(name: str | None, as_json: bool, against: Path | None) -> None:
    """Print what real producers send, and do when the intake misbehaves, as it was measured.

    Without a NAME: all producers, and whether each is ready to go live. With one: how to point it here and at Datadog,
    what to expect of it, what to set, and the evidence.

    \b
    Examples:
      mock-intake atlas
      mock-intake atlas dbt
      mock-intake atlas dbt --json
      mock-intake atlas --against ../older/atlas/measured

    \b
    Exit codes:
      0  printed; with --against: nothing has changed
      1  with --against: something has changed
      2  there is no such producer, or an atlas cannot be read
    """
    from mock_intake_conformance.atlas.shipped import AtlasError, changes, read_atlas

    try:
        now = read_atlas()
        before = None if against is None else read_atlas(against)
    except AtlasError as error:
        raise click.UsageError(str(error)) from error
    if name is not None and name not in now:
        near = [each for each in now if name.lower() in each]
        words = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(now)}."
        raise click.UsageError(f"There is no producer {name!r} in the atlas. {words}")
    if before is not None:
        lines = changes(*(({name: each[name]} if name in each else {}) if name else each for each in (before, now)))
        echo("\n".join(lines) if lines else "Nothing has changed.")
        sys.exit(_CHANGED if lines else 0)
    if as_json:
        echo(json.dumps(now[name] if name else now, indent=2, ensure_ascii=False))
    elif name is None:
        echo("\n".join(_listed(facts) for facts in now.values()))
    else:
        from mock_intake_conformance.atlas.catalogue import real_producers
        from mock_intake_conformance.atlas.page import producer_page

        echo(producer_page(real_producers()[name], now[name]), end="")


def _listed(facts: Mapping[str, Any]) -> str:
    verdict = ("ready" if facts["ready"] else "not ready") if facts["runs"] else "not measured"
    pins = ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())
    return f"{facts['name']:24} {verdict:13} {pins or ', '.join(facts['pins'])}"
