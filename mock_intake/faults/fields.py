"""What the fields of a fault plan's objects take: each kind of value with its parsing, its JSON and its schema.

A field is defined once, in a dataclass:

    times: int | None = field(default=1, metadata=described(Whole(...), "for how many requests", "`1`"))

From there it is parsed, shown, described in the OpenAPI document, and documented. Messages say what would be right
and name the field; ``FaultError`` carries them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from mock_intake.system.patterns import pattern_of

Schema = dict[str, Any]

# The whole numbers that all readers of JSON agree on (RFC 8259, section 6).
MAX_WHOLE = 2**53 - 1
# A header's name, by RFC 9110.
_TOKEN = pattern_of(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What may stand in a header's value; other bytes are legal there too, but no text says which they are.
_PRINTABLE = "^[ -~]*$"

REQUIRED = "required"

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}


class FaultError(ValueError):
    """A plan that cannot be understood; the message says what would be right."""


class Kind(Protocol):
    """The values that a field takes. ``given`` is the schema of what may be said, ``shown`` of what is answered."""

    @property
    def given(self) -> Schema: ...

    @property
    def shown(self) -> Schema: ...

    def parse(self, value: Any, name: str) -> Any:
        """The value that was meant. Raises ``FaultError``, which names the field."""
        ...

    def to_json(self, value: Any) -> Any: ...


class Field(NamedTuple):
    """A field: its name in JSON, its attribute in Python; ``help`` and ``default`` are Markdown for the docs."""

    name: str
    attribute: str
    kind: Kind
    help: str
    default: str


_DESCRIPTION = "mock_intake.field"


def described(kind: Kind, help: str, default: str, name: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Metadata of a dataclass's field: all that is to be known of it but its attribute. ``name`` is that in JSON."""
    return {_DESCRIPTION: (name, kind, help, default)}


@cache
def fields_of(kind: type) -> tuple[Field, ...]:
    """The fields of ``kind``, one of the dataclasses whose fields are ``described``, in their order."""
    found = []
    for each in fields(kind):
        name, *more = each.metadata[_DESCRIPTION]
        found.append(Field(name or each.name, each.name, *more))
    return tuple(found)


@cache
def _names_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(kind))


def check_names(given: Mapping[str, Any], kind: type, what: str) -> None:
    """Raises ``FaultError`` for a field that objects of this dataclass do not have."""
    known = _names_of(kind)
    for name in given:
        if name not in known:
            raise FaultError(f"{what} has no field {str(name)[:40]!r}; there are {', '.join(known)}")


def parsed(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The attributes that a JSON object gives to a dataclass. Raises ``FaultError``."""
    return {
        field.attribute: field.kind.parse(given[field.name], field.name)
        for field in fields_of(kind)
        if field.name in given
    }


def to_json(value: Any) -> dict[str, Any]:
    """``value``, one of the dataclasses that describe their fields, as a JSON object with all of these."""
    kind: type = type(value)
    return {field.name: field.kind.to_json(getattr(value, field.attribute)) for field in fields_of(kind)}


def given_properties(kind: type) -> dict[str, Schema]:
    """JSON Schemas, by name, of the fields that an object of ``kind`` may be given with, each with what it means."""
    return {field.name: {**field.kind.given, "description": _sentence(field)} for field in fields_of(kind)}


def shown_properties(kind: type) -> dict[str, Schema]:
    """The JSON Schemas, by name, of the fields that an object of ``kind`` is answered with: all of them, none
    described.
    """
    return {field.name: field.kind.shown for field in fields_of(kind)}


def _sentence(field: Field) -> str:
    sentence = f"{field.help[:1].upper()}{field.help[1:]}."
    return sentence if field.default == REQUIRED else f"{sentence} Default: {field.default}."


class _Same(Struct, frozen=True):
    """For values that are in JSON what they are in Python."""

    def to_json(self, value: Any) -> Any:
        return value


class Whole(_Same, frozen=True):
    """A whole number. ``what`` says what else than such a number it should be, ``beyond`` one that is too far out.

    ``least`` None is as far down as readers of JSON agree.
    """

    what: str
    beyond: str
    least: int | None = None
    nullable: bool = False

    @property
    def given(self) -> Schema:
        kind = ["integer", "null"] if self.nullable else "integer"
        return {"type": kind, "minimum": -MAX_WHOLE if self.least is None else self.least, "maximum": MAX_WHOLE}

    @property
    def shown(self) -> Schema:
        return self.given

    def parse(self, value: Any, name: str) -> int | None:
        if value is None and self.nullable:
            return None
        number = whole(value)
        if number is None or (self.least is not None and number < self.least):
            raise FaultError(f"{name} is {self.what}")
        if abs(number) > MAX_WHOLE:
            raise FaultError(f"{name} is {self.beyond}")
        return number


class Number(_Same, frozen=True):
    """A number from 0 to ``most``; ``absent`` is what null stands for."""

    most: float
    absent: float | None
    unit: str = ""

    @property
    def given(self) -> Schema:
        return {"type": ["number", "null"], "minimum": 0, "maximum": self.most}

    @property
    def shown(self) -> Schema:
        return self.given if self.absent is None else {"type": "number", "minimum": 0}

    def parse(self, value: Any, name: str) -> float | None:
        if value is None:
            return self.absent
        if not _is_number(value) or not 0 <= value <= self.most:
            raise FaultError(f"{name} is a number{self.unit} from 0 to {self.most:g}")
        return float(value)


class Flag(_Same, frozen=True):
    @property
    def given(self) -> Schema:
        return {"type": "boolean"}

    @property
    def shown(self) -> Schema:
        return self.given

    def parse(self, value: Any, name: str) -> bool:
        if not isinstance(value, bool):
            raise FaultError(f"{name} is true or false")
        return value


class Text(_Same, frozen=True):
    """A text, or null. ``printable`` ones can be the value of a header."""

    what: str = "a text"
    filled: bool = False
    printable: bool = False

    @property
    def given(self) -> Schema:
        if self.printable:
            return {"anyOf": [{"type": "string", "pattern": _PRINTABLE}, {"type": "null"}]}
        return {**MAYBE_TEXT, "minLength": 1} if self.filled else MAYBE_TEXT

    @property
    def shown(self) -> Schema:
        return MAYBE_TEXT if self.printable else self.given

    @property
    def required(self) -> Schema:
        """The schema where it must be there."""
        return {"type": "string", "minLength": 1, **({"pattern": _PRINTABLE} if self.printable else {})}

    def parse(self, value: Any, name: str) -> str | None:
        if value is None:
            return None
        fits = isinstance(value, str) and (bool(value) or not self.filled)
        if not fits or (self.printable and not _is_header_text(value)):
            raise FaultError(f"{name} is {self.what}")
        return str(value)


class HeaderValues(Struct, frozen=True):
    """Headers by name: pairs in Python, an object in JSON."""

    @property
    def given(self) -> Schema:
        return {
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"^{_TOKEN.pattern}$"},
            "additionalProperties": {"anyOf": [{"type": "string", "pattern": _PRINTABLE}, {"type": "number"}]},
        }

    @property
    def shown(self) -> Schema:
        return {"type": "object", "additionalProperties": TEXT}

    def parse(self, value: Any, name: str) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        if not isinstance(value, Mapping):
            raise FaultError(f'{name} is an object such as {{"Retry-After": "1"}}')
        headers = []
        for header, content in value.items():
            if not isinstance(content, str) and not _is_number(content):
                raise FaultError(f"the header {str(header)[:40]!r} is a text or a number")
            if not _TOKEN.fullmatch(str(header)) or not _is_header_text(str(content)):
                raise FaultError(f"the header {str(header)[:40]!r} has characters that no header can have")
            headers.append((str(header), str(content)))
        return tuple(headers)

    def to_json(self, value: Sequence[tuple[str, str]]) -> dict[str, str]:
        return dict(value)


class Body(_Same, frozen=True):
    """The body of an answer: a text, or any value, which is then written as JSON."""

    @property
    def given(self) -> Schema:
        return {}

    @property
    def shown(self) -> Schema:
        return MAYBE_TEXT

    def parse(self, value: Any, name: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            return json.dumps(value)
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate
            raise FaultError(f"{name} has characters that cannot be sent") from None
        return value


class Object(Struct, frozen=True):
    """An object of a dataclass's own fields, all of which may be missing: null stands for none of them."""

    kind: type
    example: str

    @property
    def given(self) -> Schema:
        return {"type": ["object", "null"], "properties": given_properties(self.kind), "additionalProperties": False}

    @property
    def shown(self) -> Schema:
        return {"type": ["object", "null"], "properties": shown_properties(self.kind), "additionalProperties": False}

    def parse(self, value: Any, name: str) -> Any:
        if value is None:
            return self.kind()
        if not isinstance(value, Mapping):
            raise FaultError(f"{name} is an object such as {self.example}")
        check_names(value, self.kind, name)
        return self.kind(**parsed(value, self.kind))

    def to_json(self, value: Any) -> dict[str, Any] | None:
        """The fields that say something; None if none does."""
        return {name: each for name, each in to_json(value).items() if each is not None} or None


def whole(value: Any) -> int | None:
    """``value`` as an int where it is a whole number, else None; 3.0 is one in JSON, and true is none."""
    return int(value) if _is_number(value) and value == value // 1 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable()
