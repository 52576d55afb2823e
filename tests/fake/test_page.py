"""The page about fake events tells what there is, and its tests pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mock_intake.fake.broken import ALSO, UNBREAKABLE
from mock_intake.fake.estate import PLATFORMS
from mock_intake.fake.facets import keys_of
from mock_intake.model.event import Entity
from tests.commands import clean_environment, mock_intake
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "how-to" / "fake-events.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"<!-- snippet: python -->\n```python\n(.*?)```", PAGE, re.DOTALL)


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),  # the page needs none, and some take seconds
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_tests_on_the_page_pass(tmp_path: Path) -> None:
    [snippet] = [snippet for snippet in SNIPPETS if "def test_" in snippet]
    (tmp_path / "test_forward.py").write_text(snippet, encoding="utf-8")
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.stdout.splitlines()[-1].startswith("4 passed"), done.stdout


def test_nothing_is_found_in_the_recording_of_the_page(tmp_path: Path) -> None:
    [snippet] = [snippet for snippet in SNIPPETS if "events.ndjson" in snippet]
    fewer = snippet.replace("10_000", "500")  # that ten thousand work is tested with all snippets
    assert run("-c", fewer, cwd=tmp_path).returncode == 0
    done = mock_intake("check", "events.ndjson", "--fail-on", "info", "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["summary"]["events"] >= 500
    assert (done.returncode, report["summary"]["ok"]) == (0, report["summary"]["events"])
    assert report["findings"] == []


def test_the_page_lists_what_cannot_be_broken_and_why() -> None:
    table = PAGE.partition("<!-- unbreakable -->")[2].partition("\n\n")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)) == UNBREAKABLE


@pytest.mark.parametrize("code", ALSO)
def test_the_page_says_what_comes_with_a_rule(code: str) -> None:
    [other] = ALSO[code]
    assert re.search(rf"`{code}`\s(comes )?with\s`{other}`", PAGE)


def test_the_page_lists_all_platforms() -> None:
    listed = PAGE.partition("<!-- platforms -->\nPlatforms: ")[2].partition(".\n\n")[0]
    assert listed.replace("\n", " ").split(", ") == list(PLATFORMS)


@pytest.mark.parametrize("entity", ["run", "job", "dataset", "input", "output"])
def test_the_page_lists_all_facets(entity: Entity) -> None:
    table = PAGE.partition("<!-- facets -->")[2]
    [keys] = re.findall(rf"^\| {entity} \| (.*) \|$", table, re.MULTILINE)
    assert keys == ", ".join(f"`{key}`" for key in keys_of(entity))
