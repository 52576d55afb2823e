"""Equality of JSON values is exact, whatever the library that shows the difference holds for equal."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from itertools import permutations
from time import process_time
from typing import Any

import pytest
from deepdiff import DeepDiff
from hypothesis import example, given
from hypothesis import strategies as st

from mock_intake_pytest import ABSENT, ANY, satisfying, unordered
from mock_intake_pytest.comparing import difference
from mock_intake_pytest.differences import DEEPDIFF_OPTIONS, found_by_deepdiff
from mock_intake_pytest.matching import distance, fits, key_of, misses, pairs

# What a comparison is likely to take for one another.
ALIKE: list[Any] = [
    *(None, True, False, "", "true", "null", "1", "__op", [], {}, [None], [[]]),
    *(0, 1, -1, 0.0, -0.0, 1.0, 1e-13, 1 + 1e-13, 0.1, 0.1 + 2**-56, 1e20, 10**20, 10**20 + 1),
    *(2**53, 2**53 + 1, float(2**53), 8_234_567_890_123_456_789, 8_234_567_890_123_456_790, 2**63, 2**64 + 1),
    *("é", "e\u0301", "a", "A", "a ", "\ud800"),
]
KEYS = st.sampled_from(["a", "A", "b", "__op", "__deleted", "_producer", "a/b", "~", "0", "", "é", "['a']", "root"])
LEAVES = st.sampled_from(ALIKE) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3)


def containers(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inside, max_size=4) | st.dictionaries(KEYS, inside, max_size=4)


JSON_VALUES = st.recursive(LEAVES, containers, max_leaves=12)


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two values, the second like the first but for one or two places, or none."""
    value = draw(JSON_VALUES)
    other = copied(value)
    for _ in range(draw(st.integers(0, 2))):
        other = draw(changed(other))
    return value, other


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A value with something put in, taken out or replaced somewhere in it."""
    if isinstance(value, dict):
        key = draw(KEYS | st.sampled_from(sorted(value)) if value else KEYS)
        if key not in value or draw(st.booleans()):
            return {**value, key: draw(LEAVES)}
        if draw(st.booleans()):
            return {each: value[each] for each in value if each != key}
        return {**value, key: draw(changed(value[key]))}
    if isinstance(value, list) and value:
        index = draw(st.integers(0, len(value) - 1))
        return draw(
            st.sampled_from([value[:index] + value[index + 1 :], [*value, value[index]], value[::-1]])
            | changed(value[index]).map(lambda each: [*value[:index], each, *value[index + 1 :]])
        )
    return draw(LEAVES)


def copied(value: Any) -> Any:
    """The same value, of other objects, its keys the other way round."""
    if isinstance(value, dict):
        return {key: copied(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value


def plainly(value: Any) -> Hashable:
    """What a JSON value is, in words that cannot be mistaken for one another: the reference of these tests."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        return ("number", Fraction(value))
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list):
        return ("list", *map(plainly, value))
    return ("object", *sorted((key, plainly(each)) for key, each in value.items()))


def part_of(value: Any, expected: Any) -> Any:
    """A value without what the expected one does not name."""
    if isinstance(value, dict) and isinstance(expected, dict):
        return {key: part_of(value[key], expected[key]) for key in value if key in expected}
    if isinstance(value, list) and isinstance(expected, list) and len(value) == len(expected):
        return [part_of(*both) for both in zip(value, expected, strict=True)]
    return value


# Equality


@given(neighbours() | st.tuples(JSON_VALUES, JSON_VALUES))
@example(({"__op": "c"}, {"__op": "d"}))
@example(({"__op": "c"}, {}))
@example(({}, {"__deleted": True}))
@example((8_234_567_890_123_456_789, 8_234_567_890_123_456_790))
@example((1e-13, 0))
@example((1, True))
@example(([1, 2], [True, 2]))
@example(({"a": 1}, {"a": 1.0}))
@example((10**20, 1e20))
@example((10**20 + 1, 1e20))
@example(([], {}))
def test_there_is_no_difference_exactly_where_values_are_equal(both: tuple[Any, Any]) -> None:
    expected, actual = both
    equal = plainly(expected) == plainly(actual)
    assert (difference(expected, actual, whole=True) is None) is equal
    assert (key_of(expected) == key_of(actual)) is equal
    if equal:
        assert hash(key_of(expected)) == hash(key_of(actual))


@given(neighbours() | st.tuples(JSON_VALUES, JSON_VALUES))
@example(({"__op": "c"}, {"a": 1}))
@example(({"a": []}, {"a": {}}))
@example(({"a": [{}]}, {"a": [{"b": 1}]}))
def test_in_part_only_what_is_expected_is_looked_at(both: tuple[Any, Any]) -> None:
    expected, actual = both
    fitting = plainly(part_of(actual, expected)) == plainly(expected)
    assert (difference(expected, actual) is None) is fitting
    assert fits(expected, actual) is fitting
    assert (distance(expected, actual) == 0) is fitting


@given(neighbours() | st.tuples(JSON_VALUES, JSON_VALUES), st.booleans())
@example(([{"a": [1]}], [{"a": [1, 2], "b": 1}]), False)
def test_all_that_decided_is_shown_and_nothing_else(both: tuple[Any, Any], whole: bool) -> None:
    """What is shown has been led to by the library, and every place is one of those that decided."""
    decided = sorted(map(repr, misses(*both, whole=whole)))
    assert sorted(map(repr, found_by_deepdiff(*both, whole=whole))) == decided
    shown = difference(*both, whole=whole)
    assert len(shown.lines if shown else ()) == len(decided)


def nested(leaf: Any, levels: int) -> Any:
    for level in range(levels):
        leaf = [leaf] if level % 2 else {"in": leaf}
    return leaf


def test_a_place_that_the_library_does_not_get_to_is_shown_all_the_same() -> None:
    expected, actual = nested(1, 5_000), nested(2, 5_000)
    assert found_by_deepdiff(expected, actual, whole=False) == []
    different = difference(expected, actual)
    assert different is not None
    assert different.lines == ["/0/in" * 2_500 + ": expected 1, there is 2"]


def test_every_option_of_the_library_is_one_that_was_looked_at() -> None:
    """A version with new ones has a new one to choose, or to name here."""
    # Whether two values are equal is no question to it; how many times it calls itself beside, caches and reports, none
    # to us. Paths with wildcards are what exclude_paths and include_paths hold.
    elsewhere = {
        *("significant_digits", "number_format_notation", "number_to_string_func", "math_epsilon", "use_log_scale"),
        *("log_scale_similarity_threshold", "ignore_nan_inequality", "ignore_type_in_groups", "ignore_type_subclasses"),
        *("ignore_uuid_types", "use_enum_value", "truncate_datetime", "default_timezone", "encodings"),
        *("ignore_encoding_errors", "hasher", "hashes", "cutoff_distance_for_pairs", "cutoff_intersection_for_pairs"),
        *("max_passes", "get_deep_distance", "group_by_sort_key", "cache_size", "cache_purge_level"),
        *("cache_tuning_sample_size", "log_frequency_in_sec", "log_stacktrace", "progress_logger", "verbose_level"),
        *("multiprocessing", "multiprocessing_workers", "multiprocessing_threshold"),
        *("self", "t1", "t2", "custom_operators", "kwargs", "_original_type", "_parameters", "_shared_parameters"),
    }
    assert set(inspect.signature(DeepDiff.__init__).parameters) - elsewhere == set(DEEPDIFF_OPTIONS)


# What a reader sees


@pytest.mark.parametrize(
    ("expected", "actual", "line"),
    [
        ("x" * 500 + "old", "x" * 500 + "new", f"(the whole): expected ...{'x' * 40}old', there is ...{'x' * 40}new'"),
        ("é", "e\u0301", r"(the whole): expected '\xe9', there is 'e\u0301'"),
        (2**64, 2.0**63, "(the whole): expected 18446744073709551616, there is 9.223372036854776e+18"),
        ({"__op": "c"}, {}, "/__op: missing, expected 'c'"),
        ([1], [1, True], "/1: not expected, there is True"),
        (1, True, "(the whole): expected 1, there is True"),
        (unordered([1, 2]), [1, 3], "(the whole): expected unordered([1, 2]), there is [1, 3]"),
        ({"a": ABSENT}, {"a": None}, "/a: not expected, there is None"),
    ],
)
def test_two_values_never_look_the_same(expected: Any, actual: Any, line: str) -> None:
    different = difference(expected, actual)
    assert different is not None
    assert different.lines == [line]


# Types


@pytest.mark.parametrize(
    ("kind", "of_it", "not_of_it"),
    [
        (int, (3, 3.0, -1, 1e20, 10**30), (3.5, True, "3", None, [])),
        (float, (3, 3.5, 3.0, 10**30), (True, False, "3.5", None)),
        (bool, (True, False), (1, 0, 1.0, "true", None)),
        (str, ("", "3"), (3, None, [])),
        (object, (1, True, "", None, [], {}), ()),
        (type(None), (None,), (0, "", False)),
        (list, ([],), ({}, "")),
        (dict, ({},), ([], "")),
    ],
)
def test_a_type_stands_for_what_json_has_of_it(kind: type, of_it: tuple[Any, ...], not_of_it: tuple[Any, ...]) -> None:
    """What equals a value of a type is of the type: 3 equals 3.0, so both are whole numbers, and both are numbers."""
    assert [value for value in of_it if not fits(kind, value)] == []
    assert [value for value in not_of_it if fits(kind, value)] == []


# In any order


def most_pairs(expected: Sequence[Any], actual: Sequence[Any]) -> int:
    """How many can have one of their own, by trying all."""
    if len(expected) > len(actual):
        return max(most_pairs(some, actual) for some in permutations(expected, len(actual)))
    return max(sum(map(fits, expected, chosen)) for chosen in permutations(actual, len(expected)))


SMALL = st.sampled_from([1, 2, True, "a", {"a": 1}, {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"b": 1}, [1], [2], [1, 2]])
WANTED = SMALL | st.sampled_from(
    [ANY, int, dict, {"a": ANY}, {"a": int, "b": 1}, {"b": ABSENT}, {}, [int], [ANY, ANY], unordered([2, int])]
)


@given(st.lists(WANTED, max_size=5), st.lists(SMALL, max_size=5))
@example([{"a": 1}, {"a": 1, "b": ABSENT}], [{"a": 1}, {"a": 1, "b": 1}])
@example([ANY, int, 1], [1, True, 2])
def test_as_many_as_can_find_one_of_their_own(expected: list[Any], actual: list[Any]) -> None:
    found = pairs(expected, actual)
    taken = [have for have in found if have is not None]
    assert len(set(taken)) == len(taken)
    assert all(fits(expected[want], actual[have]) for want, have in enumerate(found) if have is not None)
    assert len(taken) == most_pairs(expected, actual)
    assert fits(unordered(expected), actual) is (len(taken) == len(expected) == len(actual))


def counting() -> tuple[list[Any], Callable[[Any], bool]]:
    calls: list[Any] = []

    def passes(value: Any) -> bool:
        calls.append(value)
        return True

    return calls, passes


def test_what_can_be_told_apart_is_not_tried_one_by_one() -> None:
    calls, passes = counting()
    many = 2_000
    actual = [{"run": {"id": f"run {n}", "state": "OK", "rows": n}, "list": [n, n + 1]} for n in range(many)]
    by_value = [{"run": {"state": "OK", "id": f"run {n}", "rows": satisfying(passes)}} for n in reversed(range(many))]
    assert pairs(by_value, actual) == [*reversed(range(many))]
    assert len(calls) == many
    calls.clear()
    by_list = [{"run": {"state": "OK"}, "list": [n, satisfying(passes)]} for n in reversed(range(many))]
    assert pairs(by_list, actual) == [*reversed(range(many))]
    assert len(calls) == many


def test_equals_find_each_other_without_being_compared() -> None:
    many = 2_000
    actual = [{"state": "OK", "lists": [[n % 40, 0], [n // 40]]} for n in range(many)]
    before = process_time()
    assert pairs(actual[::-1], actual) == [*reversed(range(many))]
    # Some 20 ms; one by one it is 2,000,000 comparisons.
    assert process_time() - before < 2


def test_thousands_that_have_to_change_places_change_them() -> None:
    """Each fits its own and the next; the last comes first and takes what the one before it wants, and so on."""
    many = 1_500
    expected = [*(satisfying((n, n - 1).__contains__) for n in range(1, many)), 0]
    found = pairs(expected, list(range(many)))
    assert sorted(found, key=lambda have: -1 if have is None else have) == [*range(many)]


def test_a_search_in_vain_is_not_made_over_and_over() -> None:
    calls, passes = counting()
    many = 300
    found = pairs([{"a": satisfying(passes), "n": 1}] * many, [{"a": 1, "n": 1}] * (many // 2))
    assert found == [*range(many // 2), *[None] * (many // 2)]
    # Each of those that found one tried one; the first that found none tried all, and the others tried none again.
    assert len(calls) <= many


def test_values_of_every_kind_survive_a_file() -> None:
    """Snapshots are written and read as JSON; what is equal before is equal after."""
    assert difference(json.loads(json.dumps(ALIKE)), ALIKE, whole=True) is None
