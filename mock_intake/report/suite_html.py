"""The suite report as one page that opens from a file: nothing is loaded, no script is needed or allowed.

The verdict first, then the matrix, then case by case what was required, what was seen and what to do; after that the
evidence: executions with their requests and outputs, the events, and the lineage.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from mock_intake import __version__
from mock_intake.exchange import rfc3339
from mock_intake.report.escaping import clipped
from mock_intake.report.evidence import events_of, execution_id, executions_of, lineage_of
from mock_intake.report.markup import Markup, definitions, element, folded, items, joined, link, scrolling
from mock_intake.report.places import Group
from mock_intake.report.suite import ProducerReport, Requirement, Result, SuiteReport
from mock_intake.report.suite_words import (
    MARKS,
    TROUBLE,
    cases_of,
    counts,
    group_title,
    grouped,
    groups_of,
    headline,
    places_of,
    results_by_case,
    state,
    verdict_words,
    why_not,
)
from mock_intake.report.timeline import timeline

_SECTIONS = {
    "verdict": "Verdict",
    "matrix": "Matrix",
    "cases": "Cases",
    "executions": "Executions",
    "events": "Events",
    "lineage": "Lineage",
}
_MOST_DETAILS = 50
_MOST_LETTERS = 1_000

Results = Sequence[Mapping[str, Result]]


def to_html(report: SuiteReport) -> str:
    """The page. Whatever events or outputs hold is text in it."""
    results = [results_by_case(producer) for producer in report.producers]
    links = items(element("a", name, href=f"#{key}") for key, name in _SECTIONS.items())
    body = element(
        "body",
        element("a", "Skip to the verdict", class_="skip", href="#verdict"),
        element("header", element("h1", report.title), element("p", _made(report), class_="soft")),
        element("nav", links, aria_label="Parts of the report"),
        element(
            "main",
            _section("verdict", _verdict(report)),
            _section("matrix", _matrix(report, results)),
            _section("cases", _cases(report, results)),
            _section("executions", _for_each(report, executions_of)),
            _section("events", _for_each(report, events_of)),
            _section("lineage", _for_each(report, lineage_of)),
        ),
        element(
            "footer",
            element(
                "p", "Keys are masked. What this page cuts for its length, the JSON form has, unless it says otherwise."
            ),
        ),
    )
    return f"<!doctype html>\n{element('html', _head(report), body, lang='en')}\n"


@cache
def _style() -> Markup:
    return Markup(files("mock_intake.report").joinpath("suite.css").read_text(encoding="utf-8"))


def _head(report: SuiteReport) -> Markup:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{headline(report)} {report.title}"),
        element("style", _style()),
    )


def _made(report: SuiteReport) -> str:
    return f"Made {rfc3339(report.made_at)} by mock-intake {__version__}."


def _section(key: str, content: str) -> Markup:
    heading = element("h2", _SECTIONS[key], id=f"{key}-heading")
    return element("section", heading, content, id=key, aria_labelledby=f"{key}-heading")


def _for_each(report: SuiteReport, part: Callable[[int, ProducerReport], Markup]) -> Markup:
    """A part for each producer, under its name."""
    made = (
        joined([element("h3", producer.name), part(number, producer)])
        for number, producer in enumerate(report.producers)
    )
    return joined(made) or element("p", "There was no producer.")


# The verdict and the matrix.


def _verdict(report: SuiteReport) -> Markup:
    told = joined(_verdict_on(number, one, report) for number, one in enumerate(report.producers))
    box = element("div", element("p", headline(report), class_="headline"), told, class_=f"verdict {state(report)}")
    return joined([box, items((element("strong", note) for note in report.notes), class_="notes")])


def _verdict_on(number: int, producer: ProducerReport, report: SuiteReport) -> Markup:
    words = f"{producer.name} ({producer.path}): {counts([producer])}."
    if not report.says_ready:
        return element("p", words)
    if len(report.producers) > 1:
        words = ("Ready. " if report.is_ready(producer) else f"Not ready: {why_not(producer)}. ") + words
    reasons = (
        joined([_case_link(result.case, number), f" {result.verdict}: {clipped(result.message, _MOST_LETTERS)}"])
        for result in producer.results
        if result.counts
    )
    return joined([element("p", words), items(reasons)])


def _case_link(case: Requirement, number: int) -> Markup:
    return joined([element("a", case.id, href=f"#{_result_id(case, number)}"), f" ({case.title})"])


def _result_id(case: Requirement, number: int) -> str:
    return f"case/{case.id}/{number + 1}"


def _matrix(report: SuiteReport, results: Results) -> Markup:
    columns = len(report.producers) + 2
    rows = []
    for group, cases in groups_of(cases_of(report)).items():
        rows.append(element("tr", element("th", group, scope="rowgroup", colspan=columns), class_="group"))
        rows += [_matrix_row(case, results) for case in cases]
    names = (element("th", name, scope="col") for name in ("Case", "Level", *(one.name for one in report.producers)))
    caption = "Verdict of each case on each producer"
    return scrolling(
        caption,
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *names)),
            element("tbody", *rows),
        ),
    )


def _matrix_row(case: Requirement, results: Results) -> Markup:
    name = element("th", element("code", case.id), element("div", case.title, class_="sub"), scope="row")
    cells = (element("td", _matrix_cell(case, number, by_case)) for number, by_case in enumerate(results))
    return element("tr", name, element("td", case.level), *cells)


def _matrix_cell(case: Requirement, number: int, by_case: Mapping[str, Result]) -> Markup:
    result = by_case.get(case.id)
    if result is None:
        return element("span", "not judged", class_="sub")
    return element(
        "a", _mark(result), verdict_words(result), class_=result.verdict, href=f"#{_result_id(case, number)}"
    )


def _mark(result: Result) -> Markup:
    """A sign for the eye; the word beside it says the same."""
    return element("span", f"{MARKS[result.verdict]} ", aria_hidden="true")


# Case by case.


def _cases(report: SuiteReport, results: Results) -> Markup:
    parts = []
    for group, cases in groups_of(cases_of(report)).items():
        parts.append(element("h3", group))
        parts += [_case(case, report, results) for case in cases]
    return joined(parts) or element("p", "There was no case.")


def _case(case: Requirement, report: SuiteReport, results: Results) -> Markup:
    required = definitions(
        {
            "Required": joined([element("strong", f"{case.level}: "), case.requirement]),
            "Why": case.because,
            "How to meet it": case.advice,
            "Source": joined([link(case.source), f" ({case.sureness})"]),
        }
    )
    judged = (
        _result(number, producer, by_case[case.id], several=len(report.producers) > 1)
        for number, (producer, by_case) in enumerate(zip(report.producers, results, strict=True))
        if case.id in by_case
    )
    seen = joined(judged) or element("p", "Not judged.", class_="sub")
    return element("article", element("h4", f"{case.id}: {case.title}", id=f"case/{case.id}"), required, seen)


def _result(number: int, producer: ProducerReport, result: Result, *, several: bool) -> Markup:
    """What came of a case on a producer: open where something is to do, folded otherwise."""
    whose = f"{producer.name}: " if several else ""
    words = element("span", _mark(result), verdict_words(result), class_=result.verdict)
    summary = joined([whose, words, f": {clipped(result.message, _MOST_LETTERS)}"])
    seen: list[str] = [items(clipped(line, _MOST_LETTERS) for line in result.details[:_MOST_DETAILS])]
    if len(result.details) > _MOST_DETAILS:
        seen.append(element("p", f"... and {len(result.details) - _MOST_DETAILS} more."))
    seen += [_findings(group) for group in grouped(result.findings)]
    if result.accepted_by is not None:
        seen.append(element("p", f"Accepted by the baseline: {result.accepted_by}"))
    if result.verdict in TROUBLE:
        seen.append(element("p", element("strong", "How to fix it: "), result.case.advice))
    for index, execution in enumerate(producer.executions):
        if execution.scenario in result.case.scenarios:
            to_it = element("a", f"Execution {execution.scenario}", href=f"#{execution_id(number, index)}")
            seen.append(element("div", element("p", to_it, f": {execution.title}"), timeline(execution)))
    return element(
        "div",
        folded(summary, *seen, is_open=result.verdict in TROUBLE),
        class_="result",
        id=_result_id(result.case, number),
    )


def _findings(group: Group) -> Markup:
    """What a rule has to say of the case."""
    first = group.first
    told = {
        "Expected": first.expected or "",
        "Actual": first.actual or "",
        "Advice": first.advice,
        "Source": joined([link(first.source), f" ({first.sureness})"]),
    }
    head = element("p", element("span", group_title(group), class_=first.severity))
    return element("div", head, items(places_of(group)), definitions(told))
