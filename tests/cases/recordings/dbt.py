"""dbt: ``dbt-ol run`` on PostgreSQL and on DuckDB, and dbt Cloud as Airflow's provider sends it."""

from __future__ import annotations

from typing import Any

from tests.cases.judged import Body
from tests.cases.recordings.airflow import AIRFLOW
from tests.cases.recordings.parts import Producer, run_id

DBT = Producer("https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt")
NAMESPACE = "prod"
_SCHEMAS = "https://github.com/OpenLineage/OpenLineage/tree/main/integration/common/openlineage/schema"


def own(producer: Producer, file: str, **content: Any) -> Body:
    """A facet of the integration's own, by the file of its schema."""
    return {"_producer": producer.address, "_schemaURL": f"{_SCHEMAS}/{file}.json", **content}


def job_of(producer: Producer, name: str, kind: str, **facets: Body) -> Body:
    """A job of dbt's, of the type ``kind``."""
    content = {"processingType": "BATCH", "integration": "DBT", "jobType": kind}
    job_type = producer.facet("JobTypeJobFacet", "2-0-4", **content)
    return {"namespace": NAMESPACE, "name": name, "facets": {"jobType": job_type, **facets}}


def run_of(producer: Producer, number: int, **facets: Body) -> Body:
    """A run with what dbt tells of itself."""
    common = {
        "dbt_version": own(producer, "dbt-version-run-facet", version="1.11.0"),
        "dbt_run": own(producer, "dbt-run-run-facet", invocation_id="1e9b-0001", project_name="shop"),
        "processing_engine": producer.facet(
            "ProcessingEngineRunFacet", "1-1-1", version="1.11.0", name="dbt", openlineageAdapterVersion="1.54.0"
        ),
    }
    return {"runId": run_id(number), "facets": {**common, **facets}}


def _model(producer: Producer, database: tuple[str, str], number: int, name: str, source: str) -> list[Body]:
    """A model, made of one table: its columns are told without how they were made."""
    namespace, schema = database
    columns = producer.schema(id="integer", amount="numeric")
    fields: Body = {
        column: {
            "inputFields": [
                {"namespace": namespace, "name": f"{schema}.{source}", "field": column, "transformations": []}
            ]
        }
        for column in ("id", "amount")
    }
    of_source = producer.facet("DatasourceDatasetFacet", "1-0-1", name=namespace, uri=namespace)
    both = {"dataSource": of_source, "schema": columns}
    lineage = producer.facet("ColumnLineageDatasetFacet", "1-2-0", fields=fields)
    inputs = [{"namespace": namespace, "name": f"{schema}.{source}", "facets": both}]
    outputs = [{"namespace": namespace, "name": f"{schema}.{name}", "facets": {**both, "columnLineage": lineage}}]
    node = {"original_file_path": f"models/{name}.sql", "unique_id": f"model.shop.{name}"}
    job = job_of(
        producer,
        f"{schema}.shop.{name}",
        "MODEL",
        sql=producer.facet("SQLJobFacet", "1-1-0", query="select id, amount from orders"),
        dbt_node=own(producer, "dbt-node-job-facet", **node),
    )
    parent = producer.parent(run_id(200), NAMESPACE, "dbt-run-shop")
    run = run_of(producer, number, parent=parent)
    flow = {"inputs": inputs, "outputs": outputs}
    return [producer.event("START", 1, run, job, **flow), producer.event("COMPLETE", 2, run, job, **flow)]


def _command(producer: Producer, database: tuple[str, str]) -> list[Body]:
    """A command with two models: all is told once it has ended."""
    job, run = job_of(producer, "dbt-run-shop", "JOB"), run_of(producer, 200)
    return [
        producer.event("START", 0, run, job),
        *_model(producer, database, 201, "staged_orders", "raw_orders"),
        *_model(producer, database, 202, "daily", "staged_orders"),
        producer.event("COMPLETE", 3, run, job),
    ]


def _failing(with_message: bool) -> list[Body]:
    """A model that fails; only with structured logs it is told why."""
    start, end = _model(DBT, POSTGRES, 201, "staged_orders", "raw_orders")
    error = DBT.facet("ErrorMessageRunFacet", "1-0-1", message="relation does not exist", programmingLanguage="SQL")
    job, run = job_of(DBT, "dbt-run-shop", "JOB"), run_of(DBT, 200)
    failed = []
    for event in (end, DBT.event("COMPLETE", 3, run, job)):
        facets = {**event["run"]["facets"], **({"errorMessage": error} if with_message else {})}
        failed.append({**event, "eventType": "FAIL", "run": {**event["run"], "facets": facets}})
    return [DBT.event("START", 0, run, job), start, *failed]


def _tested() -> list[Body]:
    """``dbt-ol test``: a job of its own with what was asserted of each table."""
    namespace, schema = POSTGRES
    asserted = [
        {"assertion": "not_null", "success": True, "column": "id"},
        {"assertion": "unique", "success": True, "column": "id"},
    ]
    read = {
        "namespace": namespace,
        "name": f"{schema}.staged_orders",
        "facets": {"schema": DBT.schema(id="integer")},
        "inputFacets": {
            "dataQualityAssertions": DBT.facet("DataQualityAssertionsDatasetFacet", "1-0-1", assertions=asserted)
        },
    }
    job, run = job_of(DBT, f"{schema}.shop.staged_orders.test", "TEST"), run_of(DBT, 203)
    return [DBT.event(kind, minute, run, job, inputs=[read]) for minute, kind in enumerate(("START", "COMPLETE"))]


POSTGRES = ("postgres://db.acme.example:5432", "shop.public")
RECORDINGS: dict[str, list[Body]] = {
    "dbt-ol run, PostgreSQL": _command(DBT, POSTGRES),
    "dbt-ol run, a model that fails": _failing(with_message=False),
    "dbt-ol run --consume-structured-logs, a model that fails": _failing(with_message=True),
    "dbt-ol test": _tested(),
    "dbt-ol run, DuckDB": _command(DBT, ("duckdb:///srv/shop.duckdb", "shop.main")),
    "dbt Cloud, sent by Airflow": _command(AIRFLOW, POSTGRES),
}
