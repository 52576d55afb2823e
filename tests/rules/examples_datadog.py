"""Parts of events that Datadog has something to say about, for tests to put together."""

from __future__ import annotations

from typing import Any

from tests.events import base, dataset, job_type, run_event, schema

Body = dict[str, Any]

TAG = {"key": "team", "value": "data", "source": "USER"}
REDSHIFT_TABLE = "shop.public.orders"


def with_job_type(**changes: Any) -> Body:
    return run_event(job={"namespace": "prod", "name": "load_orders", "facets": {"jobType": job_type(**changes)}})


def with_job_facets(**facets: Any) -> Body:
    facets = {"jobType": job_type(), **facets}
    return run_event(job={"namespace": "prod", "name": "load_orders", "facets": facets})


def with_run_facets(event_type: str, **facets: Any) -> Body:
    event = run_event(event_type)
    event["run"]["facets"] = facets
    return event


def reading(namespace: str, name: str) -> Body:
    return run_event(inputs=[dataset(name, namespace)])


def job_tags(tags: Any) -> Body:
    return with_job_facets(tags={**base("TagsJobFacet", "1-0-0"), "tags": tags})


def run_tags(tags: Any) -> Body:
    return with_run_facets("START", tags={**base("TagsRunFacet", "1-0-0"), "tags": tags})


def error_message() -> Body:
    return {**base("ErrorMessageRunFacet", "1-0-1"), "message": "no such table", "programmingLanguage": "PYTHON"}


def sql() -> Body:
    return {**base("SQLJobFacet", "1-1-0"), "query": "SELECT id FROM orders"}


def column_lineage(namespace: str = "postgres://db:5432", name: str = "shop.public.orders") -> Body:
    source = {"namespace": namespace, "name": name, "field": "id"}
    return {**base("ColumnLineageDatasetFacet", "1-2-0"), "fields": {"id": {"inputFields": [source]}}}


def output_statistics() -> Body:
    return {**base("OutputStatisticsOutputDatasetFacet", "1-0-2"), "rowCount": 12, "size": 480}


def loading(event_type: str, *left_out: str, source: str = "shop.public.orders") -> Body:
    """A table read and a table written with all that Datadog shows, but for the facets that are left out."""
    facets = {"schema": schema(), "columnLineage": column_lineage(name=source)}
    output_facets = {"outputStatistics": output_statistics()}
    written = dataset("shop.public.daily")
    written["facets"] = {key: facet for key, facet in facets.items() if key not in left_out}
    written["outputFacets"] = {key: facet for key, facet in output_facets.items() if key not in left_out}
    return run_event(event_type, inputs=[dataset(schema=schema())], outputs=[written])
