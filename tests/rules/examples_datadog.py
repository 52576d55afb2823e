"""Events as Datadog documents them (DD): for each rule one that triggers it, and the nearest that does not."""

from __future__ import annotations

from collections.abc import Mapping
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


EXAMPLES: Mapping[str, tuple[Body, Body]] = {
    "DD101": (
        run_event(job={"namespace": "prod", "name": "load_orders", "facets": {}}),
        run_event(job={"namespace": "prod", "name": "load_orders", "facets": {"jobType": job_type()}}),
    ),
    "DD102": (with_job_type(integration="SPARK"), with_job_type(integration="SPARKY")),
    "DD103": (with_job_type(processingType="SERVICE"), with_job_type(processingType="STREAMING")),
    "DD104": (with_job_type(jobType="QUERY"), with_job_type(jobType="COMMAND")),
    "DD105": (run_event(None), run_event("OTHER")),
    "DD201": (reading("warehouse", "shop.public.orders"), reading("bigquery", "shop.public.orders")),
    "DD202": (reading("postgres://db", "shop.public.orders"), reading("postgres://db:5432", "shop.public.orders")),
    "DD203": (
        reading("redshift://sales.eu-west-1:5439", REDSHIFT_TABLE),
        reading("redshift://123456789012:eu-west-1:sales", REDSHIFT_TABLE),
    ),
    "DD204": (reading("postgres://db:5432", "public.orders"), reading("postgres://db:5432", "shop.public.orders")),
    "DD205": (
        reading("postgres://db:5432", "shop.public.orders.v2"),
        reading("postgres://db:5432", 'shop.public."orders.v2"'),
    ),
    "DD206": (reading("s3://lake", "raw/shop/orders/2026"), reading("s3://lake", "raw/shop/orders")),
    "DD207": (reading("pubsub", "orders"), reading("pubsub", "topic:acme-prod:orders")),
    "DD301": (loading("START", source="public.orders"), loading("START", source="shop.public.orders")),
    "DD401": (job_tags(TAG), job_tags([TAG])),
    "DD402": (job_tags([{"key": "team", "value": "data"}]), job_tags([TAG])),
    "DD403": (job_tags([{**TAG, "source": "user"}]), job_tags([TAG])),
    "DD404": (run_tags([TAG]), run_tags([{**TAG, "source": "OPENLINEAGE_CLIENT"}])),
    "DD501": (with_run_facets("FAIL"), with_run_facets("FAIL", errorMessage=error_message())),
    "DD502": (loading("COMPLETE", "schema"), loading("COMPLETE")),
    "DD503": (loading("COMPLETE", "outputStatistics"), loading("COMPLETE")),
    "DD504": (loading("COMPLETE", "columnLineage"), loading("COMPLETE")),
    "DD505": ({**with_job_facets(sql=sql())}, {**with_job_facets(sql=sql()), "eventType": "COMPLETE"}),
    "DD506": (run_event("ABORT"), run_event("COMPLETE")),
}
