"""Makes values that a JSON Schema accepts, and breaks them.

Whoever calls brings the choices: a function that picks one of ``n``. Hypothesis brings choices that it can
shrink; a seeded generator brings the same ones on every run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urljoin

Choose = Callable[[int], int]
Path = tuple[str | int, ...]

# Beyond this many levels nothing optional is made any more, and the first alternative is taken: the ones
# that recurse are never first.
_DEPTH = 14

_SAMPLES: Mapping[str | None, tuple[str, ...]] = {
    None: ("text", "", "2026-11-01", "naïve 文字"),
    "date-time": ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00.123456+02:00", "0000-01-01T00:00:00Z"),
    "uri": ("https://github.com/acme/etl", "urn:acme:etl", "https://openlineage.io/spec/x.json#/$defs/X"),
    "uuid": ("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d", "5F0B5CE7-9A8C-4F5B-B6A4-0A7D3F1C2B3D"),
}
_KEYS = ("custom", "parent", "documentation", "a/b~c", "")
_ANYTHING: tuple[Any, ...] = ("anything", 7, None, [1, "two"], {"three": 3.5})


class Unsatisfiable(Exception):  # noqa: N818  not an error of anybody's
    """A schema that accepts nothing, such as a reference to a document that never existed."""


class Generator:
    """Makes values that the schemas in ``documents`` accept.

    ``full`` ones have every optional field. ``mixed`` ones are all alternatives at once wherever there are
    alternatives, which is what "one of" refuses and "any of" doesn't.
    """

    def __init__(
        self, documents: Mapping[str, Any], choose: Choose, *, full: bool = False, mixed: bool = False
    ) -> None:
        self.documents = documents
        self.choose = choose
        self.full = full
        self.mixed = mixed

    def instance(self, target: str) -> Any:
        """A value that the schema at this address accepts."""
        return self._reference(target, "", 0)

    def _reference(self, reference: str, base: str, depth: int) -> Any:
        address, _, fragment = urljoin(base, reference).partition("#")
        if address not in self.documents:
            raise Unsatisfiable(address)
        schema = self.documents[address]
        for part in fragment.split("/")[1:]:
            schema = schema[part]
        return self._value(schema, address, depth)

    def _value(self, schema: Mapping[str, Any], base: str, depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._one_of(schema["enum"])
        parts = [self._reference(schema["$ref"], base, depth)] if "$ref" in schema else []
        parts += [self._value(part, base, depth) for part in schema.get("allOf", ())]
        parts += [self._option(schema[word], base, depth) for word in ("oneOf", "anyOf") if word in schema]
        if "type" in schema:
            parts.append(self._typed(schema, base, depth))
        if not parts:
            return self._one_of(_ANYTHING)
        if all(isinstance(part, dict) for part in parts):
            return {key: value for part in parts for key, value in part.items()}
        return parts[0]

    def _option(self, options: list[Any], base: str, depth: int) -> Any:
        if self.mixed and len(options) > 1 and depth <= _DEPTH:
            return self._all_of_them(options, base, depth + _DEPTH // 2)
        first = 0 if depth > _DEPTH else self.choose(len(options))
        for index in range(len(options)):
            try:
                return self._value(options[(first + index) % len(options)], base, depth)
            except Unsatisfiable:
                continue
        raise Unsatisfiable(base)

    def _all_of_them(self, options: list[Any], base: str, depth: int) -> dict[str, Any]:
        mixed: dict[str, Any] = {}
        for option in options:
            with suppress(Unsatisfiable):
                mixed |= self._value(option, base, depth)
        return mixed

    def _typed(self, schema: Mapping[str, Any], base: str, depth: int) -> Any:
        match schema["type"]:
            case "object":
                return self._object(schema, base, depth + 1)
            case "array":
                count = 0 if depth > _DEPTH else 1 + self.choose(2) if self.full else self.choose(3)
                return [self._value(schema.get("items", {}), base, depth + 1) for _ in range(count)]
            case "string":
                return self._one_of(_SAMPLES[schema.get("format")])
            case "integer":
                return schema.get("minimum", 0) + self._one_of((0, 3, 2**53, 4.0))
            case "number":
                return self._one_of((0, 3, -2.5, 1e300))
            case "boolean":
                return bool(self.choose(2))
            case other:
                raise NotImplementedError(other)

    def _object(self, schema: Mapping[str, Any], base: str, depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        required = schema.get("required", ())
        together: Mapping[str, list[str]] = schema.get("dependentRequired", {})
        names = {name for name in properties if name in required or self._wants(depth)}
        names |= {other for name in names for other in together.get(name, ())}
        made = {
            name: self._value(properties.get(name, {}), base, depth)
            for name in [*properties, *required]
            if name in names or name in required
        }
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            free = [key for key in _KEYS if key not in properties]
            first = self.choose(len(free))
            made |= {key: self._value(extra, base, depth) for key in free[first:][:2] if self._wants(depth)}
        return made

    def _wants(self, depth: int) -> bool:
        return depth <= _DEPTH and (self.full or self.choose(2) == 1)

    def _one_of(self, values: Any) -> Any:
        return values[self.choose(len(values))]


def seeded(seed: int) -> Choose:
    """Choices that are the same on every run."""
    return random.Random(seed).randrange


class Change(NamedTuple):
    """One thing done to a value: where, what, and what stands there then."""

    whole: Any
    path: Path
    what: str
    new: Any

    @property
    def value(self) -> Any:
        """The whole value, changed."""
        return _with(self.whole, self.path, self.new)


_WRONG: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 2.5, 2**63, -1e300, "", "text", [], [None], ["text"], {}, {"a": 1},
)  # fmt: skip
_STRINGS = (
    "2026-11-01T12:00:00",
    "2026-11-01 12:00:00Z",
    "2026-11-01T12:00:00+02:00[Europe/Berlin]",
    "2016-12-31T23:59:60Z",
    "2026-13-01T12:00:00Z",
    "no uri",
    "/a/path",
    "https://acme.example/a b",
    "5f0b5ce79a8c4f5bb6a40a7d3f1c2b3d",
    "{5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d}",
)
_DELETED: tuple[Any, ...] = (True, False, "yes", 0, None, {})


def words(schema: Any) -> frozenset[str]:
    """All the values that a schema lists: of enums, and constants."""
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    listed = [*schema.get("enum", ()), schema.get("const")] if isinstance(schema, dict) else []
    return frozenset(word for word in listed if isinstance(word, str)).union(*map(words, children))


def changes(value: Any, vocabulary: Iterable[str] = ()) -> Iterator[Change]:
    """Every single change of a value: whatever a producer could get wrong at one place of it.

    ``vocabulary`` are words that mean something to the schema; each is tried wherever there is a text.
    """
    for path, old in _places(value):
        for new in _WRONG:
            yield Change(value, path, f"is {new!r}", new)
        yield Change(value, path, "wrapped in an array", [old])
        yield Change(value, path, "wrapped in an object", {"value": old})
        if isinstance(old, str):
            for new in (*vocabulary, *_STRINGS, old + "\n", " " + old, old.lower(), old.upper(), old + "X"):
                yield Change(value, path, f"is {new!r}", new)
        elif isinstance(old, dict):
            yield from _object_changes(value, path, old)
        elif isinstance(old, list):
            for new in _WRONG:
                yield Change(value, path, f"also holds {new!r}", [*old, new])
            yield Change(value, path, "holds everything twice", old + old)


def _object_changes(value: Any, path: Path, old: dict[str, Any]) -> Iterator[Change]:
    for key in old:
        rest = {name: item for name, item in old.items() if name != key}
        yield Change(value, path, f"without {key!r}", rest)
        yield Change(value, path, f"{key!r} in upper case", {**rest, key.upper(): old[key]})
    for extra in ("unexpected", "namespace", "name", "run", "job", "inputs"):
        if extra not in old:
            yield Change(value, path, f"with {extra!r}", {**old, extra: {"a": 1}})
            yield Change(value, path, f"with {extra!r} as text", {**old, extra: "text"})
    yield Change(value, path, "with run and job", {**old, "run": {}, "job": {}})
    for deleted in _DELETED:
        yield Change(value, path, f"with _deleted {deleted!r}", {**old, "_deleted": deleted})


def _places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield from _places(item, (*path, key))


def _with(value: Any, path: Path, new: Any) -> Any:
    """A copy of a value with another one at a place of it; what stays the same is shared."""
    if not path:
        return new
    here = copy = value.copy()
    # Not by itself for each step: it is done some hundred thousand times.
    for key in path[:-1]:
        here[key] = here = here[key].copy()
    here[path[-1]] = new
    return copy
