"""Writes docs/reference/python-api.md: what the package offers, from the signatures and docstrings of ``__all__``.

What is shown of a class is what the page promises, so a test walks the same members, for types that are not offered.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping

import msgspec

import mock_intake
from mock_intake.model import shapes

WIDTH = 100
API_INTRODUCTION = """\
# Python API

This page is generated from the code: `make docs`.

What is offered, and stays as it is from one minor version to the next, are the names in `__all__` of these modules:

| Module | What it is for |
|---|---|
| `mock_intake` | the intake, its server and what they take and give: this page |
| `mock_intake.client` | [the client](client.md) of a server in another process |
| `mock_intake.client.types` | what the control API answers, as types: [client](client.md#types) |
| `mock_intake.fake` | [made-up events](../how-to/fake-events.md) |
| `mock_intake.audit` | [events of a DataFrame, judged on Spark](../how-to/audit-archives.md) |
| `mock_intake_pytest` | [the pytest plugin](pytest-plugin.md): what tests import |
| `mock_intake.rules` | [rules of your own](../how-to/extend.md), in a package of yours |

Beside these there are the names that [the page on extending it](../how-to/extend.md#what-stays) lists. Everything else
is private, whatever its name looks like: other modules, and of the classes below each member that this page does not
show. Importing `mock_intake` loads nothing; a name loads what it needs when it is first used.

<!-- snippet: python -->
```python
from pathlib import Path

from mock_intake import IntakeServer, Keys, Retention, Settings, SqliteJournal

journal = SqliteJournal(Path("intake.db"), retention=Retention(exchanges=100_000))
with IntakeServer(Settings(keys=Keys(frozenset({"0" * 32}))), journal=journal) as server:
    print(server.url)
journal.close()
```
"""
# The sections of the page: the rooms that the names are at home in.
_ROOMS = {
    "server": "The server",
    "judging": "The intake and its settings",
    "datadog": "Keys and the Agent",
    "openlineage": "Facets and runs",
    "faults": "Faults",
    "journal": "Journals",
    "model": "What is on record",
    "views": "Views",
}
# What the plugin's own modules use of the handle.
PLUGINS_OWN = ("level", "secure_server", "caught_up", "led", "hints", "close")
# Of classes that are offered, what the project's own parts use. A test notices what is not there any more.
INTERNAL: Mapping[str, frozenset[str]] = {
    "mock_intake.Access": frozenset({"admit_guess", "admits", "answer_to", "cookie", "objection", "refusal"}),
    "mock_intake.Listener": frozenset({"__init__", "start", "end", "release"}),
    "mock_intake.FacetLibrary": frozenset(
        {"core", "core_target", "knows_all_keys", "plain_core", "resolve", "right_key", "usual", "usual_core"}
        | {"documents", "has_base", "registry"}
    ),
    "mock_intake.Faults": frozenset({"any", "ended", "take"}),
    "mock_intake_pytest.IntakeHandle": frozenset({"__init__", *PLUGINS_OWN}),
    "mock_intake.Match": frozenset({"matches"}),
    "mock_intake.Step": frozenset({"kind"}),
    "mock_intake.Views": frozenset(
        {"__init__", "catch_up", "counts", "facets", "heard_of", "held", "single_run", "single_run_findings", "tallies"}
    ),
    # What the plugin makes, and tests are given.
    "mock_intake_pytest.Event": frozenset({"__init__"}),
    "mock_intake_pytest.Exchange": frozenset({"__init__"}),
    "mock_intake_pytest.Run": frozenset({"__init__"}),
}
# Parameters that are there for the project's own tests.
INTERNAL_PARAMETERS: Mapping[str, frozenset[str]] = {
    "mock_intake.PostgresJournal": frozenset({"layout"}),
    "mock_intake.SqliteJournal": frozenset({"layout"}),
    "mock_intake.Intake": frozenset({"orgs"}),
}


def offered() -> dict[str, typing.Any]:
    """What `mock_intake` offers, by name."""
    return {name: getattr(mock_intake, name) for name in mock_intake.__all__ if name != "__version__"}


def members(kind: type) -> Iterator[tuple[str, typing.Any]]:
    """The public members of a class by name, its constructor first; those of our own classes that it extends too."""
    seen: set[str] = set()
    for each in kind.__mro__:
        if not _is_ours(each):
            continue
        for name, member in vars(each).items():
            public = not name.startswith("_") or name == "__init__"
            if public and name not in seen and name not in INTERNAL.get(_name_of(kind), ()) and code_of(member):
                seen.add(name)
                yield name, member


def fields(kind: type) -> dict[str, typing.Any]:
    """The public attributes that a class declares, with their types."""
    return {name: hint for name, hint in _hints_of(kind).items() if not name.startswith("_")}


def _name_of(kind: type) -> str:
    """The class by the package that offers it: two of them have a Run."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in ("mock_intake", "mock_intake_pytest")


def code_of(member: typing.Any) -> Callable[..., typing.Any] | None:
    """The function behind a method or a property that is written down; what decorators of values make is not."""
    if isinstance(member, property):
        member = member.fget
    if isinstance(member, functools.cached_property):
        member = member.func
    member = inspect.unwrap(getattr(member, "__func__", member))
    written = inspect.isfunction(member) and member.__code__.co_filename.endswith(".py")
    return typing.cast("Callable[..., typing.Any]", member) if written else None


def _hints_of(thing: typing.Any) -> dict[str, typing.Any]:
    """The types that are written down; what a module imports for these alone is known by the name that it is offered
    by."""
    try:
        return typing.get_type_hints(thing)
    except NameError:
        return typing.get_type_hints(thing, localns={"shapes": shapes, **offered()})


def hints(function: Callable[..., typing.Any], owner: type | None = None) -> dict[str, typing.Any]:
    """The types in the signature of a function, or of a member of the class ``owner``."""
    left_out = INTERNAL_PARAMETERS.get(_name_of(owner), ()) if owner is not None else ()
    found = _hints_of(function)
    return {name: hint for name, hint in found.items() if name not in left_out}


def api_page() -> str:
    homes = {name: thing.__module__.split(".")[1] for name, thing in offered().items()}
    lines = [API_INTRODUCTION]
    for room, title in _ROOMS.items():
        lines += [f"## {title}", ""]
        for name in (name for name, home in homes.items() if home == room):
            lines += [f"### {name}", "", *_offered(name, offered()[name]), ""]
    if missing := set(homes.values()) - _ROOMS.keys():
        raise ValueError(f"the page has no section for {missing}")
    return "\n".join(lines).rstrip() + "\n"


def _offered(name: str, thing: typing.Any) -> list[str]:
    if not inspect.isclass(thing):
        return ["```python", _signature(name, thing, width=WIDTH), "```", "", words(thing)]
    of = dict(members(thing))
    constructor = of.pop("__init__", None)
    lines = []
    if constructor is not None and not getattr(thing, "_is_protocol", False):
        lines += ["```python", _signature(name, constructor, thing, WIDTH), "```", ""]
    lines += [words(thing), *_fields(thing)]
    if hasattr(thing, "__members__"):
        lines += ["", f"Values: {', '.join(f'`{value}`' for value in typing.cast('typing.Iterable[object]', thing))}."]
    if thing is not mock_intake.Journal and of.keys() >= dict(members(mock_intake.Journal)).keys() - {"__init__"}:
        lines += ["", "It has the methods and properties of [`Journal`](#journal)."]
        of = {}
    if of:
        lines += [""]
    for member, value in of.items():
        function = code_of(value)
        assert function is not None
        if isinstance(value, property | functools.cached_property):
            shown = f"{member}: {_type(hints(function, thing).get('return', typing.Any))}"
        else:
            shown = _signature(member, function, thing)
        lines.append(f"* `{shown}`: {' '.join(words(value).split())}" if words(value) else f"* `{shown}`")
    return lines


def _fields(kind: type) -> list[str]:
    found = fields(kind)
    if not found:
        return []
    parameters = {} if "__init__" in vars(kind) and not _is_of_values(kind) else inspect.signature(kind).parameters
    factories = _factories(kind)
    rows: list[tuple[str, ...]] = []
    for name, hint in found.items():
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        if name in factories:
            default = factories[name]()
        shown = "" if default is inspect.Parameter.empty else f"`{_default(default)}`"
        rows.append((f"`{name}`", f"`{_type(hint)}`".replace("|", "\\|"), shown))
    head: tuple[str, ...] = ("Attribute", "Type", "Default")
    if not any(shown for *_, shown in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return ["", *(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))]


def _factories(kind: type) -> dict[str, Callable[[], typing.Any]]:
    """What makes the defaults of the attributes that have one made, by name."""
    found = msgspec.structs.fields(kind) if issubclass(kind, msgspec.Struct) else ()
    of_struct = {each.name: each.default_factory for each in found if each.default_factory is not msgspec.NODEFAULT}
    described = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return of_struct | {
        each.name: each.default_factory for each in described if each.default_factory is not dataclasses.MISSING
    }


def _is_of_values(kind: type) -> bool:
    return any(hasattr(kind, mark) for mark in ("_fields", "__dataclass_fields__", "__struct_fields__"))


def _default(value: typing.Any) -> str:
    """A default as it could be written; of a value of ours, that it is one without anything said."""
    return f"{type(value).__name__}()" if _is_ours(type(value)) and not isinstance(value, str) else repr(value)


def words(documented: object) -> str:
    """The docstring, as Markdown; empty where there is none of its own."""
    return (inspect.getdoc(documented) or "").replace("``", "`")


def _signature(
    name: str, function: Callable[..., typing.Any], owner: type | None = None, width: int | None = None
) -> str:
    """A signature with what its aliases of types stand for; a line for each parameter where one gets too wide."""
    found = hints(function, owner)
    parts: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in found:
            continue  # self, and what is left out
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        parts.append(f"{parameter.name}: {_type(found[parameter.name])}{default}")
    returned = "" if found.get("return") in (None, type(None)) else f" -> {_type(found['return'])}"
    line = f"{name}({', '.join(parts)}){returned}"
    if width is None or len(line) <= width:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){returned}"])


def _type(hint: typing.Any) -> str:
    """A type as it can be written with the names that are offered."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is type(None):
        return "None"
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(_type, arguments))
    if origin is None or not arguments:
        return "..." if hint is Ellipsis else getattr(hint, "__name__", str(hint))
    inner = ", ".join(
        f"[{', '.join(map(_type, each))}]" if isinstance(each, list) else _type(each) for each in arguments
    )
    return f"{getattr(origin, '__name__', origin)}[{inner}]"
