"""The pages as they are installed: all that they are made of is in the wheel, and nothing that only tests need."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.browser import AXE
from tests.commands import clean_environment
from tests.conftest import REPOSITORY

WHEELHOUSE = REPOSITORY / "build" / "wheelhouse"
WEB = REPOSITORY / "mock_intake" / "web"
REPORT = REPOSITORY / "mock_intake" / "report"
STYLE = REPORT / "style.css"
# Asks for pages in a process that knows the installed package only.
ASK = """
import pathlib, sys, httpx, mock_intake
from mock_intake import IntakeServer
assert pathlib.Path(mock_intake.__file__).is_relative_to(sys.argv[1]), mock_intake.__file__
with IntakeServer() as server:
    for path in sys.argv[2:]:
        answer = httpx.get(server.url + path, headers={"accept": "text/html"}, trust_env=False)
        print(answer.status_code, len(answer.content), path)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, made by the build backend without any network."""
    folder = tmp_path_factory.mktemp("built")
    assert AXE.exists(), "nothing would show that node_modules is left out"
    environment = clean_environment(HOME=str(folder))
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--target", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=True)
    return folder


def pip(target: Path, *words: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(WHEELHOUSE)]
    environment = clean_environment(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_COMPILE="1")
    subprocess.run([*command, "--target", str(target), *words], env=environment, check=True)


def in_wheel(built: Path) -> set[str]:
    [wheel] = built.glob("*.whl")
    return set(ZipFile(wheel).namelist())


def in_source(built: Path) -> Iterator[str]:
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as file:
        yield from (name.partition("/")[2] for name in file.getnames())


def test_the_wheel_has_all_that_pages_are_made_of(built: Path) -> None:
    folders = (WEB / "templates", WEB / "static", REPORT / "templates")
    made_of = {str(file.relative_to(REPOSITORY)) for file in (STYLE, *chain.from_iterable(map(Path.iterdir, folders)))}
    assert {Path(name).suffix for name in made_of} == {".html", ".css", ".js", ".svg"}
    assert made_of <= in_wheel(built)


def test_what_only_tests_need_is_not_handed_out(built: Path) -> None:
    for names in (in_wheel(built), set(in_source(built))):
        assert len(names) > 100
        assert [name for name in names if "node_modules" in name or "axe-core" in name] == []
    tops = {name.partition("/")[0] for name in in_wheel(built) if ".dist-info/" not in name}
    assert tops == {"mock_intake", "mock_intake_conformance", "mock_intake_pytest"}


def test_an_installed_wheel_serves_the_pages(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    installed = built / "installed"
    pip(installed, "--no-deps", str(wheel))
    pages = ["/mock/events", "/mock/lineage", "/mock/start", "/mock/static/style.css", "/mock/static/graph.js"]
    environment = clean_environment(PYTHONPATH=str(installed), HOME=str(built))
    command = [sys.executable, "-c", ASK, str(installed), *pages]
    done = subprocess.run(command, cwd=built, env=environment, capture_output=True, text=True, check=True, timeout=60)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [(status, path) for status, _, path in lines] == [("200", path) for path in pages]
    for path, size in ((line[2], int(line[1])) for line in lines if "/static/" in line[2]):
        file = STYLE if path.endswith("style.css") else WEB / path.removeprefix("/mock/")
        assert size == file.stat().st_size
