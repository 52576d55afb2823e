"""Events whose datasets would not join, or would, for tests to put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.events import dataset, run_event

Body = dict[str, Any]
DatasetId = tuple[str, str]


def written_and_read(written: DatasetId, read: DatasetId) -> Sequence[Body]:
    """One job writes a dataset, another reads it: so it was meant."""
    writer, reader = run_event(outputs=[dataset(written[1], written[0])]), run_event(inputs=[dataset(read[1], read[0])])
    reader["job"]["name"] = "report_orders"
    reader["run"]["runId"] = "c3e1f0a2-54d7-4f0e-9b1d-2a6c8e7f9b10"
    return writer, reader


POSTGRES = "postgres://db:5432"
