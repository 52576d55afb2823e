"""Every form of a suite report: every verdict in it, any text, any size, no results at all."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase
from markdown_it import MarkdownIt
from rich.console import Console

from mock_intake.report.formats import Kind, formats, rendered, to_json
from mock_intake.report.suite import Level, Result, SuiteReport, Verdict
from mock_intake.report.suite_blocks import blocks_of
from mock_intake.report.suite_html import to_html
from mock_intake.report.suite_markdown import to_markdown
from mock_intake.report.suite_renderers import to_junit
from mock_intake.report.suite_sarif import to_sarif
from mock_intake.report.suite_terminal import print_report, to_text
from mock_intake.report.suite_words import headline
from tests.conftest import REPOSITORY
from tests.report.hostile import HOSTILE, Elements, markup, shown
from tests.report.samples import VERDICTS, Recorded, case, hostile, large, samples, suite, whole_suite

MIB = 1024 * 1024
FORMATS = formats(Kind.SUITE)
HEADLINES = {
    "not ready": "Not ready to go live: 1 required case failed, 1 required case could not be judged.",
    "ready": "Ready to go live: no required case failed.",
    "accepted": "Ready to go live: no required case failed.",
    "several": "Not ready to go live: 2 of 5 producers.",
    "measured": "Measured: 14 passed, 4 failed, 2 errored, 2 skipped, 2 observed.",
    "no results": "Not ready to go live: nothing was judged.",
    "no producers": "Not ready to go live: nothing was judged.",
    "nothing": "Nothing was measured.",
}


def rendering(output_format: str, report: SuiteReport) -> str:
    return "".join(rendered(Kind.SUITE, output_format, report))


# The verdict.


@pytest.mark.parametrize("name", HEADLINES)
def test_the_verdict_is_one_sentence_in_every_form(recorded: Recorded, name: str) -> None:
    report = samples(recorded)[name]
    assert headline(report) == HEADLINES[name]
    assert to_text(report).splitlines()[-1] == HEADLINES[name]
    assert to_markdown(report).splitlines()[2] == f"**{HEADLINES[name]}**"
    assert f'<p class="headline">{HEADLINES[name]}</p>' in to_html(report)


@pytest.mark.parametrize("name", HEADLINES)
def test_the_verdict_is_that_of_the_model(recorded: Recorded, name: str) -> None:
    report = samples(recorded)[name]
    ready = bool(report.producers) and all(producer.ready for producer in report.producers)
    assert HEADLINES[name].startswith("Ready") == (ready and report.says_ready)


def test_what_reads_a_report_on_its_page_reads_one(recorded: Recorded, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "reference" / "report.md").read_text()
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "report.json").write_text(rendering("json", samples(recorded)["not ready"]))
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    in_the_way = (Verdict.FAILED, Verdict.ERRORED)
    required = [identity for identity, level, verdict in VERDICTS if level is Level.MUST and verdict in in_the_way]
    assert (done.stdout.split(), done.returncode) == (required, 0), done.stderr


@pytest.mark.parametrize("output_format", ["text", "markdown", "html", "json"])
def test_every_case_and_verdict_is_there(recorded: Recorded, output_format: str) -> None:
    rendered = rendering(output_format, samples(recorded)["not ready"])
    for identity, level, verdict in VERDICTS:
        # What passed stands in a terminal's list by its name in the group.
        assert (identity.partition("/")[2] if verdict is Verdict.PASSED else identity) in rendered
        assert level in rendered
        assert verdict in rendered
    for told in ("What no-error asks.", "failed as seen", "What to do about no-error.", "https://a.example/source"):
        assert told in rendered


@pytest.mark.parametrize("output_format", FORMATS)
def test_what_a_baseline_accepts_is_told(recorded: Recorded, output_format: str) -> None:
    assert "known since May" in rendering(output_format, samples(recorded)["accepted"])


@pytest.mark.parametrize("output_format", FORMATS)
def test_notes_are_told(recorded: Recorded, output_format: str) -> None:
    assert "The clock of this machine was set back." in rendering(output_format, samples(recorded)["not ready"])


def test_only_what_failed_can_be_accepted(recorded: Recorded) -> None:
    (producer,) = samples(recorded)["ready"].producers
    stale = replace(producer.results[0], accepted_by="baseline.toml: long gone")
    report = replace(samples(recorded)["ready"], producers=[replace(producer, results=[stale])])
    for render in (to_text, to_markdown, to_html):
        assert "passed, accepted" not in render(report)
        assert "1 passed" in render(report)
    assert [case.result for case in next(iter(junit(to_junit(report))))] == [[]]


# JUnit.


def junit(text: str) -> JUnitXml:
    return JUnitXml.fromstring(text.encode())


def test_junit_has_a_suite_for_every_producer_and_a_case_for_every_case(recorded: Recorded) -> None:
    report = samples(recorded)["several"]
    suites = list(junit(to_junit(report)))
    assert [suite.name for suite in suites] == [producer.name for producer in report.producers]
    for one, producer in zip(suites, report.producers, strict=True):
        assert (one.tests, one.failures, one.errors, one.skipped) == (
            len(producer.results),
            producer.count(Verdict.FAILED),
            producer.count(Verdict.ERRORED),
            producer.count(Verdict.SKIPPED),
        )
        assert [case.name for case in one] == [result.case.id for result in producer.results]
        assert one.time == pytest.approx(7.5)


def test_junit_knows_every_verdict(recorded: Recorded) -> None:
    (suite,) = junit(to_junit(samples(recorded)["not ready"]))
    cases: dict[str, TestCase] = {case.name: case for case in suite}
    kinds = {name: [type(result) for result in case.result] for name, case in cases.items()}
    assert kinds == {
        "delivery/arrives": [],
        "delivery/same-again": [],
        "content/no-error": [Failure],
        "resilience/503-once": [Failure],
        "resilience/429": [Skipped],
        "security/untrusted": [Error],
    }
    assert "observed as seen" in (cases["delivery/same-again"].system_out or "")
    (failure,) = cases["content/no-error"].result
    assert (failure.message, failure.type) == ("failed as seen", "must")
    first = recorded.findings[0]
    for told in ("What no-error asks.", "first detail", f"{first.code} {first.severity}", "What to do about no-error."):
        assert told in (failure.text or "")
    assert cases["resilience/429"].result[0].message == "skipped as seen"
    assert {case.classname for case in suite} == {
        f"python job.py.{group}" for group in ("delivery", "content", "resilience", "security")
    }


def test_what_a_baseline_accepts_fails_no_junit(recorded: Recorded) -> None:
    (suite,) = junit(to_junit(samples(recorded)["accepted"]))
    assert (suite.failures, suite.errors, suite.skipped) == (0, 0, 1 + 3)


@pytest.mark.parametrize("name", ["no results", "no producers", "nothing"])
def test_junit_of_nothing_fails(recorded: Recorded, name: str) -> None:
    (suite,) = junit(to_junit(samples(recorded)[name]))
    (case,) = suite
    assert (suite.tests, suite.failures) == (1, 1)
    assert case.result[0].message == "nothing was judged"


# Markdown.


def tokens_of(text: str) -> list[str]:
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [token.type for token in parsed] + sorted(
        {child.type for token in parsed for child in token.children or ()} - {"text", "text_special"}
    )


def test_markdown_is_a_table_and_what_failed(recorded: Recorded) -> None:
    text = to_markdown(samples(recorded)["several"])
    kinds = tokens_of(text)
    assert (kinds.count("table_open"), kinds.count("tr_open")) == (1, 1 + len(VERDICTS))
    assert kinds.count("heading_open") == 3 + 3
    assert "### HTTP transport; Datadog transport: content/no-error (must): failed" in text
    assert text.index("| content/no-error: ") < text.index("| delivery/arrives: ")
    assert text.index("## What failed") < text.index("## All cases") < text.index("| Case |")


@pytest.mark.parametrize("shape", [(10, 5_000), (5_000, 10)])
def test_markdown_fits_a_job_summary_whatever_happened(recorded: Recorded, shape: tuple[int, int]) -> None:
    cases, requests = shape
    text = to_markdown(large(recorded, requests, cases))
    assert len(text.encode()) < MIB / 2
    assert "Not ready to go live" in text[:500]
    assert "more" in text
    assert len(re.findall(r"^\.\.\. and \d+ more", text, re.MULTILINE)) == (2 if cases > 1_000 else 0)


# On a terminal.


def on_a_terminal(report: SuiteReport, width: int, **environment: str) -> str:
    """What a terminal would be sent. It is caught on its way, since a pseudo-terminal that nobody reads fills up."""
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w", encoding="utf-8") as stream:
        console = Console(file=stream, width=width, _environ={"TERM": "xterm-256color", **environment})
        with console.capture() as captured:
            print_report(report, console)
        assert console.is_terminal
    return captured.get()


def test_colours_are_for_terminals(recorded: Recorded) -> None:
    report = samples(recorded)["not ready"]
    assert "\x1b[1;31mfailed" in on_a_terminal(report, 100)
    assert "\x1b[1;31m" not in on_a_terminal(report, 100, NO_COLOR="1")
    assert "\x1b" not in to_text(report)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_matrix_is_there_where_it_fits_the_terminal(recorded: Recorded, width: int) -> None:
    printed = on_a_terminal(samples(recorded)["several"], width, NO_COLOR="1")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in printed.splitlines()]
    assert max(map(len, lines)) <= width
    rows = [line.split() for line in lines if line.startswith("security/untrusted ") and "(" not in line]
    assert [row.count("errored") for row in rows] == ([2] if width == 200 else [])


@pytest.mark.parametrize("width", [80, 120])
def test_the_summary_of_seven_producers_fits_a_screen(recorded: Recorded, width: int) -> None:
    """All cases of the suite, eight of them failed: what ``make demo`` prints at its end."""
    assert 30 < len(plainly(whole_suite(recorded, 7), width)) <= 50


def test_parts_of_the_summary_stand_apart_on_a_terminal_too(recorded: Recorded) -> None:
    printed = plainly(samples(recorded)["not ready"], 100)
    assert printed[printed.index("What failed or could not be judged") - 1] == ""


def plainly(report: SuiteReport, width: int) -> list[str]:
    """The lines of a report on a terminal that knows no colours."""
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=width, force_terminal=True, color_system=None))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_what_several_say_alike_is_said_once(recorded: Recorded) -> None:
    """Two producers fail the same three cases, and one fails two of them with other numbers."""
    report = samples(recorded)["several"]
    base = report.producers[1]
    once = [
        replace(
            base.results[3],
            case=case(f"resilience/{code}-once", Level.SHOULD, requirement=f"After {code}.", advice="Send it again."),
            message=f"lost by {code}",
        )
        for code in (500, 502, 504)
    ]
    several = replace(report, producers=[replace(base, results=once), replace(base, name="other", results=once[:2])])
    (block,) = blocks_of(several)
    assert (block.case_ids, block.producer_names) == (
        "resilience/500-once, 502-once, 504-once",
        "HTTP transport; other",
    )
    assert block.seen == "lost by 500 (the other 4 alike)"
    for made in (to_text(several), to_markdown(several)):
        assert made.count("lost by 500 (the other 4 alike)") == 1
        assert made.count("Send it again.") == made.count("lost by")
    assert to_html(several).count("<strong>Seen: </strong>") == 1
    other = replace(once[2], case=replace(once[2].case, requirement="Quite another."))
    assert len(blocks_of(replace(report, producers=[replace(base, results=[once[0], other])]))) == 2


def test_must_comes_before_should_and_what_is_accepted_last(recorded: Recorded) -> None:
    base = samples(recorded)["not ready"].producers[0]
    failed = base.results[2]

    def result(level: Level, accepted: str | None = None) -> Result:
        name = f"content/{level}{'-known' if accepted else ''}"
        return replace(failed, case=case(name, level), accepted_by=accepted, message=name)

    results = [result(Level.MAY), result(Level.MUST, "known"), result(Level.SHOULD), result(Level.MUST)]
    report = suite(replace(base, results=results))
    order = ["content/must", "content/should", "content/may", "content/must-known"]
    assert [block.first.case.id for block in blocks_of(report)] == order
    for form in ("text", "markdown", "html", "github", "sarif"):
        made = rendering(form, report)
        begin = made.index("results") if form == "sarif" else made.index("content/must")
        places = [made.index(f"{words}" if form != "sarif" else words, begin) for words in order[:3]]
        assert places == sorted(places), form


def test_a_single_producer_is_a_list_by_group(recorded: Recorded) -> None:
    lines = to_text(samples(recorded)["not ready"]).splitlines()
    assert lines[lines.index("delivery") :][:3] == [
        "delivery",
        "  passed    arrives",
        "  observed  delivery/same-again  note    observed as seen",
    ]


def test_a_terminal_that_knows_ascii_only_gets_the_report() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_report(hostile("Füße ✓"), Console(file=stream, width=80))
    stream.flush()
    stream.seek(0)
    assert "F\\xfc\\xdfe \\u2713" in stream.read()


# Whatever events and outputs hold.


def check_html(text: str) -> None:
    page, plain = Elements(to_html(hostile(text))), Elements(to_html(hostile("plain")))
    assert page.comments == []

    def but_links(elements: list[tuple[str, dict[str, str | None]]]) -> list[tuple[str, set[str]]]:
        return [(tag, set(attributes)) for tag, attributes in elements if tag != "a" or "#" in str(attributes["href"])]

    assert but_links(page.elements) == but_links(plain.elements)
    assert shown(text).replace("\\n", "") in page.text.replace("\n", "").replace("\\n", "")


def check_markdown(text: str) -> None:
    assert tokens_of(to_markdown(hostile(text))) == tokens_of(to_markdown(hostile("plain")))


def check_junit(text: str) -> None:
    report = hostile(text)
    suites = list(junit(to_junit(report)))
    assert [suite.name for suite in suites] == [shown(text)] * 2
    assert [case.name for case in suites[0]] == [result.case.id for result in report.producers[0].results]
    assert next(iter(suites[0])).result[0].message == shown(text)


def check_text(text: str) -> None:
    def lines_of(text: str) -> list[str]:
        """All but the heads of columns, which may take some lines."""
        lines = to_text(hostile(text)).split("\n")
        rule = next(at for at, line in enumerate(lines) if line.startswith("────"))
        return lines[: max(at for at in range(rule) if not lines[at])] + lines[rule:]

    lines = lines_of(text)
    assert len(lines) <= len(lines_of("plain"))
    assert all(line.isprintable() for line in lines)


def check_json(text: str) -> None:
    rendered = to_json(hostile(text))
    assert rendered.isascii()
    assert json.loads(rendered)["producers"][0]["executions"][0]["stdout"] == text


def check_github(text: str) -> None:
    *lines, last = rendering("github", hostile(text)).split("\n")
    assert last == ""
    assert len(lines) == len(rendering("github", hostile("plain")).split("\n")) - 1
    assert all(re.fullmatch(r"::(error|warning|notice) title=[^:,]*::.*", line) for line in lines)
    assert all(line.isprintable() for line in lines)


def check_sarif(text: str) -> None:
    made = to_sarif(hostile(text))
    assert made.isascii()
    (run,) = json.loads(made)["runs"]
    assert {result["level"] for result in run["results"]} == {"error"}


CHECKS: dict[str, Callable[[str], None]] = {
    "text": check_text,
    "sarif": check_sarif,
    "github": check_github,
    "json": check_json,
    "junit": check_junit,
    "markdown": check_markdown,
    "html": check_html,
}


@pytest.mark.parametrize("output_format", CHECKS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_as_text(output_format: str, text: str) -> None:
    CHECKS[output_format](text)
    rendering(output_format, hostile(text)).encode("utf-8")


@given(text=markup.filter(str.strip))
@settings(max_examples=settings.default.max_examples // 4 if settings.default else 25)
def test_any_text_is_shown_as_text(text: str) -> None:
    for check in CHECKS.values():
        check(text)


def test_every_renderer_is_under_attack() -> None:
    assert set(CHECKS) == set(FORMATS)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "http://a.example", "//a.example"])
def test_only_pages_of_the_web_are_linked(recorded: Recorded, address: str) -> None:
    report = hostile(address)
    links = [attributes["href"] for tag, attributes in Elements(to_html(report)).elements if tag == "a"]
    assert links
    assert all(str(href).startswith("#") for href in links)


# Much of it.


def test_a_large_report_stays_a_page(recorded: Recorded) -> None:
    report = large(recorded, cases=30)
    page = to_html(report)
    assert len(page) < 5 * MIB
    assert "... and 800 more requests, in the JSON form." in page
    assert "1000 requests from 0 s to 9.99 s" in page
    assert "... and 150 more." in page
    assert len(json.loads(to_json(report))["producers"][0]["executions"][0]["requests"]) == 1_000
    assert len(to_text(report)) < 5 * MIB
    assert "... and " in to_text(report)
    assert len(junit(to_junit(report))) == 1


def test_requests_that_a_report_leaves_out_are_told(recorded: Recorded) -> None:
    there = len(recorded.requests)
    report = samples(recorded)["ready"]
    (whole,) = report.producers
    run = replace(whole.executions[0], requests_left_out=1_450)
    cut = replace(report, producers=[replace(whole, executions=[run, replace(run, scenario="503")])])
    page = to_html(cut)
    told = f"the first {there} of {there + 1_450} requests"
    assert f"exit code 0 after 2.5 s, {told}</span></summary>" in page
    assert f"Only {told}: the rest was judged too, and left out of the report." in page
    assert f'aria-label="{told} from ' in page
    assert "Without the 2900 requests that the executions leave out." in page
    (made,) = json.loads(to_json(cut))["producers"]
    assert [one["requests_left_out"] for one in made["executions"]] == [1_450, 1_450]
    assert "the first " not in to_html(report)
    assert "left out of" not in to_html(report)


def test_a_case_that_only_one_producer_was_judged_on_is_in_the_matrix(recorded: Recorded) -> None:
    report = replace(samples(recorded)["several"], cases=[])
    for identity, *_ in VERDICTS:
        assert f"| {identity}: " in to_markdown(report)
    text = to_text(report)
    assert re.search(r"^security/untrusted +must +not judged", text, re.MULTILINE)
    assert re.search(r"^Failed nowhere: \d+ cases \(delivery 2, .*\): \d+ passed, ", text, re.MULTILINE)
