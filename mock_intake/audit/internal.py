"""Rows that the steps of an audit hand on to each other, and Arrow's form of them.

What was made of a block (``mock_intake.judging.blocks``) is taken apart into rows of several ``PARTS``: each is then
shuffled by what it is about. Positions in them are relative to their split, as nobody knows how many blocks come before
it until all are judged: ``file`` and ``start`` say which split that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from mock_intake.audit.tables import FINDING, FINDINGS, RUNS
from mock_intake.judging.closing import ClosedRun
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Finding, Severity
from mock_intake.secrets.content import may_hold_secrets
from mock_intake.secrets.presenting import presented
from mock_intake.views import run_to_dict

EVENT, FINDING_OF_EVENT, RUN, DATASET = "event", "finding", "run", "dataset"
FINDING_OF_RUN = "finding_of_run"
SYMLINKS, NAME, WITHOUT_RUN, SPLIT, UNDECIDED = "symlinks", "name", "without_run", "split", "undecided"
# The column whose texts are compared and never shown.
RAW = "key"
# So many rows make a batch; a batch with bodies has so many bytes of them, or a little more.
_ROWS = 2_000
_BYTES = 16 << 20

_TEXT, _LONG, _INT, _BYTES_TYPE = StringType(), LongType(), IntegerType(), BinaryType()


def schema(**columns: DataType) -> StructType:
    """A schema of columns that may all be null."""
    return StructType([StructField(name, kind) for name, kind in columns.items()])


JOB_OF_RUN = schema(job=_BYTES_TYPE, heard=_LONG, begins=BooleanType(), unfinished=BooleanType())
EVENTS_OF_JOB = schema(job=_BYTES_TYPE, events=ArrayType(_TEXT))
# What an event is known by, in the order of ``identity``.
_IDENTITY = schema(
    **dict.fromkeys(
        (
            *("event_id", "kind", "event_type", "run_id", "job_namespace", "job_name"),
            *("dataset_namespace", "dataset_name"),
        ),
        _TEXT,
    )
)
# What a run is when it is closed, but for what it is known by.
SETTLED = StructType([field for field in RUNS.fields if field.name not in FINDINGS.names])
_COLUMNS = StructType(
    [
        *schema(file=_INT, start=_LONG, block=_INT, number=_INT, line=_LONG, source=_TEXT).fields,
        *_IDENTITY.fields,
        *schema(status=_TEXT, event_time=_TEXT, producer=_TEXT).fields,
        *FINDING.fields,
        # Of a run: its id as it is compared, the position of its last event, and who has to be asked about what.
        *schema(
            count=_LONG,
            key=_TEXT,
            heard=_LONG,
            payload=_BYTES_TYPE,
            jobs=ArrayType(JOB_OF_RUN),
            asks=ArrayType(_BYTES_TYPE),
            # Those of its events, packed; and the dataset that symlinks are of.
            bodies=_BYTES_TYPE,
            dataset=_BYTES_TYPE,
        ).fields,
        # Of a run that its block could close.
        *SETTLED.fields,
    ]
)

_AT = ("file", "start", "block", "number", "line")
_RUN_AT = ("file", "start", "block", "line", "source", "run_id", "job_namespace", "job_name", "key", "heard")
_NAMES = {
    EVENT: (*_AT, "source", *_IDENTITY.names, "status", "event_time", "producer", "count"),
    FINDING_OF_EVENT: (*_AT, "source", *_IDENTITY.names, *FINDING.names, "count"),
    RUN: (*_RUN_AT, "payload", "jobs", "asks", "bodies", *SETTLED.names),
    FINDING_OF_RUN: (*_RUN_AT, *FINDING.names, "count"),
    DATASET: (*_AT, "heard", "payload", "count"),
    SYMLINKS: (*_AT, "payload", "dataset"),
    NAME: (*_AT, "key", "payload"),
    WITHOUT_RUN: (*_AT, "source", *_IDENTITY.names, "payload", "count"),
    SPLIT: (*_AT, "source", "message", "count"),
}
PARTS = {part: StructType([_COLUMNS[name] for name in names]) for part, names in _NAMES.items()}
"""What is made of lines: a row for each event, finding, run id, dataset and so on of a block, and for each split."""

JUDGED = schema(part=_TEXT, content=_BYTES_TYPE)
"""Rows of a part, as the content of a Parquet file: without ``PARQUET_MAGIC``, with which each ends."""

OWN = schema(
    key=_TEXT,
    # What positions and lines of the payload lack; ``file`` is -1 where they lack nothing.
    shift=_LONG,
    line_base=_LONG,
    file=_INT,
    heard=_LONG,
    payload=_BYTES_TYPE,
    jobs=ArrayType(JOB_OF_RUN),
    asks=ArrayType(_BYTES_TYPE),
    # Of each block that has events of it those bodies, packed.
    bodies=ArrayType(_BYTES_TYPE),
    named=_BYTES_TYPE,
    without_run=ArrayType(EVENTS_OF_JOB),
)
"""A run id with all its events, to be closed."""

TO_CLOSE = StructType([*schema(bucket=_INT, role=_INT, handle=_BYTES_TYPE, rank=_INT).fields, *OWN.fields])
"""Run ids to be closed (role 1), behind those of their bucket that they ask for (role 0, each under a handle)."""

CLOSED = StructType(
    [
        *schema(part=_TEXT).fields,
        *FINDINGS.fields,
        *SETTLED.fields,
        *OWN.fields,
    ]
)
"""What comes of closing: rows of ``runs`` and ``findings``, and run ids of which more has to be known."""

NAMED_FILES = schema(file=_INT, source=_TEXT)
"""Files by their numbers, and what they are called."""

NAMED_RUN = schema(key=_TEXT, named=_BYTES_TYPE)
"""Names that begin with a run, by its id."""

SYMLINKED = schema(one=_BYTES_TYPE, best=_BYTES_TYPE)
"""Datasets that symlinks join with others, each with the common name."""

DATASETS_SEEN = schema(
    payload=_BYTES_TYPE,
    events=_LONG,
    first=_LONG,
    position=_LONG,
    file=_INT,
    line=_LONG,
    namespace=_TEXT,
    name=_TEXT,
    canonical=_BYTES_TYPE,
    join_key=_BYTES_TYPE,
)
"""Datasets, each with what it would be joined by; ``first`` orders them by when they were first named."""

MISSES = StructType(
    [
        *schema(first=_LONG, order=_LONG, payload=_BYTES_TYPE, dataset_namespace=_TEXT, dataset_name=_TEXT).fields,
        *FINDING.fields,
    ]
)
"""Findings of datasets that would not join; ``first`` is that of their group."""

_ARROW = {
    StringType: pa.string(),
    LongType: pa.int64(),
    IntegerType: pa.int32(),
    BinaryType: pa.binary(),
    BooleanType: pa.bool_(),
    DoubleType: pa.float64(),
}


def arrow_type(kind: DataType) -> Any:
    """Arrow's type for one of Spark's that stands in these tables."""
    if isinstance(kind, ArrayType):
        return pa.list_(arrow_type(kind.elementType))
    if isinstance(kind, StructType):
        return pa.struct([pa.field(field.name, arrow_type(field.dataType)) for field in kind.fields])
    return _ARROW[type(kind)]


def arrow_schema(of: StructType) -> Any:
    """Arrow's form of a schema."""
    return pa.schema([pa.field(field.name, arrow_type(field.dataType)) for field in of.fields])


def known_rows(spark: SparkSession, rows: Sequence[Sequence[Any]], shape: StructType) -> DataFrame:
    """Rows that the driver has, which are then part of a plan: given as Python's, they take a job wherever they are."""
    columns = zip(*rows, strict=True) if rows else [()] * len(shape.fields)
    arrays = [pa.array(of, arrow_type(field.dataType)) for of, field in zip(columns, shape.fields, strict=True)]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, names=shape.names), shape)


class Rows:
    """Rows of a table as they are made, given out in batches."""

    def __init__(self, of: StructType) -> None:
        self.names = of.names
        self._schema = arrow_schema(of)
        self._places = {name: place for place, name in enumerate(of.names)}
        self._none: list[Any] = [None] * len(of.names)
        self._rows: list[Sequence[Any]] = []
        self._bytes = 0

    def add(self, **values: Any) -> None:
        """Adds a row; what is not given is null."""
        row = self._none.copy()
        places = self._places
        for name, value in values.items():
            row[places[name]] = value
        self._rows.append(row)

    def weigh(self, size: int) -> None:
        """Says that the last row has so many bytes of its own."""
        self._bytes += size

    @property
    def is_full(self) -> bool:
        return len(self._rows) >= _ROWS or self._bytes >= _BYTES

    def batches(self) -> Iterator[Any]:
        """The rows so far, if there are any, as a batch of Arrow's; and forgets them."""
        if self._rows:
            rows, self._rows, self._bytes = self._rows, [], 0
            columns = [
                column(values, field) for values, field in zip(zip(*rows, strict=True), self._schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=self._schema)


def column(values: Sequence[Any], field: Any) -> Any:
    """A column of a table, as Arrow has it; texts show no secret, but for those that are compared alone."""
    if field.type == _ARROW[StringType] and field.name != RAW:
        values = _shown(values)
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:  # lone surrogates, which Arrow's texts cannot have
        return pa.array([each and each.encode(errors="replace").decode() for each in values], field.type)


def _shown(texts: Sequence[str | None]) -> Sequence[str | None]:
    # A table is read by whoever comes by. One search over all of them tells that there is nothing to hide, as mostly.
    if may_hold_secrets("\n".join(filter(None, texts))):
        return [presented(text) if text else text for text in texts]
    return texts


def identities(events: Sequence[EventSummary | None]) -> dict[str, list[str | None]]:
    """The columns that say which events they are."""
    columns = {
        name: [None if event is None else getattr(event, of) for event in events] for name, of in _OF_EVENT.items()
    }
    named = [None if event is None else event.dataset for event in events]
    columns["dataset_namespace"] = [None if one is None else one.namespace for one in named]
    columns["dataset_name"] = [None if one is None else one.name for one in named]
    return columns


_OF_EVENT = {
    "event_id": "id",
    **{name: name for name in ("kind", "event_type", "run_id", "job_namespace", "job_name")},
}
_OF_FINDING = {**{name: name for name in FINDING.names}, "advice_source": "source"}


def columns_of(finding: Finding) -> dict[str, Any]:
    """The columns of a finding."""
    return {name: getattr(finding, of) for name, of in _OF_FINDING.items()}


def columns_of_all(findings: Sequence[Finding]) -> dict[str, list[Any]]:
    """The columns of findings, as ``columns_of`` has those of one."""
    return {name: [getattr(finding, of) for finding in findings] for name, of in _OF_FINDING.items()}


def columns_of_closed(closed: ClosedRun) -> dict[str, Any]:
    """The columns of a run that is closed, where it stands and its findings but for their number left out."""
    shape = run_to_dict(closed.run, ())
    severities = [finding.severity for finding in closed.findings]
    return {
        "run_id": closed.run_id,
        "job_namespace": closed.job[0],
        "job_name": closed.job[1],
        "states": shape["states"],
        "state": shape["state"],
        "started_at": shape["started_at"],
        "ended_at": shape["ended_at"],
        "duration": shape["duration"],
        "parent": shape["parent"],
        "events": shape["events"],
        "errors": severities.count(Severity.ERROR),
        "warnings": severities.count(Severity.WARNING),
        "infos": severities.count(Severity.INFO),
    }


def rows_of(batches: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of batches, their columns in order."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
