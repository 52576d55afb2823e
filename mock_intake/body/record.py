"""What is kept of a body: all of it as received, unless a key stands in it, or may stand where nobody can look.

A key is masked wherever it is found. What cannot be searched for keys is not kept: of a body that could not be
decoded only as much as was decoded, and of one in an unknown encoding, unless it is text, only how it begins.
"""

from __future__ import annotations

import gzip
import zlib
from typing import NamedTuple

from mock_intake.body.decoding import GZIP_MAGIC, CorruptBodyError, DecodedTooLargeError, decode
from mock_intake.secrets.api_keys import Masker

# So little of a compressed body holds no key, and tells what it is; the checksum at its end fits in too.
_BEGINNING = 8
# A body that is compressed within compressed is looked into so often.
_LAYERS = 3


class Content(NamedTuple):
    """A body as received, and what was found in it.

    ``packing`` is ``gzip`` or ``deflate``, None for a body that stands as it is. ``decoded`` are the first ``read``
    bytes of the body undone. ``cut`` tells that there was more of it than could be received or decoded,
    ``opaque`` that it is in an encoding that nobody here can undo.
    """

    body: bytes
    packing: str | None
    decoded: bytes
    read: int
    cut: bool = False
    opaque: bool = False


class BodyRecord(NamedTuple):
    """What is kept of a body, and decoded; and whether the request's own key was found in it."""

    body: bytes
    decoded: bytes
    key_found: bool


def keep(content: Content, masker: Masker, limit: int) -> BodyRecord:
    """What is kept of a body. ``limit`` is how much of it is decoded to be looked at."""
    body = content.body
    decoded = content.decoded
    # Said to be compressed, and plain text in truth.
    plain = content.packing is None or (not decoded and _is_text(body))
    searched = body if plain else decoded
    clear = not (masker.found_in(searched) or (content.cut and masker.begun_at_end_of(searched)))
    if clear and not plain and _may_name_things(body, content.packing):
        clear = not masker.found_in(body)
    if not clear:
        masked = masker.cut_body(searched) if content.cut else masker.body(searched)
        if plain:
            return BodyRecord(masked, masked if content.packing is None else decoded, True)
        return BodyRecord(packed(masked, content.packing), masked, True)
    hidden = _hidden_in(searched, masker, limit)
    if hidden is not False:
        return BodyRecord(body[:_BEGINNING], decoded, hidden is True)
    if plain:
        return BodyRecord(body if not content.opaque or _is_text(body) else body[:_BEGINNING], decoded, False)
    # zlib reads on a little before it gives out what it has read, so at the limit that is taken off.
    at_limit = len(decoded) > limit
    end = max(0, content.read - _BEGINNING) if at_limit else content.read + _BEGINNING
    return BodyRecord(body if end >= len(body) else body[:end], decoded, False)


def _may_name_things(body: bytes, packing: str | None) -> bool:
    """Whether a packed body can hold text beside its content: the heads of gzip members have room for names.

    Cheap, and true where it cannot tell: where there may be more than one member, or more than the stream.
    """
    return packing != "gzip" or body[3:4] != b"\0" or body.find(GZIP_MAGIC, 2) != -1


def packed(body: bytes, packing: str | None) -> bytes:
    """``body`` compressed by ``packing``: the same bytes for the same body, as there is no file time in it."""
    if packing is None:
        return body
    return zlib.compress(body, level=1) if packing == "deflate" else gzip.compress(body, compresslevel=1, mtime=0)


def as_far_as_possible(body: bytes, packing: str, limit: int) -> tuple[bytes, int]:
    """``body`` decoded to its end, its flaw or ``limit`` bytes; and how many of its own bytes that accounts for."""
    try:
        return decode(body, packing, limit), len(body)
    except (CorruptBodyError, DecodedTooLargeError) as error:
        return error.decoded, error.read


def packing_of(body: bytes) -> str | None:
    """How ``body`` is compressed, by how it begins; None for one that is not."""
    if body.startswith(GZIP_MAGIC):
        return "gzip"
    if body[:1] == b"x" and len(body) > 1 and int.from_bytes(body[:2], "big") % 31 == 0:
        return "deflate"
    return None


def _hidden_in(body: bytes, masker: Masker, limit: int) -> bool | None:
    """Whether a key stands in what is compressed within a body; None if it is packed too often to tell."""
    for _ in range(_LAYERS):
        packing = packing_of(body)
        if packing is None:
            return False
        body, _ = as_far_as_possible(body, packing, limit)
        if masker.found_in(body) or masker.begun_at_end_of(body):
            return True
    return None if packing_of(body) else False


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(body) - 4  # a character that was cut off
    return True
