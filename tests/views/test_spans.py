"""The span that a run becomes, against examples worked out by hand from the draft documentation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mock_intake.datadog.spans import SpanFacts, fnv1a_64, normalised, span_of, why_no_span
from tests.events import RUN_ID, base, job_type

PARENT_RUN_ID = "c3e1f0a2-54d7-4f0e-9b1d-2a6c8e7f9b10"
ROOT_RUN_ID = "0f3f3c3e-7c52-4c52-8f39-7b1f5a1d2e3f"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FACTS = SpanFacts(
    RUN_ID,
    "prod",
    "load_orders",
    "COMPLETE",
    NOON,
    timedelta(seconds=90),
    {},
    {"jobType": job_type(integration="ACME")},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # The vectors of draft-eastlake-fnv and of its authors' test suite.
        (b"", 0xCBF29CE484222325),
        (b"a", 0xAF63DC4C8601EC8C),
        (b"b", 0xAF63DF4C8601F1A5),
        (b"foo", 0xDCB27518FED9D577),
        (b"foobar", 0x85944171F73967E8),
        (b"chongo was here!\n", 0x46810940EFF5F915),
    ],
)
def test_the_hash_is_the_published_one(text: bytes, value: int) -> None:
    assert fnv1a_64(text) == value


def test_a_run_that_ended_well_makes_a_span() -> None:
    assert why_no_span(FACTS) is None
    span = span_of(FACTS)
    assert (span.service, span.operation, span.resource, span.env) == ("load_orders", "acme.job", "load_orders", "prod")
    assert (span.started_at, span.duration, span.error, span.error_message) == (
        NOON,
        timedelta(seconds=90),
        False,
        None,
    )
    assert span.trace_id == span.span_id == fnv1a_64(RUN_ID.encode())
    assert span.parent_id == 0


def parent(**more: Any) -> dict[str, Any]:
    job = {"namespace": "prod", "name": "nightly"}
    return {**base("ParentRunFacet", "1-1-0"), "run": {"runId": PARENT_RUN_ID}, "job": job, **more}


def test_a_child_has_its_parents_id_and_the_trace_of_its_root() -> None:
    root = {"run": {"runId": ROOT_RUN_ID}, "job": {"namespace": "prod", "name": "weekly"}}
    span = span_of(replace(FACTS, run_facets={"parent": parent(root=root)}))
    assert span.span_id == fnv1a_64(RUN_ID.encode())
    assert span.parent_id == fnv1a_64(PARENT_RUN_ID.encode())
    assert span.trace_id == fnv1a_64(ROOT_RUN_ID.encode())
    assert span_of(replace(FACTS, run_facets={"parent": parent()})).trace_id == fnv1a_64(PARENT_RUN_ID.encode())


def test_an_error_is_told_where_the_run_failed_only() -> None:
    error = {"message": "no space left", "stackTrace": "at line 1", "programmingLanguage": "PYTHON"}
    failed = span_of(replace(FACTS, end="FAIL", run_facets={"errorMessage": error}))
    assert (failed.error, failed.error_message, failed.error_stack) == (True, "no space left", "at line 1")
    well = span_of(replace(FACTS, run_facets={"errorMessage": error}))
    assert (well.error, well.error_message, well.error_stack) == (False, None, None)


def tagged(*tags: tuple[str, str]) -> SpanFacts:
    entries = [{"key": key, "value": value, "source": "USER"} for key, value in tags]
    return replace(FACTS, job_facets={**FACTS.job_facets, "tags": {"tags": entries}})


def test_tags_of_the_job_become_tags_and_can_name_service_and_resource() -> None:
    span = span_of(tagged(("_dd.service", "billing"), ("_dd.resource_name", "the load"), ("team", "data")))
    assert (span.service, span.resource, span.tags["team"]) == ("billing", "the load", "data")
    assert span_of(tagged(("_dd.ol_service", "orders"))).service == "orders"


def test_tags_of_the_run_do_not() -> None:
    tags = {"tags": [{"key": "team", "value": "data", "source": "USER"}]}
    assert span_of(replace(FACTS, run_facets={"tags": tags})).tags == {}


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("load_orders", "load_orders"),
        ("Load Orders!", "load_orders"),
        ("7 days", "7_days"),
        ("größe", "größe"),
        ("GRÖßE", "größe"),
        ("Kafka\u212a", "kafka\u212a"),  # the Kelvin sign's lower case takes fewer bytes
        ("データ 取込", "データ_取込"),
        ("data🐨dog🐶 and ⛰", "data_dog_and"),
        ("a__b_#_c", "a_b_c"),
        ("#_starts", "_starts"),
        ("_", "unnamed-service"),
        ("🐨", "unnamed-service"),
        ("a/b:c.d-e", "a/b:c.d-e"),
        ("x" * 150, "x" * 100),
        ("é" * 60, "é" * 50),
        ("x" * 99 + "é", "x" * 99),
        ("1" * 3, "111"),
        ("", "unnamed-service"),
    ],
)
def test_service_names_are_normalised(name: str, service: str) -> None:
    assert normalised(name) == service


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": None}, "has not ended"),
        ({"end": "ABORT"}, "ended with ABORT"),
        ({"job_facets": {}}, "jobType"),
        ({"started_at": None}, "no START"),
    ],
)
def test_why_there_is_no_span_is_said(change: dict[str, Any], words: str) -> None:
    assert words in (why_no_span(replace(FACTS, **change)) or "")


@pytest.mark.parametrize("odd", [None, 7, "text", [], {"tags": "none"}, {"tags": [7, {"key": 1}]}])
def test_facets_of_any_shape_are_no_trouble(odd: Any) -> None:
    facets = {"jobType": odd, "tags": odd, "parent": odd, "errorMessage": odd}
    span = span_of(replace(FACTS, end="FAIL", run_facets=facets, job_facets=facets))
    assert (span.operation, span.parent_id, span.error_message, span.tags) == (None, 0, None, {})
    assert span.core_tags.keys() == {"_dd.run_id", "_dd.event_type", "job", "env"}


def test_every_span_has_the_tags_of_the_draft() -> None:
    span = span_of(replace(FACTS, job_name="Load Orders", inputs=("shop.public.orders",), outputs=("é.b.c", "d.e.f")))
    assert span.type == "job"
    assert span.core_tags == {
        "_dd.run_id": RUN_ID,
        "_dd.event_type": "COMPLETE",
        "job": "load_orders",
        "env": "prod",
        "operation_name": "acme.job",
        "inputs": '["shop.public.orders"]',
        "outputs": '["é.b.c", "d.e.f"]',
    }


def test_the_service_is_named_on_the_run_first() -> None:
    def of_run(*tags: tuple[str, str]) -> dict[str, Any]:
        return {"tags": {"tags": [{"key": key, "value": value} for key, value in tags]}}

    assert span_of(replace(FACTS, run_facets=of_run(("_dd.ol_service", "billing")))).service == "billing"
    both = replace(tagged(("_dd.service", "orders")), run_facets=of_run(("_dd.ol_service", "billing")))
    assert span_of(both).service == "billing"
    assert span_of(replace(FACTS, run_facets=of_run(("_dd.ol_service", "")))).service == "load_orders"


def test_ids_are_those_of_the_hierarchy_that_the_run_stands_in() -> None:
    span = span_of(replace(FACTS, parent_run_id=PARENT_RUN_ID, root_run_id=ROOT_RUN_ID))
    assert (span.parent_id, span.trace_id) == (fnv1a_64(PARENT_RUN_ID.encode()), fnv1a_64(ROOT_RUN_ID.encode()))


def test_ids_of_uuids_have_known_values() -> None:
    """Computed by hand with arbitrary precision, from the offset basis and the prime of the specification."""
    assert fnv1a_64(b"00000000-0000-0000-0000-000000000000") == 0x7C384C6218F299F1
    assert fnv1a_64(RUN_ID.encode()) == 0x3082E566774D9331


@pytest.mark.parametrize("change", [{"job_facets": {}}, {"started_at": None}])
def test_of_a_run_that_may_have_lost_events_no_absence_is_blamed(change: dict[str, Any]) -> None:
    assert "dropped by retention" in (why_no_span(replace(FACTS, incomplete=True, **change)) or "")
