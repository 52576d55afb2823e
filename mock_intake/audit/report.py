"""The report on an audit, from its tables.

Spark counts; what comes to the driver is a row for each rule, the first places of each, and as many jobs, sources and
findings as a report lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it

from mock_intake.audit.tables import DATASET, EVENT, FINDING, RUN, table
from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import NamedEvent
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.report.audit_report import (
    MOST_JOBS,
    MOST_SOURCES,
    AuditReport,
    FacetCount,
    FoundByRule,
    JobReadiness,
    RuleCount,
    SourceCounts,
)
from mock_intake.report.places import Group, Place, name_of_dataset, name_of_event, name_of_job
from mock_intake.secrets.presenting import presented

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row, SparkSession

# As ``check`` goes through findings: those of events, then of runs, then of datasets.
_ABOUT = (EVENT, RUN, DATASET)
_ORDER = ("order", "at", "number")
_SEVERITIES = tuple(reversed(Severity))
# What findings of one rule may say differently, as groups have it.
_DIFFERING = ("message", "expected", "actual", "advice")
# Names that events have are of any length; so many characters of one are worth reading.
_LONGEST_NAME = 1_000
_NAMES = ("run_id", "job_namespace", "job_name", "dataset_namespace", "dataset_name", "event_type")


def report_of(
    session: SparkSession,
    directory: str,
    *,
    most_places: int = 3,
    notes: Sequence[str] = (),
) -> AuditReport:
    """The report on the audit whose tables stand in ``directory``; ``notes`` are what a reader must know to trust it.

    ``directory`` is as Spark takes paths (``spark.escaped``), ``most_places`` how many places of each finding it has.
    """
    read = partial(table, session, directory)
    events, findings, jobs = read("events"), ordered(read("findings")), read("jobs")
    sources = events.groupBy("source").agg(
        F.count("*").alias("events"), *(_count(F.col("status") == str(status), status) for status in Status)
    )
    sources = sources.persist()
    statuses = sources.agg(F.count("*").alias("sources"), *(F.sum(str(status)).alias(status) for status in Status))
    try:
        (counts,) = statuses.collect()
        worst = sources.orderBy(F.desc("error"), F.desc("warning"), "source").limit(MOST_SOURCES).collect()
    finally:
        sources.unpersist()
    by_status, listed = _jobs(jobs)
    return AuditReport(
        made_at=datetime.now(UTC),
        statuses={status: counts[status] or 0 for status in Status},
        jobs_by_status=by_status,
        runs=read("runs").count(),
        datasets=read("datasets").count(),
        sources_read=counts["sources"],
        rules=_rules(findings, most_places),
        jobs=listed,
        sources=[SourceCounts(row.source, *(row[name] for name in ("events", *map(str, Status)))) for row in worst],
        # Several formats list them.
        most_severe=cache(partial(_most_severe, findings)),
        tables=directory,
        notes=notes,
    )


def _count(condition: Column, name: str) -> Column:
    return F.count_if(condition).alias(name)


def ordered(findings: DataFrame) -> DataFrame:
    """Findings with the numbers by which ``check`` would order them, names short enough for a report."""
    shown = findings.withColumns({name: _short(name) for name in _NAMES})
    about = F.array_position(F.array(*map(F.lit, _ABOUT)), F.col("about"))
    # Those of datasets are in an order of their own.
    return shown.withColumns({"order": about, "at": F.when(F.col("about") != DATASET, F.col("position"))})


def _short(name: str) -> Column:
    """A name that is not too long; of a longer one the words that are whole, as the end of one may tell a secret."""
    column = F.col(name)
    whole = F.regexp_replace(F.substring(column, 1, _LONGEST_NAME), "[^ /]*$", "")
    cut = F.concat(whole, F.lit("... ("), F.length(column).cast("string"), F.lit(" characters)"))
    return F.when(F.length(column) > _LONGEST_NAME, cut).otherwise(column)


# What was found by each rule.


def _rules(findings: DataFrame, most_places: int) -> list[FoundByRule]:
    of_rule = ("code", "severity")
    # Hashes, as numbers are compared in place, and texts by sorting all findings.
    hashes = {name: F.xxhash64(name) for name in _DIFFERING}
    job = F.when(
        F.col("job_namespace").isNotNull() | F.col("job_name").isNotNull(), F.xxhash64(*("job_namespace", "job_name"))
    )
    counted = findings.groupBy(*of_rule).agg(
        F.count("*").alias("times"),
        F.count_distinct(job).alias("jobs"),
        *((F.min(hash_) != F.max(hash_)).alias(name) for name, hash_ in hashes.items()),
    )
    places: dict[tuple[str, str], list[Place]] = {}
    for row in first_places(findings, most_places).collect():
        places.setdefault((row.code, row.severity), []).append(_place(row))
    made = []
    for row in counted.collect():
        at = places[row.code, row.severity]
        differing = {name for name in _DIFFERING if row[name]}
        made.append(FoundByRule(Group(at[0].finding, at, row.times, differing), row.jobs))
    return made


def first_places(findings: DataFrame, most_places: int) -> DataFrame:
    """Of each rule and severity the first findings, as many as are asked for, in their order."""
    of_rule = ("code", "severity")
    first = Window.partitionBy(*of_rule).orderBy(*_ORDER)
    # Of a number so small each partition keeps its own first ones, and no more than these are sent on.
    numbered = findings.withColumn("place", F.row_number().over(first))
    return numbered.where(F.col("place") <= most_places).orderBy(*of_rule, "place")


def _most_severe(findings: DataFrame, number: int) -> list[Place]:
    """So many findings, the most severe ones and of these the first, in their order."""
    rank = F.array_position(F.array(*map(F.lit, _SEVERITIES)), F.col("severity"))
    rows = findings.orderBy(rank, *_ORDER).limit(number).collect()
    return [_place(row) for row in sorted(rows, key=lambda row: [row[name] or 0 for name in _ORDER])]


def _place(row: Row) -> Place:
    finding = _finding(row)
    if row.about == EVENT:
        return Place(finding, row.source, row.line, name=name_of_event(_event(row)))
    if row.about == RUN:
        name = f"run of {name_of_job(row.job_namespace, row.job_name)}"
        return Place(finding, row.source, row.line, f"run {presented(row.run_id or '')}", name)
    name = name_of_dataset(DatasetId(row.dataset_namespace, row.dataset_name))
    return Place(finding, row.source, row.line, name, name)


def _finding(row: Row) -> Finding:
    values: dict[str, Any] = {field: row[field] for field in FINDING.fieldNames()}
    values["source"] = values.pop("advice_source")
    return Finding(**{**values, "severity": Severity(row.severity), "sureness": Sureness(row.sureness)})


def _event(row: Row) -> NamedEvent | None:
    """As much of an event as it is called by."""
    if row.event_id is None:
        return None
    about = None if row.dataset_name is None else DatasetId(row.dataset_namespace or "", row.dataset_name)
    return NamedEvent(row.kind, row.event_type, None, row.run_id, row.job_namespace, row.job_name, about)


# Jobs.


def _jobs(jobs: DataFrame) -> tuple[dict[Status, int], list[JobReadiness]]:
    error = (F.col("error") > 0) | (F.col("errors") > 0)
    warning = ~error & ((F.col("warning") > 0) | (F.col("warnings") > 0))
    (counts,) = jobs.agg(
        F.count("*").alias("jobs"), _count(error, Status.ERROR), _count(warning, Status.WARNING)
    ).collect()
    by_status = {Status.ERROR: counts.error, Status.WARNING: counts.warning}
    by_status[Status.OK] = counts.jobs - sum(by_status.values())
    names = ("job_namespace", "job_name")
    shown = jobs.withColumns({name: _short(name) for name in names})
    worst = [F.desc(name) for name in ("error", "errors", "warning", "warnings", "events")]
    rows = shown.orderBy(*worst, *names).limit(MOST_JOBS).collect()
    return by_status, [_job(row) for row in rows]


def _job(row: Row) -> JobReadiness:
    counts = {name: row[name] for name in JobReadiness._fields if name in row}
    return JobReadiness(
        **counts,
        namespace=row.job_namespace,
        name=row.job_name,
        top=tuple(RuleCount(one["code"], Severity(one["severity"]), one["count"]) for one in _each(row.top_findings)),
        missing=tuple(FacetCount(one["facet"], one["count"]) for one in _each(row.facets_missing)),
    )


def _each(rows: Iterable[Row] | None) -> Iterable[Row]:
    return rows or ()
