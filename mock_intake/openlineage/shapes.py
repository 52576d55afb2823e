"""Which fields the objects of an event and of a facet have: by them those are known that nearly are one of these.

Of a facet's own fields its schema tells; here is what is deeper, in lists and objects of theirs. What a producer may
name itself, as columns in columnLineage, is no field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mock_intake.openlineage.facts.notation import AnyOf, Array, Base, Facet, Map, Named, Object, OneOf, Type
from mock_intake.openlineage.schema import Schema, version_definitions, version_fields

Path = tuple[str | int, ...]

_WITH_OBJECTS = (Array, Map, Object, Named)
_DEEPEST = 20
_MOST_OBJECTS = 2_000


# The keys that the core schema has in each place of an event.
CORE_KEYS: Mapping[str, tuple[str, ...]] = {
    "event": (
        *("eventType", "eventTime", "producer", "schemaURL"),
        *("run", "job", "dataset", "inputs", "outputs"),
    ),
    "run": ("runId", "facets"),
    "job": ("namespace", "name", "facets"),
    "dataset": ("namespace", "name", "facets"),
    "input": ("namespace", "name", "facets", "inputFacets"),
    "output": ("namespace", "name", "facets", "outputFacets"),
}


def _closed(place: str, **deeper: Schema) -> Schema:
    """A schema that allows the keys of a place and no others."""
    return {"properties": {**dict.fromkeys(CORE_KEYS[place], True), **deeper}, "additionalProperties": False}


NO_OTHER_KEYS = _closed(
    "event",
    run=_closed("run"),
    job=_closed("job"),
    dataset=_closed("dataset"),
    inputs={"items": _closed("input")},
    outputs={"items": _closed("output")},
)
"""That there are no keys in an event but those."""


class Shape(NamedTuple):
    """The types of a facet's fields in which there are objects, and the definitions that they refer to."""

    fields: Mapping[str, Type]
    definitions: Mapping[str, Type]

    def objects_in(self, facet: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], frozenset[str]]]:
        """The objects that stand in a facet, each with its path and the names of the fields that it may have.

        Of very many the first; none that is deeper than any that is real.
        """
        level: list[tuple[Path, Any, Type]] = [((name,), facet.get(name), of) for name, of in self.fields.items()]
        seen = 0
        for _ in range(_DEEPEST):
            deeper: list[tuple[Path, Any, Type]] = []
            for path, value, of in level:
                if isinstance(of, Named):
                    of = self.definitions.get(of.name, of)
                if isinstance(of, Array) and type(value) is list:
                    parts = enumerate(value[:_MOST_OBJECTS])
                    deeper += [((*path, index), item, of.items) for index, item in parts]
                elif isinstance(of, Map) and type(value) is dict:
                    deeper += [((*path, key), item, of.values) for key, item in list(value.items())[:_MOST_OBJECTS]]
                elif isinstance(of, Object) and type(value) is dict:
                    seen += 1
                    names = {name.removesuffix("!"): inner for name, inner in of.fields.items()}
                    yield path, value, frozenset(names)
                    deeper += [((*path, name), value[name], inner) for name, inner in names.items() if name in value]
            if not deeper or seen >= _MOST_OBJECTS:
                return
            level = deeper[: 2 * _MOST_OBJECTS]


NO_SHAPE = Shape({}, {})


def shape_of(facet: Facet, number: str) -> Shape:
    """The shape of one version of a facet, which ``has_shape``. Raises ``KeyError`` where there is no such version."""
    fields = {name.removesuffix("!"): of for name, of in version_fields(facet, number).items()}
    with_objects = {name: of for name, of in fields.items() if isinstance(of, _WITH_OBJECTS)}
    return Shape(with_objects, version_definitions(facet, number))


def has_shape(facet: Facet, number: str) -> bool:
    """Whether all parts of a facet are of one type: of a choice nobody knows which of several a part nearly is."""
    types = (*version_fields(facet, number).values(), *version_definitions(facet, number).values())
    return facet.root is None and not any(map(_is_choice, types))


def _is_choice(of: Type) -> bool:
    match of:
        case OneOf() | AnyOf():
            return True
        case Array():
            return _is_choice(of.items)
        case Map():
            return _is_choice(of.values)
        case Object() | Base():
            return any(map(_is_choice, of.fields.values()))
        case _:
            return False
