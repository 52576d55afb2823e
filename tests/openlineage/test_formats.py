"""What to write instead of a value that is nearly in its format, and what of nulls where nothing is to be said."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.openlineage.formats import describe_format
from mock_intake.rules.examples import changed, dataset, facet, good_event
from tests.rules.examples_judged import found_in_event, only

RIGHT = "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
OTHERWISE = "Use str(uuid.uuid4()), or make an id of your own into one with uuid.uuid5()."


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (RIGHT.replace("-", ""), f"Write {RIGHT}."),
        ("{" + RIGHT + "}", f"Write {RIGHT}."),
        (f"urn:uuid:{RIGHT}", f"Write {RIGHT}."),
        (f" {RIGHT}\n", f"Write {RIGHT}."),
        (f"run-{RIGHT}", f"Write {RIGHT}, without what stands around it."),
        (RIGHT[:-1], f"It has 35 characters of 36. {OTHERWISE}"),
        (RIGHT + "0", f"Write {RIGHT}, without what stands around it."),
        ("manual__2026-11-01", OTHERWISE),
        ("", OTHERWISE),
        ("a" * 10**6, OTHERWISE),
        (7, OTHERWISE),
    ],
)
def test_an_id_that_is_no_uuid_is_told_what_it_lacks(value: object, advice: str) -> None:
    assert describe_format("uuid", value)[1] == advice


def test_the_address_of_a_source_of_data_is_no_address_of_code() -> None:
    source = facet("DatasourceDatasetFacet", "1-0-1", name="shop", uri="shop db")
    finding = only(found_in_event(changed(good_event(), {"/inputs": [dataset("a.b.c", dataSource=source)]})), "OL103")
    assert "address of the code" not in finding.advice
    assert finding.advice.startswith("Use an absolute URI without spaces, user and password: uri begins with a scheme")
    of_code = only(found_in_event(changed(good_event(), {"/producer": "acme etl"})), "OL009")
    assert "code" in of_code.advice


NULLS: list[tuple[str, Any, str]] = [
    ("/run/facets/nominalTime", "OL003", "Leave nominalTime out"),
    ("/inputs", "OL003", "Leave inputs out"),
    ("/job/facets/sql", "OL003", "Leave sql out"),
    ("/run/facets", "OL003", "Leave facets out"),
    ("/job/name", "OL003", "Send name as a string."),
    ("/job/facets/jobType/jobType", "OL103", "Leave jobType out"),
    ("/job/facets/jobType/integration", "OL103", "Send integration as a string."),
    ("/job/facets/jobType/_producer", "OL101", "Send _producer as a string."),
]


@pytest.mark.parametrize(("pointer", "code", "advice"), NULLS)
def test_a_null_is_left_out_where_nothing_is_asked_for(pointer: str, code: str, advice: str) -> None:
    found = found_in_event(changed(good_event(), {pointer: None}))
    [finding] = [finding for finding in found if finding.pointer == pointer and finding.code[:2] == "OL"]
    assert finding.advice.startswith(advice), (code, finding)


def test_what_else_is_null_decides_nothing_about_a_required_one() -> None:
    found = found_in_event(changed(good_event(), {"/job/name": None, "/job/facets": None, "/inputs": None}))
    advice = {finding.pointer: finding.advice for finding in found if finding.code == "OL003"}
    assert advice["/job/name"] == "Send name as a string."
    assert advice["/job/facets"].startswith("Leave facets out")
    assert advice["/inputs"].startswith("Leave inputs out")


def test_a_base_type_of_the_core_is_no_schema_to_ask_for() -> None:
    url = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"
    notes = {"_producer": "https://github.com/acme/etl", "_schemaURL": url, "notes": "none"}
    finding = only(found_in_event(changed(good_event(), {"/run/facets/acme_notes": notes})), "OL105")
    assert "--facets" not in finding.advice
    assert finding.advice.startswith("Its _schemaURL names RunFacet, the base of all such facets.")
