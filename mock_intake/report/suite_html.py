"""The suite report as one page that opens from a file; templates/suite.html has what stands on it."""

from __future__ import annotations

import shlex

from mock_intake.model.exchange import rfc3339
from mock_intake.report import suite_words, timeline
from mock_intake.report.evidence import (
    event_id,
    execution_id,
    header_lines,
    lineage_of,
    pretty,
    request_id,
    request_line,
    run_id,
    sent_by,
)
from mock_intake.report.rendering import render
from mock_intake.report.suite import Requirement, SuiteReport
from mock_intake.report.suite_blocks import by_level, counts_of_cases, failed_cases
from mock_intake.report.suite_words import cases_of, groups_of, headline, results_by_case

# What a page has room for; the JSON form has all of it.
_MOST = {
    "most_details": 50,
    "most_letters": 1_000,
    "most_output": 8_000,
    "most_requests": 200,
    "most_events": 300,
    "most_listed": 500,
    # Of a block of so many results each leads to its place.
    "most_results": 60,
}


def to_html(report: SuiteReport) -> str:
    """The page. Whatever events or outputs hold is text in it."""
    results = [results_by_case(producer) for producer in report.producers]
    cases, levels = cases_of(report), by_level(report)
    values = {
        "report": report,
        "headline": headline(report),
        "made_at": rfc3339(report.made_at),
        "groups": groups_of(cases),
        "failed_cases": failed_cases(report),
        "results": results,
        "levels": levels,
        # The block that shows all that was seen of a result, by the number of its producer and its case.
        "block_of": {
            (block.failures[0].number, block.first.case.id): number
            for number, block in enumerate((block for blocks in levels.values() for block in blocks), 1)
        },
        "counts_of": counts_of_cases,
        "sent": [sent_by(producer) for producer in report.producers],
        "words": suite_words,
        "result_id": _result_id,
        "execution_id": execution_id,
        "command_line": shlex.join,
        "request_line": request_line,
        "header_lines": header_lines,
        "answer_of": timeline.answer_of,
        "seconds": timeline.seconds,
        "timeline_of": timeline.timeline,
        "timeline_width": timeline.WIDTH,
        "request_id": request_id,
        "event_id": event_id,
        "run_id": run_id,
        "lineage_of": lineage_of,
        "pretty": pretty,
    }
    return render("suite.html", {**values, **_MOST})


def _result_id(case: Requirement, number: int) -> str:
    """The id of what came of a case on a producer, which is counted from 0."""
    return f"case/{case.id}/{number + 1}"
