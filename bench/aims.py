"""What is aimed for, and what was measured of it, beside an earlier build: as values, as a table, as a file.

Each bench of ``PARTS`` in ``bench.__main__`` has a function ``aims`` that measures and gives these; ``alone`` runs one
bench. Results of enough rounds are kept in ``bench/results/``, one file for each bench, and shown by ``bench.page``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from bench.builds import BUILD, ROOT

ROUNDS = 7
RESULTS = ROOT / "bench" / "results"
# Of fewer rounds than are shown.
QUICK_RESULTS = ROOT / "build" / "bench"

Way = Literal["at most", "at least", "times as fast"]


@dataclass(frozen=True)
class Aim:
    """One figure that is aimed for.

    ``number`` is that of its group in the table. ``bound`` holds for ``now``, or for how many times as fast that is as
    ``before``, as ``way`` says; ``unit`` is that of ``before`` and ``now``. ``before`` is None where the earlier build
    could not be measured. ``processor_before`` and ``processor_now`` are seconds of processors for the same, where the
    figure itself is of the clock.
    """

    number: int
    title: str
    way: Way
    bound: float
    now: float
    before: float | None = None
    unit: str = ""
    processor_before: float | None = None
    processor_now: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times better this build is than the earlier one; None where there is nothing to compare."""
        if self.before is None or self.before <= 0 or self.now <= 0:
            return None
        return self.now / self.before if self.way == "at least" else self.before / self.now

    @property
    def met(self) -> bool:
        """Whether what is aimed for was reached."""
        if self.way == "times as fast":
            return self.ratio is not None and self.ratio >= self.bound
        return self.now <= self.bound if self.way == "at most" else self.now >= self.bound

    @property
    def aimed(self) -> str:
        """What is aimed for, in words."""
        if self.way == "times as fast":
            return f"{self.bound:g} times as fast ({self.unit})"
        return f"{self.way} {self.bound:g} {self.unit}"

    def cells(self) -> tuple[str, str, str, str, str, str, str]:
        """A row of a table, as ``HEAD`` says."""
        used, uses = self.processor_before, self.processor_now
        return (
            self.title,
            self.aimed,
            "" if self.before is None else _figure(self.before),
            _figure(self.now),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            f"{used / uses:.2f}" if used and uses else "",
            "met" if self.met else "missed",
        )


HEAD = ("", "aim", "before", "now", "ratio", "processor", "")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(frozen=True)
class Point:
    """What ``check`` took for a recording of so many events: seconds by the clock and of processors, and megabytes."""

    title: str
    events: int
    seconds: float
    processor: float
    megabytes: float


@dataclass(frozen=True)
class Result:
    """What a bench measured, when, where and how often; ``seconds`` is how long that took."""

    date: str
    machine: str
    build: str
    rounds: int
    seconds: float
    aims: list[Aim]
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """What a bench is to do: with which earlier build, how many rounds, and up to how many events."""

    rounds: int = ROUNDS
    build: str = BUILD
    most: int = 1_000_000


Measure = Callable[[Task], tuple[list[Aim], list[Point]]]


def machine() -> str:
    """What was measured on, and what else it had to do: for whoever reads the figures."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{len(os.sched_getaffinity(0))} processors, load {load} before it, Python {platform.python_version()}"


def run(name: str, measure: Measure, task: Task) -> Result:
    """Has a bench measure, and keeps its results."""
    began, about = datetime.now(UTC), machine()
    aims, points = measure(task)
    seconds = round((datetime.now(UTC) - began).total_seconds(), 1)
    result = Result(f"{began:%Y-%m-%d %H:%M} UTC", about, task.build, task.rounds, seconds, aims, points)
    folder = RESULTS if task.rounds >= ROUNDS else QUICK_RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    written = msgspec.json.format(msgspec.json.encode(result), indent=1)
    (folder / f"{name}.json").write_bytes(written + b"\n")
    return result


def kept(name: str, folder: Path = RESULTS) -> Result:
    """What was kept of a bench. Raises ``OSError`` where nothing was."""
    return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Result)


def table(aims: Sequence[Aim], build: str = BUILD) -> str:
    """Aims as lines of text, below each other."""
    head = (*HEAD[:2], build, *HEAD[3:])
    rows = [head, *(aim.cells() for aim in aims)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = ["", *(str(aim.number) for aim in aims)]
    return "\n".join(
        f"{number:>2} "
        + "  ".join(
            f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for number, row in zip(numbers, rows, strict=True)
    )


def options(description: str | None) -> argparse.ArgumentParser:
    """The options of every bench."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"fewer for a quick run ({ROUNDS})")
    parser.add_argument("--build", default=BUILD, help=f"the commit to compare with ({BUILD})")
    parser.add_argument("--most", type=int, default=1_000_000, help="check grows up to so many events (1000000)")
    return parser


def finish(results: Sequence[Result]) -> int:
    """Prints the table of all aims; 1 where one is missed."""
    aims = sorted((aim for result in results for aim in result.aims), key=lambda aim: aim.number)
    print(f"\n{table(aims, results[0].build)}")
    print("ratio: how many times better than before; processor: the same by seconds of processors")
    missed = sum(not aim.met for aim in aims)
    print(f"{missed} of {len(aims)} aims missed" if missed else f"all {len(aims)} aims met")
    return 1 if missed else 0


def alone(name: str, measure: Measure, description: str | None) -> None:
    """Runs one bench by itself, as its command line says, and ends the process."""
    given = options(description).parse_args()
    sys.exit(finish([run(name, measure, Task(given.rounds, given.build, given.most))]))
