"""A JSON text laid out in lines, nothing in it rewritten: numbers, escapes and repeated keys stay as they were sent.

Every line knows the JSON Pointer (RFC 6901) of the value that begins on it, so that findings stand where they belong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mock_intake.model.findings import Finding
from mock_intake.secrets.quoting import LONGEST_POINTER, quoted_pointer

MOST_LINES = 4_000
# So much (characters) of a text is looked at for them.
MOST_LETTERS = 2_000_000
_TOKEN = re.compile(r'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]+)', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}

Kind = Literal["key", "string", "other", "sign"]


class NotJsonError(ValueError):
    """The text is no JSON, so that there is nothing to be laid out."""


class Part(NamedTuple):
    """A piece of a line: what it is, and its text."""

    kind: Kind
    text: str


@dataclass(slots=True)
class Line:
    """A line: how deep it is indented, and the pointer to the value that begins on it, if one does.

    ``findings`` are those that speak of it, each with its number among all.
    """

    number: int
    depth: int
    parts: list[Part] = field(default_factory=list)
    pointer: str | None = None
    findings: list[tuple[int, Finding]] = field(default_factory=list)

    @property
    def severity(self) -> str:
        """The worst of what is said of the line, as a word; nothing where nothing is said."""
        return max((finding.severity for _, finding in self.findings), key=lambda one: one.rank, default="")


@dataclass(slots=True)
class _Open:
    """An object or array that is being read: how many values it has had, and the key of the one that comes."""

    sign: str
    pointer: str
    count: int = 0
    key: str | None = None

    @property
    def child(self) -> str:
        """The pointer to the value that comes, as findings quote it; no longer than theirs are."""
        if len(self.pointer) > LONGEST_POINTER:
            return self.pointer
        return self.pointer + quoted_pointer(self.count if self.key is None else self.key)


def laid_out(text: str, most: int | None = None, *, cut: bool = False) -> list[Line]:
    """The lines of a JSON text, at most so many, and one more where there is more. Raises ``NotJsonError``.

    ``cut`` tells that the text goes on behind what is given of it.
    """
    lines = [Line(1, 0)]
    open_: list[_Open] = []
    for piece in _pieces(text, cut=cut):
        if most is not None and len(lines) > most:
            return lines
        within = open_[-1] if open_ else None
        if piece in ("}", "]"):
            if within is None or piece != _CLOSING[within.sign]:
                raise NotJsonError
            open_.pop()
            if within.count:
                lines.append(Line(len(lines) + 1, len(open_)))
            lines[-1].parts.append(Part("sign", piece))
        elif piece in (",", ":"):
            lines[-1].parts.append(Part("sign", ": " if piece == ":" else ","))
        elif within is not None and within.sign == "{" and within.key is None:
            within.key = _decoded(piece)
            lines.append(Line(len(lines) + 1, len(open_), [Part("key", piece)]))
        else:
            if within is not None and within.sign == "[":
                lines.append(Line(len(lines) + 1, len(open_)))
            pointer = within.child if within is not None else ""
            lines[-1].pointer = pointer
            if within is not None:
                within.count += 1
                within.key = None
            if piece in _CLOSING:
                open_.append(_Open(piece, pointer))
                lines[-1].parts.append(Part("sign", piece))
            else:
                lines[-1].parts.append(Part("string" if piece[0] == '"' else "other", piece))
    if open_ and not cut:
        raise NotJsonError
    return lines


def closed(text: str) -> tuple[str, str]:
    """As much of a JSON text that was cut off as is JSON with something behind it, and that."""
    open_: list[str] = []
    end = place = 0
    while (found := _TOKEN.match(text, place)) is not None:
        piece, place = found[1], found.end()
        if piece in _CLOSING:
            open_.append(_CLOSING[piece])
            end = place
        elif piece in ("}", "]"):
            if not open_ or piece != open_.pop():
                break
            end = place
        elif piece == ",":
            end = found.start(1)
    return text[:end], "".join(reversed(open_))


def _pieces(text: str, *, cut: bool) -> Iterator[str]:
    end = len(text.rstrip())
    position = 0
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None and cut:
            return
        if found is None:
            raise NotJsonError
        yield found[1]
        position = found.end()


def _decoded(piece: str) -> str:
    try:
        value = json.loads(piece, strict=False)
    except ValueError as error:
        raise NotJsonError from error
    if not isinstance(value, str):
        raise NotJsonError
    return value


def place_findings(lines: list[Line], findings: Iterable[Finding]) -> dict[int, int]:
    """Puts findings on the lines that they speak of; what is missing is said at what should have it.

    Gives the number of the line for the number of each finding, where there is one.
    """
    by_pointer: dict[str, Line] = {}
    for line in lines:
        if line.pointer is not None:
            by_pointer.setdefault(line.pointer, line)
    placed: dict[int, int] = {}
    for number, finding in enumerate(findings, 1):
        if finding.subject == "request" or (finding.pointer and finding.pointer[0] != "/"):
            continue
        pointer = finding.pointer
        while pointer and pointer not in by_pointer:
            pointer = pointer.rpartition("/")[0]
        if (owner := by_pointer.get(pointer)) is not None:
            owner.findings.append((number, finding))
            placed[number] = owner.number
    return placed
