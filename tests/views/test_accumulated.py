"""Facets over the events of a run, against examples worked out by hand."""

from __future__ import annotations

from typing import Any

from mock_intake.model.accumulated import Accumulated, accumulate
from mock_intake.model.event import DatasetId
from tests.events import dataset, dataset_event, job_type, run_event, schema

ORDERS = DatasetId("postgres://db:5432", "shop.public.orders")


def event(run: dict[str, Any], job: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    named = {"namespace": "prod", "name": "load_orders", "facets": job or {}}
    return run_event(run={"runId": "r", "facets": run}, job=named, **changes)


def over(*bodies: dict[str, Any]) -> Accumulated:
    return accumulate((f"e{number}", body) for number, body in enumerate(bodies, 1))


def test_each_event_adds_to_those_before_it() -> None:
    merged = over(event({"nominalTime": {"a": 1}}), event({"parent": {"b": 2}}, {"jobType": {"c": 3}}))
    assert merged.run_values == {"nominalTime": {"a": 1}, "parent": {"b": 2}}
    assert merged.job_values == {"jobType": {"c": 3}}
    assert {key: facet.event_id for key, facet in merged.run.items()} == {"nominalTime": "e1", "parent": "e2"}


def test_a_facet_replaces_the_one_of_its_key_as_a_whole() -> None:
    merged = over(event({"tags": {"a": 1, "b": 2}}), event({"tags": {"a": 3}}))
    assert merged.run_values == {"tags": {"a": 3}}
    assert merged.run["tags"].event_id == "e2"


def test_deleted_facets_of_jobs_and_datasets_go_those_of_runs_stay() -> None:
    gone = {"_deleted": True}
    merged = over(
        event({"x": {"a": 1}}, {"jobType": job_type()}, inputs=[dataset(schema=schema())]),
        event({"x": gone}, {"jobType": gone}, inputs=[dataset(schema=gone)]),
    )
    assert merged.job == {}
    assert merged.datasets["input", ORDERS].own == {}
    assert merged.run_values == {"x": gone}


def test_datasets_are_kept_apart_by_role_and_so_are_facets_of_the_role() -> None:
    one = {**dataset(schema=schema("id")), "inputFacets": {"inputStatistics": {"rowCount": 1}}}
    other = {**dataset(), "outputFacets": {"outputStatistics": {"rowCount": 2}}}
    merged = over(event({}, inputs=[one]), event({}, outputs=[other]))
    assert list(merged.datasets) == [("input", ORDERS), ("output", ORDERS)]
    assert list(merged.datasets["input", ORDERS].own) == ["schema"]
    assert list(merged.datasets["input", ORDERS].of_role) == ["inputStatistics"]
    assert list(merged.datasets["output", ORDERS].of_role) == ["outputStatistics"]


def test_whatever_a_body_holds_is_no_trouble() -> None:
    merged = over({}, {"run": 7, "job": []}, {"run": {"facets": [1]}, "job": {}, "inputs": [None, {}]}, dataset_event())
    assert not merged.run
    assert not merged.job
    assert list(merged.datasets) == [("dataset", ORDERS)]


def at(minute: int) -> str:
    return f"2026-11-01T12:{minute:02}:00Z"


def test_later_is_what_has_the_later_event_time_whenever_it_arrives() -> None:
    first = event({"tags": {"a": 1}}, eventTime=at(1))
    last = event({"tags": {"a": 2}}, eventTime=at(2))
    for order in ((first, last), (last, first)):
        assert over(*order).run_values == {"tags": {"a": 2}}
    beyond = [event({"tags": {"a": digits}}, eventTime=f"2026-11-01T12:00:00.000000{digits}Z") for digits in (900, 100)]
    assert over(*beyond).run_values == {"tags": {"a": 900}}


def test_of_events_of_one_time_the_last_to_arrive_counts_and_one_without_a_time_overtakes_none() -> None:
    assert over(event({"x": {"a": 1}}), event({"x": {"a": 2}})).run_values == {"x": {"a": 2}}
    assert over(event({"x": {"a": 1}}), event({"x": {"a": 2}}, eventTime="noon")).run_values == {"x": {"a": 1}}


def test_a_facet_that_was_deleted_later_stays_deleted_though_an_earlier_one_arrives() -> None:
    gone = event({}, {"jobType": {"_deleted": True}}, eventTime=at(2))
    assert over(gone, event({}, {"jobType": job_type()}, eventTime=at(1))).job == {}
    assert list(over(gone, event({}, {"jobType": job_type()}, eventTime=at(3))).job) == ["jobType"]


def test_what_is_no_object_is_no_facet_and_replaces_none() -> None:
    nothings: list[Any] = [None, [], "x", 7]
    for nothing in nothings:
        assert over(event({"x": {"a": 1}}), event({"x": nothing, "y": nothing})).run_values == {"x": {"a": 1}}


def test_a_complete_snapshot_stands_for_itself() -> None:
    pattern = {"eventTrigger": "PERIODIC", "eventContentMode": "COMPLETE_SNAPSHOT", "windowDuration": 300}
    kind = {"jobType": {**job_type(processingType="STREAMING"), "emissionPattern": pattern}}
    first = event({"x": {"a": 1}}, {**kind, "documentation": {"d": 1}}, eventTime=at(1), inputs=[dataset("a")])
    second = event({"y": {"b": 1}}, kind, eventTime=at(2), inputs=[dataset("b")])
    for order in ((first, second), (second, first)):
        merged = over(*order)
        assert (merged.run_values, list(merged.job)) == ({"y": {"b": 1}}, ["jobType"])
        assert [identity.name for _, identity in merged.datasets] == ["b"]
    more = over(first, second, event({"z": {"c": 1}}, eventTime=at(3)))
    assert list(more.run) == ["y", "z"]
