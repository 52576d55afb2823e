"""Figures on the page are those that were measured, and aims count as met only where they are."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import aims, page
from bench.aims import Aim, Point, Task
from bench.plot import Plot, svg

SVG = "{http://www.w3.org/2000/svg}"


def test_page_and_plot_show_what_was_measured() -> None:
    found = page.results()
    assert set(found) == {"judge", "findings", "intake", "plugin", "certify", "check"}
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.with_figures(text, found) == text, "make bench-page"
    assert page.drawn(found["check"].points) == page.PLOT.read_text(encoding="utf-8"), "make bench-page"


def test_page_without_its_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"performance\.md needs the lines"):
        page.with_figures("# A page\n", page.results())


@pytest.mark.parametrize(
    ("aim", "ratio", "met"),
    [
        (Aim(1, "rate", "at least", 26, now=26, before=13), 2.0, True),
        (Aim(1, "rate", "at least", 26, now=25.9, before=51.8), 0.5, False),
        (Aim(1, "cost", "at most", 3, now=3, before=6), 2.0, True),
        (Aim(1, "cost", "at most", 3, now=3.1, before=6.2), 2.0, False),
        (Aim(1, "speed", "times as fast", 5, now=2, before=10), 5.0, True),
        (Aim(1, "speed", "times as fast", 5, now=2, before=9), 4.5, False),
        (Aim(1, "speed", "times as fast", 5, now=2), None, False),
        (Aim(1, "more", "at most", 17, now=1, before=-1), None, True),
    ],
)
def test_aim_is_met_where_its_bound_holds(aim: Aim, ratio: float | None, met: bool) -> None:
    assert (aim.ratio, aim.met) == (ratio, met)
    assert aim.cells()[-1] == ("met" if met else "missed")


def test_results_come_back_as_they_were_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aims, "RESULTS", tmp_path)
    measured = [Aim(1, "cost", "at most", 3, now=3, before=6)], [Point("text", 10_000, 1.5, 2.5, 100.0)]
    result = aims.run("some", lambda _: measured, Task(rounds=7))
    assert aims.kept("some", tmp_path) == result
    assert (result.aims, result.points, result.rounds) == (*measured, 7)


@pytest.mark.parametrize(("now", "code", "words"), [(3.0, 0, "all 1 aims met"), (4.0, 1, "1 of 1 aims missed")])
def test_a_missed_aim_ends_a_bench_with_1(
    now: float,
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(aims, "RESULTS", tmp_path)
    result = aims.run("some", lambda _: ([Aim(1, "cost", "at most", 3, now=now)], []), Task())
    assert aims.finish([result]) == code
    assert words in capsys.readouterr().out


def test_quick_runs_do_not_replace_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aims, "RESULTS", tmp_path / "shown")
    monkeypatch.setattr(aims, "QUICK_RESULTS", tmp_path / "quick")
    aims.run("some", lambda _: ([], []), Task(rounds=aims.ROUNDS - 1))
    assert [file.parent.name for file in tmp_path.rglob("*.json")] == ["quick"]


def test_lines_are_drawn_from_lowest_to_highest() -> None:
    plot = Plot(
        "time <s>", "events", "seconds", {"now": [(10, 1), (100, 10)], "before & after": [(10, 10), (100, 100)]}
    )
    root = ElementTree.fromstring(svg([plot, plot]))  # noqa: S314 - our own
    lines = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in root.iter(f"{SVG}polyline")
    ]
    assert len(lines) == 4
    (low_left, middle_right), (middle_left, high_right) = lines[:2]
    assert low_left[0] == middle_left[0] < middle_right[0] == high_right[0]
    # Up is less.
    assert high_right[1] < middle_right[1] == middle_left[1] < low_left[1]
    said = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert {"time <s>", "before & after", "events", "seconds"} <= set(said)
    assert {"10", "100"} <= {text for text in said if re.fullmatch(r"[\d,]+", text)}
