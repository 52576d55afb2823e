"""Whether a JSON value is as expected, exactly; and which of several is as which expected one.

This decides. Values are compared as JSON has them: numbers by what they are worth (1 is 1.0, but no two integers are
equal that differ in their last digit), true is no number, and no key is special. What is expected holds matchers too,
and names only what matters, unless the ``whole`` is compared.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from mock_intake_pytest.matchers import ABSENT, Matcher, Unordered

Place = tuple[str | int, ...]

NOTHING = Matcher("NOTHING", lambda _: False)
"""Stands where one of two values has nothing at all."""

# In keys, true and false are to be no numbers; and Python holds 1 and True for equal.
_TRUE, _FALSE = object(), object()
# An event that holds the rarest of what is expected is looked into; more need not be known of so few.
_FEW = 4


class Miss(NamedTuple):
    """A place at which the actual value is not as expected; ``NOTHING`` where one of them ends before."""

    place: Place
    expected: Any
    actual: Any


def misses(expected: Any, actual: Any, *, whole: bool = False) -> Iterator[Miss]:
    """Where ``actual`` is not as ``expected``, found one by one: whoever asks only whether it fits takes the first.

    What an expected object does not name may be anything, but where the ``whole`` is compared.
    """
    # A list of what is to do, and no recursion: neither long nor deep values come to the end of Python's stack.
    ahead: list[tuple[Place, Any, Any]] = [((), expected, actual)]
    while ahead:
        place, want, have = ahead.pop()
        if isinstance(want, dict) and isinstance(have, dict):
            for key, each in want.items():
                if key in have:
                    ahead.append(((*place, key), each, have[key]))
                elif each is not ABSENT:
                    yield Miss((*place, key), each, NOTHING)
            if whole:
                for key in have.keys() - want.keys():
                    yield Miss((*place, key), NOTHING, have[key])
        elif isinstance(want, list) and isinstance(have, list):
            ahead += [((*place, index), *both) for index, both in enumerate(zip(want, have, strict=False))]
            for index in range(len(have), len(want)):
                if want[index] is not ABSENT:
                    yield Miss((*place, index), want[index], NOTHING)
            for index in range(len(want), len(have)):
                yield Miss((*place, index), NOTHING, have[index])
        elif not value_fits(want, have):
            yield Miss(place, want, have)


def fits(expected: Any, actual: Any) -> bool:
    """Whether ``actual`` has all that ``expected`` has."""
    return next(misses(expected, actual), None) is None


def distance(expected: Any, actual: Any) -> int:
    """How many expected values are not there, and values too many: of several that do not fit, the least is nearest."""
    return sum(_size(miss.expected) for miss in misses(expected, actual))


def _size(expected: Any) -> int:
    """How many values an expected one holds: one that is missing as a whole counts for all in it."""
    if isinstance(expected, Unordered):
        expected = expected.items
    if isinstance(expected, dict):
        return max(1, sum(map(_size, expected.values())))
    if isinstance(expected, list):
        return max(1, sum(map(_size, expected)))
    return 1


def value_fits(expected: Any, actual: Any) -> bool:
    """Whether a value that is no object or list, or what stands in place of one, is as expected."""
    if isinstance(expected, Unordered):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected.items)
            and None not in pairs(expected.items, actual)
        )
    if isinstance(expected, Matcher):
        return expected.matches(actual)
    if isinstance(expected, type):
        return _is_of(expected, actual)
    if isinstance(expected, re.Pattern):
        return isinstance(actual, str) and expected.search(actual) is not None
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    # Python compares an integer with a double by what they are worth, whatever their length.
    return bool(expected == actual)


def _is_of(kind: type, actual: Any) -> bool:
    """Whether a value is of a type. JSON has one type of number: 3 and 3.0 are whole, and both are numbers."""
    if isinstance(actual, bool):
        return kind in (bool, object)
    if kind is int:
        return isinstance(actual, int) or (isinstance(actual, float) and actual.is_integer())
    if kind is float:
        return isinstance(actual, int | float)
    return isinstance(actual, kind)


def pairs(expected: Sequence[Any], actual: Sequence[Any]) -> list[int | None]:
    """For each expected value the index of an actual one that fits it, each its own; None where none is left.

    As many as can be find one. Equals find each other by their keys; for the rest, those that nobody has are tried
    first, and then whether others can be had to change theirs (augmenting paths of a bipartite matching, searched
    breadth first: Kuhn 1955, Hopcroft and Karp 1973).
    """
    return _Pairing(expected, actual).found()


class _Pairing:
    def __init__(self, expected: Sequence[Any], actual: Sequence[Any]) -> None:
        self._expected = expected
        self._actual = actual
        self._keys = [key_of(value) for value in actual]
        self._partner: list[int | None] = [None] * len(expected)
        self._owner: dict[int, int] = {}
        # For each place that was asked for, which actual values have what there.
        self._holders: dict[Place, dict[Hashable, list[int]]] = {}
        # What a search in vain has come by is of no use to any search to come: none of it leads to one that is free.
        self._vain: set[int] = set()

    def found(self) -> list[int | None]:
        self._pair_equals()
        for want, have in enumerate(self._partner):
            if have is None and not self._take_free(want):
                self._make_others_change(want)
        return self._partner

    def _pair_equals(self) -> None:
        same: dict[Hashable, deque[int]] = {}
        for have, key in enumerate(self._keys):
            same.setdefault(key, deque()).append(have)
        for want, value in enumerate(self._expected):
            # A matcher is equal to nothing that an event holds.
            if equals := same.get(key_of(value)):
                self._give(equals.popleft(), want)

    def _give(self, have: int, want: int) -> None:
        self._owner[have], self._partner[want] = want, have

    def _fitting(self, want: int) -> Iterator[int]:
        value = self._expected[want]
        return (have for have in self._candidates(value) if fits(value, self._actual[have]))

    def _take_free(self, want: int) -> bool:
        value = self._expected[want]
        for have in self._candidates(value):
            if have not in self._owner and fits(value, self._actual[have]):
                self._give(have, want)
                return True
        return False

    def _make_others_change(self, want: int) -> None:
        reached_from: dict[int, int] = {}
        ahead = deque([want])
        while ahead:
            asking = ahead.popleft()
            for have in self._candidates(self._expected[asking]):
                if have in reached_from or have in self._vain:
                    continue
                if not fits(self._expected[asking], self._actual[have]):
                    continue
                reached_from[have] = asking
                if have not in self._owner:
                    self._hand_on(have, reached_from)
                    return
                ahead.append(self._owner[have])
        self._vain.update(reached_from)

    def _hand_on(self, free: int, reached_from: dict[int, int]) -> None:
        """Gives what is free to the last of a chain, its own to the one before it, and so on up to the first."""
        have: int | None = free
        while have is not None:
            want = reached_from[have]
            before = self._partner[want]
            self._give(have, want)
            have = before

    def _candidates(self, expected: Any) -> Sequence[int]:
        """Those that may fit: that have the rarest of the plain values which are expected, where there is any."""
        fewest: Sequence[int] = range(len(self._actual))
        for place, value in _plain_values(expected):
            if len(fewest) <= _FEW:
                break
            holders = self._holders_at(place).get(key_of(value), ())
            if len(holders) < len(fewest):
                fewest = holders
        return fewest

    def _holders_at(self, place: Place) -> dict[Hashable, list[int]]:
        if place not in self._holders:
            holders = self._holders[place] = {}
            for index, value in enumerate(self._actual):
                found = _at(place, value)
                if not isinstance(found, dict | list):
                    holders.setdefault(key_of(found), []).append(index)
        return self._holders[place]


def _at(place: Place, value: Any) -> Any:
    """What an actual value has at a place; ``NOTHING`` where it has no such place."""
    for part in place:
        if isinstance(value, dict):
            value = value.get(part, NOTHING)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return NOTHING
    return value


def _plain_values(expected: Any) -> Iterator[tuple[Place, Any]]:
    """Texts, numbers, true, false and null that must be there, with their places: the outer ones first."""
    ahead: deque[tuple[Place, Any]] = deque([((), expected)])
    while ahead:
        place, value = ahead.popleft()
        if isinstance(value, dict):
            ahead += [((*place, key), each) for key, each in value.items()]
        elif isinstance(value, list):
            ahead += [((*place, index), each) for index, each in enumerate(value)]
        elif value is None or isinstance(value, str | int | float):
            yield place, value


def key_of(value: Any) -> Hashable:
    """The same for equal JSON values, and for no others. Matchers and types have keys that no JSON value has."""
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if isinstance(value, dict):
        return frozenset(zip(value, map(key_of, value.values()), strict=True))
    if isinstance(value, list):
        return tuple(map(key_of, value))
    # Equal numbers have the same hash in Python, whatever their type.
    key: Hashable = value
    return key
