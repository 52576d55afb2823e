"""Lineage as a drawing: jobs and datasets in layers, in the direction of the data.

The layout is deterministic: cycles are broken where they are found, each node stands one layer after the last of
those that lead to it (what nothing leads to, one layer before the first that it leads to), and neighbours are drawn
near each other by some sweeps over the layers' averages.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup

from mock_intake.report.escaping import shown
from mock_intake.secrets.presenting import presented

MOST_NODES = 100
_SWEEPS = 6
_WIDTH, _HEIGHT = 240, 44
_COLUMN, _ROW = 316, 64
_MARGIN = 16
_FEWEST_COLUMNS = 3
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


class Node(NamedTuple):
    """A job or dataset: ``type`` is one of the two words."""

    type: str
    namespace: str
    name: str


Edge = tuple[Node, Node]


class Look(NamedTuple):
    """How a node is drawn beyond its name: where it leads to, words for its style, what is said of it, and the code of
    the rule for which the product would not show it."""

    href: str | None = None
    style: str = ""
    note: str = ""
    code: str = ""


PLAIN = Look()


class Reason(NamedTuple):
    """Why two datasets would not join: the code of the rule, and what it says."""

    code: str
    words: str


@dataclass(frozen=True)
class Graph:
    """The nodes in the order in which they were heard of, and the edges between them, each once."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, lineage: Mapping[str, Any]) -> Graph:
        """The graph of ``lineage``, which is in the JSON form of the control API."""
        nodes = dict.fromkeys(
            Node(kind, entry["namespace"], entry["name"])
            for kind, listed in (("dataset", "datasets"), ("job", "jobs"))
            for entry in lineage.get(listed, ())
        )
        edges = {(_node(edge["from"]), _node(edge["to"])): None for edge in lineage.get("edges", ())}
        nodes.update(dict.fromkeys(node for edge in edges for node in edge))
        return cls(tuple(nodes), tuple(edges))


def _node(reference: Mapping[str, str]) -> Node:
    return Node(reference["type"], reference["namespace"], reference["name"])


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Layout:
    """Where nodes stand (their upper left corners), and the points that each edge passes."""

    places: Mapping[Node, Point]
    routes: Mapping[Edge, tuple[Point, ...]]
    width: float
    height: float


class _Bend(NamedTuple):
    """Where an edge passes a layer between its ends."""

    edge: Edge
    layer: int


_Vertex = Node | _Bend


def layout(graph: Graph, near_misses: Iterable[Edge] = ()) -> Layout:
    """Places for nodes and edges of ``graph``; cycles are no trouble.

    A node that is connected to nothing stands below the one that it just missed. With ``near_misses``, nodes of all
    layers stand in the same rows, so that there are gaps from side to side for what is dashed.
    """
    forward = _without_cycles(graph)
    layer_of = _layers(graph, forward)
    linked = {node for edge in forward for node in edge}
    rows: list[list[_Vertex]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for node in graph.nodes:
        if node in linked:
            rows[layer_of[node]].append(node)
    chains: dict[Edge, list[_Vertex]] = {}
    for edge, (start, end) in forward.items():
        bends = [_Bend(edge, layer) for layer in range(layer_of[start] + 1, layer_of[end])]
        for bend in bends:
            rows[bend.layer].append(bend)
        chains[edge] = [start, *bends, end]
    _order(rows, chains.values())
    near = [(one, other) for one, other in near_misses if one in layer_of and other in layer_of]
    linked |= _join_missed(rows, linked, layer_of, near)
    tallest = max(map(len, rows), default=0)
    places: dict[_Vertex, Point] = {
        vertex: Point(_MARGIN + layer * _COLUMN, _MARGIN + (index + above) * _ROW)
        for layer, row in enumerate(rows)
        for above in ((tallest - len(row)) // 2 if near else (tallest - len(row)) / 2,)
        for index, vertex in enumerate(row)
    }
    # Nodes on their own stand below, so that they do not pull the others apart.
    columns = max(len(rows), _FEWEST_COLUMNS)
    for index, node in enumerate(node for node in graph.nodes if node not in linked):
        row, column = divmod(index, columns)
        places[node] = Point(_MARGIN + column * _COLUMN, _MARGIN + (tallest + row) * _ROW)
    return Layout(
        {node: places[node] for node in graph.nodes},
        {edge: _route(edge, chain, places) for edge, chain in chains.items()},
        # Beside the last column there may be dashed lines.
        (_COLUMN - _MARGIN if near else _MARGIN + _WIDTH) + max((place.x for place in places.values()), default=0),
        _MARGIN + _HEIGHT + max((place.y for place in places.values()), default=0),
    )


def _without_cycles(graph: Graph) -> dict[Edge, Edge]:
    """Each edge with the direction in which it is laid out: backwards where it would close a cycle."""
    following: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    entered: set[Node] = set()
    for start, end in graph.edges:
        following[start].append(end)
        entered.add(end)
    backwards: set[Edge] = set()
    done: set[Node] = set()
    # From the sources first, so that a cycle is entered where data comes in.
    for root in sorted(graph.nodes, key=lambda node: node in entered):
        if root in done:
            continue
        done.add(root)
        on_path = {root}
        stack = [(root, iter(following[root]))]
        while stack:
            node, rest = stack[-1]
            for end in rest:
                if end in on_path:
                    backwards.add((node, end))
                elif end not in done:
                    done.add(end)
                    on_path.add(end)
                    stack.append((end, iter(following[end])))
                    break
            else:
                on_path.discard(node)
                stack.pop()
    return {
        (start, end): (end, start) if (start, end) in backwards else (start, end)
        for start, end in graph.edges
        if start != end
    }


def _layers(graph: Graph, forward: Mapping[Edge, Edge]) -> dict[Node, int]:
    """The longest way to each node."""
    following: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    waiting = dict.fromkeys(graph.nodes, 0)
    for start, end in forward.values():
        following[start].append(end)
        waiting[end] += 1
    layers = dict.fromkeys(graph.nodes, 0)
    sources = [node for node in graph.nodes if not waiting[node]]
    ready = list(sources)
    for node in ready:
        for end in following[node]:
            layers[end] = max(layers[end], layers[node] + 1)
            waiting[end] -= 1
            if not waiting[end]:
                ready.append(end)
    for node in sources:
        layers[node] = min((layers[end] for end in following[node]), default=1) - 1
    return layers


def _join_missed(
    rows: list[list[_Vertex]], linked: set[Node], layer_of: dict[Node, int], near_misses: Iterable[Edge]
) -> set[Node]:
    """Puts nodes that are connected to nothing below those that they just missed; returns them."""
    joined_: set[Node] = set()
    for pair in near_misses:
        for one, other in (pair, pair[::-1]):
            if one in linked and other not in linked | joined_:
                row = rows[layer_of[one]]
                row.insert(row.index(one) + 1, other)
                layer_of[other] = layer_of[one]
                joined_.add(other)
    return joined_


def _order(rows: list[list[_Vertex]], chains: Iterable[list[_Vertex]]) -> None:
    """Sorts each layer by where its neighbours stand: before it on the way down, after it on the way back."""
    before: dict[_Vertex, list[_Vertex]] = {}
    after: dict[_Vertex, list[_Vertex]] = {}
    for chain in chains:
        for one, next_one in itertools.pairwise(chain):
            after.setdefault(one, []).append(next_one)
            before.setdefault(next_one, []).append(one)
    for sweep in range(_SWEEPS):
        neighbours, ordered = (before, rows) if sweep % 2 == 0 else (after, rows[::-1])
        for fixed, row in itertools.pairwise(ordered):
            position = {vertex: index / len(fixed) for index, vertex in enumerate(fixed)}
            average = {
                vertex: sum(position[one] for one in near) / len(near)
                if (near := neighbours.get(vertex))
                else index / len(row)
                for index, vertex in enumerate(row)
            }
            row.sort(key=average.__getitem__)


def _route(edge: Edge, chain: list[_Vertex], places: Mapping[_Vertex, Point]) -> tuple[Point, ...]:
    points: list[Point] = []
    for vertex in chain:
        x, y = places[vertex]
        if vertex != chain[0]:
            points.append(Point(x, y + _HEIGHT / 2))
        if vertex != chain[-1]:
            points.append(Point(x + _WIDTH, y + _HEIGHT / 2))
    return tuple(points) if chain[0] == edge[0] else tuple(reversed(points))


def drawing(
    graph: Graph, title: str, looks: Mapping[Node, Look] | None = None, near_misses: Mapping[Edge, Reason] | None = None
) -> Markup:
    """The graph as SVG, for those who see; a list of the same stands beside it.

    ``looks`` makes nodes lead somewhere. ``near_misses`` are pairs of nodes, with the reason, that are not connected
    and were probably meant to be: they are dashed, with the code of the rule beside the end.
    """
    looks, near_misses = looks or {}, near_misses or {}
    plan = layout(graph, near_misses)
    parts = (
        *(_EDGE % _path(route) for route in plan.routes.values()),
        *(_HEAD % _head(route) for route in plan.routes.values()),
        *_dashed(plan.places, near_misses),
        *(_node_drawing(node, place, looks.get(node, PLAIN)) for node, place in plan.places.items()),
    )
    # What is an image as a whole has no links in it.
    leading = any(look.href for look in looks.values())
    label = Markup('role="group" aria-label="%s"') % shown(title) if leading else Markup('role="img"')
    size = (plan.width, plan.height)
    return _SVG % (label, *size, *size, shown(title), Markup("").join(parts))


# By %, which takes half the time that format takes: there may be thousands of nodes.
_SVG = Markup('<svg %s class="lineage" width="%g" height="%g" viewBox="0 0 %g %g"><title>%s</title>%s</svg>')
_EDGE = Markup('<path class="edge" d="%s"></path>')
_HEAD = Markup('<path class="head" d="%s"></path>')


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
            towards = -1 if x > places[other].x + _WIDTH / 2 else 1
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
    start = [Point(from_x, upper.y + _HEIGHT), Point(from_x, upper.y + _HEIGHT + gap)]
    if lower.y == upper.y:
        route = [*start, Point(to_x, lower.y + _HEIGHT + gap), Point(to_x, lower.y + _HEIGHT)]
    else:
        above = lower.y - (_ROW - _HEIGHT) + gap
        # The gap before the lower node, seen from the upper one; behind both, if they stand in one column.
        column = lower.x - _COLUMN if upper.x < lower.x else lower.x
        lane = column + _WIDTH + _LANES[way % len(_LANES)]
        over = [Point(lane, start[-1].y), Point(lane, above)] if above > start[-1].y else []
        route = [*start, *over, Point(to_x, above), Point(to_x, lower.y)]
    # Between neighbours there is one gap only: some corners are the same.
    route = list(dict.fromkeys(route))
    return route if upper == one else route[::-1]


def _port(place: Point, other: Point) -> float:
    """Where at the width of a node a dashed line begins: near the end that looks at the other node."""
    return place.x + (_PORT if other.x < place.x else _WIDTH - _PORT)


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


def _node_drawing(node: Node, place: Point, look: Look) -> Markup:
    node = Node(node.type, presented(node.namespace), presented(node.name))
    said = f"{node.type} {node.namespace} / {node.name}" + (f": {look.note}" if look.note else "")
    kind = f"{node.type}, {look.code} in " if look.code else f"{node.type} in "
    made = _NODE % (
        f"node {node.type} {look.style}".rstrip(),
        place.x,
        place.y,
        shown(said),
        _WIDTH,
        _HEIGHT,
        _HEIGHT / 2 if node.type == "dataset" else 4,
        _WIDTH / 2,
        _short(node.name, _NAME_ROOM),
        _WIDTH / 2,
        shown(kind) + _short(node.namespace, _PLACE_ROOM - _width(kind)),
    )
    return _LINK % (shown(look.href), made) if look.href else made


_LINK = Markup('<a href="%s">%s</a>')
_NODE = Markup(
    '<g class="%s" transform="translate(%g %g)"><title>%s</title><rect width="%g" height="%g" rx="%g"></rect>'
    '<text x="%g" y="19" class="name">%s</text><text x="%g" y="35">%s</text></g>'
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
    return sum(map(_letter, text))


def _letter(letter: str) -> float:
    return _WIDTHS.get(letter, 0.72 if letter.isascii() else 1.05)
