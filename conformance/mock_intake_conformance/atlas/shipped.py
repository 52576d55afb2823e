"""The atlas as it is shipped: a file of facts for each producer; what has changed against an older one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).parent / "measured"

Facts = Mapping[str, Any]
# What is another number each time.
_NO_CHANGE = ("measured", "mock_intake", "load", "install", "seconds", "start_late_by")
_LONGEST = 200
_SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")


class AtlasError(ValueError):
    """An atlas that cannot be read; the message says why."""


def read_atlas(directory: Path = MEASURED) -> dict[str, Facts]:
    """The facts of all producers by name. Raises ``AtlasError``."""
    found = {}
    for file in sorted(directory.glob("*.json")):
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
            found[str(facts["name"])] = facts
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AtlasError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if not found:
        raise AtlasError(f"{directory} has no file of an atlas (NAME.json)")
    return found


def write_facts(facts: Facts, directory: Path = MEASURED) -> Path:
    """Writes the facts of one producer; where they go."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{facts['name']}.json"
    file.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def changes(before: Mapping[str, Facts], now: Mapping[str, Facts]) -> list[str]:
    """What is otherwise now, each in a line; how long it took and when it was measured is no change."""
    lines = [f"{name}: was not there" for name in now if name not in before]
    lines += [f"{name}: is not there any more" for name in before if name not in now]
    for name in before:
        if name in now:
            lines += [f"{name}: {line}" for line in _differences(before[name], now[name], "")]
    return lines


def _differences(before: Any, now: Any, at: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            if key not in _NO_CHANGE:
                yield from _differences(before.get(key), now.get(key), f"{at}.{key}" if at else key)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _differences(old, new, f"{at}[{number}]")
    elif _steady(before) != _steady(now):
        yield f"{at}: {_short(before)} before, {_short(now)} now"


def _steady(value: Any) -> Any:
    """A value without the seconds that its words tell."""
    return _SECONDS.sub("N s", value) if isinstance(value, str) else value


def _short(value: Any) -> str:
    if value is None:
        return "not there"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
