"""Reports on audits: the verdict and failures first, of a bounded size, safe whatever an archive holds."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs
import pytest
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from playwright.sync_api import Browser

from mock_intake.model.findings import Severity, Status
from mock_intake.report.audit_report import MOST_JOBS, percent, verdict
from mock_intake.report.formats import Kind, formats, rendered
from mock_intake.report.sarif import MOST_RESULTS
from tests.browser import AXE, DESK, PHONE, opened
from tests.report.audits import ERROR, INFO, WARNING, hostile, job, large, report, rule, usual
from tests.report.hostile import HOSTILE, Elements, shown
from tests.report.test_sarif import published, results_of, uri_of
from tests.web.test_accessibility import UNFOLD, judged

__all__ = ["published"]

NAMES = list(formats(Kind.AUDIT))


def made(name: str, of: Any) -> str:
    return "".join(rendered(Kind.AUDIT, name, of))


@pytest.mark.parametrize(("part", "whole", "words"), [
    (0, 0, "-"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 8, "12.5 %"), (1, 10**6, "0.1 %"), (10**6 - 1, 10**6, "99.9 %"),
    (1, 2, "50 %"),
])  # fmt: skip
def test_a_share_is_nothing_or_all_only_where_it_is(part: int, whole: int, words: str) -> None:
    assert percent(part, whole) == words


def test_the_verdict_says_what_datadog_would_do_with_the_archive() -> None:
    def of(ok: int, warning: int, error: int, *rules: Any) -> tuple[str, str]:
        statuses = {Status.OK: ok, Status.WARNING: warning, Status.ERROR: error}
        return verdict(report(rules, statuses=statuses))

    assert of(0, 0, 0) == ("not-ready", "Nothing was judged: there are no events.")
    assert of(5, 0, 0) == ("ready", "Datadog would process all 5 events.")
    assert of(5, 0, 0, rule(INFO)) == ("ready", "Datadog would process all 5 events.")
    assert of(1, 0, 0, rule(WARNING)) == (
        "measured",
        "Datadog would process the event. 1 finding of runs and datasets.",
    )
    assert of(3, 1, 0, rule(WARNING)) == ("measured", "Datadog would show less of 1 of 4 events (25 %).")
    assert of(970, 20, 10, rule(ERROR)) == (
        "not-ready",
        "Datadog would not process 10 of 1,000 events (1 %), and would show less of 20 (2 %).",
    )


def test_an_audit_of_nothing_has_failed_at_any_level() -> None:
    assert report(statuses={}).failed(Severity.ERROR)
    assert not report([rule(INFO)]).failed(Severity.WARNING)
    assert report([rule(INFO)]).failed(Severity.INFO)


def test_the_text_begins_and_ends_with_the_verdict_and_has_failures_first() -> None:
    lines = made("text", usual()).splitlines()
    headline = "Datadog would not process 10 of 100 events (10 %)."
    assert lines[:2] == [headline, "100 events: 90 ok, 0 warning, 10 error; 33 runs, 4 jobs, 5 datasets, 1 source"]
    assert lines[-1] == f"{headline} (3 of the level info not shown: -v)"
    heads = [line for line in lines if re.match(r"[A-Z]{2}\d{3} ", line)]
    assert heads == [
        "DD101 error, 10 times: the job has no jobType facet",
        "RC102 warning, 2 times: the run has no end",
    ]
    assert lines[4] == "  in s3a://lake/events/day=1.ndjson.gz:7, at /job/facets"
    assert "  jobs:     2 of 4" in lines
    at = lines.index("Of 4 jobs: 1 ready, 1 of which less would be shown, 2 with errors.")
    assert at > lines.index(heads[-1])
    assert lines[at + 1] == (
        "  prod/load: 18 events (55.6 % ok, 0 % warning, 44.4 % error); 2 runs (1 without an end); DD101 8 times; "
        "lacks jobType"
    )
    assert lines[at + 3].startswith("  prod/late: 10 events (50 % ok, 50 % warning, 0 % error)")
    assert lines[at + 4] == ""
    assert made("text", report(statuses={})) == ""


def test_infos_are_in_the_text_where_they_are_asked_for() -> None:
    text = made("text", usual(level=Severity.INFO))
    assert "DD501 info, 3 times: there is no errorMessage" in text
    assert "not shown" not in text


def test_jobs_beyond_those_that_are_listed_are_counted() -> None:
    jobs = [job(f"job {n}", error=1) for n in range(30)]
    assert "  and 10 more with findings, in the table of jobs" in made("text", report([rule(ERROR)], jobs))
    document = json.loads(made("json", report([rule(ERROR)], [*jobs] * 40)))
    assert (len(document["jobs"]), document["jobs_left"]) == (MOST_JOBS, 200)
    assert "200 more jobs, in the table of jobs" in made("junit", report([rule(ERROR)], [*jobs] * 40))
    assert "... and 900 more, in which no more is wrong" in made("html", report([rule(ERROR)], [*jobs] * 40))


def test_the_json_form_has_counts_findings_jobs_and_sources() -> None:
    document = json.loads(made("json", usual()))
    assert document["summary"] == {
        "events": 100, "ok": 90, "warning": 0, "error": 10, "runs": 33, "jobs": 4, "datasets": 5, "sources": 1,
        "jobs_by_status": {"ok": 1, "warning": 1, "error": 2}, "findings": {"error": 10, "warning": 2, "info": 3},
    }  # fmt: skip
    assert [(one["code"], one["count"], one["jobs"]) for one in document["findings"]] == [
        ("DD101", 10, 2), ("RC102", 2, 1), ("DD501", 3, 1)
    ]  # fmt: skip
    place = document["findings"][1]["places"][0]
    assert (place["source"], place["line"], place["about"]) == ("a.ndjson", 9, "run 1")
    assert place["finding"] == WARNING.to_dict()
    assert [(one["job"]["name"], one["status"]) for one in document["jobs"]] == [
        ("load", "error"), ("<b>mend", "error"), ("late", "warning"), ("fine", "ok")
    ]  # fmt: skip
    assert document["tables"] == "s3a://lake/audit"
    assert document["notes"] == ["Two files could not be read."]


def test_junit_has_a_case_for_the_archive_and_for_each_job() -> None:
    suites = {suite.name: suite for suite in JUnitXml.fromstring(made("junit", usual()).encode())}
    assert [(case.name, bool(case.result)) for case in suites["archive"]] == [("all events", True)]
    assert [(case.name, bool(case.result)) for case in suites["jobs"]] == [
        ("prod/load", True), ("prod/<b>mend", True), ("prod/late", False), ("prod/fine", False)
    ]  # fmt: skip
    assert (suites["archive"].failures, suites["jobs"].failures, suites["jobs"].tests) == (1, 2, 4)
    fine = report([rule(WARNING)], [job("late", warning=1)], statuses={Status.WARNING: 1})
    assert not any(case.result for suite in JUnitXml.fromstring(made("junit", fine).encode()) for case in suite)
    (nothing,) = JUnitXml.fromstring(made("junit", report(statuses={})).encode())
    assert nothing.failures == 1


def test_sarif_has_the_most_severe_findings_and_counts_the_rest(published: jsonschema_rs.Draft7Validator) -> None:
    log = json.loads(made("sarif", usual()))
    published.validate(log)
    # Each rule has one place here; ten, two and three were found.
    assert [result["ruleId"] for result in results_of(log)] == ["DD501", "RC102", "DD101"]
    assert uri_of(results_of(log)[2]) == "s3a://lake/events/day=1.ndjson.gz"
    many = usual(most_severe=lambda number: [rule(ERROR).group.places[0]] * number)
    object.__setattr__(many, "severities", {Severity.ERROR: 10**9, Severity.WARNING: 0, Severity.INFO: 0})
    results = results_of(json.loads(made("sarif", many)))
    assert len(results) == MOST_RESULTS
    assert results[-1]["message"]["text"].startswith(f"{10**9 - MOST_RESULTS + 1:,} findings more")


def test_annotations_are_one_for_each_rule_and_the_verdict() -> None:
    lines = made("github", usual()).splitlines()
    assert [line.split("title=")[0] for line in lines] == [
        "::error file=s3a%3A//lake/events/day=1.ndjson.gz,line=7,", "::warning file=a.ndjson,line=9,",
        "::notice file=s3a%3A//lake/events/day=1.ndjson.gz,line=7,", "::notice ", "::notice ",
    ]  # fmt: skip
    assert lines[-1].endswith("::Datadog would not process 10 of 100 events (10 %25).")


def check_text(text: str) -> None:
    lines = made("text", hostile(text)).split("\n")
    assert all(line.isprintable() for line in lines)
    assert any(line.startswith(f"  in {shown(text)}:1") for line in lines)


def check_json(text: str) -> None:
    document = json.loads(made("json", hostile(text)))
    assert document["jobs"][0]["job"] == {"namespace": text, "name": text}
    assert made("json", hostile(text)).isascii()


def check_sarif(text: str) -> None:
    assert made("sarif", hostile(text)).isascii()
    assert len(results_of(json.loads(made("sarif", hostile(text))))) == 2


def check_junit(text: str) -> None:
    suites = list(JUnitXml.fromstring(made("junit", hostile(text)).encode()))
    assert all((case.name or "").isprintable() for suite in suites for case in suite)


def check_markdown(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(made("markdown", hostile(text)))
    inside = {child.type for token in tokens for child in token.children or ()}
    assert inside <= {"text", "text_special", "strong_open", "strong_close"}
    assert not {token.type for token in tokens} & {"html_block", "code_block", "fence"}
    assert sum(token.type == "table_open" for token in tokens) == 1
    assert sum(token.type == "td_open" for token in tokens) == 7


def check_html(text: str) -> None:
    page, plain = (Elements(made("html", hostile(each))) for each in (text, "plain"))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.comments == []
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def check_github(text: str) -> None:
    lines = made("github", hostile(text)).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith(("::error ", "::notice ")) for line in lines if line)


CHECKS: dict[str, Callable[[str], None]] = {
    "text": check_text, "json": check_json, "sarif": check_sarif, "junit": check_junit, "markdown": check_markdown,
    "html": check_html, "github": check_github,
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", NAMES)
def test_what_an_archive_holds_is_text_in_every_format(name: str, text: str) -> None:
    CHECKS[name](text)


@pytest.mark.parametrize("name", NAMES)
def test_no_format_shows_a_secret_of_a_name(name: str) -> None:
    assert "hunter2" not in made(name, hostile("postgres://me:hunter2hunter2@db:5432/orders"))


MOST_BYTES = dict.fromkeys(NAMES, 20e6) | {"html": 6e6, "markdown": 4e6, "github": 2e6}


@pytest.mark.parametrize("name", NAMES)
def test_a_report_has_a_bounded_size_whatever_the_archive_has(name: str) -> None:
    assert 10_000 < len(made(name, large())) < MOST_BYTES[name]


Scheme = Literal["light", "dark"]


@pytest.mark.parametrize(("scheme", "width"), [("light", DESK), ("dark", PHONE)])
def test_the_page_has_the_verdict_on_the_first_screen_and_fits_it(
    browser: Browser, tmp_path: Path, scheme: Scheme, width: int
) -> None:
    file = tmp_path / "audit.html"
    file.write_text(made("html", usual()), encoding="utf-8")
    with opened(browser, file.as_uri(), scheme=scheme, width=width) as seen:
        headline = seen.page.locator(".headline")
        assert headline.inner_text() == "Datadog would not process 10 of 100 events (10 %)."
        box = headline.bounding_box()
        assert box is not None
        assert box["y"] < 300
        first = seen.page.locator("article").first
        assert first.inner_text().startswith("DD101 error, 10 times: the job has no jobType facet")
        seen.page.evaluate(UNFOLD)
        assert seen.overflow() <= 0
        levels = seen.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))")
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        row = seen.page.locator("tr", has_text="prod/load")
        assert re.sub(r"\s+", " ", row.inner_text()).startswith("prod/load error 18 55.6 % 0 % 44.4 % 2")
        row.get_by_role("link", name="DD101").click()
        assert seen.page.locator(":target").inner_text().startswith("DD101 error")
        seen.page.evaluate(AXE.read_text(encoding="utf-8"))
        assert judged(seen) == []
        assert (seen.complaints, seen.requests) == ([], [file.as_uri()])
        seen.screenshot(f"audit-{scheme}-{width}")


def test_a_large_page_opens_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "audit.html"
    file.write_text(made("html", large()), encoding="utf-8")
    with opened(browser, file.as_uri(), width=PHONE) as seen:
        assert seen.overflow() <= 0
        assert seen.page.locator(".headline").is_visible()
