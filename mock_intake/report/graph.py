"""Lineage as a drawing: jobs and datasets in layers, in the direction of the data.

The layout is deterministic: cycles are broken where they are found, each node stands one layer after the last of
those that lead to it, and neighbours are drawn near each other by some sweeps over the layers' averages.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mock_intake.report.escaping import shown
from mock_intake.report.markup import Markup, element, joined

MOST_DRAWN = 100
_SWEEPS = 6
_WIDTH, _HEIGHT = 240, 44
_COLUMN, _ROW = 316, 64
_MARGIN = 12
_FEWEST_COLUMNS = 3
# What fits into a node, in em of its two lines: the name is bold and larger. Fonts differ; these are a wide one's.
_NAME_ROOM, _PLACE_ROOM = 17.5, 23
_NARROW, _WIDE = frozenset(" .,:;'|!ijlIft/()[]-_"), frozenset("mwMW@%")


class Node(NamedTuple):
    """A job or dataset: ``type`` is one of the two words."""

    type: str
    namespace: str
    name: str


Edge = tuple[Node, Node]


class Look(NamedTuple):
    """How a node is drawn beyond its name: where it leads to, words for its style, and what is said of it."""

    href: str | None = None
    style: str = ""
    note: str = ""


PLAIN = Look()


@dataclass(frozen=True)
class Graph:
    """The nodes in the order in which they were heard of, and the edges between them, each once."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, lineage: Mapping[str, Any]) -> Graph:
        """From the JSON form of the control API."""
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


def layout(graph: Graph) -> Layout:
    """Places for nodes and edges of a graph; cycles are no trouble."""
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
    tallest = max(map(len, rows), default=0)
    places: dict[_Vertex, Point] = {
        vertex: Point(_MARGIN + layer * _COLUMN, _MARGIN + (index + (tallest - len(row)) / 2) * _ROW)
        for layer, row in enumerate(rows)
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
        _MARGIN + _WIDTH + max((place.x for place in places.values()), default=0),
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
    ready = [node for node in graph.nodes if not waiting[node]]
    for node in ready:
        for end in following[node]:
            layers[end] = max(layers[end], layers[node] + 1)
            waiting[end] -= 1
            if not waiting[end]:
                ready.append(end)
    return layers


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
    graph: Graph, title: str, looks: Mapping[Node, Look] | None = None, near_misses: Mapping[Edge, str] | None = None
) -> Markup:
    """The graph as SVG, for those who see; a list of the same stands beside it.

    ``looks`` makes nodes lead somewhere. ``near_misses`` are pairs of nodes, with the reason, that are not connected
    and were probably meant to be: they are dashed, and do not change where nodes stand.
    """
    plan = layout(graph)
    looks, near_misses = looks or {}, near_misses or {}
    lines = (element("path", class_="edge", d=_path(route)) for route in plan.routes.values())
    heads = (element("path", class_="head", d=_head(route)) for route in plan.routes.values())
    dashed = (
        element("path", element("title", reason), class_="near-miss", d=_beside(plan.places[one], plan.places[other]))
        for (one, other), reason in near_misses.items()
        if one in plan.places and other in plan.places
    )
    nodes = (_drawn(node, place, looks.get(node, PLAIN)) for node, place in plan.places.items())
    return element(
        "svg",
        element("title", title),
        joined(lines),
        joined(heads),
        joined(dashed),
        joined(nodes),
        # What is an image as a whole has no links in it.
        role="group" if looks else "img",
        aria_label=title if looks else None,
        class_="lineage",
        width=plan.width,
        height=plan.height,
        viewBox=f"0 0 {plan.width:g} {plan.height:g}",
    )


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


def _beside(one: Point, other: Point) -> str:
    """A line between two nodes that passes beside those in their column, if they stand in one."""
    if one.x == other.x:
        x, bow = one.x + _WIDTH, _COLUMN - _WIDTH
        y, to_y = one.y + _HEIGHT / 2, other.y + _HEIGHT / 2
        return f"M{x:g} {y:g}C{x + bow:g} {y:g} {x + bow:g} {to_y:g} {x:g} {to_y:g}"
    left, right = sorted((one, other))
    return _path((Point(left.x + _WIDTH, left.y + _HEIGHT / 2), Point(right.x, right.y + _HEIGHT / 2)))


def _drawn(node: Node, place: Point, look: Look) -> Markup:
    said = f"{node.type} {node.namespace} / {node.name}" + (f": {look.note}" if look.note else "")
    kind = f"{node.type} in "
    drawn = element(
        "g",
        element("title", said),
        element("rect", width=_WIDTH, height=_HEIGHT, rx=_HEIGHT / 2 if node.type == "dataset" else 4),
        element("text", _short(node.name, _NAME_ROOM), x=_WIDTH / 2, y=19, class_="name"),
        element("text", kind + _short(node.namespace, _PLACE_ROOM - _width(kind)), x=_WIDTH / 2, y=35),
        class_=f"node {node.type} {look.style}".rstrip(),
        transform=f"translate({place.x:g} {place.y:g})",
    )
    return element("a", drawn, href=look.href) if look.href else drawn


def _short(text: str, room: float) -> str:
    """As much of the end as there is room for: names are told apart by how they end rather than by how they begin."""
    text = shown(text)
    if _width(text) <= room:
        return text
    widths = itertools.accumulate(map(_letter, reversed(text)), initial=1.0)
    fitting = sum(width <= room for width in widths) - 1
    return f"…{text[len(text) - fitting :]}"


def _width(text: str) -> float:
    """How wide a text is drawn, in em, rather too much than too little."""
    return sum(map(_letter, text))


def _letter(letter: str) -> float:
    if letter in _NARROW:
        return 0.5
    if letter in _WIDE or not letter.isascii():
        return 1.05
    return 0.8 if letter.isupper() else 0.69
