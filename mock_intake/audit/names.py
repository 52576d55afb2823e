"""On a worker: names over all events. Datasets that would not join, and names that hold an id of their run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from mock_intake.audit.block_rows import encoded
from mock_intake.audit.closing import add_repeat
from mock_intake.audit.internal import CLOSED, DATASETS_SEEN, MISSES, NAMED_RUN, SYMLINKED, Rows, columns_of, rows_of
from mock_intake.audit.lines import Task
from mock_intake.audit.settings import judge_of
from mock_intake.datadog.joins import join_key, near_misses
from mock_intake.judging.blocks import RECORDED_ORG
from mock_intake.model.accumulated import Stamp, stamp_of
from mock_intake.model.event import DatasetId
from mock_intake.model.per_run import PerRunNames
from mock_intake.model.runs import Repeat
from mock_intake.openlineage.runs import repeated
from mock_intake.views.datasets import joined
from mock_intake.views.event_lineage import Identifier

_dataset = msgspec.msgpack.Decoder(DatasetId).decode
_said = msgspec.msgpack.Decoder(tuple[str | None, tuple[Identifier, ...]]).decode
_name = msgspec.msgpack.Decoder(tuple[str, str | None, str]).decode


def names_of_runs(batches: Iterable[Any]) -> Iterator[Any]:
    """The groups of names that differ in an id alone, by the run that each began with.

    ``batches`` have all names in which an id may stand (key, payload), in their order: which are kept depends on it.
    """
    rows, names = Rows(NAMED_RUN), PerRunNames()
    for key, payload in rows_of(batches):
        names.add(RECORDED_ORG, key, *_name(payload))
    for org, key in names.runs():
        begun = tuple(names.begun_by(org, key))
        if begun:
            rows.add(key=key, named=encoded(begun))
    yield from rows.batches()


def latest_symlinks(batches: Iterable[Any]) -> Iterator[Any]:
    """Of each dataset the other names that were said last: ``batches`` have dataset, position and what was said.

    All rows of a dataset are there, one after the other in their order.
    """
    rows = Rows(SYMLINKED)
    for dataset, said in groupby(rows_of(batches), key=itemgetter(0)):
        latest: tuple[Stamp, bytes] | None = None
        for _, position, payload in said:
            time, identifiers = _said(payload)
            stamp = stamp_of(time, position)
            if latest is None or latest[0] <= stamp:
                latest = stamp, encoded(identifiers)
        assert latest is not None
        rows.add(one=dataset, best=latest[1])
        if rows.is_full:
            yield from rows.batches()
    yield from rows.batches()


_identifiers = msgspec.msgpack.Decoder(tuple[Identifier, ...]).decode


def joined_datasets(batches: Iterable[Any]) -> Iterator[Any]:
    """The common name of each dataset that symlinks join with others: ``batches`` have the latest of all datasets."""
    rows = Rows(SYMLINKED)
    for one, best in joined({_dataset(dataset): _identifiers(said) for dataset, said in rows_of(batches)}).items():
        rows.add(one=encoded(one), best=encoded(best))
        if rows.is_full:
            yield from rows.batches()
    yield from rows.batches()


def with_join_keys(batches: Iterable[Any]) -> Iterator[Any]:
    """Datasets with their names, and what each would be joined by.

    ``batches`` have payload, events, first, position, file, line, and the common name where symlinks give one.
    """
    rows = Rows(DATASETS_SEEN)
    for payload, events, first, position, file, line, best in rows_of(batches):
        dataset = _dataset(payload)
        canonical = best or payload
        key = join_key(_dataset(canonical))
        rows.add(
            payload=payload, events=events, first=first, position=position, file=file, line=line,
            namespace=dataset.namespace, name=dataset.name, canonical=canonical, join_key=encoded(key),
        )  # fmt: skip
        if rows.is_full:
            yield from rows.batches()
    yield from rows.batches()


def misses(task: Task, batches: Iterable[Any]) -> Iterator[Any]:
    """Datasets that would not join. ``batches`` have join key, first, canonical name and events, by join key."""
    selection = judge_of(task.settings).selection
    rows = Rows(MISSES)
    for _, datasets in groupby(rows_of(batches), key=itemgetter(0)):
        group: dict[DatasetId, int] = {}
        begins: int | None = None
        for _, first, canonical, events in datasets:
            begins = first if begins is None else begins
            dataset = _dataset(canonical)
            group[dataset] = group.get(dataset, 0) + events
        order = 0
        for miss in near_misses([group]):
            for finding in selection.apply([miss.finding]):
                rows.add(
                    first=begins, order=order, payload=encoded(miss.other), dataset_namespace=miss.other.namespace,
                    dataset_name=miss.other.name, **columns_of(finding),
                )  # fmt: skip
                order += 1
        if rows.is_full:
            yield from rows.batches()
    yield from rows.batches()


def repeats_without_run(task: Task, batches: Iterable[Any]) -> Iterator[Any]:
    """The findings of events of no run that had come before.

    ``batches`` have position, source, line and the event's own columns.
    """
    selection = judge_of(task.settings).selection
    rows = Rows(CLOSED)
    names = ("position", "source", "line", "event_id", "kind", "event_type", "job_namespace", "job_name",
             "dataset_namespace", "dataset_name")  # fmt: skip
    for row in rows_of(batches):
        columns = dict(zip(names, row, strict=True))
        repeat = Repeat(columns["event_id"], columns["event_type"], excused=False)
        for finding in selection.apply([repeated(repeat)]):
            add_repeat(rows, finding, **columns)
        if rows.is_full:
            yield from rows.batches()
    yield from rows.batches()
