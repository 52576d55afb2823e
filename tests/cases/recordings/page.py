"""What remains to be said of the recordings, and why: the table, and the page that is made of both.

``python -m tests.cases.recordings.page`` writes the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mock_intake.model.findings import Finding, Severity
from tests.cases.judged import found_in
from tests.cases.recordings import RECORDINGS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "native-recordings.md"
_INTRODUCTION = """\
# What remains of native producers' recordings

This page is made by a test: `python -m tests.cases.recordings.page` writes it.

Recordings of Airflow, Spark and dbt are judged whenever the tests run. Their shapes are those of OpenLineage's
compatibility tests and of runs of our own; names and ids are made up. A warning or an error of one of them is there
only where its user can act on it; [what they cannot change](native.md) is `info`.

## Warnings and errors

"""
_INFOS = """
## Infos

What stays in the report as `info`, by recording. A custom facet is one whose schema is not at hand (OL105).

"""


REMAINS: Mapping[tuple[str, str], str] = {
    ("Spark, PostgreSQL by JDBC, tables without a schema", "DD204"): "The integration takes the table's name as the "
    'job gives it: with its schema it is `.option("dbtable", "public.orders")`.',
    ("Spark, a session that has no name at first", "DD109"): "The application tells of itself as unknown until its "
    "session has a name.",
    ("Spark, a session that has no name at first", "RC201"): "Its later events have the name that the session was "
    "given, so one run is of two jobs.",
    ("Airflow with a scheduler, SQL with columns that have no name", "DD302"): "What the statement selects has no "
    "name, so the SQL parser counts: `_0`, `_1`. No column of the table is that.",
    ("dbt-ol run, PostgreSQL, models of a seed and of a snapshot", "DD301"): "dbt-ol tells models and sources as "
    "inputs of a model, and neither seeds nor snapshots; columns it reads from the SQL, where all stand.",
    ("dbt-ol run, PostgreSQL, columns documented in part", "DD302"): "Without a catalog the schema has only the "
    "columns that the project documents.",
    ("dbt-ol run, a model that fails", "DD501"): "Without structured logs dbt-ol knows that a model failed, and not "
    "why.",
}
"""What remains of which recording, by the rule, and why. Nothing else does."""


def found(name: str, least: Severity) -> list[Finding]:
    """What is found in a recording at this severity or above."""
    return [one for one in found_in(*RECORDINGS[name]) if one.severity.rank >= least.rank]


def page() -> str:
    """The page as it is to stand in the documentation."""
    rows = [
        (name, _linked(code), str(worst.severity), why, worst.advice)
        for (name, code), why in REMAINS.items()
        if (worst := _worst(name, code))
    ]
    infos = []
    for name in RECORDINGS:
        codes = dict.fromkeys(one.code for one in found(name, Severity.INFO) if one.severity is Severity.INFO)
        infos.append((name, str(len(RECORDINGS[name])), ", ".join(map(_linked, sorted(codes))) or "none"))
    return (
        _INTRODUCTION
        + _table(("Recording", "Rule", "Severity", "Why it remains", "What its user is advised to do"), rows)
        + _INFOS
        + _table(("Recording", "Events", "Rules"), infos)
    )


def _worst(name: str, code: str) -> Finding:
    return max((one for one in found(name, Severity.WARNING) if one.code == code), key=lambda one: one.severity.rank)


def _linked(code: str) -> str:
    return f"[{code}](../rules.md#{code.lower()})"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
