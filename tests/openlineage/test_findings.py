"""What a user reads about an event that the standard refuses: place, words and advice, in full."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.model.findings import Severity
from tests.events import (
    RUN_ID,
    base,
    dataset,
    dataset_event,
    job_event,
    job_type,
    run_event,
    schema,
)
from tests.openlineage.finding_texts import FindingText, findings, on_job, on_output, on_run, places, told, without

CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
NOW = "`datetime.now(timezone.utc).isoformat()`"


@pytest.mark.parametrize(
    "event",
    [
        run_event(), run_event("COMPLETE"), run_event(None), job_event(), dataset_event(),
        on_output(schema=schema()), on_job(sql={**base("SQLJobFacet", "1-0-0"), "query": "select 1"}),
        run_event(eventTime="2016-12-31T23:59:60Z"), run_event(schemaURL=CORE.partition("#")[0]),
        run_event("RUNNING", schemaURL="https://openlineage.io/spec/1-0-3/OpenLineage.json#/$defs/RunEvent"),
    ],
)  # fmt: skip
def test_there_is_nothing_to_say_about_an_event_that_follows_the_standard(event: dict[str, Any]) -> None:
    assert told(event) == []


@pytest.mark.parametrize("time", ["2026-11-01T12:00:00.123456", "2026-11-01T12:00:00", "2026-11-01 12:00:00"])
def test_a_naive_time_is_told_as_one_without_offset(time: str) -> None:
    assert told(run_event(eventTime=time)) == [
        FindingText(
            "OL008", "warning", "/eventTime",
            "eventTime has no UTC offset",
            "RFC 3339 date-time with a UTC offset",
            f'"{time}"',
            f"no UTC offset: add `Z` or use {NOW} (datetime.utcnow() gives none). If it is in UTC, write "
            f"{time.replace(' ', 'T')}Z.",
        )
    ]  # fmt: skip


def test_a_zone_in_brackets_is_told_as_java_s() -> None:
    assert told(run_event(eventTime="2026-11-01T12:00:00+01:00[Europe/Berlin]")) == [
        FindingText(
            "OL007", "error", "/eventTime",
            "eventTime is no RFC 3339 date-time",
            "RFC 3339 date-time with a UTC offset",
            '"2026-11-01T12:00:00+01:00[Europe/Berlin]"',
            "The zone in brackets is Java's, not RFC 3339: keep the offset, drop the brackets, "
            f"or use {NOW}. Write 2026-11-01T12:00:00+01:00.",
        )
    ]  # fmt: skip


@pytest.mark.parametrize("time", ["yesterday", "", "2026-13-01T12:00:00Z", "2026-13-01 12:00:00 UTC"])
def test_any_other_text_is_no_time(time: str) -> None:
    assert told(run_event(eventTime=time)) == [
        FindingText(
            "OL007", "error", "/eventTime",
            "eventTime is no RFC 3339 date-time",
            "RFC 3339 date-time with a UTC offset",
            json.dumps(time),
            f"Write it like 2026-01-31T12:00:00.000Z; in Python {NOW}.",
        )
    ]  # fmt: skip


def test_a_time_that_is_a_number_is_told_by_its_type() -> None:
    assert told(run_event(eventTime=1793534400)) == [
        FindingText(
            "OL003", "error", "/eventTime",
            "eventTime is a number where the schema has a string", "a string", "1793534400",
            "Send eventTime as a string: 2026-11-01T12:00:00Z.",
        )
    ]  # fmt: skip


def test_a_missing_schema_url_is_told_with_the_line_to_add() -> None:
    assert told(without(run_event(), "schemaURL")) == [
        FindingText(
            "OL010", "warning", "",
            "the event lacks schemaURL",
            "the field schemaURL",
            "fields: eventType, eventTime, producer, run, job, inputs, outputs",
            f'Add "schemaURL": "{CORE}RunEvent" (JobEvent, DatasetEvent for the other kinds).',
        )
    ]  # fmt: skip


def test_a_producer_that_is_no_uri_is_a_warning() -> None:
    assert told(run_event(producer="nightly load")) == [
        FindingText(
            "OL009", "warning", "/producer",
            "producer is no URI",
            "URI with a scheme, such as https://github.com/acme/etl",
            '"nightly load"',
            "Use an absolute URI, for instance the address of the repository and version of the code.",
        )
    ]  # fmt: skip


MAKE_A_UUID = "Use str(uuid.uuid4()), or make an id of your own into one with uuid.uuid5()."


@pytest.mark.parametrize(
    ("run_id", "advice"),
    [
        ("run-17", MAKE_A_UUID),
        ("", MAKE_A_UUID),
        (RUN_ID[:-1], f"It has 35 characters of 36. {MAKE_A_UUID}"),
        (RUN_ID.replace("-", ""), f"Write {RUN_ID}."),
        (f"{{{RUN_ID}}}", f"Write {RUN_ID}."),
        (RUN_ID + "\n", f"Write {RUN_ID}."),
        (f"manual__{RUN_ID}", f"Write {RUN_ID}, without what stands around it."),
    ],
)
def test_a_run_id_that_is_no_uuid_is_an_error(run_id: str, advice: str) -> None:
    assert told(run_event(run={"runId": run_id})) == [
        FindingText(
            "OL006", "error", "/run/runId",
            "runId is no UUID",
            "UUID in its 36-character form",
            json.dumps(run_id),
            advice,
        )
    ]  # fmt: skip


def test_a_missing_field_is_told_with_the_fields_that_are_there() -> None:
    assert told(run_event(job={"namespace": "prod", "facets": {"jobType": job_type()}})) == [
        FindingText(
            "OL004", "error", "/job",
            "job lacks name", "the field name", "fields: namespace, facets", "Add name to job.",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event_type", "advice"),
    [
        ("Start", "Write it in upper case: START."),
        ("STARTED", "Write START."),
        ("FINISHED", "Use one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER."),
    ],
)
def test_an_event_type_that_does_not_exist_is_told_with_those_that_do(event_type: str, advice: str) -> None:
    assert told(run_event(event_type)) == [
        FindingText(
            "OL005", "error", "/eventType",
            "eventType is none of the values that there are",
            "one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER",
            f'"{event_type}"',
            advice,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (on_job(documentation=None), ("OL003", "/job/facets/documentation")),
        (run_event(inputs=[3]), ("OL003", "/inputs/0")),
        (on_output(schema={**schema(), "_deleted": "yes"}), ("OL103", "/outputs/0/facets/schema/_deleted")),
        (
            # The first core versions define this facet themselves.
            run_event(
                schemaURL="https://openlineage.io/spec/1-0-0/OpenLineage.json#/definitions/RunEvent",
                run={"runId": RUN_ID, "facets": {"nominalTime": {**base("NominalTimeRunFacet", "1-0-0"),
                                                                "nominalStartTime": "noon"}}},
            ),
            ("OL103", "/run/facets/nominalTime/nominalStartTime"),
        ),
    ],
    ids=["null for a facet", "number for a dataset", "text for _deleted", "facet of the core"],
)  # fmt: skip
def test_what_several_schemas_refuse_alike_is_told_once(event: dict[str, Any], place: tuple[str, str]) -> None:
    assert places(event) == [place]


def test_an_event_without_any_entity_is_of_no_kind() -> None:
    assert told({"eventTime": "2026-11-01T12:00:00Z", "schemaURL": CORE + "RunEvent"}) == [
        FindingText(
            "OL001", "error", "",
            "the event has neither run, job nor dataset, so it is none of the three kinds",
            "run and job, or job, or dataset", "fields: eventTime, schemaURL",
            "Send run and job for a run's life; job alone or dataset alone for what is known without a run.",
        )
    ]  # fmt: skip


def test_an_event_of_two_kinds_is_refused_where_no_kind_has_both() -> None:
    both = {**dataset_event(), "job": {"namespace": "prod", "name": "load_orders"}}
    assert told(both) == [
        FindingText(
            "OL002", "error", "",
            "the event carries job and dataset",
            "a RunEvent, a JobEvent or a DatasetEvent", "fields: job and dataset",
            "Send two events: one about the run or job, one about the dataset.",
        )
    ]  # fmt: skip
    allowed = {**run_event(), "dataset": dataset()}
    assert [(found.code, found.severity, found.violates) for found in findings(allowed)] == [
        ("OL002", Severity.WARNING, None)
    ]


def test_a_schema_url_of_another_kind_or_version_is_told() -> None:
    assert told(run_event(schemaURL=CORE + "JobEvent")) == [
        FindingText(
            "OL011", "warning", "/schemaURL",
            "schemaURL says JobEvent, and the event is a RunEvent",
            CORE + "RunEvent", f'"{CORE}JobEvent"', f"Write {CORE}RunEvent.", None,
        )
    ]  # fmt: skip
    unknown = CORE.replace("2-0-2", "2-7-0") + "RunEvent"
    assert told(run_event(schemaURL=unknown)) == [
        FindingText(
            "OL012", "info", "/schemaURL",
            "schemaURL names no published core schema; the event is judged by 2-0-2",
            CORE + "RunEvent", f'"{unknown}"', f"Use {CORE}RunEvent (or the event's own kind).", None,
        )
    ]  # fmt: skip
    old = "https://openlineage.io/spec/1-0-5/OpenLineage.json#/$defs/JobEvent"
    assert told(job_event(schemaURL=old)) == [
        FindingText(
            "OL013", "error", "/schemaURL",
            "schemaURL names core 1-0-5, which knows run events only; the event is a JobEvent",
            CORE + "JobEvent", f'"{old}"', "Let schemaURL name 2-0-0 or later.",
        )
    ]  # fmt: skip


def test_a_lone_surrogate_is_told_where_it_stands() -> None:
    assert told(run_event(job={"namespace": "prod", "name": "a\ud800", "facets": {"jobType": job_type()}})) == [
        FindingText(
            "OL301", "warning", "/job/name",
            "text in the event holds lone surrogates, which are no Unicode characters",
            "valid Unicode text", "\\ud800 to \\udfff standing alone",
            "Decode the text with the right codec before it goes into the event; in Python, os.fsdecode() and "
            "errors='surrogateescape' let such characters in.", None,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "escaped"), [("a/b", "a~1b"), ("a~b", "a~0b"), ("a/b~c", "a~1b~0c"), ("~1", "~01"), ("", ""), ("0", "0")]
)
def test_pointers_escape_what_keys_hold(key: str, escaped: str) -> None:
    assert places(on_run(**{key: {}}))[0] == ("OL101", f"/run/facets/{escaped}")
    fields = {key: {"inputFields": [{"namespace": "a", "name": "b", "field": 3}]}}
    facet = {**base("ColumnLineageDatasetFacet", "1-0-1"), "fields": fields}
    pointer = f"/outputs/0/facets/columnLineage/fields/{escaped}/inputFields/0/field"
    assert places(on_output(columnLineage=facet)) == [("OL103", pointer)]


@given(key=st.text(st.characters(exclude_categories=["Cs"]), max_size=8), index=st.integers(0, 3))
def test_a_pointer_leads_to_the_place_that_it_speaks_of(key: str, index: int) -> None:
    inputs = [{"namespace": "a", "name": "b", "field": 1 if place == index else "c"} for place in range(4)]
    facet = {**base("ColumnLineageDatasetFacet", "1-0-1"), "fields": {key: {"inputFields": inputs}}}
    event = on_output(columnLineage=facet)
    (finding,) = findings(event)
    place: Any = event
    for part in finding.pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        place = place[int(name)] if isinstance(place, list) else place[name]
    assert (place, finding.actual) == (1, "1")


@pytest.mark.parametrize("kind", ["RunEvent", "JobEvent"])
def test_a_schema_url_that_is_no_uri_is_told_which_to_write(kind: str) -> None:
    event = run_event(schemaURL="not a uri") if kind == "RunEvent" else job_event(schemaURL="not a uri")
    told_of = [finding for finding in findings(event) if finding.pointer == "/schemaURL"]
    assert {(finding.expected, finding.advice) for finding in told_of if finding.violates} == {
        (f"{CORE}{kind}", f"Write {CORE}{kind}.")
    }


def test_what_is_wrong_with_several_facets_is_told_in_their_order() -> None:
    keys = [f"acme_{number}" for number in (5, 2, 9, 1, 7, 0, 8, 3)]
    event = on_run(**dict.fromkeys(keys))
    assert places(event) == [("OL003", f"/run/facets/{key}") for key in keys]
