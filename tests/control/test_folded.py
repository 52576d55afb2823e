"""Lineage, coverage, jobs, datasets, orgs and statistics, as the control API tells them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from mock_intake import IntakeServer
from tests.control.content import HTTP, ORG, OTHER_KEY, OTHER_ORG, api, column_lineage, run_called, run_of, send
from tests.control.openapi import conforms
from tests.events import base, dataset, dataset_event, job_event, job_type, run_event, schema

DATABASE = "postgres://db:5432"
RAW = {"namespace": DATABASE, "name": "shop.public.raw"}
ORDERS = {"namespace": DATABASE, "name": "shop.public.orders"}
LOAD = {"namespace": "prod", "name": "load_orders"}
REPORT = {"namespace": "prod", "name": "report_orders"}


def get(server: IntakeServer, path: str, **query: str) -> Any:
    return conforms(HTTP.get(api(server, path), params=query), path)


def report_job() -> dict[str, Any]:
    return {**REPORT, "facets": {"jobType": job_type()}}


def two_jobs(server: IntakeServer) -> None:
    """raw -> load_orders -> orders -> report_orders, with columns between the datasets."""
    made_of = column_lineage(
        id=[(DATABASE, RAW["name"], "id")], total=[(DATABASE, RAW["name"], "net"), (DATABASE, RAW["name"], "tax")]
    )
    raw = dataset(RAW["name"], schema=schema("id", "net", "tax"))
    orders = dataset(ORDERS["name"], schema=schema("id", "total"), columnLineage=made_of)
    send(server, run_of("first", "COMPLETE", inputs=[raw], outputs=[orders]))
    send(server, run_of("second", "FAIL", job=report_job(), inputs=[orders]))


def test_edges_lead_the_way_of_the_data(intake: IntakeServer) -> None:
    two_jobs(intake)
    found = get(intake, "/lineage")
    job, data = {"type": "job"}, {"type": "dataset"}
    assert found["edges"] == [
        {"from": data | RAW, "to": job | LOAD},
        {"from": job | LOAD, "to": data | ORDERS},
        {"from": data | ORDERS, "to": job | REPORT},
    ]
    assert [(one["namespace"], one["name"]) for one in found["jobs"]] == [tuple(LOAD.values()), tuple(REPORT.values())]
    assert [one["name"] for one in found["datasets"]] == [RAW["name"], ORDERS["name"]]
    assert (found["findings"], found["dropped"]) == ([], 0)


def test_edges_between_columns(intake: IntakeServer) -> None:
    two_jobs(intake)
    assert get(intake, "/lineage")["column_edges"] == [
        {"from": {**RAW, "field": "id"}, "to": {**ORDERS, "field": "id"}},
        {"from": {**RAW, "field": "net"}, "to": {**ORDERS, "field": "total"}},
        {"from": {**RAW, "field": "tax"}, "to": {**ORDERS, "field": "total"}},
    ]


def test_a_column_edge_for_the_dataset_as_a_whole(intake: IntakeServer) -> None:
    whole = {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": {}, "dataset": [{**RAW, "field": "region"}]}
    send(intake, run_of("first", "COMPLETE", inputs=[RAW], outputs=[dataset(ORDERS["name"], columnLineage=whole)]))
    (edge,) = get(intake, "/lineage")["column_edges"]
    assert edge == {"from": {**RAW, "field": "region"}, "to": {**ORDERS, "field": ""}}


def test_names_that_would_not_join_are_told_with_the_lineage(intake: IntakeServer) -> None:
    send(intake, run_of("first", "COMPLETE", inputs=[dataset("shop.public.orders")]))
    assert get(intake, "/lineage")["findings"] == []
    send(intake, run_of("second", "COMPLETE", inputs=[dataset("SHOP.public.orders")]))
    (finding,) = get(intake, "/lineage")["findings"]
    assert finding["code"].startswith("DS")
    assert get(intake, "/lineage", org=OTHER_ORG)["findings"] == []


def test_jobs_count_events_runs_and_statuses(intake: IntakeServer) -> None:
    two_jobs(intake)
    send(intake, run_of("third", "START"))
    send(intake, job_event())
    send(intake, run_event("RUNNING", job=LOAD))  # without jobType: an error
    report, load = get(intake, "/jobs")["jobs"]
    assert load == {
        **LOAD,
        "events": 4,
        "runs": 3,
        "statuses": {"ok": 3, "warning": 0, "error": 1},
        "last_event_type": "RUNNING",
        "last_received_at": load["last_received_at"],
        "inputs": [RAW],
        "outputs": [ORDERS],
        "job_type": "JOB",
        "parents": [],
    }
    assert (report["name"], report["last_event_type"], report["inputs"]) == ("report_orders", "FAIL", [ORDERS])


def test_a_job_names_the_jobs_that_it_is_part_of(intake: IntakeServer) -> None:
    nightly = {"namespace": "prod", "name": "nightly"}
    for run_id, job in (("1", LOAD), ("2", LOAD), ("2", nightly)):
        parent = {"run": {"runId": str(uuid.UUID(int=int(run_id)))}, "job": job}
        event = run_of("first", "RUNNING", eventTime=f"2026-11-01T12:00:0{run_id}.000Z", job=LOAD)
        event["run"]["facets"] = {"parent": {**base("ParentRunFacet", "1-1-0"), **parent}}
        send(intake, event)
    unseen, job_node = get(intake, "/jobs")["jobs"]
    assert job_node["parents"] == [nightly]
    assert (unseen["name"], unseen["events"], unseen["last_received_at"]) == ("nightly", 0, None)
    [edge] = get(intake, "/lineage")["parent_edges"]
    assert edge == {"from": {"type": "job", **nightly}, "to": {"type": "job", **LOAD}}


def test_an_event_sent_again_is_no_other_event_of_its_job(intake: IntakeServer) -> None:
    event = run_of("first", "COMPLETE", outputs=[ORDERS])
    for _ in range(3):
        send(intake, event)
    (job,) = get(intake, "/jobs")["jobs"]
    (listed,) = get(intake, "/events")["events"]
    assert (job["events"], job["statuses"], job["runs"]) == (1, {"ok": 1, "warning": 0, "error": 0}, 1)
    assert (listed["attempts"], listed["last_received_at"]) == (3, job["last_received_at"])
    (covered,) = get(intake, "/coverage")["jobs"]
    assert [(facet["key"], facet["events"]) for facet in covered["facets"]] == [("jobType", 1)]


@pytest.mark.parametrize(
    ("namespace", "name", "platform", "surfaced", "issue"),
    [
        (DATABASE, "shop.public.orders", "PostgreSQL", True, None),
        ("s3://bucket", "a/b", "S3", True, None),
        ("nowhere", "orders", None, False, "DD201"),
        (DATABASE, "orders", "PostgreSQL", True, "DD204"),
    ],
)
def test_datasets_tell_platform_and_whether_they_would_be_shown(
    intake: IntakeServer, namespace: str, name: str, platform: str | None, surfaced: bool, issue: str | None
) -> None:
    send(intake, dataset_event(dataset=dataset(name, namespace, schema=schema("id", "amount"))))
    (found,) = get(intake, "/datasets")["datasets"]
    assert found == {
        "namespace": namespace,
        "name": name,
        "platform": platform,
        "surfaced": surfaced,
        "issues": [issue] if issue else [],
        "read_by": [],
        "written_by": [],
        "columns": ["id", "amount"],
    }


def test_datasets_know_who_reads_and_writes_them_and_their_latest_columns(intake: IntakeServer) -> None:
    two_jobs(intake)
    send(intake, dataset_event(dataset=dataset(ORDERS["name"], schema=schema("id", "total", "currency"))))
    orders, raw = get(intake, "/datasets")["datasets"]
    assert (raw["read_by"], raw["written_by"]) == ([LOAD], [])
    assert (orders["read_by"], orders["written_by"]) == ([REPORT], [LOAD])
    assert orders["columns"] == ["id", "total", "currency"]


def test_coverage_tells_what_came_what_it_produces_and_what_never_came(intake: IntakeServer) -> None:
    two_jobs(intake)
    send(intake, run_event("RUNNING", run={"runId": "x", "facets": {"acme_retry": base("Retry", "1-0-0")}}))
    load = next(one for one in get(intake, "/coverage")["jobs"] if one["job"] == LOAD)
    facets = {(facet["entity"], facet["key"]): facet for facet in load["facets"]}
    assert set(facets) == {
        ("run", "acme_retry"),
        ("job", "jobType"),
        ("dataset", "schema"),
        ("dataset", "columnLineage"),
    }
    assert facets["dataset", "schema"] == {"entity": "dataset", "key": "schema", "events": 1, "produces": "columns"}
    assert facets["run", "acme_retry"]["produces"] is None
    missing = {(facet["entity"], facet["key"]) for facet in load["missing"]}
    assert {("run", "parent"), ("output", "outputStatistics")} <= missing
    assert not missing & set(facets)


def test_a_dataset_is_one_however_its_name_is_broken(intake: IntakeServer) -> None:
    """A lone surrogate is shown as the replacement character, wherever the name stands."""
    body = (
        b'{"eventType":"COMPLETE","run":{"runId":"x"},"job":{"namespace":"a","name":"b"},"outputs":[{"namespace":"n",'
        b'"name":"\\ud800","facets":{"schema":{"fields":[{"name":"\\udfff","type":"INT"}]}}}]}'
    )
    assert send(intake, body).status_code == 202
    (found,) = get(intake, "/datasets")["datasets"]
    assert (found["name"], found["columns"], len(found["written_by"])) == ("\ufffd", ["\ufffd"], 1)


def test_orgs_are_listed_with_the_latest_heard_of_first(intake: IntakeServer) -> None:
    send(intake, run_of("one", "START"))
    send(intake, run_of("two", "START"), key=OTHER_KEY)
    send(intake, b"no JSON", key=OTHER_KEY)
    send(intake, run_of("one", "START"), key=None)
    found = get(intake, "/orgs")
    listed = [(org["org"], org["exchanges"], org["events"]) for org in found["orgs"]]
    assert listed == [("unattributed", 1, 0), (OTHER_ORG, 2, 1), (ORG, 1, 1)]
    assert [org["last_received_at"] for org in found["orgs"]] == sorted(
        (org["last_received_at"] for org in found["orgs"]), reverse=True
    )
    send(intake, run_of("one", "START"))
    assert [org["org"] for org in get(intake, "/orgs")["orgs"]] == [ORG, "unattributed", OTHER_ORG]


def test_statistics_count_what_came_and_what_became_of_it(intake: IntakeServer) -> None:
    send(intake, run_of("one", "START"))
    send(intake, run_of("one", "START"))
    send(intake, run_event("RUNNING", job=LOAD))
    send(intake, b"no JSON")
    send(intake, run_of("one", "START"), key=OTHER_KEY)
    HTTP.put(api(intake, "/faults"), json=[503])
    send(intake, run_of("two", "START"))
    counts = get(intake, "/statistics", org=ORG)
    size = counts.pop("bytes")
    assert counts == {
        "exchanges": 5,
        "accepted": 3,
        "refused": 2,
        "faulted": 1,
        "events": 2,
        "statuses": {"ok": 1, "warning": 0, "error": 1},
        "dropped": 0,
    }
    assert size > len(b"no JSON")
    assert get(intake, "/statistics")["exchanges"] == 6
    assert get(intake, "/statistics", org="nobody")["exchanges"] == 0


@pytest.mark.parametrize("listing", ["jobs", "datasets", "coverage", "runs"])
def test_pages_of_what_is_computed_are_the_whole(recorded: IntakeServer, listing: str) -> None:
    items = "jobs" if listing == "coverage" else listing
    whole = get(recorded, f"/{listing}", limit="1000")
    assert (whole["next"], len(whole[items]) >= 4) == (None, True)
    pages: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(recorded, f"/{listing}", limit="3", **cursor)
        pages += page[items]
        if page["next"] is None:
            break
        assert len(page[items]) == 3
        cursor = {"cursor": page["next"]}
    assert pages == whole[items]


def test_orgs_see_nothing_of_each_others_lineage(intake: IntakeServer) -> None:
    two_jobs(intake)
    send(intake, run_of("first", "COMPLETE", outputs=[RAW]), key=OTHER_KEY)
    mine, other = (get(intake, "/lineage", org=org) for org in (ORG, OTHER_ORG))
    assert [len(part["edges"]) for part in (mine, other)] == [3, 1]
    assert len(get(intake, "/lineage")["edges"]) == 4
    assert len(get(intake, "/datasets")["datasets"]) == 3
    for path in ("/jobs", "/datasets", "/coverage", "/runs", "/findings"):
        name = "jobs" if path == "/coverage" else path[1:]
        assert get(intake, path, org="nobody")[name] == []


def test_a_run_is_found_by_the_id_its_producer_chose(intake: IntakeServer) -> None:
    paths = {"a/b": "a/b", "..": "%2E%2E", "%2e": "%252e", "new\nline": "new%0Aline", "ü": "%C3%BC", "x y": "x%20y"}
    for run_id in paths:
        send(intake, run_called(run_id))
    send(intake, run_called("a/b", "COMPLETE"), key=OTHER_KEY)
    for run_id, path in paths.items():
        found = conforms(HTTP.get(api(intake, f"/runs/{path}"), params={"org": ORG}), "/runs/{id}")
        assert (found["run_id"], found["org"], found["states"]) == (run_id, ORG, ["START"])
    latest = conforms(HTTP.get(api(intake, "/runs/latest")), "/runs/{id}")
    assert (latest["run_id"], latest["org"], latest["state"]) == ("a/b", OTHER_ORG, "COMPLETE")
