"""Writes the pages that are generated from the code: rules.md, and most of reference/ (make docs)."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterable
from pathlib import Path

import click

from docs.generate_api import PLUGINS_OWN, api_page
from docs.generate_settings import settings_page
from mock_intake.cli.main import main as command
from mock_intake.cli.rules import markdown
from mock_intake.client import Client, ControlError, EventQuery, Listing, Streamed, WaitTimeoutError, types
from mock_intake.datadog.native import EXEMPTIONS, INTEGRATIONS, RUN_EXEMPTIONS
from mock_intake.datadog.platforms import PLATFORMS, Platform
from mock_intake.datadog.remedies import REMEDIES
from mock_intake.datadog.sources import assumptions
from mock_intake.faults import FAILURE, STEPS, SUCCESS, Match, Outcome, Plan, Step, StepKind
from mock_intake.faults.fields import fields_of
from mock_intake.judging.catalogue import RULES
from mock_intake.model import shapes
from mock_intake.report.formats import FORMATS, Kind
from mock_intake_conformance.atlas.catalogue import real_producers
from mock_intake_conformance.atlas.clients.page import paths_page
from mock_intake_conformance.atlas.page import overview, producer_page
from mock_intake_conformance.atlas.shipped import read_atlas
from mock_intake_conformance.page import markdown as conformance_page
from mock_intake_pytest import matchers, options, plugin, records
from mock_intake_pytest.failures import IntakeFailure
from mock_intake_pytest.handle import IntakeHandle

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
        await intake.clear_faults()


asyncio.run(main())
```
"""


def rules_page() -> str:
    return markdown(list(RULES.values())) + "\n"


NAMING_INTRODUCTION = """\
# How datasets are named

This page is generated from the code: `make docs`.

Datadog matches datasets by exact string equality of namespace and name. These are the platforms by whose forms rules
[DD201 to DD207](../rules.md) judge: from Datadog's live page, from its draft, and from the naming table of the
OpenLineage standard, in this order. Where they disagree, the live page's form is right here and the others are told as
disputed (DD203). A dot within a part of a name is escaped by a backslash (`orders\\.v2`), as the standard has it, or
quoted. Other platforms come by [a package of yours](../how-to/extend.md).

| Platform | Namespace | Name | Example | Says who | Disputed |
|---|---|---|---|---|---|
"""


def naming_page() -> str:
    return NAMING_INTRODUCTION + "".join(map(_platform_row, PLATFORMS))


def _platform_row(platform: Platform) -> str:
    assert platform.example is not None
    disputed = "; ".join(f"`{form.reads}` ({form.by})" for form in (*platform.disputed, *platform.disputed_names))
    example = " + ".join(f"`{part}`" for part in platform.example)
    free = platform.name_reads == "free"
    name = ("a path" if platform.object_store else "free") if free else f"`{platform.name_reads}`"
    says = f"[{platform.namespace.by}]({platform.source})"
    return f"| {platform.title} | `{platform.namespace.reads}` | {name} | {example} | {says} | {disputed} |\n"


NATIVE_INTRODUCTION = """\
# What native producers are not to be blamed for

This page is generated from the code: `make docs`.

Datadog reserves some words in `jobType.integration` for integrations that it knows. Native is who has the word *and* a
`producer` whose address begins with the integration's; a fork, or a job with the word somewhere in its address, is not.
Of events of native producers these findings, and only these, are `info`: their user can do nothing about them, but for
what stands under "helps". All else keeps its level, and what the official schemas refuse stays told as that.

"""

REMEDIES_INTRODUCTION = """
## What their users can do

These findings keep their level. Their advice is what the integration's user can set, as nobody who runs it writes its
events.

"""


def native_page() -> str:
    rows = [
        (each.word, f"[{each.code}](../rules.md#{each.code.lower()})", each.condition, each.because, each.advice)
        for each in (*EXEMPTIONS, *RUN_EXEMPTIONS)
    ]
    remedies = [
        (each.word, f"[{each.code}](../rules.md#{each.code.lower()})", each.condition, each.because, each.advice)
        for each in REMEDIES
    ]
    integrations = [(each.word, ", ".join(f"`{address}`" for address in each.addresses)) for each in INTEGRATIONS]
    return (
        NATIVE_INTRODUCTION
        + _table(("Integration", "Rule", "Where", "Why its user cannot change it", "What helps"), rows)
        + REMEDIES_INTRODUCTION
        + _table(("Integration", "Rule", "Where", "Where it comes from", "What its user can do"), remedies)
        + "\n## Whose addresses are native\n\nPatterns of what the address begins with; case does not matter.\n\n"
        + _table(("Integration", "Addresses"), [(word, each.replace("|", "\\|")) for word, each in integrations])
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


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
    # As it is where the command is run: click keeps the option that it makes first.
    shown = {"help_option_names": ["-h", "--help"], "terminal_width": WIDTH, "max_content_width": WIDTH}
    of._help_option = None
    context = click.Context(command, info_name="mock-intake", **shown)
    for name in path:
        context = click.Context(of, info_name=name, parent=context, **shown)
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
# Who makes which kind of report.
REPORTED_BY = {
    Kind.CHECK: "`check`",
    Kind.REPORT: "`report`, `run`, pytest's `--intake-report`",
    Kind.SUITE: "`certify`, `conformance`",
    Kind.AUDIT: "`audit`",
    Kind.DIFFERENCE: "`diff`",
}


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
        shown = str(default).lower() if type == "bool" else default
        self.settings.append((name, text, f"`{shown}`" if type in ("string", "bool") else "empty"))


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
        if name.startswith("_") or name in PLUGINS_OWN:
            continue
        lines += ["", f"### {name}", ""]
        lines += [_words(member)] if isinstance(member, property) else _member(name, member, member)
    lines += [
        "",
        "## Fault steps",
        "",
        "What `faults=` of the marker, `set_faults()` and `outage()` take: a status number, or one of these words.",
        "[The long form](../how-to/misbehave.md#the-long-form) says more of a step.",
        "",
        "| Step | What the client gets |",
        "|---|---|",
        *(f"| `{kind.word}` | {kind.help} |" for kind in STEPS.values()),
    ]
    lines += ["", "## What it answers with", ""]
    for kind in (records.Event, records.Run, records.Exchange, records.LineageGraph, *_tuples(), IntakeFailure):
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
    named = records.DatasetName, records.ColumnName
    return (*named, records.Edge, records.ColumnEdge, records.Parent, records.RunError)


def _fields(kind: type) -> list[str]:
    """The public names that a value has: those that its constructor sets, its properties and its methods."""
    if kind is IntakeFailure:
        return []
    if any(hasattr(kind, mark) for mark in ("_fields", "__dataclass_fields__", "__struct_fields__")):
        return list(typing.get_type_hints(kind))
    names = re.findall(r"^        self\.([a-z]\w*)(?:: [^=]+)? = ", inspect.getsource(kind), re.MULTILINE)
    return list(dict.fromkeys([*names, *(name for name in vars(kind) if not name.startswith("_"))]))


def _signature_of(function: typing.Callable[..., object]) -> str:
    return f"{function.__name__}({', '.join(inspect.signature(function).parameters)})"


def _dictionaries() -> list[type]:
    """The dictionaries that a client gives out: in the order of their definition, its own last."""
    handed_on = {name: kind for name, kind in vars(shapes).items() if name in types.__all__}
    kinds = {**handed_on, **vars(types)}.values()
    return [kind for kind in kinds if typing.is_typeddict(kind) and kind is not EventQuery]


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


def misbehave_page(page: str) -> str:
    """The page on faults with what is generated of it: the steps, and the fields of steps and plans."""
    page = _with_marked(page, "steps", _steps())
    page = _with_marked(page, "fields of a step", _fields_of_faults(Step))
    page = _with_marked(page, "fields of a match", _fields_of_faults(Match))
    return _with_marked(page, "fields of a plan", _fields_of_faults(Plan))


def _with_marked(page: str, name: str, lines: list[str]) -> str:
    """A page with these lines between the two marks of that name."""
    before, begin, rest = page.partition(f"<!-- {name} (make docs) -->\n")
    _, end, behind = rest.partition(f"\n<!-- /{name} -->")
    if not begin or not end:
        raise ValueError(f"the page has no marks for {name}")
    return "".join((before, begin, "\n".join(lines), end, behind))


def _steps() -> list[str]:
    lines = ["| Step | What the client gets | Is the event taken? | `status_code` on record | Through the Agent |"]
    lines.append("|---|---|---|---|---|")
    for kind in (SUCCESS, FAILURE, *STEPS.values()):
        word = f"`{kind.word}`" if kind.word in STEPS else kind.word
        taken = "as usual" if kind.taken else "no"
        agent = "the same" if kind.agent_status is None else f"`{kind.agent_status}`"
        lines.append(f"| {word} | {kind.help} | {taken} | {_on_record(kind)} | {agent} |")
    return lines


def report_page(page: str) -> str:
    """The page on reports with the table of formats."""
    lines = ["| Format | Suffix | For | Of | What is in it |", "|---|---|---|---|---|"]
    for each in FORMATS:
        for kind, rendering in each.renderings.items():
            lines.append(
                f"| `{each.name}` | `{each.suffix}` | {each.readers} | {REPORTED_BY[kind]} | {rendering.contents} |"
            )
    return _with_marked(page, "formats", lines)


def _on_record(kind: StepKind) -> str:
    if kind.word not in STEPS:
        return "that status"
    match kind.outcome:
        case Outcome.AS_USUAL:
            return "that of the answer"
        case Outcome.REFUSED:
            return f"`{kind.status}`"
        case Outcome.UNANSWERED:
            return "`null`"


def _fields_of_faults(kind: type) -> list[str]:
    rows = [f"| `{field.name}` | {field.help} | {field.default} |" for field in fields_of(kind)]
    return ["| Field | Meaning | Default |", "|---|---|---|", *rows]


def pages() -> dict[Path, str]:
    """Every generated page with the content that it should have."""
    reference = DOCS / "reference"
    atlas, known = read_atlas(), real_producers()
    return {
        DOCS / "rules.md": rules_page(),
        # The rest of the page is measured: make paths.
        DOCS / "paths.md": paths_page(),
        DOCS / "how-to" / "misbehave.md": misbehave_page(
            (DOCS / "how-to" / "misbehave.md").read_text(encoding="utf-8")
        ),
        DOCS / "explanation" / "assumptions.md": assumptions(),
        DOCS / "producers.md": overview(atlas),
        **{DOCS / "producers" / f"{name}.md": producer_page(known[name], facts) for name, facts in atlas.items()},
        reference / "cli.md": cli_page(),
        reference / "client.md": client_page(),
        reference / "conformance.md": conformance_page(),
        reference / "naming.md": naming_page(),
        reference / "native.md": native_page(),
        reference / "producer-settings.md": settings_page(),
        reference / "pytest-plugin.md": plugin_page(),
        reference / "python-api.md": api_page(),
        reference / "report.md": report_page((reference / "report.md").read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for file, content in pages().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")
        click.echo(f"wrote {file}")
