"""On a worker: what was made of blocks, as the Parquet files that the next steps read.

They are written where the rows are made, and handed to Spark as a whole: it puts them where they belong, on whatever
filesystem that is. As rows of its own it would take each apart, sort it into its part and put it together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mock_intake.audit.internal import JUDGED, PARTS, arrow_schema, column
from mock_intake.files.recordings import PARQUET_MAGIC

# So many bytes of rows, or a little more, are held before they become files.
_HELD = 48 << 20
_FILE = arrow_schema(JUDGED)
_ROWS = {part: arrow_schema(of) for part, of in PARTS.items()}


class PartFiles:
    """Rows of parts as they are made, given out as files."""

    def __init__(self) -> None:
        self._batches: dict[str, list[Any]] = {}
        self._bytes = 0

    def add(self, part: str, columns: Mapping[str, Sequence[Any]], **same: Any) -> None:
        """Adds rows of a part: ``columns`` of one length each, and what all of the rows have the same.

        What is not given is null.
        """
        count = max(map(len, columns.values()))
        if not count:
            return
        arrays = []
        for field in _ROWS[part]:
            if field.name in columns:
                arrays.append(column(columns[field.name], field))
            else:
                arrays.append(pa.repeat(column([same.get(field.name)], field)[0], count))
        batch = pa.RecordBatch.from_arrays(arrays, schema=_ROWS[part])
        self._batches.setdefault(part, []).append(batch)
        self._bytes += batch.nbytes

    def add_rows(self, part: str, rows: Sequence[Mapping[str, Any]], **same: Any) -> None:
        """Adds rows that are given one by one; the first has all columns that any has."""
        if rows:
            self.add(part, {name: [row.get(name) for row in rows] for name in rows[0]}, **same)

    @property
    def is_full(self) -> bool:
        return self._bytes >= _HELD

    def files(self) -> Iterator[Any]:
        """The rows so far, each part as a file: a batch of ``JUDGED``."""
        batches, self._batches, self._bytes = self._batches, {}, 0
        for part, of_part in batches.items():
            content = _parquet(pa.Table.from_batches(of_part))
            yield pa.RecordBatch.from_arrays([pa.array([part]), pa.array([content], pa.binary())], schema=_FILE)


def _parquet(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    # Of most columns no two values are the same: to look for them takes a fifth of the writing, and what repeats is as
    # small without.
    pq.write_table(table, sink, compression="zstd", use_dictionary=False, write_statistics=False)
    content: bytes = sink.getvalue().to_pybytes()
    return content.removesuffix(PARQUET_MAGIC)
