"""Where the nodes of a lineage graph stand, and which way its edges take: in layers, in the direction of the data.

What is connected stands together, the largest part first; smaller ones stand beside each other below it. Within a part
cycles are broken where they are found, each node stands one layer after the last of those that lead to it (what nothing
leads to, one layer before the first that it leads to), and neighbours stand near each other by some sweeps over the
layers' averages. The same graph has the same layout every time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_SWEEPS = 6
WIDTH, HEIGHT = 240, 44
COLUMN, ROW = 316, 64
MARGIN = 16
# Parts that are beside each other are as wide together as so many columns at least.
_FEWEST_COLUMNS = 3
# Between parts that have nothing in common.
_APART = 28
# What is drawn around nodes that stand together, and the room for its title above them.
FRAME, TITLE = 9, 26


class Node(NamedTuple):
    """A job or dataset: ``type`` is one of the two words."""

    type: str
    namespace: str
    name: str


Edge = tuple[Node, Node]


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


class Frame(NamedTuple):
    """What is drawn around nodes that stand together, such as the columns of a table: ``of`` is what they belong to."""

    of: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where nodes stand (their upper left corners), the points that each edge passes, and the frames around nodes."""

    places: Mapping[Node, Point]
    routes: Mapping[Edge, tuple[Point, ...]]
    width: float
    height: float
    frames: tuple[Frame, ...] = ()

    def moved(self, x: float, y: float) -> Layout:
        """The same somewhere else."""
        return Layout(
            {node: Point(place.x + x, place.y + y) for node, place in self.places.items()},
            {edge: tuple(Point(at.x + x, at.y + y) for at in route) for edge, route in self.routes.items()},
            self.width,
            self.height,
            tuple(frame._replace(x=frame.x + x, y=frame.y + y) for frame in self.frames),
        )


GroupOf = Callable[[Node], Node | None]
"""What a node belongs to, with whose other nodes it is to stand together; None where it stands for itself."""


class _Bend(NamedTuple):
    """Where an edge passes a layer between its ends."""

    edge: Edge
    layer: int


_Vertex = Node | _Bend


def layout(graph: Graph, near_misses: Iterable[Edge] = (), group_of: GroupOf = lambda _: None) -> Layout:
    """Places for nodes and edges of ``graph``; cycles are no trouble.

    A node that is connected to nothing stands below the one that it just missed. With ``near_misses``, nodes of all
    layers of a part stand in the same rows, so that there are gaps from side to side for what is dashed.
    """
    known = set(graph.nodes)
    near = [(one, other) for one, other in near_misses if one in known and other in known]
    parts, alone = _parts(graph, near, group_of)
    laid = [_laid_out(part, [pair for pair in near if pair[0] in set(part.nodes)], group_of) for part in parts]
    fewest = _FEWEST_COLUMNS * COLUMN - (COLUMN - WIDTH)
    room = max([fewest, *(one.width for one in laid)])
    made: list[Layout] = []
    x = y = tallest = 0.0
    for one in laid:
        if x and x + one.width > room:
            x, y, tallest = 0.0, y + tallest + _APART, 0.0
        made.append(one.moved(MARGIN + x, MARGIN + y))
        x += one.width + COLUMN - WIDTH
        tallest = max(tallest, one.height)
    # Nodes on their own stand below, as close to each other as they can.
    columns = int((room + COLUMN - WIDTH) // COLUMN)
    below = y + tallest + (_APART if laid and alone else 0.0)
    grid = {
        node: Point(MARGIN + index % columns * COLUMN, MARGIN + below + index // columns * ROW)
        for index, node in enumerate(alone)
    }
    places = {**grid, **{node: place for one in made for node, place in one.places.items()}}
    right = [one.width + min(place.x for place in one.places.values()) for one in made]
    right += [place.x + WIDTH for place in grid.values()]
    bottom = [place.y + HEIGHT for place in places.values()] + [
        one.y + one.height for each in made for one in each.frames
    ]
    return Layout(
        {node: places[node] for node in graph.nodes},
        {edge: route for one in made for edge, route in one.routes.items()},
        MARGIN + max(right, default=0),
        MARGIN + max(bottom, default=0),
        tuple(frame for one in made for frame in one.frames),
    )


def _parts(graph: Graph, near: Iterable[Edge], group_of: GroupOf) -> tuple[list[Graph], list[Node]]:
    """The parts of ``graph`` that have nothing in common, the largest first; and the nodes that have no neighbour."""
    beside: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    for one, other in itertools.chain(graph.edges, near):
        beside[one].append(other)
        beside[other].append(one)
    groups: dict[Node, Node] = {}
    for node in graph.nodes:
        if (group := group_of(node)) is not None:
            first = groups.setdefault(group, node)
            beside[first].append(node)
            beside[node].append(first)
    part_of: dict[Node, int] = {}
    count = 0
    for root in graph.nodes:
        if root in part_of:
            continue
        part_of[root], waiting = count, [root]
        while waiting:
            for node in beside[waiting.pop()]:
                if node not in part_of:
                    part_of[node] = count
                    waiting.append(node)
        count += 1
    nodes: list[list[Node]] = [[] for _ in range(count)]
    edges: list[list[Edge]] = [[] for _ in range(count)]
    for node in graph.nodes:
        nodes[part_of[node]].append(node)
    for edge in graph.edges:
        edges[part_of[edge[0]]].append(edge)
    parts = [Graph(tuple(some), tuple(between)) for some, between in zip(nodes, edges, strict=True)]
    alone = [part.nodes[0] for part in parts if len(part.nodes) == 1 and group_of(part.nodes[0]) is None]
    whole = [part for part in parts if len(part.nodes) > 1 or group_of(part.nodes[0]) is not None]
    return sorted(whole, key=lambda part: -len(part.nodes)), alone


def _laid_out(graph: Graph, near: list[Edge], group_of: GroupOf) -> Layout:
    """One part, its upper left corner at 0, 0."""
    forward, layer_of = _directed(graph, group_of)
    linked = {node for edge in forward for node in edge}
    rows: list[list[_Vertex]] = [[] for _ in range(max(layer_of.values()) + 1)]
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
    linked |= _join_missed(rows, linked, layer_of, near)
    # What is connected to nothing but by a near miss, or by what it belongs to.
    for node in graph.nodes:
        if node not in linked:
            rows[layer_of[node]].append(node)
    rows = [_together(row, group_of) for row in rows]
    heights = [_stacked(row, group_of) for row in rows]
    tallest = max(height for _, height in heights)
    places: dict[_Vertex, Point] = {}
    frames: list[Frame] = []
    for layer, (row, (at, height)) in enumerate(zip(rows, heights, strict=True)):
        # In rows of all layers where something is dashed between them; else each layer in the middle.
        above = (tallest - height) / 2 if not near else (tallest - height) // ROW // 2 * ROW
        places |= {vertex: Point(layer * COLUMN, above + y) for vertex, y in zip(row, at, strict=True)}
        frames += _frames(row, places, group_of)
    # Beside the last column there may be dashed lines, and edges within a frame.
    wide = near or any(group_of(node) is not None for node in graph.nodes)
    width = (len(rows) - 1) * COLUMN + (COLUMN - 2 * MARGIN if wide else WIDTH)
    routes = {edge: _route(edge, chain, places) for edge, chain in chains.items()}
    routes |= {edge: _within(edge, places) for edge in graph.edges if edge not in routes and edge[0] != edge[1]}
    return Layout({node: places[node] for node in graph.nodes}, routes, width, tallest, tuple(frames))


def _directed(graph: Graph, group_of: GroupOf) -> tuple[dict[Edge, Edge], dict[Node, int]]:
    """Each edge in the direction in which it is laid out, and the layer of each node: one for all of a group.

    Edges between nodes of one group have no direction: they are left out.
    """
    owner = {node: group_of(node) or node for node in graph.nodes}
    owners = Graph(
        tuple(dict.fromkeys(owner.values())),
        tuple(dict.fromkeys((owner[one], owner[other]) for one, other in graph.edges if owner[one] != owner[other])),
    )
    forward = _without_cycles(owners)
    layers = _layers(owners, forward)
    directed = {
        (one, other): (one, other) if forward[owner[one], owner[other]][0] == owner[one] else (other, one)
        for one, other in graph.edges
        if owner[one] != owner[other]
    }
    return directed, {node: layers[owner[node]] for node in graph.nodes}


def _together(row: list[_Vertex], group_of: GroupOf) -> list[_Vertex]:
    """The row with what belongs together side by side, where it stands on the whole."""
    found: dict[object, list[tuple[int, _Vertex]]] = {}
    for index, vertex in enumerate(row):
        key = vertex if isinstance(vertex, _Bend) else group_of(vertex) or vertex
        found.setdefault(key, []).append((index, vertex))
    ordered = sorted(found.values(), key=lambda some: sum(index for index, _ in some) / len(some))
    return [vertex for some in ordered for _, vertex in some]


def _stacked(row: list[_Vertex], group_of: GroupOf) -> tuple[list[float], float]:
    """How far below the top of its layer each vertex stands, and how tall the layer is."""
    at: list[float] = []
    y = 0.0
    before: Node | None = None
    for vertex in row:
        group = None if isinstance(vertex, _Bend) else group_of(vertex)
        if group != before:
            y += (FRAME if before is not None else 0) + (TITLE if group is not None else 0)
        before = group
        at.append(y)
        y += ROW
    return at, y - (ROW - HEIGHT) + (FRAME if before is not None else 0)


def _frames(row: list[_Vertex], places: Mapping[_Vertex, Point], group_of: GroupOf) -> list[Frame]:
    found: dict[Node, list[Point]] = {}
    for vertex in row:
        if not isinstance(vertex, _Bend) and (group := group_of(vertex)) is not None:
            found.setdefault(group, []).append(places[vertex])
    return [
        Frame(
            group,
            points[0].x - FRAME,
            points[0].y - TITLE,
            WIDTH + 2 * FRAME,
            points[-1].y - points[0].y + HEIGHT + TITLE + FRAME,
        )
        for group, points in found.items()
    ]


def _within(edge: Edge, places: Mapping[_Vertex, Point]) -> tuple[Point, ...]:
    """An edge between nodes of one column: beside it."""
    (x, y), (_, to_y) = places[edge[0]], places[edge[1]]
    beside = x + WIDTH + 2 * FRAME
    return Point(x + WIDTH, y + HEIGHT / 2), Point(beside, (y + to_y + HEIGHT) / 2), Point(x + WIDTH, to_y + HEIGHT / 2)


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
    joined: set[Node] = set()
    pairs = [way for pair in near_misses for way in (pair, pair[::-1])]
    # One that is joined may be what another one just missed.
    while found := next(((one, other) for one, other in pairs if _joins(one, other, linked, joined)), None):
        one, other = found
        row = rows[layer_of[one]]
        row.insert(row.index(one) + 1, other)
        layer_of[other] = layer_of[one]
        joined.add(other)
    return joined


def _joins(one: Node, other: Node, linked: set[Node], joined: set[Node]) -> bool:
    return (one in linked or one in joined) and other not in linked and other not in joined


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
            points.append(Point(x, y + HEIGHT / 2))
        if vertex != chain[-1]:
            points.append(Point(x + WIDTH, y + HEIGHT / 2))
    return tuple(points) if chain[0] == edge[0] else tuple(reversed(points))
