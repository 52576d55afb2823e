"""Small inputs beside the cases, one for each sentence of what is right, asked for in every place that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_intake import IntakeServer
from tests.events import base, job_type, run_event
from tests.folds.places import Places

RUN = "abcdef00-0000-4000-8000-00000000000{}"


@pytest.fixture(scope="module")
def server() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def at(
    second: int,
    event_type: str,
    *,
    run: str = "1",
    job: str = "load",
    run_facets: dict[str, Any] | None = None,
    job_facets: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An event of a run of the job ``etl / load``."""
    return run_event(
        event_type,
        eventTime=f"2026-11-01T12:00:{second:02}Z",
        run={"runId": RUN.format(run), "facets": run_facets or {}},
        job={"namespace": "etl", "name": job, "facets": {"jobType": job_type(), **(job_facets or {})}},
        **more,
    )


def table(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "postgres://db:5432", "name": f"s.p.{name}", "facets": facets}


def fields(*names: str) -> dict[str, Any]:
    return {**base("SchemaDatasetFacet", "1-1-1"), "fields": [{"name": name, "type": "int"} for name in names]}


def made_of(*sources: str, column: str = "k", **transformation: str) -> dict[str, Any]:
    """columnLineage of a column that is made of columns ``table.column``."""
    inputs: list[dict[str, Any]] = []
    for source in sources:
        of, _, field = source.partition(".")
        inputs.append({"namespace": "postgres://db:5432", "name": f"s.p.{of}", "field": field})
        if transformation:
            inputs[-1]["transformations"] = [transformation]
    return {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": {column: {"inputFields": inputs}}}


def statistics(rows: int) -> dict[str, Any]:
    return {**base("OutputStatisticsOutputDatasetFacet", "1-0-2"), "rowCount": rows}


def parent(run: str, job: str, root: str | None = None, root_job: str = "root") -> dict[str, Any]:
    named: dict[str, Any] = {"run": {"runId": RUN.format(run)}, "job": {"namespace": "etl", "name": job}}
    if root is not None:
        named["root"] = {"run": {"runId": RUN.format(root)}, "job": {"namespace": "etl", "name": root_job}}
    return {"parent": {**base("ParentRunFacet", "1-1-0"), **named}}


def sent(server: IntakeServer, tmp_path: Path, *events: dict[str, Any]) -> Places:
    file = tmp_path / "events.ndjson"
    bodies = [json.dumps(event).encode() for event in events]
    file.write_bytes(b"\n".join(bodies) + b"\n")
    places = Places.sent(server, bodies, file)
    places.agree()
    places.graph()
    places.codes()
    return places


# One fold.


def test_a_late_heartbeat_does_not_overwrite_final_numbers(server: IntakeServer, tmp_path: Path) -> None:
    def output(rows: int) -> dict[str, Any]:
        return {**table("a", schema=fields("k")), "outputFacets": {"outputStatistics": statistics(rows)}}

    places = sent(
        server, tmp_path,
        at(0, "START"), at(9, "COMPLETE", outputs=[output(100)]), at(5, "RUNNING", outputs=[output(10)]),
    )  # fmt: skip
    [facets] = server.views.facets(places.folded(RUN.format(1))).datasets.values()
    assert facets.of_role["outputStatistics"].value["rowCount"] == 100
    text = places.page("run", id=RUN.format(1)).text
    assert '"rowCount": 100' in text
    assert '"rowCount": 10\n' not in text


def test_an_explicit_null_is_no_facet_and_replaces_nothing(server: IntakeServer, tmp_path: Path) -> None:
    first = table("b", schema=fields("k"), columnLineage=made_of("a.k"))
    places = sent(
        server, tmp_path,
        at(0, "START", inputs=[table("a", schema=fields("k"))], outputs=[first]),
        at(9, "COMPLETE", job_facets={"jobType": job_type(), "sql": None}, outputs=[table("b", columnLineage=None)]),
    )  # fmt: skip
    assert places.column_edges() == {("s.p.a.k", "s.p.b.k")}
    assert not {"DD504", "DD505"} & set(places.codes())


def test_an_empty_list_of_fields_is_empty(server: IntakeServer, tmp_path: Path) -> None:
    places = sent(
        server, tmp_path,
        at(0, "START", outputs=[table("a", schema=fields("k", "v"))]),
        at(9, "COMPLETE", outputs=[table("a", schema=fields())]),
    )  # fmt: skip
    assert places.dataset("s.p.a")["columns"] == []


def test_a_deleted_job_type_is_gone(server: IntakeServer, tmp_path: Path) -> None:
    gone = {"jobType": {**base("JobTypeJobFacet", "2-0-3"), "_deleted": True}}
    places = sent(server, tmp_path, at(0, "START"), at(9, "COMPLETE", job_facets=gone))
    [job] = places.graph()["jobs"]
    assert job["job_type"] is None
    assert "jobType" not in server.views.facets(places.folded(RUN.format(1))).job
    # The words of the core allow a facet that says no more than that it is gone; its schema does not.
    told = [one for one in places.get("/findings")["findings"] if one["code"] == "OL103"]
    assert told
    assert all("The standard's words allow it" in one["advice"] for one in told)


def test_a_later_facet_replaces_the_earlier_one_entirely(server: IntakeServer, tmp_path: Path) -> None:
    places = sent(
        server, tmp_path,
        at(0, "START", inputs=[table("a")], outputs=[table("c", columnLineage=made_of("a.k", column="x"))]),
        at(9, "COMPLETE", inputs=[table("b")], outputs=[table("c", columnLineage=made_of("b.k", column="y"))]),
    )  # fmt: skip
    assert places.column_edges() == {("s.p.b.k", "s.p.c.y")}
    assert places.around("s.p.c") == {"s.p.c", "load", "s.p.b"}


def test_a_snapshot_forgets_the_parent_that_came_before(server: IntakeServer, tmp_path: Path) -> None:
    snapshot = job_type(
        processingType="STREAMING",
        emissionPattern={
            "eventTrigger": "PERIODIC", "eventContentMode": "COMPLETE_SNAPSHOT", "windowDuration": 60,
        },
    )  # fmt: skip
    snapshot = {**snapshot, **base("JobTypeJobFacet", "2-0-4")}
    places = sent(
        server, tmp_path,
        at(0, "START", run_facets=parent("9", "nightly")), at(9, "RUNNING", job_facets={"jobType": snapshot}),
    )  # fmt: skip
    assert places.run(RUN.format(1), "load")["parent"] is None
    [job] = places.graph()["jobs"]
    assert job["parents"] == []


# Runs and their jobs.


def test_jobs_that_share_a_run_id_have_a_run_each(server: IntakeServer, tmp_path: Path) -> None:
    places = sent(
        server, tmp_path,
        at(0, "START", job="one"), at(1, "START", job="two"),
        at(5, "COMPLETE", job="one"), at(9, "FAIL", job="two", run_facets=parent("1", "one")),
    )  # fmt: skip
    runs = places.runs()
    assert {job: (run["state"], run["duration"]) for (_, job), run in runs.items()} == {
        "one": ("COMPLETE", 5.0), "two": ("FAIL", 8.0),
    }  # fmt: skip
    codes = places.codes()
    assert "RC202" in codes
    assert not {"RC102", "RC103", "RC104"} & set(codes)


def test_one_run_is_told_in_upper_and_in_lower_case(server: IntakeServer, tmp_path: Path) -> None:
    end = at(9, "COMPLETE")
    end["run"]["runId"] = end["run"]["runId"].upper()
    places = sent(server, tmp_path, at(0, "START"), end)
    [run] = places.runs().values()
    assert (run["states"], run["duration"]) == (["START", "COMPLETE"], 9.0)


# What a test gets.


def test_facets_of_a_dataset_are_those_of_its_roles_together(server: IntakeServer, tmp_path: Path) -> None:
    written = {**table("a", schema=None, ownership=None), "outputFacets": {"outputStatistics": statistics(3)}}
    other = {"namespace": "s3://lake", "name": "s.p.a", "facets": {"schema": fields("v")}}
    places = sent(
        server, tmp_path, at(0, "START", inputs=[table("a", schema=fields("k"))], outputs=[written]),
        at(9, "COMPLETE", inputs=[table("a", schema=fields("k")), other]),
    )  # fmt: skip
    begun, ended = places.in_plugin()[RUN.format(1), "load"].events
    # That it is null in one role takes nothing away that the other has.
    facets = {"schema": fields("k"), "ownership": None, "outputStatistics": statistics(3)}
    assert begun.dataset_facets("s.p.a") == begun.dataset_facets(begun.inputs[0]) == facets
    assert ended.dataset_facets(("s3://lake", "s.p.a")) == {"schema": fields("v")}
    with pytest.raises(ValueError, match=r"in postgres://db:5432, s3://lake: say \(namespace, name\)"):
        ended.dataset_facets("s.p.a")
    with pytest.raises(KeyError, match=r"the event has s\.p\.a"):
        begun.dataset_facets(("s3://lake", "s.p.a"))


# Joins.


def linked(name: str, *identifiers: tuple[str, str, str], **facets: Any) -> dict[str, Any]:
    listed = [{"namespace": namespace, "name": of, "type": kind} for namespace, of, kind in identifiers]
    symlinks = {**base("SymlinksDatasetFacet", "1-0-1"), "identifiers": listed}
    return {"namespace": "s3://lake", "name": name, "facets": {"symlinks": symlinks, **facets}}


def test_what_a_symlink_joins_is_no_near_miss(server: IntakeServer, tmp_path: Path) -> None:
    path = linked("warehouse/orders", ("s3://lake", "Warehouse/orders", "LOCATION"))
    other = {"namespace": "s3://lake", "name": "Warehouse/orders"}
    places = sent(
        server, tmp_path, at(0, "START", outputs=[path]), at(9, "COMPLETE", outputs=[path]),
        at(0, "START", run="2", job="reads", inputs=[other]), at(9, "COMPLETE", run="2", job="reads", inputs=[other]),
    )  # fmt: skip
    assert not [code for code in places.codes() if code.startswith("DS")]
    assert len(places.graph()["datasets"]) == 1


def test_columns_are_followed_through_a_symlink(server: IntakeServer, tmp_path: Path) -> None:
    path = linked("warehouse/a", ("postgres://db:5432", "s.p.a", "TABLE"), schema=fields("k"))
    lineage = {
        **base("ColumnLineageDatasetFacet", "1-2-0"),
        "fields": {"k": {"inputFields": [{"namespace": "s3://lake", "name": "warehouse/a", "field": "k"}]}},
    }
    places = sent(
        server, tmp_path, at(0, "START", job="w", outputs=[path]), at(9, "COMPLETE", job="w", outputs=[path]),
        at(0, "START", run="2", inputs=[path], outputs=[table("b", columnLineage=lineage)]),
        at(9, "COMPLETE", run="2"),
        at(0, "START", run="3", job="r", inputs=[table("a")]), at(9, "COMPLETE", run="3", job="r"),
    )  # fmt: skip
    assert places.column_edges() == {("s.p.a.k", "s.p.b.k")}
    assert places.edges() == {("w", "s.p.a"), ("s.p.a", "load"), ("load", "s.p.b"), ("s.p.a", "r")}
    assert not {"DD301", "DD302"} & set(places.codes())


def test_a_dataset_is_surfaced_by_the_table_that_it_is(server: IntakeServer, tmp_path: Path) -> None:
    path = {**linked("orders", ("postgres://db:5432", "s.p.orders", "TABLE")), "namespace": "warehouse"}
    places = sent(server, tmp_path, at(0, "START", outputs=[path]), at(9, "COMPLETE", outputs=[path]))
    found = places.dataset("s.p.orders")
    assert (found["surfaced"], found["issues"]) == (True, [])
    assert not [code for code in places.codes() if code.startswith("DD2")]


def test_edges_keep_how_a_column_is_made(server: IntakeServer, tmp_path: Path) -> None:
    how = {"type": "INDIRECT", "subtype": "FILTER"}
    output = table("b", columnLineage=made_of("a.k", **how))
    places = sent(server, tmp_path, at(0, "START"), at(9, "COMPLETE", inputs=[table("a")], outputs=[output]))
    [edge] = places.graph()["column_edges"]
    assert edge["transformations"] == [how]


def test_edges_to_columns_that_are_gone_are_gone(server: IntakeServer, tmp_path: Path) -> None:
    read, written = table("a", schema=fields("k")), table("b", schema=fields("k"), columnLineage=made_of("a.k"))
    places = sent(
        server, tmp_path, at(0, "START", inputs=[read], outputs=[written]), at(2, "COMPLETE"),
        at(9, "START", run="2", inputs=[table("a", schema=fields("v"))]), at(10, "COMPLETE", run="2"),
    )  # fmt: skip
    assert places.column_edges() == set()
    assert ("s.p.a", "load") in places.edges()


def test_one_hierarchy_is_one_trace(server: IntakeServer, tmp_path: Path) -> None:
    places = sent(
        server, tmp_path,
        at(0, "START", job="root"),
        at(1, "START", run="2", job="middle", run_facets=parent("1", "root")),
        at(2, "START", run="3", job="leaf", run_facets=parent("2", "middle")),
        at(3, "COMPLETE", run="3", job="leaf"), at(4, "COMPLETE", run="2", job="middle"),
        at(5, "COMPLETE", job="root"),
    )  # fmt: skip
    roots = {server.views.hierarchy_of(places.folded(RUN.format(run)))[1] for run in (1, 2, 3)}
    assert roots == {RUN.format(1)}


@pytest.mark.parametrize(
    ("namespace", "names", "severity"),
    [
        ("bigquery", ("p.d.Orders", "p.d.orders"), "info"),
        ("mysql://db:3306", ("shop.Orders", "shop.orders"), "info"),
        ("gs://lake", ("Raw/orders", "raw/orders"), "info"),
        ("mongodb://db:27017", ("shop.Orders", "shop.orders"), "info"),
        ("postgres://db:5432", ("s.p.Orders", "s.p.orders"), "warning"),
        ("snowflake://org-acct", ("DB.S.ORDERS", "db.s.orders"), "warning"),
    ],
)
def test_case_is_no_more_than_a_remark_where_names_may_differ_in_it(
    server: IntakeServer, tmp_path: Path, namespace: str, names: tuple[str, str], severity: str
) -> None:
    one, other = ({"namespace": namespace, "name": name, "facets": {"schema": fields("k")}} for name in names)
    places = sent(server, tmp_path, at(0, "START", inputs=[one, other]), at(9, "COMPLETE"))
    [finding] = places.get("/findings")["dataset_findings"]
    assert (finding["code"], finding["severity"]) == ("DS101", severity)
