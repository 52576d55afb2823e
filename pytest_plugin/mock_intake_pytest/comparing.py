"""Compares events with what a test expects of them: partly, with matchers, the difference shown by deepdiff.

Whether an event fits and what is shown when it does not come from the same comparison.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

try:
    from deepdiff import DeepDiff
    from deepdiff.helper import notpresent
    from deepdiff.operator import BaseOperator
except ImportError:
    raise pytest.fail.Exception(
        "Comparing events needs the library deepdiff: pip install 'mock-intake[pytest]'", pytrace=False
    ) from None

from mock_intake_pytest.asking import as_text
from mock_intake_pytest.matchers import ABSENT, Matcher, Unordered
from mock_intake_pytest.records import Event, title_of
from mock_intake_pytest.telling import IntakeFailure, events_text, paragraphs, printable

_MOST_DIFFERENCES = 20
_MOST_TEXT = 200


class Difference:
    """What keeps a value from being as expected: lines for the reader, and how many values are not there."""

    def __init__(self, lines: Sequence[str], values: int) -> None:
        self.lines = lines
        self.values = values

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __str__(self) -> str:
        shown = [f"  {line}" for line in self.lines[:_MOST_DIFFERENCES]]
        if len(self.lines) > _MOST_DIFFERENCES:
            shown.append(f"  and {len(self.lines) - _MOST_DIFFERENCES} more")
        return "\n".join(shown)


def difference(expected: Any, actual: Any) -> Difference:
    """How ``actual`` is not as ``expected``; what an expected object does not name may be anything."""
    diff = DeepDiff(
        expected,
        actual,
        view="tree",
        custom_operators=[_Matching()],
        verbose_level=2,
        # By default what differs too much is not looked into, and one long line is shown in place of the place.
        threshold_to_diff_deeper=0,
        ignore_numeric_type_changes=True,
        # Element by element: the way that lines up lists of plain values takes true for 1.
        zip_ordered_iterables=True,
    )
    lines, values = [], 0
    for kind, levels in diff.items():
        # The actual object has more than the expected one: that is what "partly" means.
        if kind == "dictionary_item_added":
            continue
        for level in levels:
            if level.t1 is ABSENT and level.t2 is notpresent:
                continue
            lines.append(_line(kind, level))
            values += _values(level.t1)
    return Difference(sorted(lines), values)


def _values(expected: Any) -> int:
    """How many values an expected one holds: one that is missing as a whole counts for all in it."""
    if isinstance(expected, Unordered):
        expected = expected.items
    if isinstance(expected, Mapping):
        return max(1, sum(_values(each) for each in expected.values()))
    if isinstance(expected, list):
        return max(1, sum(_values(each) for each in expected))
    return 1


class _Matching(BaseOperator):
    """Has matchers, types and patterns decide for themselves; true is no number."""

    def __init__(self) -> None:
        super().__init__(types=[object])

    def match(self, level: Any) -> bool:
        return isinstance(level.t1, Matcher | type | re.Pattern) or isinstance(level.t1, bool) != isinstance(
            level.t2, bool
        )

    def give_up_diffing(self, level: Any, diff_instance: DeepDiff) -> bool:
        expected, actual = level.t1, level.t2
        if isinstance(expected, Unordered):
            if (
                isinstance(actual, list)
                and len(actual) == len(expected.items)
                and None not in _pairs(expected.items, actual)
            ):
                return True
        elif isinstance(expected, Matcher):
            if expected.matches(actual):
                return True
        elif isinstance(expected, type):
            # True is no number in JSON.
            if isinstance(actual, expected) and (expected is bool or not isinstance(actual, bool)):
                return True
        elif isinstance(expected, re.Pattern) and isinstance(actual, str) and expected.search(actual):
            return True
        diff_instance.custom_report_result("not_as_asked", level)  # type: ignore[no-untyped-call]
        return True


def _line(kind: str, level: Any) -> str:
    place = _pointer(level.path(output_format="list"))
    if kind in ("dictionary_item_removed", "iterable_item_removed"):
        return f"{place}: missing, expected {_shown(level.t1)}"
    if level.t1 is ABSENT or kind in ("dictionary_item_added", "iterable_item_added"):
        return f"{place}: not expected, there is {_shown(level.t2)}"
    return f"{place}: expected {_shown(level.t1)}, there is {_shown(level.t2)}"


def _pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path) or "(the whole)"


def _shown(value: Any) -> str:
    text = _text(value)
    if len(text) > _MOST_TEXT:
        text = text[: _MOST_TEXT - 3] + "..."
    return printable(text)


def _text(value: Any) -> str:
    """A value as it is written in a test."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(each) for each in value) + "]"
    if isinstance(value, Unordered):
        return f"unordered({_text(value.items)})"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, re.Pattern):
        return f"re.compile({value.pattern!r})"
    return repr(value)


def _comparable(expected: Any, path: tuple[str | int, ...] = ()) -> Any:
    """What is expected, as JSON has it: texts in place of members of enumerations and UUIDs, lists of tuples.

    Raises ``TypeError`` for what no event can hold, and so would never fit.
    """
    __tracebackhide__ = True
    expected = as_text(expected)
    # No comprehensions: they would show as steps of their own on the way to the failure.
    if isinstance(expected, Mapping):
        entries = {}
        for key, each in expected.items():
            entries[key] = _comparable(each, (*path, key))
        return entries
    if isinstance(expected, list | tuple):
        items = []
        for index, each in enumerate(expected):
            items.append(_comparable(each, (*path, index)))
        return items
    if isinstance(expected, Unordered):
        return Unordered(_comparable(expected.items, path))
    if expected is None or isinstance(expected, str | int | float | Matcher | type | re.Pattern):
        return expected
    raise TypeError(
        f"{_pointer(path)}: an event holds texts, numbers, objects and lists, so this never fits: {_shown(expected)}; "
        "a type, a pattern or satisfying(...) can stand in place of a value"
    )


def _expected_event(expected: Any) -> Any:
    __tracebackhide__ = True
    if not isinstance(expected, Mapping):
        raise TypeError(f"an expected event is a dict of what it is to have, not {_shown(expected)}")
    return _comparable(expected)


def one_like(expected: Mapping[str, Any], events: Sequence[Event]) -> Event:
    """The first event that fits. Raises ``IntakeFailure``, with the difference to the nearest."""
    __tracebackhide__ = True
    expected = _expected_event(expected)
    nearest: tuple[Difference, Event] | None = None
    for event in events:
        different = difference(expected, event.body)
        if not different:
            return event
        if nearest is None or different.values < nearest[0].values:
            nearest = (different, event)
    if nearest is None:
        raise IntakeFailure("Expected an event; none arrived.")
    different, event = nearest
    raise IntakeFailure(
        paragraphs(
            "No event is as expected.",
            f"The nearest is {printable(title_of(event))}; what is different:\n{different}",
            events_text(events),
        )
    )


def all_like(expected: Sequence[Mapping[str, Any]], events: Sequence[Event], *, in_order: bool) -> list[Event]:
    """The events, each with what is expected of it. Raises ``IntakeFailure`` unless they are these and no others."""
    __tracebackhide__ = True
    expected = list(map(_expected_event, expected))
    if in_order:
        return _in_order(expected, events)
    pairs = _pairs(expected, [event.body for event in events])
    found = [events[index] for index in pairs if index is not None]
    if len(found) == len(expected) == len(events):
        return found
    left = [event for index, event in enumerate(events) if index not in pairs]
    parts = []
    for number, (each, index) in enumerate(zip(expected, pairs, strict=True), 1):
        if index is not None:
            continue
        if not left:
            parts.append(f"Expected event {number} is missing: {_shown(each)}")
            continue
        nearest, event = min(((difference(each, event.body), event) for event in left), key=lambda pair: pair[0].values)
        parts.append(f"Expected event {number} is missing; nearest is {printable(title_of(event))}:\n{nearest}")
    if not parts:
        parts += [f"Not expected: {printable(title_of(event))}" for event in left[:_MOST_DIFFERENCES]]
    raise _not_these(expected, "in any order", parts, events)


def _in_order(expected: Sequence[Mapping[str, Any]], events: Sequence[Event]) -> list[Event]:
    parts = []
    for number, (each, event) in enumerate(zip(expected, events, strict=False), 1):
        different = difference(each, event.body)
        if different:
            parts.append(f"Event {number}, {printable(title_of(event))}, is different:\n{different}")
    for number, each in enumerate(expected[len(events) :], len(events) + 1):
        parts.append(f"Event {number} is missing: {_shown(each)}")
    parts += [f"Not expected: {printable(title_of(event))}" for event in events[len(expected) :][:_MOST_DIFFERENCES]]
    if not parts:
        return list(events)
    raise _not_these(expected, "in this order", parts, events)


def _not_these(
    expected: Sequence[Mapping[str, Any]], order: str, parts: Sequence[str], events: Sequence[Event]
) -> IntakeFailure:
    wanted = "1 event" if len(expected) == 1 else f"{len(expected)} events, {order}"
    arrived = f"; {len(events) or 'none'} arrived" if len(events) != len(expected) else ""
    return IntakeFailure(paragraphs(f"Expected {wanted}{arrived}.", *parts, events_text(events) if events else ""))


def _pairs(expected: Sequence[Any], actual: Sequence[Any]) -> list[int | None]:
    """For each expected value the index of an actual one of its own, None where none is left; as many as can be."""
    fits = [[not difference(want, have) for have in actual] for want in expected]
    owner: list[int | None] = [None] * len(actual)

    def place(want: int, tried: set[int]) -> bool:
        for have, suits in enumerate(fits[want]):
            if not suits or have in tried:
                continue
            tried.add(have)
            holder = owner[have]
            if holder is None or place(holder, tried):
                owner[have] = want
                return True
        return False

    for want in range(len(expected)):
        place(want, set())
    found = {want: have for have, want in enumerate(owner) if want is not None}
    return [found.get(want) for want in range(len(expected))]


def exact_difference(expected: Any, actual: Any) -> Difference:
    """How two JSON values differ, nothing left out."""
    diff = DeepDiff(
        expected, actual, view="tree", verbose_level=2, threshold_to_diff_deeper=0, zip_ordered_iterables=True
    )
    lines = [_line(kind, level) for kind, levels in diff.items() for level in levels]
    return Difference(sorted(lines), len(lines))
