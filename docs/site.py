"""The documentation as a site (make site): stages the pages in build/site, where zensical makes HTML of them.

The README is the first page; CHANGELOG and CONTRIBUTING come beside it. Links lead to pages of the site; what links
to a file of the sources is text there. The navigation is the table below.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
STAGED = ROOT / "build" / "site"
LINK = re.compile(r"\[([^\]]*)\]\(\s*([^)#\s:]+)(#[^)\s]*)?\)")
# What pages show, beside them.
IMAGES = (".svg",)
# Of the repository's top, with their names on the site.
TOP = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
# Where a page of a folder is listed that the table does not name.
OF_FOLDERS = {
    "how-to": "Run it",
    "reference": "Reference",
    "explanation": "Explanation",
    "producers": "What producers do",
}
NAVIGATION: dict[str, tuple[str, ...]] = {
    "Begin": (
        "index.md",
        "tutorial.md",
        "how-to/cookbook.md",
        "how-to/send-events.md",
        "how-to/macos.md",
        "how-to/upgrade.md",
    ),
    "Test a producer": (
        "how-to/pytest.md",
        "how-to/certify.md",
        "how-to/misbehave.md",
        "how-to/intercept.md",
        "how-to/agent.md",
        "how-to/packaged-producers.md",
        "how-to/fake-events.md",
    ),
    "Judge recordings": (
        "how-to/check-recordings.md",
        "how-to/audit-archives.md",
        "how-to/diff.md",
        "how-to/baseline.md",
        "how-to/recordings.md",
        "how-to/own-facets.md",
    ),
    "Run it": (
        "how-to/ci.md",
        "how-to/ci-services.md",
        "how-to/container.md",
        "how-to/shared-intake.md",
        "how-to/pages.md",
        "how-to/observe.md",
        "how-to/forward.md",
        "how-to/extend.md",
    ),
    "Reference": (
        "rules.md",
        "reference/cli.md",
        "reference/configuration.md",
        "reference/pytest-plugin.md",
        "reference/python-api.md",
        "reference/client.md",
        "reference/control-api.md",
        "reference/report.md",
        "reference/conformance.md",
        "reference/naming.md",
        "reference/native.md",
        "reference/native-recordings.md",
        "reference/producer-settings.md",
    ),
    "What producers do": ("producers.md", "paths.md"),
    "Explanation": (
        "explanation/design.md",
        "explanation/journal.md",
        "explanation/assumptions.md",
        "explanation/benchmarks.md",
    ),
    "Project": ("changelog.md", "contributing.md"),
}


def pages() -> dict[str, Path]:
    """The pages of the site by their names there, each with its source."""
    found = {name: ROOT / source for source, name in TOP.items()}
    for file in sorted((ROOT / "docs").rglob("*.md")):
        if "examples" not in file.parts:
            found[file.relative_to(ROOT / "docs").as_posix()] = file
    return found


def navigation() -> list[dict[str, list[str]]]:
    """The navigation as zensical takes it: the table, and behind it by folder each page that it does not name."""
    made = {title: list(names) for title, names in NAVIGATION.items()}
    named = {name for names in made.values() for name in names}
    for name in pages():
        if name not in named:
            made[OF_FOLDERS[name.partition("/")[0]]].append(name)
    return [{title: names} for title, names in made.items()]


def staged(name: str, source: Path, names: dict[Path, str]) -> str:
    """The text of a page with its links as they lead on the site; ``names`` are the pages by their sources."""

    def led(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        to = names.get((source.parent / target).resolve())
        if to is None:
            return match[0] if target.endswith(IMAGES) else text
        steps = "../" * name.count("/")
        return f"[{text}]({steps}{to}{anchor})"

    parts = re.split(r"(^```.*?^```$)", source.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return "".join(part if number % 2 else LINK.sub(led, part) for number, part in enumerate(parts))


def stage() -> None:
    """Writes the sources of the site and its configuration."""
    shutil.rmtree(STAGED, ignore_errors=True)
    found = pages()
    names = {source.resolve(): name for name, source in found.items()}
    for name, source in found.items():
        file = STAGED / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(staged(name, source, names), encoding="utf-8")
    for file in (file for file in (ROOT / "docs").rglob("*") if file.suffix in IMAGES):
        shutil.copyfile(file, STAGED / file.relative_to(ROOT))
    nav = ", ".join(
        f"{{{json.dumps(title)} = {json.dumps(names)}}}" for part in navigation() for title, names in part.items()
    )
    (STAGED / "zensical.toml").write_text(
        "[project]\n"
        'site_name = "mock-intake"\n'
        'site_description = "A stand-in for Datadog\'s OpenLineage intake"\n'
        'docs_dir = "docs"\nsite_dir = "html"\nuse_directory_urls = true\n'
        f"nav = [{nav}]\n"
        '[project.theme]\nfont = false\nfeatures = ["navigation.indexes", "content.code.copy", "search.highlight"]\n'
        '[[project.theme.palette]]\nmedia = "(prefers-color-scheme: light)"\nscheme = "default"\n'
        '[[project.theme.palette]]\nmedia = "(prefers-color-scheme: dark)"\nscheme = "slate"\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    stage()
