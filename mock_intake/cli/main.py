"""The command ``mock-intake``: finds its subcommands and loads only the one that is asked for."""

from __future__ import annotations

import errno
import gc
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from mock_intake import __version__
from mock_intake.cli.console import OutputError, echo, open_standard_streams, output_errors
from mock_intake.cli.settings import (
    FileDefaults,
    add_variables,
    in_plain_words,
    nearest_file,
    settable,
    source_of,
    unknown_variables,
)
from mock_intake.cli.signals import ENDING, OwnSignals, exit_at_once, received
from mock_intake.system.documentation import documentation
from mock_intake.system.extensions import COMMANDS, ExtensionError, load, points_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_DISTRIBUTION = "mock-intake"
# As shells have it: 128 and the number of SIGINT.
_INTERRUPTED = 130
_LONGEST_NAME = 200
_LONGEST_HELP = 300
# How the help lists them, what most people want first, and what it says of them: loading all to ask each would take
# longer than all else. What is in no group is another package's.
GROUPS = {
    "Begin with": {
        "serve": "An intake to point a producer at.",
        "certify": "Is this producer ready to go live, and if not, why?",
        "check": "Judge recorded events.",
    },
    "Run and report": {
        "run": "Run a command with its events led to an intake of its own.",
        "report": "Report on what a journal or a server has on record.",
        "diff": "What came, went or changed between two recordings?",
        "audit": "Judge archives of events on Spark.",
        "rules": "List all rules, or explain some.",
        "doctor": "Where would lineage go from here, and why?",
    },
    "With a server that runs": {
        "wait": "Wait for a server, and for what a job sends.",
        "status": "What has a server received?",
        "faults": "Have a server misbehave, or stop it.",
        "reset": "Have a server forget what it has received.",
        "open": "Look at a server's pages in a browser.",
    },
    "Recordings": {
        "export": "Write what is on record as lines of JSON.",
        "import": "Put exported exchanges on record.",
        "replay": "Send recorded events to any intake.",
    },
    "What is known of producers": {
        "atlas": "What do real producers send, as it was measured?",
        "conformance": "What do the documented ways of sending make of a bad intake?",
        "demo": "Send by every documented way, and see what becomes of it.",
    },
    "Shell": {
        "completion": "Print the completion script of a shell.",
    },
}
_OF_OTHERS = "Of other packages"


class Commands(click.Group):
    """A group whose commands are the entry points of ``mock_intake.commands``, other packages' included."""

    # What holds until the command begins: signals end us at once, as there is nothing yet that would have to be closed.
    _until_begun = ExitStack()

    def main(self, *args: Any, **options: Any) -> Any:
        open_standard_streams()
        with ExitStack() as self._until_begun:
            self._until_begun.enter_context(received(dict.fromkeys(ENDING, exit_at_once)))
            # Nothing that is loaded goes again: to look for what did takes a tenth of the time until a command begins.
            gc.disable()
            self._until_begun.callback(gc.enable)
            try:
                with output_errors():
                    return super().main(*args, **options)
            except OutputError as error:  # click itself tells of those from within a command
                echo(f"Error: {error.format_message()}", err=True)
                sys.exit(error.exit_code)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            name, command, rest = super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], commands(), 1, 0.6)
            if ctx.resilient_parsing or not close:
                raise
            message = f"There is no command {args[0]!r}. Did you mean {close[0]!r}?"
            raise click.UsageError(message, ctx) from error
        gc.enable()
        if name is not None and command is not None and not ctx.resilient_parsing:
            ctx.default_map = {name: FileDefaults(name, settable(command), nearest_file)}
            for note in unknown_variables(os.environ, commands(), name, command):
                click.echo(note, err=True)
        if not isinstance(command, OwnSignals):
            self._until_begun.close()
        return name, command, rest

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.BadParameter as error:
            message = in_plain_words(error.message, error.param)
            if source := source_of(error.ctx, error.param):
                message = f"{message} (It is that of {source}.)"
            if message == error.message:
                raise  # as it is: what is missing has no message, and click one of its own
            raise click.BadParameter(message, error.ctx, error.param, error.param_hint) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(_INTERRUPTED)
        except OSError as error:
            # Most commands need none, and do not wait for what makes them.
            from mock_intake.cli.sources import UnusableError
            from mock_intake.system.temporary import TemporaryError

            if isinstance(error, TemporaryError):
                raise UnusableError(str(error)) from error
            if error.errno == errno.ENOENT and error.filename is None and not _has_directory():
                raise UnusableError("The working directory is not there any more: go to another.") from error
            if error.errno != errno.ENAMETOOLONG:
                raise
            # Whichever argument it is, to look whether there is such a file is too much already.
            raise click.UsageError(f"{error.strerror}: {str(error.filename)[:_LONGEST_NAME]}") from error
        except ExtensionError as error:  # what another package brings, which any command may come upon
            raise click.UsageError(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name; what another package brings and cannot be used is left out with a warning."""
        names = []
        for name, (_, package) in sorted(commands().items()):
            try:
                # Ours are loaded for their help alone, if that is what is asked for.
                usable = is_own(package) or self.get_command(ctx, name) is not None
            except ExtensionError as error:
                click.echo(f"Left out: {error}", err=True)
                usable = False
            names += [name] if usable else []
        return names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of this name, loaded; None where there is none.

        Raises ``ExtensionError`` for one of another package that cannot be used.
        """
        found = commands().get(cmd_name)
        if found is None:
            return None
        point, package = found
        command = load(point, package)
        if not isinstance(command, click.Command):
            raise ExtensionError(f"{package}: its command {cmd_name} ({point.value}) is no click.Command")
        add_variables(cmd_name, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        grouped = {name for group in GROUPS.values() for name in group}
        for heading, group in {**GROUPS, _OF_OTHERS: [name for name in names if name not in grouped]}.items():
            records = [(name, self._summary(ctx, name)) for name in group if name in names]
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write(f"  Read more: {documentation('tutorial')}\n")

    def _summary(self, ctx: click.Context, name: str) -> str:
        if name in _SUMMARIES:
            return _SUMMARIES[name]
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(_LONGEST_HELP)


_SUMMARIES = {name: summary for group in GROUPS.values() for name, summary in group.items()}


def is_own(package: str) -> bool:
    return package.partition(" ")[0] == _DISTRIBUTION


def commands() -> dict[str, tuple[EntryPoint, str]]:
    """The entry points of commands by name, each with the package that has it.

    Nobody takes a name of ours: what a command of this project does must not depend on what else is installed.
    """
    found: dict[str, tuple[EntryPoint, str]] = {}
    for point, package in sorted(points_of(COMMANDS), key=lambda one: not is_own(one[1])):
        found.setdefault(point.name, (point, package))
    return found


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
      mock-intake serve                       an intake to point a producer at
      mock-intake certify -- python job.py    is this producer ready to go live, and if not, why
      mock-intake check events.ndjson         judge recorded events
      mock-intake rules DD101                 what a finding means
    """


def _has_directory() -> bool:
    """Whether the working directory is still there."""
    try:
        os.getcwd()  # noqa: PTH109 - to ask for no path
    except FileNotFoundError:
        return False
    return True
