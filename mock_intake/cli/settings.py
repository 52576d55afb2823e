"""Options of commands that stand elsewhere than on the command line: in variables, and in pyproject.toml.

Every option of every command, also of those that other packages bring, has a variable (``MOCK_INTAKE_SERVE_PORT``) and
a key in a table of the command's name (``[tool.mock-intake.serve]``, ``port``). The command line goes before the
variable, the variable before the file. What begins like ours and is none is told.
"""

from __future__ import annotations

import os
import re
from collections import UserDict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from mock_intake.judging.config import TABLE, ConfigError, checked_table, find_config

PREFIX = "MOCK_INTAKE_"
# What ours are beside the options: of the server that is meant, and what `run` and certify set for what they run.
_OTHERS = ("CONTROL_TOKEN", "GUARD", "KEY", "OPTIONS", "REDIRECT", "REDIRECT_CA", "REDIRECT_HOSTS", "RUN", "URL")
# It says which file the others are read from.
_FILE = "config"
# How click says that a value is of no use, which names its own types.
_OF_CLICK = re.compile(r"('.*') is not a valid (?:integer|float|boolean)\b.*", re.DOTALL)


def settable(command: click.Command) -> list[click.Option]:
    """The options of ``command`` that have a variable and a key: all but --help and those that nobody is told of."""
    options = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    return [option for option in options if option.expose_value and not option.hidden]


def key_of(option: click.Option) -> str:
    """What an option is called in a file: its first long name."""
    return next((word for word in option.opts if word.startswith("--")), option.opts[0]).lstrip("-")


def variable_of(command: str, option: click.Option) -> str:
    """The variable of a command's option."""
    return f"{PREFIX}{command}_{key_of(option)}".upper().replace("-", "_")


def add_variables(name: str, command: click.Command) -> None:
    """Has the options of the command ``name`` read their variables, behind those that they read anyway."""
    for option in settable(command):
        variable = variable_of(name, option)
        own = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
        if variable not in own:
            option.envvar = [*own, variable]


class FileDefaults(UserDict[str, Any]):
    """What the file says of a command, as click takes defaults: by the parameter's name. Read when it is looked at.

    So ``--help`` is given also where the file cannot be read.
    """

    def __init__(self, command: str, options: Iterable[click.Option], file: Callable[[], Path | None]) -> None:
        self._command, self._options, self._file = command, list(options), file

    @cached_property
    def data(self) -> dict[str, Any]:  # type: ignore[override]  # UserDict has it as an attribute
        """The defaults. Raises ``click.UsageError`` where the file has what cannot be meant."""
        try:
            file = self._file()
            return {} if file is None else _defaults(self._command, self._options, file)
        except ConfigError as error:
            raise click.UsageError(str(error)) from error


def nearest_file() -> Path | None:
    """The file with settings that counts where none is named."""
    return find_config(Path.cwd())


def read_from(context: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """The callback of ``--config``: has the other options read their defaults there, and not in the nearest file."""
    if file is not None and context.info_name is not None:
        context.default_map = FileDefaults(context.info_name, settable(context.command), lambda: file)
    return file


def _defaults(command: str, options: Iterable[click.Option], file: Path) -> dict[str, Any]:
    where = f"{file}: [{TABLE}.{command}]"
    table = checked_table(file).get(command, {})
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} is a table of the options of mock-intake {command}")
    known = {key_of(option): option for option in options if key_of(option) != _FILE}
    found = {}
    for key, value in table.items():
        if key not in known:
            close = _close(key, known, 0.75)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise ConfigError(f"{where} has no {key!r}; {hint}")
        default = _default(known[key], value, f"{where} {key}")
        if default is not None:
            found[str(known[key].name)] = default
    return found


def _default(option: click.Option, value: Any, where: str) -> Any:
    """A value of a file as click takes it for this option; None for a switch that is off. Raises ``ConfigError``."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise ConfigError(f"{where} is true or false")
        return value if option.is_bool_flag else option.flag_value if value else None
    values = value if option.multiple and isinstance(value, list) else [value]
    if option.multiple != isinstance(value, list) or not all(
        isinstance(each, str | int | float) and not isinstance(each, bool) for each in values
    ):
        raise ConfigError(f"{where} is {'a list of texts' if option.multiple else 'a text or a number'}")
    return [str(each) for each in values] if option.multiple else value


def unknown_variables(environment: Iterable[str], names: Iterable[str], name: str, command: click.Command) -> list[str]:
    """A line for each variable that begins like ours and is none.

    Of those that begin like the variables of a command, only those of the command ``name`` are looked at, which is
    loaded; the others' are told where they are used.
    """
    of_commands = {each.upper().replace("-", "_"): each for each in names}
    known = {f"{PREFIX}{each}" for each in _OTHERS} | {variable_of(name, option) for option in settable(command)}
    notes = []
    for variable in sorted(environment):
        first, _, rest = variable.removeprefix(PREFIX).partition("_")
        if not variable.startswith(PREFIX) or variable in known or of_commands.get(first, name) != name:
            continue
        meant = [f"{PREFIX}{each}_{rest}" for each in _close(first, of_commands, 0.75) if each != first]
        close = (meant if rest else []) or _close(variable, sorted(known), 0.85)
        hint = f"; did you mean {close[0]}?" if close else "."
        notes.append(f"note: {variable} is no setting of mock-intake{hint}")
    return notes


def _close(word: str, known: Iterable[str], cutoff: float) -> list[str]:
    """The one of ``known`` that is nearest to ``word``, if that is near enough."""
    # Few commands are given a wrong word.
    from difflib import get_close_matches

    return get_close_matches(word, list(known), 1, cutoff)


def in_plain_words(message: str, parameter: click.Parameter | None) -> str:
    """What click has to say about a value that is no number or no switch, by what there could stand instead."""
    said = _OF_CLICK.match(message)
    if said is None or parameter is None:
        return message
    kind = parameter.type
    if isinstance(kind, click.types.BoolParamType):
        return f"{said[1]} is neither true nor false."
    if not isinstance(kind, click.IntRange | click.FloatRange):
        return f"{said[1]} is no number."
    number = "whole number" if isinstance(kind, click.IntRange) else "number"
    match kind.min, kind.max:
        case None, None:
            return f"{said[1]} is no {number}."
        case least, None:
            return f"{said[1]} is no {number} {'above' if kind.min_open else 'of at least'} {least:g}."
        case least, most:
            return f"{said[1]} is no {number} from {least or 0:g} to {most:g}."


def source_of(context: click.Context | None, parameter: click.Parameter | None) -> str:
    """Where an option's value came from, if not from the command line: a variable or a file, in words; or nothing."""
    if context is None or not isinstance(parameter, click.Option) or parameter.name is None:
        return ""
    match context.get_parameter_source(parameter.name):
        case click.core.ParameterSource.ENVIRONMENT:
            names = [parameter.envvar] if isinstance(parameter.envvar, str) else list(parameter.envvar or ())
            return next((name for name in names if os.environ.get(name)), "")
        case click.core.ParameterSource.DEFAULT_MAP:
            return f"[{TABLE}.{context.info_name}] {key_of(parameter)}"
        case _:
            return ""
