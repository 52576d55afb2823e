"""Runs along their time: who stands below whom, which of them a page shows, and which bar stands where.

A family is a run with all that name it as their parent, and all that name those. The topmost may have sent no event
itself, if several name it, and so may one in between, where the root is known. A family stays in one piece, and has a
time scale of its own: nightly runs would otherwise leave each other a hair's breadth, and their tasks could not be
compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from mock_intake.model.runs import run_id_key
from mock_intake.model.times import moment
from mock_intake.openlineage import run_cycle
from mock_intake.views import Run
from mock_intake.views.run import run_named

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
    the run's parent where that sent no event, with the first row below it: it stands between.
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
            placed.update(id(one.run) for one in family)
            number = len(family) if fits is None else sum(id(one.run) in fits for one in family)
            if position + number > begin:
                rows += _rows(family, fits, begin - position, begin + size - position)
            position += number
    return rows


def descendants(runs: Sequence[Run], top: Run, most: int) -> tuple[list[Row], int]:
    """A run, and below it so many of its descendants at most; says how many are left out."""
    family = _Families(runs).below(next((run for run in runs if run.key == top.key), top))
    return _rows(family, None, 0, most + 1), max(0, len(family) - most - 1)


class _Member(NamedTuple):
    """A run of a family; ``unseen`` is the id of its parent where that sent no event and has a row all the same."""

    run: Run
    depth: int
    unseen: str | None = None


class _Unseen(NamedTuple):
    """A run that sent no event, and those that name it as their parent."""

    run_id: str
    below: list[Run]


class _Families:
    """Who stands below whom. What is asked of runs more than once is asked here once: there are many.

    A run that sent no event has a place where several name it as their parent, or where one does that names a root
    which is there.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._above: dict[int, Run | _Unseen] = {}
        self._below: dict[int, list[Run | _Unseen]] = {}
        self._roots: dict[int, Run] = {}
        orphans: dict[tuple[str, str], _Unseen] = {}
        named = [(run, names) for run in runs if (names := run.parent) is not None and names.parent_run_id]
        # By org and then by id: a pair for each of many runs would take more time than all else.
        by_id: dict[str, dict[str, list[Run]]] = {}
        for run in runs if named else ():
            by_id.setdefault(run.org, {}).setdefault(run_id_key(run.run_id), []).append(run)
        # From the latest heard of, which is taken last from a stack.
        for run, names in named:
            assert names.parent_run_id is not None
            parent = run_named(by_id[run.org].get(run_id_key(names.parent_run_id), ()), names.parent_job)
            if parent is None:
                key = (run.org, run_id_key(names.parent_run_id))
                orphans.setdefault(key, _Unseen(names.parent_run_id, [])).below.append(run)
            elif parent is not run:
                self._above[id(run)] = parent
                self._below.setdefault(id(parent), []).append(run)
        for (org, _), unseen in orphans.items():
            self._place(unseen, by_id[org])

    def _place(self, unseen: _Unseen, by_id: Mapping[str, Sequence[Run]]) -> None:
        for run in unseen.below:
            names = run.parent
            if names is not None and names.root_run_id:
                root = run_named(by_id.get(run_id_key(names.root_run_id), ()), names.root_job)
                if root is not None and root not in unseen.below:
                    self._roots[id(unseen)] = root
                    self._below.setdefault(id(root), []).append(unseen)
                    break
        else:
            if len(unseen.below) < 2:
                return
        self._above.update((id(run), unseen) for run in unseen.below)

    def alone(self, run: Run) -> bool:
        return id(run) not in self._above and id(run) not in self._below

    def of(self, run: Run) -> list[_Member]:
        """The family of a run with depths, each behind its parent."""
        return self.below(self._topmost(run))

    def below(self, top: Run | _Unseen) -> list[_Member]:
        members: list[_Member] = []
        placed: set[int] = set()
        stack: list[tuple[Run | _Unseen, int, str | None]] = [(top, 0, None)]
        while stack:
            one, depth, unseen = stack.pop()
            if isinstance(one, _Unseen):
                stack += [(run, depth + 1, one.run_id) for run in one.below]
            elif id(one) not in placed:
                placed.add(id(one))
                members.append(_Member(one, depth, unseen))
                stack += [(child, depth + 1, None) for child in self._below.get(id(one), ())]
        return members

    def _topmost(self, run: Run) -> Run | _Unseen:
        """Of runs that are each other's parents one is taken, the same whoever of the family is asked."""
        passed: dict[int, Run] = {}
        while id(run) not in passed:
            passed[id(run)] = run
            parent = self._above.get(id(run))
            if isinstance(parent, _Unseen):
                if id(parent) not in self._roots:
                    return parent
                parent = self._roots[id(parent)]
            if parent is None:
                return run
            run = parent
        ring = list(passed.values())[list(passed).index(id(run)) :]
        return min(ring, key=lambda one: one.key[1:])


def _rows(family: Sequence[_Member], fits: Collection[int] | None, begin: int, end: int) -> list[Row]:
    """Rows of those that fit (None: all), from one place among them to before another, and of what leads there."""
    known = [times for one in family[:_MOST_TIMED] if (times := times_of(one.run)) is not None]
    start, finish = _bounds(known, times_of(family[0].run)) if known else (None, None)
    scale = None if start is None or finish is None or len(family) == 1 else _with_ticks(start, finish)
    rows: list[Row] = []
    # Below which of those that sent no event a row stands already.
    passed: set[tuple[str, int]] = set()

    def add(one: _Member, place: Place, left_out: int = 0) -> None:
        times = times_of(one.run)
        bar = None if times is None or start is None or finish is None else _bar(times, start, finish)
        unseen = one.unseen if one.unseen is not None and (one.unseen, one.depth) not in passed else None
        if unseen is not None:
            passed.add((unseen, one.depth))
        rows.append(Row(one.run, one.depth, bar, scale, not rows, place, left_out, unseen))

    number = 0
    path: list[_Member] = []
    # So many from the top of the path have their rows.
    shown = 0
    for one in family:
        while path and path[-1].depth >= one.depth:
            path.pop()
        shown = min(shown, len(path))
        if fits is None or id(one.run) in fits:
            if number >= end:
                break
            if number >= begin:
                for leading, left_out in _leading(path[shown:]):
                    place = Place.EARLIER if fits is None or id(leading.run) in fits else Place.UNFIT
                    add(leading, place, left_out)
                add(one, Place.LISTED)
                shown = len(path) + 1
            number += 1
        path.append(one)
    return rows


def _leading(path: Sequence[_Member]) -> list[tuple[_Member, int]]:
    """Of a path the topmost and the nearest, and how many are left out before each."""
    skipped = max(0, len(path) - _MOST_ABOVE)
    kept = [path[0], *path[skipped + 1 :]] if skipped else path
    return [(one, skipped if place == 1 else 0) for place, one in enumerate(kept)]


def times_of(run: Run) -> Times | None:
    start = _in_utc(moment(run_cycle.started_at(run.facts)))
    if start is None:
        return None
    end = _in_utc(moment(run_cycle.ended_at(run.facts)))
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
