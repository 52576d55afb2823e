"""What ``make style`` counts: the counter itself, on code made for it, and how the shipped code reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.style import SHIPPED, Figures, measured
from tests.conftest import REPOSITORY

# Where a reader asks why first: the way of a request, and what is folded from it.
HOT = ("server/http", "server/ingest", "journal", "judging", "views")
LEAST_COMMENTS = 4.0
LEAST_NAMING = 0.4

CODE = '''
"""A module."""

LIMIT = 3  # noqa: a directive
# A why of
# two lines.
TEXT = """no
docstring"""


def silent(value: int) -> int:
    """Says nothing."""
    return value  # beside code


def naming(value: int) -> int:
    """Gives ``value`` back."""
    return value


def raising() -> None:
    """Raises ``KeyError``."""
    raise KeyError


def nothing_to_name() -> None:
    """Takes nothing."""


def bare(value: int) -> int:
    return value


class Public:
    """Has a ``field``."""

    field: int

    def method(self, other: int) -> None:
        """Of one ``*others``, and this."""

        def inner(value: int) -> None:
            """Belongs to nobody else."""

    def _own(self, value: int) -> None:
        """Not looked at."""
'''


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    file = tmp_path / "code.py"
    file.write_text(CODE)
    return measured([file])


def test_docstrings_that_name_what_there_is_to_name_are_counted(figures: Figures) -> None:
    assert (figures.public_naming, figures.public) == (2, 4)
    assert [line.split(": ")[1] for line in figures.unnamed] == ["silent", "method"]
    assert (figures.naming, figures.docstrings) == (3, 9)


def test_comments_and_lines_of_code_are_counted(figures: Figures) -> None:
    assert figures.comments == 3
    code = [line for line in CODE.splitlines() if line.strip() and not line.strip().startswith(('"""', "#"))]
    assert figures.code == len(code)
    assert max(figures.files) == len(CODE.splitlines())
    assert len(figures.functions) == 8


@pytest.mark.parametrize("room", HOT)
def test_where_a_reader_asks_why_comments_answer(room: str) -> None:
    figures = measured(sorted((REPOSITORY / "mock_intake" / room).glob("*.py")))
    assert 100 * figures.comments / figures.code >= LEAST_COMMENTS


def test_public_docstrings_name_what_is_taken_and_what_is_raised() -> None:
    figures = measured([file for folder in SHIPPED for file in sorted((REPOSITORY / folder).rglob("*.py"))])
    assert figures.public_naming / figures.public >= LEAST_NAMING, "\n".join(figures.unnamed)
