"""Compares events with what a test expects of them, and shows with deepdiff how they differ.

``matching`` decides. deepdiff leads through objects and lists to what differs, and asks at every value what decided, so
that the answer and what is shown for it cannot come apart; where it shows nothing all the same, what decided is shown.
"""

from __future__ import annotations

import math
import re
import unicodedata
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

from mock_intake.secrets.content import redact
from mock_intake.secrets.presenting import presented
from mock_intake_pytest.criteria import as_text
from mock_intake_pytest.failures import IntakeFailure, events_text, paragraphs, printable
from mock_intake_pytest.matchers import ABSENT, Matcher, Unordered
from mock_intake_pytest.matching import NOTHING, Miss, distance, fits, misses, pairs, value_fits
from mock_intake_pytest.records import Event, title_of

_MOST_DIFFERENCES = 20
_MOST_TEXT = 200
# Of what two long texts have in common before they differ.
_BEFORE = 40
# Chosen, and not left to deepdiff, whose defaults are comforts for programs' objects. These are all that bear on the
# way through objects and lists; of those that say when two values are equal none is asked, since ``_Values`` answers.
DEEPDIFF_OPTIONS: Mapping[str, Any] = {
    "view": "tree",
    # Keys that begin with two underscores (Debezium's __op) would be skipped, also where they are missing.
    "ignore_private_variables": False,
    # What differs too much would not be looked into, and one long line shown in place of the place.
    "threshold_to_diff_deeper": 0,
    # Element by element: lining up what lists have in common takes true for 1, and moves places.
    "zip_ordered_iterables": True,
    # The order of a list is content. Where it is none a test says so, by unordered(...).
    "ignore_order": False,
    "ignore_order_func": None,
    "iterable_compare_func": None,
    "report_repetition": True,
    # Keys are the same letter by letter; these two would make them one ("A" and "a", 1 and "1").
    "ignore_string_case": False,
    "ignore_string_type_changes": False,
    # The same for keys that are numbers, which JSON has not; and it has numbers compared by their first 12 digits.
    "ignore_numeric_type_changes": False,
    # All places are gone to, and all that is found is told.
    "exclude_paths": None,
    "exclude_regex_paths": None,
    "exclude_types": None,
    "exclude_obj_callback": None,
    "exclude_obj_callback_strict": None,
    "include_paths": None,
    "include_obj_callback": None,
    "include_obj_callback_strict": None,
    "group_by": None,
    "max_diffs": None,
}


class Difference:
    """How a value is not as expected: lines for the reader, at least one."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines

    def __str__(self) -> str:
        shown = [f"  {line}" for line in self.lines[:_MOST_DIFFERENCES]]
        if len(self.lines) > _MOST_DIFFERENCES:
            shown.append(f"  and {len(self.lines) - _MOST_DIFFERENCES} more")
        return "\n".join(shown)


def difference(expected: Any, actual: Any, *, whole: bool = False) -> Difference | None:
    """How ``actual`` is not as ``expected``; None where it is.

    What an expected object does not name may be anything, but where the ``whole`` is compared.
    """
    missed = next(misses(expected, actual, whole=whole), None)
    if missed is None:
        return None
    found = found_by_deepdiff(expected, actual, whole=whole) or misses(expected, actual, whole=whole)
    return Difference(sorted(map(_line, found)))


def found_by_deepdiff(expected: Any, actual: Any, *, whole: bool) -> list[Miss]:
    """The places at which they differ; none where deepdiff does not get there."""
    try:
        diff = DeepDiff(expected, actual, custom_operators=[_Values()], **DEEPDIFF_OPTIONS)
    except RecursionError:
        # It calls itself for every level, several times.
        return []
    found = []
    for kind, levels in diff.items():
        # The actual object has more than the expected one: that is what "partly" means.
        if kind == "dictionary_item_added" and not whole:
            continue
        for level in levels:
            if level.t1 is ABSENT and level.t2 is notpresent:
                continue
            ends = (NOTHING if end is notpresent else end for end in (level.t1, level.t2))
            found.append(Miss(tuple(level.path(output_format="list")), *ends))
    return found


class _Values(BaseOperator):
    """Has ``matching`` decide on all but pairs of objects and pairs of lists, which deepdiff goes into."""

    def __init__(self) -> None:
        super().__init__(types=[object])

    def match(self, level: Any) -> bool:
        return not any(isinstance(level.t1, kind) and isinstance(level.t2, kind) for kind in (dict, list))

    def give_up_diffing(self, level: Any, diff_instance: DeepDiff) -> bool:
        if not value_fits(level.t1, level.t2):
            diff_instance.custom_report_result("different", level)  # type: ignore[no-untyped-call]
        return True


def _line(miss: Miss) -> str:
    place = _pointer(miss.place)
    if miss.actual is NOTHING:
        return f"{place}: missing, expected {_shown(_text(miss.expected))}"
    if miss.expected in (ABSENT, NOTHING):
        return f"{place}: not expected, there is {_shown(_text(miss.actual))}"
    expected, actual = _apart(_text(miss.expected), _text(miss.actual))
    return f"{place}: expected {_shown(expected)}, there is {_shown(actual)}"


def _pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + presented(str(part)).replace("~", "~0").replace("/", "~1") for part in path) or "(the whole)"


def _apart(*texts: str) -> tuple[str, ...]:
    """Two texts, so that a reader sees where they differ: not cut off before, and in ASCII where they look alike."""
    same = next((index for index, pair in enumerate(zip(*texts, strict=False)) if len(set(pair)) > 1), 0)
    if same > _MOST_TEXT - _BEFORE:
        texts = tuple("..." + text[same - _BEFORE :] for text in texts)
    if len({unicodedata.normalize("NFKC", text) for text in texts}) == 1:
        texts = tuple(text.encode("ascii", "backslashreplace").decode() for text in texts)
    return texts


def _shown(text: str) -> str:
    if len(text) > _MOST_TEXT:
        text = redact(text)[: _MOST_TEXT - 3] + "..."
    return printable(text)


def _text(value: Any) -> str:
    """A value as it is written in a test, but for secrets: two that differ in one have different texts."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(each) for each in value) + "]"
    if isinstance(value, Unordered):
        return f"unordered({_text(value.items)})"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, re.Pattern):
        return f"re.compile({redact(value.pattern)!r})"
    return repr(presented(value) if isinstance(value, str) else value)


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
            text = as_text(key)
            if not isinstance(text, str):
                raise TypeError(
                    f"{_pointer(path)}: the keys of an object are texts, so this never fits: {_shown(_text(key))}"
                )
            entries[text] = _comparable(each, (*path, text))
        return entries
    if isinstance(expected, list | tuple):
        items = []
        for index, each in enumerate(expected):
            items.append(_comparable(each, (*path, index)))
        return items
    if isinstance(expected, Unordered):
        return Unordered(_comparable(expected.items, path))
    if expected is None or isinstance(expected, str | int | Matcher | type | re.Pattern):
        return expected
    # JSON has neither NaN nor Infinity.
    if isinstance(expected, float) and math.isfinite(expected):
        return expected
    raise TypeError(
        f"{_pointer(path)}: an event holds texts, numbers, objects and lists, so this never fits: "
        f"{_shown(_text(expected))}; "
        "a type, a pattern or satisfying(...) can stand in place of a value"
    )


def _expected_event(expected: Any) -> Any:
    __tracebackhide__ = True
    if not isinstance(expected, Mapping):
        raise TypeError(f"an expected event is a dict of what it is to have, not {_shown(_text(expected))}")
    return _comparable(expected)


def one_like(expected: Mapping[str, Any], events: Sequence[Event]) -> Event:
    """The first event that fits. Raises ``IntakeFailure``, with the difference to the nearest."""
    __tracebackhide__ = True
    expected = _expected_event(expected)
    found = next((event for event in events if fits(expected, event.body)), None)
    if found is not None:
        return found
    if not events:
        raise IntakeFailure("Expected an event; none arrived.")
    nearest = _nearest(expected, events)
    raise IntakeFailure(
        paragraphs(
            "No event is as expected.",
            f"The nearest is {printable(title_of(nearest))}; what is different:\n{difference(expected, nearest.body)}",
            events_text(events),
        )
    )


def _nearest(expected: Mapping[str, Any], events: Sequence[Event]) -> Event:
    return min(events, key=lambda event: distance(expected, event.body))


def all_like(expected: Sequence[Mapping[str, Any]], events: Sequence[Event], *, in_order: bool) -> list[Event]:
    """The events, each with what is expected of it. Raises ``IntakeFailure`` unless they are these and no others."""
    __tracebackhide__ = True
    expected = list(map(_expected_event, expected))
    if in_order:
        return _in_order(expected, events)
    partners = pairs(expected, [event.body for event in events])
    found = [events[index] for index in partners if index is not None]
    if len(found) == len(expected) == len(events):
        return found
    taken = set(partners)
    left = [event for index, event in enumerate(events) if index not in taken]
    missing = [
        (number, each) for number, (each, index) in enumerate(zip(expected, partners, strict=True), 1) if index is None
    ]
    parts = []
    for number, each in missing[:_MOST_DIFFERENCES]:
        if not left:
            parts.append(f"Expected event {number} is missing: {_shown(_text(each))}")
            continue
        nearest = _nearest(each, left)
        parts.append(
            f"Expected event {number} is missing; nearest is {printable(title_of(nearest))}:\n"
            f"{difference(each, nearest.body)}"
        )
    if len(missing) > _MOST_DIFFERENCES:
        parts.append(f"And {len(missing) - _MOST_DIFFERENCES} more are missing.")
    if not parts:
        parts = _not_expected(left)
    raise _not_these(expected, "in any order", parts, events)


def _in_order(expected: Sequence[Mapping[str, Any]], events: Sequence[Event]) -> list[Event]:
    different = [
        (number, each, event)
        for number, (each, event) in enumerate(zip(expected, events, strict=False), 1)
        if not fits(each, event.body)
    ]
    missing = list(enumerate(expected[len(events) :], len(events) + 1))
    parts = [
        f"Event {number}, {printable(title_of(event))}, is different:\n{difference(each, event.body)}"
        for number, each, event in different[:_MOST_DIFFERENCES]
    ]
    if len(different) > _MOST_DIFFERENCES:
        parts.append(f"And {len(different) - _MOST_DIFFERENCES} more are different.")
    parts += [f"Event {number} is missing: {_shown(_text(each))}" for number, each in missing[:_MOST_DIFFERENCES]]
    if len(missing) > _MOST_DIFFERENCES:
        parts.append(f"And {len(missing) - _MOST_DIFFERENCES} more are missing.")
    parts += _not_expected(events[len(expected) :])
    if not parts:
        return list(events)
    raise _not_these(expected, "in this order", parts, events)


def _not_expected(events: Sequence[Event]) -> list[str]:
    parts = [f"Not expected: {printable(title_of(event))}" for event in events[:_MOST_DIFFERENCES]]
    if len(events) > _MOST_DIFFERENCES:
        parts.append(f"And {len(events) - _MOST_DIFFERENCES} more are not expected.")
    return parts


def _not_these(
    expected: Sequence[Mapping[str, Any]], order: str, parts: Sequence[str], events: Sequence[Event]
) -> IntakeFailure:
    wanted = "1 event" if len(expected) == 1 else f"{len(expected)} events, {order}"
    arrived = f"; {len(events) or 'none'} arrived" if len(events) != len(expected) else ""
    return IntakeFailure(paragraphs(f"Expected {wanted}{arrived}.", *parts, events_text(events) if events else ""))
