"""How findings, lines and answers quote what a producer sent: never more of it than somebody reads.

A name, a key or a value is quoted at most to a fixed length. What is cut leaves a short digest behind, so that two that
differ stay two. Secrets are taken out before anything is cut, which can take away what tells them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice

from mock_intake.model.event import pointer_to
from mock_intake.secrets.content import digest, is_short_word, redact
from mock_intake.secrets.presenting import presented

LONGEST_QUOTE = 200
# So much of a JSON Pointer is quoted; it may have two hundred parts.
LONGEST_POINTER = 1_000
# Of a list of names so many are quoted.
MOST_QUOTED = 12
_MOST_REMEMBERED = 16


class _Remembered(threading.local):
    """What was cut of long texts, for a moment: one that stands above many findings is read once."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}


_remembered = _Remembered()


def quoted(text: str) -> str:
    """``text``, a name or key of any length, as it is quoted: at most ``LONGEST_QUOTE`` characters of it, without
    secrets.

    Two that differ in a secret alone stay two: a digest stands behind.
    """
    if is_short_word(text):
        return text
    return presented(text) if len(text) <= LONGEST_QUOTE else _shortened(text)


def quoted_list(texts: Iterable[str]) -> str:
    """The first of the keys of an object, or of the texts in a list, with commas between them; empty if none is."""
    return ", ".join([quoted(text) for text in islice(texts, MOST_QUOTED)])


def quoted_pointer(*path: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a path, long parts being cut as they are in texts."""
    pointer = pointer_to(*[part if type(part) is int else quoted(str(part)) for part in path])
    if len(pointer) <= LONGEST_POINTER:
        return pointer
    # At the end of a part, so that no secret in one is cut through.
    end = pointer.rfind("/", 0, LONGEST_POINTER)
    return f"{pointer[:end]}/... ({digest(pointer)})"


def forget() -> None:
    """Lets go of the long texts that were quoted last in this thread: they may be large."""
    if _remembered.texts:
        _remembered.texts = {}


def _shortened(text: str) -> str:
    texts = _remembered.texts
    shortened = texts.get(text)
    if shortened is None:
        if len(texts) >= _MOST_REMEMBERED:
            texts.clear()
        shortened = f"{redact(text)[:LONGEST_QUOTE]}... ({len(text):,} characters, {digest(text)})"
        texts[text] = shortened
    return shortened
