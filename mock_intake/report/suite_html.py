"""The suite report as one page that opens from a file; templates/suite.html has what stands on it."""

from __future__ import annotations

import shlex

from mock_intake.model.exchange import rfc3339
from mock_intake.report import suite_words, timeline
from mock_intake.report.evidence import events_of, execution_id, header_lines, lineage_of, pretty, request_line
from mock_intake.report.rendering import render
from mock_intake.report.suite import Requirement, SuiteReport
from mock_intake.report.suite_words import cases_of, groups_of, headline, results_by_case

# What a page has room for; the JSON form has all of it.
_MOST = {
    "most_details": 50,
    "most_letters": 1_000,
    "most_output": 8_000,
    "most_requests": 200,
    "most_events": 300,
    "most_listed": 500,
    # Requests of an execution are unfolded from the beginning where they are so few.
    "few_requests": 12,
}


def to_html(report: SuiteReport) -> str:
    """The page. Whatever events or outputs hold is text in it."""
    values = {
        "report": report,
        "headline": headline(report),
        "made_at": rfc3339(report.made_at),
        "groups": groups_of(cases_of(report)),
        "results": [results_by_case(producer) for producer in report.producers],
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
        "events_of": events_of,
        "lineage_of": lineage_of,
        "pretty": pretty,
    }
    return render("suite.html", {**values, **_MOST})


def _result_id(case: Requirement, number: int) -> str:
    """The id of what came of a case on a producer, which is counted from 0."""
    return f"case/{case.id}/{number + 1}"
