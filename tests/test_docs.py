"""The docs are true: generated pages are up to date, snippets run, everything that exists is described."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from mock_intake.cli.main import main
from mock_intake.judging.config import find_config, load_config
from mock_intake.server.runner import IntakeServer
from tests.commands import clean_environment
from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
SNIPPET = re.compile(r"<!-- snippet: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
FENCED = re.compile(r"^(```+).*?^\1", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
ANCHOR = re.compile(r"<\w+ (?:id|name)=\"([^\"]+)\"")
DOCUMENTED_URL = "http://127.0.0.1:8580"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", REPOSITORY / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _snippets(kind: str) -> list[tuple[str, str]]:
    found = [
        (f"{page.relative_to(REPOSITORY)}:{number}", code)
        for page in PAGES
        for number, (of, code) in enumerate(SNIPPET.findall(page.read_text()), 1)
        if of == kind
    ]
    assert found, f"no snippet of the kind {kind}: the pattern no longer fits the pages"
    return found


def test_generated_pages_are_up_to_date() -> None:
    for file, content in _generator().pages().items():
        assert file.read_text() == content, f"{file} is not what the code generates: make docs"


def test_every_option_has_help_and_every_command_examples() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert "Examples:" in (command.help or ""), f"mock-intake {name} shows no examples"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"mock-intake {name} {parameter.opts[0]} has no help"


def test_the_page_of_commands_shows_their_help_as_they_print_it() -> None:
    page = (REPOSITORY / "docs" / "reference" / "cli.md").read_text()
    for name in ("", *main.list_commands(click.Context(main))):
        arguments = [*name.split(), "--help"]
        printed = CliRunner().invoke(main, arguments, prog_name="mock-intake", max_content_width=200).output
        head = re.search(r"\AUsage: .*?(?=\n\n)", printed, re.DOTALL)
        assert head is not None
        assert f"```text\n{head[0]}\n" in page, f"mock-intake {name} --help is shown otherwise"


def test_no_help_has_a_row_that_says_nothing() -> None:
    for name in main.list_commands(click.Context(main)):
        help_text = CliRunner(env={"COLUMNS": "200"}).invoke(main, [name, "--help"]).output
        command = main.get_command(click.Context(main), name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                row = re.search(rf"^  {re.escape(parameter.human_readable_name)} *$", help_text, re.MULTILINE)
                assert row is None, f"mock-intake {name} --help"


def test_every_setting_is_documented() -> None:
    page = (REPOSITORY / "docs" / "reference" / "configuration.md").read_text()
    for setting in ("select", "ignore", "severity", "facets"):
        assert f"| `{setting}` |" in page


def test_every_route_of_the_control_api_is_documented() -> None:
    page = (REPOSITORY / "docs" / "reference" / "control-api.md").read_text()
    with IntakeServer() as server:
        app = server.app.routed
    for route in app.routes:
        path = getattr(route, "path", "")
        if path.startswith("/api/mock/v1/") and "{rest" not in path:
            methods = set(getattr(route, "methods", None) or ()) - {"HEAD"}
            for method in methods:
                assert f"`{method} {path.removeprefix('/api/mock/v1').replace('{id}', 'ID')}`" in page


@cache
def anchors(page: Path) -> set[str]:
    """What links into a page can name: its headings, as the forge that shows it slugs them, and ids of its own."""
    text = FENCED.sub("", page.read_text())
    found = set(ANCHOR.findall(text))
    counts: Counter[str] = Counter()
    for heading in HEADING.findall(text):
        words = re.sub(r"<[^>]*>|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{slug}-{counts[slug]}" if counts[slug] else slug)
        counts[slug] += 1
    return found


def test_links_lead_somewhere() -> None:
    wrong = []
    for page in PAGES:
        for target, anchor in LINK.findall(FENCED.sub("", page.read_text())):
            if ":" in target:
                continue
            file = page.parent / target if target else page
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
                wrong.append(f"{page.relative_to(REPOSITORY)}: {target}{anchor and '#'}{anchor}")
    assert not wrong, "\n".join(wrong)


def test_anchors_are_slugged_as_the_forge_does(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    headings = ["# One, *two* & `three_3`", "## Again", "### Again", '## <a id="own"></a>[Link](x.md)']
    page.write_text("\n".join([*headings, "```sh", "# no heading", "```"]))
    assert anchors(page) == {"one-two--three_3", "again", "again-1", "own", "link"}


@pytest.fixture
def documented_server() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


@pytest.mark.parametrize(("where", "code"), _snippets("python"), ids=lambda value: value if ":" in value[:60] else "")
def test_python_snippets_run(where: str, code: str, documented_server: IntakeServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code.replace(DOCUMENTED_URL, documented_server.url)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=clean_environment(HOME=str(tmp_path)),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{where}: {done.stderr}"


@pytest.mark.parametrize(("where", "code"), _snippets("curl"), ids=lambda value: value if ":" in value[:60] else "")
def test_curl_snippets_run(where: str, code: str, documented_server: IntakeServer) -> None:
    script = "set -e\n" + code.replace(DOCUMENTED_URL, documented_server.url).replace("curl ", "curl -sS --fail ")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{where}: {done.stderr}"
    assert done.stdout.startswith("{")


def test_the_tutorial_tells_the_truth(documented_server: IntakeServer) -> None:
    """The first event of the tutorial is an error for want of the facet, the run of the second counts."""
    tutorial = (REPOSITORY / "docs" / "tutorial.md").read_text()
    url = documented_server.url
    for kind, code in SNIPPET.findall(tutorial)[:2]:
        command = ["bash", "-c", code] if kind == "curl" else [sys.executable, "-c", code]
        command[-1] = command[-1].replace(DOCUMENTED_URL, url)
        subprocess.run(command, capture_output=True, env=clean_environment(), timeout=60, check=True)
    runs = documented_server.views.runs()
    exchanges = [exchange for _, exchange in documented_server.journal.read(0, 10)]
    assert [[f.code for f in exchange.findings if f.severity == "error"] for exchange in exchanges] == [
        ["DD101"],
        [],
        [],
    ]
    assert [exchange.event.status for exchange in exchanges[1:] if exchange.event] == ["ok", "ok"]
    assert [[event.event_type for event in run.events] for run in runs] == [["START", "COMPLETE"], ["START"]]


def test_the_schema_of_the_facets_page_works(tmp_path: Path) -> None:
    from mock_intake.openlineage.library import FacetLibrary

    ((_, schema),) = _snippets("json")
    (tmp_path / "RetryRunFacet.json").write_text(schema)
    found = FacetLibrary.from_directory(tmp_path).resolve("run", "acme_retry", json.loads(schema)["$id"]).schema
    assert found is not None
    base = {"_producer": "https://a.example", "_schemaURL": json.loads(schema)["$id"]}
    assert found.is_valid({**base, "attempt": 1})
    assert not found.is_valid({**base, "attempt": 0})
    assert not found.is_valid({"attempt": 1})


@pytest.mark.parametrize("page", ["how-to/check-recordings.md", "reference/configuration.md", "how-to/own-facets.md"])
def test_settings_on_the_pages_are_understood(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "docs" / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "pyproject.toml").write_text(block)
        load_config(find_config(tmp_path))


def test_the_page_of_commands_names_their_variables_as_they_are_read() -> None:
    page = (REPOSITORY / "docs" / "reference" / "cli.md").read_text()
    assert "MOCK_INTAKE_SERVE_..., or in [tool.mock-intake.serve]" in page
    assert "MOCK_INTAKE_MOCK" not in page
