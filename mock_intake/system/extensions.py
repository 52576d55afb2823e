"""What other packages bring: objects that they name in entry points of groups of this package's."""

from __future__ import annotations

from functools import cache
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, NamedTuple

COMMANDS = "mock_intake.commands"
"""The group of the command line's commands."""
# What every group of ours begins with. Only packages that have it are looked into: reading the entry points of all
# that is installed takes three times as long, which a pytest session would feel.
_OURS = "[mock_intake."


class ExtensionError(ValueError):
    """What a package brings and cannot be used; the message says which package, what is wrong, and what would do."""


class Extension(NamedTuple):
    """One entry point, loaded: its name, the object that it leads to, and the package (with version) that has it."""

    name: str
    value: Any
    package: str


@cache
def _with_extensions() -> tuple[tuple[Distribution, str], ...]:
    """The packages that bring something, each with the text of its entry points."""
    of_all = ((distribution, distribution.read_text("entry_points.txt")) for distribution in distributions())
    return tuple((distribution, text) for distribution, text in of_all if text and _OURS in text)


@cache
def _entry_points() -> tuple[tuple[EntryPoint, str], ...]:
    found = []
    seen: set[str] = set()
    for distribution, _ in _with_extensions():
        # The first on the path is the one that is imported.
        about = distribution.metadata  # read and parsed anew each time that it is asked for
        if about["Name"] not in seen:
            seen.add(about["Name"])
            package = f"{about['Name']} {about['Version']}"
            found += [(point, package) for point in distribution.entry_points]
    return tuple(found)


def points_of(group: str) -> list[tuple[EntryPoint, str]]:
    """The entry points of ``group``, each with the package (and its version) that has it, by their names.

    Nothing is loaded.
    """
    # Mostly nobody brings anything, and to read what packages say of themselves takes longer than all else here.
    if not any(f"[{group}]" in text for _, text in _with_extensions()):
        return []
    found = (one for one in _entry_points() if one[0].group == group)
    return sorted(found, key=lambda one: (one[1], one[0].name))


def load(point: EntryPoint, package: str) -> Any:
    """What ``point``, one of ``package``, leads to. Raises ``ExtensionError`` for what cannot be imported."""
    try:
        return point.load()
    except Exception as error:
        raise ExtensionError(
            f"{package}: its entry point {point.name} = {point.value} of {point.group} cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error


def extensions(group: str) -> list[Extension]:
    """What all packages bring to ``group``, by the names of packages and entry points.

    Raises ``ExtensionError`` for what cannot be imported.
    """
    return [Extension(point.name, load(point, package), package) for point, package in points_of(group)]
