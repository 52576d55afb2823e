"""What is told of runs, word for word, and when (RC)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mock_intake.model.findings import Finding, Severity
from mock_intake.model.runs import Repeat
from mock_intake.openlineage.rules import RUNS
from mock_intake.openlineage.runs import repeated
from tests.events import RUN_ID, job_type
from tests.rules.examples_judged import SEQUENCES, Body, FindingText, found_in_sequence, only, told, views_of
from tests.rules.examples_runs import COMPLETE, FAIL, OTHER, PARENT_RUN_ID, RUNNING, START, step

THE_RUN = f"run {RUN_ID} of prod / load_orders"


def of_run(message: str, expected: str, actual: str, advice: str) -> FindingText:
    return FindingText("", message, expected, actual, advice)


PINNED: list[tuple[str, FindingText]] = [
    (
        "RC101",
        of_run(
            f"{THE_RUN} has no START",
            "START first",
            "COMPLETE",
            "Emit START before the work begins; look whether it was refused or got lost on the way.",
        ),
    ),
    (
        "RC102",
        of_run(
            f"{THE_RUN} never ended",
            "COMPLETE, FAIL or ABORT",
            "START",
            "Emit the terminal event in a finally block, and close the client before the process exits.",
        ),
    ),
    (
        "RC103",
        of_run(
            f"{THE_RUN} has 2 START events",
            "one START",
            "START, START, COMPLETE",
            "Make a new runId for every run; a retry of the job is a run of its own.",
        ),
    ),
    (
        "RC104",
        of_run(
            f"{THE_RUN} has 2 terminal events: COMPLETE, FAIL",
            "one",
            "START, COMPLETE, FAIL",
            "Emit exactly one of COMPLETE, FAIL and ABORT.",
        ),
    ),
    (
        "RC105",
        of_run(
            f"COMPLETE of {THE_RUN} arrived before its START",
            "START first",
            "COMPLETE, START",
            "Emit in order and through one client; several threads or an asynchronous transport can turn events round.",
        ),
    ),
    (
        "RC106",
        of_run(
            f"{THE_RUN} ends 1 s before it starts, by eventTime",
            "not before 2026-11-01T12:00:01Z",
            "2026-11-01T12:00:00Z",
            "Take both from one clock, with their UTC offsets.",
        ),
    ),
    (
        "RC107",
        of_run(
            f"events of {THE_RUN} arrived after its COMPLETE",
            "COMPLETE last",
            "START, COMPLETE, RUNNING",
            "Emit the terminal event last.",
        ),
    ),
    (
        "RC108",
        of_run(
            f"OTHER of {THE_RUN} arrived after its COMPLETE",
            "COMPLETE last",
            "START, COMPLETE, OTHER",
            "Send it before the terminal event, if it matters.",
        ),
    ),
    (
        "RC201",
        of_run(
            f"the job changes within run {RUN_ID}",
            "prod / load_orders",
            "prod / load_orders; prod / load_order",
            "Compute namespace and name once, and use them for every event of the run.",
        ),
    ),
    (
        "RC202",
        of_run(
            f"2 jobs use the runId {RUN_ID}",
            "one job",
            "prod / load_orders; prod / load_items",
            "Make a new UUID for every run; name the other run in the parent facet.",
        ),
    ),
    (
        "RC401",
        of_run(
            f"the parent of {THE_RUN} sent no event",
            f"events of run {PARENT_RUN_ID}",
            "none",
            "Emit the parent's events as well, or check that the ids are equal. "
            "Nothing to do if another program emits them.",
        ),
    ),
]


def test_every_rule_has_its_words_here() -> None:
    of_parents = ["RC203", "RC205", "RC402", "RC403", "RC404"]  # test_told_of_runs.py
    assert sorted([*(code for code, _ in PINNED), "RC301", *of_parents]) == list(RUNS)


@pytest.mark.parametrize(("code", "expected"), PINNED)
def test_the_finding_reads(code: str, expected: FindingText) -> None:
    assert told(only(found_in_sequence(SEQUENCES[code][0]), code)) == expected


def test_an_event_accepted_twice_is_told_of() -> None:
    finding = repeated(Repeat("0123456789abcdef", "RUNNING", excused=False))
    assert (finding.code, finding.severity) == ("RC301", Severity.WARNING)
    assert told(finding) == of_run(
        "the same RUNNING was accepted again (0123456789abcdef)",
        "one",
        "the same body again",
        "Look for two transports (a composite one, or two clients), a retry of what had succeeded, or two processes "
        "that write to one connection and read each other's answers: make a client per process, after fork.",
    )


def test_an_event_accepted_again_after_a_lost_answer_is_no_more_than_an_info() -> None:
    finding = repeated(Repeat("0123456789abcdef", "RUNNING", excused=True))
    assert (finding.code, finding.severity) == ("RC301", Severity.INFO)
    assert told(finding) == of_run(
        "the same RUNNING was accepted again after a lost answer (0123456789abcdef)",
        "a second attempt with the same body",
        "the same body",
        "Nothing to do: this is how a client makes sure that an event arrives.",
    )


def found_so_far(bodies: Sequence[Body]) -> list[Finding]:
    views = views_of(bodies)
    return [finding for run in views.runs() for finding in views.run_findings(run, closed=False)]


@pytest.mark.parametrize("code", ["RC101", "RC102", "RC401"])
def test_what_is_missing_is_told_only_when_no_more_is_expected(code: str) -> None:
    assert found_so_far(SEQUENCES[code][0]) == []


@pytest.mark.parametrize("code", sorted({code for code, _ in PINNED} - {"RC101", "RC102", "RC401"}))
def test_what_is_there_is_told_at_once(code: str) -> None:
    assert code in [finding.code for finding in found_so_far(SEQUENCES[code][0])]


def codes(*bodies: Body) -> list[str]:
    return [finding.code for finding in found_in_sequence(bodies)]


def with_processing_type(event: Body, processing_type: str) -> Body:
    event["job"]["facets"]["jobType"] = job_type(processingType=processing_type)
    return event


def test_streams_and_services_need_not_end() -> None:
    assert codes(with_processing_type(step(START, 0), "STREAMING")) == []
    assert codes(with_processing_type(step(START, 0), "SERVICE")) == []
    assert codes(with_processing_type(step(START, 0), "BATCH")) == ["RC102"]


@pytest.mark.parametrize("end", ["COMPLETE", "FAIL", "ABORT"])
def test_a_run_with_one_start_and_one_end_is_fine(end: str) -> None:
    assert codes(step(START, 0), step(RUNNING, 1), step(RUNNING, 2), step(end, 9)) == []


def test_other_may_come_before_start() -> None:
    assert codes(step(OTHER, 0), step(START, 1), step(COMPLETE, 9)) == []


def test_five_starts_and_two_completes_are_two_findings() -> None:
    starts = [step(START, second) for second in range(5)]
    assert codes(*starts, step(COMPLETE, 8), step(COMPLETE, 9)) == ["RC103", "RC104"]


def test_a_late_start_is_not_also_an_event_after_the_end() -> None:
    assert codes(step(COMPLETE, 9), step(START, 0)) == ["RC105"]


def test_a_second_start_after_the_end_is_both_a_second_start_and_too_late() -> None:
    assert codes(step(START, 0), step(COMPLETE, 5), step(START, 6)) == ["RC103", "RC107"]


def test_swapped_namespace_and_name_are_told_as_that() -> None:
    swapped = step(COMPLETE, 9)
    swapped["job"] |= {"namespace": "load_orders", "name": "prod"}
    finding = only(found_in_sequence((step(START, 0), swapped)), "RC201")
    assert finding.message == f"the job changes within run {RUN_ID}: namespace and name are swapped"


def test_two_jobs_that_each_start_and_end_share_a_run_id_and_repeat_nothing() -> None:
    others = (step(START, 1, name="load_items"), step(COMPLETE, 8, name="load_items"))
    events = (step(START, 0), *others, step(FAIL, 9))
    assert codes(*events) == ["RC202"]


def test_of_jobs_that_share_a_run_id_the_one_that_repeats_itself_is_named() -> None:
    others = (step(START, 1, name="load_items"), step(START, 2, name="load_items"))
    ends = (step(COMPLETE, 6, name="load_items"), step(FAIL, 7), step(COMPLETE, 8, name="load_items"))
    found = found_in_sequence((step(START, 0), *others, *ends))
    whose = f"run {RUN_ID} of prod / load_items"
    assert only(found, "RC103").message == f"{whose} has 2 START events"
    assert only(found, "RC104").message == f"{whose} has 2 terminal events: COMPLETE, COMPLETE"


def test_a_run_of_a_naive_start_and_an_end_with_offset_has_no_negative_duration() -> None:
    start = step(START, 30)
    start["eventTime"] = "2026-11-01T12:00:30"
    assert codes(start, step(COMPLETE, 0)) == []
