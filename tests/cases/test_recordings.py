"""No false positive: real producers' recordings have no warning or error but those that their user can act on."""

from __future__ import annotations

import json

import pytest

from mock_intake.datadog.remedies import REMEDIES, Remedy
from mock_intake.model.findings import Severity
from mock_intake.openlineage.library import standard_library
from tests.cases.judged import found_in, of
from tests.cases.recordings import RECORDINGS
from tests.cases.recordings.page import PAGE, REMAINS, found, page


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_remains_of_a_recording_is_what_its_user_can_act_on(name: str) -> None:
    remaining = {(name, finding.code) for finding in found(name, Severity.WARNING)}
    assert remaining == {(of, code) for of, code in REMAINS if of == name}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_one_of_a_native_producer(name: str) -> None:
    """Were its producer somebody else, or its word another, much would be told: the recordings are no empty ones."""
    events = RECORDINGS[name]
    assert {event["job"]["facets"]["jobType"]["integration"] for event in events} <= {"SPARK", "AIRFLOW", "DBT"}
    assert {event["eventType"] for event in events} >= {"START"}


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda each: f"{each.word}-{each.code}")
def test_advice_is_what_the_user_of_the_producer_can_set(remedy: Remedy) -> None:
    [name] = [name for name, code in REMAINS if code == remedy.code and remedy.word in name.upper()]
    assert {finding.advice for finding in of(found(name, Severity.WARNING), remedy.code)} == {remedy.advice}
    # Who makes such events by hand is told what to write.
    text = (
        json.dumps(RECORDINGS[name]).replace("OpenLineage/OpenLineage", "acme/etl").replace("apache/airflow", "acme/a")
    )
    others = of(found_in(*json.loads(text)), remedy.code)
    assert others
    assert remedy.advice not in {finding.advice for finding in others}


def test_the_page_is_as_the_recordings_are_judged() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.cases.recordings.page"


@pytest.mark.parametrize("name", ["GcpDataprocSparkRunFacet", "GcpBigQueryRoutineJobFacet"])
def test_a_facet_that_is_registered_with_the_standard_is_a_custom_one(name: str) -> None:
    url = f"https://openlineage.io/spec/facets/1-0-0/{name}.json#/$defs/{name}"
    library = standard_library()
    assert library.resolve("run", "gcp_own", url).match.name == "CUSTOM"
    assert library.resolve("run", "gcp_own", url.replace("Gcp", "Acme")).match.name == "NEVER_PUBLISHED"
