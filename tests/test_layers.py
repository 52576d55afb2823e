"""The rooms: how large a module gets, and how light the package is to import. (Who may import whom: make lint.)"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGE = "mock_intake"
ROOT = REPOSITORY / PACKAGE
FILES = sorted(
    file for folder in ("mock_intake", "conformance", "pytest_plugin") for file in (REPOSITORY / folder).rglob("*.py")
)
MAX_LINES = 500
MAX_LOOSE = 5
MAX_IMPORT_SECONDS = 0.15
HEAVY = ("starlette", "httptools", "uvloop", "jsonschema", "jsonschema_rs", "httpx", "deepdiff", "faker", "jinja2")


def module_of(file: Path) -> str:
    parts = file.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_few_modules_stand_beside_the_rooms() -> None:
    assert len([file for file in ROOT.glob("*.py") if file.name != "__init__.py"]) <= MAX_LOOSE


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_module_stays_readable(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) < MAX_LINES


def test_a_module_of_tests_stays_readable_too() -> None:
    own = [file for file in (REPOSITORY / "tests").rglob("*.py") if "node_modules" not in file.parts]
    sizes = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in own}
    assert len(sizes) > 300
    assert {str(file.relative_to(REPOSITORY)): size for file, size in sizes.items() if size > MAX_LINES} == {}


def in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, {PACKAGE}; print([name for name in {HEAVY} if name in sys.modules])"
    assert in_a_fresh_interpreter(code).strip() == "[]"


def test_the_heavy_libraries_are_there_to_be_loaded() -> None:
    code = f"import importlib; print([importlib.import_module(name).__name__ for name in {HEAVY}])"
    assert in_a_fresh_interpreter(code).strip() == str(list(HEAVY))


def test_importing_the_package_is_quick() -> None:
    code = f"import time; start = time.process_time(); import {PACKAGE}; print(time.process_time() - start)"
    assert min(float(in_a_fresh_interpreter(code)) for _ in range(3)) < MAX_IMPORT_SECONDS


def test_names_of_the_package_are_loaded_when_asked_for() -> None:
    code = f"import {PACKAGE}; print(*(getattr({PACKAGE}, name) is not None for name in {PACKAGE}.__all__))"
    assert set(in_a_fresh_interpreter(code).split()) == {"True"}
