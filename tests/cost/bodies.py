"""Bodies of requests: long ones, in which keys are looked for, which are packed, or which are no JSON."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from random import Random

from tests.cost.measuring import Dimension, Work
from tests.cost.requests import BODY, HEX, LETTERS, SMALL_BODY, event, filled, received, some, token

_GZIP = ("content-encoding", "gzip")
_EMPTY_MEMBER = gzip.compress(b"", mtime=0)

# Bodies in which a key may stand, in one spelling or another.


def _beside(key: Callable[[Random], str], text: Callable[[int, Random, str], str]) -> Callable[[int, Random], Work]:
    """A body that is cut off, beside a key."""

    def make(size: int, chance: Random) -> Work:
        made = key(chance)
        return received(text(size, chance, made), key=made, cut=True)

    return make


def _token(chance: Random) -> str:
    return token(40, chance)


def _letters(chance: Random) -> str:
    return some(40, chance, LETTERS)


def _spaced(chance: Random) -> str:
    return f"{some(12, chance)} {some(12, chance)}"


def _escaped(key: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in key)


_SEARCHED = {
    "the length of a body beside a token": _beside(_token, lambda size, chance, _: some(size, chance)),
    "the backslashes in a body": _beside(_token, lambda size, _chance, _key: "\\" * size),
    "the percent signs in a body": _beside(_token, lambda size, _chance, _key: "%" * size),
    "the escapes in a body": _beside(_letters, lambda size, _chance, _key: filled("\\u0041", size)),
    "the percent-encoded letters in a body": _beside(_letters, lambda size, _chance, _key: filled("%41", size)),
    "the escapes of escapes in a body": _beside(_token, lambda size, _chance, _key: filled("\\u002541", size)),
    "the surrogate pairs in a body": _beside(_token, lambda size, _chance, _key: filled("\\ud83d\\ude00", size)),
    "the halves of surrogate pairs in a body": _beside(_token, lambda size, _chance, _key: filled("\\ud83d", size)),
    "the NULs in a body": _beside(_letters, lambda size, _chance, _key: "\0" * size),
    "the plus signs in a body": _beside(_spaced, lambda size, _chance, _key: "+" * size),
    "the keys in a body": _beside(_token, lambda size, _chance, key: filled(key + " ", size)),
    "the escaped keys in a body": _beside(_letters, lambda size, _chance, key: filled(_escaped(key), size)),
    "the beginnings of keys in a body": _beside(_token, lambda size, _chance, key: filled(key[:30], size)),
    "the escaped beginnings of keys in a body": _beside(
        _letters, lambda size, _chance, key: filled(_escaped(key[:30]), size)
    ),
}

# Bodies that are packed.


def _gzip(size: int, chance: Random) -> Work:
    return received(gzip.compress(event(some(size, chance)).encode()), _GZIP, chance=chance)


def _gzip_cut(size: int, chance: Random) -> Work:
    return received(gzip.compress(event(some(size, chance)).encode())[:-9], _GZIP, key=_token(chance))


def _gzip_broken(size: int, chance: Random) -> Work:
    packed = gzip.compress(some(size, chance).encode(), compresslevel=1)
    return received(packed[: len(packed) // 2] + b"\xff" * size, _GZIP, chance=chance)


def _members(size: int, chance: Random) -> Work:
    return received(_EMPTY_MEMBER * (size // 20) + gzip.compress(b"{}"), _GZIP, chance=chance)


def _members_broken(size: int, chance: Random) -> Work:
    return received(_EMPTY_MEMBER * (size // 20) + b"\x1f\x8b\xff", _GZIP, chance=chance)


def _member_name(size: int, chance: Random) -> Work:
    packed = gzip.compress(event().encode(), mtime=0)
    named = packed[:3] + b"\x08" + packed[4:10] + some(size, chance).encode() + b"\0" + packed[10:]
    return received(named, _GZIP, key=_token(chance))


def _behind_gzip(size: int, chance: Random) -> Work:
    return received(gzip.compress(b"{}") + b"\0" * size, _GZIP, chance=chance)


def _gzip_in_gzip(size: int, chance: Random) -> Work:
    packed = some(size, chance).encode()
    for _ in range(5):
        packed = gzip.compress(packed, compresslevel=1)
    return received(packed, _GZIP, chance=chance)


def _deflate(size: int, chance: Random) -> Work:
    return received(zlib.compress(event(some(size, chance)).encode()), ("content-encoding", "deflate"), chance=chance)


def _unknown_encoding(size: int, chance: Random) -> Work:
    return received(event(some(size, chance)), ("content-encoding", "br"), key=_token(chance))


def _undeclared(size: int, chance: Random) -> Work:
    return received(gzip.compress(event(some(size, chance)).encode()), key=_token(chance))


_PACKED = {
    "the length of a gzip body": _gzip,
    "the length of a gzip body that was cut off": _gzip_cut,
    "the length of a broken gzip body": _gzip_broken,
    "the gzip members": _members,
    "the gzip members before a broken one": _members_broken,
    "the name of a gzip member": _member_name,
    "what follows a gzip body": _behind_gzip,
    "the length of what is packed often": _gzip_in_gzip,
    "the length of a deflate body": _deflate,
    "the length of a body in an unknown encoding": _unknown_encoding,
    "the length of a gzip body that does not say so": _undeclared,
}

# Bodies that are no JSON, or JSON of which there is much.


def _body(text: Callable[[int, Random], str | bytes]) -> Callable[[int, Random], Work]:
    return lambda size, chance: received(text(size, chance), chance=chance)


def _surrogates(size: int, _chance: Random) -> str:
    return event(strings=["x"] * (size // 4), last="\ud800")


def _surrogates_below(size: int, _chance: Random) -> str:
    deep: object = [""] * (size // 4) + ["\ud800"]
    for _ in range(150):
        deep = [deep]
    return json.dumps({**json.loads(event()), "deep": deep})


_UNREADABLE = {
    "the arrays within arrays": _body(lambda size, _: "[" * size),
    "the objects within objects": _body(lambda size, _: filled('{"a":', size)),
    "the arrays within arrays, closed": _body(lambda size, _: '{"a":' + "[" * size + "]" * size + "}"),
    "the shallow arrays": _body(lambda size, _: '{"a":[' + "[]," * (size // 3) + "[]]}"),
    "the digits of a number": _body(lambda size, chance: '{"a":1' + some(size, chance, "0123456789") + "}"),
    "the digits of a fraction": _body(lambda size, chance: '{"a":0.' + some(size, chance, "0123456789") + "e999}"),
    "the digits of an exponent": _body(lambda size, chance: '{"a":1e' + some(size, chance, "123456789") + "}"),
    "the dots in a number": _body(lambda size, _: '{"b":NaN,"a":' + filled("1.", size) + "}"),
    "the blanks before NaN": _body(lambda size, _: '{"a":' + " " * size + "NaN}"),
    "the commas before blanks": _body(lambda size, _: '{"a":NaN' + filled(",  ", size) + "}"),
    "the large numbers": _body(lambda size, _: '{"a":[' + filled("99999999999999999999,", size) + "1]}"),
    "the strings beside a lone surrogate": _body(_surrogates),
    "the strings beside a lone surrogate, far below": _body(_surrogates_below),
    "the lone surrogates": _body(lambda size, _: event("\ud800" * (size // 6))),
    "the length of what is not UTF-8": _body(lambda size, chance: event(some(size, chance)).encode() + b"\xff"),
    "the quotation marks": _body(lambda size, _: '"' * size),
    "the blanks": _body(lambda size, _: " " * size),
    "the length of a line that ends early": _body(lambda size, chance: '{"a": "' + some(size, chance)),
    "the fields of a form": _body(lambda size, _: filled("a=b&", size)),
    "the length of a string in place of an event": _body(lambda size, chance: json.dumps(some(size, chance, HEX))),
}

DIMENSIONS = tuple(
    Dimension(f"body: {name}", make, BODY, SMALL_BODY) for name, make in {**_SEARCHED, **_PACKED, **_UNREADABLE}.items()
)
