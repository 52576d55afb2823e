"""Parts of the lineage around a node, on a small one that is known by heart.

a -> load -> b -> clean -> c -> report
x -> load         clean -> d
"""

from __future__ import annotations

import pytest

from mock_intake.model.event import DatasetId
from mock_intake.views.lineage import DatasetNode, JobId, JobNode, Lineage
from mock_intake.views.neighbourhood import Place, around, largest, named, whole

FLOWS = {"load": (["a", "x"], ["b"]), "clean": (["b"], ["c", "d"]), "report": (["c"], [])}


@pytest.fixture
def lineage() -> Lineage:
    made = Lineage()
    for name, (inputs, outputs) in FLOWS.items():
        job = made.jobs[JobId("prod", name)] = JobNode(JobId("prod", name))
        for one in inputs:
            identity = DatasetId("s3://lake", one)
            job.inputs[identity] = None
            made.datasets.setdefault(identity, DatasetNode(identity)).read_by[job.id] = None
        for one in outputs:
            identity = DatasetId("s3://lake", one)
            job.outputs[identity] = None
            made.datasets.setdefault(identity, DatasetNode(identity)).written_by[job.id] = None
    return made


def job(name: str) -> Place:
    return Place("job", "prod", name)


def data(name: str) -> Place:
    return Place("dataset", "s3://lake", name)


def names(lineage: Lineage, focus: Place, depth: int, most: int = 100) -> set[str]:
    part = around(lineage, focus, depth, most)
    assert part is not None
    return {place.name for place in part.nodes}


def test_the_whole_has_every_node_and_edge(lineage: Lineage) -> None:
    part = whole(lineage)
    assert {place.name for place in part.nodes} == {"a", "x", "b", "c", "d", "load", "clean", "report"}
    assert {(start.name, end.name) for start, end in part.edges} == {
        ("a", "load"), ("x", "load"), ("load", "b"), ("b", "clean"), ("clean", "c"), ("clean", "d"), ("c", "report"),
    }  # fmt: skip


def test_each_step_goes_one_further_both_ways(lineage: Lineage) -> None:
    assert names(lineage, data("b"), 1) == {"load", "b", "clean"}
    assert names(lineage, data("b"), 2) == {"a", "x", "load", "b", "clean", "c", "d"}
    assert names(lineage, data("b"), 9) == {"a", "x", "load", "b", "clean", "c", "d", "report"}


def test_what_else_comes_of_the_same_source_is_left_out(lineage: Lineage) -> None:
    assert names(lineage, data("c"), 9) == {"a", "x", "load", "b", "clean", "c", "report"}


def test_edges_of_a_part_are_those_between_its_nodes(lineage: Lineage) -> None:
    part = around(lineage, job("load"), 1, 100)
    assert part is not None
    assert {(start.name, end.name) for start, end in part.edges} == {("a", "load"), ("x", "load"), ("load", "b")}


def test_a_part_that_would_be_too_large_is_less_deep(lineage: Lineage) -> None:
    part = around(lineage, data("b"), 9, 4)
    assert part is not None
    assert (part.depth, len(part.nodes)) == (1, 3)


def test_loops_are_no_trouble(lineage: Lineage) -> None:
    again = lineage.jobs[JobId("prod", "report")]
    again.outputs[DatasetId("s3://lake", "a")] = None
    lineage.datasets[DatasetId("s3://lake", "a")].written_by[again.id] = None
    assert names(lineage, data("a"), 20) == {"a", "load", "b", "clean", "c", "d", "report", "x"}


def test_there_is_no_part_around_what_is_not_there(lineage: Lineage) -> None:
    assert around(lineage, data("nothing"), 3, 100) is None
    assert around(lineage, Place("job", "other", "load"), 3, 100) is None


def test_those_with_the_most_neighbours_come_first(lineage: Lineage) -> None:
    assert [(place.name, number) for place, number in largest(lineage, 2)] == [("load", 3), ("clean", 3)]


def test_nodes_are_found_by_a_part_of_their_name_or_namespace(lineage: Lineage) -> None:
    assert [place.name for place in named(lineage, "LOA", 9)] == ["load"]
    assert len(named(lineage, "lake", 9)) == 5
    assert len(named(lineage, "lake", 2)) == 2
    assert named(lineage, "nothing", 9) == []
