"""An errand: one more format of reports. It takes one file of the product by hand and one of the tests, and the suite
does not let its documentation or its test be forgotten."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import clean_environment
from tests.conftest import REPOSITORY

PATCH = REPOSITORY / "tests" / "errands" / "add-report-format.patch"
PRODUCT = ("mock_intake/", "conformance/", "pytest_plugin/")
# Only what the tests below need.
COPIED = ("mock_intake", "conformance", "pytest_plugin", "docs", "pyproject.toml", "README.md", "CONTRIBUTING.md")
LOCAL = ("node_modules", "record", "inputs")
IS_TESTED = "tests/report/test_formats.py::test_every_format_of_check_is_under_attack"
IS_DOCUMENTED = "tests/test_docs.py::test_generated_pages_are_up_to_date"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository, to be worked in."""
    for name in (*COPIED, "tests"):
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns(*LOCAL))
        else:
            shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, with the copy's packages instead of the installed ones."""
    path = os.pathsep.join(str(checkout / folder) for folder in ("", "conformance", "pytest_plugin"))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=clean_environment(PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def outcome(checkout: Path, *tests: str) -> str:
    """What became of these tests in the copy: the last line that pytest prints."""
    done = run(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests)
    return re.sub(r" in [\d.]+s.*", "", done.stdout.strip().splitlines()[-1])


def apply(checkout: Path, *options: str) -> None:
    subprocess.run(["git", "apply", *options, str(PATCH)], cwd=checkout, check=True, timeout=60)


def test_a_format_takes_one_file_of_the_product_and_one_of_the_tests() -> None:
    touched = re.findall(r"^diff --git a/(\S+) b/\1$", PATCH.read_text(encoding="utf-8"), re.MULTILINE)
    product = [file for file in touched if file.startswith(PRODUCT)]
    assert (len(product), len(touched) - len(product)) == (1, 1)


@pytest.mark.timeout(600)
def test_a_format_is_offered_documented_and_tested(checkout: Path) -> None:
    apply(checkout)
    assert run(checkout, "docs/generate.py").returncode == 0
    assert "| `unix` |" in (checkout / "docs" / "reference" / "report.md").read_text(encoding="utf-8")
    assert "|unix|" in re.sub(r"\s+", "", (checkout / "docs" / "reference" / "cli.md").read_text(encoding="utf-8"))
    tests = ("hostile", "attack", "offers", "stands", "names", "says", "kind", IS_DOCUMENTED.rpartition("::")[2])
    assert re.fullmatch(
        r"\d\d+ passed(, \d+ deselected)?",
        outcome(checkout, IS_DOCUMENTED, "tests/report/test_formats.py", "-k", " or ".join(tests)),
    )


@pytest.mark.timeout(600)
def test_a_format_without_its_test_and_documentation_fails_the_suite(checkout: Path) -> None:
    apply(checkout, "--include=mock_intake/*")
    assert outcome(checkout, IS_TESTED, IS_DOCUMENTED) == "2 failed"
