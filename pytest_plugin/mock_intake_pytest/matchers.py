"""What can stand in an expected event in place of a value.

Beside these: a type (``str``), which any value of it fits, and a compiled regular expression, which is searched. JSON
has one type of number, so that ``int`` stands for a whole one, however it is written (3 as well as 3.0), and ``float``
for any; true is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Matcher:
    """Decides itself whether a value is as expected; ``text`` is how it shows in failures."""

    def __init__(self, text: str, matches: Callable[[Any], bool]) -> None:
        self._text = text
        self.matches = matches

    def __repr__(self) -> str:
        return self._text


class Unordered(Matcher):
    """The elements of a list, in any order."""

    def __init__(self, items: Sequence[Any]) -> None:
        super().__init__(f"unordered({list(items)!r})", lambda _: False)
        self.items = list(items)


ABSENT = Matcher("ABSENT", lambda _: False)
"""No value: the key must not be there."""

ANY = Matcher("ANY", lambda _: True)
"""Any value, as long as there is one."""


def unordered(items: Sequence[Any]) -> Unordered:
    """A list with these elements, each in part, in any order, and no others."""
    return Unordered(items)


def satisfying(test: Callable[[Any], bool], text: str | None = None) -> Matcher:
    """A value for which ``test`` is true; ``text`` says in failures what is asked."""

    def passes(value: Any) -> bool:
        try:
            return bool(test(value))
        except (TypeError, ValueError, LookupError, AttributeError):
            # A test that is meant for another type of value says no to this one.
            return False

    return Matcher(text or f"satisfying({getattr(test, '__name__', test)!s})", passes)
