"""Puts what benches have kept into docs/explanation/performance.md: the table of aims, and check as recordings grow.

Run: .venv/bin/python -m bench.page, after make bench. ``tests/bench/test_page.py`` fails where page and results differ.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.aims import RESULTS, Point, Result, kept
from bench.builds import ROOT
from bench.plot import Plot, svg

PAGE = ROOT / "docs" / "explanation" / "performance.md"
PLOT = PAGE.with_name("check.svg")
BEGIN, END = "<!-- make bench, then python -m bench.page -->\n", "<!-- end -->\n"


def results(folder: Path = RESULTS) -> dict[str, Result]:
    """All that was kept, by the names of benches."""
    return {file.stem: kept(file.stem, folder) for file in sorted(folder.glob("*.json"))}


def with_figures(page: str, found: dict[str, Result]) -> str:
    """The page with these figures. Raises ``ValueError`` where it does not have the lines that they stand between."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} needs the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{figures(found)}\n{END}{after}"


def figures(found: dict[str, Result]) -> str:
    """The figures as Markdown."""
    (build,) = {result.build for result in found.values()}
    aims = sorted((aim for result in found.values() for aim in result.aims), key=lambda aim: aim.number)
    missed = sum(not aim.met for aim in aims)
    lines = [f"Of {len(aims)} aims {missed} are missed; the earlier build is {build}.", ""]
    lines += [f"| | Aim | {build} | Now | Times better | By the processor | |", "|---|---|---|---|---|---|---|"]
    lines += [_row(aim.cells()) for aim in aims]
    lines += ["", "| Bench | When | Where | Rounds | It took |", "|---|---|---|---|---|"]
    for name, result in found.items():
        lines.append(_row((name, result.date, result.machine, str(result.rounds), f"{result.seconds:.0f} s")))
    points = found["check"].points
    lines += ["", f"![check, as recordings grow: seconds and megabytes]({PLOT.name})", ""]
    lines += ["| Events | | Seconds | Of processors | Events a second | MB in all |", "|---|---|---|---|---|---|"]
    for each in points:
        rate = f"{each.events / each.seconds:,.0f}"
        cells = (f"{each.events:,}", each.title, f"{each.seconds:.1f}", f"{each.processor:.1f}", rate)
        lines.append(_row((*cells, f"{each.megabytes:.0f}")))
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def drawn(points: Sequence[Point]) -> str:
    """Time and memory of check as an image."""
    titles = list(dict.fromkeys(point.title for point in points))
    time = {name: [(each.events, each.seconds) for each in points if each.title == name] for name in titles}
    memory = {name: [(each.events, each.megabytes) for each in points if each.title == name] for name in titles}
    return svg([Plot("check: time", "events", "seconds", time), Plot("check: memory", "events", "MB in all", memory)])


def main() -> int:
    """Writes the page and its image; 1 where nothing was kept yet."""
    found = results()
    if "check" not in found:
        print(f"{RESULTS} has no results of check yet: make bench", file=sys.stderr)
        return 1
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    PLOT.write_text(drawn(found["check"].points), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
