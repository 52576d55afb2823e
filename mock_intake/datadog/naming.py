"""How datasets are named, platform by platform, and what is wrong with a name.

The table joins Datadog's live page, its draft, and the standard's naming table for platforms that Datadog
does not list. Where they disagree the live page's form is right, and the others are disputed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from mock_intake.datadog import rules
from mock_intake.datadog.sources import CUSTOM_JOBS, STANDARD_NAMING
from mock_intake.findings import Rule
from mock_intake.redaction import redact

LIVE_PAGE = "Datadog's live page"
DRAFT_PAGE = "Datadog's draft page"
STANDARD = "the OpenLineage standard"


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing something: a pattern, how it reads, and who has it so."""

    pattern: re.Pattern[str]
    reads: str
    by: str


@dataclass(frozen=True, slots=True)
class Platform:
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

    @property
    def source(self) -> str:
        return CUSTOM_JOBS if self.namespace.by == LIVE_PAGE else STANDARD_NAMING


def _form(pattern: str, reads: str, by: str = STANDARD) -> Form:
    return Form(re.compile(pattern), reads, by)


_HOST = r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])"


def _server(scheme: str, by: str = STANDARD) -> Form:
    return _form(rf"{scheme}://{_HOST}:\d+", f"{scheme}://host:port", by)


_TABLE = ("database", "schema", "table")

PLATFORMS: tuple[Platform, ...] = (
    Platform("BigQuery", ("bigquery",), _form("bigquery", "bigquery", LIVE_PAGE), ("project", "dataset", "table")),
    Platform(
        "Snowflake", ("snowflake",),
        _form(r"snowflake://(?!.*\.snowflakecomputing\.com)[A-Za-z0-9_]+-[A-Za-z0-9_-]+",
              "snowflake://organisation-account", LIVE_PAGE),
        _TABLE,
        disputed=(
            _form(r"snowflake://[A-Za-z0-9_.-]+\.snowflakecomputing\.com",
                  "snowflake://account.snowflakecomputing.com", DRAFT_PAGE),
        ),
    ),
    Platform(
        "Redshift", ("redshift",),
        _form(r"redshift://\d{12}:[a-z0-9-]+:[A-Za-z0-9-]+", "redshift://aws_account_id:region:cluster", LIVE_PAGE),
        _TABLE,
        disputed=(
            _form(r"redshift://[A-Za-z0-9-]+\.[a-z0-9-]+:\d+",
                  "redshift://cluster.region:port", f"{DRAFT_PAGE} and {STANDARD}"),
        ),
    ),
    Platform("PostgreSQL", ("postgres", "postgresql", "pg"), _server("postgres", LIVE_PAGE), _TABLE),
    Platform(
        "Databricks", ("databricks",),
        _form(r"databricks://[A-Za-z0-9_.-]+", "databricks://workspace-url", LIVE_PAGE), _TABLE,
    ),
    Platform("Trino", ("trino",), _server("trino", LIVE_PAGE), ("catalog", "schema", "table")),
    Platform(
        "AWS Glue", ("arn:aws:glue", "glue"),
        _form(r"arn:aws(?:-[a-z]+)*:glue:[a-z0-9-]+:\d{12}", "arn:aws:glue:region:account", LIVE_PAGE),
        ("database", "table"),
        disputed_names=(_form(r"table/[^/]+/[^/]+", "table/database/table", STANDARD),),
    ),
    Platform(
        "S3", ("s3", "s3a", "s3n"), _form(r"s3://[A-Za-z0-9._-]+", "s3://bucket", LIVE_PAGE),
        object_store=True,
    ),
    Platform(
        "Athena", ("awsathena", "athena"),
        _form(r"awsathena://athena\.[a-z0-9-]+\.amazonaws\.com", "awsathena://athena.region.amazonaws.com"),
        ("catalog", "database", "table"),
    ),
    Platform(
        "Azure Cosmos DB", ("azurecosmos",),
        _form(rf"azurecosmos://{_HOST}(?::\d+)?/dbs/[^/]+", "azurecosmos://host/dbs/database"),
        name=_form(r"/?colls/[^/]+", "colls/table"),
    ),
    Platform(
        "Azure Data Explorer", ("azurekusto",),
        _form(r"azurekusto://[A-Za-z0-9_.-]+\.kusto\.windows\.net", "azurekusto://host.kusto.windows.net"),
        name=_form(r"[^/]+/[^/]+", "database/table"),
    ),
    Platform("Azure Synapse", ("sqlserver",), _server("sqlserver"), ("schema", "table"), ("database",)),
    Platform("Microsoft SQL Server", ("mssql",), _server("mssql"), _TABLE),
    Platform("Cassandra", ("cassandra",), _server("cassandra"), ("keyspace", "table")),
    Platform("MySQL", ("mysql", "mariadb"), _server("mysql"), ("database", "table")),
    Platform("CrateDB", ("crate", "cratedb"), _server("crate"), _TABLE),
    Platform("DB2", ("db2",), _server("db2"), _TABLE),
    Platform("OceanBase", ("oceanbase",), _server("oceanbase"), ("database", "table")),
    Platform("Oracle", ("oracle",), _server("oracle"), ("service", "schema", "table")),
    Platform("Teradata", ("teradata",), _server("teradata"), ("database", "table")),
    Platform("Hive", ("hive", "hive2"), _server("hive"), ("database", "table")),
    Platform("Kafka", ("kafka",), _server("kafka")),
    Platform(
        "Pub/Sub", ("pubsub",), _form("pubsub", "pubsub"),
        name=_form(r"(?:topic|subscription):[^:]+:[^:]+", "topic:project:id or subscription:project:id"),
    ),
    Platform(
        "Azure Data Lake", ("abfss", "abfs"),
        _form(r"abfss://[^@/]+@[A-Za-z0-9-]+\.dfs\.core\.windows\.net",
              "abfss://container@service.dfs.core.windows.net"),
        object_store=True,
    ),
    Platform(
        "Azure Blob Storage", ("wasbs", "wasb"),
        _form(r"wasbs://[^@/]+@[A-Za-z0-9-]+\.(?:dfs|blob)\.core\.windows\.net",
              "wasbs://container@service.dfs.core.windows.net"),
        object_store=True,
    ),
    Platform("Databricks file system", ("dbfs",), _form(r"dbfs://[A-Za-z0-9_.-]+", "dbfs://workspace")),
    Platform("Google Cloud Storage", ("gs", "gcs"), _form(r"gs://[a-z0-9][a-z0-9._-]*", "gs://bucket"),
             object_store=True),
    Platform("HDFS", ("hdfs",), _form(rf"hdfs://{_HOST}(?::\d+)?", "hdfs://namenode:port, or hdfs://nameservice")),
    Platform("File system", ("file",), _form(rf"file(?:://{_HOST})?", "file, or file://host")),
)  # fmt: skip

_BY_SCHEME = {scheme: platform for platform in PLATFORMS for scheme in platform.schemes}
_GLUE = re.compile(r"arn:aws[a-z-]*:glue")
# A project of BigQuery can stand in a domain, which has dots of its own.
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+:")
MAX_OBJECT_LEVELS = 3


class NamingIssue(NamedTuple):
    """What a rule has to say about a dataset's namespace or name, wherever in an event it stands."""

    rule: Rule
    field: Literal["namespace", "name"]
    message: str
    expected: str
    actual: str
    advice: str | None


def platform_of(namespace: str) -> Platform | None:
    """The platform that a namespace is meant for, whether or not it has the right form."""
    lowered = namespace.strip().lower()
    if _GLUE.match(lowered):
        return _BY_SCHEME["arn:aws:glue"]
    return _BY_SCHEME.get(lowered.partition(":")[0])


def name_parts(name: str) -> list[str]:
    """The dotted parts of a name; dots inside quotes do not part."""
    parts = []
    begin = 0
    quote = ""
    for index, character in enumerate(name):
        if quote:
            quote = "" if character == quote else quote
        elif character in '"`':
            quote = character
        elif character == "[":
            quote = "]"
        elif character == ".":
            parts.append(name[begin:index])
            begin = index + 1
    return [*parts, name[begin:]]


@lru_cache(maxsize=4096)
def naming_issues(namespace: str, name: str) -> tuple[NamingIssue, ...]:
    """All that is wrong with a dataset's namespace and name. Pure, and remembered."""
    platform = platform_of(namespace)
    if platform is None:
        return (
            NamingIssue(
                rules.NAMESPACE_UNRECOGNISED,
                "namespace",
                f"the namespace {_quoted(namespace)} is of no platform that Datadog or the standard lists, "
                "so the dataset is not surfaced in the product",
                "a namespace such as postgres://host:port, s3://bucket, bigquery or snowflake://organisation-account",
                _quoted(namespace),
                None,
            ),
        )
    return (*_namespace_issues(platform, namespace), *_name_issues(platform, name))


def _namespace_issues(platform: Platform, namespace: str) -> Iterator[NamingIssue]:
    if platform.namespace.pattern.fullmatch(namespace):
        return
    for form in platform.disputed:
        if form.pattern.fullmatch(namespace):
            yield _disputed(platform, "namespace", namespace, form, platform.namespace)
            return
    reads = platform.namespace.reads
    yield NamingIssue(
        rules.NAMESPACE_MALFORMED,
        "namespace",
        f"the namespace {_quoted(namespace)} is not in the form of {platform.title}",
        f"{reads} ({platform.namespace.by})",
        _quoted(namespace),
        f"Write it as {reads}.{_hint(platform, namespace)}",
    )


def _hint(platform: Platform, namespace: str) -> str:
    scheme, _, rest = namespace.partition("://")
    right = platform.schemes[0]
    if not rest and platform.namespace.reads.endswith("://host:port"):
        return " Host and port are missing."
    if "," in rest and platform.namespace.reads.endswith("://host:port"):
        return " Name one server of several, the same in all jobs."
    if "@" in rest and not platform.object_store:
        return " Take user name and password out."
    if scheme != right and scheme.lower() in platform.schemes and right != "arn:aws:glue":
        return f" The scheme is {right}, not {scheme}."
    if rest.endswith("/"):
        return " Leave the slash at the end out."
    if "/" in rest:
        return " What follows the slash belongs into the name."
    if platform.namespace.reads.endswith(":port") and not re.search(r":\d+$", rest):
        return " The port is missing."
    return ""


def _name_issues(platform: Platform, name: str) -> Iterator[NamingIssue]:
    if not name.strip():
        yield _empty(platform, name)
    elif platform.object_store:
        yield from _object_issues(platform, name)
    elif platform.name is not None:
        if not platform.name.pattern.fullmatch(name):
            yield _wrong_name(platform, name, platform.name)
    elif platform.parts:
        yield from _table_issues(platform, name)


def _table_issues(platform: Platform, name: str) -> Iterator[NamingIssue]:
    for form in platform.disputed_names:
        if form.pattern.fullmatch(name):
            right = _form("", ".".join(platform.parts), platform.namespace.by)
            yield _disputed(platform, "name", name, form, right)
            return
    parts = name_parts(_unwrapped(platform, name))
    wanted = ".".join(platform.parts)
    if len(parts) < len(platform.parts) or not all(part.strip() for part in parts):
        yield _short(platform, name, wanted)
    elif len(parts) > len(platform.parts) + len(platform.optional):
        known = " or ".join(str(len(platform.parts) + more) for more in range(len(platform.optional) + 1))
        yield NamingIssue(
            rules.NAME_TOO_LONG,
            "name",
            f"the name {_quoted(name)} has {len(parts)} parts; {platform.title} knows {known}",
            ".".join((*platform.optional, *platform.parts)),
            _quoted(name),
            None,
        )


def _unwrapped(platform: Platform, name: str) -> str:
    """The name without what BigQuery has around or before its parts: quotes around all of it, a project's domain."""
    if platform.title != "BigQuery":
        return name
    if len(name) > 2 and name[0] == name[-1] == "`" and "`" not in name[1:-1]:
        name = name[1:-1]
    domain = _DOMAIN.match(name)
    return name[domain.end() :] if domain else name


def _object_issues(platform: Platform, name: str) -> Iterator[NamingIssue]:
    levels = [level for level in name.split("/") if level]
    if name == "/":
        return  # the whole bucket
    if not levels:
        yield _short(platform, name, "path/of/the/dataset")
    elif len(levels) > MAX_OBJECT_LEVELS:
        kept = "/".join(levels[:MAX_OBJECT_LEVELS])
        yield NamingIssue(
            rules.PATH_TOO_DEEP,
            "name",
            f"the path has {len(levels)} levels and is cut to {kept}",
            f"at most {MAX_OBJECT_LEVELS} levels that matter",
            _quoted(name),
            None,
        )


def _empty(platform: Platform, name: str) -> NamingIssue:
    wanted = ".".join(platform.parts) or (platform.name.reads if platform.name else None)
    advice = f"Write it as {wanted}." if wanted else None
    return NamingIssue(rules.NAME_TOO_SHORT, "name", "the name is empty", wanted or "a name", _quoted(name), advice)


def _short(platform: Platform, name: str, wanted: str) -> NamingIssue:
    message = f"the name {_quoted(name)} has fewer parts than a dataset in {platform.title} has"
    return NamingIssue(rules.NAME_TOO_SHORT, "name", message, wanted, _quoted(name), f"Write it as {wanted}.")


def _wrong_name(platform: Platform, name: str, form: Form) -> NamingIssue:
    message = f"the name {_quoted(name)} is not in the form of {platform.title}"
    return NamingIssue(rules.NAME_MALFORMED, "name", message, form.reads, _quoted(name), f"Write it as {form.reads}.")


def _disputed(
    platform: Platform, field: Literal["namespace", "name"], actual: str, used: Form, right: Form
) -> NamingIssue:
    return NamingIssue(
        rules.FORM_DISPUTED,
        field,
        f"this form of the {field} is disputed for {platform.title}: {used.reads} stands in {used.by}, "
        f"{right.reads} in {right.by}",
        f"{right.reads} ({right.by})",
        _quoted(actual),
        None,
    )


def _quoted(text: str) -> str:
    text = redact(text)  # before it is cut, which can take away what tells a secret
    return f'"{text}"' if len(text) <= 100 else f'"{text[:97]}..."'
