"""The user's settings in ``[tool.mock-intake]`` of a pyproject.toml.

The file is looked for from the working directory upwards. Anything in it that is not understood is an error:
a setting that is silently ignored is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mock_intake.model.findings import Selection, Severity
from mock_intake.system.extensions import COMMANDS, points_of

TABLE = "tool.mock-intake"
_SETTINGS = ("select", "ignore", "severity", "facets", "guard")
GUARDS = ("intake", "datadog", "off")


class ConfigError(ValueError):
    """A setting that cannot be used; the message says which, where, and what would be right."""


class Config(Struct, frozen=True):
    """The settings: which rules are heard, and the directory of the user's own facet schemas, if any.

    ``guard`` is what producers under test are kept from: Datadog's intakes, all of Datadog, or nothing.
    """

    selection: Selection = field(default_factory=Selection)
    facets: Path | None = None
    guard: str = "intake"

    def with_options(self, select: Iterable[str], ignore: Iterable[str], facets: Path | None) -> Config:
        """These settings with what the command line says on top. Raises ``ConfigError`` for a code that no rule has.

        ``select`` takes the place of what the file selects, ``ignore`` adds to what it ignores (both codes or their
        beginnings); ``facets``, a directory of schemas, takes the place of the file's.
        """
        selection = self.selection
        if chosen := _codes(select, "--select"):
            selection = replace(selection, select=chosen)
        selection = replace(selection, ignore=selection.ignore | _codes(ignore, "--ignore"))
        return Config(selection, facets or self.facets, self.guard)


def find_config(start: Path) -> Path | None:
    """The nearest pyproject.toml, from ``start`` upwards, that has the table."""
    for directory in (start, *start.parents):
        file = directory / "pyproject.toml"
        if file.is_file() and _table(file):
            return file
    return None


def load_config(file: Path | None) -> Config:
    """The settings of a file; the default ones without a file. Raises ``ConfigError``."""
    if file is None:
        return Config()
    table = checked_table(file)
    where = f"{file}: [{TABLE}]"
    return Config(
        Selection(
            select=_codes(_strings(table, "select", where), f"{where} select"),
            ignore=_codes(_strings(table, "ignore", where), f"{where} ignore"),
            severity=_severities(table.get("severity", {}), f"{file}: [{TABLE}.severity]"),
        ),
        _directory(table.get("facets"), file),
        _guard(table.get("guard", "intake"), where),
    )


def checked_table(file: Path) -> dict[str, Any]:
    """The table of a file, empty where there is none. Raises ``ConfigError`` for a name in it that stands for nothing.

    What is in it beside the settings are tables of the commands' names, each with options of that command.
    """
    table = _table(file)
    for name, value in table.items():
        if name not in _SETTINGS and not (isinstance(value, dict) and _is_command(name)):
            raise ConfigError(
                f"{file}: [{TABLE}] has no setting {name!r}; there are {', '.join(_SETTINGS)}, "
                "and a table of options for each command"
            )
    return table


def _table(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: {error}") from error
    table = document.get("tool", {}).get("mock-intake", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {TABLE} is a table")
    return table


def _is_command(name: str) -> bool:
    return any(point.name == name for point, _ in points_of(COMMANDS))


def _strings(table: Mapping[str, Any], name: str, where: str) -> list[str]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f'{where} {name} is a list of rule codes, such as ["DD104", "OL2"]')
    return value


def codes_in(texts: Iterable[str]) -> list[str]:
    """Codes, or beginnings of such, in upper case: several may stand in one text, with commas between them."""
    return [code for text in texts for part in text.split(",") if (code := part.strip().upper())]


def _codes(codes: Iterable[str], where: str) -> frozenset[str]:
    """Codes and prefixes of codes (``codes_in``) that some rule has."""
    from mock_intake.judging.catalogue import RULES

    found = set()
    for code in codes_in(codes):
        if not any(known.startswith(code) for known in RULES):
            raise ConfigError(f"{where}: there is no rule {code}; mock-intake rules lists them")
        found.add(code)
    return frozenset(found)


def _severities(value: Any, where: str) -> dict[str, Severity]:
    if not isinstance(value, dict):
        raise ConfigError(f'{where} is a table such as {{ DD104 = "error" }}')
    severities = {}
    for code, severity in value.items():
        (known,) = _codes([code], where)
        try:
            severities[known] = Severity(severity)
        except ValueError:
            words = ", ".join(Severity)
            raise ConfigError(f"{where} {code}: the severity is one of {words}, not {severity!r}") from None
    return severities


def _guard(value: Any, where: str) -> str:
    if value not in GUARDS:
        raise ConfigError(f"{where} guard is one of {', '.join(GUARDS)}, not {value!r}")
    return str(value)


def _directory(value: Any, file: Path) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{file}: [{TABLE}] facets is the path of a directory")
    return file.parent / value
