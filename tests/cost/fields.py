"""Every field of an event, of which a generator makes much: no rule can be forgotten.

The event is the richest there is: one of each facet of the standard, with all of its fields. Of each text in it the
length grows, of each array the number of elements, of each object the number of keys and the length of one; and in
place of each something deep.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any, get_args

from mock_intake.fake.facets import keys_of
from mock_intake.model.literals import Entity
from mock_intake.openlineage.library import standard_library
from tests.cost.measuring import FULL, Dimension, Work
from tests.cost.requests import BODY, LETTERS, received, some, words
from tests.events import RUN_ID, dataset, run_event
from tests.openlineage.instances import Generator, seeded

Path = tuple[str | int, ...]
Grow = Callable[[Any, int, Random], Any]
# As one test among many one in so many is measured; all of them by make cost.
_ONE_IN = 1 if FULL else 24
_DEEP = 150


@cache
def richest() -> dict[str, Any]:
    """A run event with each facet of the standard in each of its places."""
    library = standard_library()
    generator = Generator(library.documents, seeded(3), full=True)
    facets = {
        entity: {
            key: generator.instance(schema.target)
            for key in keys_of(entity)
            if (schema := library.resolve(entity, key, None).schema) is not None
        }
        for entity in get_args(Entity)
    }
    described = {**dataset(), "facets": facets["dataset"]}
    return run_event(
        "COMPLETE",
        run={"runId": RUN_ID, "facets": facets["run"]},
        job={"namespace": "prod", "name": "load", "facets": facets["job"]},
        inputs=[{**described, "inputFacets": facets["input"]}],
        outputs=[{**described, "outputFacets": facets["output"]}],
    )


def _longer(value: Any, size: int, chance: Random) -> Any:
    return f"{value}{some(size, chance)}"


def _more_elements(value: Any, size: int, _chance: Random) -> Any:
    element = value[0] if value else {}
    return [element] * max(1, size // (len(json.dumps(element)) + 2))


def _more_keys(value: Any, size: int, chance: Random) -> Any:
    return {**value, **dict.fromkeys(words(size // 20, chance, LETTERS, 12), 1)}


def _a_long_key(value: Any, size: int, chance: Random) -> Any:
    return {**value, some(size, chance): {}}


def _deep(_value: Any, size: int, _chance: Random) -> Any:
    level: Any = [0] * (size // 3)
    for _ in range(_DEEP):
        level = {"a": level}
    return level


_GROWING: dict[type, dict[str, Grow]] = {
    str: {"length": _longer, "depth": _deep},
    list: {"elements": _more_elements, "depth": _deep},
    dict: {"keys": _more_keys, "length of a key": _a_long_key},
}


def _places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*path, 0))


def _grown(path: Path, grow: Grow) -> Callable[[int, Random], Work]:
    def make(size: int, chance: Random) -> Work:
        event = copy.deepcopy(richest())
        if not path:
            return received(json.dumps(grow(event, size, chance)), chance=chance)
        within: Any = event
        for part in path[:-1]:
            within = within[part]
        within[path[-1]] = grow(within[path[-1]], size, chance)
        return received(json.dumps(event), chance=chance)

    return make


def _dimensions() -> Iterator[Dimension]:
    for path, value in _places(richest()):
        for name, grow in _GROWING.get(type(value), {}).items():
            place = "/".join(map(str, path)) or "the event"
            yield Dimension(f"field: {place}, {name}", _grown(path, grow), BODY, 1 << 14)


DIMENSIONS = tuple(_dimensions())[::_ONE_IN]
