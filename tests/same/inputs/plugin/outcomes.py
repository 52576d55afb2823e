"""Tests of a user's, most of which fail: the record is of what the plugin says then. Run by parts/plugin.py alone."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from mock_intake_pytest import ABSENT, ANY, satisfying, unordered

CODE = "https://github.com/acme/etl"
FACETS = "https://openlineage.io/spec/facets"


def event(event_type: str = "START", number: int = 1, **changes: Any) -> dict[str, Any]:
    job_type = {
        "_producer": CODE,
        "_schemaURL": f"{FACETS}/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
        "processingType": "BATCH",
        "integration": "CUSTOM",
        "jobType": "JOB",
    }
    return {
        "eventType": event_type,
        "eventTime": f"2026-11-01T12:0{number}:00.000Z",
        "producer": CODE,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"5f0b5ce7-9a8c-4f5b-b6a4-00000000000{number}", "facets": {}},
        "job": {"namespace": "prod", "name": f"load_{number}", "facets": {"jobType": job_type}},
        "inputs": [{"namespace": "postgres://db:5432", "name": "shop.public.orders"}],
        "outputs": [],
        **changes,
    }


def send(intake: Any, *events: dict[str, Any], path: str = "/api/v1/lineage", key: str | None = None) -> list[int]:
    """Status codes; 0 where there was no answer."""
    headers = {"Authorization": f"Bearer {key or intake.api_key}", "User-Agent": "acme-etl/4.2.0"}
    statuses = []
    for one in events:
        try:
            answer = httpx.post(intake.url + path, json=one, headers=headers, timeout=10, trust_env=False)
            statuses.append(answer.status_code)
        except httpx.TransportError:
            statuses.append(0)
    return statuses


def without_job_type() -> dict[str, Any]:
    return event(job={"namespace": "prod", "name": "load_orders"})


def test_a_good_run(intake: Any) -> None:
    assert send(intake, event(), event("COMPLETE")) == [202, 202]
    run = intake.run(job="load_1")
    assert (run.states, run.duration, run.parent) == (["START", "COMPLETE"], 0.0, None)
    assert [str(edge) for edge in intake.lineage.edges]


def test_an_event_with_an_error(intake: Any) -> None:
    send(intake, without_job_type())


@pytest.mark.intake(fail_on="warning")
def test_an_event_with_a_warning(intake: Any) -> None:
    send(intake, event(inputs=[{"namespace": "postgres", "name": "orders"}]), event("COMPLETE"))


@pytest.mark.intake(ignore=["DD1"])
def test_what_is_ignored(intake: Any) -> None:
    send(intake, without_job_type(), event("COMPLETE"))


def test_no_event(intake: Any) -> None:
    assert intake.events() == []


@pytest.mark.intake(events=0)
def test_no_event_as_it_should_be(intake: Any) -> None:
    assert intake.exchanges == []


@pytest.mark.intake(events=3)
def test_fewer_events_than_there_must_be(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))


@pytest.mark.intake(fail_on="warning")
def test_a_run_without_an_end(intake: Any) -> None:
    send(intake, event())


def test_an_expected_finding(intake: Any) -> None:
    intake.expect_finding("DD101", times=1)
    send(intake, without_job_type())


def test_an_expected_finding_that_does_not_come(intake: Any) -> None:
    intake.expect_finding("DD101")
    send(intake, event(), event("COMPLETE"))


def test_a_rule_that_is_none(intake: Any) -> None:
    intake.expect_finding("DD999")


def test_no_event_fits(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.event(job="clean_1")


def test_several_events_fit(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.event(job=re.compile("load"))


def test_what_no_event_can_have(intake: Any) -> None:
    intake.events(kind="NoEvent")


def test_no_run_fits(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.run(job="clean_1")


def test_the_nearest_event_is_shown(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.assert_event({"eventType": "COMPLETE", "job": {"name": "load_2", "facets": {"sql": ANY}}, "outputs": [ANY]})


def test_matchers(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.assert_event(
        {
            "eventType": re.compile("^S"),
            "run": {"runId": str, "parent": ABSENT},
            "inputs": unordered([{"name": satisfying(lambda name: name.startswith("shop"), "begins with shop")}]),
        }
    )
    intake.assert_event({"inputs": unordered([{"name": satisfying(lambda _: False, "is another")}]), "job": ABSENT})


def test_events_in_another_order(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.assert_events([{"eventType": "COMPLETE"}, {"eventType": "START"}])


def test_more_events_than_expected(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.assert_events([{"eventType": "COMPLETE"}], in_order=False)


def test_a_snapshot_that_is_not_there(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.assert_snapshot()


def test_a_snapshot_that_is_another(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.assert_snapshot()


def test_a_wait_that_runs_out(intake: Any) -> None:
    send(intake, event(), event("COMPLETE"))
    intake.wait_for(3, timeout=0)


def test_a_wait_for_a_run_that_runs_out(intake: Any) -> None:
    send(intake, event())
    intake.wait_for_run(job="load_1", timeout=0)


def test_a_wrong_path(intake: Any) -> None:
    assert send(intake, event(), path="/api/v1/lineages") == [404]


def test_another_key(intake: Any) -> None:
    assert send(intake, event(), key="0123456789abcdef") == [403]


def test_sent_again_until_it_is_taken(intake: Any) -> None:
    intake.set_faults("503,reset,202")
    assert send(intake, event(), event(), event(), event("COMPLETE")) == [503, 0, 202, 202]
    assert [request.fault for request in intake.exchanges] == ["503", "reset", "202", None]


def test_an_event_that_is_lost(intake: Any) -> None:
    intake.set_faults("503")
    send(intake, event(), event("COMPLETE"))


def test_a_fault_that_nothing_met(intake: Any) -> None:
    intake.set_faults([{"step": 500, "times": 2, "match": {"event_type": "FAIL"}}])
    send(intake, event(), event("COMPLETE"))


def test_a_step_that_is_none(intake: Any) -> None:
    intake.set_faults("nonsense")


@pytest.mark.intake(nonsense=1)
def test_a_marker_that_is_wrong(intake: Any) -> None:
    send(intake, event())


@pytest.mark.parametrize("path", ["http", "datadog", "async", "agent"])
def test_variables_of_a_path(intake: Any, path: str) -> None:
    send(intake, event(), event("COMPLETE"))
    raise AssertionError(json.dumps(intake.env(path), indent=1))
