"""Names with an id of their run in them are kept within bounds, whatever is sent."""

from __future__ import annotations

from uuid import UUID

from mock_intake.model.per_run import MOST_NAMES, NamedPerRun, PerRunNames, template_of


def _id(number: int) -> str:
    return str(UUID(int=(0xABCDEF << 100) + number))


def _named(names: PerRunNames, group: str, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        names.add("org", f"run {number}", "job", "etl", f"{group}.{_id(number)}")


def test_a_group_is_told_with_the_run_that_it_began_with() -> None:
    names = PerRunNames()
    _named(names, "load", 3)
    (found,) = names.begun_by("org", "run 0")
    assert found == NamedPerRun("job", "etl", "load.*", tuple(f"load.{_id(number)}" for number in range(3)))
    assert not list(names.begun_by("org", "run 1"))


def test_of_a_group_so_many_names_are_kept() -> None:
    names = PerRunNames()
    _named(names, "load", MOST_NAMES + 20)
    (found,) = names.begun_by("org", "run 0")
    assert len(found.names) == MOST_NAMES


def test_where_there_are_too_many_names_the_groups_go_that_have_not_grown_for_longest() -> None:
    names = PerRunNames(most=10)
    _named(names, "first", 4)
    _named(names, "second", 4)
    _named(names, "first", 1, first=4)
    _named(names, "third", 4)
    left = {found.template: len(found.names) for found in names.begun_by("org", "run 0")}
    assert left == {"first.*": 5, "third.*": 4}
    # One that has gone begins anew.
    _named(names, "second", 3, first=7)
    assert {found.template for found in names.begun_by("org", "run 7")} == {"second.*"}


def test_what_is_long_is_not_kept() -> None:
    names = PerRunNames()
    long = "x" * 600
    for number in range(3):
        names.add("org", f"run {number}", "job", long, f"load.{_id(number)}")
        names.add("org", f"{number}{long}", "job", "etl", f"load.{_id(number)}")
        assert template_of(f"{long}.{_id(number)}") is None
    assert not list(names.begun_by("org", "run 0"))
    assert not list(names.begun_by("org", f"0{long}"))


def test_what_came_with_a_run_goes_with_it() -> None:
    names = PerRunNames()
    _named(names, "load", 5)
    names.forget("org", "run 0")
    (found,) = names.begun_by("org", "run 1")
    assert found.names == tuple(f"load.{_id(number)}" for number in range(1, 5))
    for number in range(1, 5):
        names.forget("org", f"run {number}")
        names.forget("org", f"run {number}")
    assert not len(names)
    _named(names, "load", 3)
    assert list(names.begun_by("org", "run 0"))


def test_a_name_that_came_with_two_runs_is_none_of_its_run() -> None:
    names = PerRunNames()
    _named(names, "load", 3)
    names.add("org", "run 9", "job", "etl", f"load.{_id(1)}")
    assert not list(names.begun_by("org", "run 0"))
