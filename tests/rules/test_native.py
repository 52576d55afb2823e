"""Native producers: who is one, what is not theirs to change, and what is told of reserved words of others."""

from __future__ import annotations

from typing import Any

import pytest

from mock_intake.datadog.native import EXEMPTIONS, INTEGRATIONS, RUN_EXEMPTIONS, Exemption, RunExemption, integration_of
from mock_intake.model.findings import Finding, Severity
from mock_intake.rules.examples import Changes, changed, good_event
from tests.cases.judged import found_in, of
from tests.events import base
from tests.rules.examples_datadog import with_job_type
from tests.rules.examples_judged import Body, found_in_event, only

NATIVE = [
    ("SPARK", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark"),
    ("SPARK", "https://github.com/openlineage/openlineage/blob/main/integration/spark/app"),
    ("SPARK", "https://acme.cloud.databricks.com/jobs/4711"),
    ("SPARK", "https://databricks.com"),
    ("AIRFLOW", "https://github.com/apache/airflow/tree/providers-openlineage/2.7.1"),
    ("AIRFLOW", "https://github.com/apache/airflow"),
    ("AIRFLOW", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/airflow"),
    ("DBT", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"),
    ("DBT", "https://github.com/dbt-labs/dbt-core/tree/v1.11"),
    ("TRINO", "https://github.com/trinodb/trino/plugin/trino-openlineage"),
    ("ICEBERG", "https://github.com/apache/iceberg/tree/apache-iceberg-1.10.0"),
    ("BIGQUERY", "https://app.datadoghq.com/data-jobs"),
    ("SNOWFLAKE", "https://app.datadoghq.eu/data-jobs"),
    ("TABLEAU", "https://github.com/DataDog/integrations-core"),
]
# Words of an integration stand in these addresses, and none of them is its own.
NOT_NATIVE = [
    ("AIRFLOW", "https://github.com/acme/etl-for-apache/airflow-dags"),
    ("AIRFLOW", "https://github.com/apache/airflow-of-acme"),
    ("AIRFLOW", "https://github.com/acme/apache/airflow"),
    ("AIRFLOW", "https://acme.example/?from=https://github.com/apache/airflow"),
    ("AIRFLOW", "airflow"),
    ("SPARK", "https://github.com/acme/integration/spark"),
    ("SPARK", "https://github.com/acme/databricks-jobs"),
    ("SPARK", "https://notdatabricks.com/etl"),
    ("SPARK", "https://not-databricks.com/etl"),
    ("SPARK", "https://databricks.community/etl"),
    ("SPARK", "https://databricks.com.acme.example/etl"),
    ("SPARK", "https://acme.example//databricks.com"),
    ("DBT", "https://github.com/acme/openlineage-dbt"),
    ("DBT", "https://github.com/dbt-labs"),
    ("TRINO", "https://github.com/acme/trinodb/trino"),
    ("BIGQUERY", "https://datadoghq.com.acme.example/"),
]


def by(producer: str, integration: str, **facets: Any) -> Body:
    return changed(with_job_type(integration=integration), {"/producer": producer, **facets})


def test_every_reserved_integration_has_a_native_producer() -> None:
    assert {integration for integration, _ in NATIVE} == {integration.word for integration in INTEGRATIONS}


@pytest.mark.parametrize(("integration", "producer"), NATIVE)
def test_a_native_producer_may_use_its_integration(integration: str, producer: str) -> None:
    assert [finding for finding in found_in_event(by(producer, integration)) if finding.code == "DD102"] == []
    assert integration_of(producer) is not None


@pytest.mark.parametrize(("integration", "producer"), NOT_NATIVE)
def test_a_producer_is_not_native_for_a_word_in_its_address(integration: str, producer: str) -> None:
    finding = only([found for found in found_in_event(by(producer, integration)) if found.code == "DD102"], "DD102")
    assert finding.severity is Severity.ERROR
    assert integration_of(producer) is None


@pytest.mark.parametrize(
    ("integration", "producer", "whose"),
    [
        ("SPARK", "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3", "AIRFLOW"),
        ("SNOWFLAKE", "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3", "AIRFLOW"),
        ("DBT", "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark", "SPARK"),
    ],
)
def test_the_word_of_another_integration_is_a_warning(integration: str, producer: str, whose: str) -> None:
    finding = only(found_in_event(by(producer, integration)), "DD102")
    assert finding.severity is Severity.WARNING
    assert finding.message == (
        f"the integration {integration} is reserved for Datadog's native one, and the producer is that of {whose}"
    )
    assert finding.advice == (
        f"Known: both words are reserved, and the address is {whose}'s. Assumed: Datadog goes by one of the two. Look "
        "in the product whether the job is there and under which integration."
    )


DBT_FACETS = ["dbt_version", "dbt_run", "dbt_node"]


@pytest.mark.parametrize("key", DBT_FACETS)
@pytest.mark.parametrize("entity", ["run", "job"])
def test_events_of_dbt_that_an_orchestrator_sends_are_no_fault_of_its_user(entity: str, key: str) -> None:
    airflow = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
    facet = {**base("DbtVersionRunFacet", "1-0-0"), "_schemaURL": "https://acme.example/Dbt.json", "version": "1.11.1"}
    event = by(airflow, "DBT", **{f"/{entity}/facets/{key}": facet})
    assert only([found for found in found_in_event(event) if found.code == "DD102"], "DD102").severity is Severity.INFO
    # Under an address of the caller's own it is theirs to change.
    event = by("https://github.com/acme/runner", "DBT", **{f"/{entity}/facets/{key}": facet})
    finding = only([found for found in found_in_event(event) if found.code == "DD102"], "DD102")
    assert finding.severity is Severity.WARNING
    assert "takes it from its caller" in finding.advice


def test_facets_of_dbt_excuse_no_other_word() -> None:
    facet = {**base("DbtVersionRunFacet", "1-0-0"), "_schemaURL": "https://acme.example/Dbt.json", "version": "1.11.1"}
    event = by("https://github.com/acme/runner", "SPARK", **{"/run/facets/dbt_version": facet})
    assert only([found for found in found_in_event(event) if found.code == "DD102"], "DD102").severity is Severity.ERROR


def found_by(exemption: Exemption, changes: Changes) -> list[Finding]:
    return [finding for finding in found_in_event(changed(good_event(), changes)) if finding.code == exemption.code]


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda each: f"{each.word}-{each.code}")
def test_what_its_user_cannot_change_is_info(exemption: Exemption) -> None:
    finding = only(found_by(exemption, exemption.example), exemption.code)
    assert (finding.severity, finding.advice) == (Severity.INFO, exemption.advice)


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda each: f"{each.word}-{each.code}")
def test_the_nearest_that_is_not_exempt_still_counts(exemption: Exemption) -> None:
    finding = only(found_by(exemption, exemption.neighbour), exemption.code)
    assert finding.severity is not Severity.INFO
    assert finding.advice != exemption.advice


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda each: f"{each.word}-{each.code}")
@pytest.mark.parametrize("producer", ["https://github.com/acme/etl", "https://github.com/acme/apache/airflow"])
def test_what_is_exempt_is_so_for_native_producers_alone(exemption: Exemption, producer: str) -> None:
    finding = only(found_by(exemption, {**exemption.example, "/producer": producer}), exemption.code)
    assert finding.severity is not Severity.INFO


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda each: f"{each.word}-{each.code}")
def test_what_is_exempt_is_so_with_the_integrations_word_alone(exemption: Exemption) -> None:
    changes = {**exemption.example, "/job/facets/jobType/integration": "ACME"}
    assert only(found_by(exemption, changes), exemption.code).severity is not Severity.INFO


def test_what_the_standard_refuses_stays_told_as_that() -> None:
    """The table lowers how much it matters, not what the official schemas say."""
    (exemption,) = [each for each in EXEMPTIONS if each.code == "OL103"]
    assert only(found_by(exemption, exemption.example), "OL103").violates == "openlineage"


@pytest.mark.parametrize(
    ("code", "wrong"),
    [("DD101", {"/job/facets": {"sql": {}}}), ("DD201", {"/inputs": [{"namespace": "warehouse", "name": "orders"}]})],
)
def test_nothing_else_is_lowered(code: str, wrong: Changes) -> None:
    """A native producer that forgets its job type, or its platform, is told so as anybody else."""
    changes: Changes = {"/producer": NATIVE[0][1], "/job/facets/jobType/integration": "SPARK", **wrong}
    finding = only([found for found in found_in_event(changed(good_event(), changes)) if found.code == code], code)
    assert finding.severity is not Severity.INFO


DAG_RUN = {**base("DagRun", "1-0-0"), "dagRun": {"run_type": "scheduled", "triggered_by": "timetable"}}


def found_in_run(steps: tuple[Changes, ...], code: str, **changes: object) -> list[Finding]:
    return of(found_in(*[changed(good_event(), {**step, **changes}) for step in steps]), code)


@pytest.mark.parametrize("exemption", RUN_EXEMPTIONS, ids=lambda each: f"{each.word}-{each.code}")
def test_what_the_user_of_a_run_cannot_change_is_info(exemption: RunExemption) -> None:
    [finding] = found_in_run(exemption.example, exemption.code)
    assert (finding.severity, finding.advice) == (Severity.INFO, exemption.advice)
    [neighbour] = found_in_run(exemption.neighbour, exemption.code)
    assert neighbour.severity is Severity.WARNING
    for other in ({"/job/facets/jobType/_producer": "https://github.com/acme/apache/airflow"},
                  {"/job/facets/jobType/integration": "ACME"}):  # fmt: skip
        [finding] = found_in_run(exemption.example, exemption.code, **other)
        assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, Severity.INFO),
        ({"/run/facets/airflowDagRun/dagRun/triggered_by": "DagRunTriggeredByType.TEST"}, Severity.INFO),
        # As providers before 2.3 tell it: nothing of what triggered it.
        ({"/run/facets/airflowDagRun/dagRun": {"run_type": "manual"}}, Severity.INFO),
        ({"/run/facets/airflowDagRun": 7}, Severity.INFO),
        ({"/run/facets/airflowDagRun/dagRun": {"run_type": "scheduled"}}, Severity.WARNING),
        ({"/run/facets/airflowDagRun/dagRun/triggered_by": "timetable"}, Severity.WARNING),
        ({"/job/facets/jobType/jobType": "TASK"}, Severity.WARNING),
    ],
)
def test_a_dag_without_start_is_excused_under_dags_test_alone(changes: Changes, severity: Severity) -> None:
    (exemption,) = [each for each in RUN_EXEMPTIONS if "it is a DAG" in each.condition]
    [finding] = found_in_run(exemption.example, "RC101", **changes)
    assert finding.severity is severity


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, Severity.INFO),
        ({"/job/facets/jobType/jobType": "DAG", "/run/facets/airflowDagRun": DAG_RUN}, Severity.WARNING),
        ({"/run/facets/errorMessage/message": "boom"}, Severity.WARNING),
        ({"/run/facets/errorMessage/message": 7}, Severity.WARNING),
        ({"/run/facets/errorMessage": 7}, Severity.WARNING),
    ],
)
def test_a_task_without_start_is_excused_where_it_never_began_alone(changes: Changes, severity: Severity) -> None:
    (exemption,) = [each for each in RUN_EXEMPTIONS if "it is a task" in each.condition]
    [finding] = found_in_run(exemption.example, "RC101", **changes)
    assert finding.severity is severity
