"""From the bytes on the wire to the body: Content-Encoding undone, never past the limit."""

from __future__ import annotations

import zlib
from functools import lru_cache

from mock_intake.model.words import counted
from mock_intake.secrets.content import redact

SUPPORTED = ("gzip", "deflate", "identity")
GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 256 * 1024
# What is fed to zlib at a time. Small, as zlib copies what it was given and did not use: in full for every one
# of the members of a body that consists of empty ones.
_PIECE = 8 * 1024
# So much of one gzip member is fed to it whole.
_MOST_AT_ONCE = 64 * 1024
_GZIP_NAMES = ("gzip", "x-gzip")


class UnsupportedEncodingError(ValueError):
    """A Content-Encoding that the intake does not know."""


class _PartlyDecodedError(ValueError):
    """Carries what could be decoded before it went wrong, and how many of the bytes sent that accounts for."""

    def __init__(self, message: str, decoded: list[bytes], read: int = 0) -> None:
        super().__init__(message)
        self.decoded = b"".join(decoded)
        self.read = read


class CorruptBodyError(_PartlyDecodedError):
    """A body that is not what its Content-Encoding says."""


class DecodedTooLargeError(_PartlyDecodedError):
    """A body that is larger than the limit when decoded; decoding stopped there."""


def decode(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The decoded body, at most ``limit`` bytes.

    Raises ``UnsupportedEncodingError``, ``CorruptBodyError`` and ``DecodedTooLargeError``.
    """
    names = _names(encoding) if encoding else ""
    if not names:
        if len(body) > limit:
            raise DecodedTooLargeError("larger than the limit", [body[:limit]], limit)
        return body
    if names in _GZIP_NAMES:
        return _inflated_at_once(body, limit) or _inflate(body, limit, "gzip", _GZIP)
    if names == "deflate":
        # RFC 9110 means zlib's format; raw deflate is common enough that receivers take both.
        is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
        return _inflate(body, limit, "deflate", zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
    # In small letters no secret would be known any more.
    raise UnsupportedEncodingError(_names(redact(encoding or "")))


@lru_cache(maxsize=64)
def _names(encoding: str) -> str:
    """The encodings that a header names, as one text; those that change nothing are left out."""
    names = [name.strip().lower() for name in encoding.split(",")]
    return ", ".join(name for name in names if name and name != "identity")


def decoded_at_once(body: bytes, encoding: str | None, most: int) -> bytes | None:
    """``body`` decoded where it is what most are: plain, or one gzip member, and at most ``most`` bytes. None for all
    else.
    """
    names = _names(encoding) if encoding else ""
    if not names:
        return body if len(body) <= most else None
    return _inflated_at_once(body, most) if names in _GZIP_NAMES else None


def _inflated_at_once(body: bytes, limit: int) -> bytes | None:
    """What most events are: one gzip member of no great size. None for what needs a closer look."""
    if len(body) > _MOST_AT_ONCE:
        return None
    inflater = zlib.decompressobj(_GZIP)
    try:
        decoded = inflater.decompress(body, min(_CHUNK, limit + 1))
    except zlib.error:
        return None
    return decoded if inflater.eof and not inflater.unused_data and len(decoded) <= limit else None


def _inflate(body: bytes, limit: int, name: str, window: int) -> bytes:
    """Inflates one stream, or several gzip members on end, in chunks, so that no bomb goes off."""
    view = memoryview(body)
    out: list[bytes] = []
    size = place = 0
    while True:
        inflater = zlib.decompressobj(window)
        begin, whole = place, len(out)
        while not inflater.eof:
            piece = view[place : place + _PIECE]
            try:
                chunk = inflater.decompress(piece, min(_CHUNK, limit - size + 1))
            except zlib.error as error:
                decoded, place = _up_to_error(view, begin, place, window)
                raise CorruptBodyError(f"not {name}: {error}", [*out[:whole], decoded], place) from None
            place += len(piece) - len(inflater.unconsumed_tail) - len(inflater.unused_data)
            size += len(chunk)
            out.append(chunk)
            if size > limit:
                raise DecodedTooLargeError("larger than the limit when decoded", out, place)
            if not chunk and place == len(body) and not inflater.eof:
                raise CorruptBodyError(f"the {name} stream ends early" if body else "the body is empty", out, place)
        if place == len(body):
            return b"".join(out)
        if name != "gzip" or body[place : place + len(GZIP_MAGIC)] != GZIP_MAGIC:
            raise CorruptBodyError(f"{counted(len(body) - place, 'byte')} behind the {name} stream", out, place)


def _up_to_error(view: memoryview, begin: int, piece: int, window: int) -> tuple[bytes, int]:
    """What a stream that begins somewhere gives before it goes wrong in the piece at ``piece``, and where it does.

    zlib throws away what it had decoded in the call that fails, so that piece is fed to it byte by byte.
    """
    inflater = zlib.decompressobj(window)
    out = [inflater.decompress(view[place : min(place + _PIECE, piece)]) for place in range(begin, piece, _PIECE)]
    place = piece
    try:
        while place < len(view):
            out.append(inflater.decompress(view[place : place + 1]))
            place += 1
    except zlib.error:
        pass
    return b"".join(out), place
