"""Text from elsewhere made safe for whatever a report is written in.

What events hold is shown with escapes in place of control characters, and cannot end a cell, a tag or a line. No secret
is shown, whatever a text was made of.
"""

from __future__ import annotations

from mock_intake.secrets.content import redact
from mock_intake.system.patterns import pattern_of

_MARKDOWN = pattern_of(r"[\\`*_{}\[\]<>|#&~]")


def shown(text: str) -> str:
    """``text`` on one line, safe for terminals and for XML, and without secrets: escapes for what cannot be seen."""
    return printable(redact(text))


def printable(text: str) -> str:
    """``text`` of ours on one line: escapes in place of what cannot be seen."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown_lines(text: str) -> str:
    """``text`` that keeps its lines and tabs, and is safe otherwise."""
    return printable_lines(redact(text))


def printable_lines(text: str) -> str:
    """``text`` that is to be shown as it is, secrets too, but for what cannot be seen."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(printable(part) for part in line.split("\t")) for line in lines)


def clipped(text: str, most: int) -> str:
    """``text`` of a length (``most`` characters) that a report has room for; where it was cut, that is said."""
    # Secrets go before it is cut, which can take away what tells one.
    return text if len(text) <= most else cut(redact(text), most)


def cut(text: str, most: int) -> str:
    """The first ``most`` characters of ``text``, secrets too; where it was cut, that is said."""
    return text if len(text) <= most else f"{text[:most]} ... and {len(text) - most} more characters"


def in_markdown(text: str) -> str:
    """``text`` so that Markdown shows it as it is, in a table too."""
    return _MARKDOWN.sub(r"\\\g<0>", shown(" ".join(text.split())))
