"""This build beside an earlier one: judgement, intake, plugin, journal, views and pages, measured in turns in one run.

Run: make bench-before, or .venv/bin/python -m bench.before [--build COMMIT] [--rounds 9] [--only TEXT] [judge] [intake]
[plugin] [journal] [pages]. Pages are fetched, not painted, over a smaller record than that of ``bench.pages``.
The earlier build is checked out from its commit into ``build/before/`` and installed there, into an environment of its
own with the versions that it pinned itself. Each round measures both, one right after the other, so that what the
machine does meanwhile meets them alike; what counts is the median of the rounds' ratios, the clock's and the
processor's; of journal and pages the processor's alone, as others have the clock. More than 1 is faster than before.
Exits with 1 where a median is below ``LEAST``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from bench import intake, plugin
from bench.builds import BUILD, installed
from bench.judge import events
from bench.turns import JUDGE, Cost, Turns

ROUNDS = 9
LEAST = 0.95
SECONDS_OF_JUDGING = 0.3
PARTS = ("judge", "intake", "plugin", "journal", "pages")
OF_THE_PROCESSOR = ("journal", "pages")

Turn = Callable[[Path], Cost]
"""Measures once, by the Python of a build's environment."""


@contextmanager
def judging(pythons: tuple[Path, ...]) -> Iterator[dict[str, Turn]]:
    """A turn for each size of event: judging it again and again, in a process that each build keeps for all turns."""
    bodies = events()
    with ExitStack() as stack:
        started = {python: stack.enter_context(Turns(python, bodies)) for python in pythons}

        def turn(name: str) -> Turn:
            return lambda python: started[python].cost(JUDGE, name, SECONDS_OF_JUDGING)

        yield {f"judge, {name} event": turn(name) for name in bodies}


def _tell(process: subprocess.Popen[str], value: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(value) + "\n")


def receiving() -> dict[str, Turn]:
    """A turn for each form of bodies and each journal: a server that takes events for some seconds."""

    def turn(server: str, form: str) -> Turn:
        def measure(python: Path) -> Cost:
            measured = intake.measure(server, form, python)
            return Cost(1 / measured.rate, measured.cpu)

        return measure

    return {f"intake, {server}, {form}": turn(server, form) for form in intake.FORMS for server in intake.AIMS}


@contextmanager
def testing() -> Iterator[dict[str, Turn]]:
    """Turns of the plugin: a run with one empty test, and one of tests that each send an event."""
    with tempfile.TemporaryDirectory(prefix="plugin-bench-") as name:
        arguments, test = plugin.USED["mock-intake"]
        folders = {
            "plugin, an empty test": plugin.project(Path(name), "empty", plugin.EMPTY_TEST),
            f"plugin, {plugin.TESTS} tests": plugin.project(Path(name), "used", test),
        }

        def turn(folder: Path) -> Turn:
            return lambda python: Cost(*plugin.run(folder, arguments, python))

        yield {title: turn(folder) for title, folder in folders.items()}


@contextmanager
def keeping(part: str, pythons: tuple[Path, ...]) -> Iterator[dict[str, Turn]]:
    """A turn for each thing that ``bench.record`` measures of a part, in a process that each build keeps for all."""
    with ExitStack() as stack:
        started: dict[Path, subprocess.Popen[str]] = {}
        titles: list[list[str]] = []
        for python in pythons:
            # A build's own bench makes what is measured.
            environment = {**os.environ, "PYTHONPATH": str(python.parents[2])}
            process = subprocess.Popen(  # noqa: S603 - our own
                [python, "-P", Path(__file__).with_name("record.py"), part],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment,
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            titles.append(json.loads(process.stdout.readline()))
            started[python] = process

        def turn(title: str) -> Turn:
            def measure(python: Path) -> Cost:
                process = started[python]
                _tell(process, title)
                assert process.stdout is not None
                return Cost(*json.loads(process.stdout.readline()))

            return measure

        # A page that has got another name since is a page of one build alone.
        yield {title: turn(title) for title in titles[-1] if all(title in each for each in titles)}


def compare(title: str, turn: Turn, before: Path, now: Path, rounds: int, *, of_the_processor: bool) -> float:
    """Measures both builds in turns, prints a line, and gives the smaller of clock's and processor's ratio, or the
    processor's."""
    turn(before), turn(now)  # compiled files, caches of the system
    seen = [(turn(before), turn(now)) for _ in range(rounds)]
    clock = statistics.median(was.clock / this.clock for was, this in seen)
    processor = statistics.median(was.processor / this.processor for was, this in seen)
    was, this = (statistics.median(each.processor for each in side) * 1e6 for side in zip(*seen, strict=True))
    print(f"{title:<34} {clock:>6.2f} {processor:>10.2f} {was:>14,.0f} {this:>14,.0f}", flush=True)
    return processor if of_the_processor else min(clock, processor)


def turns_of(part: str, pythons: tuple[Path, ...]) -> AbstractContextManager[dict[str, Turn]]:
    """What is measured of a part."""
    if part == "judge":
        return judging(pythons)
    if part == "intake":
        return nullcontext(receiving())
    return testing() if part == "plugin" else keeping(part, pythons)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all without", default=[])
    options.add_argument("--build", default=BUILD, help=f"the commit to compare with ({BUILD})")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--only", default="", help="measure only what has this in its title")
    given = options.parse_args()
    parts = given.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        options.error(f"no such part: {', '.join(sorted(unknown))}")
    before, now = installed(given.build), Path(sys.executable)
    print(f"this build beside {given.build}, {given.rounds} rounds, {datetime.now(UTC):%Y-%m-%d}; more than 1: faster")
    print(f"{'':<34} {'clock':>6} {'processor':>10} {'us of it then':>14} {'us of it now':>14}")
    ratios = []
    for part in parts:
        with turns_of(part, (before, now)) as turns:
            for title, turn in ((title, turn) for title, turn in turns.items() if given.only in title):
                ratio = compare(title, turn, before, now, given.rounds, of_the_processor=part in OF_THE_PROCESSOR)
                ratios.append((ratio, title))
    for ratio, title in sorted(ratios):
        if ratio < LEAST:
            print(f"below {LEAST}: {title} ({ratio:.2f})")
    if min(ratios)[0] >= LEAST:
        print(f"nothing below {LEAST}")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
