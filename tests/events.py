"""Events for tests: valid ones, to be changed where a test needs something else."""

from __future__ import annotations

from typing import Any

PRODUCER = "https://github.com/acme/etl"
RUN_ID = "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
FACETS = "https://openlineage.io/spec/facets"


def base(name: str, version: str) -> dict[str, str]:
    """The base fields of a facet of the standard."""
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{version}/{name}.json#/$defs/{name}"}


def job_type(**changes: Any) -> dict[str, Any]:
    facet = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"}
    return {**base("JobTypeJobFacet", "2-0-3"), **facet, **changes}


def run_event(event_type: str | None = "START", **changes: Any) -> dict[str, Any]:
    """A RunEvent that no rule has anything to say about (START and RUNNING), with top-level fields changed."""
    event: dict[str, Any] = {
        "eventType": event_type,
        "eventTime": "2026-11-01T12:00:00.000Z",
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": RUN_ID, "facets": {}},
        "job": {"namespace": "prod", "name": "load_orders", "facets": {"jobType": job_type()}},
        "inputs": [],
        "outputs": [],
    }
    if event_type is None:
        del event["eventType"]
    return {**event, **changes}


def schema(*columns: str) -> dict[str, Any]:
    fields = [{"name": column, "type": "VARCHAR"} for column in columns or ("id", "amount")]
    return {**base("SchemaDatasetFacet", "1-1-1"), "fields": fields}


def dataset(name: str = "shop.public.orders", namespace: str = "postgres://db:5432", **facets: Any) -> dict[str, Any]:
    """A dataset of a PostgreSQL server, with these facets."""
    return {"namespace": namespace, "name": name, "facets": facets}


def job_event(**changes: Any) -> dict[str, Any]:
    event = {
        "eventTime": "2026-11-01T12:00:00.000Z",
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
        "job": {"namespace": "prod", "name": "load_orders"},
        "inputs": [],
        "outputs": [],
    }
    return {**event, **changes}


def dataset_event(**changes: Any) -> dict[str, Any]:
    event = {
        "eventTime": "2026-11-01T12:00:00.000Z",
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
        "dataset": dataset(schema=schema()),
    }
    return {**event, **changes}
