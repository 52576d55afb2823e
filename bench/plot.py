"""Lines over two axes that both grow by factors, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 34, 34, 44
# Told apart also by those who see no colours: each line has its own dashes.
_STROKES = (("#0b62a4", ""), ("#a63603", "7 3"), ("#2d7d46", "2 3"), ("#6a51a3", "9 3 2 3"))

Line = Sequence[tuple[float, float]]


class Plot(NamedTuple):
    """Some lines by their names, and what stands above them and at the axes."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Line]


class _Scale(NamedTuple):
    """Where a value is drawn: whole powers of ten at both ends."""

    least: int
    most: int
    begin: float
    end: float

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.least) / (self.most - self.least)
        return round(self.begin + share * (self.end - self.begin), 1)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.least, self.most + 1)]


def _scale(values: Sequence[float], begin: float, end: float) -> _Scale:
    least = math.floor(math.log10(min(values)))
    return _Scale(least, max(math.ceil(math.log10(max(values))), least + 1), begin, end)


def svg(plots: Sequence[Plot]) -> str:
    """An image of plots beside each other. Raises ``ValueError`` where one has no point, or one that is not above 0."""
    width = WIDTH * len(plots)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}">',
        "<style>text { font: 11px sans-serif }</style>",
        f"<title>{escape('; '.join(plot.title for plot in plots))}</title>",
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for number, plot in enumerate(plots):
        parts += [f'<g transform="translate({WIDTH * number} 0)">', *_drawn(plot), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


def _drawn(plot: Plot) -> list[str]:
    points = [point for line in plot.lines.values() for point in line]
    across = _scale([x for x, _ in points], _LEFT, WIDTH - _RIGHT)
    up = _scale([y for _, y in points], HEIGHT - _BOTTOM, _TOP)
    parts = [f'<text x="{_LEFT}" y="16" font-size="13">{escape(plot.title)}</text>']
    for tick in across.ticks():
        x = across.at(tick)
        parts.append(f'<path d="M{x} {_TOP}V{HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:,.0f}</text>')
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(f'<path d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{tick:,g}</text>')
    middle = (HEIGHT - _BOTTOM + _TOP) // 2
    parts.append(f'<text x="{(WIDTH + _LEFT) // 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(plot.across)}</text>')
    parts.append(f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(plot.up)}</text>')
    for number, (name, line) in enumerate(plot.lines.items()):
        colour, dashes = _STROKES[number % len(_STROKES)]
        drawn = " ".join(f"{across.at(x)},{up.at(y)}" for x, y in line)
        stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        parts.append(f'<polyline points="{drawn}" fill="none" {stroke}/>')
        parts += [f'<circle cx="{across.at(x)}" cy="{up.at(y)}" r="3" fill="{colour}"/>' for x, y in line]
        y = _TOP + 12 + 15 * number
        parts.append(f'<path d="M{_LEFT + 10} {y - 4}h24" {stroke}/>')
        parts.append(f'<text x="{_LEFT + 40}" y="{y}">{escape(name)}</text>')
    return parts
