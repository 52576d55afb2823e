"""The errands, each a patch beside this file.

A new one is a patch (`git diff > tests/errands/NAME.patch`) and an entry here. What is generated is not in the patch:
``generate`` makes it. Commands are arguments of Python, run in a copy of the repository that has the patch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

Command = tuple[str, ...]


def pytest(*arguments: str) -> Command:
    """A run without settings and plugins (the runner leaves those out), which are most of what a short run costs."""
    plain = ("-c", os.devnull, "--rootdir", ".", "--import-mode=importlib", "-p", "no:cacheprovider")
    return ("-m", "pytest", "-q", *plain, *arguments)


@dataclass(frozen=True)
class Forgotten:
    """Something that is left out, and how that is noticed.

    Left out are files that fit the pattern ``file``, or the lines that are added and hold the text ``line``; with
    neither, what would be generated. ``command`` then fails, and ``says`` what is missing.
    """

    what: str
    command: Command
    says: str
    file: str = ""
    line: str = ""


@dataclass(frozen=True)
class Errand:
    """A patch, and what it may cost: so many files of the product, and so many others, are touched by hand.

    ``generate`` are commands that write what is generated; ``commands`` are then fine, and say ``shows``.
    """

    name: str
    product: int
    other: int
    commands: tuple[Command, ...]
    generate: tuple[Command, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()
    shows: tuple[str, ...] = ()


DOCS: Command = ("docs/generate.py",)
MOCK_INTAKE: Command = ("-c", "from mock_intake.cli.main import main; main()")
JUDGED_BY_ITS_VERSION = """
from mock_intake.openlineage.library import standard_library

url = "https://openlineage.io/spec/facets/1-2-0/SQLJobFacet.json#/$defs/SQLJobFacet"
schema, match, _ = standard_library().resolve("job", "sql", url)
facet = {"_producer": "https://acme.example", "_schemaURL": url, "query": "SELECT 1"}
print(schema.title, match.name, *(schema.is_valid({**facet, "engine": engine}) for engine in ("spark", 7)))
"""

ERRANDS = (
    Errand(
        "add-dd-rule",
        product=1,
        other=1,
        generate=(DOCS,),
        commands=(
            pytest(
                *("tests/rules/test_page.py", "tests/rules/test_examples.py", "tests/rules/test_datadog_findings.py"),
                *("tests/rules/test_severities.py", "tests/fake/test_broken.py"),
                *("-k", "DD405 or page or every_rule or as_decided"),
            ),
            (*MOCK_INTAKE, "rules", "DD405"),
        ),
        shows=("DD405 tag-key-with-colon (warning, about an event)",),
        forgotten=(
            Forgotten("the documentation", pytest("tests/rules/test_page.py"), "run `make docs`"),
            Forgotten(
                "the example",
                (*MOCK_INTAKE, "rules"),
                "missing 1 required keyword-only argument: 'trigger'",
                line="trigger=",
            ),
            Forgotten(
                "the test",
                pytest("tests/rules/test_datadog_findings.py", "-k", "words_here"),
                "how does the finding of a new rule read?",
                file="tests/*",
            ),
        ),
    ),
    Errand(
        "add-facet-version",
        product=1,
        other=0,
        commands=(
            pytest("tests/openlineage/test_facet_lookup.py", "tests/openlineage/test_facet_findings.py", "-k", "sql"),
            ("-c", JUDGED_BY_ITS_VERSION),
        ),
        shows=("SQLJobFacet 1-2-0 EXACT True False",),
    ),
)
