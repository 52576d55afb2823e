"""The command ``mock-intake``: finds its subcommands and loads only the one that is asked for."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

from mock_intake import __version__

COMMANDS = "mock_intake.commands"

USAGE_ERROR = 2


class Commands(click.Group):
    """A group whose commands are the entry points of ``mock_intake.commands``, other packages' included."""

    def _entry_points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=COMMANDS)}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(self._entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        point = self._entry_points().get(cmd_name)
        if point is None:
            return None
        command = point.load()
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 findings or failures at or above the asked level, 2 unusable input or usage.",
)
@click.version_option(__version__, prog_name="mock-intake")
def main() -> None:
    """A stand-in for Datadog's OpenLineage intake, and a judge of what producers send to it.

    \b
    Examples:
      mock-intake conformance                 what each documented way makes of a bad intake
      mock-intake serve                       an intake to point a producer at
      mock-intake check events.ndjson         judge recorded events
      mock-intake rules DD101                 what a finding means
    """
