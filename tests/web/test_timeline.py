"""Runs along their time, against examples worked out by hand."""

from __future__ import annotations

from mock_intake.model.runs import RunEventFact
from mock_intake.views import Run
from mock_intake.web.timeline import WIDTH, Bar, Place, Row, descendants, listed


def run(run_id: str, *times: str, parent: str | None = None, end: str = "COMPLETE", org: str = "o") -> Run:
    """A run with a START, and an end if there is a second time."""
    types = ["START", end]
    events = [
        RunEventFact(f"{run_id}-{number}", types[number], f"2026-11-{time}Z", ("prod", run_id), None, parent)
        for number, time in enumerate(times)
    ]
    return Run(run_id, org, events)


def rows_of(*runs: Run) -> list[Row]:
    """All runs on one page; they are given with the latest heard of first."""
    return listed(runs, 0, 1_000)


def shown(*runs: Run) -> list[tuple[str, int, Bar | None]]:
    return [(row.run.run_id, row.depth, row.bar) for row in rows_of(*runs)]


def dag(name: str, day: str, tasks: int = 2) -> list[Run]:
    """A nightly run of 100 s and its tasks, of 20 s each from 20 s on; the latest heard of first."""
    below = [
        run(f"{name}-{number}", f"{day}T02:00:20", f"{day}T02:00:40", parent=name) for number in reversed(range(tasks))
    ]
    return [*below, run(name, f"{day}T02:00:00", f"{day}T02:01:40")]


# Bars and scales.


def test_bars_stand_where_their_time_is_within_their_family() -> None:
    rows = rows_of(
        run("b", "01T12:00:50", "01T12:01:40", parent="top"),
        run("a", "01T12:00:10", "01T12:00:40", parent="top"),
        run("top", "01T12:00:00", "01T12:01:40"),
    )
    assert [(row.run.run_id, row.bar) for row in rows] == [
        ("top", Bar(0, 1_000, False, False)), ("a", Bar(100, 300, False, False)), ("b", Bar(500, 500, False, False)),
    ]  # fmt: skip
    scale = rows[0].scale
    assert scale is not None
    assert str(scale.start) == "2026-11-01 12:00:00+00:00"
    assert scale.seconds == 100
    assert (scale.ticks, scale.step) == ([200, 400, 600, 800], "20 s")
    assert [(row.scale, row.first) for row in rows] == [(scale, True), (scale, False), (scale, False)]


def test_nightly_runs_have_a_scale_each_so_that_their_tasks_can_be_compared() -> None:
    rows = rows_of(*dag("c", "12"), *dag("b", "11"), *dag("a", "10"))
    assert len(rows) == 9
    assert {row.bar for row in rows if row.depth} == {Bar(200, 200, False, False)}
    assert {row.bar for row in rows if not row.depth} == {Bar(0, 1_000, False, False)}
    assert [str(row.scale.start)[:10] for row in rows if row.first and row.scale] == [
        "2026-11-12", "2026-11-11", "2026-11-10",
    ]  # fmt: skip


def test_a_run_alone_fills_its_bar_and_tells_no_scale() -> None:
    rows = rows_of(run("long", "01T12:00:00", "20T12:01:40"), run("short", "01T12:00:00", "01T12:00:01"))
    assert [(row.bar, row.scale) for row in rows] == [(Bar(0, 1_000, False, False), None)] * 2


def test_a_run_that_has_not_ended_goes_on_to_the_edge() -> None:
    rows = shown(run("b", "01T12:00:50", parent="a"), run("a", "01T12:00:00", "01T12:01:40"))
    assert rows[1] == ("b", 1, Bar(500, 500, True, False))


def test_a_run_of_another_day_does_not_hide_its_family() -> None:
    rows = shown(run("far", "01T00:00:00", "01T01:00:00", parent="top"), *dag("top", "10"))
    assert rows[1][2] == Bar(200, 200, False, False)
    far = next(bar for name, _, bar in rows if name == "far")
    assert far is not None
    assert far.cut


def test_a_family_of_several_days_is_on_its_scale_as_a_whole() -> None:
    rows = rows_of(
        run("last", "10T00:00:00", "11T00:00:00", parent="top"),
        run("first", "01T00:00:00", "02T00:00:00", parent="top"),
        run("top", "01T00:00:00", "11T00:00:00"),
    )
    assert [row.bar for row in rows] == [
        Bar(0, 1_000, False, False), Bar(0, 100, False, False), Bar(900, 100, False, False),
    ]  # fmt: skip


def test_what_has_no_time_has_no_bar() -> None:
    never = Run("never", "o", [RunEventFact("e", "COMPLETE", "yesterday", ("prod", "never"), None, None)])
    assert shown(never) == [("never", 0, None)]
    assert rows_of(never)[0].scale is None
    assert rows_of() == []


def test_bars_are_always_within_the_scale_and_wide_enough_to_be_seen() -> None:
    rows = shown(
        run("ends first", "01T12:00:50", "01T12:00:00", parent="a"),
        run("short", "01T12:01:40", "01T12:01:40", parent="a"),
        run("a", "01T12:00:00"),
        run("ends first, alone", "01T12:00:50", "01T12:00:00"),
        Run("last", "o", [RunEventFact("e", "START", "9999-12-31T23:59:59.999999Z", ("prod", "last"), None, None)]),
    )
    assert len(rows) == 5
    for _, _, bar in rows:
        assert bar is not None
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
        assert bar.width >= 4


# Families.


def test_runs_stand_below_the_run_that_they_name_as_parent() -> None:
    rows = shown(
        run("other", "01T12:00:00", "01T12:01:00"),
        run("grandchild", "01T12:00:20", "01T12:00:30", parent="child"),
        run("child", "01T12:00:10", "01T12:00:50", parent="root"),
        run("orphan", "01T12:00:00", "01T12:01:00", parent="unknown"),
        run("root", "01T12:00:00", "01T12:01:00"),
    )
    assert [(name, depth) for name, depth, _ in rows] == [
        ("other", 0), ("root", 0), ("child", 1), ("grandchild", 2), ("orphan", 0),
    ]  # fmt: skip


def test_parents_are_of_the_same_org() -> None:
    rows = shown(run("p", "01T12:00:00", org="one"), run("c", "01T12:00:00", parent="p", org="two"))
    assert [depth for _, depth, _ in rows] == [0, 0]


def test_runs_that_are_each_others_parents_are_shown_once_each() -> None:
    runs = [
        run("below", "01T12:00:00", parent="b"), run("a", "01T12:00:00", parent="b"),
        run("b", "01T12:00:00", parent="a"), run("c", "01T12:00:00", parent="c"),
    ]  # fmt: skip
    assert sorted(name for name, _, _ in shown(*runs)) == ["a", "b", "below", "c"]
    # The same run is on top whichever was heard of last.
    assert [name for name, depth, _ in shown(*runs[:3]) if not depth] == ["a"]
    assert [name for name, depth, _ in shown(*reversed(runs[:3])) if not depth] == ["a"]


def told(rows: list[Row]) -> list[tuple[str, int, Place]]:
    return [(row.run.run_id, row.depth, row.place) for row in rows]


def test_a_page_that_begins_within_a_family_leads_to_it_once_more_on_the_same_scale() -> None:
    runs = [run("newest", "10T03:00:00"), *dag("top", "10", tasks=60), *dag("old", "09", tasks=1)]
    first, second = listed(runs, 0, 50), listed(runs, 50, 50)
    assert [row.run.run_id for row in first] == ["newest", "top", *(f"top-{number}" for number in range(48))]
    assert {row.place for row in first} == {Place.LISTED}
    assert told(second)[:2] == [("top", 0, Place.EARLIER), ("top-48", 1, Place.LISTED)]
    assert [row.run.run_id for row in second[1:]] == [*(f"top-{number}" for number in range(48, 60)), "old", "old-0"]
    assert second[0].first
    assert first[2].scale == second[0].scale == second[1].scale
    assert first[1].bar == second[0].bar


def test_every_run_is_listed_on_one_page() -> None:
    runs = [*dag("a", "10", tasks=7), run("x", "10T03:00:00"), *dag("b", "09", tasks=3), run("y", "10T03:00:00")]
    for size in range(1, 8):
        names = [
            row.run.run_id
            for begin in range(0, len(runs), size)
            for row in listed(runs, begin, size)
            if row.place is Place.LISTED
        ]
        assert names == [row.run.run_id for row in rows_of(*runs)]


def test_who_stands_above_those_that_fit_a_filter_is_shown_and_marked() -> None:
    runs = [
        run("grandchild", "10T02:00:30", "10T02:00:40", parent="top-1"), *dag("top", "10"), run("other", "10T02:00:00"),
    ]  # fmt: skip
    fitting = [runs[0], runs[4]]
    rows = listed(runs, 0, 50, fitting)
    assert told(rows) == [
        ("top", 0, Place.UNFIT), ("top-1", 1, Place.UNFIT), ("grandchild", 2, Place.LISTED),
        ("other", 0, Place.LISTED),
    ]  # fmt: skip
    # What does not fit is on the scale all the same: it is the scale of the family.
    assert rows[2].bar == Bar(300, 100, False, False)
    assert told(listed(runs, 1, 50, fitting)) == [("other", 0, Place.LISTED)]


def test_of_a_chain_that_is_too_long_the_top_and_the_nearest_lead_to_a_page() -> None:
    chain = [run(f"{number}", "10T02:00:00", parent=f"{number - 1}") for number in reversed(range(1_000))]
    rows = listed(chain, 900, 50)
    assert [row.run.run_id for row in rows] == ["0", *(f"{number}" for number in range(881, 950))]
    assert [row.left_out for row in rows[:3]] == [0, 880, 0]
    assert rows[20].place is Place.LISTED


def test_descendants_are_nested_and_counted_beyond_the_limit() -> None:
    runs = [
        run("grandchild", "10T02:00:30", "10T02:00:40", parent="top-0"),
        *dag("top", "10", tasks=4), run("other", "10T02:00:00", parent="above"), run("above", "10T02:00:00"),
    ]  # fmt: skip
    rows, left = descendants(runs, runs[5], 3)
    assert [(row.run.run_id, row.depth) for row in rows] == [("top", 0), ("top-0", 1), ("grandchild", 2), ("top-1", 1)]
    assert left == 2
    rows, left = descendants(runs, runs[5], 5)
    assert [(row.run.run_id, row.depth) for row in rows][-2:] == [("top-2", 1), ("top-3", 1)]
    assert left == 0


def test_runs_of_a_parent_that_sent_no_event_are_a_family_if_there_are_several() -> None:
    runs = [
        run("b", "10T02:00:50", "10T02:01:40", parent="unseen"), run("newer", "10T02:00:00", parent="another"),
        run("below", "10T02:00:10", "10T02:00:20", parent="a"),
        run("a", "10T02:00:00", "10T02:00:50", parent="unseen"), run("x", "10T02:00:00", parent="unseen", org="two"),
    ]  # fmt: skip
    rows = rows_of(*runs)
    assert [(row.run.run_id, row.depth, row.unseen) for row in rows] == [
        ("a", 1, "unseen"), ("below", 2, None), ("b", 1, None), ("newer", 0, None), ("x", 0, None),
    ]  # fmt: skip
    assert [row.bar for row in rows[:3]] == [
        Bar(0, 500, False, False), Bar(100, 100, False, False), Bar(500, 500, False, False),
    ]  # fmt: skip
    assert [(row.run.run_id, row.unseen) for row in listed(runs, 2, 2)] == [("b", "unseen"), ("newer", None)]
