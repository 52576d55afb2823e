"""Small recordings where the fast answer is wrong: what is right, in every place that shows it.

What each is, and why that is right, stands with the file: ``cases/``, numbered as in the project's list of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_intake import IntakeServer
from mock_intake.datadog.spans import fnv1a_64
from tests.folds.places import CASES, Places

OF_RUNS = ("02", "05", "06", "10", "11", "13", "14", "30", "31", "34", "35", "43", "50", "53", "55", "59")


@pytest.fixture(scope="module")
def server() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def run_id(start: str) -> str:
    return f"{start:>08}-0000-4000-8000-000000000000"


def codes_of(places: Places, start: str, job: str) -> list[str]:
    return [one["code"] for one in places.run(run_id(start), job)["findings"]]


def test_every_case_is_asked_for_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for file in CASES.glob("*.ndjson"):
        number = file.name.partition("-")[0]
        assert f'"{number}"' in text or number == "48", f"{number} has no test (48 is in test_replay.py)"


@pytest.mark.parametrize("case", OF_RUNS)
def test_all_places_say_the_same_of_runs(server: IntakeServer, case: str) -> None:
    Places.of(server, case).agree()


def test_running_between_two_ends_follows_the_first(server: IntakeServer) -> None:
    places = Places.of(server, "02")
    assert codes_of(places, "2", "load") == ["RC104", "RC107"]
    assert places.codes() == ["RC104", "RC107"]


def test_a_run_that_ended_under_another_job_ended_twice(server: IntakeServer) -> None:
    places = Places.of(server, "05")
    assert sorted(codes_of(places, "5", "a")) == ["RC104", "RC201"]
    assert list(places.runs()) == [(run_id("5"), "a")]


def test_times_are_compared_to_the_nanosecond(server: IntakeServer) -> None:
    places = Places.of(server, "06")
    assert codes_of(places, "6", "load") == ["RC106"]
    assert places.run(run_id("6"), "load")["duration"] == pytest.approx(-8e-7)


def test_the_later_parent_replaces_the_earlier_one(server: IntakeServer) -> None:
    places = Places.of(server, "10")
    run = places.folded(run_id("10"))
    assert places.run(run_id("10"), "load")["parent"] == run_id("101")
    assert [one if isinstance(one, str) else one.job[1] for one in server.views.path_above(run)] == ["new"]
    assert server.views.hierarchy_of(run) == (run_id("101"), run_id("101"))
    assert [one.job[1] for one in server.views.children(places.folded(run_id("101")))] == ["load"]
    assert server.views.children(places.folded(run_id("100"))) == []
    [job] = [one for one in places.graph()["jobs"] if one["name"] == "load"]
    assert job["parents"] == [{"namespace": "etl", "name": "new"}]
    page = " ".join(places.page("run", id=run_id("10")).text.split())
    assert f"{fnv1a_64(run_id('101').encode())}" in page.replace(",", "")


def test_the_root_places_a_leaf_whose_parent_is_unseen(server: IntakeServer) -> None:
    places = Places.of(server, "11")
    leaf = places.folded(run_id("112"))
    path = [one if isinstance(one, str) else one.job[1] for one in server.views.path_above(leaf)]
    assert path == ["root", run_id("111")]
    assert server.views.hierarchy_of(leaf) == (run_id("111"), run_id("110"))
    rows = [" ".join(row) for row in places.page("runs").rows()]
    order = [next(n for n, row in enumerate(rows) if word in row) for word in ("root", run_id("111"), "leaf")]
    assert order == sorted(order)
    parents = {one["name"]: [each["name"] for each in one["parents"]] for one in places.graph()["jobs"]}
    assert parents == {"root": [], "leaf": ["mid"], "mid": ["root"]}


def test_run_ids_in_upper_and_lower_case_are_one(server: IntakeServer) -> None:
    places = Places.of(server, "13")
    assert "RC401" not in places.codes()
    leaf = places.folded(run_id("130"))
    root = "abcdef00-0000-4000-8000-00000000000a"
    assert server.views.hierarchy_of(leaf) == (root, root)
    assert places.run(root.upper(), "root")["run_id"] == root


def test_one_event_written_in_three_ways_is_one_event_thrice(server: IntakeServer) -> None:
    places = Places.of(server, "14")
    run = places.run(run_id("14"), "load")
    assert run["states"] == ["START", "COMPLETE"]
    assert [one["code"] for one in run["findings"]] == ["RC301", "RC301"]
    assert places.codes() == ["RC301", "RC301"]


def test_case_of_bigquery_names_may_be_meant(server: IntakeServer) -> None:
    places = Places.of(server, "20b")
    [finding] = places.get("/findings")["dataset_findings"]
    assert (finding["code"], finding["severity"]) == ("DS101", "info")


def test_deleted_facets_are_gone_from_lineage_too(server: IntakeServer) -> None:
    places = Places.of(server, "30")
    assert places.column_edges() == set()
    assert places.dataset("s.p.y")["columns"] == []
    assert places.edges() == {("s.p.x", "load"), ("load", "s.p.y")}
    facets = server.views.facets(places.folded(run_id("30")))
    assert all(not one.own for one in facets.datasets.values())


def test_column_lineage_is_replaced_as_a_whole(server: IntakeServer) -> None:
    assert Places.of(server, "31").column_edges() == {("s.p.x.new", "s.p.y.a")}


def test_an_older_facet_that_arrives_later_does_not_count(server: IntakeServer) -> None:
    places = Places.of(server, "33")
    assert places.dataset("s.p.y")["columns"] == ["new"]
    assert "new" in places.page("dataset", namespace="postgres://db:5432", name="s.p.y").text


def test_symlinks_join_under_the_name_of_the_table(server: IntakeServer) -> None:
    places = Places.of(server, "34")
    glue = {"namespace": "arn:aws:glue:eu-west-1:123456789012", "name": "shop.orders"}
    [dataset] = places.graph()["datasets"]
    assert {name: dataset[name] for name in glue} == glue
    assert dataset["also_named"] == [{"namespace": "s3://lake", "name": "warehouse/orders"}]
    assert (dataset["surfaced"], dataset["issues"]) == (True, [])
    assert places.edges() == {("w", "shop.orders"), ("shop.orders", "r")}
    assert {"w", "r"} <= places.around("warehouse/orders", "s3://lake")
    assert places.get("/findings")["dataset_findings"] == []
    assert places.page("dataset", namespace="s3%3A%2F%2Flake", name="warehouse/orders").status == 200


def test_a_parent_that_sent_no_event_has_a_node_and_an_edge(server: IntakeServer) -> None:
    places = Places.of(server, "35")
    graph = places.graph()
    assert {(one["name"], one["events"]) for one in graph["jobs"]} == {("child", 2), ("dag", 0), ("root", 0)}
    assert [(one["from"]["name"], one["to"]["name"]) for one in graph["parent_edges"]] == [
        ("dag", "child"), ("root", "dag"),
    ]  # fmt: skip
    assert codes_of(places, "35", "child") == ["RC401"]


def test_a_reason_on_an_earlier_event_is_a_reason(server: IntakeServer) -> None:
    places = Places.of(server, "43")
    assert "DD501" not in places.codes()
    assert "disk full" in places.page("run", id=run_id("43")).text
    assert "disk full" in places.page("runs").text
    error = places.in_plugin()[run_id("43"), "load"].error
    assert error is not None
    assert error.message == "disk full"


def test_column_lineage_narrows_what_is_connected(server: IntakeServer) -> None:
    places = Places.of(server, "50")
    assert places.around("s.p.a") == {"s.p.a", "ab", "s.p.x"}
    assert places.around("s.p.b") == {"s.p.b", "ab", "s.p.y", "next", "s.p.z"}
    assert places.around("s.p.z") == {"s.p.z", "next", "s.p.y", "ab", "s.p.b"}


def test_snapshots_stand_for_themselves(server: IntakeServer) -> None:
    places = Places.of(server, "53")
    facets = server.views.facets(places.folded(run_id("54")))
    assert list(facets.job) == ["jobType"]
    assert "v1" not in places.page("run", id=run_id("54")).text
    given = places.in_plugin()[run_id("54"), "load"]
    assert [one.name for one in given.outputs] == ["topic_b"]
    assert places.edges() == {("load", "topic_b")}


def test_an_end_is_final_for_all_who_wait(server: IntakeServer) -> None:
    from tests.control.content import HTTP, api

    places = Places.of(server, "55")
    given = places.in_plugin()[run_id("53"), "load"]
    for state in ("START", "RUNNING", "FAIL", "COMPLETE", "ABORT"):
        wanted = {"org": places.org, "run_id": run_id("53"), "state": state, "timeout": 0}
        answer = HTTP.post(api(server, "/wait"), json=wanted).json()
        assert answer["reached"] == given.has_reached(state) == (state in ("START", "FAIL"))


def test_explicit_lineage_is_used(server: IntakeServer) -> None:
    places = Places.of(server, "59")
    assert places.edges() == {
        ("s.p.a", "load"), ("s.p.b", "load"), ("load", "s.p.x"), ("load", "s.p.y"), ("load", "s.p.only_in_facet"),
        ("load", "downstream"),
    }  # fmt: skip
    assert places.column_edges() == {("s.p.a.k", "s.p.x.c")}
    assert places.around("s.p.x") == {"s.p.x", "load", "s.p.a"}
    assert places.around("s.p.only_in_facet") == {"s.p.only_in_facet", "load", "s.p.b"}
