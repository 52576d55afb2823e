"""What is said of a finding, the same in every output: its parts in their order, and lines of text made of them.

``PARTS`` is the one place to add a part. Terminals, pytest, Markdown and JUnit write ``finding_lines``, pages what
templates/finding.html makes of ``laid_out``. What all findings of a group say alike is said once; what differs (the
corrected value, say) stands at each place.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from mock_intake.judging.catalogue import RULES
from mock_intake.model.findings import Finding, Severity
from mock_intake.report.escaping import clipped, in_markdown, shown
from mock_intake.report.places import Group, Place

# How a word is shown: given what it is ("code", or a severity) and the word.
Paint = Callable[[str, str], str]


class Part(NamedTuple):
    """One thing that is said beside the message: ``name`` labels it in lines, ``title`` on pages.

    ``link`` is the beginning of the text, where that leads to a page on the web.
    """

    name: str
    title: str
    text: str
    link: str = ""


class PartOf(NamedTuple):
    """A part as it is made: the text that a finding has of it, None or "" where it has none."""

    name: str
    title: str
    text: Callable[[Finding], str | None]
    link: Callable[[Finding], str] = lambda _: ""


def _because(finding: Finding) -> str | None:
    rule = RULES.get(finding.code)
    return rule.because if rule else None


PARTS: tuple[PartOf, ...] = (
    PartOf("expected", "Expected", lambda finding: finding.expected),
    PartOf("actual", "Actual", lambda finding: finding.actual),
    PartOf("why", "Why", _because),
    PartOf("advice", "What to do", lambda finding: finding.advice),
    PartOf(
        "source", "Source", lambda finding: f"{finding.source} ({finding.sureness})", lambda finding: finding.source
    ),
)


class PlaceText(NamedTuple):
    """What is said at one place: where that is, and what is not said alike at all places of the group.

    ``anchor`` is where that place stands on the same page; empty where it does not.
    """

    where: str
    message: str | None
    parts: tuple[Part, ...]
    anchor: str = ""


class Block(Struct, frozen=True):
    """A group as it is laid out. ``message`` is None where places say different things; ``left`` are not shown."""

    code: str
    severity: Severity
    count: int
    message: str | None
    places: tuple[PlaceText, ...]
    left: int
    parts: tuple[Part, ...]

    @property
    def times(self) -> str:
        """How often, where it was more than once."""
        return f", {self.count:,} times" if self.count > 1 else ""


def laid_out(group: Group) -> Block:
    """What there is to say of ``group``: at its places what differs, once what does not."""
    first, differing = group.first, group.differing
    # Places that read the same are shown once.
    said = dict.fromkeys(one for place in group.places if (one := _said(place, differing)) is not None)
    return Block(
        first.code,
        first.severity,
        group.count,
        None if "message" in differing else first.message,
        tuple(said),
        group.count - len(said) if said else 0,
        _parts(first, lambda name: name not in differing),
    )


def _said(place: Place, differing: set[str]) -> PlaceText | None:
    """What is said at a place; None where there is nothing to say but that there is one."""
    finding = place.finding
    words = [f"in {place}"] if str(place) else []
    if finding.pointer:
        words.append(f"at {finding.pointer}")
    message = finding.message if "message" in differing else None
    parts = _parts(finding, differing.__contains__)
    if not words and message is None and not parts:
        return None
    return PlaceText(", ".join(words) or f"in the {finding.subject}", message, parts, place.anchor)


def _parts(finding: Finding, wanted: Callable[[str], bool]) -> tuple[Part, ...]:
    made = (Part(of.name, of.title, of.text(finding) or "", of.link(finding)) for of in PARTS if wanted(of.name))
    return tuple(part for part in made if part.text)


def plain(_what: str, word: str) -> str:
    """The paint of what is read without colours."""
    return word


class Style(Struct, frozen=True):
    """How findings become lines of text, for a terminal, a log or a failed test.

    ``paint`` colours codes and severities. ``escape`` makes one safe line of a text that may come from events.
    ``width`` is where lines are wrapped, in columns; None leaves them as long as they are. ``brief`` leaves out all but
    the head and the advice.
    """

    paint: Paint = plain
    escape: Callable[[str], str] = shown
    width: int | None = None
    brief: bool = False

    def head(self, block: Block) -> str:
        """The line that ``block`` begins with, without colours."""
        rule = f"{self.escape(block.code)} {block.severity}"
        return f"{rule}{block.times}" + ("" if block.message is None else f": {self.escape(block.message)}")

    def painted(self, head: str, block: Block) -> str:
        """The first line of ``head``, code and severity of ``block`` in their colours."""
        code = self.escape(block.code)
        rest = head.removeprefix(f"{code} {block.severity}")
        if rest == head:
            return head
        return f"{self.paint('code', code)} {self.paint(block.severity, block.severity)}{rest}"

    def place(self, said: PlaceText) -> str:
        """Where a group was found, and what is said there alone."""
        return f"  {self._where(said)}"

    def part(self, depth: int, part: Part, code: str) -> str:
        """``part`` of a group (``depth`` 1) or of one of its places (2)."""
        more = f"; more: mock-intake rules {code}" if part.name == "source" and code in RULES else ""
        return f"{'  ' * depth}{f'{part.name}:':9} {self.escape(part.text)}{more}"

    def left(self, number: int) -> str:
        """How many places are not shown."""
        return f"  and {number:,} more"

    def wrapped(self, line: str) -> Iterator[str]:
        """The line, or several where it is wider than there is room for."""
        if self.width is None or len(line) <= self.width:
            yield line
            return
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        yield from textwrap.wrap(
            line, self.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )

    def _where(self, said: PlaceText) -> str:
        return ": ".join(self.escape(text) for text in (said.where, said.message) if text)


class MarkdownStyle(Style, frozen=True):
    """Findings as a list in Markdown: its lines begin with words of ours, so that no text can begin a block."""

    def head(self, block: Block) -> str:
        message = "" if block.message is None else f": {self.escape(block.message)}"
        return f"- **{self.escape(block.code)} {block.severity}**{block.times}{message}"

    def place(self, said: PlaceText) -> str:
        return f"  - {self._where(said)}"

    def part(self, depth: int, part: Part, code: str) -> str:  # noqa: ARG002
        return f"{'  ' * depth}- {part.name}: {self.escape(part.text)}"

    def left(self, number: int) -> str:
        return f"  - and {number:,} more"


PLAIN = Style()


def markdown(most_letters: int = 1_000) -> Style:
    """The style of Markdown, every text cut at ``most_letters`` characters."""
    return MarkdownStyle(escape=lambda text: in_markdown(clipped(text, most_letters)))


def finding_lines(group: Group, style: Style = PLAIN) -> list[str]:
    """All that is said of ``group``, findings by rule and message, as lines in this ``style``."""
    block = laid_out(group)
    head, *others = (line for one in _lines(block, style) for line in style.wrapped(one))
    return [style.painted(head, block), *others]


def finding_head(group: Group, style: Style = PLAIN) -> str:
    """One line on ``group``: where its findings say different things, what the first does."""
    block = laid_out(group)
    if block.message is None:
        block = replace(block, message=f"for instance: {group.first.message}")
    return style.painted(style.head(block), block)


def _lines(block: Block, style: Style) -> Iterator[str]:
    yield style.head(block)
    if style.brief:
        yield from (style.part(1, part, block.code) for part in block.parts if part.name == "advice")
        return
    for said in block.places:
        yield style.place(said)
        yield from (style.part(2, part, block.code) for part in said.parts)
    if block.left:
        yield style.left(block.left)
    yield from (style.part(1, part, block.code) for part in block.parts)
