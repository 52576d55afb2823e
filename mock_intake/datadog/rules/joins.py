"""Datasets that were meant to be one and are two: names that differ only in how they are written (DS101 to DS107).

Datadog matches datasets by exact string equality of namespace and name, so such a pair does not join, and
the lineage between their jobs is lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from mock_intake.datadog.placeholders import has_strays, without_strays
from mock_intake.datadog.platforms import name_parts
from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.model.event import DatasetId
from mock_intake.model.literals import Subject
from mock_intake.rules import Finding, Rule, Severity, Sureness, rule
from mock_intake.rules.definition import When
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted
from mock_intake.system.patterns import pattern_of

_TWO_NODES = "Datasets are matched by exact string equality, so these are two nodes, and no edge connects their jobs."
_ORDERS = ("postgres://db:5432", "shop.public.orders")
SCHEME_ALIASES = {
    "postgresql": "postgres",
    "pg": "postgres",
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "abfs": "abfss",
    "wasb": "wasbs",
    "mariadb": "mysql",
    "hive2": "hive",
    "sqlserver": "mssql",
    "athena": "awsathena",
}
_DEFAULT_PORTS = {
    "postgres": "5432",
    "mysql": "3306",
    "redshift": "5439",
    "oracle": "1521",
    "mssql": "1433",
    "kafka": "9092",
    "cassandra": "9042",
    "hive": "10000",
    "hdfs": "8020",
    "trino": "8080",
    "db2": "50000",
    "teradata": "1025",
    "oceanbase": "2881",
}
# Where names that differ in case can rightly be two: object stores and files, topics, BigQuery, MySQL on Linux, and
# databases that keep names as they are written.
_CASEFUL = (
    *("s3", "gs", "abfss", "wasbs", "dbfs", "hdfs", "file", "kafka", "pubsub", "bigquery", "mysql", "inmemory"),
    *("azurecosmos", "azurekusto", "clickhouse", "milvus", "mongodb"),
)
_MAY_BE_TWO = "Nothing to do if these are two: names differ in case there. Else write it alike."
_QUOTES = pattern_of(r"[\"`\[\]]")
_SLASHES = pattern_of(r"(?<!:)/{2,}")


class Pair(NamedTuple):
    """Two datasets that differ only in how they are written: ``one`` is named better. ``ways`` says how they differ."""

    one: DatasetId
    other: DatasetId
    ways: tuple[OnWay, ...]


class OnWay(When[Pair], Struct, frozen=True):
    """Two datasets that differ in this way alone: ``unify`` makes them equal. ``words`` name the way."""

    words: str
    unify: Callable[[DatasetId], DatasetId]

    @property
    def subject(self) -> Subject:
        return "dataset"


class OnSeveralWays(When[Pair], Struct, frozen=True):
    """Two datasets that differ in more ways than one."""

    @property
    def subject(self) -> Subject:
        return "dataset"


def _same_case(dataset: DatasetId) -> DatasetId:
    return DatasetId(dataset.namespace.lower(), dataset.name.lower())


def _same_scheme(dataset: DatasetId) -> DatasetId:
    scheme, separator, rest = dataset.namespace.partition("://")
    if not separator:
        return dataset
    return DatasetId(f"{SCHEME_ALIASES.get(scheme.lower(), scheme)}://{rest}", dataset.name)


def _same_port(dataset: DatasetId) -> DatasetId:
    scheme, _, _ = dataset.namespace.partition("://")
    scheme = scheme.lower()
    port = _DEFAULT_PORTS.get(SCHEME_ALIASES.get(scheme, scheme))
    if port is None:
        return dataset
    return DatasetId(re.sub(rf":{port}(?=/?$)", "", dataset.namespace), dataset.name)


def _same_slashes(dataset: DatasetId) -> DatasetId:
    namespace = dataset.namespace if dataset.namespace.endswith("://") else dataset.namespace.rstrip("/")
    return DatasetId(_SLASHES.sub("/", namespace), _SLASHES.sub("/", dataset.name).strip("/"))


def _same_quotes(dataset: DatasetId) -> DatasetId:
    return DatasetId(dataset.namespace, _QUOTES.sub("", dataset.name))


def _same_strays(dataset: DatasetId) -> DatasetId:
    if all(text.isprintable() and " " not in text for text in dataset):
        return dataset
    parts = (part.strip() for part in without_strays(dataset.name).split("."))
    return DatasetId(without_strays(dataset.namespace), ".".join(parts))


# How platforms write names that were not quoted.
_OPENING = ('"', "`", "[")
_UPPER = ("snowflake", "oracle", "db2")
_LOWER = ("postgres", "redshift", "trino", "hive", "awsathena", "databricks", "arn:aws:glue")
_SURPLUS = pattern_of(r"//|/$")


def in_platforms_case(dataset: DatasetId) -> DatasetId:
    """A dataset as its platform writes it: parts without quotes in the case that it has a rule for, if it has one."""
    scheme = "arn:aws:glue" if dataset.namespace.startswith("arn:") else dataset.namespace.partition(":")[0].lower()
    scheme = SCHEME_ALIASES.get(scheme, scheme)
    if scheme not in _UPPER and scheme not in _LOWER:
        return dataset
    change = str.upper if scheme in _UPPER else str.lower
    parts = (part if part[:1] in _OPENING else change(part) for part in name_parts(dataset.name))
    return DatasetId(dataset.namespace, ".".join(parts))


def quotes_make_two(one: DatasetId, other: DatasetId) -> bool:
    """Whether two names are rightly two: both are written as their platform writes names that were not quoted, and in
    one of them quotes keep a part in another case.
    """
    return _kept_by_quotes(one, other) or _kept_by_quotes(other, one)


def _kept_by_quotes(quoted_one: DatasetId, plain: DatasetId) -> bool:
    pairs = zip(name_parts(quoted_one.name), name_parts(plain.name), strict=False)
    as_written = all(in_platforms_case(one) == one for one in (plain, quoted_one))
    return as_written and any(
        part[:1] in _OPENING and other[:1] not in _OPENING and _unquoted_case(plain, part) != part[1:-1]
        for part, other in pairs
    )


def _unquoted_case(of: DatasetId, part: str) -> str:
    """A quoted part as the platform would write it without the quotes."""
    return in_platforms_case(DatasetId(of.namespace, part[1:-1])).name


def written_otherwise(dataset: DatasetId) -> int:
    """In how many ways a name is written other than its platform does: in case, in quotes, with slashes to spare.

    Hosts and buckets are written in lower case.
    """
    name = dataset.name
    scheme, _, rest = dataset.namespace.partition("://")
    host = scheme + rest.partition("/")[0] if rest else ""
    quotes = any(part[:1] in _OPENING and "." not in part for part in name_parts(name))
    surplus = _SURPLUS.search(name) is not None and "/" in name[:-1]
    return (host != host.lower()) + (in_platforms_case(dataset).name != name) + quotes + surplus


SLASHES = OnWay("slashes", _same_slashes)


@rule(
    "DS101",
    "differs-in-case",
    severity=Severity.WARNING,
    requirement="One dataset is written in one way, upper and lower case included.",
    because=_TWO_NODES + " It is no more than an info where names that differ in case can rightly be two: in object "
    "stores, files and topics, in BigQuery, MySQL, Cosmos DB, Data Explorer, Milvus, ClickHouse and MongoDB.",
    advice="Use the case that the platform itself reports (Snowflake: upper, PostgreSQL: lower).",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnWay("upper and lower case", _same_case),
    trigger=(_ORDERS, ("postgres://db:5432", "shop.public.Orders")),
    neighbour=(_ORDERS, ("postgres://db:5432", "shop.public.order")),
)
def differs_in_case(rule: Rule, pair: Pair) -> Iterator[Finding]:
    if _may_be_two(pair):
        yield _found(
            rule,
            pair,
            severity=Severity.INFO,
            advice=_MAY_BE_TWO,
        )
        return
    right = in_platforms_case(pair.one)
    quoted_too = (
        " A name in quotes keeps its case: where these are two, write the quotes."
        if right != pair.one or (in_platforms_case(pair.other) != pair.other)
        else ""
    )
    advice = f"{rule.advice} It would be {_text(right)}.{quoted_too}" if quoted_too else None
    found = _found(rule, pair, advice=advice)
    yield replace(found, expected=_text(right)) if right != pair.one else found


@rule(
    "DS102",
    "differs-in-scheme",
    severity=Severity.WARNING,
    requirement="One platform has one scheme.",
    because=_TWO_NODES,
    advice="Use the scheme of the naming table: postgres, s3, gs, abfss.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnWay("the scheme's spelling", _same_scheme),
    trigger=(_ORDERS, ("postgresql://db:5432", "shop.public.orders")),
    neighbour=(_ORDERS, ("mysql://db:5432", "shop.public.orders")),
)
def differs_in_scheme(rule: Rule, pair: Pair) -> Iterator[Finding]:
    yield _found(rule, pair)


@rule(
    "DS103",
    "differs-in-default-port",
    severity=Severity.WARNING,
    requirement="A server's port is always written, or never.",
    because=_TWO_NODES,
    advice="Write the port always, as the naming table has it.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnWay("the default port", _same_port),
    trigger=(_ORDERS, ("postgres://db", "shop.public.orders")),
    neighbour=(_ORDERS, ("postgres://db:5433", "shop.public.orders")),
)
def differs_in_default_port(rule: Rule, pair: Pair) -> Iterator[Finding]:
    yield _found(rule, pair)


@rule(
    "DS104",
    "differs-in-slash",
    severity=Severity.WARNING,
    requirement="Paths begin, continue and end alike.",
    because=_TWO_NODES,
    advice="Begin, join and end paths in one way in all jobs; namespaces end without a slash.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=SLASHES,
    trigger=(("s3://lake", "raw/orders"), ("s3://lake", "/raw/orders")),
    neighbour=(("s3://lake", "raw/orders"), ("s3://lake", "raw_orders")),
)
def differs_in_slash(rule: Rule, pair: Pair) -> Iterator[Finding]:
    yield _found(rule, pair)


@rule(
    "DS105",
    "differs-in-quoting",
    severity=Severity.WARNING,
    requirement="Identifiers are quoted always, or never.",
    because=_TWO_NODES,
    advice="Leave quotes out, but for a part that has a dot in it.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnWay("quotes", _same_quotes),
    trigger=(_ORDERS, ("postgres://db:5432", 'shop.public."orders"')),
    neighbour=(_ORDERS, ("postgres://db:5432", "shop.public.-orders-")),
)
def differs_in_quoting(rule: Rule, pair: Pair) -> Iterator[Finding]:
    yield _found(rule, pair)


@rule(
    "DS107",
    "differs-in-white-space",
    severity=Severity.WARNING,
    requirement="A dataset is written without white space at its ends, and without characters that nobody sees.",
    because=_TWO_NODES,
    advice="Strip what comes from files and environment variables before it becomes a name.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnWay("white space, or in characters that nobody sees", _same_strays),
    trigger=(_ORDERS, ("postgres://db:5432", "shop.public.orders ")),
    neighbour=(_ORDERS, ("postgres://db:5432", "shop.public.or ders")),
)
def differs_in_white_space(rule: Rule, pair: Pair) -> Iterator[Finding]:
    yield _found(rule, pair)


@rule(
    "DS106",
    "differs-in-several-ways",
    severity=Severity.WARNING,
    requirement="One dataset is written in one way.",
    because=_TWO_NODES,
    advice="Build all names with one function, after the naming table.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnSeveralWays(),
    trigger=(_ORDERS, ("postgresql://db", "shop.public.orders")),
    neighbour=(_ORDERS, ("postgresql://db", "shop.public.items")),
)
def differs_in_several_ways(rule: Rule, pair: Pair) -> Iterator[Finding]:
    yield _found(rule, pair)


def _may_be_two(pair: Pair) -> bool:
    """Whether names that differ in case can rightly be two; those of servers cannot."""
    scheme = pair.one.namespace.partition(":")[0].lower()
    return SCHEME_ALIASES.get(scheme, scheme) in _CASEFUL and pair.one.name != pair.other.name


def _found(rule: Rule, pair: Pair, *, severity: Severity | None = None, advice: str | None = None) -> Finding:
    one, other = _text(pair.one), _text(pair.other)
    differences = " and ".join(way.words for way in pair.ways)
    return rule.found(
        "",
        f"{other} and {one} differ only in {differences}, so they would not join",
        expected=one,
        actual=other,
        severity=severity,
        advice=advice,
    )


def _text(dataset: DatasetId) -> str:
    if any(has_strays(text) for text in dataset):  # which between quotes can be seen
        return f"{shown(dataset.namespace)} {shown(dataset.name)}"
    return f"{quoted(dataset.namespace)} {quoted(dataset.name)}"
