"""What a user reads about a facet that the standard refuses: place, words and advice, in full."""

from __future__ import annotations

from typing import Any

import pytest

from tests.events import FACETS, PRODUCER, base, job_type
from tests.openlineage.finding_texts import FindingText, on_job, on_output, on_run, places, told, without
from tests.openlineage.versions import LATEST, latest


def test_a_facet_without_producer_is_an_error() -> None:
    facet = without({**base("NominalTimeRunFacet", "1-0-1"), "nominalStartTime": "2026-11-01T12:00:00Z"}, "_producer")
    assert told(on_run(nominalTime=facet)) == [
        FindingText(
            "OL101", "error", "/run/facets/nominalTime",
            "nominalTime lacks _producer",
            "the field _producer",
            "fields: _schemaURL, nominalStartTime",
            "Add _producer to nominalTime.",
        )
    ]  # fmt: skip


def test_a_facet_whose_producer_is_no_uri_is_a_warning() -> None:
    facet = {**base("SQLJobFacet", "1-0-0"), "_producer": "me", "query": "select 1"}
    assert told(on_job(sql=facet)) == [
        FindingText(
            "OL102", "warning", "/job/facets/sql/_producer",
            "_producer is no URI",
            "URI with a scheme, such as https://github.com/acme/etl",
            '"me"',
            "Use an absolute URI without spaces, for instance the address of the code that makes the event.",
        )
    ]  # fmt: skip


def test_a_wrong_type_inside_a_facet_is_told_at_its_place() -> None:
    facet = {**base("SchemaDatasetFacet", "1-1-1"), "fields": [{"name": "id"}, {"name": 7}]}
    assert told(on_output(schema=facet)) == [
        FindingText(
            "OL103", "warning", "/outputs/0/facets/schema/fields/1/name",
            "the schema facet: name is a number where the schema has a string (SchemaDatasetFacet 1-1-1)",
            "a string", "7", 'Send name as a string: "7".',
        )
    ]  # fmt: skip


def test_a_field_that_a_facet_lacks_is_to_be_added_to_the_facet() -> None:
    """Not to the event, of which the advice for the core's fields speaks."""
    facet = {**base("SQLJobFacet", "1-1-0"), "dialect": "ansi"}
    assert told(on_job(sql=facet)) == [
        FindingText(
            "OL103", "warning", "/job/facets/sql",
            "the sql facet: sql lacks query (SQLJobFacet 1-1-0)",
            "the field query", "fields: _producer, _schemaURL, dialect", "Add query to sql.",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("create", "Write it in upper case: CREATE."),
        ("MADE", "Use one of ALTER, CREATE, DROP, OVERWRITE, RENAME, TRUNCATE."),
    ],
)
def test_a_word_that_is_no_choice_of_a_facet_is_told_with_the_choices(value: str, advice: str) -> None:
    facet = {**base("LifecycleStateChangeDatasetFacet", "1-0-1"), "lifecycleStateChange": value}
    assert told(on_output(lifecycleStateChange=facet)) == [
        FindingText(
            "OL103", "warning", "/outputs/0/facets/lifecycleStateChange/lifecycleStateChange",
            "the lifecycleStateChange facet: lifecycleStateChange is none of the values that there are "
            "(LifecycleStateChangeDatasetFacet 1-0-1)",
            "one of ALTER, CREATE, DROP, OVERWRITE, RENAME, TRUNCATE",
            f'"{value}"',
            advice,
        )
    ]  # fmt: skip


def lineage(*entries: Any) -> dict[str, Any]:
    url = f"{FACETS}/1-0-0/LineageFacet.json#/$defs/LineageJobFacet"
    return {"_producer": PRODUCER, "_schemaURL": url, "entries": list(entries)}


def test_of_alternatives_the_one_that_was_meant_is_explained() -> None:
    """An input of type DATASET lacks its name; it was never meant to be a JOB."""
    entry = {"type": "JOB", "inputs": [{"type": "DATASET", "namespace": "postgres://db:5432"}]}
    assert told(on_job(lineage=lineage(entry))) == [
        FindingText(
            "OL103", "warning", "/job/facets/lineage/entries/0/inputs/0",
            "the lineage facet: inputs[0] lacks name (LineageJobFacet 1-0-0)",
            "the field name", "fields: type, namespace", "Add name to inputs[0].",
        )
    ]  # fmt: skip


def test_fields_that_need_each_other_are_told_as_such() -> None:
    assert told(on_job(lineage=lineage({"type": "JOB", "namespace": "prod"}))) == [
        FindingText(
            "OL103", "warning", "/job/facets/lineage/entries/0",
            "the lineage facet: entries[0] lacks name (LineageJobFacet 1-0-0)",
            "both or neither", '{"type": "JOB", "namespace": "prod"}', "Add name to entries[0].",
        )
    ]  # fmt: skip


def test_a_facet_version_that_was_never_published_is_told_with_the_one_judged_by() -> None:
    """``1-0-7`` lies before the latest version, so it cannot be a newer one that is not known here yet."""
    facet = {**base("SQLJobFacet", "1-0-7"), "query": 1}
    right = f"{FACETS}/{LATEST['SQLJobFacet']}/SQLJobFacet.json#/$defs/SQLJobFacet"
    assert told(on_job(sql=facet)) == [
        FindingText(
            "OL104", "warning", "/job/facets/sql/_schemaURL",
            f"the sql facet names a version that was never published; judged by {latest('SQLJobFacet')}",
            right, f'"{facet["_schemaURL"]}"', f"Write {right}.", None,
        ),
        FindingText(
            "OL103", "warning", "/job/facets/sql/query",
            f"the sql facet: query is a number where the schema has a string ({latest('SQLJobFacet')})",
            "a string", "1", 'Send query as a string: "1".',
        ),
    ]  # fmt: skip


def test_a_later_facet_version_than_is_known_here_is_no_more_than_worth_a_word() -> None:
    facet = {**base("SQLJobFacet", "99-0-0"), "query": "select 1"}
    assert told(on_job(sql=facet)) == [
        FindingText(
            "OL104", "info", "/job/facets/sql/_schemaURL",
            f"the sql facet names a later version than the latest one known here; judged by {latest('SQLJobFacet')}",
            f"{FACETS}/{LATEST['SQLJobFacet']}/SQLJobFacet.json#/$defs/SQLJobFacet",
            f'"{facet["_schemaURL"]}"',
            "Nothing to do if the version exists: clients can be ahead of what was published with the standard.",
            None,
        )
    ]  # fmt: skip


def test_a_wrong_fragment_still_names_the_version() -> None:
    facet = {**base("SQLJobFacet", "1-0-0"), "query": "select 1", "_schemaURL": f"{FACETS}/1-0-0/SQLJobFacet.json#/a"}
    right = f"{FACETS}/1-0-0/SQLJobFacet.json#/$defs/SQLJobFacet"
    assert told(on_job(sql=facet)) == [
        FindingText(
            "OL107", "info", "/job/facets/sql/_schemaURL",
            "the fragment of the sql facet's _schemaURL names nothing in SQLJobFacet 1-0-0",
            right, f'"{facet["_schemaURL"]}"', f"Write {right}.", None,
        )
    ]  # fmt: skip


def test_a_facet_on_the_wrong_entity_is_told_where_it_belongs() -> None:
    facet = {**base("InputStatisticsInputDatasetFacet", "1-0-0"), "rowCount": 1}
    assert told(on_output(inputStatistics=facet)) == [
        FindingText(
            "OL106", "warning", "/outputs/0/facets/inputStatistics",
            "inputStatistics (InputStatisticsInputDatasetFacet 1-0-0) stands among the facets of a dataset",
            "an input's inputFacets", "/outputs/0/facets", "Move it to an input's inputFacets.", None,
        )
    ]  # fmt: skip


def test_an_empty_facet_is_told_as_such() -> None:
    assert told(on_output(schema=base("SchemaDatasetFacet", "1-1-1"))) == [
        FindingText(
            "OL108", "warning", "/outputs/0/facets/schema",
            "the schema facet has nothing but its base fields",
            "content", "no field beside _producer and _schemaURL", "Leave the facet out, or fill it.", None,
        )
    ]  # fmt: skip


def test_a_custom_facet_is_told_to_be_unchecked() -> None:
    facet = {"_producer": PRODUCER, "_schemaURL": "https://acme.example/cost.json", "amount": 3}
    assert told(on_run(acme_cost=facet)) == [
        FindingText(
            "OL105", "info", "/run/facets/acme_cost",
            "acme_cost is a custom facet; only its base fields were checked",
            "a schema at hand", '_schemaURL: "https://acme.example/cost.json"',
            "Give a directory with its JSON Schema (--facets DIR), or ignore this rule.", None,
        )
    ]  # fmt: skip


def test_a_facet_under_another_facet_s_key_is_told() -> None:
    facet = {**base("SQLJobFacet", "1-0-0"), "query": "select 1"}
    assert told(on_job(documentation=facet)) == [
        FindingText(
            "OL109", "warning", "/job/facets/documentation/_schemaURL",
            "under the key documentation stands a facet whose _schemaURL is of SQLJobFacet 1-0-0; judged by that",
            "the facet documentation of the standard", f'"{facet["_schemaURL"]}"',
            "Put the facet under its own key, or give it the _schemaURL of the key's facet.", None,
        )
    ]  # fmt: skip


def test_a_field_that_a_closed_object_does_not_have_is_told_with_those_it_has() -> None:
    facet = {**base("ExecutionParametersRunFacet", "1-0-0"), "parameters": [{"key": "a", "valeu": "1"}]}
    assert told(on_run(executionParameters=facet)) == [
        FindingText(
            "OL103", "warning", "/run/facets/executionParameters/parameters/0",
            "the executionParameters facet: parameters[0] has fields that its schema does not allow: valeu "
            "(ExecutionParametersRunFacet 1-0-0)",
            "only key, name, description, value", '{"key": "a", "valeu": "1"}', "Remove valeu.",
        )
    ]  # fmt: skip


def test_a_number_below_its_bound_is_told_with_the_bound() -> None:
    pattern = {"eventTrigger": "PERIODIC", "eventContentMode": "b", "windowDuration": 0}
    facet = {**job_type(), **base("JobTypeJobFacet", "2-0-4"), "emissionPattern": pattern}
    assert told(on_job(jobType=facet)) == [
        FindingText(
            "OL103", "warning", "/job/facets/jobType/emissionPattern/windowDuration",
            "the jobType facet: windowDuration is too small (JobTypeJobFacet 2-0-4)",
            "at least 1", "0", "Use at least 1.",
        )
    ]  # fmt: skip


def test_what_is_deleted_still_has_to_have_what_its_schema_requires() -> None:
    deleted = on_job(sql={**base("SQLJobFacet", "1-1-0"), "_deleted": True})
    assert places(deleted) == [("OL103", "/job/facets/sql")]
    [finding] = told(deleted)
    assert finding.advice.startswith('The standard\'s words allow it ("set to true to delete a facet")')
