"""Other packages' rules, platforms, formats and commands: a real package beside the built wheel, as the page has it.

What each kind of extension does in detail is tested where it is at home (``tests/rules/test_outside.py``,
``tests/report/test_formats.py``); commands are at home here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mock_intake.cli.main import main
from mock_intake.system import extensions
from tests.conftest import REPOSITORY
from tests.events import dataset, run_event
from tests.test_container import WHEELHOUSE, Image, image

__all__ = ["image"]

PAGE = (REPOSITORY / "docs" / "how-to" / "extend.md").read_text(encoding="utf-8")
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-lineage"
version = "1.0"
dependencies = ["mock-intake"]

[tool.hatch.build.targets.wheel]
only-include = ["acme_lineage.py", "code_quality.py", "acme_commands.py"]
"""


def snippet(kind: str) -> str:
    (found,) = re.findall(rf"<!-- snippet: {kind} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture(scope="module")
def site(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's package is installed, as pip builds and installs it: beside the image, which others use."""
    source, site = tmp_path_factory.mktemp("acme-lineage"), tmp_path_factory.mktemp("site")
    points = [snippet(kind) for kind in ("entry points", "format entry point", "command entry point")]
    (source / "pyproject.toml").write_text("\n".join([PROJECT, *points]), encoding="utf-8")
    modules = {"acme_lineage": "extension", "code_quality": "format", "acme_commands": "command"}
    for module, kind in modules.items():
        (source / f"{module}.py").write_text(snippet(kind), encoding="utf-8")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELHOUSE), "PIP_CONFIG_FILE": os.devnull}
    subprocess.run(
        ["pip", "install", "--quiet", "--no-deps", "--target", site, source],
        env={**image.environment, **offline, "HOME": str(source)}, check=True, timeout=100,
    )  # fmt: skip
    return site


def run(image: Image, site: Path, command: str, work: Path) -> subprocess.CompletedProcess[str]:
    environment = {**image.environment, "PYTHONPATH": str(site), "HOME": str(work)}
    return subprocess.run(
        ["sh", "-c", command], cwd=work, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_package_beside_the_wheel_brings_rules_platforms_formats_and_commands(
    image: Image, site: Path, tmp_path: Path
) -> None:
    event = run_event(inputs=[dataset("top.orders", "acmevault://main"), dataset("top.orders", "acmevault")])
    (tmp_path / "events.ndjson").write_text(json.dumps(event) + "\n", encoding="utf-8")
    checked = run(image, site, "mock-intake check events.ndjson --format code-quality", tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert {"ACME001", "DD202"} <= {issue["check_name"] for issue in json.loads(checked.stdout)}
    # From one shell, so that the server ends with it.
    teams = (
        "mock-intake serve --port 0 --ready-file ready.json >/dev/null & "
        "trap 'kill $!' EXIT; for i in $(seq 400); do test -s ready.json && break; sleep 0.05; done; "
        "url=$(python -c \"import json; print(json.load(open('ready.json'))['url'])\"); "
        'DD_API_KEY=0123456789abcdef0123456789abcdef mock-intake replay --to "$url" events.ndjson >/dev/null; '
        'mock-intake teams "$url"'
    )
    counted = run(image, site, teams, tmp_path)
    assert (counted.stdout, counted.stderr) == (f"    1 {event['job']['namespace']}\n", "")
    listed = run(image, site, "mock-intake --help", tmp_path)
    assert re.search(r"^  teams +Count the jobs of each team", listed.stdout, re.MULTILINE)


# Commands that cannot be used, in this process.

OTHERS = "def teams(): ...\n"
POINTS = """[mock_intake.commands]
lost = acme_others:nothing
strange = acme_others:teams
serve = acme_others:teams
"""


@pytest.fixture
def spoiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """Runs commands where a package is installed whose commands cannot be used, and one of which has a name of ours."""
    (tmp_path / "acme_others.py").write_text(OTHERS, encoding="utf-8")
    metadata = tmp_path / "acme_others-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-others\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    caches = (extensions._with_extensions, extensions._entry_points)
    for cache in caches:
        cache.cache_clear()
    yield CliRunner()
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


def test_a_command_that_cannot_be_used_is_left_out_of_help_and_spoils_no_other(spoiled: CliRunner) -> None:
    helped = spoiled.invoke(main, ["--help"])
    assert helped.exit_code == 0
    assert "Left out: acme-others 1.0: its entry point lost = acme_others:nothing" in helped.stderr
    assert "Left out: acme-others 1.0: its command strange (acme_others:teams) is no click.Command" in helped.stderr
    assert not re.search(r"^  (lost|strange) ", helped.stdout, re.MULTILINE)
    assert re.search(r"^  check ", helped.stdout, re.MULTILINE)


def test_a_command_that_cannot_be_used_is_an_error_where_it_is_called(spoiled: CliRunner) -> None:
    called = spoiled.invoke(main, ["lost"])
    assert called.exit_code == 2
    assert "Error: acme-others 1.0: its entry point lost = acme_others:nothing" in called.stderr


def test_nobody_takes_the_name_of_a_command_of_ours(spoiled: CliRunner) -> None:
    command = main.get_command(click.Context(main), "serve")
    assert command is not None
    assert command.callback is not None
    assert command.callback.__module__ == "mock_intake.cli.serve"
