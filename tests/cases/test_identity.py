"""Kind 2: one-way identity of facets and fields. Kind 4: presence taken for content."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.model.event import Entity
from mock_intake.model.findings import Severity
from mock_intake.openlineage.library import standard_library
from mock_intake.rules.examples import changed
from tests.cases.judged import Body, codes, found_in, of
from tests.events import FACETS, base, dataset, job_event, run_event

INFO = Severity.INFO
PARENT: Body = {
    **base("ParentRunFacet", "1-1-0"),
    "run": {"runId": "0f3f3c3e-7c52-4c52-8f39-7b1f5a1d2e3f"},
    "job": {"namespace": "prod", "name": "nightly"},
}
OWN = {"_producer": "https://github.com/acme/etl", "_schemaURL": "https://acme.example/Facet.json"}


def judged(changes: Body, event_type: str = "RUNNING") -> set[str]:
    """What rules of the standard say of an event that is changed so, infos included."""
    return {code for code in codes(found_in(changed(written(event_type), changes)), INFO) if code.startswith("OL")}


def written(event_type: str = "RUNNING") -> Body:
    return run_event(event_type, outputs=[{**dataset("shop.public.daily"), "outputFacets": {}}])


RIGHT_KEYS: list[tuple[Entity, str, str | None, str | None]] = [
    # By the address, whatever the key is.
    ("run", "parentRun", f"{FACETS}/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet", "parent"),
    ("run", "caller", f"{FACETS}/1-0-1/ParentRunFacet.json", "parent"),
    ("run", "caller", f"{FACETS}/9-9-9/ParentRunFacet.json", "parent"),
    ("input", "dataQuality", f"{FACETS}/1-0-2/DataQualityMetricsInputDatasetFacet.json", "dataQualityMetrics"),
    # By the key.
    ("run", "processingEngine", None, "processing_engine"),
    ("run", "error_message", None, "errorMessage"),
    ("run", "ErrorMessage", "https://acme.example/X.json", "errorMessage"),
    ("run", "nominal-time", None, "nominalTime"),
    ("run", "ParentRunFacet", None, "parent"),
    ("dataset", "column_lineage", None, "columnLineage"),
    ("dataset", "ColumnLineageDatasetFacet", None, "columnLineage"),
    ("dataset", "SCHEMA", None, "schema"),
    ("output", "output_statistics", None, "outputStatistics"),
    ("dataset", "output_statistics", None, "outputStatistics"),
    ("job", "job_type", None, "jobType"),
    ("job", "SQL", None, "sql"),
    # None of these.
    ("run", "parent", None, None),
    ("run", "processing_engine", None, None),
    ("input", "iceberg_scan_report", None, None),
    ("run", "parents", None, None),
    ("run", "errors", None, None),
    ("dataset", "schemas", "https://acme.example/X.json", None),
    ("run", "environment-properties", None, None),
    ("dataset", "job_type", "https://acme.example/X.json", None),
    ("run", "airflow", None, None),
    ("run", "x" * 1_000, None, None),
]


@pytest.mark.parametrize(("entity", "key", "url", "right"), RIGHT_KEYS)
def test_a_facet_of_the_standard_is_known_under_another_key(
    entity: Entity, key: str, url: str | None, right: str | None
) -> None:
    assert standard_library().right_key(entity, key, url) == right


def test_it_is_told_with_the_right_key() -> None:
    event = changed(written(), {"/run/facets/parent_run": {**PARENT, "_schemaURL": OWN["_schemaURL"]}})
    [finding] = of(found_in(event), "OL110")
    assert (finding.severity, finding.pointer) == (Severity.WARNING, "/run/facets/parent_run")
    assert finding.advice.startswith("Put it under the key parent.")


def test_it_is_silent_where_the_right_key_holds_the_same_content_beside_it() -> None:
    both = {"/run/facets/parent": PARENT, "/run/facets/parentRun": {**PARENT, "_producer": "https://acme.example"}}
    assert "OL110" not in judged(both)
    other = {**PARENT, "job": {"namespace": "prod", "name": "weekly"}}
    [finding] = of(found_in(changed(written(), {**both, "/run/facets/parentRun": other})), "OL110")
    assert "under parent stands another content" in finding.message


NEVER_PUBLISHED = [
    f"{FACETS}/1-0-0/AcmeNotesRunFacet.json#/$defs/AcmeNotesRunFacet",
    "https://openlineage.io/spec/facets/ParentFacet.json",
    "http://openlineage.io/facets/notes.json",
    "https://openlineage.io",
    "https://openlineage.io/spec/9-9-9/OpenLineage.json#/$defs/RunFacet",
]


@pytest.mark.parametrize("url", NEVER_PUBLISHED)
def test_an_address_of_the_standard_at_which_nothing_was_published_is_no_custom_one(url: str) -> None:
    found = judged({"/run/facets/acme_notes": {**OWN, "_schemaURL": url, "note": "x"}})
    assert found == {"OL104"}


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example/openlineage.io/X.json",
        "https://openlineage.io.acme.example/X.json",
        "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet",
    ],
)
def test_other_addresses_are_custom_ones(url: str) -> None:
    assert judged({"/run/facets/acme_notes": {**OWN, "_schemaURL": url, "note": "x"}}) <= {"OL105"}


FIELDS: list[tuple[Body, str, str]] = [
    ({"/Inputs": [dataset()]}, "/Inputs", "inputs"),
    ({"/event_type": "START"}, "/event_type", "eventType"),
    ({"/run/Facets": {"x": OWN}}, "/run/Facets", "facets"),
    ({"/job/job-name": "x", "/job/Name": "y"}, "/job/Name", "name"),
    ({"/outputs/0/output_facets": {"x": OWN}}, "/outputs/0/output_facets", "outputFacets"),
    ({"/outputs/0/inputFacets": {"x": OWN}}, "/outputs/0/inputFacets", "outputFacets"),
]


@pytest.mark.parametrize(("changes", "pointer", "right"), FIELDS)
def test_a_field_of_the_core_that_is_nearly_right_is_told(changes: Body, pointer: str, right: str) -> None:
    [finding] = of(found_in(changed(written(), changes)), "OL014")
    assert (finding.severity, finding.pointer, finding.expected) == (Severity.WARNING, pointer, right)


@pytest.mark.parametrize(
    "changes",
    [{}, {"/team": "sales"}, {"/Inputs": []}, {"/run/attempt": 1}, {"/job/owner": "x"}, {"/outputs/0/rows": 7}],
)
def test_other_fields_are_free(changes: Body) -> None:
    assert judged(changes) == set()


def test_the_same_content_under_both_names_is_silent() -> None:
    assert judged({"/event_type": "RUNNING"}) == set()
    assert of(found_in(changed(job_event(), {"/schemaUrl": job_event()["schemaURL"]})), "OL014") == []


def statistics(**content: Any) -> Body:
    facet = {**base("OutputStatisticsOutputDatasetFacet", "1-0-2"), **content}
    return {"/outputs/0/outputFacets/outputStatistics": facet}


def test_foreign_fields_say_nothing_and_near_misses_are_told_with_the_right_name() -> None:
    findings = found_in(changed(written(), statistics(row_count=7, bytesCount=9)))
    [near] = of(findings, "OL112")
    assert (near.severity, near.pointer) == (
        Severity.WARNING, "/outputs/0/outputFacets/outputStatistics/row_count",
    )  # fmt: skip
    assert near.advice == "Write it as rowCount."
    [nothing] = of(findings, "OL111")
    assert (nothing.severity, "none of its fields is the standard's" in nothing.message) == (INFO, True)


@pytest.mark.parametrize(
    "content",
    [
        {"rowCount": 7}, {"rowCount": 0}, {"rowCount": 7, "bytesCount": 9}, {"rowCount": 7, "row_count": 7},
        {"size": 1, "acme_partitions": []},
    ],
)  # fmt: skip
def test_foreign_fields_beside_content_are_the_standards_freedom(content: Body) -> None:
    assert judged(statistics(**content)) == set()


def columns(*fields: Body) -> Body:
    return {"/outputs/0/facets/schema": {**base("SchemaDatasetFacet", "1-1-1"), "fields": list(fields)}}


def lineage_of(entry: Body) -> Body:
    facet = {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": {"input_fields": {"inputFields": [], **entry}}}
    return {"/outputs/0/facets/columnLineage": facet}


NEAR_BELOW: list[tuple[Body, str, str]] = [
    (columns({"name": "id", "Type": "INT"}), "/outputs/0/facets/schema/fields/0/Type", "type"),
    (
        columns({"name": "a", "fields": [{"name": "b", "de_scription": "x"}]}),
        "/outputs/0/facets/schema/fields/0/fields/0/de_scription",
        "description",
    ),
    (
        lineage_of({"input-fields": [{"namespace": "a", "name": "b", "field": "c"}]}),
        "/outputs/0/facets/columnLineage/fields/input_fields/input-fields",
        "inputFields",
    ),
    (
        {"/job/facets/ownership": {**base("OwnershipJobFacet", "1-0-1"), "owners": [{"name": "ann", "TYPE": "x"}]}},
        "/job/facets/ownership/owners/0/TYPE",
        "type",
    ),
    (
        {"/run/facets/parent": {**PARENT, "run": {**PARENT["run"], "run_id": "x"}}},
        "/run/facets/parent/run/run_id",
        "runId",
    ),
]


@pytest.mark.parametrize(("changes", "pointer", "right"), NEAR_BELOW, ids=[pointer for _, pointer, _ in NEAR_BELOW])
def test_a_field_that_is_nearly_right_is_told_however_deep_it_stands(changes: Body, pointer: str, right: str) -> None:
    [near] = of(found_in(changed(written(), changes)), "OL112")
    assert (near.pointer, near.expected) == (pointer, right)


@pytest.mark.parametrize(
    "changes",
    [
        columns({"name": "id", "type": "INT", "nullable": True, "precision": 10}),
        columns({"name": "Type", "type": "INT"}, {"name": "fields", "type": "INT"}),
        # The columns are the producer's own, whatever they are called.
        lineage_of({}),
        {"/run/facets/parent": {**PARENT, "run": {**PARENT["run"], "attempt": 1}}},
        {"/run/facets/parent": {**PARENT, "run": {**PARENT["run"], "run_id": PARENT["run"]["runId"]}}},
    ],
)
def test_other_fields_are_free_however_deep(changes: Body) -> None:
    assert of(found_in(changed(written(), changes)), "OL112") == []


HOLLOW: list[tuple[str, Body]] = [
    ("/job/facets/tags", {**base("TagsJobFacet", "1-0-0"), "tags": []}),
    ("/job/facets/ownership", {**base("OwnershipJobFacet", "1-0-1"), "owners": []}),
    ("/outputs/0/facets/symlinks", {**base("SymlinksDatasetFacet", "1-0-1"), "identifiers": []}),
    ("/outputs/0/facets/schema", {**base("SchemaDatasetFacet", "1-1-1"), "fields": []}),
    ("/job/facets/documentation", {**base("DocumentationJobFacet", "1-1-0"), "description": ""}),
]


@pytest.mark.parametrize(("pointer", "facet"), HOLLOW)
def test_a_facet_of_empty_fields_says_nothing(pointer: str, facet: Body) -> None:
    [finding] = of(found_in(changed(written(), {pointer: facet})), "OL111")
    assert (finding.severity, finding.pointer) == (INFO, pointer)


def test_a_facet_that_is_taken_away_need_not_say_anything() -> None:
    deleted = {**base("TagsJobFacet", "1-0-0"), "_deleted": True, "tags": []}
    assert "OL111" not in judged({"/job/facets/tags": deleted})


@pytest.mark.parametrize(("message", "told"), [("", True), (" \n", True), ("no such table", False)])
def test_an_empty_error_message_does_not_say_why(message: str, told: bool) -> None:
    facet = {**base("ErrorMessageRunFacet", "1-0-1"), "message": message, "programmingLanguage": "PYTHON"}
    assert bool(of(found_in(changed(written("FAIL"), {"/run/facets/errorMessage": facet})), "DD501")) is told


@pytest.mark.parametrize(("field", "lacks"), [("key", True), ("source", True), ("value", False)])
def test_a_tag_with_an_empty_key_or_source_lacks_it(field: str, lacks: bool) -> None:
    tag = {"key": "team", "value": "data", "source": "USER", field: ""}
    facet = {**base("TagsJobFacet", "1-0-0"), "tags": [tag]}
    assert bool(of(found_in(changed(written(), {"/job/facets/tags": facet})), "DD402")) is lacks
