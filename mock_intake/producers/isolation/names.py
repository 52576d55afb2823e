"""The name server within: it knows a few names, and says of all others that there are none.

Pure: a message in, a message out (RFC 1035, 4). No other class than IN, no compression but for the name that was asked.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

_A, _AAAA, _IN = 1, 28, 1
_RESPONSE = 0x8180
_NO_SUCH_NAME, _MALFORMED = 3, 1
_TTL = 5
_HEAD = struct.Struct("!6H")


def question(message: bytes) -> tuple[str, int, int] | None:
    """Name (in lower case), type and the end of the first question; None for what holds none."""
    if len(message) < _HEAD.size or not _HEAD.unpack_from(message)[2]:
        return None
    labels, position = [], _HEAD.size
    while position < len(message) and (length := message[position]):
        if length > 63:
            return None
        labels.append(message[position + 1 : position + 1 + length].decode("latin-1").lower())
        position += 1 + length
    if position + 5 > len(message):
        return None
    kind: int = struct.unpack_from("!H", message, position + 1)[0]
    return ".".join(labels), kind, position + 5


def answer(message: bytes, address_of: Callable[[str], str | None]) -> bytes:
    """The answer to a question: the address that a name has, or that there is no such name; empty to what is none."""
    if len(message) < _HEAD.size:
        return b""
    identity = _HEAD.unpack_from(message)[0]
    queried = question(message)
    if queried is None:
        return _HEAD.pack(identity, _RESPONSE | _MALFORMED, 0, 0, 0, 0)
    name, kind, end = queried
    address = address_of(name)
    # Of a name that has an IPv4 address alone, other questions have an empty answer.
    code = _NO_SUCH_NAME if address is None else 0
    records = b""
    if address is not None and kind == _A:
        records = struct.pack("!HHHIH", 0xC000 | _HEAD.size, _A, _IN, _TTL, 4) + socket.inet_aton(address)
    return _HEAD.pack(identity, _RESPONSE | code, 1, 1 if records else 0, 0, 0) + message[_HEAD.size : end] + records
