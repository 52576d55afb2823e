"""Spark: an application, and the jobs below it, each between another pair of platforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.cases.judged import Body
from tests.cases.recordings.parts import Producer, from_column, run_id

SPARK = Producer("https://github.com/OpenLineage/OpenLineage/tree/1.46.0/integration/spark")
_NAMESPACE = "analytics"


class Table(NamedTuple):
    """What is read or written."""

    namespace: str
    name: str
    symlink: tuple[str, str] | None = None

    def facets(self, **columns: str) -> Body:
        source = {"name": self.namespace, "uri": self.namespace}
        facets: Body = {"dataSource": SPARK.facet("DatasourceDatasetFacet", "1-0-1", **source)}
        if columns:
            facets["schema"] = SPARK.schema(**columns)
        if self.symlink:
            namespace, name = self.symlink
            one = {"namespace": namespace, "name": name, "type": "TABLE"}
            facets["symlinks"] = SPARK.facet("SymlinksDatasetFacet", "1-0-1", identifiers=[one])
        return facets

    def dataset(self, **more: Any) -> Body:
        return {"namespace": self.namespace, "name": self.name, **more}


def _engine() -> Body:
    return SPARK.facet(
        "ProcessingEngineRunFacet", "1-1-1", version="3.5.1", name="spark", openlineageAdapterVersion="1.46.0"
    )


def _job_type(kind: str, processing: str = "BATCH") -> Body:
    content = {"processingType": processing, "integration": "SPARK", "jobType": kind}
    return {"jobType": SPARK.facet("JobTypeJobFacet", "2-0-3", **content)}


def _run_facets(title: str) -> Body:
    """What each event of an application on Dataproc has."""
    properties = {"spark.master": "yarn", "spark.app.name": title}
    cluster = {"clusterName": "nightly", "clusterUuid": run_id(900), "jobId": "job-7", "jobUuid": run_id(901)}
    app = {"appId": "application_1700000000000_0001", "appName": title, "projectId": "acme-prod"}
    return {
        "processing_engine": _engine(),
        "spark_properties": SPARK.own("RunFacet", properties=properties),
        "environment-properties": SPARK.own("RunFacet", **{"environment-properties": {}}),
        "gcp_dataproc": SPARK.facet(
            "GcpDataprocRunFacet", "1-0-0", **cluster, **app, queryNodeName="adaptive_spark_plan"
        ),
        "gcp_dataproc_spark": SPARK.facet("GcpDataprocSparkRunFacet", "1-0-0", **cluster, **app),
    }


def _application(title: str, job: str, number: int, event_type: str, minute: float) -> Body:
    facets = {**_run_facets(title), "spark_applicationDetails": SPARK.own("RunFacet", master="yarn", appName=title)}
    of_job = {"namespace": _NAMESPACE, "name": job, "facets": _job_type("APPLICATION", "NONE")}
    return SPARK.event(event_type, minute, {"runId": run_id(number), "facets": facets}, of_job)


def _flow(title: str, node: str, number: int, read: Table, written: Table, **of_output: Any) -> list[Body]:
    """An application whose job reads a table and writes another. Of the job's end the inputs are not told again."""
    app = title.lower().replace(" ", "_")
    parent = SPARK.parent(run_id(number), _NAMESPACE, app)
    origin = {"name": "projects/acme-prod/regions/europe-west1/clusters/nightly", "sourceType": "DATAPROC"}
    lineage = SPARK.facet("GcpLineageJobFacet", "1-0-0", displayName=title, origin=origin)
    of_job = {
        "namespace": _NAMESPACE,
        "name": f"{app}.{node}.{written.name.replace('/', '_').replace('.', '_').strip('_')}",
        "facets": {**_job_type("SQL_JOB"), "gcp_lineage": lineage},
    }
    run = {"runId": run_id(number + 1), "facets": {**_run_facets(title), "parent": parent}}
    columns = {"word": "string", "word_count": "long"}
    inputs = [read.dataset(facets=read.facets(**columns), inputFacets={})]
    whole = [from_column(read.namespace, read.name, "word", "INDIRECT", "GROUP_BY")]
    fields = {
        "word": {"inputFields": [from_column(read.namespace, read.name, "word")]},
        "word_count": {"inputFields": [from_column(read.namespace, read.name, "word_count", subtype="AGGREGATION")]},
    }
    made = {
        **written.facets(**columns),
        "columnLineage": SPARK.facet("ColumnLineageDatasetFacet", "1-2-0", fields=fields, dataset=whole),
        **of_output,
    }
    counts = SPARK.facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=40, size=1_200, fileCount=1)
    outputs = [written.dataset(facets=made, outputFacets={"outputStatistics": counts})]
    begun = [written.dataset(facets=written.facets(**columns), outputFacets={})]
    return [
        _application(title, app, number, "START", 0),
        SPARK.event("START", 1, run, of_job, inputs=inputs, outputs=begun),
        SPARK.event("RUNNING", 2, run, of_job, inputs=inputs, outputs=begun),
        SPARK.event("COMPLETE", 3, run, of_job, inputs=[], outputs=outputs),
        _application(title, app, number, "COMPLETE", 4),
    ]


def _storage(layer: str, form: str) -> Body:
    return SPARK.facet("StorageDatasetFacet", "1-0-1", storageLayer=layer, fileFormat=form)


def _catalog() -> Body:
    return SPARK.facet(
        "CatalogDatasetFacet",
        "1-0-0",
        framework="iceberg",
        type="bigquerymetastore",
        name="lake_catalog",
        warehouseUri="gs://acme-lake/warehouse/",
        source="spark",
    )


def _streaming() -> Iterator[Body]:
    """A query that goes on: RUNNING with each batch, and no end."""
    of_job = {
        "namespace": _NAMESPACE,
        "name": "clicks.append_data.clicks",
        "facets": _job_type("SQL_JOB", "STREAMING"),
    }
    run = {"runId": run_id(91), "facets": {"processing_engine": _engine()}}
    read, written = Table("kafka://broker:9092", "clicks"), Table("gs://acme-lake", "streams/clicks")
    columns = {"at": "timestamp", "page": "string"}
    for number, event_type in enumerate(("START", "RUNNING", "RUNNING")):
        yield SPARK.event(
            event_type,
            number,
            run,
            of_job,
            inputs=[read.dataset(facets=read.facets(**columns))],
            outputs=[written.dataset(facets=written.facets(**columns))],
        )


def _named_late() -> list[Body]:
    """An application that begins before its session has a name."""
    start = _application("unknown", "unknown", 95, "START", 0)
    return [start, _application("Late", "late", 95, "RUNNING", 1), _application("Late", "late", 95, "COMPLETE", 2)]


_PUBLIC = Table("bigquery", "acme-public.samples.words")
_LAKE = ("gs://acme-lake/warehouse", "shop.counts")
_SAVE, _APPEND = "execute_save_into_data_source_command", "append_data"

RECORDINGS: dict[str, list[Body]] = {
    "Spark, BigQuery to BigQuery": _flow(
        "Writing counts", _SAVE, 10, _PUBLIC, Table("bigquery", "acme-prod.shop.counts")
    ),
    "Spark, BigQuery to Iceberg": _flow(
        "To iceberg", _APPEND, 20, _PUBLIC, Table("gs://acme-lake", "warehouse/shop.db/counts", _LAKE),
        storage=_storage("iceberg", "parquet"), catalog=_catalog(),
    ),
    "Spark, BigLake to Iceberg": _flow(
        "Replacing", "atomic_replace_table_as_select", 30, Table("bigquery", "acme-prod.shop.lake_words"),
        Table("gs://acme-lake", "warehouse/shop.db/other", _LAKE), storage=_storage("iceberg", "parquet"),
    ),
    "Spark, BigQuery to Delta": _flow(
        "To delta", "append_data_exec_v1", 40, _PUBLIC,
        Table("gs://acme-lake", "delta/counts", ("gs://acme-lake/delta", "default.counts")),
        storage=_storage("delta", "parquet"),
    ),
    "Spark, Spanner to HDFS": _flow(
        "Spanner counts", "adaptive_spark_plan", 50, Table("spanner://acme-prod/instance-1", "orders-db/words"),
        Table("hdfs://nightly-m", "/user/etl/output"),
    ),
    "Spark, Bigtable to Bigtable": _flow(
        "Bigtable counts", _SAVE, 60, Table("bigtable://acme-prod/instance-1", "words"),
        Table("bigtable://acme-prod/instance-1", "counts"),
    ),
    "Spark, PostgreSQL by JDBC, tables without a schema": _flow(
        "Jdbc counts", _SAVE, 70, Table("postgres://localhost:5432", "shop.words"),
        Table("postgres://localhost:5432", "shop.counts"),
    ),
    "Spark, local files": _flow(
        "Local counts", "execute_insert_into_hadoop_fs_relation_command", 80, Table("file", "/srv/data/words.csv"),
        Table("file", "/srv/data/counts"),
    ),
    "Spark, streaming from Kafka": list(_streaming()),
    "Spark, a session that has no name at first": _named_late(),
}  # fmt: skip
