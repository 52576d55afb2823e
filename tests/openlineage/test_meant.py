"""The value that was meant is named where it can be known, and nothing where it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.openlineage import meant
from mock_intake.rules.examples import changed
from tests.events import base, dataset, run_event
from tests.rules.examples_judged import Body, found_in_event, only


@pytest.mark.parametrize(
    ("value", "types", "right"),
    [
        ("12", ["integer"], "12"),
        ("-3", ["integer"], "-3"),
        ("1.5", ["number"], "1.5"),
        ("12", ["number"], "12"),
        ("True", ["boolean"], "true"),
        (12, ["string"], '"12"'),
        (True, ["string"], '"true"'),
        (1.5, ["string"], '"1.5"'),
        ("1.5", ["integer"], None),
        ("007", ["integer"], None),
        ("1e9", ["number"], None),
        ("twelve", ["integer"], None),
        ("9" * 40, ["integer"], None),
        (None, ["string"], None),
        ({}, ["array"], None),
        ("yes", ["boolean"], None),
    ],
)
def test_a_value_of_another_type(value: Any, types: list[str], right: str | None) -> None:
    assert meant.of_type(value, types) == right


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (1767268800, "2026-01-01T12:00:00Z"),
        ("1767268800", "2026-01-01T12:00:00Z"),
        (1767268800123, "2026-01-01T12:00:00.123Z"),
        (1767268800.0, "2026-01-01T12:00:00Z"),
        ("20260101", None),
        (7, None),
        (True, None),
        (-1767268800, None),
        (10**40, None),
        (1e300, None),
        ("17672688001", None),
        (None, None),
    ],
)
def test_a_time_in_numbers(value: Any, right: str | None) -> None:
    assert meant.time_of(value) == right


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("github.com/acme/etl", "https://github.com/acme/etl"),
        ("www.acme.example", "https://www.acme.example"),
        ("git@github.com:acme/etl.git", "ssh://git@github.com/acme/etl.git"),
        ("acme-etl", None),
        ("acme/etl", None),
        ("etl-1.0", None),
        ("a b.com", None),
        ("ann@acme.com", None),
        ("", None),
    ],
)
def test_an_address_without_its_scheme(value: str, right: str | None) -> None:
    assert meant.address(value) == right


COUNTS = {"outputStatistics": {**base("OutputStatisticsOutputDatasetFacet", "1-0-2"), "rowCount": "12"}}
LOCATION = {**base("SourceCodeLocationJobFacet", "1-0-1"), "type": "git", "url": "git@github.com:acme/etl.git"}
ADVICE: list[tuple[Body, str, str]] = [
    (run_event("COMPLETED"), "OL005", "Write COMPLETE."),
    (run_event("failed"), "OL005", "Write FAIL."),
    (run_event("In Progress"), "OL005", "Write RUNNING."),
    (run_event("DELETED"), "OL005", "Use one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER."),
    (run_event(eventTime=1767268800), "OL003", "Send eventTime as a string: 2026-01-01T12:00:00Z."),
    (
        run_event(eventTime="2026-01-01T12:00Z"),
        "OL007",
        "Write 2026-01-01T12:00:00Z; in Python `datetime.now(timezone.utc).isoformat()`.",
    ),
    (run_event(producer="github.com/acme/etl"), "OL009", "Write https://github.com/acme/etl."),
    (changed(run_event(), {"/job/facets/jobType/processingType": "batch"}), "DD103", "Write BATCH."),
    (run_event(outputs=[{**dataset(), "outputFacets": COUNTS}]), "OL103", "Send rowCount as an integer: 12."),
    (
        changed(run_event(), {"/job/facets/sourceCodeLocation": LOCATION}),
        "OL103",
        "Write ssh://git@github.com/acme/etl.git.",
    ),
]


@pytest.mark.parametrize(("event", "code", "advice"), ADVICE, ids=[advice for *_, advice in ADVICE])
def test_the_advice_is_the_value_to_write(event: Body, code: str, advice: str) -> None:
    assert only(found_in_event(event), code).advice == advice
