"""Texts and numbers for the fields of facets: by facet and field, else by field, else by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

Options = Sequence[Any] | range

# What can stand in a field, by the field's name, or by the facet's key and the field's name where names mislead.
OPTIONS: Mapping[str, Options] = {
    # runs
    "executionParameters.key": ("since", "batch_size", "full_refresh"),
    "executionParameters.value": ("2026-11-01", "5000", "false"),
    "externalQueryId": tuple(f"01b2-{number:04x}-9c3f" for number in range(40_000, 40_050)),
    "externalQuery.source": ("snowflake://acme-prod", "bigquery", "postgres://shop-db.acme.example:5432"),
    "errorMessage": ("could not parse the query", "table not found in the catalogue"),
    "stackTrace": ('Traceback (most recent call last):\n  File "/opt/etl/jobs.py", line 118, in run',),
    "totalTasks": range(5, 20),
    "failedTasks": range(1, 5),
    "taskNumber": range(1, 5),
    "task": ("parse", "extract", "resolve"),
    "trigger_rule": ("ALL_SUCCESS", "ALL_DONE", "NONE_FAILED"),
    "dependency_type": ("DIRECT_INVOCATION", "IMPLICIT_DEPENDENCY"),
    "sequence_trigger_rule": ("FINISH_TO_START",),
    "status_trigger_rule": ("EXECUTE_ON_SUCCESS", "EXECUTE_EVERY_TIME"),
    "processing_engine.name": ("acme-etl", "Airflow", "Spark"),
    "processing_engine.version": ("4.2.0", "4.1.3", "3.5.4"),
    "openlineageAdapterVersion": ("1.54.0", "1.37.0"),
    "test.name": ("orders_have_customers", "amounts_are_positive", "keys_are_unique"),
    "test.type": ("not_null", "unique", "relationship"),
    "test.status": ("pass", "fail", "skip"),
    "parameters.name": ("Since", "Batch size", "Full refresh"),
    "appName": ("nightly_orders", "hourly_stock"),
    "projectId": ("acme-prod",),
    "dagRunId": ("scheduled__2026-11-01T00:00:00+00:00",),
    "appId": ("application_1762000000000_0042",),
    # jobs
    "jobType.integration": ("CUSTOM", "ACME_ETL", "CRON"),
    "jobType.processingType": ("BATCH", "STREAMING"),
    "jobType.jobType": ("JOB", "TASK", "DAG", "MODEL", "COMMAND"),
    "documentation.contentType": ("text/plain", "text/markdown"),
    "pullRequestNumber": ("412", "1874"),
    "tag": ("v4.2.0", "v4.1.3"),
    "dagId": ("nightly_orders", "hourly_stock"),
    "taskId": ("load", "clean", "count"),
    "operator": ("PythonOperator", "BashOperator"),
    "airflowVersion": ("2.10.4", "3.0.1"),
    "composerVersion": ("3", "2.11.2"),
    "environmentName": ("acme-prod",),
    "sourceType": ("COMPOSER", "DATAPROC", "CUSTOM"),
    "displayName": ("Nightly orders", "Hourly stock"),
    # everybody's
    # datasets
    "datasetVersion": tuple(str(number) for number in range(4_207, 4_260)),
    "subType": ("MANAGED", "EXTERNAL"),
    "catalog.framework": ("iceberg", "delta", "hive"),
    "catalog.type": ("hive", "jdbc", "glue"),
    "catalog.name": ("lake",),
    "catalog.source": ("spark", "flink"),
    "metadataUri": ("hive://metastore.acme.example:9083",),
    "warehouseUri": ("s3://acme-lake/warehouse",),
    "catalogProperties": ("true", "900"),
    "lifecycleStateChange": ("CREATE", "OVERWRITE"),
    "storageLayer": ("s3", "delta"),
    "fileFormat": ("parquet", "orc", "csv"),
    "assertion": ("not_null", "unique", "accepted_values", "row_count_between"),
    "column": ("order_id", "country"),
    "severity": ("error", "warn"),
    "expected": ("0", "unique"),
    "actual": ("0", "3 duplicates"),
    "contentType": ("application/sql", "text/plain"),
    "content": ("SELECT COUNT(*) FROM orders WHERE order_id IS NULL",),
    "description": ("Checked after every load.", "Agreed with the data team."),
    # lineage and subsets
    "transformations.type": ("DIRECT",),
    "transformations.subtype": ("IDENTITY", "TRANSFORMATION", "AGGREGATION"),
    "transformationType": ("IDENTITY", "MASKED"),
    "transformationDescription": ("as it is", "hashed"),
    "locations": ("raw/orders/2026-11-01", "raw/orders/2026-11-02"),
    "identifier": ("2026-11-01", "2026-11-02"),
    "dimensions": ("2026-11-01", "DE"),
    "subset.operator": ("AND", "OR"),
    "comparison": ("EQUAL", "GREATER_THAN", "LESS_THAN"),
    "field": ("order_id", "country"),
    "subset.value": ("2026-11-01", "DE"),
    # Iceberg
    "icebergCommitReport.operation": ("append", "overwrite"),
    "filterDescription": ("country = 'DE'", "ordered_at >= '2026-11-01'"),
    "projectedFieldNames": ("order_id", "country"),
}
_BY_TYPE: Mapping[str, Options] = {
    "string": ("nightly", "shop", "main"),
    "integer": range(10_000),
    "number": range(10_000),
    "boolean": (True, False),
}


def sample(random: Random, key: str, path: tuple[str, ...], of: str) -> Any:
    """A value of this JSON type for the field at a path of the facet with this key."""
    field = next((name for name in reversed(path) if name != "*"), "")
    inside = path[-2] if len(path) > 1 else ""
    for name in (f"{key}.{field}", f"{inside}.{field}", field):
        options = OPTIONS.get(name)
        if options is not None and _fits(options[0], of):
            return random.choice(options)
    return random.choice(_BY_TYPE[of])


def _fits(value: Any, of: str) -> bool:
    return isinstance(value, str) == (of == "string")
