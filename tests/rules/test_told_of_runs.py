"""What is asked of the run, word for word: what one event says and others of its run answer (DD3, DD5, RC2, RC4)."""

from __future__ import annotations

import pytest

from mock_intake.datadog.rules import EVENTS
from mock_intake.model.findings import Severity
from mock_intake.rules import OnRun
from tests.events import RUN_ID, job_event, run_event
from tests.rules.examples_judged import SEQUENCES, FindingText, found_in_event, found_in_sequence, only, told, views_of
from tests.rules.examples_runs import PARENT_RUN_ID

THE_RUN = f"run {RUN_ID} of prod / load_orders"
DAILY = "shop.public.daily"

PINNED: list[tuple[str, Severity, FindingText]] = [
    (
        "DD301",
        Severity.WARNING,
        FindingText(
            "",
            f"columnLineage of {DAILY} names postgres://db:5432 public.orders, which is no input of the run: {THE_RUN}",
            "an input of the run: postgres://db:5432 shop.public.orders",
            "postgres://db:5432 public.orders",
            "Use the very same namespace and name as in inputs, or add the dataset to inputs, on any event of the run.",
        ),
    ),
    (
        "DD302",
        Severity.WARNING,
        FindingText(
            "",
            f'columnLineage of {DAILY} draws on the column "Id" of shop.public.orders, which its schema does not have: '
            f"{THE_RUN}",
            '"id"',
            '"Id"',
            'Write "id".',
        ),
    ),
    (
        "DD501",
        Severity.WARNING,
        FindingText(
            "",
            f"the run failed, and no event says why: {THE_RUN}",
            "run.facets.errorMessage",
            "run facets: none",
            "Add run.facets.errorMessage with message, programmingLanguage and stackTrace to FAIL; on another event of "
            "the run it does as well.",
        ),
    ),
    (
        "DD502",
        Severity.INFO,
        FindingText(
            "",
            f"shop.public.orders is without the schema facet in a run that completed: {THE_RUN}",
            "the schema facet",
            "1 of 1 datasets without",
            "Add the schema facet to inputs and outputs, on any event of the run.",
        ),
    ),
    (
        "DD503",
        Severity.INFO,
        FindingText(
            "",
            f"{DAILY} is without the outputStatistics facet in a run that completed: {THE_RUN}",
            "outputFacets.outputStatistics",
            "1 of 1 outputs without",
            "Add outputFacets.outputStatistics with rowCount and size, on any event of the run.",
        ),
    ),
    (
        "DD504",
        Severity.INFO,
        FindingText(
            "",
            f"{DAILY} is without the columnLineage facet in a run that completed: {THE_RUN}",
            "the columnLineage facet",
            "1 of 1 outputs without",
            "Add the columnLineage facet to outputs, on any event of the run.",
        ),
    ),
    (
        "DD505",
        Severity.INFO,
        FindingText(
            "",
            f"sql on START is not processed: {THE_RUN}",
            "sql on COMPLETE",
            "eventType: START",
            "Send it with COMPLETE too.",
        ),
    ),
    (
        "RC203",
        Severity.WARNING,
        FindingText(
            "",
            f"3 jobs of prod differ in an id alone, each with one run: load_{RUN_ID}, load_{PARENT_RUN_ID}, "
            "load_9d6b0f0c-4a1e-4b7e-8c55-2f0f6f3b7a10",
            "one name for all, such as load",
            "load_*",
            "Leave the id out of the name: the run has it in runId.",
        ),
    ),
    (
        "RC205",
        Severity.WARNING,
        FindingText(
            "",
            f"the runs {RUN_ID} and {RUN_ID.upper()} differ in case only, so to others these are two",
            RUN_ID,
            f"{RUN_ID}, {RUN_ID.upper()}",
            "Write UUIDs in lower case, as str() of most languages does, in all events and parent facets.",
        ),
    ),
    (
        "RC402",
        Severity.WARNING,
        FindingText(
            "",
            f"{THE_RUN} says that its parent, run {PARENT_RUN_ID}, is of the job prod / weekly, and that is of prod / "
            "nightly",
            "prod / nightly",
            "prod / weekly",
            "Take the job's namespace and name from where the parent takes its own.",
        ),
    ),
    (
        "RC403",
        Severity.WARNING,
        FindingText(
            "",
            f"the parent changes within {THE_RUN}",
            f"run {PARENT_RUN_ID} of prod / nightly",
            f"run {PARENT_RUN_ID} of prod / nightly; run {PARENT_RUN_ID} of prod / weekly",
            "Compute the parent once, and use it for every event of the run.",
        ),
    ),
    (
        "RC404",
        Severity.WARNING,
        FindingText(
            "",
            f"{THE_RUN} is its own parent",
            "another run as its parent, or none",
            f"parent: run {RUN_ID}",
            "Name the run that started this one, or no parent; in parent.root the run itself is no fault.",
        ),
    ),
]


@pytest.mark.parametrize(("code", "severity", "expected"), PINNED)
def test_the_finding_reads(code: str, severity: Severity, expected: FindingText) -> None:
    finding = only(found_in_sequence(SEQUENCES[code][0]), code)
    assert told(finding) == expected
    assert (finding.severity, finding.subject) == (severity, "run")


def test_every_rule_of_datadogs_about_runs_has_its_words_here() -> None:
    of_runs = [code for code, rule in EVENTS.items() if isinstance(rule.when[0], OnRun)]
    assert [code for code, *_ in PINNED if code.startswith("DD")] == of_runs


@pytest.mark.parametrize("code", [code for code, *_ in PINNED])
def test_no_event_is_told_of_it_and_no_run_that_may_go_on(code: str) -> None:
    bodies = SEQUENCES[code][0]
    assert code not in [finding.code for body in bodies for finding in found_in_event(body)]
    views = views_of(bodies)
    open_findings = [finding.code for run in views.runs() for finding in views.run_findings(run, closed=False)]
    assert code not in open_findings
    assert code in [
        finding.code
        for run in views.runs()
        if (single := views.single_run(run.run_id)) is not None
        for finding in views.single_run_findings(single, closed=True)
    ]


def test_a_run_that_was_forgotten_is_told_of_the_latest_run_of_the_job_alone() -> None:
    open_kind = {"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json"}
    forgetful = {key: value for key, value in run_event(None, **open_kind).items() if key != "run"}
    runs = [run_event("START", run={"runId": RUN_ID[:-1] + last}) for last in "abc"]
    finding = only(found_in_sequence([*runs, forgetful, job_event()]), "DD106")
    assert finding.message == (
        f"1 event of the same job has no run, and others have one, such as run {RUN_ID[:-1]}c of prod / load_orders"
    )
    assert finding.subject == "run"
    views = views_of([*runs, forgetful])
    assert not [one for run in views.runs() for one in views.run_findings(run, closed=False) if one.code == "DD106"]
