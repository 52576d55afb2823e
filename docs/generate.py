"""Writes the pages that are generated from the code: docs/rules.md and docs/reference/cli.md (make docs)."""

from __future__ import annotations

from pathlib import Path

import click

from mock_intake.catalogue import RULES
from mock_intake.cli.main import main as command
from mock_intake.cli.rules import markdown

DOCS = Path(__file__).parent
WIDTH = 100


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


def pages() -> dict[Path, str]:
    """Every generated page with the content that it should have."""
    return {DOCS / "rules.md": rules_page(), DOCS / "reference" / "cli.md": cli_page()}


if __name__ == "__main__":
    for file, content in pages().items():
        file.write_text(content, encoding="utf-8")
        click.echo(f"wrote {file}")
