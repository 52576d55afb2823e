"""What to write in place of a dataset's namespace and name, where that can be told from what is there.

Connection strings (JDBC's, SQLAlchemy's, a driver's) hold all that a name in the naming table needs, in other places:
the scheme under another word, the database behind a slash or among the options, a user who does not belong there. What
is not there, such as a schema, stays a placeholder in angle brackets. Pure functions of texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from mock_intake.datadog.platforms import Platform, name_parts, platform_of
from mock_intake.system.patterns import pattern_of

# What is longer is no connection string, and nobody would read what becomes of it.
_LONGEST = 512
_JDBC = pattern_of(r"jdbc:", re.IGNORECASE)
# oracle:thin:@//host:port/service, @host:port:sid, @host:port/service
_ORACLE = pattern_of(
    r"oracle:(?:thin|oci)8?:(?:[^@/]*(?:/[^@]*)?)?@(?://)?([^/:,;?]+)(?::(\d+))?(?:[/:]([^;?]*))?", re.IGNORECASE
)
_REDSHIFT = pattern_of(
    r"([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.redshift(?:-serverless)?\.amazonaws\.com", re.IGNORECASE
)
# Forms that the vendor's pages and the standard disagree about.
_DISPUTED_CLUSTER = pattern_of(r"redshift://([\w-]+)\.([a-z]+(?:-[a-z]+)+-\d):\d+")
_DISPUTED_ACCOUNT = pattern_of(r"snowflake://(\w+-\w+)\.snowflakecomputing\.com", re.ASCII)
_DISPUTED_TABLE = pattern_of(r"table/([^/.]+)/([^/.]+)")
_SNOWFLAKE_HOST = ".snowflakecomputing.com"
# By which port a server of the platform is reached unless somebody chose another.
USUAL_PORTS: Mapping[str, int] = {
    "PostgreSQL": 5432,
    "MySQL": 3306,
    "Microsoft SQL Server": 1433,
    "Azure Synapse": 1433,
    "Oracle": 1521,
    "Trino": 8080,
    "Cassandra": 9042,
    "CrateDB": 5432,
    "DB2": 50000,
    "OceanBase": 2881,
    "Teradata": 1025,
    "Hive": 10000,
    "Kafka": 9092,
    "Milvus": 19530,
}
# Options by which drivers name what is a part of the name here.
_DATABASE = ("database", "databasename", "db", "catalog", "projectid", "project", "servicename")
_TOP, _MIDDLE = ("database", "catalog", "project", "service", "keyspace"), ("schema", "dataset")
_SCHEMA = ("schema", "currentschema", "searchpath")


# Other names of buckets: Amazon's resource names, and addresses by HTTP.
_BUCKETS = (
    ("s3", pattern_of(r"arn:aws[a-z-]*:s3:::([\w.-]+)", re.ASCII)),
    ("s3", pattern_of(r"https?://([\w.-]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com", re.ASCII)),
    ("s3", pattern_of(r"https?://s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/([\w.-]+)", re.ASCII)),
    ("gs", pattern_of(r"https?://storage\.googleapis\.com/([\w.-]+)", re.ASCII)),
)


_ONE_OF_SEVERAL = "Name one server of several, the same in all jobs."
_MOVED, _LEFT_OUT = "What follows the slash belongs into the name.", "Leave out what follows the slash."


class Correction(NamedTuple):
    """A namespace and a name in the platform's form, and what was wrong with the namespace, in sentences.

    What nobody can know but the user stands in angle brackets: ``shop.<schema>.orders``. ``namespace`` is None where
    even its form cannot be filled in: the reasons say why.
    """

    namespace: str | None
    name: str
    reasons: tuple[str, ...]


class _Address(NamedTuple):
    """The parts of a connection string, as they stand in it."""

    scheme: str
    authority: str
    user: bool
    hosts: tuple[str, ...]
    path: tuple[str, ...]
    options: Mapping[str, str]
    trailing: bool
    has_options: bool


def corrected(namespace: str, name: str) -> Correction | None:
    """What to write instead of a ``namespace`` that is not in its platform's form, and of the ``name`` beside it.

    None where the platform is not known, or nothing can be made of it. Costs no more than the texts are long, and looks
    at no more than some hundred characters of each.
    """
    if len(namespace) > _LONGEST or len(name) > _LONGEST:
        return None
    text = namespace.strip()
    platform = platform_of(text)
    if platform is None or platform.namespace.pattern.fullmatch(text):
        return None
    bare = _JDBC.sub("", text, count=1)
    address = _oracle(bare) or _parsed(bare)
    is_several = len(address.hosts) > 1 and platform.namespace.reads.endswith("://host:port")
    made = _namespace(platform, address)
    if made is None:
        return Correction(None, name, (_ONE_OF_SEVERAL,)) if is_several else None
    namespace_made, above, reasons = made
    if is_several:
        reasons = (*reasons, _ONE_OF_SEVERAL)
    if bare != text:
        reasons = ("Leave jdbc: out.", *reasons)
    right_name = _name(platform, name, above, address.options)
    if right_name == name:
        reasons = tuple(_LEFT_OUT if reason == _MOVED else reason for reason in reasons)
    return Correction(namespace_made, right_name, reasons)


def bucket_of(namespace: str, name: str) -> tuple[str, str] | None:
    """Namespace and name in the naming table's form where ``namespace`` names a bucket otherwise; None where not.

    What stands behind the bucket goes before the name.
    """
    if len(namespace) > _LONGEST or len(name) > _LONGEST:
        return None
    for scheme, pattern in _BUCKETS:
        found = pattern.match(namespace)
        rest = "" if found is None else namespace[found.end() :]
        if found is not None and rest[:1] in ("", "/"):
            above = rest.strip("/*")
            return f"{scheme}://{found[1]}", f"{above}/{name.lstrip('/')}" if above else name
    return None


def _oracle(text: str) -> _Address | None:
    found = _ORACLE.match(text)
    if found is None:
        return None
    host = found[1] + (f":{found[2]}" if found[2] else "")
    path = (found[3],) if found[3] else ()
    return _Address("oracle:thin", host, False, (host,), path, {}, trailing=False, has_options=False)


def _parsed(text: str) -> _Address:
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, _, rest = text.partition(":")
        rest = rest.lstrip("/")
    rest, question, query = rest.partition("?")
    rest, semicolon, settings = rest.partition(";")
    if rest.startswith(("http://", "https://")):  # of an API, behind which the path says nothing
        rest = rest.partition("://")[2].partition("/")[0]
    options = {}
    for option in (*query.replace(";", "&").split("&"), *settings.split(";")):
        key, equals, value = option.partition("=")
        if equals and value:
            options[key.strip().lower()] = value.strip()
    authority, slash, path = rest.partition("/")
    user, at, hosts = authority.rpartition("@")
    segments = tuple(segment for segment in path.split("/") if segment)
    return _Address(
        scheme,
        authority,
        bool(at and user),
        tuple(host.strip() for host in hosts.split(",") if host.strip()),
        segments,
        options,
        trailing=bool(slash) and not segments,
        has_options=bool(question or semicolon),
    )


Made = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A namespace, what stood in it that belongs before the name, and what was wrong."""


def _namespace(platform: Platform, address: _Address) -> Made | None:
    right = platform.schemes[0]
    reasons = []
    if address.scheme != right and right != "arn:aws:glue":
        reasons.append(f"The scheme is {right}, not {address.scheme}.")
    if address.user and not platform.object_store:
        reasons.append("Take user name and password out.")
    host = address.hosts[0] if address.hosts else ""
    path = address.path
    if platform.namespace.reads in ("bigquery", "pubsub", "inmemory://"):
        # A project stands there, unless it is the address of an API.
        above = (host, *path) if host and not host.endswith("googleapis.com") else ()
        return platform.namespace.reads, above, (*reasons, f"The namespace is {platform.namespace.reads} alone.")
    if platform.title == "Snowflake":
        return _snowflake(host, path, reasons)
    if platform.title == "Redshift":
        return _redshift(host, path, reasons)
    if platform.namespace.reads.endswith("://host:port"):
        made = _server(platform, host, reasons)
        if made is None:
            return None
    elif platform.title == "File system":
        if address.trailing or not path:
            return None
        return ("file" if not host else f"file://{host}"), path, (*reasons, _MOVED)
    else:
        # Before the @ of an object store stands its container; a workspace has no port.
        place = address.authority if platform.object_store else host.partition(":")[0] if _is_bare(platform) else host
        made = f"{right}://{place}"
        if not platform.namespace.pattern.fullmatch(made):
            return None
    if path:
        reasons.append(_MOVED)
    elif address.trailing:
        reasons.append("Leave the slash at the end out.")
    if address.has_options:
        reasons.append("Leave the options out.")
    return made, path, tuple(reasons)


def _is_bare(platform: Platform) -> bool:
    """Whether a namespace of the platform is a host without a port."""
    return platform.title in ("Databricks", "Databricks file system")


def _server(platform: Platform, host: str, reasons: list[str]) -> str | None:
    """``scheme://host:port``, with the platform's usual port where none is there."""
    right = platform.schemes[0]
    made = f"{right}://{host}"
    if platform.namespace.pattern.fullmatch(made):
        return made
    usual = USUAL_PORTS.get(platform.title)
    if not host or usual is None or not platform.namespace.pattern.fullmatch(f"{made}:{usual}"):
        return None
    reasons.append(f"The port is missing; {usual} is the usual one.")
    return f"{made}:{usual}"


def _snowflake(host: str, path: tuple[str, ...], reasons: list[str]) -> Made | None:
    account = host.partition(":")[0].removesuffix(_SNOWFLAKE_HOST)
    if host != account:
        reasons.append("The account's name alone, without host name and port.")
    if path:
        reasons.append(_MOVED)
    made = f"snowflake://{account}"
    platform = platform_of(made)
    return (made, path, tuple(reasons)) if platform and platform.namespace.pattern.fullmatch(made) else None


def _redshift(host: str, path: tuple[str, ...], reasons: list[str]) -> Made | None:
    found = _REDSHIFT.fullmatch(host.partition(":")[0])
    if found is None:
        return None
    reasons.append("Cluster and region stand in the host's name; the AWS account is known to you alone.")
    return f"redshift://<aws_account_id>:{found[2]}:{found[1]}", path, tuple(reasons)


def _name(platform: Platform, name: str, path: tuple[str, ...], options: Mapping[str, str]) -> str:
    """The name with what stood in the namespace and belongs before it."""
    if platform.parts and platform.name is None and not platform.object_store:
        return completed(platform, name, path, options)
    if platform.is_path and path and name.strip("/"):
        begin = "/" if platform.title in ("File system", "HDFS", "Databricks file system") else ""
        return begin + "/".join((*path, name.strip("/")))
    return name


def completed(
    platform: Platform, name: str, path: tuple[str, ...] = (), options: Mapping[str, str] | None = None
) -> str:
    """The ``name`` of a table with all parts of its platform: from ``path`` and ``options`` of its namespace, else in
    angle brackets.

    A name that has them all, or none, is given back as it is.
    """
    options = options or {}
    database = path[0] if path else _option(options, _DATABASE)
    schema = path[1] if len(path) > 1 else _option(options, _SCHEMA)
    written = name_parts(name)
    parts = [part for part in written if part.strip()]
    if not parts:
        return name
    if platform.optional and len(parts) == len(written) == len(platform.parts):
        return ".".join((database, *parts)) if database else name  # it may be left out
    if len(written) == len(platform.parts):
        named = zip(written, platform.parts, strict=True)
        known = {part: value for value, part in named if value.strip()}
    elif len(parts) >= len(platform.parts):
        return name
    else:
        # From the right: the table, then what is above it; but a name may begin with the database all the same.
        own = parts[1:] if database and parts[0] == database and len(parts) > 1 else parts
        known = dict(zip(reversed(platform.parts), reversed(own), strict=False))
    for part in platform.parts[:-1]:
        value = database if part in _TOP else schema if part in _MIDDLE else None
        if value:
            known.setdefault(part, value)
    return ".".join(known.get(part, f"<{part}>") for part in platform.parts)


def in_live_form(platform: Platform, text: str) -> str | None:
    """A namespace or a name in a disputed form as the vendor's live page has it; None where that needs what is not
    there.
    """
    if len(text) > _LONGEST:
        return None
    if platform.title == "Redshift" and (found := _DISPUTED_CLUSTER.fullmatch(text)):
        return f"redshift://<aws_account_id>:{found[2]}:{found[1]}"
    if platform.title == "Snowflake" and (found := _DISPUTED_ACCOUNT.fullmatch(text)):
        return f"snowflake://{found[1]}"
    if platform.title == "AWS Glue" and (found := _DISPUTED_TABLE.fullmatch(text)):
        return f"{found[1]}.{found[2]}"
    if platform.title == "Trino" and "://" not in text and completed(platform, text) != text:
        return completed(platform, text)
    return None


def _option(options: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((options[name] for name in names if name in options), None)
