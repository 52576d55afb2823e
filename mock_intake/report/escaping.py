"""Text from elsewhere made safe for whatever a report is written in.

What events hold is shown with escapes in place of control characters, and cannot end a cell, a tag or a line.
"""

from __future__ import annotations

import html
import re

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|#&~]")


def shown(text: str) -> str:
    """Text on one line, safe for terminals and for XML: escapes in place of what cannot be seen."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown_lines(text: str) -> str:
    """Text that keeps its lines and tabs, and is safe otherwise."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(shown(part) for part in line.split("\t")) for line in lines)


def clipped(text: str, most: int) -> str:
    """Text of a length that a report has room for; where it was cut, that is said."""
    return text if len(text) <= most else f"{text[:most]} ... and {len(text) - most} more characters"


def in_html(text: str) -> str:
    return html.escape(shown(text))


def in_markdown(text: str) -> str:
    """Text that Markdown shows as it is, in a table too."""
    return _MARKDOWN.sub(r"\\\g<0>", shown(" ".join(text.split())))
