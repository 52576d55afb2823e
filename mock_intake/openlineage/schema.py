"""Compiles the tables of facts to JSON Schema documents under the official ``$id``s.

Pure functions of the tables: nothing is read from disk and nothing is fetched. Compiling all
documents takes a few milliseconds and happens when the first event is judged, not at import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, assert_never

from mock_intake.openlineage.facts import CORES, FACETS, Facet, Kind, Version
from mock_intake.openlineage.facts import core as core_facts
from mock_intake.openlineage.facts.notation import (
    BASE_OF,
    BOOLEAN,
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

Schema = dict[str, Any]

SPEC = "https://openlineage.io/spec"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def core_id(version: str) -> str:
    return f"{SPEC}/{version}/OpenLineage.json"


def facet_id(name: str, version: str) -> str:
    return f"{SPEC}/facets/{version}/{name}.json"


def _fields(fields: Mapping[str, Type], compile_type: Callable[[Type], Schema]) -> Schema:
    required = [name[:-1] for name in fields if name.endswith("!")]
    schema: Schema = {
        "type": "object",
        "properties": {name.removesuffix("!"): compile_type(of) for name, of in fields.items()},
    }
    if required:
        schema["required"] = required
    return schema


class _Compiler:
    """Compiles types of one document: where its own definitions and its base facets are found.

    With ``closed`` objects have no other fields than the standard's.
    """

    def __init__(self, definitions: str, base: Callable[[str], str], *, closed: bool = False) -> None:
        self.closed = closed
        self.definitions = definitions
        self.base = base

    def fields(self, fields: Mapping[str, Type]) -> Schema:
        return _fields(fields, self.compile)

    def compile(self, of: Type) -> Schema:
        match of:
            case Scalar():
                schema: Schema = {"type": of.type}
                if of.format is not None:
                    schema["format"] = of.format
                if of.minimum is not None:
                    schema["minimum"] = of.minimum
                return schema
            case Anything():
                return {}
            case Array():
                return {"type": "array", "items": self.compile(of.items)}
            case Map():
                return {"type": "object", "additionalProperties": self.compile(of.values)}
            case Object():
                schema = self.fields(of.fields)
                if of.closed or self.closed:
                    schema["additionalProperties"] = False
                if of.together:
                    schema["dependentRequired"] = {
                        name: [other for other in of.together if other != name] for name in of.together
                    }
                return schema
            case Enum():
                return {"type": "string", "enum": list(of.values)}
            case Const():
                return {"const": of.value}
            case OneOf():
                return {"oneOf": [self.compile(option) for option in of.options]}
            case AnyOf():
                return {"anyOf": [self.compile(option) for option in of.options]}
            case Named():
                return {"$ref": f"#/{self.definitions}/{of.name}"}
            case Base():
                reference: Schema = {"$ref": self.base(of.name)}
                if not of.fields:
                    return reference
                return {"type": "object", "allOf": [reference, self.fields(of.fields)]}
            case _:
                assert_never(of)


def version_fields(facet: Facet, number: str) -> Mapping[str, Type]:
    """The fields of version ``number`` of ``facet``, with what it takes over from the versions before.

    Raises ``KeyError`` where there is no such version.
    """
    fields: dict[str, Type] = {}
    for version in facet.versions:
        if version.fields is not None:
            fields = dict(version.fields)
        fields |= version.added
        if version.number == number:
            return fields
    raise KeyError(f"{facet.name} has no version {number}")


def version_definitions(facet: Facet, number: str) -> Mapping[str, Type]:
    """The definitions of one version's document, which it can have from a version before. Raises ``KeyError``."""
    definitions: Mapping[str, Type] = {}
    for version in facet.versions:
        if version.definitions is not None:
            definitions = version.definitions
        elif version.fields is not None:
            definitions = {}
        if version.number == number:
            return definitions
    raise KeyError(f"{facet.name} has no version {number}")


def compile_facet(facet: Facet, version: Version) -> Schema:
    """The JSON Schema document of one facet version: its definitions, and the facet under its key."""
    base = core_id(version.core) + "#/$defs/"
    compiler = _Compiler("$defs", lambda name: base + name)
    definitions = {name: compiler.compile(of) for name, of in version_definitions(facet, version.number).items()}
    root: Type = facet.root or Named(facet.name)
    if facet.root is None:
        fields = version_fields(facet, version.number)
        definitions[facet.name] = compiler.compile(Base(BASE_OF[facet.entities[0]], fields))
    key = version.key or facet.key
    document: Schema = {
        "$schema": DIALECT,
        "$id": facet_id(facet.name, version.number),
        "$defs": definitions,
        "type": "object",
        "properties": {key: compiler.compile(root)},
    }
    if facet.required_key:
        document["required"] = [key]
    return document


def compile_closed(facet: Facet, version: Version, others: Schema) -> Schema:
    """The JSON Schema of a facet with no other fields than the standard's, however deep; ``others`` are the base's.

    What it takes the facet's own schema takes: it asks more. For facets without ``root`` whose types are no choices of
    several: closing one of those could make it the only one that fits.
    """
    base = core_id(version.core) + "#/$defs/"
    compiler = _Compiler("$defs", lambda name: base + name, closed=True)
    schema = compiler.fields(version_fields(facet, version.number))
    schema["properties"].update(others)
    schema["additionalProperties"] = False
    schema["allOf"] = [{"$ref": base + BASE_OF[facet.entities[0]]}]
    definitions = version_definitions(facet, version.number)
    schema["$defs"] = {name: compiler.compile(of) for name, of in definitions.items()}
    return schema


def compile_plain(number: str, kind: Kind) -> Schema:
    """The JSON Schema of events of a kind with no other keys than the core has; facets may be any objects.

    What it takes the core takes, unless one of the facets is refused: for events whose facets are judged apart.
    """
    compiler = _Compiler("$defs", lambda name: f"#/$defs/{name}", closed=True)

    def entity(name: str, *facets: str) -> Schema:
        fields = compiler.fields(core_facts.ENTITY_FIELDS[name])
        fields["properties"].update({key: {"type": "object"} for key in ("facets", *facets)})
        return {**fields, "additionalProperties": False}

    schema = compiler.fields(_fields_of(kind, number))
    schema["additionalProperties"] = False
    schema["$defs"] = {
        "Run": entity("Run"),
        "Job": entity("Job"),
        "InputDataset": entity("Dataset", "inputFacets"),
        "OutputDataset": entity("Dataset", "outputFacets"),
        "StaticDataset": entity("Dataset"),
    }
    return schema


def compile_core(number: str) -> Schema:
    """The JSON Schema document of one core version, its root allowing the kinds that it knows."""
    core = CORES[number]
    compiler = _Compiler(core.definitions, lambda name: f"#/{core.definitions}/{name}")
    definitions: dict[str, Schema] = {"BaseFacet": compiler.fields(core_facts.BASE_FACET_FIELDS)}
    for base in BASE_OF.values():
        definitions[base] = {"type": "object", "allOf": [{"$ref": f"#/{core.definitions}/BaseFacet"}]}
        if base in core.deletable:
            definitions[base]["allOf"].append(compiler.fields({"_deleted": BOOLEAN}))

    def facets(base: str) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": {"$ref": f"#/{core.definitions}/{base}"}}
        inline = core.inline.get(base)
        if inline:
            schema["properties"] = {key: compiler.compile(of) for key, of in inline.items()}
        return schema

    for entity, base in (("Run", "RunFacet"), ("Job", "JobFacet"), ("Dataset", "DatasetFacet")):
        definitions[entity] = compiler.fields(core_facts.ENTITY_FIELDS[entity])
        definitions[entity]["properties"]["facets"] = facets(base)
    dataset = {"$ref": f"#/{core.definitions}/Dataset"}
    for name, key, base in (
        ("InputDataset", "inputFacets", "InputDatasetFacet"),
        ("OutputDataset", "outputFacets", "OutputDatasetFacet"),
    ):
        own = {"type": "object", "properties": {key: facets(base)}}
        definitions[name] = {"type": "object", "allOf": [dataset, own]}
    definitions["StaticDataset"] = {"type": "object", "allOf": [dataset]}
    for kind in core.kinds:
        definitions[kind] = _kind(kind, number, compiler)
    return {
        "$schema": DIALECT,
        "$id": core_id(number),
        core.definitions: definitions,
        "oneOf": [{"$ref": f"#/{core.definitions}/{kind}"} for kind in core.kinds],
    }


def _fields_of(kind: Kind, number: str) -> Mapping[str, Type]:
    fields = {**core_facts.COMMON_FIELDS, **core_facts.KIND_FIELDS[kind]}
    return {**fields, "eventType": core_facts.EVENT_TYPE[number]} if kind == "RunEvent" else fields


def _kind(kind: Kind, number: str, compiler: _Compiler) -> Schema:
    schema = compiler.fields(_fields_of(kind, number))
    never = core_facts.NEVER_TOGETHER.get(kind)
    if never and CORES[number].exclusive:
        schema["not"] = {"required": list(never)}
    return schema


@cache
def documents() -> Mapping[str, Schema]:
    """Every published document by its ``$id``: of the core and of facets, in all versions."""
    compiled = [compile_core(number) for number in CORES]
    compiled += [compile_facet(facet, version) for facet in FACETS for version in facet.versions]
    return {document["$id"]: document for document in compiled}
