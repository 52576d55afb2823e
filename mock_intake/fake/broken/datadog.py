"""Events that Datadog's documentation has something to say about (DD): a recipe for each rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from mock_intake.datadog.rules.job_type import RESERVED_INTEGRATIONS
from mock_intake.fake.broken.making import Recipe, facet_of, renamed, run_event, start_reading
from mock_intake.fake.runs import Worker
from mock_intake.model.event import JsonObject


def _no_job_type(random: Random) -> JsonObject:
    event = run_event(random)
    del event["job"]["facets"]["jobType"]
    return event


def _job_type(random: Random, name: str, values: tuple[str, ...]) -> JsonObject:
    event = run_event(random)
    event["job"]["facets"]["jobType"][name] = random.choice(values)
    return event


def _no_event_type(random: Random) -> JsonObject:
    event = run_event(random, "START")
    del event["eventType"]
    return event


def _input(random: Random, platform: str, **names: tuple[str, ...]) -> JsonObject:
    """A run that reads a dataset of this platform, which is written in one of these ways; ``{}`` is the right one."""
    event = start_reading(random, platform)
    [old] = event["inputs"]
    new = {field: random.choice(forms).replace("{}", old[field]) for field, forms in names.items()}
    changed: JsonObject = renamed(event, old, **new)
    return changed


def _namespace_unknown(random: Random) -> JsonObject:
    platform = random.choice(("PostgreSQL", "Snowflake", "S3"))
    return _input(random, platform, namespace=("warehouse", "prod", "acme://shop-db:5432"))


def _namespace_malformed(random: Random) -> JsonObject:
    platform, forms = random.choice(
        (
            ("PostgreSQL", ("postgres://shop-db.acme.example", "postgresql://shop-db.acme.example:5432", "postgres")),
            ("BigQuery", ("bigquery://acme-prod", "bigquery:acme-prod")),
            ("S3", ("s3://acme-lake/", "s3a://acme-lake")),
            ("Snowflake", ("snowflake://acme/prod", "snowflake")),
        )
    )
    return _input(random, platform, namespace=forms)


def _disputed(random: Random) -> JsonObject:
    if random.random() < 0.5:
        return _input(random, "Redshift", namespace=("redshift://warehouse.eu-west-1:5439",))
    return _input(
        random,
        "Snowflake",
        namespace=("snowflake://acme-prod.snowflakecomputing.com", "snowflake://xy12345.eu-west-1.aws"),
    )


def _name_too_short(random: Random) -> JsonObject:
    event = start_reading(random, random.choice(("PostgreSQL", "Snowflake", "BigQuery", "Athena")))
    [old] = event["inputs"]
    changed: JsonObject = renamed(event, old, name=old["name"].partition(".")[2])
    return changed


def _name_too_long(random: Random) -> JsonObject:
    return _input(random, random.choice(("PostgreSQL", "Snowflake", "MySQL")), name=("acme.{}", "{}.v2"))


def _path_too_deep(random: Random) -> JsonObject:
    return _input(random, random.choice(("S3", "Google Cloud Storage")), name=("{}/2026/11", "shop/{}/daily/v2"))


def _name_malformed(random: Random) -> JsonObject:
    return _input(random, "Pub/Sub", name=("orders", "projects/acme-prod/topics/orders"))


def _job_tags(random: Random, tags: Any) -> JsonObject:
    event = run_event(random)
    event["job"]["facets"]["tags"] = facet_of(random, "job", "tags", tags=tags)
    return event


def _tag_incomplete(random: Random) -> JsonObject:
    return _job_tags(random, [{"key": "team", "value": random.choice(("data-platform", "finance-data"))}])


def _tag_source(random: Random) -> JsonObject:
    source = random.choice(("user", "AIRFLOW", "acme-etl"))
    return _job_tags(random, [{"key": "team", "value": "data-platform", "source": source}])


def _run_tags(random: Random) -> JsonObject:
    event = run_event(random)
    event["run"]["facets"]["tags"] = facet_of(
        random, "run", "tags", tags=[{"key": "team", "value": "data-platform", "source": "USER"}]
    )
    return event


RECIPES: Mapping[str, Recipe] = {
    "DD101": _no_job_type,
    "DD102": partial(_job_type, name="integration", values=RESERVED_INTEGRATIONS),
    "DD103": partial(_job_type, name="processingType", values=("SERVICE", "batch", "MICROBATCH")),
    "DD104": partial(_job_type, name="jobType", values=("QUERY",)),
    "DD105": _no_event_type,
    "DD201": _namespace_unknown,
    "DD202": _namespace_malformed,
    "DD203": _disputed,
    "DD204": _name_too_short,
    "DD205": _name_too_long,
    "DD206": _path_too_deep,
    "DD207": _name_malformed,
    "DD401": partial(_job_tags, tags={"team": "data-platform"}),
    "DD402": _tag_incomplete,
    "DD403": _tag_source,
    "DD404": _run_tags,
    "DD506": lambda random: Worker(random).run_event("ABORT"),
}
