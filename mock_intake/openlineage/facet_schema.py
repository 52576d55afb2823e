"""The schema of one facet version, with the validators that decide on facets by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

import jsonschema_rs
from msgspec import Struct

from mock_intake.openlineage.facts import LATEST_CORE, Entity
from mock_intake.openlineage.schema import Schema, compile_core, core_id
from mock_intake.openlineage.shapes import NO_SHAPE, Shape

Validator = Callable[[Any], bool]

# What every facet may have, and what the latest core asks of it beside what all versions do.
BASE_PROPERTIES: Schema = {"_producer": True, "_schemaURL": True, "_deleted": {"type": "boolean"}}
BASE_FIELDS = frozenset(BASE_PROPERTIES)

# What stands in a field that says nothing.
_HOLLOW: list[Any] = ["", [], {}, None]


def decider(schema: Schema, registry: jsonschema_rs.Registry | None) -> Validator:
    """The validator that decides: formats checked, no reference ever fetched."""
    validator = jsonschema_rs.Draft202012Validator(schema, registry=registry, validate_formats=True, offline=True)
    return validator.is_valid


@cache
def registry_of_core(version: str) -> jsonschema_rs.Registry:
    """The document of one core version alone: what the schemas of what is usual refer to at most.

    Most events have nothing in them for which all documents that there are would have to be compiled.
    """
    return jsonschema_rs.Registry([(core_id(version), compile_core(version))], draft=jsonschema_rs.Draft202012)


class FacetSchema(Struct, frozen=True, dict=True):
    """One facet version: the standard's, or a user's own (``own``).

    ``registry`` gives all documents that it may refer to. ``fields`` are the names that it knows, the base's among
    them; None where they are not a list. ``shape`` has what is deeper in it, and ``compile_closed`` makes the schema
    that allows no other fields, if there is one: of other documents that refers to ``core`` alone, the version on whose
    base facet it builds.
    """

    name: str
    version: str
    key: str
    entities: tuple[Entity, ...]
    target: str
    registry: Callable[[], jsonschema_rs.Registry]
    own: bool = False
    fields: frozenset[str] | None = None
    shape: Shape = NO_SHAPE
    core: str = LATEST_CORE
    compile_closed: Callable[[], Schema] | None = None

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".rstrip()

    def may_be_unusual(self, facet: Mapping[str, Any]) -> bool:
        """Whether there is something to look at beside what ``is_valid`` says: fields of somebody's own, or no content.

        Where there are objects in a facet, what is deeper may be unusual.
        """
        known = self.fields
        if known is None:
            return False
        if self.shape.fields or not facet.keys() <= known:
            return True
        return not any(value not in _HOLLOW for key, value in facet.items() if key not in BASE_FIELDS)

    @cached_property
    def is_valid(self) -> Validator:
        return decider({"$ref": self.target}, self.registry())

    @cached_property
    def is_usual(self) -> Validator:
        """Whether a facet is valid and there is nothing else to look at: no field of somebody's own, however deep, and
        some content.

        One question to the deciding library for what nearly all facets are, in place of several here.
        """
        if self.fields is None:
            return self.is_valid
        hollow = self._hollow(self.fields)
        # Schemas are compiled once they are asked: an event needs few of all that there are.
        if self.compile_closed is not None:
            return decider({**self.compile_closed(), "not": hollow}, registry_of_core(self.core))
        known = {"properties": dict.fromkeys(self.fields, True) | BASE_PROPERTIES, "additionalProperties": False}
        return decider({"allOf": [{"$ref": self.target}, known, {"not": hollow}]}, self.registry())

    def usual_at(self, url: str) -> Validator:
        """As ``is_usual``, for facets with this ``_schemaURL``, one of the standard's addresses: that it is this one is
        asked where that costs less than to read it as a URI.
        """
        if self.fields is None or self.compile_closed is None:
            return self.is_usual
        closed = self.compile_closed()
        base = {"_producer": {"type": "string", "format": "uri"}, "_schemaURL": {"const": url}}
        schema = {
            **closed,
            "properties": {**closed["properties"], **base},
            "required": [*closed.get("required", ()), *base],
            "not": self._hollow(self.fields),
        }
        # What its base asks is asked already.
        del schema["allOf"]
        return decider(schema, registry_of_core(self.core))

    @staticmethod
    def _hollow(fields: frozenset[str]) -> Schema:
        """That there is no content in any of the fields."""
        return {"properties": {key: {"enum": _HOLLOW} for key in fields - BASE_FIELDS}}
