"""JSON Schema (2020-12) of a type: of the shapes that leave the process, and of the values that are kept.

So what is documented, and what is taken back in, is derived from what is defined.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Union

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}
_PLAIN: dict[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    bytes: {"type": "string"},  # in base64
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    types.NoneType: NULL,
}


def schema_of(kind: Any, references: Mapping[Any, str] | None = None, *, taken: bool = False) -> Schema:
    """The schema of a type: a plain one, an enumeration, a container, a TypedDict or a Struct, or one of these or None.

    The annotations of an ``Annotated`` type are further keywords of its schema, with their values. An object has its
    fields and no others; a Struct that is like an array is one. ``references`` are the types that have a place of their
    own, with the reference to it; the type itself is written out. ``taken`` is for what is taken in: fields of a Struct
    that have a default may be missing, as an earlier version may not have known them. Raises ``TypeError`` for what has
    no schema here.
    """
    return _Writer(references or {}, taken=taken).written_out(kind)


class _Writer:
    def __init__(self, references: Mapping[Any, str], *, taken: bool) -> None:
        self._references = references
        self._taken = taken

    def schema(self, kind: Any) -> Schema:
        if kind in self._references:
            return {"$ref": self._references[kind]}
        return self.written_out(kind)

    def written_out(self, kind: Any) -> Schema:
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is Annotated:
            return {**self.schema(arguments[0]), **dict(arguments[1:])}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is types.NoneType:
            return _or_none(self.schema(arguments[0]))
        if origin is list or (origin is tuple and arguments[1:] == (...,)):
            return {"type": "array", "items": self.schema(arguments[0])}
        if origin is tuple:
            return _array([self.schema(part) for part in arguments], len(arguments))
        if origin is dict and arguments[0] is str:
            values = {} if arguments[1] is Any else {"additionalProperties": self.schema(arguments[1])}
            return {"type": "object", **values}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self._struct(kind)
        if typing.is_typeddict(kind):
            return self._typed_dict(kind)
        raise TypeError(f"there is no schema of {kind!r}")

    def _struct(self, kind: type[Struct]) -> Schema:
        properties = {field.name: self.schema(field.type) for field in fields(kind)}
        required = [field.name for field in fields(kind) if not self._taken or _has_no_default(field)]
        if kind.__struct_config__.array_like:
            return _array(list(properties.values()), len(required))
        return _object(properties, required)

    def _typed_dict(self, kind: Any) -> Schema:
        properties, required = {}, []
        for name, hint in typing.get_type_hints(kind, include_extras=True).items():
            if typing.get_origin(hint) is NotRequired:
                hint = typing.get_args(hint)[0]
            else:
                required.append(name)
            properties[name] = self.schema(hint)
        return _object(properties, required)


def _has_no_default(field: Any) -> bool:
    return field.default is NODEFAULT and field.default_factory is NODEFAULT


def _or_none(schema: Schema) -> Schema:
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if schema.get("type") in ("string", "integer", "number", "boolean"):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, NULL]}


def _array(parts: list[Schema], least: int) -> Schema:
    return {"type": "array", "prefixItems": parts, "minItems": least, "maxItems": len(parts)}


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
