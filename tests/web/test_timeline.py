"""Runs along their time, against examples worked out by hand."""

from __future__ import annotations

from mock_intake.openlineage.run_cycle import RunEventFact
from mock_intake.views import Run
from mock_intake.web.timeline import WIDTH, Bar, timeline


def run(run_id: str, *times: str, parent: str | None = None, end: str = "COMPLETE", org: str = "o") -> Run:
    """A run with a START, and an end if there is a second time."""
    types = ["START", end]
    events = [
        RunEventFact(f"{run_id}-{number}", types[number], f"2026-11-{time}Z", ("prod", run_id), None, parent)
        for number, time in enumerate(times)
    ]
    return Run(run_id, org, events)


def shown(*runs: Run) -> list[tuple[str, int, Bar | None]]:
    return [(row.run.run_id, row.depth, row.bar) for row in timeline(runs).rows]


def test_bars_stand_where_their_time_is() -> None:
    runs = (run("a", "01T12:00:00", "01T12:00:40"), run("b", "01T12:00:50", "01T12:01:40"))
    assert shown(*runs) == [("a", 0, Bar(0, 400, False, False)), ("b", 0, Bar(500, 500, False, False))]
    drawn = timeline(runs)
    assert str(drawn.start) == "2026-11-01 12:00:00+00:00"
    assert str(drawn.end) == "2026-11-01 12:01:40+00:00"


def test_a_run_that_has_not_ended_goes_on_to_the_edge() -> None:
    rows = shown(run("a", "01T12:00:00", "01T12:01:40"), run("b", "01T12:00:50"))
    assert rows[1] == ("b", 0, Bar(500, 500, True, False))


def test_runs_stand_below_the_run_that_they_name_as_parent() -> None:
    rows = shown(
        run("grandchild", "01T12:00:20", "01T12:00:30", parent="child"),
        run("child", "01T12:00:10", "01T12:00:50", parent="root"),
        run("other", "01T12:00:00", "01T12:01:00"),
        run("root", "01T12:00:00", "01T12:01:00"),
        run("orphan", "01T12:00:00", "01T12:01:00", parent="unknown"),
    )
    assert [(name, depth) for name, depth, _ in rows] == [
        ("other", 0), ("root", 0), ("child", 1), ("grandchild", 2), ("orphan", 0),
    ]  # fmt: skip


def test_parents_are_of_the_same_org() -> None:
    rows = shown(run("p", "01T12:00:00", org="one"), run("c", "01T12:00:00", parent="p", org="two"))
    assert [depth for _, depth, _ in rows] == [0, 0]


def test_runs_that_are_each_others_parents_are_shown_once_each() -> None:
    rows = shown(
        run("a", "01T12:00:00", parent="b"), run("b", "01T12:00:00", parent="a"), run("c", "01T12:00:00", parent="c")
    )
    assert sorted(name for name, _, _ in rows) == ["a", "b", "c"]


def test_a_run_of_another_day_does_not_hide_the_others() -> None:
    rows = shown(
        run("a", "10T12:00:00", "10T12:00:50"),
        run("b", "10T12:00:50", "10T12:01:40"),
        run("far", "01T00:00:00", "01T01:00:00"),
    )
    assert rows[0][2] == Bar(0, 500, False, False)
    far = rows[2][2]
    assert far is not None
    assert far.cut


def test_what_has_no_time_has_no_bar() -> None:
    never = Run("never", "o", [RunEventFact("e", "COMPLETE", "yesterday", ("prod", "never"), None, None)])
    assert shown(never) == [("never", 0, None)]
    assert timeline([never]).start is None
    assert timeline([]).rows == []


def test_bars_are_always_within_the_scale_and_wide_enough_to_be_seen() -> None:
    rows = shown(
        run("ends first", "01T12:00:50", "01T12:00:00"),
        run("short", "01T12:01:40", "01T12:01:40"),
        run("a", "01T12:00:00"),
    )
    for _, _, bar in rows:
        assert bar is not None
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
        assert bar.width >= 4
