"""What is right of each file: its kind of mistake, and what is to be found in it."""

from __future__ import annotations

from typing import NamedTuple

from mock_intake.model.findings import Severity
from mock_intake.model.literals import Subject

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Expected(NamedTuple):
    """A finding: its rule, its severity, what it is about, and words that it tells, some here and some there."""

    code: str
    severity: Severity
    subject: Subject = "event"
    words: tuple[str, ...] = ()


class Case(NamedTuple):
    """A file, the kind of mistake that it is one of, and what is found in it; of warnings and errors that is all."""

    file: str
    kind: str
    expected: tuple[Expected, ...]


_NO_RUN = (Expected("DD101", ERROR, words=("no jobType facet",)),)

CASES = (
    *(
        Case(
            file,
            "a missing part changes the yardstick",
            (*_NO_RUN, Expected("DD106", ERROR, words=('eventType "COMPLETE"', "it has no run", '"runId"'))),
        )
        for file in (
            "05b-complete-run-forgotten.json",
            "05c-complete-run-forgotten-jobevent-url.json",
            "05d-complete-run-forgotten-noanchor.json",
        )
    ),
    Case(
        "07b-trailing-space-name.ndjson",
        "names that can name nothing",
        (
            Expected("DD208", WARNING, words=('"shop.public.orders "', 'Write "shop.public.orders".')),
            Expected("DS107", WARNING, "dataset", ("differ only in white space", "would not join")),
        ),
    ),
    Case(
        "08-empty-job.ndjson",
        "presence taken for content",
        (
            Expected("DD107", WARNING, words=("the job's namespace is empty", "env is made from it")),
            Expected("DD107", WARNING, words=("the job's name is empty", "service and resource are made from it")),
        ),
    ),
    Case(
        "21-templates.ndjson",
        "names that can name nothing",
        (
            Expected("DD109", WARNING, words=('"{{ ds }}" in the job\'s name is a placeholder',)),
            Expected(
                "DD209",
                WARNING,
                words=(
                    '"${workspace}" in the name',
                    '"{{ ds }}" in the name',
                    '"None" in the name "None.public.orders"',
                    '"None" in the namespace "postgres://None:None"',
                    '"null" in the name "null.null.null"',
                    "<class 'str'>",
                ),
            ),
        ),
    ),
    Case("29b-query-lowercase.ndjson", "known in one form only", (Expected("DD104", WARNING, words=('"query"',)),)),
    Case(
        "32-epoch-times.ndjson",
        "names that can name nothing",
        (
            Expected("DD110", WARNING, words=("it is in the year 1970", "it is in the year 1", "frozen")),
            Expected("RC106", WARNING, "run"),
        ),
    ),
    Case(
        "04-spark-null-facets.json",
        "one advice for many places",
        (
            Expected(
                "OL003",
                ERROR,
                words=(
                    *(
                        f"Leave {name} out"
                        for name in ("nominalTime", "sql", "documentation", "lifecycleStateChange", "columnLineage")
                    ),
                ),
            ),
            Expected("RC101", WARNING, "run"),
        ),
    ),
    Case(
        "10-jdbc-params.ndjson",
        "one advice for many places",
        (
            Expected(
                "DD201",
                WARNING,
                words=tuple(f"datasets of {title}" for title in ("Vertica", "MongoDB", "ClickHouse", "DuckDB")),
            ),
            Expected(
                "DD202",
                WARNING,
                words=(
                    "Write it as postgres://wh:5432. Leave out what follows the slash. Leave the options out.",
                    "Write it as sqlserver://sql1:1433, and the name as crm.dbo.orders.",
                    "Write it as oracle://ora:1521.",
                    "Write it as postgres://wh:5432. Leave jdbc: out.",
                    "Name one server of several",
                ),
            ),
        ),
    ),
    Case(
        "49-latin1-body.json",
        "known in one form only",
        (Expected("HT201", ERROR, "request", ("looks like ISO-8859-1",)),),
    ),
    Case(
        "11-parent-under-another-key.ndjson",
        "one-way identity",
        (Expected("OL110", WARNING, words=("parentRun is read by nobody", "Put it under the key parent.")),),
    ),
    Case(
        "28-hollow-facets.ndjson",
        "presence taken for content",
        (
            Expected("OL108", WARNING, words=("outputStatistics",)),
            Expected("OL111", INFO, words=("the tags facet", "the symlinks facet", "the ownership facet")),
            *(Expected(code, INFO, "run") for code in ("DD502", "DD503", "DD504", "DD505")),
        ),
    ),
    Case(
        "28b-empty-error-message.ndjson",
        "presence taken for content",
        (Expected("DD501", WARNING, "run", words=("errorMessage is empty",)),),
    ),
    Case(
        "18-start-and-fail-differ.ndjson",
        "the counterpart is at hand",
        (
            Expected("RC101", WARNING, "run", ("is it this one? 10000000-0000-4000-8000-000000000001",)),
            Expected("RC102", WARNING, "run", ("is it this one? 10000000-0000-4000-8000-000000000002",)),
        ),
    ),
    Case(
        "19b-own-parent.ndjson",
        "the counterpart is at hand",
        (Expected("RC404", WARNING, "run", ("is its own parent",)),),
    ),
    Case(
        "19e-circular-parents.ndjson",
        "the counterpart is at hand",
        (Expected("RC404", WARNING, "run", ("etl / a is part of itself", "etl / b is part of itself")),),
    ),
    Case(
        "31-column-lineage-unknown-columns.ndjson",
        "the counterpart is at hand",
        (Expected("DD302", WARNING, "run", ('Write "a".', '"total"', "The schema of shop.public.src has id.")),),
    ),
    Case(
        "33-runid-upper.ndjson",
        "names that can name nothing",
        (Expected("RC205", WARNING, "run", ("differ in case only",)),),
    ),
    Case(
        "36-spark-unknown-jobname.ndjson",
        "first seen called expected",
        (
            Expected("DD109", WARNING, words=('"unknown"',)),
            Expected("RC201", WARNING, "run", ("etl / my_session",)),
        ),
    ),
    Case(
        "42-snowflake-case.ndjson",
        "first seen called expected",
        (Expected("DS101", WARNING, "dataset", ("snowflake://acme-prod SHOP.PUBLIC.ORDERS", "A name in quotes")),),
    ),
    Case(
        "39-job-name-per-run.ndjson",
        "names that can name nothing",
        (Expected("RC203", WARNING, "run", ("4 jobs of etl differ in an id alone", "such as load_orders_jr")),),
    ),
)
