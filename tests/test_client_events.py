"""Runs, facets and dataset names as the real client makes them: what is right by its classes is right by our rules."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attr
import pytest
from openlineage.client import facet_v2
from openlineage.client.event_v2 import InputDataset, OutputDataset, RunState
from openlineage.client.facet_v2 import (
    BaseFacet,
    DatasetFacet,
    InputDatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    base_subset_dataset,
    catalog_dataset,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_dataset,
    data_quality_metrics_input_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    documentation_job,
    environment_variables_run,
    error_message_run,
    execution_parameters_run,
    external_query_run,
    extraction_error_run,
    hierarchy_dataset,
    input_statistics_input_dataset,
    job_dependencies_run,
    lifecycle_state_change_dataset,
    lineage,
    nominal_time_run,
    output_statistics_output_dataset,
    ownership_dataset,
    ownership_job,
    parent_run,
    processing_engine_run,
    schema_dataset,
    source_code_job,
    source_code_location_job,
    sql_job,
    storage_dataset,
    symlinks_dataset,
    tags_dataset,
    tags_job,
    tags_run,
    test_run,
)
from openlineage.client.naming import dataset as naming

from mock_intake import IntakeServer, Status
from tests.clients import ASYNC_ROUTE, client_event, cut_off, datadog_client, job_type
from tests.programs import arrived, body_of, severities

ORDERS = naming.Postgres("db.acme.com", "5432", "shop", "public", "orders")
REVENUE = naming.Snowflake("acme", "main", "REPORTS", "PUBLIC", "REVENUE")
NOW = datetime.now(UTC).isoformat()
SOME_RUN = "0191f3a2-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cut_off(monkeypatch, tmp_path)


def columns(**types: str) -> schema_dataset.SchemaDatasetFacet:
    fields = [schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in types.items()]
    return schema_dataset.SchemaDatasetFacet(fields=fields)


def column_lineage() -> column_lineage_dataset.ColumnLineageDatasetFacet:
    summed = column_lineage_dataset.Transformation(type="DIRECT", subtype="AGGREGATION", masking=False)
    source = column_lineage_dataset.InputField(ORDERS.get_namespace(), ORDERS.get_name(), "amount", [summed])
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={"revenue": column_lineage_dataset.Fields(inputFields=[source])}, dataset=[source]
    )


RUN_FACETS: dict[str, RunFacet] = {
    "environmentVariables": environment_variables_run.EnvironmentVariablesRunFacet(
        [environment_variables_run.EnvironmentVariable("STAGE", "prod")]
    ),
    "errorMessage": error_message_run.ErrorMessageRunFacet("no such table", "PYTHON", "Traceback ..."),
    "executionParameters": execution_parameters_run.ExecutionParametersRunFacet(
        [execution_parameters_run.ExecutionParameter("day", value="2026-11-01")]
    ),
    "externalQuery": external_query_run.ExternalQueryRunFacet("01b2-0001", "snowflake"),
    "extractionError": extraction_error_run.ExtractionErrorRunFacet(
        2, 1, [extraction_error_run.Error("cannot parse", task="SELECT", taskNumber=1)]
    ),
    "jobDependencies": job_dependencies_run.JobDependenciesRunFacet(
        upstream=[
            job_dependencies_run.JobDependency(
                job_dependencies_run.JobIdentifier("prod", "extract"), job_dependencies_run.RunIdentifier(SOME_RUN)
            )
        ]
    ),
    "nominalTime": nominal_time_run.NominalTimeRunFacet(NOW, NOW),
    "parent": parent_run.ParentRunFacet(
        parent_run.Run(SOME_RUN),
        parent_run.Job("prod", "nightly"),
        parent_run.Root(parent_run.RootRun(SOME_RUN), parent_run.RootJob("prod", "nightly")),
    ),
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet("3.1", "acme-etl", "1.0"),
    "tags": tags_run.TagsRunFacet([tags_run.TagsRunFacetFields("openlineage_client", "python", "OPENLINEAGE_CLIENT")]),
    "test": test_run.TestRunFacet([test_run.TestExecution("unique ids", "pass", params={"column": "id"})]),
}
JOB_FACETS: dict[str, JobFacet] = {
    "documentation": documentation_job.DocumentationJobFacet("Sums up the day.", "text/markdown"),
    "jobType": job_type(),
    "lineage": lineage.LineageJobFacet(
        [
            lineage.LineageDatasetEntry(
                REVENUE.get_namespace(),
                REVENUE.get_name(),
                "DATASET",
                [lineage.LineageDatasetInput(ORDERS.get_namespace(), ORDERS.get_name(), "DATASET")],
            )
        ]
    ),
    "ownership": ownership_job.OwnershipJobFacet([ownership_job.Owner("team:data", "MAINTAINER")]),
    "sourceCode": source_code_job.SourceCodeJobFacet("python", "print(1)"),
    "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
        "git", "https://github.com/acme/etl/blob/main/etl.py", branch="main"
    ),
    "sql": sql_job.SQLJobFacet("SELECT 1", "postgres"),
    "tags": tags_job.TagsJobFacet([tags_job.TagsJobFacetFields("team", "data", "USER")]),
}
DATASET_FACETS: dict[str, DatasetFacet] = {
    "catalog": catalog_dataset.CatalogDatasetFacet("iceberg", "glue", "main", catalogProperties={"a": "b"}),
    "columnLineage": column_lineage(),
    "dataQualityMetrics": data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
        {"id": data_quality_metrics_dataset.ColumnMetrics(nullCount=0, quantiles={"0.5": 3.0})}, rowCount=3
    ),
    "dataSource": datasource_dataset.DatasourceDatasetFacet("main", "snowflake://acme-main"),
    "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet("TABLE"),
    "documentation": documentation_dataset.DocumentationDatasetFacet("Revenue by day."),
    "hierarchy": hierarchy_dataset.HierarchyDatasetFacet(
        [hierarchy_dataset.HierarchyDatasetFacetLevel("DATABASE", "REPORTS")]
    ),
    "lifecycleStateChange": lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
        lifecycle_state_change_dataset.LifecycleStateChange.OVERWRITE
    ),
    "lineage": lineage.LineageDatasetFacet(
        [lineage.LineageDatasetInput(ORDERS.get_namespace(), ORDERS.get_name(), "DATASET", "amount")]
    ),
    "ownership": ownership_dataset.OwnershipDatasetFacet([ownership_dataset.Owner("team:data", "OWNER")]),
    "schema": columns(day="DATE", revenue="NUMBER"),
    "storage": storage_dataset.StorageDatasetFacet("iceberg", "parquet"),
    "symlinks": symlinks_dataset.SymlinksDatasetFacet(
        [symlinks_dataset.Identifier("s3://acme-lake", "reports/revenue", "LOCATION")]
    ),
    "tags": tags_dataset.TagsDatasetFacet([tags_dataset.TagsDatasetFacetFields("pii", "false", "USER", "revenue")]),
    "version": dataset_version_dataset.DatasetVersionDatasetFacet("7"),
}
INPUT_FACETS: dict[str, InputDatasetFacet] = {
    "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        [data_quality_assertions_dataset.Assertion("not_null", True, "id", "error")]
    ),
    "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        {"id": data_quality_metrics_input_dataset.ColumnMetrics(distinctCount=3, min=1.0, max=3.0)}
    ),
    "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(9, 400, 1),
    "subset": base_subset_dataset.InputSubsetInputDatasetFacet(
        base_subset_dataset.PartitionSubsetCondition([base_subset_dataset.Partition({"day": "2026-11-01"})])
    ),
}
OUTPUT_FACETS: dict[str, OutputDatasetFacet] = {
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(3, 120, 1),
    "subset": base_subset_dataset.OutputSubsetOutputDatasetFacet(
        base_subset_dataset.CompareSubsetCondition(
            base_subset_dataset.FieldBaseCompareExpression("day"),
            base_subset_dataset.LiteralCompareExpression("2026-11-01"),
            "EQUAL",
        )
    ),
}
ALL_FACETS = (RUN_FACETS, JOB_FACETS, DATASET_FACETS, INPUT_FACETS, OUTPUT_FACETS)


def test_every_facet_class_of_the_client_is_fine(server: IntakeServer, api_key: str) -> None:
    read = InputDataset(
        ORDERS.get_namespace(), ORDERS.get_name(), facets={"schema": columns(id="int")}, inputFacets=INPUT_FACETS
    )
    written = OutputDataset(
        REVENUE.get_namespace(), REVENUE.get_name(), facets=DATASET_FACETS, outputFacets=OUTPUT_FACETS
    )
    with datadog_client(server.url, api_key) as client:
        client.emit(
            client_event(
                RunState.COMPLETE, run_facets=RUN_FACETS, job_facets=JOB_FACETS, inputs=[read], outputs=[written]
            )
        )
    (exchange,) = arrived(server, api_key)
    body = body_of(exchange)
    (sent_input,), (sent_output,) = body["inputs"], body["outputs"]
    sent = (body["run"], body["job"], sent_output)
    assert [set(entity["facets"]) for entity in sent] == [set(facets) for facets in ALL_FACETS[:3]]
    assert (set(sent_input["inputFacets"]), set(sent_output["outputFacets"])) == (set(INPUT_FACETS), set(OUTPUT_FACETS))
    # The event has all facets that there are, and is COMPLETE.
    assert [(finding.code, finding.pointer) for finding in exchange.findings] == [("OL406", "/run/facets/errorMessage")]


def test_no_facet_class_of_the_client_is_left_out() -> None:
    modules = [module for module in vars(facet_v2).values() if hasattr(module, "__file__")]
    known = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseFacet) and kind.__module__.endswith(module.__name__)
    }
    bases = {BaseFacet, RunFacet, JobFacet, DatasetFacet, InputDatasetFacet, OutputDatasetFacet}
    tried = {type(facet) for facets in ALL_FACETS for facet in facets.values()}
    assert len(known) > 30
    assert known - bases == tried


@pytest.mark.parametrize("options", [{}, {"async_transport_rules": ASYNC_ROUTE}], ids=["sync", "async"])
def test_full_run_is_fine(options: dict[str, Any], server: IntakeServer, api_key: str) -> None:
    run_id = str(uuid.uuid4())
    run_facets = {key: RUN_FACETS[key] for key in ("nominalTime", "processing_engine", "parent")}
    read = InputDataset(ORDERS.get_namespace(), ORDERS.get_name(), facets={"schema": columns(amount="int")})
    written = OutputDataset(
        REVENUE.get_namespace(),
        REVENUE.get_name(),
        facets={"schema": columns(revenue="NUMBER"), "columnLineage": column_lineage()},
        outputFacets={"outputStatistics": OUTPUT_FACETS["outputStatistics"]},
    )
    with datadog_client(server.url, api_key, **options) as client:
        for state in (RunState.START, RunState.RUNNING, RunState.COMPLETE):
            # Datadog processes sql on COMPLETE only.
            sql = {"sql": JOB_FACETS["sql"]} if state is RunState.COMPLETE else {}
            client.emit(
                client_event(
                    state, run_id=run_id, run_facets=run_facets, job_facets=sql, inputs=[read], outputs=[written]
                )
            )
    exchanges = arrived(server, api_key)
    states = [exchange.event.event_type for exchange in exchanges if exchange.event]
    told = {"RC401"}  # the parent run sends no events here
    if options:
        # This route holds the other two back until START was taken, and then keeps no order between them.
        assert states[0] == "START"
        assert set(states[1:]) == {"RUNNING", "COMPLETE"}
        if states[-1] == "RUNNING":
            told.add("RC107")
    else:
        assert states == ["START", "RUNNING", "COMPLETE"]
    for exchange in exchanges:
        assert exchange.event is not None
        assert exchange.event.status is Status.OK
        assert exchange.findings == ()
    (run,) = server.views.runs()
    assert {finding.code for finding in server.views.run_findings(run, closed=True)} == told
    assert server.views.dataset_findings() == ()


def test_failed_run_is_to_say_why(server: IntakeServer, api_key: str) -> None:
    talking, silent = str(uuid.uuid4()), str(uuid.uuid4())
    with datadog_client(server.url, api_key) as client:
        for run_id, facets in ((talking, {"errorMessage": RUN_FACETS["errorMessage"]}), (silent, {})):
            client.emit(client_event(RunState.START, run_id=run_id))
            client.emit(client_event(RunState.FAIL, run_id=run_id, run_facets=facets))
    assert [severities(exchange) for exchange in arrived(server, api_key)] == [{}, {}, {}, {}]
    codes = {
        run.run_id: [finding.code for finding in server.views.run_findings(run, closed=True)]
        for run in server.views.runs()
    }
    assert codes == {talking: [], silent: ["DD501"]}


PARTS = {
    "port": "5432",
    "namenode_port": "8020",
    "region": "us-east-1",
    "region_name": "us-east-1",
    "account_id": "123456789012",
    "path": "/warehouse/orders",
    "object_key": "warehouse/orders",
    "resource_type": naming.PubSubResourceType.TOPIC,
}
NAMINGS = [kind for kind in vars(naming).values() if isinstance(kind, type) and attr.has(kind)]


@pytest.mark.parametrize("kind", NAMINGS, ids=lambda kind: kind.__name__)
def test_name_that_the_client_makes_is_recognised(kind: type[Any], server: IntakeServer, api_key: str) -> None:
    name = kind(*(PARTS.get(part.name, part.name.replace("_", "-")) for part in attr.fields(kind)))
    with datadog_client(server.url, api_key) as client:
        client.emit(client_event(inputs=[InputDataset(name.get_namespace(), name.get_name())]))
    (exchange,) = arrived(server, api_key)
    # Datadog's live page has other forms of these two than the standard, which the client follows.
    disputed = kind in (naming.AWSGlue, naming.Redshift)
    assert severities(exchange) == ({"DD203": "warning"} if disputed else {})
