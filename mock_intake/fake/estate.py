"""The made-up company whose events are faked: its data stores, and the tables in them.

Host names end in ``.example``, which nobody can own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Meaning = Literal["id", "text", "count", "amount", "time", "flag"]
Types = Mapping[Meaning, str]

PRODUCER = "https://acme.example/etl"

# How each family of platforms calls what columns hold.
_SQL: Types = {
    "id": "BIGINT", "text": "VARCHAR(255)", "count": "INTEGER", "amount": "DECIMAL(12,2)",
    "time": "TIMESTAMP", "flag": "BOOLEAN",
}  # fmt: skip
_TYPES: Mapping[str, Types] = {
    "sql": _SQL,
    "postgres": {**_SQL, "text": "TEXT", "amount": "NUMERIC(12,2)", "time": "TIMESTAMPTZ"},
    "snowflake": {
        "id": "NUMBER(38,0)", "text": "VARCHAR", "count": "NUMBER(38,0)", "amount": "NUMBER(12,2)",
        "time": "TIMESTAMP_TZ", "flag": "BOOLEAN",
    },
    "bigquery": {
        "id": "INT64", "text": "STRING", "count": "INT64", "amount": "NUMERIC", "time": "TIMESTAMP", "flag": "BOOL",
    },
    "tsql": {**_SQL, "text": "NVARCHAR(255)", "time": "DATETIME2", "flag": "BIT"},
    "oracle": {
        "id": "NUMBER(19)", "text": "VARCHAR2(255)", "count": "NUMBER(10)", "amount": "NUMBER(12,2)",
        "time": "TIMESTAMP", "flag": "NUMBER(1)",
    },
    "files": {
        "id": "long", "text": "string", "count": "integer", "amount": "decimal(12,2)", "time": "timestamp",
        "flag": "boolean",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the company keeps data; the titles are those of the naming table.

    ``raw`` and ``derived`` are names with a place for the table's own, the second being where jobs write.
    ``dialect`` is None where no SQL is spoken; a query names a table by the last ``sql_parts`` parts of its name.
    ``types`` is the family that columns have their types of, ``files`` the format where tables are files.
    """

    title: str
    namespaces: tuple[str, ...]
    raw: str
    derived: str
    dialect: str | None = None
    types: str = "sql"
    sql_parts: int = 3
    upper: bool = False
    files: str | None = None


PLATFORMS: Mapping[str, Platform] = {
    platform.title: platform
    for platform in (
        Platform("BigQuery", ("bigquery",), "acme-prod.shop.{}", "acme-prod.marts.{}", "bigquery", "bigquery"),
        Platform(
            "Snowflake", ("snowflake://acme-prod", "snowflake://acme-eu_west"),
            "SHOP.RAW.{}", "SHOP.MARTS.{}", "snowflake", "snowflake", upper=True,
        ),
        Platform(
            "Redshift", ("redshift://123456789012:eu-west-1:warehouse",), "shop.raw.{}", "shop.marts.{}", "redshift",
        ),
        Platform(
            "PostgreSQL", ("postgres://shop-db.acme.example:5432", "postgres://crm-db.acme.example:5432"),
            "shop.public.{}", "shop.reports.{}", "postgres", "postgres",
        ),
        Platform(
            "Databricks", ("databricks://acme-prod.cloud.databricks.com",),
            "main.bronze.{}", "main.gold.{}", "databricks", "files",
        ),
        Platform("Trino", ("trino://trino.acme.example:8443",), "lake.raw.{}", "lake.marts.{}", "trino"),
        Platform(
            "AWS Glue", ("arn:aws:glue:eu-west-1:123456789012",), "raw.{}", "curated.{}",
            types="files", files="parquet",
        ),
        Platform("S3", ("s3://acme-lake", "s3://acme-exports"), "raw/{}", "curated/{}", types="files", files="parquet"),
        Platform(
            "Athena", ("awsathena://athena.eu-west-1.amazonaws.com",),
            "awsdatacatalog.raw.{}", "awsdatacatalog.marts.{}", "athena",
        ),
        Platform(
            "Azure Cosmos DB", ("azurecosmos://acme.documents.azure.com/dbs/shop",),
            "colls/{}", "colls/curated_{}", types="files",
        ),
        Platform("Azure Data Explorer", ("azurekusto://acme.kusto.windows.net",), "raw/{}", "marts/{}", types="files"),
        Platform(
            "Azure Synapse", ("sqlserver://acme-dw.sql.azuresynapse.example:1433",),
            "raw.{}", "marts.{}", "tsql", "tsql", sql_parts=2,
        ),
        Platform(
            "Microsoft SQL Server", ("mssql://erp-db.acme.example:1433",),
            "erp.dbo.{}", "erp.reports.{}", "tsql", "tsql",
        ),
        Platform("Cassandra", ("cassandra://events-db.acme.example:9042",), "shop.{}", "reports.{}", types="files"),
        Platform("MySQL", ("mysql://web-db.acme.example:3306",), "shop.{}", "reports.{}", "mysql", sql_parts=2),
        Platform(
            "CrateDB", ("crate://metrics-db.acme.example:5432",),
            "crate.doc.{}", "crate.marts.{}", "crate", sql_parts=2,
        ),
        Platform(
            "DB2", ("db2://ledger-db.acme.example:50000",), "ledger.raw.{}", "ledger.marts.{}", "db2", sql_parts=2,
        ),
        Platform(
            "OceanBase", ("oceanbase://pay-db.acme.example:2881",),
            "pay.{}", "pay_reports.{}", "oceanbase", sql_parts=2,
        ),
        Platform(
            "Oracle", ("oracle://finance-db.acme.example:1521",),
            "FIN.SHOP.{}", "FIN.REPORTS.{}", "oracle", "oracle", sql_parts=2, upper=True,
        ),
        Platform("Teradata", ("teradata://dw.acme.example:1025",), "shop.{}", "marts.{}", "teradata", sql_parts=2),
        Platform("Hive", ("hive://hive.acme.example:10000",), "raw.{}", "marts.{}", "hive", "files", sql_parts=2),
        Platform("Kafka", ("kafka://broker.acme.example:9092",), "shop.{}", "curated.{}", types="files"),
        Platform("Pub/Sub", ("pubsub",), "topic:acme-prod:{}", "topic:acme-prod:curated-{}", types="files"),
        Platform(
            "Azure Data Lake", ("abfss://lake@acmelake.dfs.core.windows.net",),
            "raw/{}", "curated/{}", types="files", files="parquet",
        ),
        Platform(
            "Azure Blob Storage", ("wasbs://exports@acmeexports.blob.core.windows.net",),
            "raw/{}", "curated/{}", types="files", files="csv",
        ),
        Platform(
            "Databricks file system", ("dbfs://acme-prod.cloud.databricks.com",),
            "/mnt/raw/{}", "/mnt/curated/{}", types="files", files="delta",
        ),
        Platform(
            "Google Cloud Storage", ("gs://acme-lake",), "raw/{}", "curated/{}", types="files", files="parquet",
        ),
        Platform(
            "HDFS", ("hdfs://namenode.acme.example:8020",), "/data/raw/{}", "/data/curated/{}",
            types="files", files="orc",
        ),
        Platform(
            "File system", ("file", "file://etl-1.acme.example"), "/var/lib/etl/in/{}.csv", "/var/lib/etl/out/{}.csv",
            types="files", files="csv",
        ),
    )
}  # fmt: skip


class Column(NamedTuple):
    name: str
    meaning: Meaning


class Table(NamedTuple):
    """A dataset: where it is, what it is called there and by itself, what is in it; its key is its first column."""

    platform: Platform
    namespace: str
    name: str
    own_name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        return self.columns[0].name

    @property
    def in_sql(self) -> str:
        """The name as a query has it."""
        if self.platform.dialect == "bigquery":
            return f"`{self.name}`"
        return ".".join(self.name.split(".")[-self.platform.sql_parts :])

    def type_of(self, column: Column) -> str:
        return _TYPES[self.platform.types][column.meaning]


def _columns(**columns: Meaning) -> tuple[Column, ...]:
    return tuple(Column(name, meaning) for name, meaning in columns.items())


# What the company knows, by the name of the table. Columns of the same name refer to each other.
SUBJECTS: Mapping[str, tuple[Column, ...]] = {
    "orders": _columns(
        order_id="id", customer_id="id", order_status="text", currency="text", order_amount="amount", ordered_at="time"
    ),
    "order_items": _columns(order_item_id="id", order_id="id", product_id="id", quantity="count", unit_price="amount"),
    "customers": _columns(
        customer_id="id", country="text", customer_segment="text", newsletter="flag", signed_up_at="time"
    ),
    "products": _columns(product_id="id", category="text", brand="text", list_price="amount", discontinued="flag"),
    "payments": _columns(payment_id="id", order_id="id", payment_method="text", paid_amount="amount", paid_at="time"),
    "refunds": _columns(
        refund_id="id", order_id="id", refund_reason="text", refund_amount="amount", refunded_at="time"
    ),
    "shipments": _columns(
        shipment_id="id", order_id="id", warehouse_id="id", carrier="text", parcels="count", shipped_at="time"
    ),
    "warehouses": _columns(warehouse_id="id", region="text", capacity="count", opened_at="time"),
    "stock_counts": _columns(
        stock_count_id="id", warehouse_id="id", product_id="id", units_in_stock="count", counted_at="time"
    ),
    "page_views": _columns(
        page_view_id="id", customer_id="id", product_id="id", referrer="text", seconds_on_page="count", viewed_at="time"
    ),
    "support_tickets": _columns(
        ticket_id="id", customer_id="id", topic="text", reply_count="count", resolved="flag", opened_at="time"
    ),
}


def table(
    platform: Platform, namespace: str, own_name: str, columns: tuple[Column, ...], *, derived: bool = False
) -> Table:
    """A table of the company's, in upper case where the platform writes names so."""
    name = own_name.upper() if platform.upper else own_name
    columns = tuple(
        column._replace(name=column.name.upper() if platform.upper else column.name.lower()) for column in columns
    )
    template = platform.derived if derived else platform.raw
    return Table(platform, namespace, template.format(name), own_name, columns)
