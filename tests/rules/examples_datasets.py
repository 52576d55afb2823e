"""Datasets (DS): for each rule events whose datasets trigger it, and the nearest that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

EXAMPLES: Mapping[str, tuple[Sequence[Body], Sequence[Body]]] = {
    "DS101": (
        written_and_read((POSTGRES, "shop.public.orders"), (POSTGRES, "shop.public.Orders")),
        written_and_read((POSTGRES, "shop.public.orders"), (POSTGRES, "shop.public.order")),
    ),
    "DS102": (
        written_and_read((POSTGRES, "shop.public.orders"), ("postgresql://db:5432", "shop.public.orders")),
        written_and_read((POSTGRES, "shop.public.orders"), ("mysql://db:5432", "shop.public.orders")),
    ),
    "DS103": (
        written_and_read((POSTGRES, "shop.public.orders"), ("postgres://db", "shop.public.orders")),
        written_and_read((POSTGRES, "shop.public.orders"), ("postgres://db:5433", "shop.public.orders")),
    ),
    "DS104": (
        written_and_read(("s3://lake", "raw/orders"), ("s3://lake", "/raw/orders")),
        written_and_read(("s3://lake", "raw/orders"), ("s3://lake", "raw_orders")),
    ),
    "DS105": (
        written_and_read((POSTGRES, "shop.public.orders"), (POSTGRES, 'shop.public."orders"')),
        written_and_read((POSTGRES, "shop.public.orders"), (POSTGRES, "shop.public.-orders-")),
    ),
    "DS106": (
        written_and_read((POSTGRES, "shop.public.orders"), ("postgresql://db", "shop.public.orders")),
        written_and_read((POSTGRES, "shop.public.orders"), ("postgresql://db", "shop.public.items")),
    ),
}
