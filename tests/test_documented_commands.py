"""Whatever README and docs have somebody type is run by a test, or is known to be of what no test can have."""

from __future__ import annotations

import re
import tomllib

import pytest
from click.testing import CliRunner

from docs.try_producers import ARRIVED, main
from tests.conftest import REPOSITORY
from tests.test_plain_install import COOKBOOK, commands

# Those of producers are what `make try-producers` runs: their pages are generated.
PAGES = [
    REPOSITORY / "README.md",
    *(page for page in sorted((REPOSITORY / "docs").rglob("*.md")) if page.parent.name != "producers"),
]
BLOCK = re.compile(r"(?:<!-- (\w+)[^>]*-->\n)?^```(?:sh|console|bash|shell)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TARGETS = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
# What somebody else's test runs, by the page: of a container (tests/test_container.py), of an example project
# (tests/test_examples.py), of another package (tests/test_extending.py), of Spark (tests/audit/test_audit.py).
ELSEWHERE = {
    "docs/how-to/audit-archives.md": ("mock-intake audit events/ --out audit -o audit.html",),
    "docs/how-to/container.md": ("docker ",),
    "docs/how-to/shared-intake.md": ("docker ",),
    "docs/examples/etl/README.md": ("pytest",),
    "docs/how-to/extend.md": ("mock-intake check events.ndjson --format code-quality",),
}


def lines() -> list[tuple[str, str]]:
    """The lines of all blocks for a shell with their pages, continued ones joined; no block that a test runs whole."""
    found = []
    for page in PAGES:
        text = page.read_text()
        for marker, block in BLOCK.findall(text):
            if marker in ("snippet", "file") or (
                text == COOKBOOK and block in COOKBOOK and "```shell\n" + block in text
            ):
                continue  # tests/test_docs.py, tests/test_ci_recipes.py, tests/test_plain_install.py
            name = str(page.relative_to(REPOSITORY))
            found += [(name, line) for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    return found


def is_known(page: str, line: str) -> bool:
    line = line.removeprefix("$ ")
    if line.startswith(("mock-intake listens", *ELSEWHERE.get(page, ()))):
        return True
    if line.startswith("pip install"):
        return all(each in EXTRAS for named in re.findall(r"mock-intake\[(.*?)\]", line) for each in named.split(","))
    if line.startswith("make "):
        return line.split()[1] in TARGETS
    # What the lines behind it need, which have it from their tests.
    return line.startswith("export ")


def test_every_line_that_is_to_be_typed_is_run_by_a_test() -> None:
    run = {*commands()}
    left = [
        f"{page}: {line}"
        for page, line in lines()
        if re.sub(r"\s+#.*", "", line.removeprefix("$ ")) not in run and not is_known(page, line)
    ]
    assert not left, "\n".join(left)


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ("README.md", "pip install 'mock-intake[nothing]'"),
        ("README.md", "make nothing"),
        ("README.md", "docker run mock-intake"),
        ("docs/how-to/ci.md", "mock-intake check events.ndjson --nothing"),
    ],
)
def test_a_line_that_nothing_runs_is_noticed(page: str, line: str) -> None:
    assert not is_known(page, line)
    assert line not in commands()


def test_who_tries_recipes_knows_what_certify_prints_where_events_arrived() -> None:
    suite = REPOSITORY / "tests" / "same" / "record" / "suite" / "suite.txt.txt"
    assert ARRIVED.search(suite.read_text())
    assert not ARRIVED.search("  failed    reaches-the-endpoint")


@pytest.mark.parametrize(
    ("name", "known"), [("airflow", "airflow-dags-test"), ("cookbook/perl", "cookbook/a dbt project")]
)
def test_what_is_no_producer_is_not_tried_and_called_right(name: str, known: str) -> None:
    done = CliRunner().invoke(main, [name])
    assert done.exit_code == 2
    assert f"there is no {name}; there are " in done.stderr
    assert known in done.stderr
