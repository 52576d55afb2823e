"""Recorded events moved in time: the text of the eventTime changes, and nothing else of an event.

Its offset, the case of its letters and the number of digits stay (six at least, as the difference has so many), so that
times that differ in nanoseconds still do. What stands around it is copied byte by byte: the order of keys, blanks,
numbers of any length, keys that come twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from mock_intake.body.parsing import ParseError, parse
from mock_intake.model.times import moment, nanoseconds

_SECOND = 1_000_000_000
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]', re.DOTALL)
_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)(.)(\d\d:\d\d):(\d\d)(?:([.,])(\d+))?(.*)", re.DOTALL | re.ASCII)
_KEY = "eventTime"
# Of a second: of nanoseconds, and those that the difference has.
_DIGITS, _LEAST_DIGITS = 9, 6


def retimed(events: Sequence[bytes], now: int) -> list[bytes]:
    """The events with their times moved by one difference, in whole microseconds, so that the last of them is ``now``.

    That is in nanoseconds since 1970. What has no readable time, or would have none then, stays as it is.
    """
    found = [_place_of_time(event) for event in events]
    times = [nanoseconds(place.text) for place in found if place is not None]
    latest = max((time for time in times if time is not None), default=None)
    if latest is None:
        return list(events)
    difference = (now - latest) // 1_000 * 1_000
    return [
        event if place is None else place.replaced(event, difference)
        for event, place in zip(events, found, strict=True)
    ]


class _Place:
    """Where an event's time stands: the bytes of its JSON text, and what that says."""

    def __init__(self, begin: int, end: int, text: str) -> None:
        self.text = text
        self._begin = begin
        self._end = end

    def replaced(self, event: bytes, difference: int) -> bytes:
        moved = _moved(self.text, difference)
        if moved is None:
            return event
        return event[: self._begin] + json.dumps(moved).encode("ascii") + event[self._end :]


def _moved(text: str, difference: int) -> str | None:
    """A time so many nanoseconds later, written as it was; None where there is no such time."""
    found = moment(text)
    if found is None:
        return None
    written = _WRITTEN.fullmatch(text)
    try:
        if written is None:
            return (found + timedelta(microseconds=difference // 1_000)).isoformat()
        day, between, minute, second, point, digits, rest = written.groups()
        # What it has beyond nanoseconds is copied.
        fraction = (digits or "").ljust(_LEAST_DIGITS, "0")
        nanoseconds, beyond = fraction[:_DIGITS], fraction[_DIGITS:]
        carried, within = divmod(int(nanoseconds.ljust(_DIGITS, "0")) + difference, _SECOND)
        # Seconds are added apart: there may be 60 of them.
        local = datetime.fromisoformat(f"{day}T{minute}") + timedelta(seconds=int(second) + carried)
    except (ValueError, OverflowError):
        return None
    moved = f"{within:0{_DIGITS}}"[: len(nanoseconds)] + beyond
    return f"{local:%Y-%m-%d}".rjust(10, "0") + between + f"{local:%H:%M:%S}{point or '.'}{moved}{rest}"


def _place_of_time(event: bytes) -> _Place | None:
    """Where the eventTime of an event stands; the last one, which counts, where the key comes more than once."""
    try:
        value = parse(event).value
        text = event.decode("utf-8")
    except (ParseError, UnicodeDecodeError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get(_KEY), str):
        return None
    place = None
    for begin, end in _values_of(text):
        place = (begin, end)
    if place is None:
        return None
    begin, end = (len(text[:each].encode()) for each in place)
    return _Place(begin, end, value[_KEY])


def _values_of(text: str) -> Iterator[tuple[int, int]]:
    """Where the texts begin and end that are values of the key in the outermost object of a valid JSON text."""
    depth = 0
    before = ""
    key: str | None = None
    for token in _TOKEN.finditer(text):
        found = token[0]
        if found[0] == '"':
            if depth == 1 and before in ("{", ","):
                key = json.loads(found, strict=False)
            elif depth == 1 and before == ":" and key == _KEY:
                yield token.span()
        elif found in "{[":
            depth += 1
        elif found in "}]":
            depth -= 1
        before = found
