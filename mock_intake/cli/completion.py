"""``mock-intake completion``: the script that teaches a shell to complete the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo


@click.command(cls=Command, short_help="Print the completion script of a shell.", page="reference/cli")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      eval "$(mock-intake completion bash)"
      mock-intake completion fish > ~/.config/fish/completions/mock-intake.fish
    """
    from mock_intake.cli.main import main

    kind = get_completion_class(shell)
    assert kind is not None
    echo(kind(main, {}, "mock-intake", "_MOCK_INTAKE_COMPLETE").source())
