"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mock_intake.config import Config, ConfigError, find_config, load_config
from mock_intake.faults import FaultError, Plan, parse_plan

if TYPE_CHECKING:
    from mock_intake.openlineage.library import FacetLibrary

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
F = TypeVar("F", bound=Callable[..., Any])


class Size(click.ParamType[int]):
    """A size in bytes: a number, or one with K, M or G behind it (1024 each)."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(\d+)\s*([kmg]?)i?b?", str(value).strip().lower())
        if match is None or not int(match[1]):
            self.fail(f"{value!r} is no size: write 5M, 500K or a number of bytes.", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


def judging_options(command: F) -> F:
    """The options that decide how events are judged; see ``judging_config``."""
    for option in (
        click.option(
            "--config",
            "config_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Read [tool.mock-intake] from this file instead of the nearest pyproject.toml.",
        ),
        click.option(
            "--facets",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Directory of JSON Schema files of your own facets.",
        ),
        click.option("--ignore", multiple=True, metavar="CODE", help="Ignore a rule or family (DD104, OL2)."),
        click.option("--select", multiple=True, metavar="CODE", help="Hear these rules or families only."),
    ):
        command = option(command)
    return command


def judging_config(
    config_file: Path | None, facets: Path | None, ignore: tuple[str, ...], select: tuple[str, ...]
) -> tuple[Config, FacetLibrary | None]:
    """Settings and library that the options ask for; exits with 2 on what cannot be used."""
    from mock_intake.openlineage.library import FacetLibrary, UserSchemaError

    try:
        config = load_config(config_file or find_config(Path.cwd())).with_options(select, ignore, facets)
        library = FacetLibrary.from_directory(config.facets) if config.facets else None
    except (ConfigError, UserSchemaError) as error:
        raise click.UsageError(str(error)) from error
    return config, library


def parsed_fault_plan(fault: str | None, delay: float) -> Plan | None:
    """The plan that ``--fault`` and ``--delay`` ask for, if any; exits with 2 on what cannot be understood."""
    if fault is None and not delay:
        return None
    try:
        plan = parse_plan(fault) if fault else Plan()
    except FaultError as error:
        raise click.UsageError(f"--fault: {error}.") from error
    return replace(plan, delay=delay) if delay else plan
