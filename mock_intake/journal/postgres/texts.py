r"""Texts as PostgreSQL can keep them: it has neither NUL nor lone surrogates, and a ``str`` may have both.

Both are escaped by a backslash, as is a backslash itself: ``\0``, ``\ud800``, ``\\``. So every text has one form, no
two have the same, and most are as they were for whoever looks into the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_SPECIAL = re.compile("[\\\\\0\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(?:[\\0]|u[0-9a-f]{4})")


def escaped(text: str) -> str:
    """``text`` as it is kept, and as it is looked for."""
    return text if _SPECIAL.search(text) is None else _SPECIAL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\\":
        return r"\\"
    return r"\0" if character == "\0" else f"\\u{ord(character):04x}"


def unescaped(text: str) -> str:
    """The text of which ``text`` is the kept form."""
    return text if "\\" not in text else _ESCAPED.sub(_unescape, text)


def _unescape(found: re.Match[str]) -> str:
    escape = found[0][1:]
    if escape == "\\":
        return "\\"
    return "\0" if escape == "0" else chr(int(escape[1:], 16))


def kept(values: Iterable[Any]) -> list[Any]:
    """Values of a row as they are kept."""
    return [escaped(value) if type(value) is str else value for value in values]


def given(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values of a row as they were before they were kept; numbers of any size are ``int``."""
    return tuple(
        [
            unescaped(value) if type(value) is str else int(value) if type(value) is Decimal else value
            for value in values
        ]
    )
