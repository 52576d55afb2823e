"""The drawing of lineage: in the direction of the data, nothing on top of anything, the same every time."""

from __future__ import annotations

import itertools
import random
import re
import time
from datetime import UTC, datetime
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from mock_intake.report.graph import MOST_NODES, Look, Reason, drawing
from mock_intake.report.layout import Graph, Layout, Node, layout
from mock_intake.report.suite import ProducerReport, SuiteReport
from mock_intake.report.suite_html import to_html
from tests.report.samples import Recorded

WIDTH, HEIGHT = 200, 44


def job(name: str) -> Node:
    return Node("job", "ns", name)


def data(name: str) -> Node:
    return Node("dataset", "ns", name)


def graph(*edges: tuple[Node, Node]) -> Graph:
    return Graph(tuple(dict.fromkeys(itertools.chain(*edges))), tuple(dict.fromkeys(edges)))


def chain(length: int) -> Graph:
    nodes = [(job if number % 2 else data)(str(number)) for number in range(length)]
    return graph(*itertools.pairwise(nodes))


def overlapping(made: Layout) -> list[tuple[Node, Node]]:
    return [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(made.places.items(), 2)
        if abs(a.x - b.x) < WIDTH and abs(a.y - b.y) < HEIGHT
    ]


def crossings(made: Layout) -> int:
    """How often two straight pieces of edges between the same layers cross."""
    pieces = [(a, b) for route in made.routes.values() for a, b in itertools.pairwise(route) if a.x < b.x]
    return sum(
        a.x == c.x and b.x == d.x and (a.y - c.y) * (b.y - d.y) < 0
        for (a, b), (c, d) in itertools.combinations(pieces, 2)
    )


def test_data_flows_from_left_to_right() -> None:
    made = layout(graph((data("raw"), job("load")), (job("load"), data("orders")), (data("raw"), job("report"))))
    places = made.places
    assert places[data("raw")].x < places[job("load")].x < places[data("orders")].x
    assert places[job("report")].x == places[job("load")].x
    assert all(a.x < b.x for route in made.routes.values() for a, b in itertools.pairwise(route))


def test_an_edge_over_several_layers_passes_beside_what_is_between() -> None:
    made = layout(graph((data("a"), job("b")), (job("b"), data("c")), (data("c"), job("d")), (data("a"), job("d"))))
    between = [place for node, place in made.places.items() if node in (job("b"), data("c"))]
    (route,) = [route for edge, route in made.routes.items() if edge == (data("a"), job("d"))]
    assert len(route) == 6
    for point in route[1:-1]:
        assert all(abs(point.y - (place.y + HEIGHT / 2)) >= HEIGHT / 2 for place in between)


def test_a_cycle_is_drawn_with_one_edge_backwards() -> None:
    turning = graph(
        (data("in"), job("a")),
        (job("a"), data("b")),
        (data("b"), job("c")),
        (job("c"), data("d")),
        (data("d"), job("a")),
    )
    made = layout(turning)
    assert set(made.routes) == set(turning.edges)
    backwards = [edge for edge, route in made.routes.items() if route[0].x > route[-1].x]
    assert backwards == [(data("d"), job("a"))]


def test_lines_are_untangled() -> None:
    """Five chains whose middles are named in another order: nothing needs to cross."""
    edges = [(data(str(number)), job(f"j{number}")) for number in range(5)]
    edges += [(job(f"j{number}"), data(f"out {number}")) for number in (3, 0, 4, 2, 1)]
    nodes = [data(f"out {number}") for number in (2, 4, 1, 3, 0)]
    made = layout(Graph(tuple(dict.fromkeys([*nodes, *itertools.chain(*edges)])), tuple(edges)))
    assert crossings(made) == 0


def test_nodes_on_their_own_stand_below() -> None:
    linked = chain(4)
    alone = tuple(job(f"alone {number}") for number in range(9))
    made = layout(Graph((*alone, *linked.nodes), linked.edges))
    lowest = max(made.places[node].y for node in linked.nodes)
    assert all(made.places[node].y > lowest for node in alone)
    assert len({made.places[node].x for node in alone}) == 4
    assert overlapping(made) == []


@given(
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.booleans()), max_size=30),
)
def test_any_graph_is_drawn_whole_and_without_overlap(pairs: list[tuple[int, int, bool]]) -> None:
    edges = [
        (data(str(one)), job(str(other))) if reads else (job(str(one)), data(str(other))) for one, other, reads in pairs
    ]
    drawn = graph(*edges)
    made = layout(drawn)
    assert set(made.places) == set(drawn.nodes)
    assert set(made.routes) == set(drawn.edges)
    assert overlapping(made) == []
    assert all(0 <= x <= made.width - WIDTH and 0 <= y <= made.height - HEIGHT for x, y in made.places.values())
    assert layout(drawn) == made
    ElementTree.fromstring(drawing(drawn, "title"))  # noqa: S314  it is our own


def test_the_largest_drawing_takes_no_time() -> None:
    chance = random.Random(1)
    nodes = [(job if number % 2 else data)(str(number)) for number in range(MOST_NODES)]
    edges = {(chance.choice(nodes[0::2]), chance.choice(nodes[1::2])) for _ in range(150)}
    edges |= {(chance.choice(nodes[1::2]), chance.choice(nodes[0::2])) for _ in range(150)}
    started = time.thread_time()
    made = layout(Graph(tuple(nodes), tuple(sorted(edges))))
    assert time.thread_time() - started < 2
    assert overlapping(made) == []


def test_a_long_chain_is_no_trouble() -> None:
    made = layout(chain(2_000))
    assert len({place.x for place in made.places.values()}) == 2_000


def test_a_source_stands_one_layer_before_its_first_reader() -> None:
    late = data("late")
    made = layout(graph(*itertools.pairwise(chain(6).nodes), (late, job("5"))))
    assert made.places[late].x == made.places[data("4")].x
    both = graph(*itertools.pairwise(chain(6).nodes), (late, job("5")), (late, job("1")))
    assert layout(both).places[late].x == layout(both).places[data("0")].x


def dashed(made: str) -> list[list[tuple[float, float]]]:
    """The corners of the dashed lines of a drawing, the rounded ones included."""
    paths = [one.get("d") or "" for one in ElementTree.fromstring(made).iter("path") if one.get("class") == "near-miss"]  # noqa: S314
    return [[(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)] for path in paths]


def test_what_just_missed_and_is_not_connected_stands_below_the_one_that_is() -> None:
    linked, near = chain(5), data("2 again")
    alone = Graph((near, *linked.nodes), linked.edges)
    made = layout(alone, [(data("2"), near)])
    here, there = made.places[data("2")], made.places[near]
    assert (there.x, there.y > here.y) == (here.x, True)
    assert overlapping(made) == []


def test_a_dashed_line_ends_where_no_other_line_does() -> None:
    drawn = graph(*itertools.pairwise(chain(5).nodes))
    made = drawing(drawn, "title", near_misses={(data("0"), data("4")): Reason("DS101", "why")})
    places = layout(drawn, [(data("0"), data("4"))]).places
    [corners] = dashed(made)
    for (x, y), node in zip((corners[0], corners[-1]), (data("0"), data("4")), strict=True):
        assert x not in (places[node].x, places[node].x + 240)
        assert y in (places[node].y, places[node].y + HEIGHT)
    assert ">DS101<" in made.replace("<title>DS101: why</title>", "")


@given(
    pairs=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.booleans()), max_size=16),
    near=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=5),
)
def test_dashed_lines_pass_no_node(pairs: list[tuple[int, int, bool]], near: list[tuple[int, int]]) -> None:
    edges = [
        (data(str(one)), job(str(other))) if reads else (job(str(one)), data(str(other))) for one, other, reads in pairs
    ]
    nodes = dict.fromkeys([*itertools.chain(*edges), *(data(str(number)) for number in range(12))])
    misses = {(data(str(one)), data(str(other))): Reason("DS101", "why") for one, other in near if one != other}
    drawn = Graph(tuple(nodes), tuple(dict.fromkeys(edges)))
    made = layout(drawn, misses)
    assert overlapping(made) == []
    lines = dashed(drawing(drawn, "title", near_misses=misses))
    assert len(lines) == len(misses)
    for corners in lines:
        for (x, y), (to_x, to_y) in itertools.pairwise(corners):
            assert 0 <= min(x, to_x) <= max(x, to_x) <= made.width
            assert 0 <= min(y, to_y) <= max(y, to_y) <= made.height
            for place in made.places.values():
                beside = max(x, to_x) <= place.x or min(x, to_x) >= place.x + 240
                above_or_below = max(y, to_y) <= place.y or min(y, to_y) >= place.y + HEIGHT
                assert beside or above_or_below


def test_the_rule_for_which_a_node_is_not_shown_is_written_into_it() -> None:
    here = job("load")._replace(namespace="a-namespace-that-is-long-enough-to-be-cut-in-any-case")
    made = drawing(graph((data("raw"), here)), "title", {here: Look(style="unsurfaced", note="why", code="DD104")})
    assert ">job, DD104 in …" in made
    assert ">dataset in ns<" in made
    assert 'role="img"' in made


def test_lineage_as_the_control_api_gives_it(recorded: Recorded) -> None:
    found = Graph.of(recorded.lineage)
    assert len(found.nodes) == len(recorded.lineage["jobs"]) + len(recorded.lineage["datasets"])
    assert len(found.edges) == len(recorded.lineage["edges"]) > 3
    assert Graph.of({}) == Graph((), ())


def test_what_is_too_large_to_be_drawn_is_listed(recorded: Recorded) -> None:
    def page(size: int) -> str:
        jobs = [{"namespace": "ns", "name": f"job {number}"} for number in range(size)]
        producer = ProducerReport("p", "http", [], [], {"jobs": jobs})
        return to_html(SuiteReport("title", datetime.now(UTC), [], [producer]))

    assert "<svg" in page(MOST_NODES)
    large = page(MOST_NODES + 1)
    assert "<svg" not in large
    assert "too many to be drawn" in large
    assert f"ns / job {MOST_NODES}" in large


def test_what_has_nothing_in_common_stands_apart_the_largest_first() -> None:
    small, large = graph((data("s"), job("t"))), chain(5)
    middle = graph((data("x"), job("y")), (job("y"), data("z")))
    made = layout(Graph((*small.nodes, *middle.nodes, *large.nodes), (*small.edges, *middle.edges, *large.edges)))
    lowest = [max(made.places[node].y for node in part.nodes) for part in (large, middle, small)]
    highest = [min(made.places[node].y for node in part.nodes) for part in (large, middle, small)]
    assert lowest[0] < highest[1]
    # What is narrow enough stands beside another, not below it.
    assert highest[1] == highest[2]
    assert max(made.places[node].x for node in middle.nodes) < min(made.places[node].x for node in small.nodes)
    assert made.width < 5 * 316


def test_columns_of_a_table_stand_together_in_a_frame() -> None:
    def column(table: str, name: str) -> Node:
        return Node("column", table, name)

    # The middle column of a comes of b and of c, which would pull it between their columns.
    pairs = [(column("b", str(n)), column("a", str(n))) for n in range(3)]
    pairs += [(column("c", str(n)), column("a", str(2 - n))) for n in range(3)]
    drawn = graph(*pairs, (column("a", "0"), column("a", "1")))
    made = layout(drawn, group_of=lambda node: Node("table", "ns", node.namespace))
    assert {frame.of.name for frame in made.frames} == {"a", "b", "c"}
    for frame in made.frames:
        inside = {
            node.namespace
            for node, at in made.places.items()
            if frame.x < at.x < frame.x + frame.width and frame.y < at.y < frame.y + frame.height
        }
        assert inside == {frame.of.name}
    assert overlapping(made) == []
    assert set(made.routes) == set(drawn.edges)
    tables = {one: Node("table", "ns", one.namespace) for one in drawn.nodes}
    assert drawing(drawn, "title", group_of=tables.get).count('<g class="frame">') == 3


def test_state_platform_and_findings_stand_in_the_nodes() -> None:
    looks = {job("load"): Look(word="FAIL", word_style="error", findings=3, findings_style="warning")}
    made = drawing(graph((data("raw"), job("load"))), "title", looks)
    assert '<tspan class="word error">FAIL</tspan> · job in ns<' in made
    assert made.count('<g class="badge warning">') == 1
    assert ">3</text>" in made
