"""Datasets that were meant to be one and are two: names that differ only in how they are written.

Datadog matches datasets by exact string equality of namespace and name, so such a pair does not join, and
the lineage between their jobs is lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from mock_intake.datadog.naming import naming_issues
from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.event import DatasetId
from mock_intake.findings import Finding, Rule, Severity, Sureness
from mock_intake.redaction import redacted


def _dataset(code: str, name: str, requirement: str, advice: str) -> Rule:
    return Rule(
        code,
        name,
        Severity.WARNING,
        "dataset",
        requirement,
        "Datasets are matched by exact string equality, so these are two nodes, and no edge connects their jobs.",
        advice,
        CUSTOM_JOBS,
        Sureness.DOCUMENTED,
    )


CASE = _dataset(
    "DS101", "differs-in-case",
    "One dataset is written in one way, upper and lower case included.",
    "Use the case that the platform itself reports (Snowflake: upper, PostgreSQL: lower).",
)  # fmt: skip
SCHEME = _dataset(
    "DS102", "differs-in-scheme",
    "One platform has one scheme.",
    "Use the scheme of the naming table: postgres, s3, gs, abfss.",
)  # fmt: skip
PORT = _dataset(
    "DS103", "differs-in-default-port",
    "A server's port is always written, or never.",
    "Write the port always, as the naming table has it.",
)  # fmt: skip
SLASH = _dataset(
    "DS104", "differs-in-slash",
    "Paths begin, continue and end alike.",
    "Begin, join and end paths in one way in all jobs; namespaces end without a slash.",
)  # fmt: skip
QUOTING = _dataset(
    "DS105", "differs-in-quoting",
    "Identifiers are quoted always, or never.",
    "Leave quotes out, but for a part that has a dot in it.",
)  # fmt: skip
SEVERAL = _dataset(
    "DS106", "differs-in-several-ways",
    "One dataset is written in one way.",
    "Build all names with one function, after the naming table.",
)  # fmt: skip

RULES = (CASE, SCHEME, PORT, SLASH, QUOTING, SEVERAL)

_SCHEME_ALIASES = {
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
# Where names that differ in case can rightly be two.
_CASEFUL = ("s3", "gs", "abfss", "wasbs", "dbfs", "hdfs", "file", "kafka", "pubsub")
_QUOTES = re.compile(r"[\"`\[\]]")
_SLASHES = re.compile(r"(?<!:)/{2,}")


def _same_case(dataset: DatasetId) -> DatasetId:
    return DatasetId(dataset.namespace.lower(), dataset.name.lower())


def _same_scheme(dataset: DatasetId) -> DatasetId:
    scheme, separator, rest = dataset.namespace.partition("://")
    if not separator:
        return dataset
    return dataset._replace(namespace=f"{_SCHEME_ALIASES.get(scheme.lower(), scheme)}://{rest}")


def _same_port(dataset: DatasetId) -> DatasetId:
    scheme, _, _ = dataset.namespace.partition("://")
    scheme = scheme.lower()
    port = _DEFAULT_PORTS.get(_SCHEME_ALIASES.get(scheme, scheme))
    if port is None:
        return dataset
    return dataset._replace(namespace=re.sub(rf":{port}(?=/?$)", "", dataset.namespace))


def _same_slashes(dataset: DatasetId) -> DatasetId:
    namespace = dataset.namespace if dataset.namespace.endswith("://") else dataset.namespace.rstrip("/")
    return DatasetId(_SLASHES.sub("/", namespace), _SLASHES.sub("/", dataset.name).strip("/"))


def _same_quotes(dataset: DatasetId) -> DatasetId:
    return dataset._replace(name=_QUOTES.sub("", dataset.name))


_WAYS: tuple[tuple[Rule, str, Callable[[DatasetId], DatasetId]], ...] = (
    (CASE, "upper and lower case", _same_case),
    (SCHEME, "the scheme's spelling", _same_scheme),
    (PORT, "the default port", _same_port),
    (SLASH, "slashes", _same_slashes),
    (QUOTING, "quotes", _same_quotes),
)


def join_key(dataset: DatasetId) -> DatasetId:
    """What two datasets have in common that differ only in how they are written."""
    for _, _, unify in (_WAYS[4], _WAYS[3], _WAYS[2], _WAYS[1], _WAYS[0]):
        dataset = unify(dataset)
    return _same_slashes(dataset)


def ways_apart(one: DatasetId, other: DatasetId) -> list[tuple[Rule, str]]:
    """In which ways two datasets with the same join key differ."""
    alone = [(rule, words) for rule, words, unify in _WAYS if unify(one) == unify(other)]
    if alone:
        return alone[:1]
    return [(rule, words) for rule, words, unify in _WAYS if unify(one) != one or unify(other) != other]


class NearMiss(NamedTuple):
    """A dataset that would not join another one, and was probably meant to."""

    one: DatasetId
    other: DatasetId
    finding: Finding


def judge_joins(groups: Mapping[DatasetId, Iterable[DatasetId]]) -> Iterator[Finding]:
    """Findings for datasets, grouped by join key, that would not join."""
    return (miss.finding for miss in near_misses(groups))


def near_misses(groups: Mapping[DatasetId, Iterable[DatasetId]]) -> Iterator[NearMiss]:
    """Datasets, grouped by join key, that would not join.

    Each is held against the one of its group that is named best, else the one that came first.
    """
    for group in groups.values():
        names = list(group)
        if len(names) > 1:
            best = min(names, key=lambda name: len(naming_issues(name.namespace, name.name)))
            for other in names:
                if other != best:
                    yield NearMiss(best, other, _finding(best, other))


def _finding(one: DatasetId, other: DatasetId) -> Finding:
    ways = ways_apart(one, other)
    rule = ways[0][0] if len(ways) == 1 else SEVERAL
    differences = " and ".join(words for _, words in ways)
    scheme = one.namespace.partition(":")[0].lower()
    caseful = rule is CASE and _SCHEME_ALIASES.get(scheme, scheme) in _CASEFUL
    return redacted(
        rule.found(
            "",
            f"{other} and {one} differ only in {differences}, so they would not join",
            expected=str(one),
            actual=str(other),
            severity=Severity.INFO if caseful else None,
            advice="Nothing to do if these are two: names differ in case there. Else write it alike."
            if caseful
            else None,
        )
    )
