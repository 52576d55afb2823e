"""One word for one thing: the glossary has what API and pages name, and no name of the code needs a second reading."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.style import SHIPPED
from mock_intake.server.control.router import ENDPOINTS
from mock_intake.web.site import PAGES
from tests.conftest import REPOSITORY

DESIGN = (REPOSITORY / "docs" / "explanation" / "design.md").read_text(encoding="utf-8")
# Words that a reader has to look up: a module is named by its subject with the field's noun.
STRANGE = {"bell", "door", "doors", "asked", "drawn", "telling", "told", "manieth", "outbox", "reception", "well"}
# What leaves the process keeps its name (a skip's reason, and the field of reports that lists such cases); a key that
# is well formed is the field's word.
KEPT = {"not_asked", "NOT_ASKED", "is_well_formed"}


def section(title: str) -> str:
    return DESIGN.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def glossary() -> set[str]:
    cells = re.findall(r"^\| ([^|]+) \|", section("Words"), re.MULTILINE)
    return {word.strip() for cell in cells for word in cell.split(",")} - {"Word", "---"}


def singular(word: str) -> str:
    return word if word in ("statistics", "lineage") else word.removesuffix("s")


def names_in(tree: ast.AST) -> Iterator[str]:
    """What is named in code: classes, functions, their parameters, and what is assigned to."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


def strange(name: str) -> bool:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return name not in KEPT and not STRANGE.isdisjoint(part.lower() for part in parts)


def test_the_glossary_has_what_the_control_api_and_the_pages_name() -> None:
    # Verbs (wait, import, export, stream) and the API's own description name nothing.
    resources = {
        singular(endpoint.path.split("/")[1]) for endpoint in ENDPOINTS if re.match("(list|get)_", endpoint.name)
    }
    titles = {singular(page.title.lower()) for page in PAGES if page.title and page.title != "Send events"}
    assert {"exchange", "lineage", "statistics", "org"} <= resources
    assert {"exchange", "rule"} <= titles
    assert resources | titles <= glossary()


def test_the_page_of_the_design_has_every_room() -> None:
    rooms = {file.parent.name for file in (REPOSITORY / "mock_intake").glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^ {6}(\w+)/", section("Rooms"), re.MULTILINE))


FILES = sorted(file for folder in SHIPPED for file in (REPOSITORY / folder).rglob("*.py"))


def test_no_name_needs_a_second_reading() -> None:
    found = [
        f"{file.relative_to(REPOSITORY)}: {name}"
        for file in FILES
        for name in (file.stem, *names_in(ast.parse(file.read_text(encoding="utf-8"))))
        if strange(name)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("code", ["def ring_bell(): ...", "class OpenDoor: ...", "x._told = 1", "def f(asked): ..."])
def test_a_strange_name_is_seen_wherever_it_is_given(code: str) -> None:
    assert any(strange(name) for name in names_in(ast.parse(code)))


def test_pages_speak_plainly() -> None:
    templates = Path(REPOSITORY / "mock_intake").rglob("templates/*.html")
    texts = "".join(template.read_text(encoding="utf-8") for template in templates)
    assert not re.findall(r">\s*(?:So far|Spoken here)\b|manieth", texts)
