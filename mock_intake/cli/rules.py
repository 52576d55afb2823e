"""``mock-intake rules``: lists the rules, or explains one."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

import click

from mock_intake.cli.command import Command
from mock_intake.cli.console import echo, level
from mock_intake.datadog.sources import assumptions
from mock_intake.judging.catalogue import FAMILIES, JUDGING, RULES
from mock_intake.judging.config import codes_in
from mock_intake.model.findings import Rule
from mock_intake.rules.definition import prefix_of
from mock_intake.rules.examples import good_event, in_words
from mock_intake.system.documentation import documentation

# Where more is said of what a rule asks for than on the page of the rules.
_PAGES = {"DD101": "how-to/packaged-producers"}


def _complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [code for code in RULES if code.startswith(incomplete.upper())]


@click.command(
    cls=Command,
    epilog="In pyproject.toml: [tool.mock-intake] ignore = ['DD104'], [tool.mock-intake.severity] DD5 = 'warning'.",
    short_help="List all rules, or explain some.",
    page="rules",
)
@click.argument("codes", nargs=-1, shell_complete=_complete, metavar="[CODE]...")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to print them.",
)
@click.option("--assumptions", "page", is_flag=True, help="Print what is documented by Datadog and what is assumed.")
def rules(codes: tuple[str, ...], output: str, page: bool) -> None:
    """List all rules, or explain the ones with these codes (or families: HT, OL, DD, RC, DS).

    \b
    Examples:
      mock-intake rules
      mock-intake rules DD101
      mock-intake rules DD --format json
      mock-intake rules --assumptions
    """
    if page:
        echo(assumptions(), end="")
        return
    named = codes_in(codes) or codes
    chosen = _chosen(named)
    if output == "json":
        echo(json.dumps([rule.to_dict() for rule in chosen], indent=2, ensure_ascii=False))
    elif output == "markdown":
        echo(markdown(chosen))
    elif codes and len(chosen) <= len(named):
        echo("\n\n".join(explained(rule) for rule in chosen))
    else:
        echo(listed(chosen))


def _chosen(codes: Sequence[str]) -> list[Rule]:
    if not codes:
        return list(RULES.values())
    chosen = []
    for code in codes:
        found = [rule for rule in RULES.values() if rule.code.startswith(code)]
        if not found:
            raise click.UsageError(
                f"There is no rule {code}. Families: {', '.join(FAMILIES)}; all rules: mock-intake rules"
            )
        chosen += found
    return list(dict.fromkeys(chosen))


def listed(rules: list[Rule]) -> str:
    lines: list[str] = []
    family = None
    for rule in rules:
        if prefix_of(rule.code) != family:
            family = prefix_of(rule.code)
            lines += ["", FAMILIES[family]] if lines else [FAMILIES[family]]
        lines.append(f"  {rule.code} {level(rule.severity)}{' ' * (8 - len(rule.severity))}{rule.requirement}")
    return "\n".join(lines)


def explained(rule: Rule) -> str:
    def part(title: str, text: str) -> str:
        return textwrap.fill(
            text,
            100,
            initial_indent=f"  {title:<10}",
            subsequent_indent=" " * 12,
            break_long_words=False,
            break_on_hyphens=False,  # paths and addresses are to be copied
        )

    return "\n".join(
        (
            f"{rule.code} {rule.name} ({level(rule.severity)}, about {_A[rule.subject]})",
            part("asks", rule.requirement),
            part("because", rule.because),
            part("advice", rule.advice),
            part("source", f"{rule.source} ({rule.sureness})"),
            *(part("more", documentation(page)) for page in _pages_of(rule)),
        )
    )


def _pages_of(rule: Rule) -> list[str]:
    """The pages of the documentation that say more of a rule."""
    return [_PAGES[rule.code]] if rule.code in _PAGES else []


_A = {"request": "a request", "event": "an event", "run": "a run", "dataset": "a dataset"}


def _escaped(text: str) -> str:
    """Text in Markdown: what stands in angle brackets would be taken for a tag."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def markdown(rules: list[Rule]) -> str:
    """The reference page of the rules, docs/rules.md."""
    lines = [
        "# Rules",
        "",
        "This page is generated from the code: `make docs`.",
        "",
        "Each rule has a stable code, a severity, and a source with a sureness: `documented` by the vendor or the",
        "standard, read in public `source` code, `measured` on the wire, in the vendor's `draft` documentation, or",
        "`assumed` by us. An `error` is what Datadog documents that it would not process, or what violates the core",
        "schema in a way that the vendor's own examples do not; a `warning` is what would be shown as less than meant;",
        "an `info` never changes a status. Severities can be overridden and rules ignored: see",
        "[configuration](reference/configuration.md).",
        "",
        "Examples say what is different in them from this event, or from a request with it:",
        "",
        "```json",
        json.dumps(good_event(), indent=2),
        "```",
    ]
    family = None
    for rule in rules:
        if prefix_of(rule.code) != family:
            family = prefix_of(rule.code)
            lines += ["", f"## {family}: {FAMILIES[family]}"]
        lines += [
            "",
            f'### <a id="{rule.code.lower()}"></a>{rule.code} {rule.name}',
            "",
            _escaped(f"**{rule.severity}**, about {_A[rule.subject]}. {rule.requirement}"),
            "",
            _escaped(rule.because),
            "",
            _escaped(f"*What to do:* {rule.advice}"),
            "",
            f"*Example:* {in_words(JUDGING[rule.code])}",
            *(line for page in _pages_of(rule) for line in ("", f"*More:* [{page}]({page}.md)")),
            "",
            f"*Source:* <{rule.source}> ({rule.sureness})"
            if rule.source.startswith("http")
            else f"*Source:* `{rule.source}`, [the page of them](explanation/assumptions.md) ({rule.sureness})",
        ]
    return "\n".join(lines)
