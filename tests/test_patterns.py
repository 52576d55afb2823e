"""Regular expressions that are compiled at their first use: each of them is one, and does what a compiled one does."""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mock_intake.system.patterns import Pattern, pattern_of
from tests.conftest import REPOSITORY
from tests.test_layers import FILES, module_of

USERS = [file for file in FILES if "import pattern_of" in file.read_text(encoding="utf-8")]


def patterns_in(value: object) -> Iterator[Pattern]:
    """All in a module's variables, and in tuples and mappings of patterns."""
    if isinstance(value, Pattern):
        yield value
    elif isinstance(value, (dict, tuple)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from patterns_in(each)


def test_all_that_there_are_can_be_compiled() -> None:
    """A mistake in one is told at its first use, which may be a rare one."""
    for file in USERS:
        module = importlib.import_module(module_of(file).removeprefix("pytest_plugin."))
        made: list[Any] = list(patterns_in(vars(module)))
        assert made, file
        for each in made:
            assert each.groups >= 0


def test_it_is_compiled_once_and_asked_as_a_compiled_one() -> None:
    made: Any = pattern_of(r"(a+)b", re.IGNORECASE)
    assert "search" not in vars(made)
    assert made.search("xAAb")[1] == "AA"
    assert made.search is vars(made)["search"]
    assert (made.pattern, made.flags & re.IGNORECASE, made.groups) == (r"(a+)b", re.IGNORECASE, 1)
    assert made.sub("-", "ab aab") == "- -"
    assert pattern_of(rb"\d+").findall(b"1 22") == [b"1", b"22"]


def test_what_a_pattern_does_not_have_it_has_neither() -> None:
    made: Any = pattern_of("a")
    with pytest.raises(AttributeError, match="wrong"):
        made.wrong  # noqa: B018
    assert copy.copy(made).match("a")


def test_a_mistake_is_told_when_it_is_asked() -> None:
    made = pattern_of("(")
    with pytest.raises(re.error):
        made.match("a")


def test_no_module_keeps_a_pattern_that_it_could_take_for_a_compiled_one() -> None:
    """``re``'s own functions, and ``isinstance``, know compiled ones alone."""
    for file in USERS:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"re\.(?:search|match|fullmatch|sub|findall|finditer|split)\(_[A-Z]", text), file
        assert "isinstance" not in text or "re.Pattern)" not in text, file.relative_to(REPOSITORY)
