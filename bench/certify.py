"""How long ``mock-intake certify`` takes with a producer that sends by curl, beside an earlier build.

Run: make bench, or .venv/bin/python -m bench.certify [--rounds 7]. The producer is the built-in one, which sends a run
as Datadog documents it and waits for answers as long as curl does. By itself certify runs a scenario at a time; with
``--jobs`` several at once, and then can take no less than the longest of them, which is measured with ``--only``. The
earlier build waits a minute for one of them, and the longest scenario is nearly all waiting: of these two there are
``FEW_ROUNDS`` at most. Exits with 1 where an aim is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.aims import Aim, Point, Task, alone
from bench.builds import ROOT, installed
from bench.turns import Cost

PROGRAM = ROOT / "conformance" / "mock_intake_conformance" / "producers" / "documented_run.sh"
FEW_ROUNDS = 3
JOBS = 8
# Its scenario is the longest: the first answer never comes, and curl waits for it.
LONGEST = "resilience/hanging-once"
# Seconds, and how often the longest scenario.
MOST_SECONDS, MOST_TIMES = 20.0, 1.3


def certify(python: Path, *options: str) -> Cost:
    """One run of the command of a build. Raises ``RuntimeError`` where it could not judge."""
    command = [
        str(python.with_name("mock-intake")),
        "certify",
        "--path",
        "custom",
        *options,
        "--",
        "bash",
        str(PROGRAM),
    ]
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    took, after = time.perf_counter() - began, os.times()
    if done.returncode not in (0, 1):  # curl as documented is not ready to go live
        raise RuntimeError(f"certify ended with {done.returncode}: {done.stderr}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(took, used)


def _medians(runs: list[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*runs, strict=True)))


def aims(task: Task) -> tuple[list[Aim], list[Point]]:
    """Measures both builds, in turns as long as the earlier one takes part, and prints a line for each."""
    before, now = installed(task.build), Path(sys.executable)
    ways: dict[str, tuple[Path, tuple[str, ...]]] = {
        "one scenario at a time": (now, ()),
        f"the same, {task.build}": (before, ()),
        f"--jobs {JOBS}": (now, ("--jobs", str(JOBS))),
        "the longest scenario": (now, ("--only", LONGEST)),
    }
    few = (f"the same, {task.build}", "the longest scenario")
    runs: dict[str, list[Cost]] = {title: [] for title in ways}
    for number in range(task.rounds):
        for title, (python, options) in ways.items():
            if number < FEW_ROUNDS or title not in few:
                runs[title].append(certify(python, *options))
    print(f"{'':<28} {'seconds':>8} {'processor':>10} {'rounds':>7}")
    for title, of_it in runs.items():
        print(f"{title:<28} {_medians(of_it).clock:>8.1f} {_medians(of_it).processor:>10.2f} {len(of_it):>7}")
    here, then, at_once, longest = map(_medians, runs.values())
    times = at_once.clock / longest.clock
    return [
        Aim(5, "certify, a curl producer", "at most", MOST_SECONDS, here.clock, then.clock, "s", then.processor,
            here.processor),
        Aim(5, f"certify, --jobs {JOBS}", "at most", MOST_TIMES, times, then.clock / longest.clock,
            "times its longest scenario", then.processor, at_once.processor),
    ], []  # fmt: skip


if __name__ == "__main__":
    alone("certify", aims, __doc__)
