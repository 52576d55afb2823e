"""The commands as a user calls them, in this process: starting one for each of hundreds of calls would take minutes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import click
from click.testing import CliRunner

WIDTH = 100
# What processes need to be found and to find what they need.
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class Outcome(NamedTuple):
    """How a command ended, and what it wrote to standard output and standard error."""

    exit_code: int
    output: str
    errors: str


@cache
def command() -> click.Group:
    """The installed command ``mock-intake``, found by its name and not by where its code is."""
    [script] = entry_points(group="console_scripts", name="mock-intake")
    loaded = script.load()
    assert isinstance(loaded, click.Group)
    return loaded


def subcommands() -> dict[str, click.Command]:
    """All subcommands by name."""
    context = click.Context(command())
    found = {name: command().get_command(context, name) for name in command().list_commands(context)}
    return {name: one for name, one in found.items() if one is not None}


def choices(subcommand: str, option: str) -> list[str]:
    """What an option takes, such as ``--format``, in the order in which ``--help`` lists it."""
    for parameter in subcommands()[subcommand].params:
        if option in parameter.opts and isinstance(parameter.type, click.Choice):
            return [str(choice) for choice in parameter.type.choices]
    raise LookupError(f"mock-intake {subcommand} has no option {option} with choices")


def environment(**more: str) -> dict[str, str]:
    """The environment of everything that is recorded: nothing that steers clients, colours, widths or languages."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "COLUMNS": str(WIDTH), "LINES": "50", "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "dumb", **more}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Runs what is within in this folder and in that environment, so that paths in what is printed are relative."""
    before, here = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update(environment())
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def run(*arguments: str, stdin: bytes = b"") -> Outcome:
    """Runs ``mock-intake`` with these arguments to its end. Raises what the command raises and does not handle."""
    result = CliRunner().invoke(command(), arguments, input=stdin, prog_name="mock-intake")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)
