"""Why a schema of the standard refuses a value, by the errors of the library that decides: ``jsonschema-rs``.

Each of its errors holds a copy of what was refused, and all are made at once: so this is for values that are not large.
The errors are brought into the order of the schema, which is that of ``jsonschema``'s errors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

import jsonschema_rs
from msgspec import Struct
from msgspec.structs import replace

from mock_intake.openlineage.formats import is_naive
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.openlineage.schema import Schema, documents

Path = tuple[str | int, ...]
# Where a schema comes to refuse, as positions: of keywords and fields in it, of elements and fields in the value.
Place = tuple[int, ...]

# Of what no alternatives are: what they lack is for jsonschema to say, which knows of each alternative why it was none.
_KEYWORDS = frozenset(
    (
        *("required", "dependentRequired", "type", "enum", "const", "format", "minimum"),
        *("additionalProperties", "not"),
    )
)
# What a root consists of whose required fields can be asked for apart from it.
_PLAIN = frozenset(("type", "properties", "required", "not"))
# The formats of values that are another with each event, or run.
_EVER_ANOTHER = ("date-time", "uuid")
# What has more keys, or is longer (characters), is not remembered: it would fill the memory.
_MOST_KEYS, _LONGEST = 20, 512
# Deeper texts are not looked for.
_DEEPEST = 8
# Where there are more reasons, the first of them are told in any case.
_MOST = 50


class Reason(Struct, frozen=True):
    """One reason for a refusal, named as ``jsonschema`` names the parts of its errors, so that either can be explained.

    ``validator`` is the keyword that refused, ``validator_value`` what ``schema`` has under it; of a missing field a
    list of its name alone. ``instance`` is what was refused at ``absolute_path``; ``place`` is where the schema came to
    that, and ``of_fields`` whether only fields that the schema names lead there: then it is the same in every value.
    """

    absolute_path: Path
    validator: str
    validator_value: Any
    instance: Any
    schema: Schema
    message: str
    place: Place
    of_fields: bool = True

    @property
    def is_of_its_own(self) -> bool:
        """Whether nearly no two have the same instance: a time or an id that is not written as one."""
        return self.validator == "format" and self.validator_value in _EVER_ANOTHER

    @property
    def same(self) -> Hashable | None:
        """What is equal for two reasons of one schema that are explained alike; None where it would be large.

        Two that are of their own are, but for what was there and what to write in its place.
        """
        value: Any = self.instance
        if self.is_of_its_own:
            value = is_naive(value) if self.validator_value == "date-time" else False
        if self.validator == "required":
            if len(value) > _MOST_KEYS:
                return None
            value = (self.validator_value[0], *value)
            length = sum(map(len, value))
        elif type(value) is str:
            length = len(value)
        elif value is not None and type(value) not in (int, float, bool):
            return None
        else:
            length = 0
        length += sum([len(part) for part in self.absolute_path if type(part) is str])
        return (self.place, self.absolute_path, type(value), value) if length <= _LONGEST else None


class _Root(NamedTuple):
    """What a value is checked by: all that a schema asks, but for the fields that its root requires.

    ``place`` is the position at which it requires them, ``fills`` are right texts for those of them that are texts.
    ``texts`` are the places at which there once was no right text.
    """

    schema: Schema
    validator: jsonschema_rs.Draft202012Validator
    required: tuple[str, ...]
    place: int
    fills: Mapping[str, str]
    texts: dict[Place, _Text]


class _Text(NamedTuple):
    """A text that once was not right: the ``reason``, but for what was there, and what tells whether another is not.

    It is the ``field`` of the object that the fields ``above`` lead to; ``right`` is a text that may stand there.
    """

    reason: Reason
    above: Path
    field: str
    is_refused: Callable[[Any], bool]
    right: str


class Refusals:
    """The reasons for refusals by the standard's schemas."""

    def __init__(self, library: FacetLibrary) -> None:
        self._registry = library.registry
        self._roots: dict[str, _Root] = {}
        self._parts: dict[str, Any] = {}

    def reasons(self, target: str, value: Any, is_taken: Callable[[Any], bool] | None = None) -> list[Reason] | None:
        """Why the schema at ``target`` refuses a value; an empty list if it does not.

        None where that is for others to say: of users' own schemas, of alternatives, of more than anybody reads.
        ``is_taken`` may know sooner that the schema takes the value, once its texts are right.
        """
        root = self._roots.get(target)
        if root is None:
            if target.partition("#")[0] not in documents():
                return None
            root = self._roots[target] = self._root(target)
        missing = [field for field in root.required if field not in value] if type(value) is dict else []
        reasons = [Reason((), "required", [field], value, root.schema, repr(field), (root.place,)) for field in missing]
        # A producer that writes a time or an id wrongly, or leaves a field out, does so in every event.
        right = _with_right_texts(value, tuple(root.texts.values()), reasons) if root.texts else value
        if missing and root.fills.keys() >= set(missing):
            right = {**right, **{field: root.fills[field] for field in missing}}
        others = right is value or not (is_taken or root.validator.is_valid)(right)
        errors = list(root.validator.iter_errors(right)) if others else []
        if len(errors) + len(reasons) > _MOST:
            return None
        found: list[Reason] = []
        for error in errors:
            try:
                reason = self._reason(root, error, value)
            except (KeyError, IndexError, ValueError, TypeError, StopIteration):
                return None  # its path does not lead there: the library loses empty keys, and reads others as numbers
            found.append(reason)
        reasons += found
        # All at once: branches of a schema may refuse a text together.
        root.texts.update({each.place: _text(each) for each in found if _is_of_text(each)})
        if len(reasons) > 1:
            reasons.sort(key=attrgetter("place"))
        return reasons

    def _root(self, target: str) -> _Root:
        schema: Schema = {"$ref": target}
        whole = self._part(target)
        required: tuple[str, ...] = ()
        fills: dict[str, str] = {}
        if whole.keys() <= _PLAIN and whole.get("required"):
            # An error about a missing field of an event would hold, and print, all of the event.
            required = tuple(whole["required"])
            properties = {name: {"$ref": f"{target}/properties/{name}"} for name in whole["properties"]}
            schema = {key: {"required": [], "properties": properties}.get(key, of) for key, of in whole.items()}
            fills = {
                field: right
                for field in required
                if (right := _right_text(whole["properties"].get(field, {}))) is not None
            }
        validator = jsonschema_rs.Draft202012Validator(
            schema, registry=self._registry, validate_formats=True, offline=True
        )
        return _Root(schema, validator, required, list(schema).index("required") if required else 0, fills, {})

    def _reason(self, root: _Root, error: Any, value: Any) -> Reason:
        """The reason that an error tells. Raises where its path does not lead there."""
        schema: Any = root.schema
        holder: Schema = root.schema
        document = keyword = ""
        place: list[int] = []
        path: list[str | int] = []
        of_fields = True
        way, steps = iter(error.instance_path), iter(error.evaluation_path)
        for step in steps:
            if type(schema) is list:
                place.append(step)
                schema = schema[step]
                continue
            place.append(list(schema).index(step))
            keyword, holder, schema = step, schema, schema[step]
            if step == "$ref":
                address = document + schema if schema.startswith("#") else schema
                document = address.partition("#")[0]
                schema = self._part(address)
            elif step == "properties":
                field = next(steps)
                place.append(list(schema).index(field))
                path.append(_same(next(way), field))
                schema, value = schema[field], value[field]
            elif step == "items" or (step == "additionalProperties" and schema is not False):
                part = next(way)
                of_fields = False
                place.append(list(value).index(part) if step == "additionalProperties" else part)
                path.append(part)
                value = value[part]
        _same(next(way, None), None)
        if keyword not in _KEYWORDS:
            raise KeyError(keyword)
        wanted, message = holder[keyword], ""
        if keyword == "required":
            wanted, message = [error.kind.value], repr(error.kind.value)
        return Reason(tuple(path), keyword, wanted, value, holder, message, tuple(place), of_fields)

    def _part(self, address: str) -> Any:
        """The part of the standard's documents at an address."""
        if address not in self._parts:
            document, _, fragment = address.partition("#")
            part: Any = documents()[document]
            for name in fragment.split("/")[1:]:
                part = part[int(name) if type(part) is list else name]
            self._parts[address] = part
        return self._parts[address]


# A right text where any is, and one in each of the formats that texts of events are often not in.
_RIGHT = {
    None: "",
    "date-time": "2026-01-01T00:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "urn:x",
}


@cache
def _not_in_format(name: str) -> Callable[[Any], bool]:
    """Whether a value is a text that is not in a format."""
    return jsonschema_rs.Draft202012Validator({"not": {"format": name}}, validate_formats=True).is_valid


def _text(reason: Reason) -> _Text:
    *above, field = reason.absolute_path
    wanted = reason.validator_value
    is_refused: Callable[[Any], bool]
    if reason.validator == "type":
        is_refused = _is_no_text
    elif reason.validator == "enum":
        is_refused = partial(_is_other_text, wanted)
    else:
        is_refused = _not_in_format(wanted)
    right = _right_text(reason.schema)
    return _Text(replace(reason, instance=None), tuple(above), str(field), is_refused, right or "")


def _right_text(schema: Schema) -> str | None:
    """A text that a schema takes which asks for one; None where it asks for anything else beside that."""
    words = schema.get("enum")
    if schema.get("type") != "string" or not schema.keys() <= {"type", "enum" if words else "format", "description"}:
        return None
    return words[0] if words else _RIGHT.get(schema.get("format"))


def _is_no_text(value: Any) -> bool:
    return type(value) is not str


def _is_other_text(words: list[str], value: Any) -> bool:
    return type(value) is str and value not in words


def _is_of_text(reason: Reason) -> bool:
    """Whether a reason is that there is no right text at a place that only fields of the schema's lead to.

    Then all but what is there follows from the place. Of the texts of the standard nothing else is asked. Of one of
    several words it is only where there is another: what is no text at all has two reasons then.
    """
    return (
        reason.validator in (("enum",) if "enum" in reason.schema else ("type", "format"))
        and _right_text(reason.schema) is not None
        and reason.of_fields
        and len(reason.absolute_path) <= _DEEPEST
    )


def _with_right_texts(value: Any, known: Iterable[_Text], reasons: list[Reason]) -> Any:
    """``value`` with a right text in place of each that is refused for a ``known`` reason, added to ``reasons``."""
    right = value
    for reason, above, field, is_refused, text in known:
        holder: Any = value
        for part in above:
            holder = holder.get(part) if type(holder) is dict else None
        if type(holder) is dict and field in holder and is_refused(holder[field]):
            reasons.append(replace(reason, instance=holder[field]))
            right = _replaced(right, reason.absolute_path, text)
    return right


def _replaced(value: Any, path: Path, text: str) -> Any:
    """A copy of ``value`` with another text at ``path``; what does not lead there is shared."""
    first, *rest = path
    return {**value, first: _replaced(value[first], tuple(rest), text) if rest else text}


def _same(part: Any, other: Any) -> Any:
    if part != other:
        raise KeyError(part)
    return part
