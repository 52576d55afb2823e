"""On a worker: what was made of a block, taken apart into the rows of its parts (``internal.PARTS``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from mock_intake.audit.bodies import packed
from mock_intake.audit.handles import BODIES, OF_JOB, handle_of_run
from mock_intake.audit.internal import (
    DATASET,
    EVENT,
    FINDING_OF_EVENT,
    FINDING_OF_RUN,
    NAME,
    RUN,
    SYMLINKS,
    WITHOUT_RUN,
    columns_of,
    columns_of_all,
    columns_of_closed,
    identities,
)
from mock_intake.audit.parts import PartFiles
from mock_intake.audit.settling import Settling
from mock_intake.files.blocks import Block
from mock_intake.judging.blocks import JudgedBlock, JudgedEvent, SeenRun, index_of
from mock_intake.model.accumulated import Stamp, stamp_of
from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Selection, Status
from mock_intake.openlineage.run_cycle import parent_of
from mock_intake.openlineage.runs import is_decided

# So many events, or runs, are taken apart at a time: a block of small ones has a million.
_AT_ONCE = 10_000
encoded = msgspec.msgpack.Encoder().encode
One = TypeVar("One")


def added(
    files: PartFiles, made: JudgedBlock, block: Block, selection: Selection, place: Mapping[str, Any]
) -> Iterator[None]:
    """Adds the rows of a block to ``files``, and stops now and then; ``place`` is what all say of where that is."""
    for start, events in _some(made.events):
        _add_events(files, start, events, place)
        yield
    settling = Settling(made, block, selection)
    for _, runs in _some(made.runs):
        _add_runs(files, runs, settling, block, place)
        yield
    _add_the_rest(files, made, place)
    yield


def _some(of: Sequence[One]) -> Iterator[tuple[int, Sequence[One]]]:
    for start in range(0, len(of), _AT_ONCE):
        yield start, of[start : start + _AT_ONCE]


def _add_events(files: PartFiles, start: int, events: Sequence[JudgedEvent], place: Mapping[str, Any]) -> None:
    summaries = [event.event for event in events]
    columns = {
        **identities(summaries),
        "number": range(start, start + len(events)),
        "line": [event.line for event in events],
        "status": [Status.ERROR if one is None else one.status for one in summaries],
        "event_time": [None if one is None else one.event_time for one in summaries],
        "producer": [None if one is None else one.producer for one in summaries],
        "count": [len(event.findings) for event in events],
    }
    files.add(EVENT, columns, **place)
    found = [(number, order) for number, event in enumerate(events) for order in range(len(event.findings))]
    columns = {
        **identities([summaries[number] for number, _ in found]),
        **columns_of_all([events[number].findings[order] for number, order in found]),
        "number": [start + number for number, _ in found],
        "line": [events[number].line for number, _ in found],
        "count": [order for _, order in found],
    }
    files.add(FINDING_OF_EVENT, columns, **place)


def _add_runs(
    files: PartFiles, runs: Sequence[SeenRun], settling: Settling, block: Block, place: Mapping[str, Any]
) -> None:
    of_settled, of_others, found = [], [], []
    for seen in runs:
        bodies = packed([block.body(event.part.start, event.part.size) for event in seen.events])
        settled = settling.settled(seen)
        if settled is None:
            of_others.append({**columns_of_run(seen, guessed_asks(seen)), "bodies": bodies})
            continue
        closed = settled.closed
        columns = {**columns_of_closed(closed), "line": closed.line[1]}
        of_settled.append({**columns_of_run(seen, settled.asks), **columns, "bodies": bodies})
        named = {name: columns[name] for name in ("line", "run_id", "job_namespace", "job_name")}
        heard = seen.events[-1].position
        for order, finding in enumerate(closed.findings):
            found.append({"key": seen.key, "heard": heard, "count": order, **named, **columns_of(finding)})
    files.add_rows(RUN, of_settled, **place)
    files.add_rows(RUN, of_others, **place)
    files.add_rows(FINDING_OF_RUN, found, **place)


def _add_the_rest(files: PartFiles, made: JudgedBlock, place: Mapping[str, Any]) -> None:
    # The last event at a line stands for it: an array may have them all in one.
    numbers = {event.line: index for index, event in enumerate(made.events)}
    seen = [
        {
            "number": index,
            "heard": None if dataset.line is None else numbers[dataset.line],
            "line": dataset.line,
            "payload": encoded(dataset.id),
            "count": dataset.events,
        }
        for index, dataset in enumerate(made.datasets)
    ]
    files.add_rows(DATASET, seen, **place)
    # Of each dataset the latest, as others of the block count for nothing.
    latest: dict[DatasetId, tuple[Stamp, int, bytes]] = {}
    for dataset_id, position, time, identifiers in made.symlinks:
        stamp = stamp_of(time, position)
        known = latest.get(dataset_id)
        if known is None or known[0] <= stamp:
            latest[dataset_id] = stamp, index_of(position), encoded((time, identifiers))
    symlinks = [
        {"number": index, "payload": payload, "dataset": encoded(dataset_id)}
        for dataset_id, (_, index, payload) in latest.items()
    ]
    files.add_rows(SYMLINKS, symlinks, **place)
    names = [{"number": index, "key": key, "payload": encoded(name)} for index, (key, *name) in enumerate(made.names)]
    files.add_rows(NAME, names, **place)
    without = made.without_run
    columns: dict[str, list[Any]] = {
        **identities([made.events[one.number].event for one in without]),
        "number": [one.number for one in without],
        "line": [made.events[one.number].line for one in without],
        "payload": [None if one.job is None else encoded(one.job) for one in without],
        "count": [int(one.is_open) for one in without],
    }
    files.add(WITHOUT_RUN, columns, **place)


def columns_of_run(seen: SeenRun, asks: Iterable[bytes]) -> dict[str, Any]:
    """The columns of a run id: what was made of it, what others will ask it for, and what it asks for itself."""
    return {
        "key": seen.key,
        "heard": seen.events[-1].position,
        "payload": encoded(seen),
        "jobs": [
            {"job": encoded(one.job), "heard": one.heard, "begins": one.begins, "unfinished": one.unfinished}
            for one in seen.jobs
        ],
        "asks": list(asks),
    }


def guessed_asks(seen: SeenRun) -> Iterator[bytes]:
    """The handles of what rules will ask for, as far as that can be guessed: who closes the run asks for what lacks."""
    if all(map(is_decided, seen.found)):
        return
    facts = [event.fact for event in seen.events]
    parents = {parent_of([fact for fact in facts if fact.job == job.job]) for job in seen.jobs}
    for run_id in {each.parent_run_id for each in parents if each is not None and each.parent_run_id}:
        yield handle_of_run(run_id)
    for one in seen.jobs:
        if one.unfinished:
            yield OF_JOB + encoded(one.job)
    # Whether one without a START was to have one is for its facets to say.
    if all(fact.event_type != "START" for fact in facts):
        yield BODIES
