"""Parts of events that the standard has something to say about, for tests to put together."""

from __future__ import annotations

from typing import Any

from tests.events import base, run_event

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
