"""What the user of a native producer can set where a finding stands: the integration's setting, not words of ours.

A rule's own advice tells who writes events what to write. Whoever runs Airflow, Spark or dbt writes none, and can do
what stands here. Nothing is lowered by it: what nobody can help is in ``native.EXEMPTIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mock_intake.model.findings import Finding
from mock_intake.system.patterns import pattern_of

_OPENLINEAGE = "https://github.com/OpenLineage/OpenLineage/tree/main/integration"
_AIRFLOW = "https://github.com/apache/airflow/tree/main/providers/openlineage"


class Remedy(NamedTuple):
    """What helps the user of the integration ``word`` where the rule ``code`` found something.

    ``holds`` is asked of the finding, and ``condition`` says in words what it asks; ``because`` tells where the finding
    comes from.
    """

    word: str
    code: str
    condition: str
    holds: Callable[[Finding], bool]
    because: str
    advice: str
    source: str


def _always(_: Finding) -> bool:
    return True


_COUNTED = pattern_of(r'"_[0-9]+"')


def _is_counted(finding: Finding) -> bool:
    return _COUNTED.fullmatch(finding.actual or "") is not None


REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        "AIRFLOW", "DD302", "the column is called _0, _1 and so on", _is_counted,
        because="What the statement selects has no name, so the provider's SQL parser counts.",
        advice="Name each expression of the task's SQL after the column that it fills: sum(amount) AS amount.",
        source=_AIRFLOW,
    ),
    Remedy(
        "DBT", "DD301", "always", _always,
        because="dbt-ol tells models and sources as inputs of a model, and neither seeds nor snapshots; columns it "
        "reads from the SQL, where all stand.",
        advice="Run it by dbt-ol run --consume-structured-logs, which tells seeds and snapshots, and no lineage of "
        "columns.",
        source=f"{_OPENLINEAGE}/dbt",
    ),
    Remedy(
        "DBT", "DD302", "always", _always,
        because="Without a catalog the schema has only the columns that the project documents.",
        advice="Run dbt docs generate before, so that there is a catalog.json; or document all columns of the model.",
        source=f"{_OPENLINEAGE}/dbt",
    ),
    Remedy(
        "DBT", "DD501", "always", _always,
        because="Without structured logs dbt-ol knows that a model failed, and not why.",
        advice="Run it by dbt-ol run --consume-structured-logs, which tells why a model failed.",
        source=f"{_OPENLINEAGE}/dbt",
    ),
    Remedy(
        "SPARK", "DD109", "always", _always,
        because="The application tells of itself as unknown until its session has a name.",
        advice="Set spark.app.name, or spark.openlineage.appName, where the application is submitted.",
        source=f"{_OPENLINEAGE}/spark",
    ),
    Remedy(
        "SPARK", "RC201", "the job is called unknown at first", lambda found: " / unknown" in (found.actual or ""),
        because="Its later events have the name that the session was given, so one run is of two jobs.",
        advice="Set spark.app.name, or spark.openlineage.appName, where the application is submitted: with a name from "
        "the beginning there is one job.",
        source=f"{_OPENLINEAGE}/spark",
    ),
)  # fmt: skip
"""What helps whom. A row for each; all else keeps its own advice."""


def remedy_of(word: str, finding: Finding) -> Remedy | None:
    """What helps the user of the integration ``word`` against ``finding``, if anything of its own does."""
    return next(
        (one for one in REMEDIES if (one.word, one.code) == (word, finding.code) and one.holds(finding)),
        None,
    )
