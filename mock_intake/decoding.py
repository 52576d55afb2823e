"""From the bytes on the wire to the body: Content-Encoding undone, never past the limit."""

from __future__ import annotations

import zlib

SUPPORTED = ("gzip", "deflate", "identity")
GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 256 * 1024


class UnsupportedEncodingError(ValueError):
    """A Content-Encoding that the intake does not know."""


class _PartlyDecodedError(ValueError):
    """Carries what could be decoded before it went wrong."""

    def __init__(self, message: str, decoded: list[bytes]) -> None:
        super().__init__(message)
        self.decoded = b"".join(decoded)


class CorruptBodyError(_PartlyDecodedError):
    """A body that is not what its Content-Encoding says."""


class DecodedTooLargeError(_PartlyDecodedError):
    """A body that is larger than the limit when decoded; decoding stopped there."""


def decode(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The decoded body, at most ``limit`` bytes.

    Raises ``UnsupportedEncodingError``, ``CorruptBodyError`` and ``DecodedTooLargeError``.
    """
    names = [name.strip().lower() for name in (encoding or "").split(",")]
    names = [name for name in names if name and name != "identity"]
    if not names:
        if len(body) > limit:
            raise DecodedTooLargeError("larger than the limit", [body[:limit]])
        return body
    if names == ["gzip"] or names == ["x-gzip"]:
        return _inflate(body, limit, "gzip", 16 + zlib.MAX_WBITS)
    if names == ["deflate"]:
        # RFC 9110 means zlib's format; raw deflate is common enough that receivers take both.
        is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
        return _inflate(body, limit, "deflate", zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
    raise UnsupportedEncodingError(", ".join(names))


def _inflate(body: bytes, limit: int, name: str, window: int) -> bytes:
    """Inflates one stream, or several gzip members on end, in chunks, so that no bomb goes off."""
    out: list[bytes] = []
    size = 0
    rest = body
    while True:
        inflater = zlib.decompressobj(window)
        while not inflater.eof:
            try:
                chunk = inflater.decompress(rest, min(_CHUNK, limit - size + 1))
            except zlib.error as error:
                raise CorruptBodyError(f"not {name}: {error}", out) from None
            rest = inflater.unconsumed_tail
            size += len(chunk)
            out.append(chunk)
            if size > limit:
                raise DecodedTooLargeError("larger than the limit when decoded", out)
            if not chunk and not rest and not inflater.eof:
                raise CorruptBodyError(f"the {name} stream ends early" if body else "the body is empty", out)
        rest = inflater.unused_data
        if not rest:
            return b"".join(out)
        if name != "gzip" or not rest.startswith(GZIP_MAGIC):
            raise CorruptBodyError(f"{len(rest)} bytes follow the {name} stream", out)
