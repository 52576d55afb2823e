"""Where what was judged stands in the whole archive: known once all of it was judged."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import IntegerType, LongType

from mock_intake.audit.errors import AuditError
from mock_intake.audit.internal import known_rows, schema
from mock_intake.audit.lines import EXCHANGE
from mock_intake.judging.blocks import is_an_exchange, position_in

# An event's position: the number of its block, and behind it its own in the block (mock_intake.judging.blocks).
_BITS = position_in(1, 0).bit_length() - 1
_BASES = schema(file=IntegerType(), start=LongType(), base=LongType(), line_base=LongType())


class Places(NamedTuple):
    """The splits of an archive: how many blocks come before each, and how many lines of its file."""

    bases: DataFrame
    blocks: int

    def of(self, judged: DataFrame) -> DataFrame:
        """Rows of ``internal.JUDGED``, with ``base`` and ``line_base`` of their splits."""
        return judged.join(sql.broadcast(self.bases), ["file", "start"])


def places(spark: SparkSession, splits: DataFrame) -> Places:
    """Puts splits in their order. Raises ``AuditError`` where one of them has what cannot be judged."""
    base, line_base, last, rows = 0, 0, -1, []
    problems = []
    found = splits.select("file", "start", "block", "count", "line", "source", "message").collect()
    # Of a split what is wrong with it stands before its end.
    found.sort(key=lambda row: (row["file"], row["start"], row["message"] is None))
    for file, start, blocks, lines, line, source, problem in found:
        if file != last:
            line_base, last = 0, file
        if problem is not None:
            problems.append(_words(source, None if line is None else line + line_base, problem))
            continue
        rows.append((file, start, base, line_base))
        base += blocks
        line_base += lines
    if problems:
        raise AuditError(problems[0])
    return Places(known_rows(spark, rows, _BASES), base)


def _words(source: str, line: int | None, problem: str) -> str:
    if line is None:
        return problem
    return is_an_exchange(source, line) if problem == EXCHANGE else f"{source}:{line}: {problem}"


def block_position() -> Column:
    """The position of a row's block, as that of its first event."""
    return sql.shiftleft(sql.col("base") + sql.col("block"), _BITS)


def position(number: str = "number") -> Column:
    """The position of a row that has a number in its block."""
    return block_position() + sql.col(number)


def shift() -> Column:
    """What positions within a split lack."""
    return sql.shiftleft(sql.col("base"), _BITS)


def line() -> Column:
    """The line of a row in its file."""
    return sql.col("line") + sql.col("line_base")
