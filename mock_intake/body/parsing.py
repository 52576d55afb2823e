"""From the bytes of a body to a parsed event, or to the reason why there is none.

orjson reads nearly everything; what it refuses goes to the standard library's parser, which knows lone
surrogates (valid JSON, and what a Python producer may well send). Not accepted: NaN and Infinity, numbers
that no double can hold, nesting over ``MAX_DEPTH`` levels, more than ``MAX_VALUES`` values, anything but UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

import orjson
from msgspec import Struct

from mock_intake.system.patterns import pattern_of

MAX_DEPTH = 200
MAX_VALUES = 1_000_000
Path = tuple[str | int, ...]

# So much (bytes) of a body is taken apart at a time: into many small pieces, which take many times as much room.
_PIECE = 256 * 1024
_SURROGATE = pattern_of("[\ud800-\udfff]")
# Good enough to show the place; the parser has found that there is one.
_CONSTANT = pattern_of(r"[:,\[]\s*(NaN|-?Infinity|-?\d{300,}|-?[\d.]+[eE]\+?\d{3,})")
# All bytes but brackets; and all but those and the quotes around texts.
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_NEITHER = bytes(set(_NO_BRACKETS) - set(b'"'))
# In fewer bytes there usually are fewer brackets than make a value too deep.
_USUALLY_FEW = 12 * 1024
# What is deeper than so many levels is walked through.
_MOST_LEVELS = 24
# Perhaps: an integer of 19 digits or more; or a fraction or a text with as many, which is read the same either way.
_BEYOND_64_BITS = pattern_of(rb"\d{19}")


# Made for every event. Nothing that was parsed leads back to it, so the collector need not look.
class Parsed(Struct, frozen=True, gc=False):
    """A parsed body. ``surrogates`` is where the first lone surrogate stands, if there is one."""

    value: Any
    surrogates: Path | None = None


class ParseError(ValueError):
    """A body that is no JSON as the intake takes it.

    ``reason`` is one of "syntax", "encoding", "number", "depth" and "values"; ``position`` a byte or character
    offset, where known.
    """

    def __init__(self, reason: str, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.position = position


def parse(body: bytes) -> Parsed:
    """The JSON value in a body; raises ``ParseError``."""
    surrogates = False
    if len(body) > 2 * MAX_VALUES and _has_too_many(body):
        raise ParseError("values", f"it holds more than {MAX_VALUES:,} values")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _parse_slowly(body)
        surrogates = True  # orjson reads all else
    if len(body) > 2 * MAX_DEPTH and _may_be_deep(body) and _deeper_than([value], MAX_DEPTH):
        raise _too_deep()
    return Parsed(value, _surrogates_in(value, ()) if surrogates else None)


def parse_exactly(body: bytes) -> Any:
    """``body`` as ``parse`` reads it, but integers beyond 64 bits keep their digits. Raises ``ParseError`` as that
    does.

    Most programs read such integers as doubles, so that this is for comparing, not for judging.
    """
    value = parse(body).value
    return _parse_slowly(body, int) if _BEYOND_64_BITS.search(body) else value


def _parse_slowly(body: bytes, parse_int: Callable[[str], int | float] | None = None) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError("encoding", f"byte {error.start} is not UTF-8 ({error.reason})", error.start) from None
    if text.startswith("\ufeff"):
        raise ParseError("encoding", "the body begins with a byte order mark", 0)
    if not text.strip(" \t\r\n"):
        raise ParseError("syntax", "the body is empty", 0)
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_float, parse_int=parse_int or _int)
    except ParseError as error:
        found = _CONSTANT.search(text)
        error.position = found.start(1) if found else None
        raise
    except json.JSONDecodeError as error:
        message = f"{error.msg} at line {error.lineno} column {error.colno}"
        raise ParseError("syntax", message, error.pos) from None
    except RecursionError:
        raise _too_deep() from None


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError("number", f"{name} is no JSON")


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _too_large(text)
    return number


def _int(text: str) -> int | float:
    # Beyond 64 bits orjson reads a double; the two parsers are to agree.
    if len(text) <= 18:
        return int(text)
    if len(text) > 400:
        raise _too_large(text)
    number = int(text)
    if -(2**63) <= number < 2**64:
        return number
    return _float(text)


def _too_large(text: str) -> ParseError:
    shown = text if len(text) <= 24 else text[:20] + "..."
    return ParseError("number", f"the number {shown} is larger than a double can hold")


def _too_deep() -> ParseError:
    return ParseError("depth", f"arrays and objects are nested over {MAX_DEPTH} levels deep")


def _has_too_many(body: bytes) -> bool:
    """Whether there are more values in a body than are taken: each has a sign before it, or is the only one.

    To be asked before it is parsed: values take many times the room of their text.
    """
    return _signs(body) >= MAX_VALUES and _signs_outside_strings(body) >= MAX_VALUES


def _signs_outside_strings(body: bytes) -> int:
    if b"\\" in body:
        # From left to right, so that what is left of quotes begins or ends a string.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    signs, within = 0, 0
    for begin in range(0, len(body), _PIECE):
        parts = body[begin : begin + _PIECE].split(b'"')
        signs += _signs(b"".join(parts[within::2]))
        within = (within + len(parts) - 1) % 2
    return signs


def _signs(body: bytes) -> int:
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def _may_be_deep(body: bytes) -> bool:
    """Whether a body could be nested too deeply, by the look of its brackets: to walk through its values costs more.

    What has brackets in its texts may be anything.
    """
    if len(body) < _USUALLY_FEW and len(body.translate(None, _NO_BRACKETS)) <= 2 * MAX_DEPTH:
        return False
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return not _is_shallow()(body.translate(None, _NEITHER).decode("ascii"))


@cache
def _is_shallow() -> Callable[[str], bool]:
    """Whether what is left of a body is so many levels of brackets and no more, none of which stands in a text.

    Read by the regular expression engine inside ``jsonschema-rs``, in one pass.
    """
    import jsonschema_rs  # a large body is the first that needs it

    level = '(?:"")*'
    for _ in range(_MOST_LEVELS):
        level = rf'(?:""|[\[{{]{level}[\]}}])*'
    schema = {"pattern": f"^{level}$"}
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions()).is_valid


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def _surrogates_in(value: Any, path: Path) -> Path | None:
    """Where the first string with a lone surrogate stands, or the object with such a key."""
    if type(value) is str:
        return path if _SURROGATE.search(value) else None
    if type(value) is dict:
        for key, item in value.items():
            if _SURROGATE.search(key):
                return path
            if (found := _surrogates_in(item, (*path, key))) is not None:
                return found
    elif type(value) is list:
        for index, item in enumerate(value):
            if (found := _surrogates_in(item, (*path, index))) is not None:
                return found
    return None


def without_surrogates(value: Any) -> Any:
    """A copy of the JSON ``value`` in which lone surrogates are replaced, for consumers that can only take Unicode
    text.
    """
    if type(value) is dict:
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    if type(value) is list:
        return [without_surrogates(item) for item in value]
    if type(value) is str:
        return _SURROGATE.sub("\ufffd", value)
    return value


def dumps(value: Any) -> bytes:
    """``value`` as JSON for answers, in ASCII escapes where a text in it holds lone surrogates."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
