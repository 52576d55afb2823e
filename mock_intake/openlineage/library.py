"""Finds the schema that holds for a core event or a facet, and the validator that decides on it.

Which schema holds for a facet is told by its ``_schemaURL``, else by the key it stands under (its latest
version). Users' own facets come as a directory of JSON Schema files, matched by ``$id`` or by key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import jsonschema_rs

from mock_intake.openlineage.facts import CORES, FACETS, Entity, Kind
from mock_intake.openlineage.schema import DIALECT, Schema, core_id, documents, facet_id

Validator = Callable[[Any], bool]

_DIALECTS = (
    DIALECT,
    DIALECT + "#",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",
)

_HTTP = re.compile(r"^http://(?=openlineage\.io/)")
_FACET_URL = re.compile(r"https?://openlineage\.io/spec/facets/(\d+-\d+-\d+)/(\w+)\.json(?:#(.*))?")
_CORE_URL = re.compile(
    r"https?://openlineage\.io/spec/(\d+-\d+-\d+)/OpenLineage\.json(?:#(?:/(?:\$defs|definitions)/(\w*))?)?"
)


class UserSchemaError(ValueError):
    """A user's facet schema that cannot be used; the message says which file and why."""


class CoreReference(NamedTuple):
    """What an event's ``schemaURL`` names: a core version, if published, and a definition, if any."""

    version: str | None
    definition: str | None


@lru_cache(maxsize=1024)
def core_reference(url: str) -> CoreReference:
    match = _CORE_URL.fullmatch(url)
    if match is None or match[1] not in CORES:
        return CoreReference(None, match[2] if match else None)
    return CoreReference(match[1], match[2] or None)


class Match(Enum):
    """How the schema of a facet was found, or why there is none."""

    EXACT = "its _schemaURL"
    WRONG_FRAGMENT = "its _schemaURL, whose fragment names nothing there"
    UNKNOWN_VERSION = "its key: the _schemaURL names a version that was never published"
    KEY = "its key"
    OTHER_FACET = "its _schemaURL, which belongs to another facet than the key"
    FOREIGN = "its key: the _schemaURL names no schema of the standard"
    CUSTOM = "nothing: a custom facet whose schema is not at hand"


@dataclass(frozen=True)
class FacetSchema:
    """One facet version: the standard's, or a user's own (``own``)."""

    name: str
    version: str
    key: str
    entities: tuple[Entity, ...]
    target: str
    registry: jsonschema_rs.Registry
    own: bool = False

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".rstrip()

    @cached_property
    def is_valid(self) -> Validator:
        return decider({"$ref": self.target}, self.registry)


class Resolution(NamedTuple):
    """The schema that holds for a facet, how it was found, and the entities its key belongs to.

    ``entities`` is empty when the key is no facet of the standard.
    """

    schema: FacetSchema | None
    match: Match
    entities: tuple[Entity, ...]


def decider(schema: Schema, registry: jsonschema_rs.Registry | None) -> Validator:
    """The validator that decides: formats checked, no reference ever fetched."""
    validator = jsonschema_rs.Draft202012Validator(schema, registry=registry, validate_formats=True, offline=True)
    return validator.is_valid


class FacetLibrary:
    """All schemas that facets and events are checked against: the standard's and the user's own.

    Built once; looking up is a dictionary access after the first time. Raises ``UserSchemaError``.
    """

    def __init__(self, own: Iterable[tuple[str, Schema]] = ()) -> None:
        own_documents = [_checked(source, schema) for source, schema in own]
        _all_different(own_documents)
        self.documents: Mapping[str, Schema] = {
            **documents(),
            **{document["$id"]: document for _, document in own_documents},
        }
        self.registry = _registry(self.documents)
        self._by_url: dict[str, FacetSchema] = {}
        self._latest: dict[tuple[Entity, str], FacetSchema] = {}
        self._entities: dict[str, tuple[Entity, ...]] = {}
        self._keys = {
            facet.name: {facet.key, *(version.key for version in facet.versions if version.key)} for facet in FACETS
        }
        self._own_by_key: dict[str, FacetSchema] = {}
        self._cache: dict[tuple[Entity, str, str | None], Resolution] = {}
        self._core: dict[tuple[str, Kind], Validator] = {}
        self._add_published()
        for source, document in own_documents:
            self._add_own(source, document)

    @classmethod
    def from_directory(cls, directory: Path) -> FacetLibrary:
        """A library with the facets of a directory of JSON Schema files (``*.json``) beside the standard's."""
        files = sorted(directory.glob("*.json"))
        if not files:
            raise UserSchemaError(f"{directory}: no *.json file there; facet schemas are read from such files")
        own = []
        for file in files:
            try:
                own.append((str(file), json.loads(file.read_text(encoding="utf-8"))))
            except (OSError, ValueError) as error:
                raise UserSchemaError(f"{file}: {error}") from error
            except RecursionError as error:
                raise UserSchemaError(f"{file}: nested too deeply to be a schema") from error
        return cls(own)

    def core(self, version: str, kind: Kind) -> Validator:
        """The validator of one kind of event in one core version that knows this kind."""
        found = self._core.get((version, kind))
        if found is None:
            found = self._core[version, kind] = decider({"$ref": self.core_target(version, kind)}, self.registry)
        return found

    @staticmethod
    def core_target(version: str, kind: Kind) -> str:
        return f"{core_id(version)}#/{CORES[version].definitions}/{kind}"

    def resolve(self, entity: Entity, key: str, url: str | None) -> Resolution:
        """The schema that holds for a facet with this key and ``_schemaURL`` on this entity."""
        found = self._cache.get((entity, key, url))
        if found is None:
            found = self._resolve(entity, key, url)
            if len(self._cache) < 10_000:  # hostile keys must not fill the memory
                self._cache[entity, key, url] = found
        return found

    def _resolve(self, entity: Entity, key: str, url: str | None) -> Resolution:
        entities = self._entities.get(key, ())
        by_key = self._own_by_key.get(key) or self._by_key(entity, key, entities)
        fallback = Match.KEY if by_key else Match.CUSTOM
        if url is None:
            return Resolution(by_key, fallback, entities)
        url = _HTTP.sub("https://", url)
        address, _, fragment = url.partition("#")
        if own := self._by_url.get(address):
            if own.own:
                return Resolution(own, Match.EXACT, entities)
            exact = self._by_url.get(url)
            if entities and key not in self._keys[own.name]:
                return Resolution(exact or own, Match.OTHER_FACET, entities)
            if exact is None and fragment:
                return Resolution(own, Match.WRONG_FRAGMENT, entities)
            return Resolution(exact or own, Match.EXACT, entities)
        if by_key is None or by_key.own:
            return Resolution(by_key, fallback, entities)
        named = _FACET_URL.fullmatch(url)
        if named and named[2] in self._keys:
            return Resolution(by_key, Match.UNKNOWN_VERSION, entities)
        if _CORE_URL.fullmatch(url):
            return Resolution(by_key, Match.KEY, entities)
        return Resolution(by_key, Match.FOREIGN, entities)

    def _by_key(self, entity: Entity, key: str, entities: tuple[Entity, ...]) -> FacetSchema | None:
        if found := self._latest.get((entity, key)):
            return found
        return self._latest[entities[0], key] if entities else None

    def _add_published(self) -> None:
        entities: dict[str, list[Entity]] = {}
        for facet in FACETS:
            for version in facet.versions:
                address = facet_id(facet.name, version.number)
                key = version.key or facet.key
                names = [facet.name] if facet.root is None else []
                names += [name for name in (version.definitions or {}) if name.endswith("Facet")]
                whole = f"{address}#/properties/{key}" if facet.root else f"{address}#/$defs/{facet.name}"
                schema = FacetSchema(facet.name, version.number, key, facet.entities, whole, self.registry)
                self._by_url[address] = self._by_url[address + "#"] = schema
                for name in names:
                    target = f"{address}#/$defs/{name}"
                    self._by_url[target] = (
                        schema
                        if target == whole
                        else FacetSchema(name, version.number, key, facet.entities, target, self.registry)
                    )
                self._by_url[f"{address}#/properties/{key}"] = schema
                for entity in facet.entities:
                    present = self._latest.get((entity, key))
                    if present is None or present.name == facet.name or facet.entities[0] == entity:
                        self._latest[entity, key] = schema
                    known = entities.setdefault(key, [])
                    if entity not in known:
                        known.append(entity)
        self._entities = {key: tuple(found) for key, found in entities.items()}

    def _add_own(self, source: str, document: Schema) -> None:
        address = document["$id"].rstrip("#")
        properties = document.get("properties")
        keys = list(properties) if isinstance(properties, dict) else []
        if len(keys) != 1:
            raise UserSchemaError(
                f"{source}: a facet schema names the facet's key as its one property, as the standard's do; "
                f"this one has {len(keys)} ({', '.join(keys) or 'none'})"
            )
        pointer = quote(keys[0].replace("~", "~0").replace("/", "~1"), safe="~")
        target = f"{address}#/properties/{pointer}"
        name = address.rsplit("/", 1)[-1].removesuffix(".json")
        schema = FacetSchema(name, "", keys[0], (), target, self.registry, own=True)
        try:
            schema.is_valid({})
        except ValueError as error:
            raise UserSchemaError(f"{source}: {error}") from error
        self._by_url[address] = schema
        self._own_by_key[keys[0]] = schema


def _registry(all_documents: Mapping[str, Schema]) -> jsonschema_rs.Registry:
    try:
        return jsonschema_rs.Registry(list(all_documents.items()), draft=jsonschema_rs.Draft202012)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise UserSchemaError(
            f"a facet schema refers to a document that is not at hand: {error}. "
            "References are never fetched: put the document into the same directory."
        ) from error


def _all_different(own: Iterable[tuple[str, Schema]]) -> None:
    first: dict[str, str] = {}
    for source, document in own:
        identity = document["$id"].rstrip("#")
        if identity in first:
            raise UserSchemaError(f'{source}: its "$id" {identity} is that of {first[identity]} too')
        first[identity] = source


def _checked(source: str, schema: Any) -> tuple[str, Schema]:
    if not isinstance(schema, dict):
        raise UserSchemaError(f"{source}: a JSON Schema is an object")
    if not isinstance(schema.get("$id"), str) or not schema["$id"].startswith(("http://", "https://", "urn:")):
        raise UserSchemaError(f'{source}: needs an "$id" (the absolute URI that _schemaURL will name)')
    if schema["$id"].rstrip("#") in documents():
        raise UserSchemaError(f'{source}: its "$id" {schema["$id"]} is one of the standard\'s own schemas')
    dialect = schema.get("$schema", DIALECT)
    if dialect not in _DIALECTS:
        known = ", ".join(_DIALECTS)
        raise UserSchemaError(f'{source}: its "$schema" {dialect!r} is no dialect that is known here: {known}')
    try:
        jsonschema_rs.meta.validate(schema)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise UserSchemaError(f"{source}: no valid JSON Schema: {error}") from error
    return source, schema


@lru_cache(maxsize=1)
def standard_library() -> FacetLibrary:
    """The library of the standard's own schemas, shared by whoever needs no more than that."""
    return FacetLibrary()
