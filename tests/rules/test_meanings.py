"""What the standard says in words: what is told of it, what is nearly it and must be silent (OL401 to OL409)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.model.findings import Severity
from mock_intake.rules.examples import changed, dataset, facet, good_event
from tests.rules.examples_judged import Body, found_in_event, only

NOMINAL = "/run/facets/nominalTime"
OUTPUT = {"/outputs": [dataset("shop.public.daily")]}
PATTERN = "/job/facets/jobType/emissionPattern"
LINEAGE = "/job/facets/lineage"
FROM_ORDERS = {"namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "id"}


def nominal(start: object, end: object) -> Body:
    return {NOMINAL: facet("NominalTimeRunFacet", "1-0-1", nominalStartTime=start, nominalEndTime=end)}


def columns(*transformations: object, of_all: bool = False) -> Body:
    source = [{**FROM_ORDERS, "transformations": list(transformations)}]
    drawn = {"fields": {}, "dataset": source} if of_all else {"fields": {"id": {"inputFields": source}}}
    lineage = facet("ColumnLineageDatasetFacet", "1-2-0", **drawn)
    return {"/inputs": [dataset("shop.public.orders")], "/outputs": [dataset("shop.daily.x", columnLineage=lineage)]}


def state(change: str, **content: Any) -> Body:
    changes = facet("LifecycleStateChangeDatasetFacet", "1-0-1", lifecycleStateChange=change, **content)
    return {**OUTPUT, "/outputs/0/facets/lifecycleStateChange": changes}


def typed(value: object) -> Body:
    return {**OUTPUT, "/outputs/0/facets/datasetType": facet("DatasetTypeDatasetFacet", "1-0-1", datasetType=value)}


def pattern(**content: object) -> Body:
    version = facet("JobTypeJobFacet", "2-0-4")["_schemaURL"]
    return {"/job/facets/jobType/_schemaURL": version, PATTERN: content}


def failed(event_type: str, message: str = "no such table") -> Body:
    error = facet("ErrorMessageRunFacet", "1-0-1", message=message, programmingLanguage="PYTHON")
    return {"/eventType": event_type, "/run/facets/errorMessage": error}


def lineage(**content: object) -> Body:
    url = facet("LineageFacet", "1-0-0")["_schemaURL"]
    name = "LineageJobFacet" if "entries" in content else "LineageDatasetFacet"
    made = {**facet("LineageFacet", "1-0-0", **content), "_schemaURL": url.removesuffix("LineageFacet") + name}
    return {LINEAGE: made} if "entries" in content else {**OUTPUT, "/outputs/0/facets/lineage": made}


def twice(*names: str, role: str = "inputs") -> Body:
    return {f"/{role}": [dataset(name) for name in names]}


PERIODIC, EVENTS = {"eventTrigger": "PERIODIC"}, {"eventTrigger": "EVENT_BASED"}
SNAPSHOT, ADDED = {"eventContentMode": "COMPLETE_SNAPSHOT"}, {"eventContentMode": "ACCUMULATIVE"}
NOON = "2026-11-01T12:00:00"

FOUND: list[tuple[str, Body, str, str | None]] = [
    ("OL401", nominal(NOON + "Z", "2026-11-01T11:59:59.999999999Z"), NOMINAL + "/nominalEndTime", None),
    ("OL401", nominal(NOON + "Z", NOON + "+01:00"), NOMINAL + "/nominalEndTime", "not before 2026-11-01T12:00:00Z"),
    (
        "OL402",
        columns({"type": "INDIRECT", "subtype": "AGGREGATION"}),
        "/outputs/0/facets/columnLineage/fields/id/inputFields/0/transformations/0/type",
        '"DIRECT"',
    ),
    (
        "OL402",
        columns({"type": "DIRECT", "subtype": "IDENTITY"}, {"type": "DIRECT", "subtype": "GROUP_BY"}, of_all=True),
        "/outputs/0/facets/columnLineage/dataset/0/transformations/1/type",
        '"INDIRECT"',
    ),
    (
        "OL402",
        columns(None, {"type": "INDIRECT", "subtype": []}, {"type": "INDIRECT", "subtype": "IDENTITY"}),
        "/outputs/0/facets/columnLineage/fields/id/inputFields/0/transformations/2/type",
        '"DIRECT"',
    ),
    ("OL403", state("RENAME"), "/outputs/0/facets/lifecycleStateChange", None),
    *(
        ("OL404", typed(value), "/outputs/0/facets/datasetType/datasetType", f'"{near}"')
        for value, near in [
            ("table", "TABLE"), ("TABEL", "TABLE"), ("Tables", "TABLE"), ("job-output", "JOB_OUTPUT"),
            ("VIEWS", "VIEW"), (" FILE", "FILE"),
        ]
    ),
    ("OL405", twice("shop.public.a", "shop.public.b", "shop.public.a"), "/inputs/2", "once; it is /inputs/0 too"),
    ("OL405", twice("shop.public.a", "shop.public.a", role="outputs"), "/outputs/1", "once; it is /outputs/0 too"),
    ("OL406", failed("COMPLETE"), "/run/facets/errorMessage", "FAIL, or no errorMessage"),
    ("OL407", pattern(**EVENTS, **ADDED, windowDuration=60), PATTERN + "/windowDuration", None),
    ("OL408", pattern(**PERIODIC, **SNAPSHOT), PATTERN, "windowDuration, in seconds"),
    ("OL409", lineage(entries=[]), LINEAGE, "entries"),
    ("OL409", lineage(inputs=[], fields={}), "/outputs/0/facets/lineage", "inputs or fields"),
]  # fmt: skip

OWN_TYPES = ["TABLE", "JOB_OUTPUT", "CUBE", "DASHBOARD", "MATERIALIZED", "", None, "x" * 99]
SILENT: list[tuple[str, Body]] = [
    ("OL401", nominal(NOON + "Z", NOON + "Z")),
    ("OL401", nominal(NOON + "+01:00", NOON + "Z")),
    ("OL401", nominal(NOON + "Z", "tomorrow")),
    ("OL401", nominal(NOON + "Z", None)),
    ("OL402", columns({"type": "DIRECT", "subtype": "TRANSFORMATION"}, {"type": "INDIRECT", "subtype": "WINDOW"})),
    ("OL402", columns({"type": "DIRECT", "subtype": "ACME_HASH"})),
    ("OL402", columns({"type": "DIRECT"})),
    ("OL402", columns("DIRECT", None)),
    ("OL403", state("CREATE")),
    ("OL403", state("RENAME", previousIdentifier={"namespace": "postgres://db:5432", "name": "shop.public.old"})),
    *(("OL404", typed(value)) for value in OWN_TYPES),
    ("OL405", twice("shop.public.a", "shop.public.A")),
    ("OL405", {**twice("shop.public.a"), **twice("shop.public.a", role="outputs")}),
    ("OL406", failed("FAIL")),
    ("OL406", failed("RUNNING")),
    ("OL406", failed("COMPLETE", " ")),
    ("OL407", pattern(**EVENTS, **ADDED)),
    ("OL407", pattern(**PERIODIC, **ADDED, windowDuration=60)),
    ("OL408", pattern(**PERIODIC, **ADDED)),
    ("OL408", pattern(**EVENTS, **SNAPSHOT)),
    ("OL408", pattern(**PERIODIC, **SNAPSHOT, windowDuration=60)),
    ("OL409", lineage(entries=[{"namespace": "s3://lake", "name": "raw", "type": "DATASET", "inputs": []}])),
    ("OL409", lineage(fields={"id": {"inputs": []}})),
]  # fmt: skip


@pytest.mark.parametrize(("code", "changes", "pointer", "expected"), FOUND)
def test_what_the_words_say_is_told(code: str, changes: Body, pointer: str, expected: str | None) -> None:
    finding = only(found_in_event(changed(good_event(), changes)), code)
    assert finding.pointer == pointer
    assert finding.violates is None, "no schema says so"
    assert finding.severity is (Severity.WARNING if code == "OL408" else Severity.INFO)
    if expected is not None:
        assert finding.expected == expected


@pytest.mark.parametrize(("code", "changes"), SILENT)
def test_what_is_nearly_that_is_not(code: str, changes: Body) -> None:
    assert [one for one in found_in_event(changed(good_event(), changes)) if one.code == code] == []
