"""What is to be written instead of connection strings and short names: the very value, where it can be told."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.datadog.corrections import completed, corrected
from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.datadog.platforms import PLATFORMS

ORDERS = "orders"
FULL = "shop.public.orders"

RIGHT: list[tuple[str, str, str, str]] = [
    ("postgresql://db/shop", ORDERS, "postgres://db:5432", "shop.<schema>.orders"),
    ("postgresql://db/shop", "public.orders", "postgres://db:5432", FULL),
    ("postgresql://db/shop", "shop.orders", "postgres://db:5432", "shop.<schema>.orders"),
    ("postgres://wh:5432/shop?currentSchema=public", ORDERS, "postgres://wh:5432", FULL),
    ("postgres://wh:5432/shop?currentSchema=public", FULL, "postgres://wh:5432", FULL),
    ("postgresql+psycopg2://etl:made-up@wh:6432/shop", "public.orders", "postgres://wh:6432", FULL),
    ("jdbc:postgresql://wh:5432", FULL, "postgres://wh:5432", FULL),
    ("jdbc:postgresql://wh/shop?user=etl", "public.orders", "postgres://wh:5432", FULL),
    ("sqlserver://sql1:1433;database=crm;encrypt=true", "dbo.orders", "sqlserver://sql1:1433", "crm.dbo.orders"),
    ("jdbc:sqlserver://sql1;databaseName=crm", "dbo.orders", "sqlserver://sql1:1433", "crm.dbo.orders"),
    ("oracle:thin:@//ora:1521/ORCL", "ORCL.HR.EMP", "oracle://ora:1521", "ORCL.HR.EMP"),
    ("oracle:thin:@//ora:1521/ORCL", "HR.EMP", "oracle://ora:1521", "ORCL.HR.EMP"),
    ("jdbc:oracle:thin:@ora:1521:ORCL", "EMP", "oracle://ora:1521", "ORCL.<schema>.EMP"),
    ("mysql+pymysql://etl@db/shop", ORDERS, "mysql://db:3306", "shop.orders"),
    ("jdbc:mysql://db:3306/shop?useSSL=false", "shop.orders", "mysql://db:3306", "shop.orders"),
    ("jdbc:trino://t:8443/hive/shop", ORDERS, "trino://t:8443", "hive.shop.orders"),
    ("jdbc:hive2://h:10000/shop", ORDERS, "hive://h:10000", "shop.orders"),
    ("jdbc:snowflake://acme-prod.snowflakecomputing.com/?db=SHOP&schema=PUBLIC", "ORDERS", "snowflake://acme-prod",
     "SHOP.PUBLIC.ORDERS"),
    ("jdbc:redshift://sales.abc1.eu-west-1.redshift.amazonaws.com:5439/shop", "public.orders",
     "redshift://<aws_account_id>:eu-west-1:sales", FULL),
    ("bigquery://acme-prod", "shop.orders", "bigquery", "acme-prod.shop.orders"),
    ("jdbc:bigquery://https://www.googleapis.com/bigquery/v2:443;ProjectId=acme-prod", "shop.orders", "bigquery",
     "acme-prod.shop.orders"),
    ("jdbc:databricks://adb-1.azuredatabricks.net:443/default;httpPath=sql", "main.shop.orders",
     "databricks://adb-1.azuredatabricks.net", "main.shop.orders"),
    ("s3a://lake/raw", ORDERS, "s3://lake", "raw/orders"),
    ("gcs://lake", ORDERS, "gs://lake", ORDERS),
    ("abfs://raw@acme.dfs.core.windows.net/shop", ORDERS, "abfss://raw@acme.dfs.core.windows.net", "shop/orders"),
    ("hdfs://nn:8020/warehouse", ORDERS, "hdfs://nn:8020", "/warehouse/orders"),
    ("file:///srv", "orders.csv", "file", "/srv/orders.csv"),
    ("kafka://broker", ORDERS, "kafka://broker:9092", ORDERS),
    ("POSTGRES://db:5432", FULL, "postgres://db:5432", FULL),
]  # fmt: skip


@pytest.mark.parametrize(("namespace", "name", "right", "right_name"), RIGHT)
def test_the_right_namespace_and_name_are_told(namespace: str, name: str, right: str, right_name: str) -> None:
    made = corrected(namespace, name)
    assert made is not None
    assert (made.namespace, made.name) == (right, right_name)
    assert made.reasons
    [finding] = [finding for finding in naming_issues(namespace, name) if finding.code == "DD202"]
    assert finding.advice.startswith(f"Write it as {right}")
    assert (f"the name as {right_name}" in finding.advice) is (right_name != name)


@pytest.mark.parametrize(
    ("namespace", "name", "right", "right_name"), [row for row in RIGHT if "<" not in "".join(row)]
)
def test_what_is_advised_is_right_itself(namespace: str, name: str, right: str, right_name: str) -> None:
    assert [
        finding for finding in naming_issues(right, right_name) if finding.code in ("DD201", "DD202", "DD204")
    ] == []
    assert corrected(right, right_name) is None


@pytest.mark.parametrize(
    ("namespace", "reasons"),
    [
        ("jdbc:postgresql://wh:5432", ("Leave jdbc: out.", "The scheme is postgres, not postgresql.")),
        ("postgres://db:5432/", ("Leave the slash at the end out.",)),
        ("postgres://db:5432?ssl=true", ("Leave the options out.",)),
        ("postgres://db:5432/shop", ("Leave out what follows the slash.",)),
        ("mysql://db-a:3306,db-b:3306", ("Name one server of several, the same in all jobs.",)),
    ],
)
def test_only_causes_that_are_there_are_told(namespace: str, reasons: tuple[str, ...]) -> None:
    made = corrected(namespace, FULL)
    assert made is not None
    assert made.reasons == reasons


@pytest.mark.parametrize(
    ("namespace", "right", "right_name"),
    [
        ("arn:aws:s3:::acme-lake", "s3://acme-lake", "orders"),
        ("arn:aws-cn:s3:::acme-lake/raw/*", "s3://acme-lake", "raw/orders"),
        ("https://acme-lake.s3.eu-west-1.amazonaws.com", "s3://acme-lake", "orders"),
        ("https://s3.amazonaws.com/acme-lake/raw", "s3://acme-lake", "raw/orders"),
        ("https://storage.googleapis.com/acme-lake", "gs://acme-lake", "orders"),
    ],
)
def test_a_bucket_by_another_name_is_told_by_its_own(namespace: str, right: str, right_name: str) -> None:
    [finding] = naming_issues(namespace, "orders")
    assert (finding.code, finding.expected) == ("DD201", right)
    assert finding.advice.startswith(f"Write it as {right}")
    assert (f"the name as {right_name}" in finding.advice) is (right_name != "orders")
    assert not naming_issues(right, right_name)


@pytest.mark.parametrize("namespace", ["arn:aws:sqs:eu-west-1:123456789012:q", "https://acme.example/s3"])
def test_what_names_no_bucket_is_taken_for_none(namespace: str) -> None:
    [finding] = naming_issues(namespace, "orders")
    assert not finding.advice.startswith("Write it as")


@pytest.mark.parametrize("title", ["Vertica", "MongoDB", "ClickHouse", "DuckDB", "SQLite"])
def test_a_platform_that_nobody_lists_gets_no_template(title: str) -> None:
    [finding] = naming_issues(f"{title.lower()}://db:9000", FULL)
    assert finding.code == "DD201"
    assert finding.expected == f"a platform that is listed, which {title} is not"
    assert finding.advice.startswith(f"There is no form in which datasets of {title} are surfaced.")
    [other] = naming_issues("warehouse", FULL)
    assert "naming table" in other.advice


@pytest.mark.parametrize(
    ("namespace", "name", "advice"),
    [
        ("postgres://db:5432", "orders", "<database>.<schema>.orders"),
        ("postgres://db:5432", "shop..orders", "shop.<schema>.orders"),
        ("bigquery", "shop.orders", "<project>.shop.orders"),
        ("mysql://db:3306", "orders", "<database>.orders"),
        ("bigquery", "`shop.orders`", "project.dataset.table"),
    ],
)
def test_a_short_name_is_told_with_what_it_has(namespace: str, name: str, advice: str) -> None:
    [finding] = naming_issues(namespace, name)
    assert (finding.code, finding.advice) == ("DD204", f"Write it as {advice}.")


@pytest.mark.parametrize("namespace", ["postgres://", "postgres", "postgres://2001:db8::1:5432", "trino://a:b:c"])
def test_where_nothing_can_be_made_the_form_is_told(namespace: str) -> None:
    [finding] = naming_issues(namespace, FULL)
    platform = platform_of(namespace)
    assert platform is not None
    assert finding.advice.startswith(f"Write it as {platform.namespace.reads}.")


def test_a_password_is_not_repeated() -> None:
    [finding] = naming_issues("postgresql://etl:made-up-secret@db/shop", FULL)
    assert "made-up-secret" not in repr(finding)
    assert finding.advice.startswith("Write it as postgres://db:5432.")


PARTS = st.text(alphabet="abz09_-./:@?&=;,%$<>{} é\n", max_size=24)


@given(
    scheme=st.sampled_from([scheme for platform in PLATFORMS for scheme in platform.schemes]),
    jdbc=st.sampled_from(["", "jdbc:"]),
    rest=PARTS,
    name=PARTS,
)
def test_what_is_made_of_anything_is_in_the_platforms_form(scheme: str, jdbc: str, rest: str, name: str) -> None:
    namespace = f"{jdbc}{scheme}://{rest}"
    made = corrected(namespace, name)
    if made is not None and made.namespace is not None and "<" not in made.namespace:
        platform = platform_of(made.namespace)
        assert platform is not None
        assert platform.namespace.pattern.fullmatch(made.namespace)
        assert platform is platform_of(namespace)


def test_a_text_of_any_length_is_looked_at_in_no_time() -> None:
    began = time.thread_time()
    for text in ("oracle:thin:" + "/" * 500, "postgres://" + "@" * 490, "jdbc:" * 100, "mysql://" + "," * 300):
        corrected(text, "." * 500)
    assert corrected("postgres://" + "a" * 10**6, "b" * 10**6) is None
    assert time.thread_time() - began < 0.5
    platform = platform_of("postgres://db:5432")
    assert platform is not None
    assert completed(platform, "orders") == "<database>.<schema>.orders"


@pytest.mark.parametrize(
    ("namespace", "name", "right"),
    [
        ("postgresql://db/shop", "orders", "shop.<schema>.orders"),
        ("jdbc:postgresql://db:5432/shop?currentSchema=sales", "orders", "shop.sales.orders"),
        ("mysql://db:3306/shop", "orders", "shop.orders"),
        ("postgres://db:5432", "orders", "<database>.<schema>.orders"),
        ("postgres://db:5432", "public.orders", "<database>.public.orders"),
    ],
)
def test_a_name_of_too_few_parts_is_told_with_what_its_namespace_has(namespace: str, name: str, right: str) -> None:
    [issue] = [issue for issue in naming_issues(namespace, name) if issue.code == "DD204"]
    assert issue.advice == f"Write it as {right}."


@pytest.mark.parametrize(
    ("namespace", "name", "right"),
    [
        ("redshift://sales.eu-west-1:5439", "d.s.t", "redshift://<aws_account_id>:eu-west-1:sales"),
        ("snowflake://acme-prod.snowflakecomputing.com", "D.S.T", "snowflake://acme-prod"),
        ("arn:aws:glue:eu-west-1:123456789012", "table/shop/orders", "shop.orders"),
        ("trino://trino:8080", "shop.orders", "<catalog>.shop.orders"),
        # The organisation of a locator is known to nobody but the user.
        ("snowflake://xy12345.eu-central-1.aws", "D.S.T", None),
    ],
)
def test_a_disputed_form_is_told_as_the_live_page_has_it(namespace: str, name: str, right: str | None) -> None:
    [issue] = [issue for issue in naming_issues(namespace, name) if issue.code == "DD203"]
    assert ("Write it as" in issue.advice) is (right is not None)
    assert right is None or issue.advice == f"Write it as {right}, and check in the product that the dataset joins."
