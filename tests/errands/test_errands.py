"""What a contributor is sent for costs few files, and nothing that belongs to it can be forgotten."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import clean_environment
from tests.conftest import REPOSITORY
from tests.errands.table import ERRANDS, Command, Errand, Forgotten

HERE = Path(__file__).parent
# What asks more of an errand than the table can say has a module to itself.
OF_THEIR_OWN = {"add-fault-step": "test_fault_step.py", "add-report-format": "test_report_format.py"}
PRODUCT = ("mock_intake/", "conformance/", "pytest_plugin/")
NOT_COPIED = shutil.ignore_patterns("node_modules", ".hypothesis", "*.sqlite*")


def patch_of(errand: Errand) -> str:
    return (HERE / f"{errand.name}.patch").read_text(encoding="utf-8")


def git(*arguments: str, cwd: Path, text: str | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository as it is, compiled modules included, that is no repository itself."""
    tree = tmp_path_factory.mktemp("errands") / "copy"
    tree.mkdir()
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY)
    for name in sorted({line.partition("/")[0] for line in listed.splitlines()}):
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, tree / name, ignore=NOT_COPIED)
        elif (REPOSITORY / name).is_file():
            shutil.copy2(REPOSITORY / name, tree / name)
    return tree


@pytest.fixture
def tree(copy: Path) -> Iterator[Path]:
    """The copy, which is brought back into its state after a test."""
    before = {file: file.read_bytes() for file in sources(copy)}
    yield copy
    for file in sources(copy):
        if file not in before:
            file.unlink()
    for file, content in before.items():
        if file.read_bytes() != content:
            file.write_bytes(content)


def sources(tree: Path) -> list[Path]:
    return [file for file in tree.rglob("*") if file.suffix in (".py", ".md", ".toml", ".json", ".html", ".css")]


def run(tree: Path, command: Command) -> tuple[int, str]:
    """The exit code of a command of Python in a tree, whose packages it has, and all that it prints."""
    packages = os.pathsep.join(str(tree / name) for name in ("", "conformance", "pytest_plugin"))
    environment = clean_environment(PYTHONPATH=packages, NO_COLOR="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    done = subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, done.stdout + done.stderr


def fine(tree: Path, command: Command) -> str:
    code, printed = run(tree, command)
    assert code == 0, f"{' '.join(command)}\n{printed}"
    return printed


def without(patch: str, forgotten: Forgotten) -> str:
    """The patch with that left out."""
    files = re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE)[1:]
    kept = [part for part in files if not fnmatch.fnmatch(touched(part)[0], forgotten.file)]
    lines = [
        line
        for line in "".join(kept).splitlines(keepends=True)
        if not (forgotten.line and line.startswith("+") and forgotten.line in line)
    ]
    left = "".join(lines)
    assert (left != patch) == bool(forgotten.file or forgotten.line), f"nothing of {forgotten.what} is left out"
    return left


def touched(patch: str) -> list[str]:
    return re.findall(r"^diff --git a/.* b/(.*)$", patch, flags=re.MULTILINE)


def named(errand: Errand) -> str:
    return errand.name


def test_every_patch_is_an_errand() -> None:
    assert all((HERE / file).is_file() for file in OF_THEIR_OWN.values())
    assert sorted(file.stem for file in HERE.glob("*.patch")) == sorted([*map(named, ERRANDS), *OF_THEIR_OWN])


@pytest.mark.parametrize("errand", ERRANDS, ids=named)
def test_an_errand_touches_few_files(errand: Errand) -> None:
    counted = Counter("product" if file.startswith(PRODUCT) else "other" for file in touched(patch_of(errand)))
    assert counted["product"] <= errand.product
    assert counted["other"] <= errand.other


@pytest.mark.parametrize("errand", ERRANDS, ids=named)
def test_an_errand_is_done_by_its_patch_and_what_is_generated(errand: Errand, tree: Path) -> None:
    git("apply", "--recount", "-", cwd=tree, text=patch_of(errand))
    for command in errand.generate:
        fine(tree, command)
    printed = "".join(fine(tree, command) for command in errand.commands)
    assert [text for text in errand.shows if text not in printed] == []


@pytest.mark.parametrize(
    ("errand", "forgotten"),
    [pytest.param(errand, each, id=f"{errand.name}-{each.what}") for errand in ERRANDS for each in errand.forgotten],
)
def test_what_is_forgotten_is_noticed(errand: Errand, forgotten: Forgotten, tree: Path) -> None:
    git("apply", "--recount", "-", cwd=tree, text=without(patch_of(errand), forgotten))
    code, printed = run(tree, forgotten.command)
    assert code != 0
    assert forgotten.says in printed
