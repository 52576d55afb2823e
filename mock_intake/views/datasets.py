"""Datasets by what they were meant to be, folded from the exchanges that were accepted."""

from __future__ import annotations

from collections.abc import Iterable

from mock_intake.datadog.joins import join_key
from mock_intake.event import DatasetId
from mock_intake.exchange import EventSummary, Exchange

DatasetsState = dict[str, dict[DatasetId, dict[DatasetId, None]]]
"""Datasets by org and join key: those with the same key were meant to be one, in order of appearance."""


def fold_datasets(state: DatasetsState, exchange: Exchange) -> DatasetsState:
    """Adds the datasets of one exchange."""
    if exchange.event is not None and exchange.accepted:
        add_datasets(state, exchange.org, exchange.event)
    return state


def add_datasets(state: DatasetsState, org: str, event: EventSummary) -> None:
    for dataset in datasets_of(event):
        state.setdefault(org, {}).setdefault(join_key(dataset), {})[dataset] = None


def datasets_of(event: EventSummary) -> Iterable[DatasetId]:
    yield from event.inputs
    yield from event.outputs
    if event.dataset is not None:
        yield event.dataset
