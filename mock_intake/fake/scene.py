"""What facets are about, and the fields of facets that must agree with it or with each other.

A facet that has no function here is made up field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from mock_intake.fake.estate import PRODUCER, Table
from mock_intake.fake.flows import Flow
from mock_intake.model.event import JsonObject

_MEAN_ROW_BYTES = 120


class Job(NamedTuple):
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What facets are about: a job's run, and of its datasets the one that is described."""

    random: Random
    flow: Flow
    table: Table
    job: Job
    run_id: str
    started: datetime
    rows: int

    def about(self, table: Table, rows: int) -> Scene:
        """The same, describing another dataset of this many rows."""
        return replace(self, table=table, rows=rows)


def draw_uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def rfc3339(moment: datetime) -> str:
    """A time as events have it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _schema(scene: Scene) -> JsonObject:
    fields = [{"name": column.name, "type": scene.table.type_of(column)} for column in scene.table.columns]
    return {"fields": fields}


def _column_lineage(scene: Scene) -> JsonObject:
    flow = scene.flow
    return {
        "fields": {
            derived.column.name: {
                "inputFields": [_input_field(derived.source, derived.source_column, "DIRECT", derived.way)]
            }
            for derived in flow.columns
        },
        "dataset": [_input_field(entry.source, entry.column, "INDIRECT", entry.condition) for entry in flow.indirect],
    }


def _input_field(source: Table, column: str, kind: str, subtype: str) -> JsonObject:
    transformation = {"type": kind, "subtype": subtype, "description": "", "masking": False}
    return {
        "namespace": source.namespace,
        "name": source.name,
        "field": column,
        "transformations": [transformation],
    }


def _nominal_time(scene: Scene) -> JsonObject:
    hour = scene.started.replace(minute=0, second=0, microsecond=0)
    return {"nominalStartTime": rfc3339(hour), "nominalEndTime": rfc3339(hour + timedelta(hours=1))}


def _sql(scene: Scene) -> JsonObject:
    flow = scene.flow
    if flow.query is None:
        table = scene.table
        query = f"SELECT COUNT({table.key}) FROM {table.in_sql}"  # noqa: S608  nobody runs it
        return {"query": query, "dialect": table.platform.dialect or "ansi"}
    return {"query": flow.query, "dialect": flow.output.platform.dialect}


def _data_source(scene: Scene) -> JsonObject:
    # Not every namespace is a URI: some have no scheme, and Redshift's has no port where a URI has one.
    namespace = scene.table.namespace
    host = namespace.partition("://")[2]
    is_uri = bool(host) and host.count(":") < 2
    return {"name": namespace, "uri": namespace if is_uri else f"{PRODUCER}/sources/{scene.table.own_name}"}


def _dataset_type(scene: Scene) -> JsonObject:
    platform = scene.table.platform
    kind = {"Kafka": "TOPIC", "Pub/Sub": "TOPIC"}.get(platform.title, "FILE" if platform.files else "TABLE")
    return {"datasetType": kind}


def _storage(scene: Scene) -> JsonObject:
    platform = scene.table.platform
    return {"storageLayer": platform.title.lower(), "fileFormat": platform.files or "parquet"}


def _symlinks(scene: Scene) -> JsonObject:
    table = scene.table
    identifier = {"namespace": "hive://metastore.acme.example:9083", "name": f"raw.{table.own_name}", "type": "TABLE"}
    return {"identifiers": [identifier]}


def _counted(scene: Scene) -> JsonObject:
    return {"rowCount": scene.rows, "size": scene.rows * _MEAN_ROW_BYTES, "fileCount": _file_count(scene)}


def _file_count(scene: Scene) -> int | None:
    return 1 + scene.rows // 50_000 if scene.table.platform.files else None


def _metrics(scene: Scene) -> JsonObject:
    rows = scene.rows
    return {
        "rowCount": rows,
        "bytes": rows * _MEAN_ROW_BYTES,
        "fileCount": _file_count(scene),
        "columnMetrics": dict(_column_metrics(scene)),
    }


def _column_metrics(scene: Scene) -> Iterator[tuple[str, JsonObject]]:
    rows, random = scene.rows, scene.random
    for index, column in enumerate(scene.table.columns):
        is_key = index == 0
        nulls = 0 if is_key else random.randrange(rows // 20 + 1)
        most = {"flag": 2, "text": 60}.get(column.meaning, rows)
        distinct = rows if is_key else random.randrange(1, min(rows - nulls, most) + 1)
        yield column.name, {"nullCount": nulls, "distinctCount": distinct, "count": rows - nulls}


def _error(scene: Scene) -> JsonObject:
    table = scene.table
    message = scene.random.choice(
        (
            f"relation {table.own_name} does not exist",
            f"{table.own_name}: duplicate key {scene.random.randrange(10_000)} in {table.key}",
            f"could not read {table.name}: connection timed out after 30 s",
        )
    )
    trace = (
        f'Traceback (most recent call last):\n  File "/opt/etl/jobs.py", line {scene.random.randrange(20, 400)}, in run'
    )
    return {"message": message, "programmingLanguage": "PYTHON", "stackTrace": f"{trace}\nRuntimeError: {message}"}


def _parent(scene: Scene) -> JsonObject:
    job = {"namespace": scene.job.namespace, "name": f"nightly_{scene.table.own_name}"}
    parent = {"run": {"runId": draw_uuid(scene.random)}, "job": job}
    return {**parent, "root": {"run": dict(parent["run"]), "job": dict(job)}}


def _tags(scene: Scene) -> JsonObject:
    # To the standard a tag needs no source; Datadog documents that it does.
    tags = (("team", "data-platform"), ("tier", "gold"), ("domain", "shop"))
    chosen = scene.random.sample(tags, scene.random.randrange(1, 4))
    return {"tags": [{"key": key, "value": value, "source": "USER"} for key, value in chosen]}


def _source_code_location(scene: Scene) -> JsonObject:
    path = f"jobs/{scene.flow.name}.py"
    repository = "https://git.acme.example/data/etl"
    return {
        "type": "git",
        "url": f"{repository}/blob/main/{path}",
        "repoUrl": f"{repository}.git",
        "path": path,
        "version": f"{scene.random.getrandbits(160):040x}",
        "branch": "main",
    }


def _source_code(scene: Scene) -> JsonObject:
    read = ", ".join(f'read("{table.name}")' for table in scene.flow.inputs)
    return {"language": "PYTHON", "sourceCode": f'write("{scene.flow.output.name}", transform({read}))\n'}


def _owners(scene: Scene) -> JsonObject:
    names = ("team:data-platform", "team:finance-data", "user:ada.lovelace")
    kinds = ("OWNER", "MAINTAINER", "STEWARD")
    chosen = zip(scene.random.sample(names, scene.random.randrange(1, 4)), kinds, strict=False)
    return {"owners": [{"name": name, "type": kind} for name, kind in chosen]}


def _variables(scene: Scene) -> JsonObject:
    variables = (("DEPLOYMENT", "production"), ("REGION", "eu-west-1"), ("TZ", "UTC"))
    chosen = scene.random.sample(variables, scene.random.randrange(1, 4))
    return {"environmentVariables": [{"name": name, "value": value} for name, value in chosen]}


def _emission(scene: Scene) -> JsonObject:
    pattern = {"eventTrigger": "EVENT_BASED", "eventContentMode": "ACCUMULATIVE"}
    return {"emissionPattern": pattern if scene.random.random() < 0.3 else None}


def _hierarchy(scene: Scene) -> JsonObject:
    parts = scene.table.name.split(".")
    kinds = ("DATABASE", "SCHEMA", "TABLE")[-len(parts) :]
    return {"hierarchy": [{"type": kind, "name": part} for kind, part in zip(kinds, parts, strict=False)]}


def _documentation(scene: Scene) -> JsonObject:
    return {"description": f"{scene.flow.name.replace('_', ' ').capitalize()}, once an hour."}


def _dataset_documentation(scene: Scene) -> JsonObject:
    return {"description": f"All {scene.table.own_name.replace('_', ' ')}, a row each."}


# By the name of the facet. A field that is None is not there, where it would be made up otherwise.
AGREEING: Mapping[str, Callable[[Scene], JsonObject]] = {
    "ColumnLineageDatasetFacet": _column_lineage,
    "DataQualityMetricsDatasetFacet": _metrics,
    "DataQualityMetricsInputDatasetFacet": _metrics,
    "DatasetTypeDatasetFacet": _dataset_type,
    "DatasourceDatasetFacet": _data_source,
    "DocumentationDatasetFacet": _dataset_documentation,
    "DocumentationJobFacet": _documentation,
    "EnvironmentVariablesRunFacet": _variables,
    "ErrorMessageRunFacet": _error,
    "HierarchyDatasetFacet": _hierarchy,
    "InputStatisticsInputDatasetFacet": _counted,
    "JobTypeJobFacet": _emission,
    "NominalTimeRunFacet": _nominal_time,
    "OutputStatisticsOutputDatasetFacet": _counted,
    "OwnershipDatasetFacet": _owners,
    "OwnershipJobFacet": _owners,
    "ParentRunFacet": _parent,
    "SQLJobFacet": _sql,
    "SchemaDatasetFacet": _schema,
    "SourceCodeJobFacet": _source_code,
    "SourceCodeLocationJobFacet": _source_code_location,
    "StorageDatasetFacet": _storage,
    "SymlinksDatasetFacet": _symlinks,
    "TagsDatasetFacet": _tags,
    "TagsJobFacet": _tags,
    "TagsRunFacet": _tags,
}
