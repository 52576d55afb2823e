"""How long exchanges took until they were on record: a histogram that costs next to nothing to fill."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The upper bounds of the buckets, in seconds; there is one more for what takes longer."""


class Histogram(NamedTuple):
    """How many there were up to each bound, the last one without end; and the sum of all, in seconds."""

    up_to: list[int]
    seconds: float


class Latencies:
    """Filled by whoever records, one thread at a time; may be read by any."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, received: Iterable[datetime], now: datetime) -> None:
        """Counts what was ``received`` at these times and is on record by ``now``."""
        for each in received:
            # A clock that was set back must not spoil the sum.
            seconds = max((now - each).total_seconds(), 0.0)
            self._counts[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def histogram(self) -> Histogram:
        """What there is by now."""
        up_to, total = [], 0
        for count in self._counts:
            total += count
            up_to.append(total)
        return Histogram(up_to, self._seconds)
