"""Events as OpenLineage (OL): for each rule one that triggers it, and the nearest that does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.events import FACETS, base, dataset, dataset_event, job_event, job_type, run_event, schema

Body = dict[str, Any]

CORE = "https://openlineage.io/spec/{}/OpenLineage.json#/$defs/{}"


def without(body: Body, field: str) -> Body:
    return {name: value for name, value in body.items() if name != field}


def with_run_facet(key: str, facet: Any) -> Body:
    event = run_event()
    event["run"]["facets"][key] = facet
    return event


def with_job_facet(key: str, facet: Any) -> Body:
    event = run_event()
    event["job"]["facets"][key] = facet
    return event


def with_run_id(run_id: str) -> Body:
    event = run_event()
    event["run"]["runId"] = run_id
    return event


def documentation(description: Any = "Loads orders.", **changes: Any) -> Body:
    return {**base("DocumentationJobFacet", "1-1-0"), "description": description, **changes}


def nominal_time() -> Body:
    return {**base("NominalTimeRunFacet", "1-0-1"), "nominalStartTime": "2026-11-01T12:00:00Z"}


def with_description(text: str) -> Body:
    return with_job_facet("documentation", documentation(text))


EXAMPLES: Mapping[str, tuple[Body, Body]] = {
    "OL001": (without(job_event(), "job"), job_event()),
    "OL002": (job_event(dataset=dataset()), job_event()),
    "OL003": (run_event(inputs={}), run_event(inputs=[])),
    "OL004": (without(run_event(), "eventTime"), run_event()),
    "OL005": (run_event("start"), run_event("START")),
    "OL006": (
        with_run_id("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3"),
        with_run_id("5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"),
    ),
    "OL007": (run_event(eventTime="2026-11-31T12:00:00Z"), run_event(eventTime="2026-11-30T12:00:00Z")),
    "OL008": (run_event(eventTime="2026-11-01T12:00:00"), run_event(eventTime="2026-11-01T12:00:00Z")),
    "OL009": (run_event(producer="acme-etl"), run_event(producer="acme:etl")),
    "OL010": (without(run_event(), "schemaURL"), run_event()),
    "OL011": (
        run_event(schemaURL=CORE.format("2-0-2", "JobEvent")),
        run_event(schemaURL=CORE.format("2-0-2", "RunEvent")),
    ),
    "OL012": (
        run_event(schemaURL=CORE.format("2-0-9", "RunEvent")),
        run_event(schemaURL=CORE.format("2-0-1", "RunEvent")),
    ),
    "OL013": (
        job_event(schemaURL="https://openlineage.io/spec/1-0-5/OpenLineage.json"),
        job_event(schemaURL="https://openlineage.io/spec/2-0-0/OpenLineage.json"),
    ),
    "OL101": (
        with_job_facet("documentation", without(documentation(), "_producer")),
        with_job_facet("documentation", documentation()),
    ),
    "OL102": (
        with_job_facet("documentation", documentation(_producer="acme-etl")),
        with_job_facet("documentation", documentation(_producer="acme:etl")),
    ),
    "OL103": (
        with_job_facet("documentation", documentation(17)),
        with_job_facet("documentation", documentation("17")),
    ),
    "OL104": (
        with_job_facet("jobType", job_type(_schemaURL=f"{FACETS}/2-0-1/JobTypeJobFacet.json")),
        with_job_facet("jobType", job_type(_schemaURL=f"{FACETS}/2-0-2/JobTypeJobFacet.json")),
    ),
    "OL105": (
        with_job_facet("acme_notes", documentation(_schemaURL="https://acme.example/NotesJobFacet.json")),
        with_job_facet("acme_notes", documentation()),
    ),
    "OL106": (with_job_facet("nominalTime", nominal_time()), with_run_facet("nominalTime", nominal_time())),
    "OL107": (
        with_job_facet("jobType", job_type(_schemaURL=f"{FACETS}/2-0-3/JobTypeJobFacet.json#/$defs/JobType")),
        with_job_facet("jobType", job_type(_schemaURL=f"{FACETS}/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet")),
    ),
    "OL108": (
        with_run_facet("tags", base("TagsRunFacet", "1-0-0")),
        with_run_facet("tags", {**base("TagsRunFacet", "1-0-0"), "tags": []}),
    ),
    "OL109": (
        dataset_event(dataset=dataset(schema={**schema(), "_schemaURL": "https://acme.example/Schema.json"})),
        dataset_event(dataset=dataset(schema=schema())),
    ),
    "OL201": (
        run_event(inputs=[dataset(namespace="postgres://etl:s3same@db:5432")]),
        run_event(inputs=[dataset(namespace="postgres://etl@db:5432")]),
    ),
    "OL202": (with_description("key AKIAIOSFODNN7EXAMPLE"), with_description("key AKIAIOSFODNN7EXAMPL")),
    "OL203": (with_description("hf_" + "x1" * 15), with_description("hf_" + "x1" * 14)),
    "OL204": (
        with_description("-----BEGIN PRIVATE KEY-----\nMIIE"),
        with_description("-----BEGIN PUBLIC KEY-----\nMIIE"),
    ),
    "OL301": (with_description("\ud83d"), with_description("\U0001f680")),
}
