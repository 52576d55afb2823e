"""The notation in which the tables beside this file state what OpenLineage's schemas require.

A table is plain data: one line a field, its name on the left and its type on the right, an ``!`` behind
the names that are required. ``mock_intake.openlineage.schema`` compiles tables to JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, field

from mock_intake.model.event import Entity

CORE_VERSIONS = ("1-0-0", "1-0-1", "1-0-2", "1-0-3", "1-0-4", "1-0-5", "2-0-0", "2-0-1", "2-0-2")
LATEST_CORE = CORE_VERSIONS[-1]


class Scalar(Struct, frozen=True):
    """A JSON type, with the format or the lower bound that the standard adds to it."""

    type: Literal["string", "integer", "number", "boolean"]
    format: Literal["date-time", "uri", "uuid"] | None = None
    minimum: int | None = None


class Anything(Struct, frozen=True):
    """Any JSON value."""


class Array(Struct, frozen=True):
    items: Type


class Map(Struct, frozen=True):
    """An object whose keys are the producer's own and whose values are all of one type."""

    values: Type


class Object(Struct, frozen=True):
    """An object with named fields; ``name!`` is required. Other fields are allowed unless ``closed``.

    ``together`` names fields of which none may be there without the others.
    """

    fields: Mapping[str, Type]
    closed: bool = False
    together: tuple[str, ...] = ()


class Enum(Struct, frozen=True):
    values: tuple[str, ...]


class Const(Struct, frozen=True):
    value: str


class OneOf(Struct, frozen=True):
    """Exactly one of several types."""

    options: tuple[Type, ...]


class AnyOf(Struct, frozen=True):
    """At least one of several types."""

    options: tuple[Type, ...]


class Named(Struct, frozen=True):
    """A definition of the same document, by name: how the standard shares types and recurses."""

    name: str


class Base(Struct, frozen=True):
    """The base facet of an entity in the core, e.g. ``RunFacet``, alone or with fields of its own."""

    name: str
    fields: Mapping[str, Type] = field(default_factory=dict)


Type: TypeAlias = Scalar | Anything | Array | Map | Object | Enum | Const | OneOf | AnyOf | Named | Base

STRING = Scalar("string")
INTEGER = Scalar("integer")
NUMBER = Scalar("number")
BOOLEAN = Scalar("boolean")
TIME = Scalar("string", "date-time")
URI = Scalar("string", "uri")
UUID = Scalar("string", "uuid")
ANY = Anything()

BASE_OF: dict[Entity, str] = {
    "run": "RunFacet",
    "job": "JobFacet",
    "dataset": "DatasetFacet",
    "input": "InputDatasetFacet",
    "output": "OutputDatasetFacet",
}


class Version(Struct, frozen=True):
    """One published version of a facet's schema.

    ``fields`` states the facet's fields anew, ``added`` adds to those of the version before; with
    neither, they are the same. ``core`` is the core version whose base facet it builds on; ``key`` is
    given where a version's key differs from the facet's present one.
    """

    number: str
    core: str = LATEST_CORE
    fields: Mapping[str, Type] | None = None
    added: Mapping[str, Type] = field(default_factory=dict)
    definitions: Mapping[str, Type] | None = None
    key: str | None = None


class Facet(Struct, frozen=True):
    """A facet of the standard: its name, the key it stands under, the entity it is on, its versions.

    ``entities`` are all entities on which producers rightly put it, the first being the one it builds
    on. ``root`` is the type of the keyed property where that is not simply the facet itself.
    """

    name: str
    key: str
    entities: tuple[Entity, ...]
    versions: tuple[Version, ...]
    root: Type | None = None
    required_key: bool = False
