"""The tables of an audit, made of what its steps have found."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import StructType

from mock_intake.audit.internal import known_rows
from mock_intake.audit.places import Places, line, position, shift
from mock_intake.audit.tables import (
    DATASET,
    DATASETS,
    EVENT,
    EVENTS,
    FACETS_MISSED,
    FINDING,
    FINDINGS,
    JOBS,
    RUN,
    RUNS,
    TOP_FINDINGS,
)
from mock_intake.model.findings import Severity

_JOB = ("job_namespace", "job_name")


def _shaped(rows: DataFrame, shape: StructType) -> DataFrame:
    """The columns of a table, those that ``rows`` lacks as nulls."""
    there = set(rows.columns)
    # As texts: of functions, each would be a dozen calls into Java.
    return rows.selectExpr(
        *[
            f"cast({f'`{field.name}`' if field.name in there else 'null'} as {field.dataType.simpleString()})"
            f" as `{field.name}`"
            for field in shape.fields
        ]
    )


def events(places: Places, judged: DataFrame, repeats: DataFrame | None) -> DataFrame:
    """``events``: what was judged; ``repeats`` are the findings of events that had come before."""
    placed = places.of(judged).select(
        *[column for column in judged.columns if column not in ("number", "line", "count")],
        position().alias("position"), line().alias("line"), sql.col("count").alias("findings"),
    )  # fmt: skip
    if repeats is not None:
        again = repeats.groupBy("position").agg(sql.count("*").alias("more"))
        more = sql.col("findings") + sql.coalesce("more", sql.lit(0))
        placed = placed.join(again, "position", "left").withColumn("findings", more)
    return _shaped(placed, EVENTS)


def findings_of_events(places: Places, judged: DataFrame) -> DataFrame:
    """The part of ``findings`` that is about events, but for repeats."""
    placed = places.of(judged).select(
        *[column for column in judged.columns if column not in ("number", "line", "count", "about")],
        position().alias("position"), line().alias("line"), sql.col("count").alias("number"),
        sql.lit(EVENT).alias("about"),
    )  # fmt: skip
    return _shaped(placed, FINDINGS)


def findings_of_settled_runs(judged: DataFrame) -> DataFrame:
    """The part of ``findings`` that is about runs that their blocks have closed."""
    placed = judged.select(
        *[column for column in judged.columns if column not in ("number", "line", "count", "about")],
        (sql.col("heard") + shift()).alias("position"), line().alias("line"), sql.col("count").alias("number"),
        sql.lit(RUN).alias("about"),
    )  # fmt: skip
    return _shaped(placed, FINDINGS)


def findings_of_closing(closed: DataFrame) -> DataFrame:
    """The part of ``findings`` that is about runs, and about events that had come before."""
    return _shaped(closed, FINDINGS)


def findings_of_datasets(missed: DataFrame, places_of_datasets: DataFrame, latest: DataFrame) -> DataFrame:
    """The part of ``findings`` that is about datasets; ``latest`` is the last event of all."""
    last = latest.select(*[sql.col(name).alias(f"latest_{name}") for name in ("position", "source", "line")])
    at = places_of_datasets.select("payload", "position", "source", "line")
    found = missed.join(at, "payload", "left").crossJoin(sql.broadcast(last))
    placed = found.select(
        "number", "dataset_namespace", "dataset_name", *FINDING.names, sql.lit(DATASET).alias("about"),
        *[sql.coalesce(name, f"latest_{name}").alias(name) for name in ("position", "source", "line")],
    )  # fmt: skip
    return _shaped(placed, FINDINGS)


def settled_runs(judged: DataFrame) -> DataFrame:
    """The part of ``runs`` that their blocks have closed."""
    placed = judged.select(
        *[column for column in judged.columns if column not in ("number", "line")],
        (sql.col("heard") + shift()).alias("position"), line().alias("line"), sql.lit(0).alias("number"),
    )  # fmt: skip
    return _shaped(placed, RUNS)


def runs(closed: DataFrame) -> DataFrame:
    """``runs``."""
    return _shaped(closed, RUNS)


def datasets(seen: DataFrame, findings: DataFrame) -> DataFrame:
    """``datasets``: ``seen`` with the sources of its files."""
    of = findings.where(sql.col("about") == DATASET).groupBy("dataset_namespace", "dataset_name")
    counts = of.agg(sql.count("*").alias("findings"))
    named = (sql.col("namespace") == sql.col("dataset_namespace")) & (sql.col("name") == sql.col("dataset_name"))
    return _shaped(seen.join(counts, named, "left").fillna(0, "findings"), DATASETS)


def jobs(events: DataFrame, runs: DataFrame, findings: DataFrame) -> DataFrame:
    """``jobs``, of the other tables."""
    named = sql.col("job_name").isNotNull() | sql.col("job_namespace").isNotNull()
    statuses = [_number(sql.col("status") == status).alias(status) for status in ("ok", "warning", "error")]
    of_events = events.where(named).groupBy(*_JOB).agg(sql.count("*").alias("events"), *statuses)
    states = {"completed": "COMPLETE", "failed": "FAIL", "aborted": "ABORT"}
    ended = [_number(sql.col("state") == state).alias(name) for name, state in states.items()]
    is_unfinished = sql.coalesce(~sql.col("state").isin(*states.values()), sql.lit(True))
    of_runs = runs.groupBy(*_JOB).agg(sql.count("*").alias("runs"), *ended, _number(is_unfinished).alias("unfinished"))
    return _shaped(
        reduce(_beside, (of_runs, _findings_by_job(findings.where(named))), of_events)
        .withColumn("ok_share", sql.col("ok") / sql.col("events"))
        .withColumn("error_share", sql.col("error") / sql.col("events"))
        .fillna(0, [name for name in JOBS.names if name not in ("top_findings", "facets_missing")]),
        JOBS,
    )


def _beside(of_job: DataFrame, more: DataFrame) -> DataFrame:
    # Of an event one of the two names may be missing.
    others = more.withColumnsRenamed({name: f"other_{name}" for name in _JOB})
    same = [sql.col(name).eqNullSafe(sql.col(f"other_{name}")) for name in _JOB]
    return of_job.join(others, same, "left").drop(*[f"other_{name}" for name in _JOB])


def _findings_by_job(findings: DataFrame) -> DataFrame:
    each = findings.groupBy(*_JOB, "code", "severity").agg(sql.count("*").alias("count"))
    ranks = [item for severity in Severity for item in (sql.lit(severity.value), sql.lit(severity.rank))]
    rank = sql.create_map(*ranks)[sql.col("severity")]
    # The worst first, then the most: a descending sort, codes going backwards in it.
    found = sql.struct(rank.alias("rank"), "count", "code", "severity")
    worst = sql.slice(sql.sort_array(sql.collect_list(found), asc=False), 1, TOP_FINDINGS)
    facet = sql.create_map(*[sql.lit(text) for pair in FACETS_MISSED.items() for text in pair])[sql.col("code")]
    missed = sql.collect_list(
        sql.when(facet.isNotNull(), sql.struct(facet.alias("facet"), sql.col("count").alias("count")))
    )
    severities = [
        sql.sum(sql.when(sql.col("severity") == severity.value, sql.col("count")).otherwise(0)).alias(f"{severity}s")
        for severity in Severity
    ]
    top = sql.transform(worst, lambda one: sql.struct(one["code"], one["severity"], one["count"]))
    return each.groupBy(*_JOB).agg(
        *severities, top.alias("top_findings"), sql.sort_array(missed).alias("facets_missing")
    )


def _number(condition: Column) -> Column:
    return sql.count(sql.when(condition, 1))


def nothing(spark: SparkSession, shape: StructType) -> DataFrame:
    """A table without rows."""
    return known_rows(spark, [], shape)
