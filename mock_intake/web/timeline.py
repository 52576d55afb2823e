"""Runs along their time: who stands below whom, which of them a page shows, and which bar stands where.

A family is a run with all that name it as their parent, and all that name those. The topmost may have sent no event
itself, if several name it. A family stays in one piece, and has a time scale of its own: nightly runs would otherwise
leave each other a hair's breadth, and their tasks could not be compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from mock_intake.openlineage import run_cycle
from mock_intake.views import Run

WIDTH = 1_000
_NARROWEST = 4
# Runs further from most of their family than this do not stretch its scale: a wrong clock would hide everything else.
_FAR = timedelta(days=1)
# A run on top that took longer itself is believed, up to this.
_LONGEST = timedelta(days=31)
# A family may be of any size, and times take a while to be read.
_MOST_TIMED = 5_000
# No real hierarchy is deeper; what is made up may be.
_MOST_ABOVE = 20
_MOST_TICKS = 6
# How far ticks may be from each other, in seconds, and how that is said.
_STEPS = (
    (0.001, "1 ms"), (0.01, "10 ms"), (0.1, "0.1 s"), (0.2, "0.2 s"), (0.5, "0.5 s"),
    (1, "1 s"), (2, "2 s"), (5, "5 s"), (10, "10 s"), (20, "20 s"), (30, "30 s"),
    (60, "1 min"), (120, "2 min"), (300, "5 min"), (600, "10 min"), (1_200, "20 min"), (1_800, "30 min"),
    (3_600, "1 h"), (7_200, "2 h"), (14_400, "4 h"), (28_800, "8 h"), (43_200, "12 h"),
    (86_400, "1 d"), (172_800, "2 d"), (604_800, "7 d"),
)  # fmt: skip


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


class Scale(NamedTuple):
    """The time that the bars of a family are drawn on; ``step`` says how far its ticks are from each other."""

    start: datetime
    end: datetime
    ticks: Sequence[int]
    step: str

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


class Place(Enum):
    """Why a run has a row."""

    LISTED = "listed"
    # It leads to the first rows of a page.
    EARLIER = "earlier"
    # It leads to runs that fit the filter, and does not fit itself.
    UNFIT = "unfit"


@dataclass(frozen=True)
class Row:
    """A run in the list, ``depth`` steps below the topmost of its family.

    ``scale`` is None where the run is all of its family; ``first`` is true of the row that leads a family on its page.
    ``left_out`` counts runs between this one and the row above that were too many to be shown. ``unseen`` is the id of
    the topmost run of a family that sent no event, with the first row.
    """

    run: Run
    depth: int
    bar: Bar | None
    scale: Scale | None = None
    first: bool = True
    place: Place = Place.LISTED
    left_out: int = 0
    unseen: str | None = None


def listed(runs: Sequence[Run], begin: int, size: int, fitting: Sequence[Run] | None = None) -> list[Row]:
    """A page of rows, ``begin`` runs into the list: families, the one with the run latest heard of first.

    ``runs`` are all that there are, the latest heard of first; ``fitting`` those of them that a filter left. Where a
    page begins within a family, or a filter left out who stands above, the runs that lead there are shown once more.
    """
    families = _Families(runs)
    fits = None if fitting is None else {id(run) for run in fitting}
    rows: list[Row] = []
    placed: set[int] = set()
    position = 0
    for run in runs if fitting is None else fitting:
        if position >= begin + size:
            break
        if position < begin and families.alone(run):
            position += 1
        elif id(run) not in placed:
            family = families.of(run)
            placed.update(id(one) for one, _ in family)
            number = len(family) if fits is None else sum(id(one) in fits for one, _ in family)
            if position + number > begin:
                unseen = families.unseen(family[0][0])
                rows += _rows(family, fits, begin - position, begin + size - position, unseen)
            position += number
    return rows


def descendants(runs: Sequence[Run], top: Run, most: int) -> tuple[list[Row], int]:
    """A run, and below it so many of its descendants at most; says how many are left out."""
    family = _Families(runs).below([top])
    return _rows(family, None, 0, most + 1), max(0, len(family) - most - 1)


class _Families:
    """Who stands below whom. What is asked of runs more than once is asked here once: there are many."""

    def __init__(self, runs: Sequence[Run]) -> None:
        # By org and then by id: a pair for each of many runs would take more time than all else.
        by_id: dict[str, dict[str, Run]] = {}
        for run in runs:
            by_id.setdefault(run.org, {})[run.run_id] = run
        self._above: dict[int, Run] = {}
        self._below: dict[int, list[Run]] = {}
        orphans: dict[tuple[str, str], list[Run]] = {}
        # From the latest heard of, which is taken last from a stack.
        for run in runs:
            parent_id = run.parent_id
            parent = None if parent_id is None else by_id[run.org].get(parent_id)
            if parent is not None and parent is not run:
                self._above[id(run)] = parent
                self._below.setdefault(id(parent), []).append(run)
            elif parent is None and parent_id is not None:
                orphans.setdefault((run.org, parent_id), []).append(run)
        self._siblings = {id(run): group for group in orphans.values() if len(group) > 1 for run in group}

    def alone(self, run: Run) -> bool:
        return not any(id(run) in known for known in (self._above, self._below, self._siblings))

    def unseen(self, top: Run) -> str | None:
        """The id of the run that a topmost one has above it together with others, and that sent no event."""
        return top.parent_id if id(top) in self._siblings else None

    def of(self, run: Run) -> list[tuple[Run, int]]:
        """The family of a run with depths, each behind its parent."""
        top = self._topmost(run)
        return self.below(self._siblings.get(id(top), [top]))

    def below(self, tops: Sequence[Run]) -> list[tuple[Run, int]]:
        members: list[tuple[Run, int]] = []
        placed: set[int] = set()
        stack = [(top, 0) for top in tops]
        while stack:
            run, depth = stack.pop()
            if id(run) not in placed:
                placed.add(id(run))
                members.append((run, depth))
                stack += [(child, depth + 1) for child in self._below.get(id(run), ())]
        return members

    def _topmost(self, run: Run) -> Run:
        """Of runs that are each other's parents one is taken, the same whoever of the family is asked."""
        passed: dict[int, Run] = {}
        while id(run) not in passed:
            passed[id(run)] = run
            parent = self._above.get(id(run))
            if parent is None:
                return run
            run = parent
        ring = list(passed.values())[list(passed).index(id(run)) :]
        return min(ring, key=lambda one: one.run_id)


def _rows(
    family: Sequence[tuple[Run, int]], fits: Collection[int] | None, begin: int, end: int, unseen: str | None = None
) -> list[Row]:
    """Rows of those that fit (None: all), from one place among them to before another, and of what leads there."""
    known = [times for run, _ in family[:_MOST_TIMED] if (times := times_of(run)) is not None]
    start, finish = _bounds(known, times_of(family[0][0])) if known else (None, None)
    scale = None if start is None or finish is None or len(family) == 1 else _with_ticks(start, finish)
    rows: list[Row] = []

    def add(run: Run, depth: int, place: Place, left_out: int = 0) -> None:
        times = times_of(run)
        bar = None if times is None or start is None or finish is None else _bar(times, start, finish)
        at = depth if unseen is None else depth + 1
        rows.append(Row(run, at, bar, scale, not rows, place, left_out, None if rows else unseen))

    number = 0
    path: list[tuple[Run, int]] = []
    # So many from the top of the path have their rows.
    shown = 0
    for run, depth in family:
        del path[depth:]
        shown = min(shown, depth)
        if fits is None or id(run) in fits:
            if number >= end:
                break
            if number >= begin:
                for one, its_depth, left_out in _leading(path[shown:]):
                    add(one, its_depth, Place.EARLIER if fits is None or id(one) in fits else Place.UNFIT, left_out)
                add(run, depth, Place.LISTED)
                shown = depth + 1
            number += 1
        path.append((run, depth))
    return rows


def _leading(path: Sequence[tuple[Run, int]]) -> list[tuple[Run, int, int]]:
    """Of a path the topmost and the nearest, with depths, and how many are left out before each."""
    skipped = max(0, len(path) - _MOST_ABOVE)
    kept = [path[0], *path[skipped + 1 :]] if skipped else path
    return [(run, depth, skipped if place == 1 else 0) for place, (run, depth) in enumerate(kept)]


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


def _bounds(times: Sequence[Times], top: Times | None) -> tuple[datetime, datetime]:
    """From when to when a family's scale goes; a run without a family has all of its own."""
    far = _FAR
    if top is not None and top.end is not None and (len(times) == 1 or top.end - top.start <= _LONGEST):
        far = max(far, top.end - top.start)
    middle = statistics.median_low([one.start for one in times])
    near = [one for one in times if abs(one.start - middle) <= far]
    start = min(one.start for one in near)
    end = max(one.end if one.end is not None and one.end - one.start <= far else one.start for one in near)
    try:
        return start, max(end, start + timedelta(milliseconds=1))
    except OverflowError:  # the last millisecond that there is
        return start - timedelta(milliseconds=1), end


def _with_ticks(start: datetime, end: datetime) -> Scale:
    whole = (end - start).total_seconds()
    seconds, said = next(((step, said) for step, said in _STEPS if whole / step <= _MOST_TICKS), (0.0, ""))
    places = [round(seconds * number / whole * WIDTH) for number in range(1, _MOST_TICKS)]
    ticks = [place for place in places if 0 < place < WIDTH]
    return Scale(start, end, ticks, said if ticks else "")


def _bar(times: Times, start: datetime, end: datetime) -> Bar:
    whole = (end - start) / timedelta(microseconds=1)

    def place(moment: datetime) -> int:
        return round(min(1.0, max(0.0, (moment - start) / timedelta(microseconds=1) / whole)) * WIDTH)

    last = end if times.end is None else max(times.end, times.start)
    x = min(place(times.start), WIDTH - _NARROWEST)
    cut = times.start < start or times.start > end or last > end
    return Bar(x, max(_NARROWEST, place(last) - x), times.end is None, cut)
