"""Finds the schema that holds for a core event or a facet, and the validator that decides on it.

Which schema holds for a facet is told by its ``_schemaURL``, else by the key it stands under (its latest
version). Users' own facets come as a directory of JSON Schema files, matched by ``$id`` or by key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import jsonschema_rs

from mock_intake.model.event import plain
from mock_intake.openlineage.facet_schema import (
    BASE_FIELDS,
    BASE_PROPERTIES,
    FacetSchema,
    Validator,
    decider,
    registry_of_core,
)
from mock_intake.openlineage.facts import CORES, FACETS, LATEST_CORE, Entity, Kind
from mock_intake.openlineage.facts.notation import BASE_OF
from mock_intake.openlineage.facts.registry import REGISTERED_ALONE
from mock_intake.openlineage.schema import (
    DIALECT,
    Schema,
    compile_closed,
    compile_plain,
    core_id,
    documents,
    facet_id,
    version_definitions,
    version_fields,
)
from mock_intake.openlineage.shapes import NO_OTHER_KEYS, NO_SHAPE, has_shape, shape_of
from mock_intake.system.patterns import pattern_of

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
_OF_THE_STANDARD = pattern_of(r"https?://(?:www\.)?openlineage\.io(?:[/?#]|$)", re.IGNORECASE)
_FACET_URL = pattern_of(r"https?://openlineage\.io/spec/facets/(\d+-\d+-\d+)/(\w+)\.json(?:#(.*))?")
_CORE_URL = pattern_of(
    r"https?://openlineage\.io/spec/(\d+-\d+-\d+)/OpenLineage\.json(?:#(?:/(?:\$defs|definitions)/(\w*))?)?"
)


_KEY_OF_CLASS = {facet.name: facet.key for facet in FACETS}
# As the client's classes of old write some of them: SqlJobFacet, DataSourceDatasetFacet.
_KEY_OF_OLD_CLASS = {name.lower(): key for name, key in _KEY_OF_CLASS.items()}
_OLD_URL = pattern_of(
    r"https://raw\.githubusercontent\.com/OpenLineage/OpenLineage/[\w.-]+/spec/"
    r"(?:OpenLineage\.json#/definitions/(?P<definition>\w+)|facets/(?P<file>\w+)\.json(?:#.*)?)"
)
_LONGEST_NEAR_KEY = 64
# Hostile keys must not fill the memory.
_MOST_RIGHT_KEYS = 10_000
_MOST_USUAL = 10_000


class UserSchemaError(ValueError):
    """A user's facet schema that cannot be used; the message says which file and why."""


# What is longer (characters) is no name of the standard's, and is looked up anew each time.
_LONGEST_REMEMBERED = 512


class CoreReference(NamedTuple):
    """What an event's ``schemaURL`` names: a core version, if published, and a definition, if any."""

    version: str | None
    definition: str | None


def core_reference(url: str) -> CoreReference:
    """What an event's ``schemaURL`` names. Remembered, unless it is so long that it would fill the memory."""
    return _remembered_reference(url) if len(url) <= _LONGEST_REMEMBERED else _core_reference(url)


def _core_reference(url: str) -> CoreReference:
    match = _CORE_URL.fullmatch(url)
    if match is None or match[1] not in CORES:
        return CoreReference(None, match[2] if match else None)
    return CoreReference(match[1], match[2] or None)


_remembered_reference = lru_cache(maxsize=1024)(_core_reference)


class Match(Enum):
    """How the schema of a facet was found, or why there is none."""

    EXACT = "its _schemaURL"
    WRONG_FRAGMENT = "its _schemaURL, whose fragment names nothing there"
    UNKNOWN_VERSION = "its key: the _schemaURL names a version that was never published"
    KEY = "its key"
    OTHER_FACET = "its _schemaURL, which belongs to another facet than the key"
    FOREIGN = "its key: the _schemaURL names no schema of the standard"
    OLD_ADDRESS = "its key: the _schemaURL is the address that the facet had before it had versions"
    NEVER_PUBLISHED = "nothing: the _schemaURL is one of the standard's at which no schema was ever published"
    CUSTOM = "nothing: a custom facet whose schema is not at hand"


class Resolution(NamedTuple):
    """The schema that holds for a facet, how it was found, and the entities its key belongs to.

    ``entities`` is empty when the key is no facet of the standard.
    """

    schema: FacetSchema | None
    match: Match
    entities: tuple[Entity, ...]


def read_schemas(directory: Path) -> list[tuple[str, Schema]]:
    """The documents of the files ``*.json`` in ``directory``, each with the name of its file.

    Raises ``UserSchemaError`` for a directory without any and for a file that is no JSON.
    """
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
    return own


def never(_: Any) -> bool:
    """The validator that takes nothing."""
    return False


class FacetLibrary:
    """All schemas that facets and events are checked against: the standard's and the user's own.

    ``own`` are JSON Schema documents of facets, each with what it is called in errors. Built once; looking up is a
    dictionary access after the first time. Raises ``UserSchemaError`` for one that is no schema, has no ``$id``, or
    refers to what is not there.
    """

    def __init__(self, own: Iterable[tuple[str, Schema]] = ()) -> None:
        own_documents = [_checked(source, schema) for source, schema in own]
        _all_different(own_documents)
        self._own = {document["$id"]: document for _, document in own_documents}
        self._by_url: dict[str, FacetSchema] = {}
        self._latest: dict[tuple[Entity, str], FacetSchema] = {}
        self._entities: dict[str, tuple[Entity, ...]] = {}
        self._keys = {
            facet.name: {facet.key, *(version.key for version in facet.versions if version.key)} for facet in FACETS
        }
        self._own_by_key: dict[str, FacetSchema] = {}
        self._right_keys: dict[tuple[Entity, str, str | None], str | None] = {}
        self._cache: dict[tuple[Entity, str, str | None], Resolution] = {}
        self._usual: dict[tuple[Entity, str, str], Validator] = {}
        self.first_usual: Mapping[Entity, dict[str, tuple[str, Validator]]] = {entity: {} for entity in BASE_OF}
        """By entity and key the ``_schemaURL`` that facets came with first, and what ``usual`` says for it.

        That takes no facet with another address: so it is asked before the address is looked at.
        """
        self._core: dict[tuple[str, Kind], Validator] = {}
        self._usual_core: dict[tuple[str, Kind], Validator] = {}
        self._plain_core: dict[Kind, Validator] = {}
        self._has_base: dict[Entity, Validator] = {}
        self._add_published()
        if own_documents:
            # Not at the first event: what one of them refers to may not be there.
            _ = self.registry
        for source, document in own_documents:
            self._add_own(source, document)

    @cached_property
    def documents(self) -> Mapping[str, Schema]:
        """All documents, the standard's and the user's own, by their ``$id``."""
        return {**documents(), **self._own}

    @cached_property
    def registry(self) -> jsonschema_rs.Registry:
        """All documents, for validators to look up what a schema refers to.

        Compiled at the first facet that is unusual: others are judged without.
        """
        return _registry(self.documents)

    def _all_documents(self) -> jsonschema_rs.Registry:
        return self.registry

    @classmethod
    def from_directory(cls, directory: Path) -> FacetLibrary:
        """A library with the facets of the JSON Schema files (``*.json``) in ``directory`` beside the standard's.

        Raises ``UserSchemaError``, which names the file, for a directory without any and for a file that is no schema,
        or refers to what is not there: nothing is ever fetched.
        """
        return cls(read_schemas(directory))

    def core(self, version: str, kind: Kind) -> Validator:
        """The validator of events of ``kind`` in the core ``version``, which must know this kind."""
        found = self._core.get((version, kind))
        if found is None:
            schema = {"$ref": self.core_target(version, kind)}
            found = self._core[version, kind] = decider(schema, registry_of_core(version))
        return found

    def usual_core(self, version: str, kind: Kind) -> Validator:
        """The validator of events that the core takes and that have no keys but those which it has."""
        found = self._usual_core.get((version, kind))
        if found is None:
            schema = {"allOf": [{"$ref": self.core_target(version, kind)}, NO_OTHER_KEYS]}
            found = self._usual_core[version, kind] = decider(schema, registry_of_core(version))
        return found

    def plain_core(self, kind: Kind) -> Validator:
        """The validator of events of which the latest core says nothing, and no keys are others, if each of their
        facets is usual, or at least ``has_base`` takes it.
        """
        found = self._plain_core.get(kind)
        if found is None:
            found = self._plain_core[kind] = decider(compile_plain(LATEST_CORE, kind), None)
        return found

    def has_base(self, entity: Entity) -> Validator:
        """The validator of facets on this entity that have what the latest core asks of every one."""
        found = self._has_base.get(entity)
        if found is None:
            target = f"{core_id(LATEST_CORE)}#/{CORES[LATEST_CORE].definitions}/{BASE_OF[entity]}"
            found = self._has_base[entity] = decider({"$ref": target}, registry_of_core(LATEST_CORE))
        return found

    @cached_property
    def knows_all_keys(self) -> Validator:
        """The validator of events that have no keys but those which the core has."""
        return decider(NO_OTHER_KEYS, None)

    def usual(self, entity: Entity, key: str, url: str) -> Validator:
        """The validator of facets with this key and ``_schemaURL`` on this entity of which nothing needs to be said.

        It takes none where the key, the address or the place is unusual by itself.
        """
        found = self._usual.get((entity, key, url))
        if found is None:
            schema, match, entities = self.resolve(entity, key, url)
            as_usual = schema is not None and schema.fields is not None and entity in schema.entities and entities
            found, of_any_address = never, False
            if schema is not None and as_usual and match in (Match.EXACT, Match.KEY):
                # Of the standard's own addresses there are not many.
                of_any_address = url not in self._by_url or schema.compile_closed is None
                found = schema.is_usual if of_any_address else schema.usual_at(url)
            if len(self._usual) < _MOST_USUAL and len(key) + len(url) <= _LONGEST_REMEMBERED:
                self._usual[entity, key, url] = found
                if not of_any_address:
                    self.first_usual[entity].setdefault(key, (url, found))
        return found

    @staticmethod
    @cache
    def core_target(version: str, kind: Kind) -> str:
        return f"{core_id(version)}#/{CORES[version].definitions}/{kind}"

    def resolve(self, entity: Entity, key: str, url: str | None) -> Resolution:
        """The schema that holds for a facet with ``key`` and the ``_schemaURL`` ``url`` on ``entity``."""
        found = self._cache.get((entity, key, url))
        if found is None:
            found = self._resolve(entity, key, url)
            # Hostile keys must not fill the memory.
            if len(self._cache) < 10_000 and len(key) + len(url or "") <= _LONGEST_REMEMBERED:
                self._cache[entity, key, url] = found
        return found

    def right_key(self, entity: Entity, key: str, url: str | None) -> str | None:
        """The key of the standard's facet that stands under a key which is none of the standard's; None for others.

        It is known by its ``_schemaURL``, or by a key that differs from the right one in case, ``_`` or ``-``, or is
        the name of the facet's class.
        """
        if len(key) + len(url or "") > _LONGEST_REMEMBERED:
            return self._right_key(entity, key, url)
        place = entity, key, url
        if place not in self._right_keys:
            if len(self._right_keys) >= _MOST_RIGHT_KEYS:
                self._right_keys.clear()
            self._right_keys[place] = self._right_key(entity, key, url)
        return self._right_keys[place]

    def _right_key(self, entity: Entity, key: str, url: str | None) -> str | None:
        if key in self._entities or key in self._own_by_key:
            return None
        address = _HTTP.sub("https://", url or "").partition("#")[0]
        if named := self._by_url.get(address):
            return None if named.own else named.key
        version = _FACET_URL.fullmatch(address)
        if version and version[2] in _KEY_OF_CLASS:
            return _KEY_OF_CLASS[version[2]]
        if len(key) > _LONGEST_NEAR_KEY:
            return None
        # What names no schema of somebody's own was meant as the standard's, on whichever entity it stands.
        of_the_standard = url is None or _OF_THE_STANDARD.match(url) is not None
        near = self._near.get((entity, plain(key)))
        return near or (self._near.get((None, plain(key))) if of_the_standard else None)

    @cached_property
    def _near(self) -> Mapping[tuple[Entity | None, str], str]:
        """Keys of the standard by what is nearly one, by entity and on any."""
        near: dict[tuple[Entity | None, str], str] = {}
        for (entity, key), schema in self._latest.items():
            for name in (key, *_short_names(schema.name)):
                near.setdefault((entity, plain(name)), key)
        for (_, name), key in list(near.items()):
            near.setdefault((None, name), key)
        return near

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
        named = _FACET_URL.fullmatch(url)
        core = _CORE_URL.fullmatch(url)
        if by_key is None:
            if named and named[2] in _KEY_OF_CLASS:
                # Known by its address alone, the key being somebody's own.
                return Resolution(self._by_class(named[2]), Match.UNKNOWN_VERSION, entities)
            is_published = core is not None and core[1] in CORES
            is_registered = named is not None and named[2] in REGISTERED_ALONE
            if _OF_THE_STANDARD.match(url) and not is_published and not is_registered:
                return Resolution(None, Match.NEVER_PUBLISHED, entities)
        if by_key is None or by_key.own:
            return Resolution(by_key, fallback, entities)
        old = _OLD_URL.fullmatch(url)
        if old and _KEY_OF_OLD_CLASS.get((old["definition"] or old["file"]).lower()) == by_key.key:
            return Resolution(by_key, Match.OLD_ADDRESS, entities)
        if (named and named[2] in self._keys) or (core and core[1] not in CORES):
            return Resolution(by_key, Match.UNKNOWN_VERSION, entities)
        if core:
            return Resolution(by_key, Match.KEY, entities)
        return Resolution(by_key, Match.FOREIGN, entities)

    def _by_key(self, entity: Entity, key: str, entities: tuple[Entity, ...]) -> FacetSchema | None:
        if found := self._latest.get((entity, key)):
            return found
        return self._latest[entities[0], key] if entities else None

    def _by_class(self, name: str) -> FacetSchema:
        """The latest version of a facet of the standard."""
        return next(schema for schema in reversed(self._by_url.values()) if schema.name == name and not schema.own)

    def _add_published(self) -> None:
        entities: dict[str, list[Entity]] = {}
        for facet in FACETS:
            for version in facet.versions:
                address = facet_id(facet.name, version.number)
                key = version.key or facet.key
                names = [facet.name] if facet.root is None else []
                names += [name for name in version_definitions(facet, version.number) if name.endswith("Facet")]
                whole = f"{address}#/properties/{key}" if facet.root else f"{address}#/$defs/{facet.name}"
                fields = None if facet.root else _names(version_fields(facet, version.number)) | BASE_FIELDS
                has = has_shape(facet, version.number)
                schema = FacetSchema(
                    *(facet.name, version.number, key, facet.entities, whole, self._all_documents),
                    fields=fields,
                    shape=shape_of(facet, version.number) if has else NO_SHAPE,
                    core=version.core,
                    compile_closed=partial(compile_closed, facet, version, BASE_PROPERTIES) if has else None,
                )
                self._by_url[address] = self._by_url[address + "#"] = schema
                for name in names:
                    target = f"{address}#/$defs/{name}"
                    self._by_url[target] = (
                        schema
                        if target == whole
                        else FacetSchema(name, version.number, key, facet.entities, target, self._all_documents)
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
        schema = FacetSchema(name, "", keys[0], (), target, self._all_documents, own=True)
        try:
            schema.is_valid({})
        except ValueError as error:
            raise UserSchemaError(f"{source}: {error}") from error
        self._by_url[address] = schema
        self._own_by_key[keys[0]] = schema


def _names(fields: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name.removesuffix("!") for name in fields)


def _short_names(name: str) -> list[str]:
    """The name of a facet's class as people write it: whole, without Facet, without the entity, without both."""
    bare = name.removesuffix("Facet")
    names = [name, bare]
    for entity in ("InputDataset", "OutputDataset", "Dataset", "Run", "Job"):
        if bare.endswith(entity) and bare != entity:
            short = bare.removesuffix(entity)
            return [*names, short, short + "Facet"]
    return names


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
