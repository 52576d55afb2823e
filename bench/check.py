"""What ``mock-intake check`` takes, in time and memory, beside an earlier build: as recordings grow.

Run: make bench, or .venv/bin/python -m bench.check [--rounds 7] [--most 1000000]. First both builds judge one recording
(``bench.mixture``) in turns: what counts is the median of the rounds' ratios, by the clock and by the processor. Then
recordings grow tenfold up to ``--most``: this build as text, JSON and SARIF over all processors, the earlier one as
text up to ``BEFORE_MOST``, as its memory grows too; each a line with seconds, events a second and the most memory of
all processes (PSS). Before all, a few events: how soon a small recording is judged. Exits with 1 where an aim is
missed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from bench import mixture
from bench.aims import Aim, Point, Task, alone
from bench.builds import installed
from bench.checking import check

EVENTS, BEFORE_MOST = 20_000, 100_000
FORMATS = ("text", "json", "sarif")
FEW = 5
FEW_ROUNDS = 3
# How many times as fast, at most so many MB, and how many times as fast a few events, as machines are no clocks.
LEAST_TIMES, MOST_MB, LEAST_OF_FEW = 5.0, 250.0, 0.95


def side_by_side(title: str, least: float, builds: tuple[Path, Path], file: Path, rounds: int, *options: str) -> Aim:
    """How many times as fast this build is, as an aim, the clock's medians of the rounds; prints a line."""
    before, now = builds
    check(before, file), check(now, file)  # compiled files, caches of the system
    seen = [(check(before, file), check(now, file, *options)) for _ in range(rounds)]
    was, this = (statistics.median(each.clock for each in side) for side in zip(*seen, strict=True))
    used, uses = (statistics.median(each.processor for each in side) for side in zip(*seen, strict=True))
    print(f"{title:<28}{was:>9.2f} {this:>8.2f} {was / this:>6.2f}x ", end="")
    print(f"{used:>11.2f} {uses:>8.2f} {used / uses:>6.2f}x", flush=True)
    return Aim(1, f"check, {title}", "times as fast", least, this, was, "s", used, uses)


def line(point: Point) -> None:
    """A line of what a recording took."""
    print(
        f"{point.events:>9,} {point.title:<16}{point.seconds:>9.1f} {point.processor:>10.1f} "
        f"{point.events / point.seconds:>11,.0f} {point.megabytes:>8.0f}",
        flush=True,
    )


def growing(directory: Path, task: Task) -> list[Point]:
    """What recordings take that grow; prints a line for each."""
    before, now = installed(task.build), Path(sys.executable)
    print(f"\n{'events':>9} {'':<16}{'seconds':>9} {'processor':>10} {'events/s':>11} {'MB':>8}")
    points, events = [], 10_000
    while events <= task.most:
        file = directory / "growing.ndjson"
        mixture.write(file, events)
        builds: list[tuple[str, Path, tuple[str, ...]]] = [(name, now, ("--format", name)) for name in FORMATS]
        if events <= BEFORE_MOST:
            builds.append((f"text, {task.build}", before, ()))
        for title, python, options in builds:
            cost = check(python, file, *options, watched=True)
            points.append(Point(title, events, cost.clock, cost.processor, cost.memory))
            line(points[-1])
        events *= 10
    return points


def aims(task: Task) -> tuple[list[Aim], list[Point]]:
    """Measures check in both builds, and as recordings grow."""
    builds = installed(task.build), Path(sys.executable)
    print(f"{'':<28}{'s then':>9} {'s now':>8} {'':>7} {'of it then':>11} {'now':>8}")
    with tempfile.TemporaryDirectory(prefix="check-bench-") as name:
        directory = Path(name)
        mixture.write(few := directory / "few.ndjson", FEW)
        mixture.write(many := directory / "many.ndjson", EVENTS)
        found = [
            side_by_side(f"{FEW} events", LEAST_OF_FEW, builds, few, task.rounds),
            side_by_side(f"{EVENTS:,} events", LEAST_TIMES, builds, many, task.rounds),
        ]
        # In one process: of this the table has no aim, and a few rounds are enough.
        few_rounds = min(task.rounds, FEW_ROUNDS)
        side_by_side(f"{EVENTS:,} events, --jobs 1", LEAST_TIMES, builds, many, few_rounds, "--jobs", "1")
        points = growing(directory, task)
    most = max((point.events for point in points), default=0)
    then = {point.events: point.megabytes for point in points if task.build in point.title}
    for form in FORMATS:
        for point in points:
            if (point.title, point.events) == (form, most):
                title = f"check, memory at {most:,} events, {form}"
                found.append(Aim(1, title, "at most", MOST_MB, point.megabytes, then.get(most), "MB"))
    return found, points


if __name__ == "__main__":
    alone("check", aims, __doc__)
