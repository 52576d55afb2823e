"""What a database and a line of an export keep of an exchange, derived from its definition: a column for each field.

The fields of a value within the exchange are columns as well, those of the request, of the response and of the event;
what is like an array (``Hop``, ``DatasetId``) or several is one column, as JSON. A column is called as the field is;
where an earlier field is called so, the name of the value stands before: ``id`` is the request's, ``event_id`` the
event's.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.json import Decoder
from msgspec.structs import FieldInfo
from msgspec.structs import fields as _fields_of

from mock_intake.model.encoding import to_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """The moment ``at`` as a database keeps it: microseconds since 1970, below zero before that."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The moment of so many microseconds, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


class Keeping(NamedTuple):
    """How values of a type are kept: the type in SQL, and the ways to what SQLite takes and back, None for as it is."""

    sql: str
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


# SQLite has no lone surrogates, which a str may hold: see rows.storable.
TEXT = Keeping("TEXT")
NUMBER = Keeping("INTEGER")
FLAG = Keeping("INTEGER", None, bool)
MOMENT = Keeping("INTEGER", microseconds, moment)
BYTES = Keeping("BLOB")
_BY_TYPE: dict[Any, Keeping] = {str: TEXT, int: NUMBER, bool: FLAG, datetime: MOMENT, bytes: BYTES}


def _keeping_of(kind: Any) -> Keeping:
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if typing.get_origin(kind) is Literal:
        return TEXT
    if isinstance(kind, type) and issubclass(kind, Enum):
        # A member is more than the text that sqlite3 knows how to bind. Calling a kind to get one takes a while.
        members = {member.value: member for member in kind}
        values = {member: member.value for member in kind}.__getitem__
        return Keeping("TEXT", values, lambda value: members.get(value) or kind(value))
    return Keeping("BLOB", to_json, _reader(kind))


def _reader(kind: Any) -> Callable[[bytes], Any]:
    decode = Decoder(kind).decode

    def read(data: bytes) -> Any:
        try:
            return decode(data)
        except msgspec.DecodeError:  # lone surrogates, which the standard library alone reads
            return msgspec.convert(json.loads(data), kind)

    return read


class Column(NamedTuple):
    """A field of an exchange as it is kept.

    ``path`` leads to the field from the exchange on; ``kind`` is its type, without None; ``optional`` tells that it may
    be None. ``part`` is the value within the exchange that the field belongs to where that may be None as a whole
    ("event"), else "". ``default`` is the value where none was kept, ``NODEFAULT`` if there is none.
    """

    name: str
    path: str
    kind: Any
    optional: bool
    part: str
    default: Any
    keeping: Keeping

    @property
    def sql(self) -> str:
        """Its type in SQL."""
        return self.keeping.sql + ("" if self.optional or self.part else " NOT NULL")

    @property
    def literal(self) -> str:
        """Its default in SQL. Raises ``TypeError`` where it has none."""
        if self.default is NODEFAULT:
            raise TypeError(f"{self.path} was added to what is kept, so it needs a default for what was kept before")
        value, write = self.default, self.keeping.write
        if value is not None and write is not None:
            value = write(value)
        if isinstance(value, bytes):
            return f"X'{value.hex()}'"
        if isinstance(value, str):
            quoted = value.replace("'", "''")
            return f"'{quoted}'"
        return "NULL" if value is None else str(int(value))

    @property
    def is_json(self) -> bool:
        """Whether it is kept as JSON."""
        return self.keeping.write is to_json


@cache
def fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    """The fields of a definition; their types are read from its source but once, as that takes time at every start."""
    return _fields_of(kind)


def columns_of(kind: type[Struct]) -> dict[str, Column]:
    """The columns of the definition ``kind`` by name, in the order of its fields."""
    found: dict[str, Column] = {}
    for path, part, field in _leaves(kind):
        *values, name = path.split(".")
        if name in found:
            name = "_".join((*values, name))
        bare, optional = without_none(field.type)
        found[name] = Column(name, path, bare, optional, part, _default(field), _keeping_of(bare))
    return found


def _leaves(kind: type[Struct], prefix: str = "", part: str = "") -> Iterator[tuple[str, str, FieldInfo]]:
    for field in fields(kind):
        path = prefix + field.name
        bare, optional = without_none(field.type)
        if is_part(bare):
            yield from _leaves(bare, f"{path}.", path if optional else part)
        else:
            yield path, part, field


def is_part(kind: Any) -> bool:
    """Whether the fields of the type ``kind`` are columns, rather than the whole of it one."""
    return isinstance(kind, type) and issubclass(kind, Struct) and not kind.__struct_config__.array_like


def without_none(kind: Any) -> tuple[Any, bool]:
    """A type without None, and whether it had that. Raises ``TypeError`` for other unions."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind, False
    some = [part for part in typing.get_args(kind) if part is not types.NoneType]
    if len(some) != 1:
        raise TypeError(f"{kind} can be kept in no column")
    return some[0], True


def _default(field: FieldInfo) -> Any:
    return field.default if field.default_factory is NODEFAULT else field.default_factory()
