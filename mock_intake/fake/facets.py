"""Facets of every kind, made after the tables of facts: a facet that is added there can be faked at once.

Texts and numbers come from ``samples``; where fields of a facet must agree with each other or with the event,
``scene`` knows better.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, assert_never

from mock_intake.fake.estate import PRODUCER
from mock_intake.fake.samples import sample
from mock_intake.fake.scene import AGREEING, Scene, draw_uuid, rfc3339
from mock_intake.model.event import Entity, JsonObject
from mock_intake.openlineage.facts import FACETS, Facet
from mock_intake.openlineage.facts.notation import (
    BASE_OF,
    AnyOf,
    Anything,
    Array,
    Base,
    Const,
    Enum,
    Map,
    Named,
    Object,
    OneOf,
    Scalar,
    Type,
)
from mock_intake.openlineage.schema import facet_id, version_fields

# Beyond this many levels nothing optional is made any more, and of several types the first is taken: the
# ones that recurse are never first.
_DEPTH = 4


def keys_of(entity: Entity) -> list[str]:
    """The keys of the facets that an entity can have, in the order of the tables."""
    return list(_by_key(entity))


def make_facet(scene: Scene, entity: Entity, key: str, /, **fields: Any) -> JsonObject:
    """A facet in its latest version, with these fields in place of the ones made up; None leaves one out.

    Raises ``ValueError`` for a key that the standard does not have on this entity.
    """
    facet = _by_key(entity).get(key)
    if facet is None:
        raise ValueError(f"no facet of a {entity} has the key {key!r}; there are {', '.join(keys_of(entity))}")
    number = facet.versions[-1].number
    if facet.root is None:
        name, stated = facet.name, version_fields(facet, number)
    else:
        name, stated = _variant(facet, entity)
    known = (AGREEING[name](scene) if name in AGREEING else {}) | fields
    others = {field: of for field, of in stated.items() if field.removesuffix("!") not in known}
    made = {field: value for field, value in known.items() if value is not None}
    made |= _Maker(scene, key, _definitions(facet)).fields(others, something=not made)
    return {"_producer": PRODUCER, "_schemaURL": f"{facet_id(facet.name, number)}#/$defs/{name}", **made}


@cache
def _by_key(entity: Entity) -> Mapping[str, Facet]:
    found: dict[str, Facet] = {}
    for facet in FACETS:
        # A key can be that of two facets; the one that builds on the entity is meant.
        if entity in facet.entities and (facet.key not in found or facet.entities[0] == entity):
            found[facet.key] = facet
    return found


def _definitions(facet: Facet) -> Mapping[str, Type]:
    """The definitions of the latest version, which it can have from a version before."""
    stating = [version for version in facet.versions if version.definitions is not None or version.fields is not None]
    return stating[-1].definitions or {}


def _variant(facet: Facet, entity: Entity) -> tuple[str, Mapping[str, Type]]:
    """Of a facet with a form for each entity, the one for this entity."""
    for name, of in _definitions(facet).items():
        if isinstance(of, Base) and of.name == BASE_OF[entity]:
            return name, of.fields
    raise ValueError(f"{facet.name} has no form for a {entity}")


class _Maker:
    """Makes values of the types of one facet."""

    def __init__(self, scene: Scene, key: str, definitions: Mapping[str, Type]) -> None:
        self.scene = scene
        self.random = scene.random
        self.key = key
        self.definitions = definitions

    def fields(self, stated: Mapping[str, Type], *, something: bool) -> JsonObject:
        """The fields of the facet itself: those required, and some others; at least ``something``."""
        made = self._object(Object(stated), (), 0)
        if any(value not in ({}, [], "") for value in made.values()) or not something:
            return made
        return self._object(Object({f"{name}!": of for name, of in stated.items()}), (), 0)

    def _object(self, of: Object, path: tuple[str, ...], depth: int) -> JsonObject:
        named = {
            name.removesuffix("!"): kind for name, kind in of.fields.items() if name.endswith("!") or self._wants(depth)
        }
        if any(name in named for name in of.together):
            named |= {name: of.fields[name] for name in of.together}
        made = {name: self._value(kind, (*path, name), depth + 1) for name, kind in named.items()}
        return made | self._identity(made, path)

    def _identity(self, made: JsonObject, path: tuple[str, ...]) -> JsonObject:
        """What a namespace and a name stand for is one thing: a job or a dataset."""
        if "namespace" not in made or "name" not in made:
            return {}
        if made.get("type") == "JOB" or "job" in path:
            return {"namespace": self.scene.job.namespace, "name": self.scene.job.name}
        table = self.random.choice(self.scene.flow.inputs)
        identity = {"namespace": table.namespace, "name": table.name}
        return identity | ({"field": self.random.choice(table.columns).name} if "field" in made else {})

    def _wants(self, depth: int) -> bool:
        return depth <= _DEPTH and self.random.random() < 0.75

    def _value(self, of: Type, path: tuple[str, ...], depth: int) -> Any:
        match of:
            case Scalar():
                return self._scalar(of, path)
            case Anything():
                return sample(self.random, self.key, path, "string")
            case Array():
                count = 1 if depth > _DEPTH else self.random.randrange(1, 4)
                return [self._value(of.items, path, depth + 1) for _ in range(count)]
            case Map():
                return {key: self._value(of.values, (*path, "*"), depth + 1) for key in self._keys(path)}
            case Object():
                return self._object(of, path, depth)
            case Enum():
                return self.random.choice(of.values)
            case Const():
                return of.value
            case OneOf() | AnyOf():
                option = of.options[0] if depth > _DEPTH else self.random.choice(of.options)
                return self._value(option, path, depth)
            case Named():
                return self._value(self.definitions[of.name], path, depth)
            case Base():
                own = self._object(Object(of.fields), path, depth)
                return {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/facet.json", **own}
            case _:
                assert_never(of)

    def _scalar(self, of: Scalar, path: tuple[str, ...]) -> Any:
        if of.format == "date-time":
            return rfc3339(self.scene.started - timedelta(minutes=self.random.randrange(1, 600)))
        if of.format == "uuid":
            return draw_uuid(self.random)
        if of.format == "uri":
            return f"{PRODUCER}/{path[-1]}"
        value = sample(self.random, self.key, path, of.type)
        return max(of.minimum, value) if of.minimum is not None else value

    def _keys(self, path: tuple[str, ...]) -> list[str]:
        """Keys that are the producer's own: columns, where a facet is about columns."""
        if path[-1] == "facets":
            return []  # what is a facet there has no table
        if path[-1] in ("fields", "columnMetrics", "dimensions"):
            return [column.name for column in self.scene.table.columns]
        if path[-1] == "quantiles":
            return ["0.25", "0.5", "0.75"]
        return ["team", "tier"][: self.random.randrange(1, 3)]
