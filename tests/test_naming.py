"""Dataset names of every platform: good ones pass, bad ones are told which rule they break."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest

from mock_intake.datadog.naming import PLATFORMS, Platform, name_parts, naming_issues, platform_of
from mock_intake.judging.catalogue import RULES

Name = tuple[str, str]

GOOD: Mapping[str, Sequence[Name]] = {
    "BigQuery": [
        ("bigquery", "acme-prod.shop.orders"),
        ("bigquery", "acme-prod.shop.orders_2026"),
        ("bigquery", "acme-prod.shop.orders_20261101"),
        ("bigquery", "example.com:acme-prod.shop.orders"),
        ("bigquery", "`acme-prod.shop.orders`"),
        ("bigquery", "`example.com:acme-prod.shop.orders`"),
        ("bigquery", "`acme-prod`.`shop`.`orders`"),
    ],
    "Snowflake": [
        ("snowflake://acme-prod", "SHOP.PUBLIC.ORDERS"),
        ("snowflake://ACME-PROD_EU", 'SHOP.PUBLIC."Orders.v2"'),
    ],
    "Redshift": [
        ("redshift://123456789012:eu-west-1:sales", "shop.public.orders"),
        ("redshift://123456789012:us-gov-west-1:sales-2", "shop.public.orders"),
    ],
    "PostgreSQL": [
        ("postgres://db:5432", "shop.public.orders"),
        ("postgres://db.prod.acme.example:6432", "shop.public.orders"),
        ("postgres://10.0.0.7:5432", "shop.public.orders"),
        ("postgres://[2001:db8::1]:5432", "shop.public.orders"),
        ("postgres://db:5432", 'shop.public."orders.v2"'),
        ("postgres://db:5432", 'shop."pub.lic".orders'),
        ("postgres://db:5432", 'shop.public."say ""orders.v2"""'),
        ("postgres://db:5432", "données.schéma.テーブル"),
    ],
    "Databricks": [("databricks://adb-4711.11.azuredatabricks.net", "main.shop.orders")],
    "Trino": [
        ("trino://trino.acme.example:8443", "hive.shop.orders"),
        ("trino://trino.acme.example:8443", r"hive.shop.orders\.v2"),
    ],
    "AWS Glue": [
        ("arn:aws:glue:eu-west-1:123456789012", "shop.orders"),
        ("arn:aws-cn:glue:cn-north-1:123456789012", "shop.orders"),
        ("arn:aws-us-gov:glue:us-gov-west-1:123456789012", "shop.orders"),
    ],
    "S3": [
        ("s3://acme-lake", "raw/orders"),
        ("s3://acme.lake.eu", "raw"),
        ("s3://acme-lake", "/raw/orders/"),
        ("s3://acme-lake", "raw/shop/commandes d'été"),
        ("s3://Acme_Lake", "raw/orders"),
        ("s3://acme-lake", "/"),
    ],
    "Athena": [
        ("awsathena://athena.eu-west-1.amazonaws.com", "AwsDataCatalog.shop.orders"),
        ("awsathena://athena.cn-north-1.amazonaws.com.cn", "AwsDataCatalog.shop.orders"),
    ],
    "Azure Cosmos DB": [
        ("azurecosmos://acme.documents.azure.com/dbs/shop", "colls/orders"),
        ("azurecosmos://acme.documents.azure.com:443/dbs/shop", "/colls/orders"),
    ],
    "Azure Data Explorer": [
        ("azurekusto://acme.westeurope.kusto.windows.net", "shop/orders"),
        ("azurekusto://acme.chinanorth3.kusto.chinacloudapi.cn", "shop/orders"),
        ("azurekusto://acme.z5.kusto.fabric.microsoft.com", "shop/orders"),
    ],
    "Azure Synapse": [
        ("sqlserver://acme.sql.azuresynapse.net:1433", "dbo.orders"),
        ("sqlserver://acme.sql.azuresynapse.net:1433", "shop.dbo.orders"),
    ],
    "Microsoft SQL Server": [("mssql://db:1433", "shop.dbo.orders"), ("mssql://db:1433", "[shop].[dbo].[orders.v2]")],
    "Cassandra": [("cassandra://db:9042", "shop.orders")],
    "MySQL": [("mysql://db:3306", "shop.orders"), ("mysql://db:3306", "shop.`orders.v2`")],
    "CrateDB": [("crate://db:5432", "crate.doc.orders")],
    "DB2": [("db2://db:50000", "SHOP.PUBLIC.ORDERS")],
    "OceanBase": [("oceanbase://db:2881", "shop.orders")],
    "Oracle": [
        ("oracle://db:1521", "ORCLPDB1.SHOP.ORDERS"),
        # A dot within a part is escaped.
        ("oracle://db:1521", r"shop\.acme\.example.SHOP.ORDERS"),
    ],
    "Spanner": [
        ("spanner://acme-prod:shop-instance", "shop.public.orders"),
        ("spanner://example.com:acme-prod:shop-instance", "shop.public.orders"),
    ],
    "Teradata": [("teradata://db:1025", "shop.orders")],
    "Milvus": [("milvus://db:19530", "default.products")],
    "Hive": [("hive://metastore:9083", "shop.orders")],
    "Unity Catalog": [
        ("unitycatalog://unity.acme.example", "main.shop.orders"),
        ("unitycatalog://unity.acme.example:8080", "main.shop.orders"),
    ],
    "Kafka": [
        ("kafka://broker:9092", "shop.orders"),
        ("kafka://broker:9092", "_schemas"),
        ("kafka://[::1]:9092", "orders"),
    ],
    "Pub/Sub": [
        ("pubsub", "topic:acme-prod:orders"),
        ("pubsub", "subscription:acme-prod:orders-to-lake"),
        ("pubsub", "topic:example.com:acme-prod:orders"),
        ("pubsub", "subscription:example.com:acme-prod:orders-to-lake"),
    ],
    "Azure Data Lake": [
        ("abfss://raw@acme.dfs.core.windows.net", "shop/orders"),
        ("abfss://raw@acme.dfs.core.chinacloudapi.cn", "shop/orders"),
        ("abfss://raw@acme.dfs.core.usgovcloudapi.net", "shop/orders"),
        ("abfss://sales@onelake.dfs.fabric.microsoft.com", "shop.Lakehouse/Tables/orders"),
        ("abfss://sales@westeurope-onelake.dfs.fabric.microsoft.com", "shop.Lakehouse/Tables/orders"),
        ("abfss://raw@acme.dfs.core.windows.net", "/"),
    ],
    "Azure Blob Storage": [
        ("wasbs://raw@acme.dfs.core.windows.net", "shop/orders"),
        ("wasbs://raw@acme.blob.core.windows.net", "shop/orders"),
        ("wasbs://raw@acme.blob.core.chinacloudapi.cn", "shop/orders"),
        ("wasbs://raw@acme.blob.core.windows.net", "/"),
    ],
    "Databricks file system": [("dbfs://adb-4711.11.azuredatabricks.net", "/mnt/raw/orders")],
    "Google Cloud Storage": [("gs://acme_lake", "raw/orders"), ("gs://acme_lake", "/")],
    "HDFS": [
        ("hdfs://namenode:8020", "/warehouse/shop.db/orders/day_1"),
        ("hdfs://namenode:8020", "/"),
        ("hdfs://nameservice1", "/warehouse/shop.db/orders"),
    ],
    "File system": [("file", "/srv/orders.csv"), ("file://host.acme.example", "/srv/orders.csv")],
    "Microsoft Fabric Warehouse": [
        ("fabric-warehouse://acme.datawarehouse.fabric.microsoft.com", "shop.dbo.orders"),
        ("fabric-warehouse://acme.datawarehouse.fabric.microsoft.com:1433", "shop.dbo.orders"),
    ],
    "Box": [("box://api.box.example:443/4711", "contracts/2026/acme.pdf")],
    "FileNet": [("filenet://p8.acme.example:9443/contracts", "2026/q3/deep/acme.pdf")],
    "SharePoint": [
        ("mssharepoint://acme.sharepoint.example:443/finance", "reports/2026.xlsx"),
        ("mssharepoint://acme.sharepoint.example:443/sites/finance", "reports/2026.xlsx"),
    ],
    "In memory": [("inmemory://", "orders_joined"), ("inmemory://", "df-140234")],
    # The draft recognises these, and says no more of them.
    "Iceberg": [("iceberg://catalog.acme.example", "shop.orders"), ("iceberg", "shop.orders")],
    "Tableau": [("tableau://tableau.acme.example", "sales/revenue")],
    "Looker": [("looker://acme.cloud.looker.example", "sales::orders")],
    "Power BI": [("powerbi://workspace", "revenue")],
    "Metabase": [("metabase://metabase.acme.example", "card/42")],
    "Sigma": [("sigma://acme", "workbook")],
    "Hex": [("hex://acme", "project")],
    "Fivetran": [("fivetran://group", "connector.orders")],
}

BAD: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "BigQuery": [
        ("bigquery://acme-prod", "acme-prod.shop.orders", "DD202"),
        ("BigQuery", "acme-prod.shop.orders", "DD202"),
        ("bigquery", "shop.orders", "DD204"),
        ("bigquery", "acme-prod:shop.orders", "DD204"),
        ("bigquery", "acme-prod..orders", "DD204"),
        ("bigquery", "acme-prod.shop.orders.v2", "DD205"),
        ("bigquery", "example.com:acme-prod.shop", "DD204"),
        ("bigquery", "example.com:acme-prod:shop.orders", "DD204"),
        ("bigquery", "example.com:acme-prod.shop.orders.v2", "DD205"),
        ("bigquery", "`shop.orders`", "DD204"),
        ("bigquery", "`acme-prod.shop.orders.v2`", "DD205"),
    ],
    "Snowflake": [
        ("snowflake://xy12345", "SHOP.PUBLIC.ORDERS", "DD203"),
        ("snowflake://xy12345.eu-west-1", "SHOP.PUBLIC.ORDERS", "DD203"),
        ("snowflake://xy12345.eu-west-1.aws", "SHOP.PUBLIC.ORDERS", "DD203"),
        ("snowflake://xy12345.fhplus.us-gov-west-1.aws", "SHOP.PUBLIC.ORDERS", "DD203"),
        ("snowflake://", "SHOP.PUBLIC.ORDERS", "DD202"),
        ("snowflake://xy12345/shop", "SHOP.PUBLIC.ORDERS", "DD202"),
        ("snowflake://acme-prod.snowflakecomputing.com", "SHOP.PUBLIC.ORDERS", "DD203"),
        ("snowflake://xy12345.eu-west-1.snowflakecomputing.com", "SHOP.PUBLIC.ORDERS", "DD203"),
        ("snowflake://acme-prod", "PUBLIC.ORDERS", "DD204"),
    ],
    "Redshift": [
        ("redshift://sales.abc.eu-west-1.redshift.amazonaws.com:5439", "shop.public.orders", "DD202"),
        ("redshift://12345:eu-west-1:sales", "shop.public.orders", "DD202"),
        ("redshift://sales.eu-west-1:5439", "shop.public.orders", "DD203"),
        ("redshift://123456789012:eu-west-1:sales", "public.orders", "DD204"),
    ],
    "PostgreSQL": [
        ("postgres://db", "shop.public.orders", "DD202"),
        ("postgres", "shop.public.orders", "DD202"),
        ("postgres://", "shop.public.orders", "DD202"),
        ("postgresql://db:5432", "shop.public.orders", "DD202"),
        ("pg://db:5432", "shop.public.orders", "DD202"),
        ("POSTGRES://db:5432", "shop.public.orders", "DD202"),
        ("postgres://db:5432/", "shop.public.orders", "DD202"),
        ("postgres://db:5432/shop", "shop.public.orders", "DD202"),
        ("postgres://etl@db:5432", "shop.public.orders", "DD202"),
        ("postgres://2001:db8::1:5432", "shop.public.orders", "DD202"),
        ("postgres:// db:5432", "shop.public.orders", "DD202"),
        ("postgres://db:5432\n", "shop.public.orders", "DD208"),
        (" postgres://db:5432", "shop.public.orders", "DD208"),
        ("postgres://db:5432", "orders", "DD204"),
        ("postgres://db:5432", "", "DD204"),
        ("postgres://db:5432", "shop..orders", "DD204"),
        ("postgres://db:5432", "shop. .orders", "DD204"),
        ("postgres://db:5432", "shop.public.", "DD204"),
        ("postgres://db:5432", "shop.public.orders.v2", "DD205"),
        ("postgres://db:5432", '"shop.public".orders', "DD204"),
        ("postgres://db:5432", '"shop.public.orders"', "DD204"),
    ],
    "Databricks": [
        ("databricks://adb-4711.11.azuredatabricks.net/", "main.shop.orders", "DD202"),
        ("databricks", "main.shop.orders", "DD202"),
        ("databricks://adb-4711.11.azuredatabricks.net", "shop.orders", "DD204"),
    ],
    "Trino": [
        ("trino://trino", "hive.shop.orders", "DD202"),
        # As Trino's own event listener names datasets, by its documentation.
        ("trino://trino:8443", "shop.orders", "DD203"),
        ("trino://trino:8443", "orders", "DD204"),
    ],
    "AWS Glue": [
        ("arn:aws:glue:eu-west-1", "shop.orders", "DD202"),
        ("arn:aws:glue:eu-west-1:123456789012:table/shop/orders", "shop.orders", "DD202"),
        ("arn:aws-cn:glue:cn-north-1", "shop.orders", "DD202"),
        ("glue://eu-west-1", "shop.orders", "DD202"),
        ("arn:aws:glue:eu-west-1:123456789012", "table/shop/orders", "DD203"),
        ("arn:aws-cn:glue:cn-north-1:123456789012", "table/shop/orders", "DD203"),
        ("arn:aws:glue:eu-west-1:123456789012", "orders", "DD204"),
        ("arn:aws:glue:eu-west-1:123456789012", "catalog.shop.orders", "DD205"),
    ],
    "S3": [
        ("s3a://acme-lake", "raw/orders", "DD202"),
        ("s3n://acme-lake", "raw/orders", "DD202"),
        ("s3://acme-lake/", "raw/orders", "DD202"),
        ("s3://acme-lake/raw", "orders", "DD202"),
        ("s3", "acme-lake/raw/orders", "DD202"),
        ("s3://acme-lake", "", "DD204"),
        ("s3://acme-lake", "//", "DD204"),
        ("s3://acme lake", "raw/orders", "DD202"),
        ("s3://acme-lake", "raw/shop/orders/2026", "DD206"),
    ],
    "Athena": [
        ("athena://athena.eu-west-1.amazonaws.com", "AwsDataCatalog.shop.orders", "DD202"),
        ("awsathena://eu-west-1", "AwsDataCatalog.shop.orders", "DD202"),
        ("awsathena://athena.eu-west-1.amazonaws.com", "shop.orders", "DD204"),
    ],
    "Azure Cosmos DB": [
        ("azurecosmos://acme.documents.azure.com", "colls/orders", "DD202"),
        ("azurecosmos://acme.documents.azure.com/dbs/shop", "orders", "DD207"),
    ],
    "Azure Data Explorer": [
        ("azurekusto://acme", "shop/orders", "DD202"),
        ("azurekusto://acme.kusto.windows.net", "shop.orders", "DD207"),
    ],
    "Azure Synapse": [
        ("sqlserver://acme.sql.azuresynapse.net", "dbo.orders", "DD202"),
        ("sqlserver://acme.sql.azuresynapse.net:1433", "orders", "DD204"),
        ("sqlserver://acme.sql.azuresynapse.net:1433", "acme.shop.dbo.orders", "DD205"),
    ],
    "Microsoft SQL Server": [
        ("mssql://db\\instance", "shop.dbo.orders", "DD202"),
        ("mssql://db:1433", "dbo.orders", "DD204"),
    ],
    "Cassandra": [
        ("cassandra://db", "shop.orders", "DD202"),
        ("cassandra://one:9042,two:9042", "shop.orders", "DD202"),
        ("cassandra://db:9042", "orders", "DD204"),
    ],
    "MySQL": [
        ("mysql://db", "shop.orders", "DD202"),
        ("mariadb://db:3306", "shop.orders", "DD202"),
        ("mysql://db:3306", "orders", "DD204"),
        # One identifier with a dot in it; only BigQuery quotes a whole path.
        ("mysql://db:3306", "`shop.orders`", "DD204"),
        ("mysql://db:3306", "def.shop.orders", "DD205"),
    ],
    "CrateDB": [("cratedb://db:5432", "crate.doc.orders", "DD202"), ("crate://db:5432", "doc.orders", "DD204")],
    "DB2": [("db2://db", "SHOP.PUBLIC.ORDERS", "DD202"), ("db2://db:50000", "PUBLIC.ORDERS", "DD204")],
    "OceanBase": [("oceanbase://db", "shop.orders", "DD202"), ("oceanbase://db:2881", "orders", "DD204")],
    "Oracle": [
        ("oracle://db:1521:ORCL", "ORCL.SHOP.ORDERS", "DD202"),
        ("oracle://db:1521/ORCL", "ORCL.SHOP.ORDERS", "DD202"),
        ("oracle://db:1521", "SHOP.ORDERS", "DD204"),
        ("oracle://db:1521", r"shop\.acme\.example\.SHOP.ORDERS", "DD204"),
        ("oracle://db:1521", "shop.acme.example.SHOP.ORDERS", "DD205"),
    ],
    "Spanner": [
        ("spanner://acme-prod", "shop.public.orders", "DD202"),
        ("spanner://acme-prod:shop-instance", "shop.orders", "DD204"),
    ],
    "Milvus": [("milvus://db", "default.products", "DD202"), ("milvus://db:19530", "products", "DD204")],
    "Unity Catalog": [
        ("unitycatalog", "main.shop.orders", "DD202"),
        ("unitycatalog://unity.acme.example/main", "shop.orders.v2", "DD202"),
        ("unitycatalog://unity.acme.example", "shop.orders", "DD204"),
    ],
    "Microsoft Fabric Warehouse": [
        ("fabric-warehouse", "shop.dbo.orders", "DD202"),
        ("fabric-warehouse://acme.datawarehouse.fabric.microsoft.com", "dbo.orders", "DD204"),
    ],
    "Teradata": [("teradata://db", "shop.orders", "DD202"), ("teradata://db:1025", "orders", "DD204")],
    "Hive": [("hive2://db:10000", "shop.orders", "DD202"), ("hive://db:10000", "orders", "DD204")],
    "Kafka": [
        ("kafka://broker", "orders", "DD202"),
        ("kafka://one:9092,two:9092", "orders", "DD202"),
        ("kafka://broker:9092", "", "DD204"),
    ],
    "Pub/Sub": [
        ("pubsub://acme-prod", "topic:acme-prod:orders", "DD202"),
        ("pubsub", "projects/acme-prod/topics/orders", "DD207"),
        ("pubsub", "topic:acme-prod", "DD207"),
        ("pubsub", "topic:no-domain:acme-prod:orders", "DD207"),
    ],
    "Azure Data Lake": [
        ("abfs://raw@acme.dfs.core.windows.net", "shop/orders", "DD202"),
        ("abfss://acme.dfs.core.windows.net/raw", "shop/orders", "DD202"),
        ("abfss://raw@acme.dfs.core.windows.net", "", "DD204"),
        ("abfss://raw@acme.dfs.core.windows.net", "a/b/c/d", "DD206"),
    ],
    "Azure Blob Storage": [
        ("wasb://raw@acme.blob.core.windows.net", "shop/orders", "DD202"),
        ("wasbs://raw", "shop/orders", "DD202"),
        ("wasbs://raw@acme.blob.core.windows.net", "a/b/c/d", "DD206"),
    ],
    "Databricks file system": [
        ("dbfs:/mnt", "orders", "DD202"),
        ("dbfs://adb-4711.11.azuredatabricks.net", "", "DD204"),
    ],
    "Google Cloud Storage": [
        ("gcs://acme-lake", "raw/orders", "DD202"),
        ("gs://acme-lake/raw", "orders", "DD202"),
        ("gs://acme-lake", "", "DD204"),
        ("gs://acme-lake", "a/b/c/d", "DD206"),
    ],
    "HDFS": [
        ("hdfs://namenode:8020/warehouse", "orders", "DD202"),
        ("hdfs", "/warehouse/orders", "DD202"),
        ("hdfs://", "/warehouse/orders", "DD202"),
        ("hdfs://namenode:8020", "", "DD204"),
    ],
    "File system": [
        ("file:///tmp", "orders.csv", "DD202"),
        ("file:/tmp", "orders.csv", "DD202"),
        ("file", "", "DD204"),
    ],
    "Box": [("box://api.box.example", "acme.pdf", "DD202"), ("box://api.box.example:443/4711", "", "DD204")],
    "FileNet": [("filenet://p8.acme.example:9443", "acme.pdf", "DD202")],
    "SharePoint": [
        ("sharepoint://acme.sharepoint.example:443/finance", "2026.xlsx", "DD202"),
        ("mssharepoint://acme.sharepoint.example", "2026.xlsx", "DD202"),
    ],
    "In memory": [("inmemory", "orders", "DD202"), ("inmemory://session", "orders", "DD202")],
    "Iceberg": [("iceberg:", "orders", "DD202")],
    "Tableau": [("Tableau://tableau.acme.example", "revenue", "DD202")],
    "Looker": [("looker://", "revenue", "DD202")],
    "Power BI": [("powerbi://", "revenue", "DD202")],
    "Metabase": [("metabase:///", "card/42", "DD202")],
    "Sigma": [("sigma://", "workbook", "DD202")],
    "Hex": [("hex://", "project", "DD202")],
    "Fivetran": [("fivetran://", "orders", "DD202")],
}

UNRECOGNISED = [
    "",
    " ",
    "warehouse",
    "prod",
    "teamstore://db:9000",
    "https://lake.acme.example",
    "jdbc:teamstore://db:5432/shop",
    "postgres-prod://db:5432",
    "//db:5432",
    "données",
]


def codes(namespace: str, name: str) -> list[str]:
    return [issue.code for issue in naming_issues(namespace, name)]


def test_every_platform_has_good_and_bad_names() -> None:
    titles = sorted(platform.title for platform in PLATFORMS)
    assert sorted(GOOD) == titles
    assert sorted(BAD) == titles


@pytest.mark.parametrize(("title", "namespace", "name"), [(t, *name) for t, names in GOOD.items() for name in names])
def test_a_good_name_has_no_issue(title: str, namespace: str, name: str) -> None:
    assert codes(namespace, name) == []
    platform = platform_of(namespace)
    assert platform is not None
    assert platform.title == title


@pytest.mark.parametrize(
    ("title", "namespace", "name", "code"), [(title, *name) for title, names in BAD.items() for name in names]
)
def test_a_bad_name_has_one_issue(title: str, namespace: str, name: str, code: str) -> None:
    [issue] = naming_issues(namespace, name)
    assert issue.code == code
    platform = platform_of(namespace)
    assert platform is not None
    assert platform.title == title
    assert title in issue.message or code in ("DD206", "DD208") or not name


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.title)
def test_the_documented_example_is_good(platform: Platform) -> None:
    assert platform.example is not None
    assert codes(*platform.example) == []
    assert platform_of(platform.example[0]) is platform


def test_who_says_otherwise_is_named() -> None:
    [finding] = naming_issues("snowflake://xy12345.eu-west-1.aws", "SHOP.PUBLIC.ORDERS")
    assert finding.message == (
        "this form of the namespace is disputed for Snowflake: snowflake://locator.region.cloud stands in the "
        "OpenLineage standard, snowflake://organisation-account in Datadog's live page"
    )
    [finding] = naming_issues("trino://trino:8443", "shop.orders")
    assert finding.message == (
        "this form of the name is disputed for Trino: schema.table stands in the documentation of Trino's event "
        "listener, catalog.schema.table in Datadog's live page"
    )


@pytest.mark.parametrize("name", ["", " ", "\t"])
@pytest.mark.parametrize("title", GOOD)
def test_an_empty_name_is_told_as_that(title: str, name: str) -> None:
    [issue] = naming_issues(GOOD[title][0][0], name)
    assert (issue.pointer, issue.message) == ("/name", "the name is empty")


@pytest.mark.parametrize("namespace", UNRECOGNISED)
def test_a_namespace_of_no_platform_is_told_not_to_be_surfaced(namespace: str) -> None:
    assert naming_issues(namespace, "shop.public.orders") == (
        RULES["DD201"].found(
            "/namespace",
            f'the namespace "{namespace}" is of no platform that Datadog or the standard lists, '
            "so the dataset is not surfaced in the product",
            expected="a namespace such as postgres://host:port, s3://bucket, bigquery or "
            "snowflake://organisation-account",
            actual=f'"{namespace}"',
        ),
    )


def test_namespace_and_name_are_judged_each_by_itself() -> None:
    assert codes("postgres://db", "public.orders") == ["DD202", "DD204"]


@pytest.mark.parametrize(
    ("namespace", "name", "code"),
    [
        ("bigquery", "a" * 20_000, "DD204"),
        ("bigquery", "a." * 10_000, "DD204"),
        ("postgres://db:5432", "a" * 300_000, "DD204"),
        ("s3://lake", "a/" * 10_000, "DD206"),
    ],
)
def test_a_name_of_any_length_is_judged_in_no_time(namespace: str, name: str, code: str) -> None:
    start = time.thread_time()
    assert codes(namespace, name) == [code]
    # Some ten milliseconds, unless time grows with the square of the length.
    assert time.thread_time() - start < 0.5


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.b.c", ["a", "b", "c"]),
        ("a..c", ["a", "", "c"]),
        ("", [""]),
        ('a."b.c".d', ["a", '"b.c"', "d"]),
        ("a.`b.c`.d", ["a", "`b.c`", "d"]),
        ("[a.b].[c]", ["[a.b]", "[c]"]),
        ('"a""b.c".d', ['"a""b.c"', "d"]),
        (r"a\.b.c", [r"a\.b", "c"]),
        (r"a\\.b", [r"a\\", "b"]),
        (r"a\".b", [r"a\"", "b"]),
        (r"a.b\\"[:-1], ["a", "b\\"]),
    ],
)
def test_dots_inside_quotes_do_not_part_a_name(name: str, parts: list[str]) -> None:
    assert name_parts(name) == parts
