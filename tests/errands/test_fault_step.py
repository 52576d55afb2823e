"""A new fault step is one file of the product and one of the tests; what is forgotten of it, the suite asks for.

That an entry cannot leave out its action, outcome or help is seen in tests/faults/test_table.py.
"""

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

PATCH = Path(__file__).with_name("add-fault-step.patch")
WORD = "partial-head"
PRODUCT, TESTS = "mock_intake/faults/steps.py", "tests/faults/expected.py"
# What lists, describes or pins the words of steps anywhere, and what all words are put to.
SUITE = (
    "tests/faults/test_table.py",
    "tests/faults/test_page.py",
    "tests/faults/test_plans.py::test_a_plan_that_cannot_be_understood_is_explained",
    "tests/control/test_client_types.py",
    "tests/plugin/test_misbehaving.py::test_plans_that_cannot_be_understood_are_told_at_the_call",
    "tests/test_docs.py::test_generated_pages_are_up_to_date",
    "tests/faults/test_wire.py",
    "tests/faults/test_record.py",
    "tests/faults/test_through_agent.py",
)
# Of the last three what is about the new word; and nothing that says the same of many made-up plans.
SELECTED = f"{WORD} or not (test_wire or test_record or test_through_agent or any_plan)"
SERVE_HELP = ("-c", "from mock_intake.cli.main import main; main(['serve', '--help'])")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working copy without the patch; what is compiled is copied too."""
    ignored = shutil.ignore_patterns(".*", "node_modules", "build", "dist")
    return shutil.copytree(REPOSITORY, tmp_path / "copy", ignore=ignored)


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    where = os.pathsep.join(str(copy / part) for part in ("", "conformance", "pytest_plugin"))
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=clean_environment(PYTHONPATH=where, HYPOTHESIS_PROFILE="dev"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def apply(copy: Path, *files: str) -> None:
    """Applies the patch, or what it has for these files."""
    only = [f"--include={file}" for file in files]
    subprocess.run(["git", "apply", *only, str(PATCH)], cwd=copy, check=True, timeout=30)


def failed(copy: Path) -> set[str]:
    """The tests that fail, each as the file and function it stands in."""
    done = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *SUITE, "-k", SELECTED)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert re.search(r"\b\d{3,} passed", done.stdout), done.stdout
    return set(re.findall(r"^(?:FAILED|ERROR) (tests/[\w/]+\.py::\w+)", done.stdout, re.MULTILINE))


def test_the_patch_touches_one_file_of_the_product_and_one_beside() -> None:
    assert re.findall(r"^\+\+\+ b/(.*)$", PATCH.read_text(encoding="utf-8"), re.MULTILINE) == [PRODUCT, TESTS]


def test_with_the_patch_and_make_docs_nothing_is_missing(copy: Path) -> None:
    apply(copy)
    made = run(copy, "docs/generate.py")
    assert made.returncode == 0, made.stderr
    assert failed(copy) == set()
    shown = run(copy, *SERVE_HELP)
    assert f"{WORD}  Half of the head of the answer" in shown.stdout


def test_what_is_forgotten_of_a_step_is_asked_for(copy: Path) -> None:
    """The half of the product alone: without what is heard of it, and without its documentation."""
    apply(copy, PRODUCT)
    assert failed(copy) == {
        # The wire, the record, the Agent.
        "tests/faults/test_table.py::test_every_word_has_expectations_and_every_expectation_a_word",
        "tests/faults/test_table.py::test_the_table_says_what_is_expected",
        "tests/faults/test_wire.py::test_a_step_is_heard_as_expected_and_the_intake_goes_on",
        "tests/faults/test_record.py::test_a_word_is_on_record_with_what_was_answered",
        "tests/faults/test_through_agent.py::test_the_agent_passes_on_what_it_can_and_answers_for_what_broke",
        # The documentation.
        "tests/faults/test_page.py::test_every_word_is_described",
        "tests/faults/test_table.py::test_the_pages_on_faults_explain_every_word",
        "tests/test_docs.py::test_generated_pages_are_up_to_date",
    }
