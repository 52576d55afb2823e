"""What is told of events as OpenLineage, where the wording depends on the case (OL)."""

from __future__ import annotations

import pytest

from tests.events import dataset, run_event
from tests.rules.examples_judged import EVENTS, Body, FindingText, found_in_event, only, told
from tests.rules.examples_openlineage import with_job_facet, with_run_facet

NOW = "`datetime.now(timezone.utc).isoformat()`"
A_TIME = "RFC 3339 date-time with a UTC offset"
OFFSET_ADVICE = f"no UTC offset: add `Z` or use {NOW} (datetime.utcnow() gives none). If it is in UTC, write "

JAVAS = f"The zone in brackets is Java's, not RFC 3339: keep the offset, drop the brackets, or use {NOW}. "
TIMES: list[tuple[str, str, str, str]] = [
    ("OL008", "2026-11-01T12:00:00", "eventTime has no UTC offset", OFFSET_ADVICE + "2026-11-01T12:00:00Z."),
    (
        "OL008",
        "2026-11-01T12:00:00.123456",
        "eventTime has no UTC offset",
        OFFSET_ADVICE + "2026-11-01T12:00:00.123456Z.",
    ),
    ("OL008", "2026-11-01 12:00:00", "eventTime has no UTC offset", OFFSET_ADVICE + "2026-11-01T12:00:00Z."),
    ("OL008", "2026-11-01T12:00", "eventTime has no UTC offset", OFFSET_ADVICE + "2026-11-01T12:00:00Z."),
    (
        "OL007",
        "2026-11-01T12:00:00+01:00[Europe/Paris]",
        "eventTime is no RFC 3339 date-time",
        JAVAS + "Write 2026-11-01T12:00:00+01:00.",
    ),
    *(
        ("OL007", value, "eventTime is no RFC 3339 date-time", f"Write {right}; in Python {NOW}.")
        for value, right in [
            ("2026-11-01T12:00:00+0100", "2026-11-01T12:00:00+01:00"),
            ("2026-11-01 12:00:00.5 +01", "2026-11-01T12:00:00.5+01:00"),
            ("2026-11-01 12:00:00 UTC", "2026-11-01T12:00:00Z"),
            ("2026-11-01T12:00:00Z ", "2026-11-01T12:00:00Z"),
        ]
    ),
    (
        "OL007",
        "yesterday",
        "eventTime is no RFC 3339 date-time",
        f"Write it like 2026-01-31T12:00:00.000Z; in Python {NOW}.",
    ),
]


@pytest.mark.parametrize(("code", "time", "message", "advice"), TIMES)
def test_a_time_is_told_what_it_lacks(code: str, time: str, message: str, advice: str) -> None:
    [finding] = found_in_event(run_event(eventTime=time))
    assert finding.code == code
    assert told(finding) == FindingText("/eventTime", message, A_TIME, f'"{time}"', advice, "openlineage")


@pytest.mark.parametrize(
    ("event_type", "advice"),
    [
        ("complete", "Write it in upper case: COMPLETE."),
        ("DONE", "Use one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER."),
        ("", "Use one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER."),
    ],
)
def test_an_unknown_event_type_is_told_those_that_there_are(event_type: str, advice: str) -> None:
    assert told(only(found_in_event(run_event(event_type)), "OL005")) == FindingText(
        "/eventType",
        "eventType is none of the values that there are",
        "one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER",
        f'"{event_type}"',
        advice,
        "openlineage",
    )


@pytest.mark.parametrize("code", ["OL001", "OL003", "OL004", "OL006", "OL010", "OL013", "OL101", "OL102", "OL103"])
def test_what_the_schemas_refuse_is_said_to_violate_the_standard(code: str) -> None:
    trigger, neighbour = EVENTS[code]
    assert only(found_in_event(trigger), code).violates == "openlineage"
    assert [finding.code for finding in found_in_event(neighbour) if finding.violates] == []


@pytest.mark.parametrize("code", ["OL011", "OL012", "OL104", "OL105", "OL106", "OL107", "OL201", "OL301"])
def test_what_the_schemas_let_pass_violates_nothing(code: str) -> None:
    assert [finding.code for finding in found_in_event(EVENTS[code][0]) if finding.violates] == []


@pytest.mark.parametrize(
    "event",
    [
        with_job_facet("documentation", "Loads orders."),
        with_run_facet("nominalTime", []),
        run_event(inputs=[{**dataset(), "facets": {"schema": 1}}]),
        run_event(run={"runId": 7}),
        run_event(job="load_orders"),
        run_event(inputs=["orders"]),
        with_job_facet("documentation", {"_producer": "acme-etl", "_schemaURL": "acme-etl"}),
    ],
)
def test_nothing_is_told_twice(event: Body) -> None:
    findings = found_in_event(event)
    assert [finding for finding in findings if findings.count(finding) > 1] == []
