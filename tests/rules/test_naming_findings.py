"""What is told of the namespaces and names of datasets, word for word (DD2)."""

from __future__ import annotations

import pytest

from mock_intake.catalogue import RULES
from mock_intake.datadog.naming import NamingIssue, naming_issues, platform_of

LIVE, DRAFT, STANDARD = "Datadog's live page", "Datadog's draft page", "the OpenLineage standard"

MISSING = "Host and port are missing."
ONE_OF_SEVERAL = "Name one server of several, the same in all jobs."

MALFORMED: list[tuple[str, str, str, str]] = [
    ("postgres://", "PostgreSQL", f"postgres://host:port ({LIVE})", MISSING),
    ("postgres", "PostgreSQL", f"postgres://host:port ({LIVE})", MISSING),
    ("kafka", "Kafka", f"kafka://host:port ({STANDARD})", MISSING),
    ("postgres://db", "PostgreSQL", f"postgres://host:port ({LIVE})", "The port is missing."),
    ("postgresql://db:5432", "PostgreSQL", f"postgres://host:port ({LIVE})", "The scheme is postgres, not postgresql."),
    ("postgres://etl@db:5432", "PostgreSQL", f"postgres://host:port ({LIVE})", "Take user name and password out."),
    ("s3://lake/", "S3", f"s3://bucket ({LIVE})", "Leave the slash at the end out."),
    ("s3://lake/raw", "S3", f"s3://bucket ({LIVE})", "What follows the slash belongs into the name."),
    ("s3a://lake", "S3", f"s3://bucket ({LIVE})", "The scheme is s3, not s3a."),
    ("gcs://lake", "Google Cloud Storage", f"gs://bucket ({STANDARD})", "The scheme is gs, not gcs."),
    ("snowflake://xy12345", "Snowflake", f"snowflake://organisation-account ({LIVE})", ""),
    ("kafka://one:9092,two:9092", "Kafka", f"kafka://host:port ({STANDARD})", ONE_OF_SEVERAL),
    ("cassandra://one:9042,two:9042", "Cassandra", f"cassandra://host:port ({STANDARD})", ONE_OF_SEVERAL),
    ("s3://one,two", "S3", f"s3://bucket ({LIVE})", ""),
    ("hdfs://", "HDFS", f"hdfs://namenode:port, or hdfs://nameservice ({STANDARD})", ""),
]


@pytest.mark.parametrize(("namespace", "title", "expected", "hint"), MALFORMED)
def test_a_malformed_namespace_is_told_the_form_who_has_it_and_what_is_wrong(
    namespace: str, title: str, expected: str, hint: str
) -> None:
    [issue] = [issue for issue in naming_issues(namespace, "a.b.c") if issue.field == "namespace"]
    form = expected.partition(" (")[0]
    assert issue == NamingIssue(
        RULES["DD202"],
        "namespace",
        f'the namespace "{namespace}" is not in the form of {title}',
        expected,
        f'"{namespace}"',
        f"Write it as {form}. {hint}".strip(),
    )


TOLD: list[tuple[str, str, str, str, str, str | None]] = [
    (
        "postgres://db:5432",
        "public.orders",
        "DD204",
        'the name "public.orders" has fewer parts than a dataset in PostgreSQL has',
        "database.schema.table",
        "Write it as database.schema.table.",
    ),
    (
        "s3://lake",
        "//",
        "DD204",
        'the name "//" has fewer parts than a dataset in S3 has',
        "path/of/the/dataset",
        "Write it as path/of/the/dataset.",
    ),
    (
        "postgres://db:5432",
        "shop.public.orders.v2",
        "DD205",
        'the name "shop.public.orders.v2" has 4 parts; PostgreSQL knows 3',
        "database.schema.table",
        None,
    ),
    (
        "pubsub",
        "projects/acme-prod/topics/orders",
        "DD207",
        'the name "projects/acme-prod/topics/orders" is not in the form of Pub/Sub',
        "topic:project:id or subscription:project:id",
        "Write it as topic:project:id or subscription:project:id.",
    ),
    (
        "azurecosmos://acme.documents.azure.com/dbs/shop",
        "orders",
        "DD207",
        'the name "orders" is not in the form of Azure Cosmos DB',
        "colls/table",
        "Write it as colls/table.",
    ),
    (
        "azurekusto://acme.kusto.windows.net",
        "shop.orders",
        "DD207",
        'the name "shop.orders" is not in the form of Azure Data Explorer',
        "database/table",
        "Write it as database/table.",
    ),
]


@pytest.mark.parametrize(("namespace", "name", "code", "message", "expected", "advice"), TOLD)
def test_a_wrong_name_is_told_the_form(
    namespace: str, name: str, code: str, message: str, expected: str, advice: str | None
) -> None:
    issue = NamingIssue(RULES[code], "name", message, expected, f'"{name}"', advice)
    assert naming_issues(namespace, name) == (issue,)


def test_a_part_that_may_be_left_out_counts_among_those_that_the_platform_knows() -> None:
    [issue] = naming_issues("sqlserver://acme.sql.azuresynapse.net:1433", "acme.shop.dbo.orders")
    assert issue.message.startswith('the name "acme.shop.dbo.orders" has 4 parts; Azure Synapse knows ')
    assert issue.message.endswith("3")


DISPUTED: list[tuple[str, str, str, str, str, str]] = [
    (
        "redshift://sales.eu-west-1:5439",
        "shop.public.orders",
        "namespace",
        f"{DRAFT} and {STANDARD}",
        "redshift://cluster.region:port",
        "redshift://aws_account_id:region:cluster",
    ),
    (
        "snowflake://acme-prod.snowflakecomputing.com",
        "SHOP.PUBLIC.ORDERS",
        "namespace",
        DRAFT,
        "snowflake://account.snowflakecomputing.com",
        "snowflake://organisation-account",
    ),
    (
        "arn:aws:glue:eu-west-1:123456789012",
        "table/shop/orders",
        "name",
        STANDARD,
        "table/database/table",
        "database.table",
    ),
]


@pytest.mark.parametrize(("namespace", "name", "field", "other", "others_form", "form"), DISPUTED)
def test_a_disputed_form_is_told_who_says_what(
    namespace: str, name: str, field: str, other: str, others_form: str, form: str
) -> None:
    [issue] = naming_issues(namespace, name)
    assert (issue.rule, issue.field) == (RULES["DD203"], field)
    platform = platform_of(namespace)
    assert platform is not None
    assert issue.message == (
        f"this form of the {field} is disputed for {platform.title}: {others_form} stands in {other}, {form} in {LIVE}"
    )
    assert (issue.expected, issue.actual) == (
        f"{form} ({LIVE})",
        f'"{namespace if field == "namespace" else name}"',
    )


def test_a_cut_path_is_told_what_is_left_of_it() -> None:
    [issue] = naming_issues("s3://lake", "/raw/shop//orders/2026/11")
    assert issue.rule == RULES["DD206"]
    assert issue.message == "the path has 5 levels and is cut to raw/shop/orders"


def test_a_long_name_is_cut_where_it_is_quoted() -> None:
    [issue] = naming_issues("postgres://db:5432", "x" * 200)
    assert issue.actual == f'"{"x" * 97}..."'
