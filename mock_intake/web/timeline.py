"""Runs along their time: which bar stands where, and who stands below whom."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mock_intake.openlineage import run_cycle
from mock_intake.views import Run

WIDTH = 1_000
_NARROWEST = 4
# Runs further from most others than this do not stretch the scale: a wrong clock would hide everything else.
_FAR = timedelta(days=1)


class Times(NamedTuple):
    """Begin and end of a run by its events' own times; an end of None is still to come."""

    start: datetime
    end: datetime | None


class Bar(NamedTuple):
    """A bar on a scale from 0 to ``WIDTH``; ``cut`` tells that the run reaches beyond the scale."""

    x: int
    width: int
    running: bool
    cut: bool


@dataclass(frozen=True)
class Row:
    """A run in the list, ``depth`` steps below the run that it has for a parent."""

    run: Run
    depth: int
    bar: Bar | None


@dataclass(frozen=True)
class Timeline:
    """Rows in order, and the time that their bars are drawn on."""

    rows: Sequence[Row]
    start: datetime | None
    end: datetime | None


def timeline(runs: Iterable[Run]) -> Timeline:
    """Runs with their bars; each that names another of them as its parent stands below that one."""
    nested = _nested(list(runs))
    times = {id(run): times_of(run) for run, _ in nested}
    known = [found for found in times.values() if found is not None]
    if not known:
        return Timeline([Row(run, depth, None) for run, depth in nested], None, None)
    start, end = _scale(known)
    rows = []
    for run, depth in nested:
        found = times[id(run)]
        rows.append(Row(run, depth, None if found is None else _bar(found, start, end)))
    return Timeline(rows, start, end)


def _nested(runs: Sequence[Run]) -> list[tuple[Run, int]]:
    """Runs with their depths; children behind their parent, the earliest heard of first."""
    by_key = {(run.org, run.run_id): run for run in runs}
    below: dict[tuple[str, str], list[Run]] = {}
    roots = []
    for run in runs:
        parent = (run.org, run.parent_id or "")
        if parent in by_key and by_key[parent] is not run:
            below.setdefault(parent, []).append(run)
        else:
            roots.append(run)
    rows: list[tuple[Run, int]] = []
    placed: set[int] = set()

    def place(root: Run) -> None:
        stack = [(root, 0)]
        while stack:
            run, depth = stack.pop()
            if id(run) not in placed:
                placed.add(id(run))
                rows.append((run, depth))
                stack += [(child, depth + 1) for child in below.get((run.org, run.run_id), ())]

    for run in roots:
        place(run)
    # Runs that are each other's parents have no root; they are shown all the same.
    for run in runs:
        place(run)
    return rows


def times_of(run: Run) -> Times | None:
    start = _in_utc(run_cycle.moment(run_cycle.started_at(run.facts)))
    if start is None:
        return None
    end = _in_utc(run_cycle.moment(run_cycle.ended_at(run.facts)))
    return Times(start, end)


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def _scale(times: Sequence[Times]) -> tuple[datetime, datetime]:
    middle = statistics.median_low([one.start for one in times])
    near = [one for one in times if abs(one.start - middle) <= _FAR]
    start = min(one.start for one in near)
    end = max(one.end if one.end is not None and one.end - one.start <= _FAR else one.start for one in near)
    return start, max(end, start + timedelta(milliseconds=1))


def _bar(times: Times, start: datetime, end: datetime) -> Bar:
    whole = (end - start) / timedelta(microseconds=1)

    def place(moment: datetime) -> int:
        return round(min(1.0, max(0.0, (moment - start) / timedelta(microseconds=1) / whole)) * WIDTH)

    last = end if times.end is None else max(times.end, times.start)
    x = min(place(times.start), WIDTH - _NARROWEST)
    cut = times.start < start or times.start > end or last > end
    return Bar(x, max(_NARROWEST, place(last) - x), times.end is None, cut)
