"""What the package offers is enough to use it: no signature of it mentions a type of ours that is not offered too."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import typing
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import mock_intake
import mock_intake.client
import mock_intake.client.types
import mock_intake.rules
import mock_intake_pytest
from docs import generate_api
from tests.conftest import REPOSITORY

# The modules that are public beside mock_intake.fake, whose signatures are Faker's.
MODULES = (mock_intake, mock_intake.client, mock_intake.client.types, mock_intake.rules, mock_intake_pytest)
OURS = ("mock_intake", "mock_intake_pytest", "mock_intake_conformance")


def offered_by(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in module.__all__ if name != "__version__"}


def types_in(hint: Any) -> Iterator[type]:
    """The classes of ours that a type mentions, however deep."""
    for part in (hint, typing.get_origin(hint)):
        if isinstance(part, type) and part.__module__.partition(".")[0] in OURS:
            yield part
    for argument in hint if isinstance(hint, list) else typing.get_args(hint):
        yield from types_in(argument)


def mentioned(name: str, thing: Any) -> Iterator[tuple[str, type]]:
    """Where the signatures of something that is offered mention a class of ours, and which."""
    hints: dict[str, dict[str, Any]] = {}
    if not inspect.isclass(thing):
        hints[name] = generate_api.hints(thing) if inspect.isroutine(thing) else {}
    else:
        hints[name] = generate_api.fields(thing)
        for member, value in generate_api.members(thing):
            function = generate_api.code_of(value)
            assert function is not None
            hints[f"{name}.{member}"] = generate_api.hints(function, thing)
    for where, types in hints.items():
        for hint in types.values():
            yield from ((where, kind) for kind in types_in(hint))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_signatures_mention_only_types_that_are_offered(module: ModuleType) -> None:
    known = [thing for each in MODULES for thing in offered_by(each).values()]
    missing = {
        f"{where} mentions {kind.__module__}.{kind.__qualname__}, which is not offered"
        for name, thing in offered_by(module).items()
        for where, kind in mentioned(name, thing)
        if kind not in known
    }
    assert not missing, "\n".join(sorted(missing))


class Hidden:
    """A type of ours that nobody is offered."""


# As if it were at home in the package; its name is found all the same, by who looks its hints up.
Hidden.__module__ = "mock_intake.hidden"


class Showing:
    """Mentions it in every place that there is."""

    field: tuple[Hidden, ...]

    def __init__(self, given: Hidden | None) -> None: ...

    def taken(self, each: dict[str, list[Hidden]]) -> None: ...

    def called(self, back: typing.Callable[[Hidden], None]) -> None: ...

    @property
    def had(self) -> Hidden:
        raise NotImplementedError

    @classmethod
    def made(cls) -> Hidden:
        raise NotImplementedError

    @staticmethod
    def given(hidden: Hidden) -> None: ...


def test_a_type_is_seen_wherever_it_is_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the members of classes of ours are looked at.
    monkeypatch.setattr(Showing, "__module__", "mock_intake.hidden")
    monkeypatch.setitem(sys.modules, "mock_intake.hidden", sys.modules[__name__])
    found = {where for where, kind in mentioned("Showing", Showing) if kind is Hidden}
    members = ("", ".__init__", ".taken", ".called", ".had", ".made", ".given")
    assert found == {f"Showing{member}" for member in members}


def test_what_is_kept_from_the_page_is_there() -> None:
    kept = [(name, member) for name, members in generate_api.INTERNAL.items() for member in members]
    missing = [f"{name}.{member}" for name, member in kept if not hasattr(_class_of(name), member)]
    assert not missing
    for name, parameters in generate_api.INTERNAL_PARAMETERS.items():
        members = [_class_of(name), *vars(_class_of(name)).values()]
        there = {each for one in members if callable(one) for each in inspect.signature(one).parameters}
        assert parameters <= there, name


def _class_of(name: str) -> Any:
    package, _, kind = name.partition(".")
    return getattr({"mock_intake": mock_intake, "mock_intake_pytest": mock_intake_pytest}[package], kind)


def test_the_page_has_all_that_is_offered() -> None:
    page = (REPOSITORY / "docs" / "reference" / "python-api.md").read_text()
    for name, thing in offered_by(mock_intake).items():
        assert f"\n### {name}\n" in page
        assert inspect.getdoc(thing), f"{name} has no docstring"
    for module in MODULES:
        assert f"| `{module.__name__}` |" in page


def test_names_are_listed_before_they_are_loaded() -> None:
    assert set(mock_intake.__all__) <= set(dir(mock_intake))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = mock_intake.Nothing


def raised_by(function: Any) -> set[str]:
    """The errors that the code of a function itself raises, by name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raising = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    # What a call gives that is no class (``self._failure()``) is said by whoever reads it.
    made = [each.func if isinstance(each, ast.Call) else each for each in raising]
    return {each.id for each in made if isinstance(each, ast.Name) and each.id[:1].isupper()}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_what_is_raised_stands_in_the_docstring(module: ModuleType) -> None:
    """Of the function, or of the class: of a client every method raises the same."""
    silent = []
    for name, thing in offered_by(module).items():
        functions: dict[str, Any] = {name: thing} if inspect.isroutine(thing) else {}
        if inspect.isclass(thing):
            functions = {
                f"{name}.{member}": generate_api.code_of(value) for member, value in generate_api.members(thing)
            }
        if getattr(thing, "_is_protocol", False):
            functions.pop(f"{name}.__init__", None)  # Python's own, which refuses to make one
        for where, function in functions.items():
            said = f"{inspect.getdoc(function)} {inspect.getdoc(thing)}"
            silent += [f"{where} raises {error}" for error in raised_by(function) if f"``{error}``" not in said]
    assert not silent, "\n".join(sorted(silent))


def test_an_error_that_is_raised_is_seen() -> None:
    def strict(value: int) -> None:
        if value < 0:
            raise ValueError("below zero")
        raise KeyError

    assert raised_by(strict) == {"ValueError", "KeyError"}


def test_a_name_that_was_there_before_fails_with_the_new_one() -> None:
    with pytest.raises(AttributeError, match=r"mock_intake_pytest\.Request is called Exchange now"):
        _ = mock_intake_pytest.Request


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_member_that_is_offered_says_what_it_is_for(module: ModuleType) -> None:
    """By itself, or where it is declared: of journals the protocol says it, of moments the base."""
    silent = [
        f"{name}.{member}"
        for name, thing in offered_by(module).items()
        if inspect.isclass(thing)
        for member, value in generate_api.members(thing)
        if member not in ("__init__", *generate_api.fields(thing))
        and not inspect.getdoc(value)
        and not inspect.getdoc(getattr(thing, member))
        and not (name.endswith("Journal") and inspect.getdoc(getattr(mock_intake.Journal, member, None)))
    ]
    assert not silent
