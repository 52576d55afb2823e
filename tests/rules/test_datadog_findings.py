"""What is told of events as Datadog documents them, word for word (DD)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.datadog.rules import RESERVED_INTEGRATIONS
from mock_intake.findings import Severity
from tests.events import PRODUCER, base, dataset, dataset_event, job_event, job_type, run_event, schema
from tests.rules.examples_datadog import (
    EXAMPLES,
    TAG,
    column_lineage,
    job_tags,
    loading,
    run_tags,
    sql,
    with_job_facets,
    with_job_type,
)
from tests.rules.examples_judged import Body, Told, found_in_event, only, told

ADD_JOB_TYPE = (
    'Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with _producer '
    "and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...)."
)
SAME_NAMES = (
    "Use the very same namespace and name as in inputs, or add the dataset to inputs. "
    "Nothing to do if an earlier event of the run had it among its inputs."
)
FULL_TAG = '{"key": "team", "value": "data", "source": "USER"}'
UNLESS_EARLIER = "unless an earlier event of the run had it."


def codes(event: Body) -> list[str]:
    return [finding.code for finding in found_in_event(event)]


def no_job_type(pointer: str, actual: str, there: str = "no jobType facet") -> Told:
    return Told(
        pointer,
        f"the job has {there}, so Datadog would take the event and not process it",
        "job.facets.jobType with processingType, integration and jobType",
        actual,
        ADD_JOB_TYPE,
    )


def reserved(integration: str, producer: str) -> Told:
    return Told(
        "/job/facets/jobType/integration",
        f"the integration {integration} is reserved for Datadog's native one, and the producer is another",
        "none of SPARK, AIRFLOW, DBT, BIGQUERY, SNOWFLAKE, TRINO, ICEBERG, TABLEAU",
        f'"{integration}" from "{producer}"',
        "Use a word of your own, such as CUSTOM or the name of your tool.",
    )


def processing_type(value: str, remark: str = "") -> Told:
    return Told(
        "/job/facets/jobType/processingType",
        f'processingType is "{value}"{remark}',
        "BATCH or STREAMING",
        f'"{value}"',
        "Use BATCH for a job that ends, STREAMING for one that does not.",
    )


def no_array(entity: str, pointer: str, actual: str) -> Told:
    return Told(
        f"{pointer}/tags",
        f"the {entity}'s tags are no array",
        "an array of tags",
        actual,
        f'Write "tags": [{FULL_TAG}].',
    )


def incomplete(entity: str, pointer: str, lacks: str, actual: str) -> Told:
    return Told(
        f"{pointer}/tags/0",
        f"a tag of the {entity} lacks {lacks}",
        "key, value and source",
        actual,
        f"Write {FULL_TAG}.",
    )


def on_complete(facet: str, pointer: str, subject: str, expected: str, actual: str, advice: str) -> Told:
    return Told(
        pointer, f"{subject} without the {facet} facet on COMPLETE", expected, actual, f"{advice}, {UNLESS_EARLIER}"
    )


ADD_SCHEMA = "Add the schema facet to inputs and outputs"
ADD_STATISTICS = "Add outputFacets.outputStatistics with rowCount and size"
ADD_COLUMN_LINEAGE = "Add the columnLineage facet to outputs"

NO_OBJECTS: tuple[Any, ...] = ("JOB", [], None)

PINNED: list[tuple[str, Body, Told]] = [
    ("DD101", EXAMPLES["DD101"][0], no_job_type("/job/facets", "facets: none")),
    ("DD101", run_event(job={"namespace": "prod", "name": "load"}), no_job_type("/job", "facets: none")),
    (
        "DD101",
        run_event(job={"namespace": "prod", "name": "load", "facets": {"sql": sql()}}),
        no_job_type("/job/facets", "facets: sql"),
    ),
    *(
        (
            "DD101",
            with_job_facets(jobType=facet),
            no_job_type("/job/facets", "facets: jobType", "a jobType facet that is no object"),
        )
        for facet in NO_OBJECTS
    ),
    *(("DD102", with_job_type(integration=word), reserved(word, PRODUCER)) for word in RESERVED_INTEGRATIONS),
    ("DD102", with_job_type(integration="Spark"), reserved("Spark", PRODUCER)),
    (
        "DD103",
        EXAMPLES["DD103"][0],
        processing_type("SERVICE", " (the standard knows it, Datadog does not document it)"),
    ),
    ("DD103", with_job_type(processingType="batch"), processing_type("batch")),
    (
        "DD104",
        EXAMPLES["DD104"][0],
        Told(
            "/job/facets/jobType/jobType",
            "a job of the type QUERY makes no lineage node",
            "JOB, TASK, DAG, MODEL or COMMAND",
            '"QUERY"',
            "Use JOB, TASK, DAG, MODEL or COMMAND if the job is to be a node.",
        ),
    ),
    (
        "DD105",
        EXAMPLES["DD105"][0],
        Told(
            "",
            "the event has no eventType",
            "START, RUNNING, COMPLETE, FAIL, ABORT or OTHER",
            None,
            "Send START, RUNNING, COMPLETE, FAIL, ABORT or OTHER.",
        ),
    ),
    (
        "DD301",
        EXAMPLES["DD301"][0],
        Told(
            "/outputs/0/facets/columnLineage/fields/id/inputFields/0",
            "columnLineage of shop.public.daily names postgres://db:5432 public.orders, which is no input of the event",
            "an input of the event: postgres://db:5432 shop.public.orders",
            "postgres://db:5432 public.orders",
            SAME_NAMES,
        ),
    ),
    (
        "DD301",
        run_event(outputs=[dataset("shop.public.daily", columnLineage=column_lineage())]),
        Told(
            "/outputs/0/facets/columnLineage/fields/id/inputFields/0",
            "columnLineage of shop.public.daily names postgres://db:5432 shop.public.orders, "
            "which is no input of the event",
            "an input of the event; it has none",
            "postgres://db:5432 shop.public.orders",
            SAME_NAMES,
        ),
    ),
    ("DD401", EXAMPLES["DD401"][0], no_array("job", "/job/facets/tags", FULL_TAG)),
    ("DD401", run_tags("team:data"), no_array("run", "/run/facets/tags", '"team:data"')),
    (
        "DD402",
        EXAMPLES["DD402"][0],
        incomplete("job", "/job/facets/tags", "source", '{"key": "team", "value": "data"}'),
    ),
    ("DD402", job_tags([{}]), incomplete("job", "/job/facets/tags", "key and value and source", "{}")),
    (
        "DD402",
        run_tags([{"key": "team", "source": "USER"}]),
        incomplete("run", "/run/facets/tags", "value", '{"key": "team", "source": "USER"}'),
    ),
    (
        "DD403",
        EXAMPLES["DD403"][0],
        Told(
            "/job/facets/tags/tags/0/source",
            'the tag team has the source "user", so job monitors cannot use it',
            '"USER"',
            '"user"',
            'Write "source": "USER" for tags that monitors are to use.',
        ),
    ),
    (
        "DD404",
        EXAMPLES["DD404"][0],
        Told(
            "/run/facets/tags",
            "the run's tags team do not become tags of the span",
            "tags on the job",
            "1 tag on the run",
            "Put the tag into job.facets.tags.",
        ),
    ),
    (
        "DD404",
        run_tags([{**TAG, "key": f"tag{number}"} for number in range(4)]),
        Told(
            "/run/facets/tags",
            "the run's tags tag0, tag1, tag2 do not become tags of the span",
            "tags on the job",
            "4 tags on the run",
            "Put the tag into job.facets.tags.",
        ),
    ),
    (
        "DD501",
        EXAMPLES["DD501"][0],
        Told(
            "/run",
            "the run failed, and the event does not say why",
            "run.facets.errorMessage",
            "facets: none",
            "Add run.facets.errorMessage with message, programmingLanguage and stackTrace.",
        ),
    ),
    (
        "DD502",
        EXAMPLES["DD502"][0],
        on_complete(
            "schema", "/outputs/0", "shop.public.daily is", "the schema facet", "1 of 2 datasets without", ADD_SCHEMA
        ),
    ),
    (
        "DD503",
        EXAMPLES["DD503"][0],
        on_complete(
            "outputStatistics",
            "/outputs/0",
            "shop.public.daily is",
            "outputFacets.outputStatistics",
            "1 of 1 outputs without",
            ADD_STATISTICS,
        ),
    ),
    (
        "DD504",
        EXAMPLES["DD504"][0],
        on_complete(
            "columnLineage",
            "/outputs/0",
            "shop.public.daily is",
            "the columnLineage facet",
            "1 of 1 outputs without",
            ADD_COLUMN_LINEAGE,
        ),
    ),
    (
        "DD502",
        run_event("COMPLETE", inputs=[dataset(f"shop.public.t{number}") for number in range(5)]),
        on_complete(
            "schema",
            "/inputs/0",
            "shop.public.t0, shop.public.t1, shop.public.t2 and 2 more are",
            "the schema facet",
            "5 of 5 datasets without",
            ADD_SCHEMA,
        ),
    ),
    (
        "DD505",
        EXAMPLES["DD505"][0],
        Told(
            "/job/facets/sql",
            "sql on START is not processed",
            "sql on COMPLETE",
            "eventType: START",
            "Send it with COMPLETE too.",
        ),
    ),
    (
        "DD506",
        EXAMPLES["DD506"][0],
        Told(
            "/eventType",
            "no span is made for this run",
            "COMPLETE or FAIL",
            '"ABORT"',
            "Send FAIL if the aborted run is to be seen as failed.",
        ),
    ),
]


@pytest.mark.parametrize(("code", "event", "expected"), PINNED)
def test_the_finding_reads(code: str, event: Body, expected: Told) -> None:
    assert told(only(found_in_event(event), code)) == expected


NATIVE = [
    ("SPARK", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark"),
    ("SPARK", "https://acme.cloud.databricks.com/jobs/4711"),
    ("SPARK", "https://databricks.com"),
    ("AIRFLOW", "https://github.com/apache/airflow/tree/providers-openlineage/2.7.1"),
    ("AIRFLOW", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/airflow"),
    ("DBT", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"),
    ("DBT", "https://github.com/dbt-labs/dbt-core/tree/v1.11"),
    ("TRINO", "https://github.com/trinodb/trino/plugin/trino-openlineage"),
    ("ICEBERG", "https://github.com/apache/iceberg/tree/apache-iceberg-1.10.0"),
    ("BIGQUERY", "https://app.datadoghq.com/data-jobs"),
    ("SNOWFLAKE", "https://app.datadoghq.eu/data-jobs"),
    ("TABLEAU", "https://github.com/DataDog/integrations-core"),
]


def test_every_reserved_integration_has_a_native_producer() -> None:
    assert {integration for integration, _ in NATIVE} == set(RESERVED_INTEGRATIONS)


@pytest.mark.parametrize(("integration", "producer"), NATIVE)
def test_a_native_producer_may_use_its_integration(integration: str, producer: str) -> None:
    assert codes({**with_job_type(integration=integration), "producer": producer}) == []


def of(integration: str) -> str:
    """The first of the native producers of an integration."""
    return next(producer for name, producer in NATIVE if name == integration)


@pytest.mark.parametrize(("integration", "producer"), [("SPARK", of("AIRFLOW")), ("DBT", of("SPARK"))])
def test_a_native_producer_may_not_use_anothers_integration(integration: str, producer: str) -> None:
    event = {**with_job_type(integration=integration), "producer": producer}
    assert told(only(found_in_event(event), "DD102")) == reserved(integration, producer)


@pytest.mark.parametrize(
    "producer",
    [
        "https://github.com/acme/databricks-jobs",
        "https://notdatabricks.com/etl",
        "https://not-databricks.com/etl",
        "https://databricks.community/etl",
        "https://databricks.com.acme.example/etl",
        "https://acme.example//databricks.com",
    ],
)
def test_a_producer_is_not_native_for_having_databricks_in_its_name(producer: str) -> None:
    event = {**with_job_type(integration="SPARK"), "producer": producer}
    assert told(only(found_in_event(event), "DD102")) == reserved("SPARK", producer)


@pytest.mark.parametrize("event_type", ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER", None])
def test_every_run_event_needs_the_job_type_by_itself(event_type: str | None) -> None:
    event = run_event(event_type, job={"namespace": "prod", "name": "load", "facets": {}})
    assert only(found_in_event(event), "DD101").severity is Severity.ERROR


@pytest.mark.parametrize("event", [job_event(), dataset_event()])
def test_events_without_a_run_need_no_job_type(event: Body) -> None:
    assert codes(event) == []


@pytest.mark.parametrize("jobtype", ["JOB", "TASK", "DAG", "MODEL", "COMMAND", "SOMETHING_ELSE", None])
def test_any_job_type_but_query_is_fine(jobtype: str | None) -> None:
    facet = {key: value for key, value in job_type(jobType=jobtype).items() if value is not None}
    assert codes(with_job_facets(jobType=facet)) == []


def test_a_run_that_fails_with_an_error_message_is_fine() -> None:
    assert codes(EXAMPLES["DD501"][1]) == []


def test_column_lineage_may_name_a_symlink_of_an_input() -> None:
    symlinks = {
        **base("SymlinksDatasetFacet", "1-0-1"),
        "identifiers": [{"namespace": "postgres://db:5432", "name": "shop.public.orders", "type": "TABLE"}],
    }
    event = loading("START")
    event["inputs"] = [dataset("raw/orders", "s3://lake", symlinks=symlinks)]
    assert codes(event) == []


def test_column_lineage_of_the_whole_dataset_is_looked_at_too() -> None:
    event = loading("START")
    facet = event["outputs"][0]["facets"]["columnLineage"]
    facet["dataset"] = [{"namespace": "postgres://db:5432", "name": "shop.public.items", "field": "id"}]
    assert only(found_in_event(event), "DD301").pointer == "/outputs/0/facets/columnLineage/dataset/0"


def test_a_stray_column_lineage_input_is_told_of_once_for_all_columns() -> None:
    event = loading("START", source="public.orders")
    fields = event["outputs"][0]["facets"]["columnLineage"]["fields"]
    fields["amount"] = fields["id"]
    assert codes(event) == ["DD301"]


def test_the_clients_own_run_tag_is_no_matter() -> None:
    tag = {"key": "openlineage_client_version", "value": "1.54.0", "source": "OPENLINEAGE_CLIENT"}
    assert codes(run_tags([tag])) == []


def test_tags_of_a_dataset_need_all_fields_and_no_certain_source() -> None:
    def tagged(tag: Body) -> Body:
        return run_event(inputs=[dataset(tags={**base("TagsDatasetFacet", "1-0-0"), "tags": [tag]})])

    assert codes(tagged({**TAG, "source": "CATALOG"})) == []
    assert only(found_in_event(tagged({"key": "pii", "value": "yes"})), "DD402").message == (
        "a tag of the dataset lacks source"
    )


@pytest.mark.parametrize(
    ("facet", "expected"),
    [
        (None, set()),
        ([], set()),
        ("tags", set()),
        ({}, set()),
        ({"tags": []}, set()),
        ({"tags": [None, 7]}, set()),
        ({"tags": None}, {"DD401"}),
        ({"tags": {}}, {"DD401"}),
        ({"tags": [{}, None]}, {"DD402"}),
    ],
)
def test_tags_of_any_form_are_judged_without_a_failure(facet: Any, expected: set[str]) -> None:
    assert {code for code in codes(with_job_facets(tags=facet)) if code.startswith("DD")} == expected


@pytest.mark.parametrize("value", [None, 7, []])
@pytest.mark.parametrize("field", TAG)
def test_a_field_of_a_tag_that_is_no_string_is_for_the_schema_to_tell(field: str, value: Any) -> None:
    assert codes(job_tags([{**TAG, field: value}])) == ["OL103"]


def test_inputs_alone_need_neither_statistics_nor_column_lineage() -> None:
    assert codes(run_event("COMPLETE", inputs=[dataset(schema=schema())])) == []


def test_outputs_alone_need_no_column_lineage() -> None:
    event = loading("COMPLETE", "columnLineage")
    event["inputs"] = []
    assert codes(event) == []


@pytest.mark.parametrize("event_type", ["START", "RUNNING", "FAIL", "ABORT", "OTHER"])
def test_only_complete_is_asked_for_schema_statistics_and_column_lineage(event_type: str) -> None:
    found = codes(loading(event_type, "schema", "outputStatistics", "columnLineage"))
    assert not {"DD502", "DD503", "DD504"} & set(found)


@pytest.mark.parametrize("event_type", ["START", "RUNNING", "FAIL", "ABORT", "OTHER", None])
def test_sql_is_processed_on_complete_only(event_type: str | None) -> None:
    event = {**run_event(event_type), "job": with_job_facets(sql=sql())["job"]}
    expected = f"sql on {event_type or 'an event without eventType'} is not processed"
    assert only(found_in_event(event), "DD505").message == expected
