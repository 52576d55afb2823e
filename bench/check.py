"""What ``mock-intake check`` takes, in time and memory, beside an earlier build: as recordings grow.

Run: make bench, or .venv/bin/python -m bench.check [--build COMMIT] [--events 20000] [--rounds 7] [--most 1000000]
[--before-most 100000]. First both builds judge one recording (``bench.mixture``) in turns: what counts is the median of
the rounds' ratios, by the clock and by the processor. Then recordings grow tenfold up to ``--most``: this build as
text, JSON and SARIF over all processors, the earlier one as text up to ``--before-most``, as its memory grows too; each
a line with seconds, events a second and the most memory of all processes (PSS). Before all, a few events: how soon a
small recording is judged. Exits with 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import mixture
from bench.before import BUILD, installed
from bench.checking import Cost, check

EVENTS, ROUNDS, MOST, BEFORE_MOST = 20_000, 7, 1_000_000, 100_000
FORMATS = ("text", "json", "sarif")
FEW = 5
# How many times as fast, at most so many MB, and how many times as fast a few events, as machines are no clocks.
LEAST_TIMES, MOST_MB, LEAST_OF_FEW = 5.0, 250.0, 0.95
# Memory is drawn too, as lines of signs below each other.
_MB_OF_A_SIGN = 10


def side_by_side(title: str, before: Path, now: Path, file: Path, rounds: int, *options: str) -> tuple[float, float]:
    """How many times as fast this build is, by the clock and by the processor; prints a line."""
    check(before, file), check(now, file)  # compiled files, caches of the system
    seen = [(check(before, file), check(now, file, *options)) for _ in range(rounds)]
    clock, processor = (statistics.median(was[of] / this[of] for was, this in seen) for of in (0, 1))
    was, this = (statistics.median(each.clock for each in side) for side in zip(*seen, strict=True))
    used, uses = (statistics.median(each.processor for each in side) for side in zip(*seen, strict=True))
    print(
        f"{title:<28}{was:>9.2f} {this:>8.2f} {clock:>6.2f}x {used:>11.2f} {uses:>8.2f} {processor:>6.2f}x", flush=True
    )
    return clock, processor


def line(title: str, events: int, cost: Cost) -> None:
    """A line of what a recording took."""
    rate, memory = events / cost.clock, cost.memory
    bar = "#" * round(memory / _MB_OF_A_SIGN)
    print(
        f"{events:>9,} {title:<28}{cost.clock:>9.1f} {cost.processor:>10.1f} {rate:>11,.0f} {memory:>8.0f} {bar}",
        flush=True,
    )


def growing(directory: Path, before: Path, now: Path, most: int, before_most: int) -> float:
    """Lines for recordings that grow; the most memory that this build took."""
    print(f"\n{'events':>9} {'':<28}{'seconds':>9} {'processor':>10} {'events/s':>11} {'MB':>8}")
    taken, events = 0.0, 10_000
    while events <= most:
        file = directory / "growing.ndjson"
        mixture.write(file, events)
        for name in FORMATS:
            cost = check(now, file, "--format", name, watched=True)
            taken = max(taken, cost.memory)
            line(name, events, cost)
        if events <= before_most:
            line(f"text, {BUILD}", events, check(before, file, watched=True))
        events *= 10
    return taken


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", default=BUILD, help=f"the commit to compare with ({BUILD})")
    options.add_argument("--events", type=int, default=EVENTS)
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--most", type=int, default=MOST)
    options.add_argument("--before-most", type=int, default=BEFORE_MOST)
    given = options.parse_args(arguments)
    before, now = installed(given.build), Path(sys.executable)
    print(f"check beside {given.build}, {given.rounds} rounds, {len(os.sched_getaffinity(0))} processors, ", end="")
    print(f"{datetime.now(UTC):%Y-%m-%d}; more than 1: faster")
    print(f"{'':<28}{'s then':>9} {'s now':>8} {'':>7} {'of it then':>11} {'now':>8}")
    with tempfile.TemporaryDirectory(prefix="check-bench-") as name:
        directory = Path(name)
        mixture.write(few := directory / "few.ndjson", FEW)
        mixture.write(many := directory / "many.ndjson", given.events)
        small, _ = side_by_side(f"{FEW} events", before, now, few, given.rounds)
        _, processor = side_by_side(
            f"{given.events:,} events, --jobs 1", before, now, many, given.rounds, "--jobs", "1"
        )
        clock, _ = side_by_side(f"{given.events:,} events", before, now, many, given.rounds)
        memory = growing(directory, before, now, given.most, given.before_most)
    print(f"aims: {LEAST_TIMES:g} times as fast, {MOST_MB:g} MB at {MOST:,} events, a few events no later than before")
    met = clock >= LEAST_TIMES and memory <= MOST_MB and small >= LEAST_OF_FEW
    print(f"reached: {clock:.1f} times ({processor:.1f} by the processor), {memory:.0f} MB, a few {small:.2f} times")
    print("aims met" if met else "aims missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
