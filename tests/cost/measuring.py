"""How the cost of work grows with its input, in processor time.

The cost of a request is to be linear in what was sent. So inputs are made of n, 2n, 4n, ... of something. Twice the
input costs twice as much where the cost is linear, and four times where it is quadratic. On a machine that does
something else besides, one doubling can look like anything in between; so more than ``MOST_GROWTH`` is but a
suspicion. The two sizes are then measured again, in turn, and the least of each counts, as a busy machine only ever
adds. If the suspicion stays, the next doubling decides: where the cost is not linear, it grows as fast there. Where
no larger input is taken, the doublings before decide.

What costs less than ``FLOOR`` counts as that much, as little can be said of how so little grows.

``make cost`` goes on until three sizes in a row cost more than that; as one test among many, two are enough, and the
floor is lower.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

MOST_GROWTH = 2.5
"""How many times as much an input of twice the size may cost before it is looked at more closely."""
BEYOND_DOUBT = 5.0
"""What one doubling never looks like by chance, and where one more could take hours."""
FULL = os.environ.get("TEST_COST") == "full"
FLOOR = 0.05 if FULL else 0.015
"""Seconds of processor time."""
ENOUGH = 3 if FULL else 2
"""How many sizes that cost more than the floor are measured."""
# How often sizes under suspicion are measured again.
_TURNS = 4
# So many doublings are looked at where no larger input is taken: what no longer fits into a cache that others use
# too makes one or two of them steep, by some factor for good, and what is quadratic makes all of them steep.
_DOUBLINGS = 3

Work = Callable[[], object]
Maker = Callable[[int, Random], Work]


class Dimension(NamedTuple):
    """Something that there can be much of in an input.

    ``make`` makes the input of a size, ready to be worked on: only the work is measured. The same input twice would
    find in caches what was made of it the first time, so what it is made of is chosen by chance. Sizes go from
    ``smallest`` to ``largest``: how much the product takes, or is worth a try. ``clock`` tells seconds of work.
    """

    name: str
    make: Maker
    largest: int
    smallest: int = 64
    clock: Callable[[], float] = time.process_time


class Measured(NamedTuple):
    size: int
    seconds: float


class Growth(NamedTuple):
    """What was measured, in order of size; and whether the cost grows faster than the size."""

    measured: list[Measured]
    too_steep: bool

    def __str__(self) -> str:
        costs = ", ".join(f"{size:,}: {seconds * 1000:,.1f} ms" for size, seconds in self.measured)
        return f"{costs} ({_growth(self.measured[-2:]):.1f} times as much)"


def growth_of(dimension: Dimension) -> Growth:
    """How the cost grows: measured until ``ENOUGH`` sizes, each twice the one before, cost more than the floor."""
    measured = [measured_at(dimension, dimension.smallest)]
    while 2 * measured[-1].size <= dimension.largest:
        measured.append(measured_at(dimension, 2 * measured[-1].size))
        if _growth(measured[-2:]) > MOST_GROWTH and _is_too_steep(dimension, measured):
            return Growth(measured, too_steep=True)
        if sum(seconds > FLOOR for _, seconds in measured) >= ENOUGH:
            break
    return Growth(measured, too_steep=False)


def _is_too_steep(dimension: Dimension, measured: list[Measured]) -> bool:
    """Looks closely at the last of what was measured, and puts there what was found."""
    _measure_again(dimension, measured, 2)
    growth = _growth(measured[-2:])
    if not MOST_GROWTH < growth <= BEYOND_DOUBT:
        return growth > BEYOND_DOUBT
    if 2 * measured[-1].size <= dimension.largest:
        measured.append(measured_at(dimension, 2 * measured[-1].size))
        _measure_again(dimension, measured, 2)
        return _growth(measured[-2:]) > MOST_GROWTH
    # There is no larger one; so the doublings before have to do, although they may lie below the floor.
    doublings = min(_DOUBLINGS, len(measured) - 1)
    _measure_again(dimension, measured, 1 + doublings)
    growth = _growth(measured[-1 - doublings :], floor=0.001)
    return _growth(measured[-2:]) > MOST_GROWTH and growth > MOST_GROWTH**doublings


def _measure_again(dimension: Dimension, measured: list[Measured], last: int) -> None:
    """Measures so many of the sizes anew, in turn: what slows the machine for a while slows all of them."""
    sizes = [size for size, _ in measured[-last:]]
    turns = [[measured_at(dimension, size) for size in sizes] for _ in range(_TURNS)]
    measured[-last:] = [min(of_a_size, key=lambda one: one.seconds) for of_a_size in zip(*turns, strict=True)]


def _growth(measured: list[Measured], floor: float = FLOOR) -> float:
    """How many times as much the last costs as the first."""
    return measured[-1].seconds / max(measured[0].seconds, floor)


def measured_at(dimension: Dimension, size: int) -> Measured:
    """What the work on an input of a size costs."""
    chance = Random(f"{dimension.name} {size} {time.perf_counter_ns()}")
    work = dimension.make(size, chance)
    # The collector would look through all that pytest has in memory.
    gc.disable()
    try:
        began = dimension.clock()
        work()
        return Measured(size, dimension.clock() - began)
    finally:
        gc.enable()
