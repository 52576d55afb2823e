"""What is told of the namespaces and names of datasets, word for word (DD2)."""

from __future__ import annotations

import pytest

from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.datadog.rules import EVENTS
from mock_intake.judging.catalogue import RULES
from mock_intake.model.event import EventView
from mock_intake.model.findings import Severity
from mock_intake.rules.events import EventRules
from tests.events import run_event

LIVE, DRAFT, STANDARD = "Datadog's live page", "Datadog's draft page", "the OpenLineage standard"

MISSING = "Host and port are missing."
ONE = "Name one server of several, the same in all jobs."

MALFORMED: list[tuple[str, str, str, str]] = [
    (
        "postgres://db",
        "PostgreSQL",
        f"postgres://host:port ({LIVE})",
        "Write it as postgres://db:5432. The port is missing; 5432 is the usual one.",
    ),
    (
        "postgresql://db:5432",
        "PostgreSQL",
        f"postgres://host:port ({LIVE})",
        "Write it as postgres://db:5432. The scheme is postgres, not postgresql.",
    ),
    (
        "postgres://etl@db:5432",
        "PostgreSQL",
        f"postgres://host:port ({LIVE})",
        "Write it as postgres://db:5432. Take user name and password out.",
    ),
    (
        "postgres",
        "PostgreSQL",
        f"postgres://host:port ({LIVE})",
        "Write it as postgres://host:port. Host and port are missing.",
    ),
    ("s3://lake/", "S3", f"s3://bucket ({LIVE})", "Write it as s3://lake. Leave the slash at the end out."),
    (
        "s3://lake/raw",
        "S3",
        f"s3://bucket ({LIVE})",
        "Write it as s3://lake, and the name as raw/a.b.c. What follows the slash belongs into the name.",
    ),
    ("s3a://lake", "S3", f"s3://bucket ({LIVE})", "Write it as s3://lake. The scheme is s3, not s3a."),
    (
        "gcs://lake",
        "Google Cloud Storage",
        f"gs://bucket ({STANDARD})",
        "Write it as gs://lake. The scheme is gs, not gcs.",
    ),
    (
        "snowflake://xy12345:443",
        "Snowflake",
        f"snowflake://organisation-account ({LIVE})",
        "Write it as snowflake://organisation-account.",
    ),
    ("kafka://one:9092,two:9092", "Kafka", f"kafka://host:port ({STANDARD})", f"Write it as kafka://one:9092. {ONE}"),
    (
        "cassandra://one:9042,two:9042",
        "Cassandra",
        f"cassandra://host:port ({STANDARD})",
        f"Write it as cassandra://one:9042. {ONE}",
    ),
    ("s3://one,two", "S3", f"s3://bucket ({LIVE})", "Write it as s3://bucket."),
    (
        "hdfs://",
        "HDFS",
        f"hdfs://namenode:port, or hdfs://nameservice ({STANDARD})",
        "Write it as hdfs://namenode:port, or hdfs://nameservice.",
    ),
]


@pytest.mark.parametrize(("namespace", "title", "expected", "advice"), MALFORMED)
def test_a_malformed_namespace_is_told_the_form_who_has_it_and_what_to_write(
    namespace: str, title: str, expected: str, advice: str
) -> None:
    [issue] = [issue for issue in naming_issues(namespace, "a.b.c") if issue.pointer == "/namespace"]
    assert issue == RULES["DD202"].found(
        "/namespace",
        f'the namespace "{namespace}" is not in the form of {title}',
        expected=expected,
        actual=f'"{namespace}"',
        advice=advice,
    )


TOLD: list[tuple[str, str, str, str, str, str | None]] = [
    (
        "postgres://db:5432",
        "public.orders",
        "DD204",
        'the name "public.orders" has fewer parts than a dataset in PostgreSQL has',
        "database.schema.table",
        "Write it as <database>.public.orders.",
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
    issue = RULES[code].found("/name", message, expected=expected, actual=f'"{name}"', advice=advice)
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
    assert (issue.code, issue.pointer) == ("DD203", f"/{field}")
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
    assert issue.code == "DD206"
    assert issue.message == "the path has 5 levels and is cut to raw/shop/orders"


def test_a_long_name_is_cut_where_it_is_quoted() -> None:
    [issue] = naming_issues("postgres://db:5432", "x" * 300)
    assert issue.actual is not None
    assert issue.actual.startswith(f'"{"x" * 200}... (300 characters, ')


SAYING_NOTHING: list[tuple[str, str, str, str, str, str]] = [
    (
        "DD208",
        "shop.public.orders ",
        'the name "shop.public.orders " has white space at its ends, or characters that nobody sees',
        '"shop.public.orders"',
        'Write "shop.public.orders". Strip what comes from files and environment variables before it becomes a name.',
        "warning",
    ),
    (
        "DD208",
        "shop.public .orders",
        'the name "shop.public .orders" has white space at its ends, or characters that nobody sees',
        '"shop.public.orders"',
        'Write "shop.public.orders". Strip what comes from files and environment variables before it becomes a name.',
        "warning",
    ),
    (
        "DD209",
        "None.public.orders",
        '"None" in the name "None.public.orders" is a placeholder, no value',
        "database.schema.table",
        "Fill the value in before the event is made, and fail where there is none.",
        "warning",
    ),
    (
        "DD210",
        "shop.public.orders_*",
        '"*" in the name "shop.public.orders_*" makes it a pattern of tables',
        "the name of one dataset",
        "Name each table or topic that is read; name the table, not its partition.",
        "warning",
    ),
    (
        "DD212",
        "SELECT id FROM orders",
        "the dataset's name is a whole SQL statement",
        "database.schema.table",
        (
            "Name the tables that the statement reads and writes, each a dataset of its own; the statement itself "
            "belongs into job.facets.sql."
        ),
        "warning",
    ),
]


@pytest.mark.parametrize(("code", "name", "message", "expected", "advice", "severity"), SAYING_NOTHING)
def test_a_name_that_can_name_nothing_is_told_so_and_nothing_of_its_form(
    code: str, name: str, message: str, expected: str, advice: str, severity: str
) -> None:
    [issue] = naming_issues("postgres://db:5432", name)
    assert issue == RULES[code].found("/name", message, expected=expected, actual=f'"{name}"', advice=advice)
    assert issue.severity == severity


def test_what_is_usual_of_paths_is_no_more_than_an_info() -> None:
    [issue] = naming_issues("s3://lake", "raw/orders/*.parquet")
    assert (issue.code, issue.severity) == ("DD210", Severity.INFO)
    assert issue.message == '"*" in the name "raw/orders/*.parquet" makes it a pattern of paths'
    [issue] = naming_issues("s3://lake", "tmp/orders")
    assert (issue.code, issue.severity) == ("DD211", Severity.INFO)
    assert issue.message == '"tmp" in the path "tmp/orders" is a place for temporary files'


def test_a_dataset_that_symlinks_name_as_a_table_is_judged_by_that_name() -> None:
    def codes(*identifiers: tuple[str, str, str]) -> list[str]:
        symlinks = {"identifiers": [{"namespace": n, "name": d, "type": kind} for n, d, kind in identifiers]}
        path = {"namespace": "nfs://share", "name": "warehouse/orders", "facets": {"symlinks": symlinks}}
        found = EventRules(EVENTS.in_order).judge(EventView(run_event(inputs=[path])))
        return [finding.code for finding in found if finding.code.startswith("DD2")]

    glue = ("arn:aws:glue:eu-west-1:123456789012", "shop.orders")
    assert codes() == ["DD201"]
    assert codes((*glue, "TABLE")) == []
    assert codes((*glue, "LOCATION")) == ["DD201"]
    assert codes(("nowhere://x", "shop.orders", "TABLE")) == ["DD201"]
