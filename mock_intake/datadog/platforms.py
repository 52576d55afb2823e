"""How datasets are named, platform by platform.

The table joins Datadog's live page, its draft, and the standard's naming table for platforms that Datadog
does not list. Where they disagree the live page's form is right, and the others are disputed. Other packages add
platforms in entry points of the group ``mock_intake.platforms``: docs/how-to/extend.md. What is wrong with a name is
for ``mock_intake.datadog.rules.names`` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from msgspec import Struct

from mock_intake.datadog.sources import CUSTOM_JOBS, DRAFT, STANDARD_NAMING
from mock_intake.system.extensions import Extension, ExtensionError, extensions

GROUP = "mock_intake.platforms"
LIVE_PAGE = "Datadog's live page"
DRAFT_PAGE = "Datadog's draft page"
STANDARD = "the OpenLineage standard"
TRINO = "the documentation of Trino's event listener"
# The schemes of platforms whose names are paths, beside object stores.
_PATHS = ("dbfs", "hdfs", "file", "box", "filenet", "mssharepoint")
_SOURCES = {LIVE_PAGE: CUSTOM_JOBS, DRAFT_PAGE: DRAFT}


class Form(Struct, frozen=True):
    """One way of writing something: a regular expression for all of it, how it reads, and who has it so."""

    expression: str | re.Pattern[str]
    reads: str
    by: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression as it is matched with; compiled at first use, as most producers name few platforms."""
        return _compiled(self.expression)


class Platform(Struct, frozen=True):
    """A platform's namespace and name.

    ``schemes`` are the words before ``://`` (or the whole namespace) by which a namespace is taken for
    this platform, the first being the right one. ``parts`` are the dotted parts of a name, ``optional`` those
    that may come before them; both are empty where names are free (paths, topics).
    """

    title: str
    schemes: tuple[str, ...]
    namespace: Form
    parts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    disputed: tuple[Form, ...] = ()
    name: Form | None = None
    disputed_names: tuple[Form, ...] = ()
    object_store: bool = False
    example: tuple[str, str] | None = None

    @property
    def source(self) -> str:
        """The page that says how the namespace is written."""
        return _SOURCES.get(self.namespace.by, STANDARD_NAMING)

    @property
    def is_path(self) -> bool:
        """Whether names are paths of files or objects."""
        return self.object_store or self.schemes[0] in _PATHS

    @property
    def name_reads(self) -> str:
        """How a name reads, such as ``database.schema.table``; "free" where it may be anything."""
        if self.name is not None:
            return self.name.reads
        optional = "".join(f"[{part}.]" for part in self.optional)
        return optional + ".".join(self.parts) if self.parts else "free"


@cache
def _compiled(expression: str | re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(expression)


def _form(pattern: str, reads: str, by: str = STANDARD) -> Form:
    return Form(pattern, reads, by)


_HOST = r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])"


def _server(scheme: str, by: str = STANDARD) -> Form:
    return _form(rf"{scheme}://{_HOST}:\d+", f"{scheme}://host:port", by)


_TABLE = ("database", "schema", "table")
# Azure's storage and databases outside of the public cloud have hosts of their own.
_AZURE = r"(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)"


def _by_draft(title: str, scheme: str) -> Platform:
    """A platform that the draft page recognises without saying how its namespace goes on, or what names look like."""
    form = _form(rf"{scheme}(?:://[^\s/]\S*)?", f"{scheme}://...", DRAFT_PAGE)
    return Platform(title, (scheme,), form, example=(f"{scheme}://acme", "orders"))


PLATFORMS: tuple[Platform, ...] = (
    Platform(
        "BigQuery", ("bigquery",), _form("bigquery", "bigquery", LIVE_PAGE), ("project", "dataset", "table"),
        example=("bigquery", "acme-prod.shop.orders"),
    ),
    Platform(
        "Snowflake", ("snowflake",),
        _form(r"snowflake://(?!.*\.snowflakecomputing\.com)[A-Za-z0-9_]+-[A-Za-z0-9_-]+",
              "snowflake://organisation-account", LIVE_PAGE),
        _TABLE,
        disputed=(
            _form(r"snowflake://[A-Za-z0-9_.-]+\.snowflakecomputing\.com",
                  "snowflake://account.snowflakecomputing.com", DRAFT_PAGE),
            # Of an account locator, with compliance, region and cloud behind it where it needs them.
            _form(r"snowflake://[A-Za-z0-9]+(?:\.[a-z0-9_-]+){0,3}", "snowflake://locator.region.cloud", STANDARD),
        ),
        example=("snowflake://acme-prod", "SHOP.PUBLIC.ORDERS"),
    ),
    Platform(
        "Redshift", ("redshift",),
        _form(r"redshift://\d{12}:[a-z0-9-]+:[A-Za-z0-9-]+", "redshift://aws_account_id:region:cluster", LIVE_PAGE),
        _TABLE,
        disputed=(
            _form(r"redshift://[A-Za-z0-9-]+\.[a-z0-9-]+:\d+",
                  "redshift://cluster.region:port", f"{DRAFT_PAGE} and {STANDARD}"),
        ),
        example=("redshift://123456789012:eu-west-1:sales", "shop.public.orders"),
    ),
    Platform(
        "PostgreSQL", ("postgres", "postgresql", "pg"), _server("postgres", LIVE_PAGE), _TABLE,
        example=("postgres://db.acme.example:5432", "shop.public.orders"),
    ),
    Platform(
        "Databricks", ("databricks",),
        _form(r"databricks://[A-Za-z0-9_.-]+", "databricks://workspace-url", LIVE_PAGE), _TABLE,
        example=("databricks://adb-4711.11.azuredatabricks.net", "main.shop.orders"),
    ),
    Platform(
        "Trino", ("trino",), _server("trino", LIVE_PAGE), ("catalog", "schema", "table"),
        disputed_names=(_form(r"[^.\s]+\.[^.\s]+", "schema.table", TRINO),),
        example=("trino://trino.acme.example:8443", "hive.shop.orders"),
    ),
    Platform(
        "AWS Glue", ("arn:aws:glue", "glue"),
        _form(r"arn:aws(?:-[a-z]+)*:glue:[a-z0-9-]+:\d{12}", "arn:aws:glue:region:account", LIVE_PAGE),
        ("database", "table"),
        disputed_names=(_form(r"table/[^/]+/[^/]+", "table/database/table", STANDARD),),
        example=("arn:aws:glue:eu-west-1:123456789012", "shop.orders"),
    ),
    Platform(
        "S3", ("s3", "s3a", "s3n"), _form(r"s3://[A-Za-z0-9._-]+", "s3://bucket", LIVE_PAGE),
        object_store=True, example=("s3://acme-lake", "raw/orders"),
    ),
    Platform(
        "Athena", ("awsathena", "athena"),
        _form(r"awsathena://athena\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?", "awsathena://athena.region.amazonaws.com"),
        ("catalog", "database", "table"),
        example=("awsathena://athena.eu-west-1.amazonaws.com", "AwsDataCatalog.shop.orders"),
    ),
    Platform(
        "Azure Cosmos DB", ("azurecosmos",),
        _form(rf"azurecosmos://{_HOST}(?::\d+)?/dbs/[^/]+", "azurecosmos://host/dbs/database"),
        name=_form(r"/?colls/[^/]+", "colls/table"),
        example=("azurecosmos://acme.documents.azure.com/dbs/shop", "colls/orders"),
    ),
    Platform(
        "Azure Data Explorer", ("azurekusto",),
        _form(rf"azurekusto://[A-Za-z0-9_.-]+\.kusto\.(?:{_AZURE}|fabric\.microsoft\.com)",
              "azurekusto://host.kusto.windows.net"),
        name=_form(r"[^/]+/[^/]+", "database/table"),
        example=("azurekusto://acme.kusto.windows.net", "shop/orders"),
    ),
    Platform(
        "Azure Synapse", ("sqlserver",), _server("sqlserver"), ("schema", "table"), ("database",),
        example=("sqlserver://acme.sql.azuresynapse.net:1433", "dbo.orders"),
    ),
    Platform(
        "Microsoft SQL Server", ("mssql",), _server("mssql"), _TABLE,
        example=("mssql://db.acme.example:1433", "shop.dbo.orders"),
    ),
    Platform(
        "Microsoft Fabric Warehouse", ("fabric-warehouse",),
        _form(r"fabric-warehouse://[A-Za-z0-9_.-]+(?::\d+)?", "fabric-warehouse://sql-analytics-endpoint"), _TABLE,
        example=("fabric-warehouse://acme.datawarehouse.fabric.microsoft.com", "shop.dbo.orders"),
    ),
    Platform(
        "Cassandra", ("cassandra",), _server("cassandra"), ("keyspace", "table"),
        example=("cassandra://db.acme.example:9042", "shop.orders"),
    ),
    Platform(
        "MySQL", ("mysql", "mariadb"), _server("mysql"), ("database", "table"),
        example=("mysql://db.acme.example:3306", "shop.orders"),
    ),
    Platform(
        "CrateDB", ("crate", "cratedb"), _server("crate"), _TABLE,
        example=("crate://db.acme.example:5432", "crate.doc.orders"),
    ),
    Platform(
        "DB2", ("db2",), _server("db2"), _TABLE, example=("db2://db.acme.example:50000", "SHOP.PUBLIC.ORDERS"),
    ),
    Platform(
        "OceanBase", ("oceanbase",), _server("oceanbase"), ("database", "table"),
        example=("oceanbase://db.acme.example:2881", "shop.orders"),
    ),
    Platform(
        "Oracle", ("oracle",), _server("oracle"), ("service", "schema", "table"),
        example=("oracle://db.acme.example:1521", "ORCLPDB1.SHOP.ORDERS"),
    ),
    Platform(
        "Spanner", ("spanner",), _form(r"spanner://[a-z0-9.:-]+:[a-z0-9-]+", "spanner://project:instance"), _TABLE,
        example=("spanner://acme-prod:shop-instance", "shop.public.orders"),
    ),
    Platform(
        "Teradata", ("teradata",), _server("teradata"), ("database", "table"),
        example=("teradata://db.acme.example:1025", "shop.orders"),
    ),
    Platform(
        "Milvus", ("milvus",), _server("milvus"), ("database", "collection"),
        example=("milvus://vectors.acme.example:19530", "shop.products"),
    ),
    Platform(
        "Hive", ("hive", "hive2"), _server("hive"), ("database", "table"),
        example=("hive://metastore.acme.example:9083", "shop.orders"),
    ),
    Platform(
        "Unity Catalog", ("unitycatalog",),
        _form(rf"unitycatalog://{_HOST}(?::\d+)?", "unitycatalog://host, or unitycatalog://host:port"),
        ("catalog", "schema", "table"),
        example=("unitycatalog://unity.acme.example:8080", "main.shop.orders"),
    ),
    Platform("Kafka", ("kafka",), _server("kafka"), example=("kafka://broker.acme.example:9092", "shop.orders")),
    Platform(
        "Pub/Sub", ("pubsub",), _form("pubsub", "pubsub"),
        # A project can stand in a domain: example.com:acme-prod.
        name=_form(r"(?:topic|subscription):(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+:)?[^:]+:[^:]+",
                   "topic:project:id or subscription:project:id"),
        example=("pubsub", "topic:acme-prod:orders"),
    ),
    Platform(
        "Azure Data Lake", ("abfss", "abfs"),
        _form(rf"abfss://[^@/]+@[A-Za-z0-9-]+\.dfs\.(?:core\.{_AZURE}|fabric\.microsoft\.com)",
              "abfss://container@service.dfs.core.windows.net"),
        object_store=True, example=("abfss://raw@acme.dfs.core.windows.net", "shop/orders"),
    ),
    Platform(
        "Azure Blob Storage", ("wasbs", "wasb"),
        _form(rf"wasbs://[^@/]+@[A-Za-z0-9-]+\.(?:dfs|blob)\.core\.{_AZURE}",
              "wasbs://container@service.dfs.core.windows.net"),
        object_store=True, example=("wasbs://raw@acme.dfs.core.windows.net", "shop/orders"),
    ),
    Platform(
        "Databricks file system", ("dbfs",), _form(r"dbfs://[A-Za-z0-9_.-]+", "dbfs://workspace"),
        example=("dbfs://adb-4711.11.azuredatabricks.net", "/mnt/raw/orders"),
    ),
    Platform(
        "Google Cloud Storage", ("gs", "gcs"), _form(r"gs://[a-z0-9][a-z0-9._-]*", "gs://bucket"),
        object_store=True, example=("gs://acme-lake", "raw/orders"),
    ),
    Platform(
        "HDFS", ("hdfs",), _form(rf"hdfs://{_HOST}(?::\d+)?", "hdfs://namenode:port, or hdfs://nameservice"),
        example=("hdfs://namenode.acme.example:8020", "/warehouse/shop.db/orders"),
    ),
    Platform(
        "File system", ("file",), _form(rf"file(?:://{_HOST})?", "file, or file://host"),
        example=("file", "/var/lib/etl/orders.csv"),
    ),
    Platform(
        "Box", ("box",), _form(rf"box://{_HOST}:\d+/[^/\s]+", "box://host:port/enterprise-id"),
        example=("box://api.box.example:443/4711", "contracts/2026/acme.pdf"),
    ),
    Platform(
        "FileNet", ("filenet",), _form(rf"filenet://{_HOST}:\d+/[^/\s]+", "filenet://host:port/repository-id"),
        example=("filenet://p8.acme.example:9443/contracts", "2026/acme.pdf"),
    ),
    Platform(
        "SharePoint", ("mssharepoint", "sharepoint"),
        _form(rf"mssharepoint://{_HOST}:\d+/\S+", "mssharepoint://host:port/site"),
        example=("mssharepoint://acme.sharepoint.example:443/sites/finance", "reports/2026.xlsx"),
    ),
    Platform(
        "In memory", ("inmemory",), _form("inmemory://", "inmemory://"), example=("inmemory://", "orders_joined"),
    ),
    *(
        _by_draft(title, scheme)
        for title, scheme in (
            ("Iceberg", "iceberg"), ("Tableau", "tableau"), ("Looker", "looker"), ("Power BI", "powerbi"),
            ("Metabase", "metabase"), ("Sigma", "sigma"), ("Hex", "hex"), ("Fivetran", "fivetran"),
        )
    ),
)  # fmt: skip

# Platforms that many use and that neither Datadog nor the standard lists, by their schemes: there is nothing to write
# instead of these.
_UNLISTED: Mapping[str, str] = {
    "vertica": "Vertica", "mongodb": "MongoDB", "mongo": "MongoDB", "clickhouse": "ClickHouse", "ch": "ClickHouse",
    "duckdb": "DuckDB", "motherduck": "MotherDuck", "sqlite": "SQLite", "elasticsearch": "Elasticsearch",
    "opensearch": "OpenSearch", "dremio": "Dremio", "druid": "Druid", "presto": "Presto", "singlestore": "SingleStore",
    "memsql": "SingleStore", "sap": "SAP HANA", "hana": "SAP HANA", "netezza": "Netezza", "exa": "Exasol",
    "exasol": "Exasol", "firebird": "Firebird", "firebirdsql": "Firebird", "h2": "H2", "derby": "Derby",
    "informix-sqli": "Informix", "informix": "Informix", "impala": "Impala", "phoenix": "Phoenix", "neo4j": "Neo4j",
    "bolt": "Neo4j", "redis": "Redis", "dynamodb": "DynamoDB", "salesforce": "Salesforce", "doris": "Doris",
    "starrocks": "StarRocks", "greenplum": "Greenplum", "cockroachdb": "CockroachDB", "yugabytedb": "YugabyteDB",
    "sybase": "Sybase", "ignite": "Ignite", "influxdb": "InfluxDB", "pulsar": "Pulsar", "kinesis": "Kinesis",
    "rabbitmq": "RabbitMQ", "amqp": "RabbitMQ", "sftp": "SFTP", "ftp": "FTP",
}  # fmt: skip

_LONGEST_REMEMBERED = 1_024
_GLUE = re.compile(r"arn:aws[a-z-]*:glue")


@cache
def _by_scheme() -> Mapping[str, Platform]:
    """All platforms by their schemes. Raises ``ExtensionError`` for what a package brings and cannot be used."""
    found = {scheme: platform for platform in PLATFORMS for scheme in platform.schemes}
    for extension in extensions(GROUP):
        for platform in _brought(extension):
            for scheme in platform.schemes:
                if scheme in found:
                    raise ExtensionError(
                        f"{extension.package}: its platform {platform.title} has the scheme {scheme} "
                        f"that {found[scheme].title} has already"
                    )
                found[scheme] = platform
    return found


def _brought(extension: Extension) -> list[Platform]:
    value = extension.value
    brought = [value] if isinstance(value, Platform) else list(value) if isinstance(value, Iterable) else []
    if not brought or not all(isinstance(each, Platform) for each in brought):
        raise ExtensionError(
            f"{extension.package}: {extension.name} of {GROUP} is {value!r}; what is needed is a Platform, or an "
            "iterable of them"
        )
    return brought


def load_platforms() -> None:
    """Loads the platforms of other packages, which else happens when a name is first judged.

    Raises ``ExtensionError`` for what cannot be used.
    """
    _by_scheme()


def platform_of(namespace: str) -> Platform | None:
    """The platform that a namespace is meant for, whether or not it has the right form.

    Connection strings are known too: ``jdbc:postgresql://...``, ``mysql+pymysql://...``. Raises ``ExtensionError``
    where a package's platforms cannot be used.
    """
    return _last_platforms(namespace) if len(namespace) <= _LONGEST_REMEMBERED else _platform_of(namespace)


def _platform_of(namespace: str) -> Platform | None:
    lowered = namespace.strip().lower()
    if _GLUE.match(lowered):
        return _by_scheme()["arn:aws:glue"]
    scheme, _, rest = lowered.removeprefix("jdbc:").partition(":")
    scheme, driver, _ = scheme.partition("+")
    return _by_scheme().get(scheme) if rest or not driver else None


# Each rule about a name asks for it, and many datasets have the same namespace.
_last_platforms = lru_cache(maxsize=64)(_platform_of)


def unlisted_platform(namespace: str) -> str | None:
    """The title of a known platform that nobody lists, so that no form of it would be surfaced; None for all else."""
    scheme = namespace.strip().lower().removeprefix("jdbc:").partition(":")[0]
    return _UNLISTED.get(scheme.partition("+")[0])


# What name_parts looks out for besides dots.
_QUOTING = re.compile(r'[\\"`\[]')


def name_parts(name: str) -> list[str]:
    r"""The dotted parts of a name, as they are written; dots inside quotes do not part, nor does ``\.``.

    The standard escapes a dot within a part by a backslash, as its clients do; within quotes that means nothing.
    """
    if _QUOTING.search(name) is None:  # as nearly all
        return name.split(".")
    parts = []
    begin = 0
    quote = ""
    escaped = False
    for index, character in enumerate(name):
        if escaped:
            escaped = False
        elif quote:
            quote = "" if character == quote else quote
        elif character == "\\":
            escaped = True
        elif character in '"`':
            quote = character
        elif character == "[":
            quote = "]"
        elif character == ".":
            parts.append(name[begin:index])
            begin = index + 1
    return [*parts, name[begin:]]
