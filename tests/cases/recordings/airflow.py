"""Airflow: a DAG with its tasks and their queries, as a scheduler and as ``airflow dags test`` run it."""

from __future__ import annotations

from typing import Any

from tests.cases.judged import Body
from tests.cases.recordings.parts import Producer, from_column, run_id

AIRFLOW = Producer("https://github.com/apache/airflow/tree/providers-openlineage/2.20.3")
_NAMESPACE = "prod"
_DAG = "shop"


def _job(name: str, kind: str, **facets: Any) -> Body:
    content = {"processingType": "BATCH", "integration": "AIRFLOW", "jobType": kind}
    tags = [
        {"key": "nightly", "value": "nightly", "source": "AIRFLOW"},
        {"key": "team", "value": "data", "source": "AIRFLOW"},
    ]
    common = {
        "jobType": AIRFLOW.facet("JobTypeJobFacet", "2-0-3", **content),
        "documentation": AIRFLOW.facet("DocumentationJobFacet", "1-1-0", description="Orders of the shop."),
        "ownership": AIRFLOW.facet("OwnershipJobFacet", "1-0-1", owners=[{"name": "airflow"}]),
        "tags": AIRFLOW.facet("TagsJobFacet", "1-0-0", tags=tags),
    }
    return {"namespace": _NAMESPACE, "name": name, "facets": {**common, **facets}}


def _run(number: int, parent: Body | None = None, by: str = "timetable", **facets: Any) -> Body:
    nominal = {"nominalStartTime": "2026-11-20T00:00:00Z", "nominalEndTime": "2026-11-21T00:00:00Z"}
    kind = "manual" if by == "test" else "scheduled"
    dag_run = {"dag_id": _DAG, "run_id": f"{kind}__2026-11-20", "run_type": kind, "triggered_by": by}
    client = [{"key": "openlineage_client_version", "value": "1.54.0", "source": "OPENLINEAGE_CLIENT"}]
    common: Body = {
        "nominalTime": AIRFLOW.facet("NominalTimeRunFacet", "1-0-1", **nominal),
        "processing_engine": AIRFLOW.facet(
            "ProcessingEngineRunFacet", "1-1-1", version="3.3.2", name="Airflow", openlineageAdapterVersion="2.20.3"
        ),
        "airflowDagRun": AIRFLOW.own("RunFacet", dag={"dag_id": _DAG, "owner": "airflow"}, dagRun=dag_run),
        "tags": AIRFLOW.facet("TagsRunFacet", "1-0-0", tags=client),
    }
    if parent is not None:
        # Airflow tells it under both keys, for consumers of old.
        common |= {"parent": parent, "parentRun": parent}
    return {"runId": run_id(number), "facets": {**common, **facets}}


def _dag(event_type: str, minute: float, by: str) -> Body:
    states = {} if event_type == "START" else {"airflowState": AIRFLOW.own("RunFacet", dagRunState="success")}
    return AIRFLOW.event(event_type, minute, _run(100, by=by, **states), _job(_DAG, "DAG"))


def _task(name: str, number: int, minute: float, by: str, flow: Body, job: Body | None = None) -> list[Body]:
    """A task: what it read and wrote is told with its end."""
    parent = AIRFLOW.parent(run_id(100), _NAMESPACE, _DAG)
    details = AIRFLOW.own("RunFacet", task={"task_id": name, "operator_class": "Operator"}, taskInstance={"pool": "a"})
    run = _run(number, parent, by, airflow=details)
    of_job = _job(f"{_DAG}.{name}", "TASK", **(job or {}))
    return [
        AIRFLOW.event("START", minute, run, of_job),
        AIRFLOW.event("COMPLETE", minute + 1, run, of_job, **flow),
    ]


def _queries(task: str, number: int, minute: float, by: str, flow: Body, query: str) -> list[Body]:
    """The statement of a task, as a job of its own below it."""
    root = (run_id(100), _DAG)
    parent = AIRFLOW.parent(run_id(number), _NAMESPACE, f"{_DAG}.{task}", root)
    external = AIRFLOW.facet("ExternalQueryRunFacet", "1-0-0", externalQueryId="01b2-0001", source="warehouse")
    of_job = _job(f"{_DAG}.{task}.query.1", "QUERY", sql=AIRFLOW.facet("SQLJobFacet", "1-1-0", query=query))
    run = _run(number + 50, parent, by, externalQuery=external)
    return [AIRFLOW.event(kind, minute + 0.5, run, of_job, **flow) for kind in ("START", "COMPLETE")]


def _dataset(namespace: str, name: str, role: str = "", **facets: Any) -> Body:
    made: Body = {"namespace": namespace, "name": name, "facets": facets}
    return {**made, role: {}} if role else made


def _of_cloud(by: str = "timetable") -> list[Body]:
    """Files to BigQuery, a table to a table, a table to a file; a shell command; a function that moves files."""
    columns = AIRFLOW.schema(id="INT64", amount="NUMERIC")
    table, copy = ("bigquery", "acme-prod.shop.orders"), ("bigquery", "acme-prod.shop.orders_copy")
    lineage = AIRFLOW.facet(
        "ColumnLineageDatasetFacet",
        "1-2-0",
        fields={name: {"inputFields": [from_column(*table, name)]} for name in ("id", "amount")},
    )
    load = {
        "inputs": [_dataset("gs://acme-landing", f"orders/{day}.csv", schema=columns) for day in ("monday", "tuesday")],
        "outputs": [_dataset(*table, schema=columns)],
    }
    copying = {
        "inputs": [_dataset(*table, schema=columns)],
        "outputs": [_dataset(*copy, schema=columns, columnLineage=lineage)],
    }
    export = {
        "inputs": [_dataset(*copy, schema=columns)],
        "outputs": [_dataset("gs://acme-landing", "export/orders.csv", schema=columns)],
    }
    code = AIRFLOW.facet("SourceCodeJobFacet", "1-0-1", language="bash", sourceCode="echo done")
    moved = {
        "inputs": [_dataset("file", "/srv/airflow/files/data.txt"), _dataset("gs://acme-landing", "orders/monday.csv")],
        "outputs": [_dataset("gs://acme-landing", "uploads/data.txt")],
    }
    return [
        *([_dag("START", 0, by)] if by != "test" else []),
        *_task("load", 101, 1, by, load),
        *_task("copy", 102, 3, by, copying),
        *_task("export", 103, 5, by, export),
        *_task("tell", 104, 7, by, {}, {"sourceCode": code}),
        *_task("move", 105, 9, by, moved),
        _dag("COMPLETE", 11, by),
    ]


def _of_sql(by: str = "timetable") -> list[Body]:
    """A task with a statement, between a PostgreSQL's tables, as an operator for SQL tells it."""
    server = "postgres://db.acme.example:5432"
    columns = AIRFLOW.schema(id="int4", amount="numeric")
    source = (server, "shop.public.orders")
    lineage = AIRFLOW.facet(
        "ColumnLineageDatasetFacet",
        "1-2-0",
        fields={"id": {"inputFields": [from_column(*source, "id")]}},
    )
    flow = {
        "inputs": [_dataset(*source, schema=columns)],
        "outputs": [_dataset(server, "shop.public.daily", schema=columns, columnLineage=lineage)],
    }
    query = "INSERT INTO daily SELECT id, amount FROM orders"
    sql = {"sql": AIRFLOW.facet("SQLJobFacet", "1-1-0", query=query)}
    start, end = _task("daily", 101, 1, by, flow, sql)
    return [
        *([_dag("START", 0, by)] if by != "test" else []),
        start,
        *_queries("daily", 101, 1, by, flow, query),
        end,
        _dag("COMPLETE", 3, by),
    ]


def _failing() -> list[Body]:
    """A task that fails, and is tried again: a run of its own."""
    error = AIRFLOW.facet("ErrorMessageRunFacet", "1-0-1", message="boom", programmingLanguage="python", stackTrace="")
    start, end = _task("load", 101, 1, "timetable", {})
    run = {**end["run"], "facets": {**end["run"]["facets"], "errorMessage": error}}
    again = _task("load", 102, 3, "timetable", {})
    return [
        _dag("START", 0, "timetable"), start, {**end, "eventType": "FAIL", "run": run}, *again,
        _dag("COMPLETE", 5, "timetable"),
    ]  # fmt: skip


def _of_expressions() -> list[Body]:
    """A statement whose columns are expressions without names: the SQL parser counts them. Told from START on."""
    server = "postgres://db.acme.example:5432"
    source = (server, "shop.public.orders")
    drawn = {
        f"_{number}": {
            "inputFields": [{"namespace": server, "name": source[1], "field": field, "transformations": []}],
            "transformationDescription": "",
            "transformationType": "",
        }
        for number, field in enumerate(("ordered_at", "amount"))
    }
    lineage = AIRFLOW.facet("ColumnLineageDatasetFacet", "1-2-0", fields=drawn, dataset=[])
    flow = {
        "inputs": [_dataset(*source, schema=AIRFLOW.schema(id="int4", amount="numeric", ordered_at="timestamp"))],
        "outputs": [
            _dataset(
                server,
                "shop.public.revenue",
                schema=AIRFLOW.schema(day="date", amount="numeric"),
                columnLineage=lineage,
            )
        ],
    }
    query = "INSERT INTO revenue SELECT date_trunc('day', ordered_at), sum(amount) FROM orders GROUP BY 1"
    start, end = _task("load", 101, 1, "ui", flow, {"sql": AIRFLOW.facet("SQLJobFacet", "1-1-0", query=query)})
    return [_dag("START", 0, "ui"), {**start, **flow}, end, _dag("COMPLETE", 3, "ui")]


def _with_error(event: Body, message: str) -> Body:
    error = AIRFLOW.facet("ErrorMessageRunFacet", "1-0-1", message=message, programmingLanguage="python")
    run = {**event["run"], "facets": {**event["run"]["facets"], "errorMessage": error}}
    return {**event, "eventType": "FAIL", "run": run}


def _never_begun() -> list[Body]:
    """A task that the executor loses before it begins, its second try that fails, a command that does, and the DAG."""
    lost = (
        "Executor LocalExecutor(parallelism=32) reported that the task instance shop.load finished with state failed, "
        "but the task instance's state attribute is queued."
    )
    code = AIRFLOW.facet("SourceCodeJobFacet", "1-0-1", language="bash", sourceCode="exit 3")
    items = [{"name": "BashOperator", "properties": {"task_id": "tell"}, "type": "operator"}]
    unknown = AIRFLOW.own("RunFacet", unknownItems=items)
    first, again = _task("load", 101, 1, "timetable", {}), _task("load", 102, 3, "timetable", {})
    told = [
        {**event, "run": {**event["run"], "facets": {**event["run"]["facets"], "unknownSourceAttribute": unknown}}}
        for event in _task("tell", 103, 5, "timetable", {}, {"sourceCode": code})
    ]
    return [
        _dag("START", 0, "timetable"), _with_error(first[1], lost),
        again[0], _with_error(again[1], 'relation "orders" does not exist'),
        told[0], _with_error(told[1], "Bash command failed."),
        _with_error(_dag("COMPLETE", 7, "timetable"), "task_failure"),
    ]  # fmt: skip


RECORDINGS: dict[str, list[Body]] = {
    "Airflow with a scheduler, Google Cloud": _of_cloud(),
    "Airflow with a scheduler, SQL on PostgreSQL": _of_sql(),
    "Airflow with a scheduler, a task that is tried again": _failing(),
    "Airflow with a scheduler, SQL with columns that have no name": _of_expressions(),
    "Airflow with a scheduler, a task that never began": _never_begun(),
    "Airflow, airflow dags test": _of_sql("test"),
}
