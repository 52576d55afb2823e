"""What is told of events as Datadog documents them, word for word (DD)."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.datadog.rules import EVENTS as RULES
from mock_intake.datadog.rules.job_type import RESERVED_INTEGRATIONS
from mock_intake.model.findings import Severity
from mock_intake.rules import OnName, OnRun
from mock_intake.rules.examples import changed
from tests.events import PRODUCER, base, dataset, dataset_event, job_event, job_type, run_event
from tests.rules import pinned_datadog
from tests.rules.examples_datadog import (
    TAG,
    job_tags,
    run_tags,
    sql,
    with_job_facets,
    with_job_type,
)
from tests.rules.examples_judged import EVENTS, Body, FindingText, found_in_event, only, told

ADD_JOB_TYPE = (
    'Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with _producer '
    "and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...). Where a package makes the "
    "events, an EventTransformer of a few lines in the client's transform transport adds it."
)
FULL_TAG = '{"key": "team", "value": "data", "source": "USER"}'
RUN_TAGS = (
    "Put what is the same in every run, such as team or owner, into job.facets.tags. Nothing to do for values that "
    "change from run to run."
)


def codes(event: Body) -> list[str]:
    return [finding.code for finding in found_in_event(event)]


def no_job_type(pointer: str, actual: str, there: str = "no jobType facet") -> FindingText:
    return FindingText(
        pointer,
        f"the job has {there}, so Datadog would take the event and not process it",
        "job.facets.jobType with processingType, integration and jobType",
        actual,
        ADD_JOB_TYPE,
    )


def reserved(integration: str, producer: str) -> FindingText:
    return FindingText(
        "/job/facets/jobType/integration",
        f"the integration {integration} is reserved for Datadog's native one, and the producer is another",
        "none of SPARK, AIRFLOW, DBT, BIGQUERY, SNOWFLAKE, TRINO, ICEBERG, TABLEAU",
        f'"{integration}" from "{producer}"',
        "Use a word of your own, such as CUSTOM or the name of your tool.",
    )


def processing_type(value: str, remark: str = "", advice: str = "") -> FindingText:
    return FindingText(
        "/job/facets/jobType/processingType",
        f'processingType is "{value}"{remark}',
        "BATCH or STREAMING",
        f'"{value}"',
        advice or "Use BATCH for a job that ends, STREAMING for one that does not.",
    )


def no_array(entity: str, pointer: str, actual: str) -> FindingText:
    return FindingText(
        f"{pointer}/tags",
        f"the {entity}'s tags are no array",
        "an array of tags",
        actual,
        f'Write "tags": [{FULL_TAG}].',
    )


def incomplete(entity: str, pointer: str, lacks: str, actual: str, right: str) -> FindingText:
    return FindingText(
        f"{pointer}/tags/0",
        f"a tag of the {entity} lacks {lacks}",
        "key, value and source",
        actual,
        f"Write {right}.",
    )


NO_OBJECTS: tuple[Any, ...] = ("JOB", [], None)

PINNED: list[tuple[str, Body, FindingText]] = [
    *pinned_datadog.PINNED,
    ("DD101", EVENTS["DD101"][0], no_job_type("/job/facets", "facets: none")),
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
        EVENTS["DD103"][0],
        processing_type("SERVICE", " (the standard knows it, Datadog does not document it)"),
    ),
    ("DD103", with_job_type(processingType="batch"), processing_type("batch", advice="Write BATCH.")),
    (
        "DD104",
        EVENTS["DD104"][0],
        FindingText(
            "/job/facets/jobType/jobType",
            "a job of the type QUERY makes no lineage node",
            "JOB, TASK, DAG, MODEL or COMMAND",
            '"QUERY"',
            "Use JOB, TASK, DAG, MODEL or COMMAND if the job is to be a node.",
        ),
    ),
    (
        "DD105",
        EVENTS["DD105"][0],
        FindingText(
            "",
            "the event has no eventType",
            "START, RUNNING, COMPLETE, FAIL, ABORT or OTHER",
            None,
            "Send START, RUNNING, COMPLETE, FAIL, ABORT or OTHER.",
        ),
    ),
    (
        "DD106",
        EVENTS["DD106"][0],
        FindingText(
            "",
            'eventType "START" and schemaURL say that the event is one of a run, and it has no run',
            "run with runId",
            "fields: eventType, eventTime, producer, schemaURL, job, inputs, outputs",
            'Add "run": {"runId": "<a UUID>", "facets": {}}, the same runId on every event of the run (in Python '
            "str(uuid.uuid4()), made once). If it is meant to be no run's, leave eventType out.",
        ),
    ),
    ("DD401", EVENTS["DD401"][0], no_array("job", "/job/facets/tags", FULL_TAG)),
    ("DD401", run_tags("team:data"), no_array("run", "/run/facets/tags", '"team:data"')),
    (
        "DD402",
        EVENTS["DD402"][0],
        incomplete("job", "/job/facets/tags", "source", '{"key": "team", "value": "data"}', FULL_TAG),
    ),
    (
        "DD402",
        job_tags([{}]),
        incomplete(
            "job",
            "/job/facets/tags",
            "key and value and source",
            "{}",
            '{"key": "<key>", "value": "<value>", "source": "USER"}',
        ),
    ),
    (
        "DD402",
        run_tags([{"key": "team", "source": "USER"}]),
        incomplete(
            "run",
            "/run/facets/tags",
            "value",
            '{"key": "team", "source": "USER"}',
            '{"key": "team", "value": "<value>", "source": "USER"}',
        ),
    ),
    (
        "DD403",
        EVENTS["DD403"][0],
        FindingText(
            "/job/facets/tags/tags/0/source",
            'the tag team has the source "user", so job monitors cannot use it',
            '"USER"',
            '"user"',
            'Write "source": "USER" for tags that monitors are to use.',
        ),
    ),
    (
        "DD404",
        EVENTS["DD404"][0],
        FindingText(
            "/run/facets/tags",
            "the run's tags team cannot be searched one by one",
            "tags on the job, unless they change from run to run",
            "1 tag on the run",
            RUN_TAGS,
        ),
    ),
    (
        "DD404",
        run_tags([{**TAG, "key": f"tag{number}"} for number in range(4)]),
        FindingText(
            "/run/facets/tags",
            "the run's tags tag0, tag1, tag2 cannot be searched one by one",
            "tags on the job, unless they change from run to run",
            "4 tags on the run",
            RUN_TAGS,
        ),
    ),
    (
        "DD506",
        EVENTS["DD506"][0],
        FindingText(
            "/eventType",
            "no span is made for this run",
            "COMPLETE or FAIL",
            '"ABORT"',
            "Send FAIL if the aborted run is to be seen as failed.",
        ),
    ),
]


# The rest are warnings.
ERRORS = {"DD101", "DD102", "DD106"}
INFOS = {"DD206", "DD211", "DD404", "DD502", "DD503", "DD504", "DD505", "DD506"}


def test_every_rule_has_its_words_here() -> None:
    """But for those about names, and about runs: test_naming_findings.py, test_told_of_runs.py."""
    expected = [code for code, rule in RULES.items() if not isinstance(rule.when[0], OnName | OnRun)]
    assert sorted({code for code, _, _ in PINNED}) == expected, "how does the finding of a new rule read?"


def test_severities_are_as_decided() -> None:
    severities = {code: rule.words.severity for code, rule in RULES.items()}
    assert {code for code, severity in severities.items() if severity is Severity.ERROR} == ERRORS
    assert {code for code, severity in severities.items() if severity is Severity.INFO} == INFOS


@pytest.mark.parametrize(("code", "event", "expected"), PINNED)
def test_the_finding_reads(code: str, event: Body, expected: FindingText) -> None:
    assert told(only(found_in_event(event), code)) == expected


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


def test_the_clients_own_run_tag_is_no_matter() -> None:
    tag = {"key": "openlineage_client_version", "value": "1.54.0", "source": "OPENLINEAGE_CLIENT"}
    assert codes(run_tags([tag])) == []


def test_the_tag_that_names_the_service_needs_no_source_and_may_stand_on_either() -> None:
    """The draft's own example, and dd-trace-java, have it on the run, without a source."""
    tag = {"key": "_dd.ol_service", "value": "billing"}
    assert codes(run_tags([tag])) == codes(job_tags([tag])) == []
    assert codes(run_tags([{**tag, "key": "dd.ol_service"}])) == ["DD402", "DD404"]


def test_tags_of_a_run_are_for_monitors_too() -> None:
    found = found_in_event(run_tags([{**TAG, "source": "user"}]))
    assert only(found, "DD403").pointer == "/run/facets/tags/tags/0/source"


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


@pytest.mark.parametrize(
    ("tags", "right"),
    [
        ({"key": "team", "value": "data"}, f"[{FULL_TAG}]"),
        ({"team": "data"}, f"[{FULL_TAG}]"),
    ],
)
def test_tags_in_another_form_are_told_as_the_array_that_was_meant(tags: Body, right: str) -> None:
    assert only(found_in_event(changed(job_tags([]), {"/job/facets/tags/tags": tags})), "DD401").advice == (
        f'Write "tags": {right}.'
    )
