"""Compares events with what a test expects of them, and shows how they differ.

``matching`` decides. Once something differs, ``differences`` leads to the places with deepdiff; where it shows nothing
all the same, what decided is shown.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from mock_intake.secrets.content import redact
from mock_intake.secrets.presenting import presented
from mock_intake_pytest.criteria import as_text
from mock_intake_pytest.failures import IntakeFailure, events_text, paragraphs, printable
from mock_intake_pytest.matchers import ABSENT, Matcher, Unordered
from mock_intake_pytest.matching import NOTHING, Miss, distance, fits, misses, pairs
from mock_intake_pytest.records import Event, title_of

_MOST_DIFFERENCES = 20
_MOST_TEXT = 200
# Of what two long texts have in common before they differ.
_BEFORE = 40


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
    # What fits needs none of it: deepdiff takes a quarter of a second to import, twice that where pandas is there.
    from mock_intake_pytest.differences import found_by_deepdiff

    found = found_by_deepdiff(expected, actual, whole=whole) or misses(expected, actual, whole=whole)
    return Difference(sorted(map(_line, found)))


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
