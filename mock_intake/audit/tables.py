"""The tables of an audit: what stands under ``--out DIR``, each a directory of Parquet files.

=============  ==========================================================================================
``events``     a row for each line that was judged, broken ones included
``findings``   a row for each finding, on whatever it was found
``runs``       a row for each run, closed
``jobs``       a row for each job that an event names: how ready it is
``datasets``   a row for each dataset that an event names
=============  ==========================================================================================

Beside them stands ``audit.json`` (``mock_intake.audit.record``), which is written last: without it an audit is not
complete.

``position`` orders all events of an audit as one machine would read them: by source, and by the place within it. It has
gaps, and means nothing else. Texts are as the events have them; who shows them presents them
(``mock_intake.secrets.presenting``).
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

EVENT, RUN, DATASET = "event", "run", "dataset"
"""What a finding is about: an event at its line, a run that is closed, a dataset over all events."""

_TEXT = StringType()
_LONG = LongType()


def _schema(**columns: DataType) -> StructType:
    return StructType([StructField(name, kind) for name, kind in columns.items()])


def _counts(*names: str) -> dict[str, DataType]:
    return dict.fromkeys(names, _LONG)


EVENTS = _schema(
    position=_LONG,
    source=_TEXT,
    line=_LONG,
    # ok, warning or error; and what the event is: RunEvent, JobEvent, DatasetEvent. A line that is no event has no id.
    status=_TEXT,
    kind=_TEXT,
    event_id=_TEXT,
    event_type=_TEXT,
    event_time=_TEXT,
    run_id=_TEXT,
    job_namespace=_TEXT,
    job_name=_TEXT,
    # The dataset that a DatasetEvent is about.
    dataset_namespace=_TEXT,
    dataset_name=_TEXT,
    producer=_TEXT,
    # How many rows of ``findings`` are about it.
    findings=IntegerType(),
)

FINDING = _schema(
    code=_TEXT,
    severity=_TEXT,
    subject=_TEXT,
    pointer=_TEXT,
    message=_TEXT,
    expected=_TEXT,
    actual=_TEXT,
    advice=_TEXT,
    advice_source=_TEXT,
    sureness=_TEXT,
    violates=_TEXT,
)
"""A finding as everywhere (``mock_intake.model.findings``); ``advice_source`` is its ``source``."""

FINDINGS = StructType(
    [
        *_schema(
            # EVENT, RUN or DATASET.
            about=_TEXT,
            # Of the event; of a run as in ``runs``; of a dataset the last event that names it. So are source and line.
            position=_LONG,
            # Orders the findings of one position and kind.
            number=_LONG,
            source=_TEXT,
            line=_LONG,
            # Of the event, where it is about one.
            event_id=_TEXT,
            kind=_TEXT,
            event_type=_TEXT,
            # Of the event, or of the run.
            run_id=_TEXT,
            job_namespace=_TEXT,
            job_name=_TEXT,
            # Of the DatasetEvent, or the dataset that would not join.
            dataset_namespace=_TEXT,
            dataset_name=_TEXT,
        ).fields,
        *FINDING.fields,
    ]
)

RUNS = _schema(
    # The last event with its run id. Jobs that share one have a run each, in the order of the number; source and line
    # are of its own last event.
    position=_LONG,
    number=IntegerType(),
    source=_TEXT,
    line=_LONG,
    run_id=_TEXT,
    job_namespace=_TEXT,
    job_name=_TEXT,
    # As ``check --format json`` has them: eventTypes and ids of its events in order of arrival, seconds, RFC 3339.
    states=ArrayType(_TEXT),
    state=_TEXT,
    started_at=_TEXT,
    ended_at=_TEXT,
    duration=DoubleType(),
    parent=_TEXT,
    events=ArrayType(_TEXT),
    **dict.fromkeys(("errors", "warnings", "infos"), IntegerType()),
)

RULE_COUNT = _schema(code=_TEXT, severity=_TEXT, count=_LONG)
FACET_COUNT = _schema(facet=_TEXT, count=_LONG)

JOBS = _schema(
    job_namespace=_TEXT,
    job_name=_TEXT,
    **_counts("events", "ok", "warning", "error"),
    # Shares of its events, 0 to 1.
    ok_share=DoubleType(),
    error_share=DoubleType(),
    **_counts("runs", "completed", "failed", "aborted", "unfinished"),
    # Findings on its events and runs, by severity.
    **_counts("errors", "warnings", "infos"),
    # The rules that spoke most, the worst first (the most of them: TOP_FINDINGS).
    top_findings=ArrayType(RULE_COUNT),
    # Facets that Datadog reads and that rules miss, with how many findings miss them (FACETS_MISSED).
    facets_missing=ArrayType(FACET_COUNT),
)

DATASETS = _schema(
    namespace=_TEXT,
    name=_TEXT,
    # How many events name it, and the last of those that do but in lineage alone.
    events=_LONG,
    position=_LONG,
    source=_TEXT,
    line=_LONG,
    findings=_LONG,
)

TABLES: dict[str, StructType] = {
    "events": EVENTS,
    "findings": FINDINGS,
    "runs": RUNS,
    "jobs": JOBS,
    "datasets": DATASETS,
}
"""The tables by their names."""

TOP_FINDINGS = 10

FACETS_MISSED = {
    "DD101": "jobType",
    "DD501": "errorMessage",
    "DD502": "schema",
    "DD503": "outputStatistics",
    "DD504": "columnLineage",
}
"""The facet that is missing where a rule has spoken."""


def table(session: SparkSession, directory: str, name: str) -> DataFrame:
    """A table of the audit in ``directory`` as a DataFrame of ``session``."""
    return session.read.schema(TABLES[name]).parquet(f"{directory.rstrip('/')}/{name}")
