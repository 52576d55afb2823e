"""SQL that stands where a name is meant to."""

from __future__ import annotations

import re

from mock_intake.system.patterns import pattern_of

_LONGEST_LOOKED_AT = 4_096
_BEGINNING = pattern_of(
    r"[\s(]*(?:select\s+\S|with\s+(?:recursive\s+)?\S+\s+as\s*\(|insert\s+(?:into|overwrite)\s|merge\s+into\s"
    r"|delete\s+from\s|update\s+\S+\s+set\s|create\s+(?:or\s+replace\s+)?(?:\w+\s+)?(?:table|view)\s|truncate\s+table\s"
    r"|drop\s+(?:table|view)\s|alter\s+(?:table|view)\s|copy\s+\S+\s+(?:from|to)\s|call\s+\S+\()",
    re.IGNORECASE,
)
_FROM = pattern_of(r"\sfrom\s|select\s+(?:[\d'*(]|\w+\s*\()", re.IGNORECASE)


def is_statement(text: str) -> bool:
    """Whether ``text`` is a whole SQL statement, or a query in parentheses; comments before it are passed over."""
    text = text[:_LONGEST_LOOKED_AT]
    if " " not in text and "\n" not in text and "\t" not in text:
        return False
    text = _without_comments(text)
    begins = _BEGINNING.match(text)
    if begins is None:
        return False
    # "select orders.csv" is the name of a file.
    return not begins[0].lstrip(" \t\n\r(").lower().startswith("select") or _FROM.search(text) is not None


def _without_comments(text: str) -> str:
    """A text without the comments that it begins with."""
    text = text.lstrip()
    while text.startswith(("--", "/*")):
        _, ended, text = text.partition("\n" if text.startswith("--") else "*/")
        if not ended:
            return ""
        text = text.lstrip()
    return text
