"""Lineage as a drawing: what ``layout`` has placed, as SVG that needs no script and loads nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup, escape

from mock_intake.report.escaping import shown
from mock_intake.report.layout import (
    COLUMN,
    HEIGHT,
    ROW,
    TITLE,
    WIDTH,
    Edge,
    Frame,
    Graph,
    GroupOf,
    Node,
    Point,
    layout,
)
from mock_intake.secrets.presenting import presented

MOST_NODES = 100
# What fits into a node, in em of its two lines: the name is bold and larger. Fonts differ; these are a wide one's.
_NAME_ROOM, _PLACE_ROOM = 18.1, 23.2
_WIDTHS = {
    letter: width
    for letters, width in (
        (" .,:;'|/-Iijl", 0.42),
        ("ft()[]!_r", 0.5),
        ("csz", 0.6),
        ("aevxykEFLT0123456789", 0.7),
        ("bdghnopquCSPYZ", 0.735),
        ("ABKRVX", 0.78),
        ("DGHNOQU#&+<=>~", 0.86),
        ("mwM@%", 1.05),
        ("W", 1.11),
    )
    for letter in letters
}
# Where dashed lines run: they leave and reach a node at its upper or lower edge, this far from its end, since solid
# ones take the middle of its sides; and they keep to the gaps between rows and between columns.
_PORT = 36
_LANES = (12, 20, 28, 36, 44)
_CORRIDORS = (10, 6, 14)
_ROUNDING = 5


class Look(NamedTuple):
    """How a node is drawn beyond its name: where it leads to, words for its style, what is said of it, and the code of
    the rule for which the product would not show it.

    ``word`` is the first word of the second line (a platform, a state) in the style ``word_style``; ``findings`` stands
    in the corner where it is not 0, in the style ``findings_style``. ``kind`` and ``name`` replace those of the node.
    """

    href: str | None = None
    style: str = ""
    note: str = ""
    code: str = ""
    word: str = ""
    word_style: str = ""
    findings: int = 0
    findings_style: str = ""
    kind: str = ""
    name: str = ""


PLAIN = Look()


class Reason(NamedTuple):
    """Why two datasets would not join: the code of the rule, and what it says."""

    code: str
    words: str


def drawing(
    graph: Graph,
    title: str,
    looks: Mapping[Node, Look] | None = None,
    near_misses: Mapping[Edge, Reason] | None = None,
    group_of: GroupOf = lambda _: None,
) -> Markup:
    """The graph as SVG, for those who see; a list of the same stands beside it.

    ``looks`` makes nodes lead somewhere. ``near_misses`` are pairs of nodes, with the reason, that are not connected
    and were probably meant to be: they are dashed, with the code of the rule beside the end. What belongs to the same
    by ``group_of`` stands in a frame.
    """
    looks, near_misses = looks or {}, near_misses or {}
    plan = layout(graph, near_misses, group_of)
    parts = (
        *map(_framed, plan.frames),
        *(_EDGE % _path(route) for route in plan.routes.values()),
        *(_HEAD % _head(route) for route in plan.routes.values()),
        *_dashed(plan.places, near_misses),
        *(_node_drawing(node, place, looks.get(node, PLAIN)) for node, place in plan.places.items()),
    )
    shapes = Markup("".join(parts))  # noqa: S704 - each is, or has its texts escaped one by one
    # What is an image as a whole has no links in it.
    leading = any(look.href for look in looks.values())
    label = Markup('role="group" aria-label="%s"') % shown(title) if leading else Markup('role="img"')
    size = (plan.width, plan.height)
    return _SVG % (label, *size, *size, shown(title), shapes)


_SVG = Markup('<svg %s class="lineage" width="%g" height="%g" viewBox="0 0 %g %g"><title>%s</title>%s</svg>')
# There may be thousands of nodes and edges: of these no number is escaped, and texts are where they are put in.
_EDGE = '<path class="edge" d="%s"></path>'
_HEAD = '<path class="head" d="%s"></path>'


def _path(route: tuple[Point, ...]) -> str:
    steps = [f"M{route[0].x:g} {route[0].y:g}"]
    for (x, y), (to_x, to_y) in itertools.pairwise(route):
        middle = (x + to_x) / 2
        steps.append(f"C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}")
    return "".join(steps)


def _head(route: tuple[Point, ...]) -> str:
    """An arrow head where the edge ends; an edge that was turned to break a cycle points to the left."""
    x, y = route[-1]
    back = -8 if route[-2].x < x else 8
    return f"M{x:g} {y:g}l{back} -4v8z"


def _dashed(places: Mapping[Node, Point], near_misses: Mapping[Edge, Reason]) -> Iterator[Markup]:
    """Lines between nodes that just miss joining. Those from one node share their way; others get another."""
    ways: dict[Node, int] = {}
    for (one, other), reason in near_misses.items():
        if one in places and other in places:
            way = ways.setdefault(one, len(ways))
            route = _beside(places[one], places[other], way)
            said = shown(f"{reason.code}: {reason.words}")
            yield _NEAR_MISS % (_rounded(route), said)
            # Beside where it ends, towards the middle of the node: no other line ends there.
            (x, y), (_, before) = route[-1], route[-2]
            towards = -1 if x > places[other].x + WIDTH / 2 else 1
            yield _MISS % (x + towards * 28, y + (14 if before > y else -6), shown(reason.code), said)


_NEAR_MISS = Markup('<path class="near-miss" d="%s"><title>%s</title></path>')
_MISS = Markup('<text class="miss" x="%g" y="%g">%s<title>%s</title></text>')


def _beside(one: Point, other: Point, way: int) -> list[Point]:
    """The corners of a line from one node to another through the gaps between rows and between columns.

    It leaves the upper one at its lower edge, and reaches the lower one at its upper edge; nodes in the same row are
    connected below them.
    """
    gap = _CORRIDORS[way % len(_CORRIDORS)]
    upper, lower = sorted((one, other), key=lambda place: (place.y, place.x))
    from_x, to_x = _port(upper, lower), _port(lower, upper)
    start = [Point(from_x, upper.y + HEIGHT), Point(from_x, upper.y + HEIGHT + gap)]
    if lower.y == upper.y:
        route = [*start, Point(to_x, lower.y + HEIGHT + gap), Point(to_x, lower.y + HEIGHT)]
    else:
        above = lower.y - (ROW - HEIGHT) + gap
        # The gap before the lower node, seen from the upper one; behind both, if they stand in one column.
        column = lower.x - COLUMN if upper.x < lower.x else lower.x
        lane = column + WIDTH + _LANES[way % len(_LANES)]
        over = [Point(lane, start[-1].y), Point(lane, above)] if above > start[-1].y else []
        route = [*start, *over, Point(to_x, above), Point(to_x, lower.y)]
    # Between neighbours there is one gap only: some corners are the same.
    route = list(dict.fromkeys(route))
    return route if upper == one else route[::-1]


def _port(place: Point, other: Point) -> float:
    """Where at the width of a node a dashed line begins: near the end that looks at the other node."""
    return place.x + (_PORT if other.x < place.x else WIDTH - _PORT)


def _rounded(corners: list[Point]) -> str:
    """A line with rounded corners."""
    steps = [f"M{corners[0].x:g} {corners[0].y:g}"]
    for before, (x, y), after in zip(corners, corners[1:], corners[2:], strict=False):
        into, out = (
            Point(x + _towards(x, near.x) * _ROUNDING, y + _towards(y, near.y) * _ROUNDING) for near in (before, after)
        )
        steps.append(f"L{into.x:g} {into.y:g}Q{x:g} {y:g} {out.x:g} {out.y:g}")
    return "".join([*steps, f"L{corners[-1].x:g} {corners[-1].y:g}"])


def _towards(here: float, there: float) -> int:
    return (there > here) - (there < here)


def _node_drawing(node: Node, place: Point, look: Look) -> str:
    node = Node(node.type, presented(node.namespace), look.name or presented(node.name))
    said = f"{look.kind or node.type} {node.namespace} / {node.name}" + (f": {look.note}" if look.note else "")
    word = presented(look.word)
    kind = (look.kind or node.type) + (f", {look.code}" if look.code else "") + " in "
    room = _PLACE_ROOM - _width(f"{word} · {kind}" if word else kind)
    made = _NODE % (
        escape(f"node {node.type} {look.style}".rstrip()),
        place.x,
        place.y,
        escape(shown(said)),
        WIDTH,
        HEIGHT,
        HEIGHT / 2 if node.type == "dataset" else 4,
        WIDTH / 2,
        escape(_short(node.name, _NAME_ROOM)),
        WIDTH / 2,
        _WORD % (escape(f"word {look.word_style}".rstrip()), escape(shown(word))) if word else "",
        escape(shown(kind) + _short(node.namespace, room)),
        _BADGE % (escape(look.findings_style), WIDTH - 14, WIDTH - 14, look.findings) if look.findings else "",
    )
    return _LINK % (escape(shown(look.href)), made) if look.href else made


_LINK = '<a href="%s">%s</a>'
_NODE = (
    '<g class="%s" transform="translate(%g %g)"><title>%s</title><rect width="%g" height="%g" rx="%g"></rect>'
    '<text x="%g" y="19" class="name">%s</text><text x="%g" y="35">%s%s</text>%s</g>'
)


_WORD = '<tspan class="%s">%s</tspan> · '
_BADGE = '<g class="badge %s"><circle cx="%g" cy="0" r="9"></circle><text x="%g" y="4">%d</text></g>'


def _framed(frame: Frame) -> Markup:
    """What goes around nodes that stand together, with what they belong to above them."""
    of = Node(frame.of.type, presented(frame.of.namespace), presented(frame.of.name))
    return _FRAME % (
        shown(f"{of.type} {of.namespace} / {of.name}"),
        frame.x,
        frame.y,
        frame.width,
        frame.height,
        frame.x + frame.width / 2,
        frame.y + TITLE * 0.65,
        _short(of.name, _NAME_ROOM),
    )


_FRAME = Markup(
    '<g class="frame"><title>%s</title><rect x="%g" y="%g" width="%g" height="%g" rx="6"></rect>'
    '<text x="%g" y="%g" class="name">%s</text></g>'
)


# Namespaces are those of many nodes, and a page is asked for again and again; what is long is not kept.
_SHORT = 120


def _short(text: str, room: float) -> str:
    return _shortened_once(text, room) if len(text) <= _SHORT else _shortened(text, room)


def _shortened(text: str, room: float) -> str:
    """As much of the end as there is room for: names are told apart by how they end rather than by how they begin."""
    text = shown(text)
    if _width(text) <= room:
        return text
    widths = itertools.accumulate(map(_letter, reversed(text)), initial=1.0)
    fitting = sum(width <= room for width in widths) - 1
    return f"…{text[len(text) - fitting :]}"


_shortened_once = lru_cache(maxsize=8_192)(_shortened)


def _width(text: str) -> float:
    """How wide a text is drawn, in em, rather too much than too little."""
    return _width_once(text) if len(text) <= _SHORT else _summed(text)


def _summed(text: str) -> float:
    return sum(map(_letter, text))


_width_once = lru_cache(maxsize=8_192)(_summed)


def _letter(letter: str) -> float:
    return _WIDTHS.get(letter, 0.72 if letter.isascii() else 1.05)
