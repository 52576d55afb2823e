"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mock_intake.cli.settings import read_from
from mock_intake.judging.config import Config, ConfigError, find_config, load_config
from mock_intake.report.formats import DEFAULT, Kind, formats, suffixes

if TYPE_CHECKING:
    from mock_intake.openlineage.library import FacetLibrary
    from mock_intake.producers import isolation
    from mock_intake.producers.isolation import Reach

# Stands here, and not beside the option: the server has no use for the client that comes with that.
CONTROL_TOKEN = "MOCK_INTAKE_CONTROL_TOKEN"  # noqa: S105 - the variable's name, not a token
_TOO = "it there too"
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number within limits, as Click has it; not "nan", which is beyond none of them, whatever they are."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number


class Size(click.ParamType[int]):
    """A size in bytes: a number, or one with K, M or G behind it (1024 each)."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """``value`` in bytes: a number, with K, M or G behind it. Fails, as click has it, for a text that is none."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+)\s*([kmg]?)i?b?", str(value).strip().lower())
        if match is None or not int(match[1]):
            self.fail(f"{value!r} is no size: write 5M, 500K or a number of bytes.", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


class ReportFile(click.Path):
    """A file that a report is written to. In a variable blanks stand between several, as between all values."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return rv.split()  # click has colons between files


def option_group(*options: Callable[[Any], Any], heading: str = "") -> Callable[[F], F]:
    """``options`` as one decorator, to be listed in ``--help`` in the order in which they are given, under a heading.

    click puts each option before those that were there, as decorators stand above one another. What has a heading
    already keeps it.
    """

    def decorate(command: F) -> F:
        before = len(getattr(command, "__click_params__", ()))
        for option in reversed(options):
            command = option(command)
        for parameter in getattr(command, "__click_params__", ())[before:]:
            if heading and not hasattr(parameter, "heading"):
                parameter.heading = heading
        return command

    return decorate


def renamed_option(old: str, new: str) -> Callable[[F], F]:
    """An option that is called ``new`` now: the ``old`` name fails with it, and is in no help."""

    def refuse(_context: click.Context, _option: click.Parameter, given: str | None) -> None:
        if given is not None:
            raise click.UsageError(f"{old} is called {new} now.")

    return click.option(
        old,
        f"renamed{old.replace('-', '_')}",
        hidden=True,
        expose_value=False,
        callback=refuse,
        help=f"It is called {new}.",
    )


def _files_alone(_context: click.Context, _option: click.Parameter, outputs: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files that are to be written: "-" is standard output, where a report is printed anyway."""
    return tuple(output for output in outputs if str(output) != "-")


def report_files_option(kind: Kind, what: str = _TOO) -> Callable[[F], F]:
    """``-o``, for a report of this ``kind``: ``what`` is written. "-" is for those that print it too."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        type=ReportFile(dir_okay=False, path_type=Path),
        callback=_files_alone if what == _TOO else None,
        help=f"Write {what}, in the format of the suffix ({suffixes(formats(kind).values())}); repeatable.",
    )


def output_options(kind: Kind) -> Callable[[F], F]:
    """``--format`` and ``-o``, as all commands have them that make a report of this ``kind``: which formats there are
    and what is printed is the same for all.
    """
    known = formats(kind)
    return option_group(
        click.option(
            "--format",
            "output_format",
            type=click.Choice(list(known)),
            default=DEFAULT,
            show_default=True,
            help="Format of what is printed.",
        ),
        report_files_option(kind),
    )


def judging_options(command: F) -> F:
    """The options that decide how events are judged; see ``judging_config``."""
    return option_group(
        click.option("--select", multiple=True, metavar="CODE", help="Hear these rules or families only."),
        click.option("--ignore", multiple=True, metavar="CODE", help="Ignore a rule or family (DD104, OL2)."),
        click.option(
            "--facets",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Directory of JSON Schema files of your own facets.",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            is_eager=True,
            callback=read_from,
            help="Read [tool.mock-intake] from this file instead of the nearest pyproject.toml.",
        ),
        heading="Judging",
    )(command)


def judging_config(
    config_file: Path | None, facets: Path | None, ignore: tuple[str, ...], select: tuple[str, ...]
) -> tuple[Config, FacetLibrary | None]:
    """Settings and library that the options ask for. Raises ``click.UsageError`` (exit code 2) for unusable ones."""
    from mock_intake.judging.catalogue import load_extensions
    from mock_intake.openlineage.library import FacetLibrary, UserSchemaError

    try:
        config = load_config(config_file or find_config(Path.cwd())).with_options(select, ignore, facets)
        library = FacetLibrary.from_directory(config.facets) if config.facets else None
    except (ConfigError, UserSchemaError) as error:
        raise click.UsageError(str(error)) from error
    load_extensions()
    return config, library


def guard_of_settings() -> str:
    """What connections are stopped, as the settings of this directory say; exits with 2 where they are wrong."""
    try:
        return load_config(find_config(Path.cwd())).guard
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


grace_option = click.option(
    "--grace",
    type=Number(0, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a command may take to end once it was signalled, before it is killed.",
)


def isolation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--isolate``, ``--isolate-ports`` and ``--reach``: what the command can connect to."""
    network = click.option(
        "--isolate",
        "isolate",
        flag_value="network",
        help="Start the command where there is no other network than the intake (Linux), whatever its language.",
    )
    ports = click.option(
        "--isolate-ports",
        "isolate",
        flag_value="ports",
        help="Where --isolate is not allowed: let the command connect to the TCP ports of the intake only (Landlock).",
    )
    reach = click.option(
        "--reach",
        multiple=True,
        metavar="HOST:PORT",
        callback=_reaches,
        help="With --isolate: let the command reach this address all the same, such as its database's; repeatable.",
    )
    return network(ports(reach(command)))


def _reaches(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[Reach, ...]:
    if not given:
        return ()
    # For the commands that run another: all others would wait for an event loop of which they have no use.
    from mock_intake.producers.isolation import parse_reach

    try:
        return tuple(parse_reach(each) for each in given)
    except ValueError as error:
        raise click.UsageError(f"--reach: {error}.") from error


def check_isolated(reach: tuple[Reach, ...], isolate: isolation.Kind | None) -> None:
    """Raises ``click.UsageError`` (exit code 2) for ``reach`` alone, and where ``isolate`` cannot be had.

    Before anything has run.
    """
    if reach and not isolate:
        raise click.UsageError("--reach goes with --isolate: without, the command reaches whatever it likes.")
    if not isolate:
        return
    from mock_intake.producers.isolation import IsolationError, check_isolation

    try:
        check_isolation(isolate)
    except IsolationError as error:
        raise click.UsageError(str(error)) from error
