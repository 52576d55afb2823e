"""Events of a DataFrame, judged where they are: for a Spark program of the user's own.

Each event is judged by itself; what is found over runs and datasets needs all of their events, and is for the command
``mock-intake audit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mock_intake.audit.columns import JUDGEMENT, judgements
from mock_intake.audit.settings import JudgingSettings, judge_of
from mock_intake.judging.blocks import RECORDED_ORG, together
from mock_intake.judging.config import find_config, load_config
from mock_intake.system.clock import utc_now
from mock_intake.system.collector import rare_collections

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType

# So many rows make a batch, however many Spark gives at a time: findings may have far more text than the events.
_ROWS = 500


def judge(
    dataframe: DataFrame,
    column: str = "event",
    *,
    into: str = "judgement",
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    config: Path | None = None,
    facets: Path | None = None,
) -> DataFrame:
    """The rows of ``dataframe`` with one column more, in which the OpenLineage event in ``column`` is judged.

    ``column`` holds events as JSON, strings or binary. No row is lost: what is no event, a null among it, has the
    status ``error`` and a finding that says so. The new column, called ``into``, is a struct of ``id``, ``status``
    (``ok``, ``warning`` or ``error``), ``kind``, ``event_type``, ``event_time``, ``run_id``, ``producer``, ``job``,
    ``inputs``, ``outputs``, ``dataset`` (all as they were sent) and ``findings``, an array of findings.

    ``select``, ``ignore``, ``config`` and ``facets`` are as for ``mock-intake check``: codes of rules or their
    beginnings, a pyproject.toml (the nearest one, unless told) and a directory of schemas, both read on the driver.
    An eventTime is in the future that is more than a day after this call.

    Nothing is judged until Spark runs the result. Its workers need this package, and those with rules and platforms of
    their own, in the versions of the driver: where they have others, the job fails and says so (``WorkersDifferError``
    in the error of Spark's). Raises ``ValueError`` for a column that is not there, is taken, or holds neither strings
    nor binary, and for settings that cannot be used (``ConfigError``, ``UserSchemaError``, ``ExtensionError``).
    """
    from pyspark.sql.types import StructField, StructType

    fields = dataframe.schema.fields
    index = _index_of(column, [field.name for field in fields], into)
    kind = fields[index].dataType.typeName()
    if kind not in ("string", "binary"):
        raise ValueError(
            f"the column {column} is of the type {kind}; events are judged as they were sent, strings or binary. "
            "Of what was parsed pyspark.sql.functions.to_json makes a string again."
        )
    found = load_config(config or find_config(Path.cwd())).with_options(select, ignore, facets)
    task = partial(judged_batches, JudgingSettings.of(found), utc_now(), index, into)
    return dataframe.mapInArrow(task, StructType([*fields, StructField(into, _of_spark(JUDGEMENT))]))


def _index_of(column: str, columns: list[str], into: str) -> int:
    if column not in columns:
        raise ValueError(f"there is no column {column}; there are {', '.join(columns) or 'none'}")
    # As Spark sees names, unless it was told otherwise.
    if into.lower() in map(str.lower, columns):
        raise ValueError(f"there is a column {into} already; name the new one with into=")
    return columns.index(column)


def _of_spark(kind: Any) -> DataType:
    """Spark's type for one of Arrow's that judgements have: a text, a struct or a list."""
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType

    if pa.types.is_struct(kind):
        return StructType([StructField(field.name, _of_spark(field.type)) for field in kind])
    return ArrayType(_of_spark(kind.value_type)) if pa.types.is_list(kind) else StringType()


def judged_batches(
    settings: JudgingSettings, arrived: datetime, index: int, into: str, batches: Iterable[Any]
) -> Iterator[Any]:
    """On a worker: ``batches`` (Arrow's) with the column of judgements behind their own."""
    with rare_collections():
        judge = judge_of(settings)
        for batch in batches:
            schema = batch.schema.append(pa.field(into, JUDGEMENT))
            for start in range(0, batch.num_rows, _ROWS):
                rows = batch.slice(start, _ROWS)
                bodies = map(_body, rows.column(index).to_pylist())
                judged = [
                    judgement
                    for some in together(bodies, len)
                    for judgement, _ in judge.judge_together(some, RECORDED_ORG, arrived)
                ]
                yield pa.RecordBatch.from_arrays([*rows.columns, judgements(judged)], schema=schema)


def _body(value: str | bytes | None) -> bytes:
    if value is None:
        return b"null"  # as it is told of in JSON
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
