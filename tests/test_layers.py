"""The rooms of DESIGN.md: who may import whom, how large a module gets, and how light the package is to import."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGE = "mock_intake"
ROOT = REPOSITORY / PACKAGE
FILES = sorted(ROOT.rglob("*.py"))
MAX_LINES = 500
MAX_IMPORT_SECONDS = 0.15
HEAVY = ("starlette", "uvicorn", "jsonschema", "jsonschema_rs", "httpx", "deepdiff", "faker", "jinja2")


def module_of(file: Path) -> str:
    parts = file.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """All that a module imports, at its top or inside a function; names are given with what they are taken from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = module.split(".")[: len(module.split(".")) - node.level + is_package]
                origin = ".".join([*above, origin] if origin else above)
            found.add(origin)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


@cache
def imports() -> dict[str, set[str]]:
    """What each module of the package imports."""
    return {
        module_of(file): imported_by(
            file.read_text(encoding="utf-8"), module_of(file), is_package=file.name == "__init__.py"
        )
        for file in FILES
    }


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def crossings(from_room: str, *to_rooms: str) -> list[str]:
    """The imports that lead from one room into others."""
    return [
        f"{module} imports {name}"
        for module, names in imports().items()
        if within(module, from_room)
        for name in sorted(names)
        if any(within(name, room) for room in to_rooms)
    ]


def rooms(*names: str) -> list[str]:
    return [f"{PACKAGE}.{name}" for name in names]


def test_imports_are_seen_wherever_they_stand() -> None:
    source = "import a.b\nfrom c import d\ndef f():\n    from . import e\n    from ..g import h\n"
    assert imported_by(source, "x.y.z") == {"a.b", "c", "c.d", "x.y", "x.y.e", "x.g", "x.g.h"}
    assert imported_by("from . import e\nfrom .. import g\n", "x.y", is_package=True) == {"x.y", "x.y.e", "x", "x.g"}


def test_all_rooms_are_looked_at() -> None:
    assert {"mock_intake", "mock_intake.intake", "mock_intake.server.app", "mock_intake.cli.rules"} <= set(imports())
    assert "mock_intake.findings" in imports()["mock_intake.datadog.rules"]


@pytest.mark.parametrize(("room", "other"), [("openlineage", "datadog"), ("datadog", "openlineage")])
def test_the_standard_and_the_vendor_know_nothing_of_each_other(room: str, other: str) -> None:
    assert crossings(*rooms(room, other)) == []


@pytest.mark.parametrize("room", ["openlineage", "datadog"])
def test_what_judges_knows_no_server_journal_command_or_view(room: str) -> None:
    assert crossings(*rooms(room, "server", "journal", "cli", "views", "intake")) == []


@pytest.mark.parametrize("room", ["openlineage", "datadog", "intake", "judgement", "views", "journal"])
def test_what_is_no_server_knows_no_http_library(room: str) -> None:
    assert crossings(f"{PACKAGE}.{room}", "starlette", "uvicorn", "httpx", "click") == []


def test_pages_know_no_server_and_no_store() -> None:
    stores = [f"journal.{name}" for name in ("memory", "sqlite", "rows", "statements", "files")]
    assert crossings(f"{PACKAGE}.web", *rooms("server", "cli", "client", *stores), "sqlite3", "uvicorn") == []


def test_only_the_wiring_knows_pages() -> None:
    wiring = f"{PACKAGE}.server.app"
    knowing = {line.partition(" ")[0] for line in crossings(PACKAGE, f"{PACKAGE}.web")}
    assert {name for name in knowing if not within(name, f"{PACKAGE}.web")} == {wiring}


def test_views_know_no_page() -> None:
    assert crossings(*rooms("views", "web"), "jinja2", "markupsafe", f"{PACKAGE}.report") == []


def test_nothing_imports_the_command_line_but_itself() -> None:
    room = f"{PACKAGE}.cli"
    assert [line for line in crossings(PACKAGE, room) if not within(line.partition(" ")[0], room)] == []


def test_the_server_knows_no_command_line() -> None:
    assert crossings(*rooms("server", "cli")) == []


def test_the_package_knows_neither_the_suite_nor_the_plugin() -> None:
    assert crossings(PACKAGE, "mock_intake_conformance", "mock_intake_pytest", "conformance", "pytest_plugin") == []


def test_the_package_knows_no_test_tool() -> None:
    assert crossings(PACKAGE, "pytest", "hypothesis", "tests", "openlineage") == []


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_a_module_stays_readable(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) < MAX_LINES


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
    code = f"import time; start = time.perf_counter(); import {PACKAGE}; print(time.perf_counter() - start)"
    assert statistics.median(float(in_a_fresh_interpreter(code)) for _ in range(5)) < MAX_IMPORT_SECONDS


def test_names_of_the_package_are_loaded_when_asked_for() -> None:
    code = f"import {PACKAGE}; print(*(getattr({PACKAGE}, name) is not None for name in {PACKAGE}.__all__))"
    assert set(in_a_fresh_interpreter(code).split()) == {"True"}
