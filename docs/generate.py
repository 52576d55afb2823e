"""Writes the pages that are generated from the code: rules.md, and most of reference/ (make docs)."""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path

import click

from mock_intake.catalogue import RULES
from mock_intake.cli.main import main as command
from mock_intake.cli.rules import markdown
from mock_intake.client import Client, ControlError, EventQuery, Listing, Streamed, WaitTimeoutError, types
from mock_intake_conformance.page import markdown as conformance_page
from mock_intake_conformance.page import with_matrix
from mock_intake_pytest import matchers, options, plugin, records
from mock_intake_pytest.handle import IntakeHandle
from mock_intake_pytest.telling import IntakeFailure

DOCS = Path(__file__).parent
WIDTH = 100
CLIENT_INTRODUCTION = """\
# Python client

This page is generated from the code: `make docs`.

`mock_intake.client` asks a running server over its [control API](control-api.md), from another process than the
server's: a test beside `mock-intake serve`, a service container, a CI job. `Client` blocks; `AsyncClient` has the same
methods, awaited, with the same types. (Within the server's own process, `IntakeServer` has it all without HTTP.)

<!-- snippet: python -->
```python
from mock_intake.client import Client, WaitTimeoutError

with Client("http://127.0.0.1:8580") as intake:
    try:
        intake.wait(job="load_orders", state="COMPLETE", timeout=0.1)
    except WaitTimeoutError as missed:
        print(missed)  # what was waited for, and what is there instead
    listing = intake.events({"status": "error"}, limit=50)
    for event in listing.items:
        print(event["job"]["name"], [finding["code"] for finding in event["findings"]])
    if listing.dropped:
        print("retention has let go of", listing.dropped, "exchanges")
```

And for coroutines:

<!-- snippet: python -->
```python
import asyncio

from mock_intake.client import AsyncClient


async def main() -> None:
    async with AsyncClient("http://127.0.0.1:8580") as intake:
        await intake.set_faults([503, {"step": 429, "headers": {"Retry-After": "1"}}])
        plan = await intake.faults()
        print(plan["active"], plan["left"])
        await intake.end_faults()


asyncio.run(main())
```
"""


def rules_page() -> str:
    return markdown(list(RULES.values())) + "\n"


def cli_page() -> str:
    lines = [
        "# Commands",
        "",
        "This page is generated from the code: `make docs`.",
        "",
        "Exit codes of every command: 0 fine, 1 findings or failures at or above the asked level, 2 unusable input,",
        "usage or environment. Colours are used on a terminal only, and not where `NO_COLOR` is set. Completion:",
        '`eval "$(mock-intake completion bash)"`.',
        "",
        *_help([], command),
    ]
    context = click.Context(command)
    for name in command.list_commands(context):
        sub = command.get_command(context, name)
        assert sub is not None
        lines += ["", f"## mock-intake {name}", "", *_help([name], sub)]
    return "\n".join(lines) + "\n"


def _help(path: list[str], of: click.Command) -> list[str]:
    name = " ".join(["mock-intake", *path])
    context = click.Context(of, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    return ["```text", of.get_help(context), "```"]


def client_page() -> str:
    methods = [(name, method) for name, method in vars(Client).items() if name[0] != "_" and callable(method)]
    lines = [CLIENT_INTRODUCTION, "## Client", "", *_member("Client", Client.__init__, Client)]
    for name, method in methods:
        lines += ["", f"### {name}", "", *_member(name, method, method)]
    lines += ["", "## Errors", ""]
    lines += [f"* `{error.__name__}`: {_words(error)}" for error in (ControlError, WaitTimeoutError)]
    lines += ["", "## Types", "", "Answers are dictionaries with these fields, but for the named tuples.", ""]
    lines += ["| Type | Fields |", "|---|---|"]
    for kind in (Listing, Streamed, EventQuery, *_dictionaries()):
        fields = ", ".join(f"`{field}`" for field in typing.get_type_hints(kind))
        named = " (named tuple)" if issubclass(kind, tuple) else ""
        lines.append(f"| `{kind.__name__}`{named} | {fields} |")
    return "\n".join(lines) + "\n"


PLUGIN_INTRODUCTION = """\
# pytest plugin

This page is generated from the code: `make docs`. [How to test a producer with pytest](../how-to/pytest.md) shows it
in use. The plugin is named `mock_intake`: `pytest -p no:mock_intake` leaves it out.
"""
# What the plugin's own modules use of the handle.
_PLUGINS_OWN = ("level", "secure_server", "caught_up", "close", "refused_exchanges", "dropped_text")


class _Recorder:
    """Stands in for pytest's parser, and keeps what is added to it."""

    def __init__(self) -> None:
        self.options: list[tuple[str, dict[str, typing.Any]]] = []
        self.settings: list[tuple[str, str, typing.Any]] = []

    def getgroup(self, *_: str) -> _Recorder:
        return self

    def addoption(self, name: str, **details: typing.Any) -> None:
        self.options.append((name, details))

    def addini(self, name: str, text: str, type: str = "string", default: object = None) -> None:  # noqa: A002
        self.settings.append((name, text, f"`{default}`" if type == "string" else "empty"))


def plugin_page() -> str:
    recorder = _Recorder()
    options.add_options(typing.cast("typing.Any", recorder))
    signature, _, words = options.MARKER.partition("): ")
    lines = [PLUGIN_INTRODUCTION, "## Options", "", "| Option | Meaning |", "|---|---|"]
    for name, details in recorder.options:
        value = "\\|".join(details.get("choices", ())) or details.get("metavar", "")
        lines.append(f"| `{name}{f' {value}' if value else ''}` | {details['help']} |")
    lines += ["", "## Settings in the ini file", "", "| Setting | Meaning | Default |", "|---|---|---|"]
    lines += [f"| `{name}` | {text} | {default} |" for name, text, default in recorder.settings]
    lines += [
        "",
        "The marker goes before the option, the option before the ini file; what is ignored adds up. Settings of the",
        "rules (`select`, `severity`, `facets`) are those of [`[tool.mock-intake]`](configuration.md).",
        "",
        "## Marker",
        "",
        f"`@pytest.mark.{signature})`: {words}.",
        "",
        "## Fixtures",
    ]
    for fixture in ("intake", "intake_env", "intake_path"):
        lines += ["", f"### {fixture}", "", _words(getattr(plugin, fixture))]
    lines += ["", "## The handle", "", _words(IntakeHandle)]
    for name, member in vars(IntakeHandle).items():
        if name.startswith("_") or name in _PLUGINS_OWN:
            continue
        lines += ["", f"### {name}", ""]
        lines += [_words(member)] if isinstance(member, property) else _member(name, member, member)
    lines += ["", "## What it answers with", ""]
    for kind in (records.Event, records.Run, records.Request, records.LineageGraph, *_tuples(), IntakeFailure):
        lines += [f"### {kind.__name__}", "", _words(kind), ""]
        if fields := ", ".join(f"`{name}`" for name in _fields(kind)):
            lines += [f"Fields: {fields}.", ""]
    lines += ["## Matchers", "", _words(matchers), ""]
    lines += [
        "* `ANY`: any value, as long as there is one.",
        "* `ABSENT`: no value: the key must not be there.",
        *(f"* `{_signature_of(each)}`: {_words(each)}" for each in (matchers.unordered, matchers.satisfying)),
    ]
    return "\n".join(lines) + "\n"


def _tuples() -> tuple[type, ...]:
    return records.Edge, records.ColumnEdge, records.Parent, records.RunError


def _fields(kind: type) -> list[str]:
    """The public names that a value has: those that its constructor sets, its properties and its methods."""
    if kind is IntakeFailure:
        return []
    if hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__"):
        return list(typing.get_type_hints(kind))
    names = re.findall(r"^        self\.([a-z]\w*)(?:: [^=]+)? = ", inspect.getsource(kind), re.MULTILINE)
    return list(dict.fromkeys([*names, *(name for name in vars(kind) if not name.startswith("_"))]))


def _signature_of(function: typing.Callable[..., object]) -> str:
    return f"{function.__name__}({', '.join(inspect.signature(function).parameters)})"


def _dictionaries() -> list[type]:
    return [kind for kind in vars(types).values() if typing.is_typeddict(kind) and kind is not EventQuery]


def _member(name: str, method: object, documented: object) -> list[str]:
    return ["```python", _signature(name, method), "```", "", _words(documented)]


def _words(documented: object) -> str:
    return (inspect.getdoc(documented) or "").replace("``", "`")


def _signature(name: str, method: object) -> str:
    assert callable(method)
    signature = inspect.signature(method)
    parts: list[str] = []
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        parts.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
    returned = "" if signature.return_annotation in ("None", None) else f" -> {signature.return_annotation}"
    line = f"{name}({', '.join(parts)}){returned}"
    return line if len(line) <= WIDTH else "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){returned}"])


def pages() -> dict[Path, str]:
    """Every generated page with the content that it should have."""
    reference = DOCS / "reference"
    return {
        DOCS / "rules.md": rules_page(),
        # The rest of the page is measured: make paths.
        DOCS / "paths.md": with_matrix((DOCS / "paths.md").read_text(encoding="utf-8")),
        reference / "cli.md": cli_page(),
        reference / "client.md": client_page(),
        reference / "conformance.md": conformance_page(),
        reference / "pytest-plugin.md": plugin_page(),
    }


if __name__ == "__main__":
    for file, content in pages().items():
        file.write_text(content, encoding="utf-8")
        click.echo(f"wrote {file}")
