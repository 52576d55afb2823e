"""Whatever events hold is shown as text, in every format of a report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from msgspec import structs

from mock_intake.datadog.joins import near_misses
from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.report.formats import Kind, rendered, to_json
from mock_intake.report.lineage import OrgLineage
from mock_intake.report.model import Entry, Report
from mock_intake.report.renderers import to_markdown, to_text
from mock_intake.report.report_html import to_html
from mock_intake.report.report_junit import to_junit
from mock_intake.views.neighbourhood import NotShown, Part, Place
from tests.report.hostile import HOSTILE, Elements, markup, shown
from tests.test_report import FORMATS, junit


def hostile_report(text: str) -> Report:
    """A report in which everything that events could have a word in holds this text."""
    finding = Finding(
        "DD101", Severity.ERROR, "event", text, text, text, text, text, "https://a.example/" + text, Sureness.ASSUMED
    )
    entries = [
        Entry("event", text, text, Status.ERROR, (finding,), {"run_id": text}),
        Entry(
            "run",
            f"org/{text}",
            text,
            Status.WARNING,
            (structs.replace(finding, severity=Severity.WARNING, code="RC101"),),
        ),
        Entry("request", text, text, Status.OK, ()),
    ]
    return Report(text, datetime.now(UTC), entries, [text], [hostile_lineage(text)])


def hostile_lineage(text: str) -> OrgLineage:
    """A job between two datasets that just miss joining."""
    one, other = DatasetId("s3://b", f"a {text}"), DatasetId("s3://b", f"A {text}")
    places = (Place("dataset", *one), Place("job", text, text), Place("dataset", *other))
    [miss] = near_misses([[one, other]])
    why = {place: NotShown("DD104", text) for place in places}
    return OrgLineage(text, Part(places, ((places[0], places[1]), (places[1], places[2])), 0), why, [miss])


def plain_elements() -> list[str]:
    return [tag for tag, _ in Elements(to_html(hostile_report("plain"))).elements]


def check_html(text: str) -> None:
    page = Elements(to_html(hostile_report(text)))
    assert [tag for tag, _ in page.elements] == plain_elements()
    assert page.comments == []
    allowed = {
        "lang",
        "id",
        "scope",
        "aria-labelledby",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "href",
        "rel",
        "role",
        "aria-label",
        "tabindex",
    }
    allowed |= {"width", "height", "viewbox", "d", "x", "y", "rx", "transform"}
    classes = {
        "report",
        "top",
        "brand",
        "skip",
        "trouble",
        "verdict",
        "headline",
        "not-ready",
        "notes",
        "ok",
        "info",
        "warning",
        "error",
        "kind",
        "what",
        "status",
        "rules",
        "scrolling",
    }
    classes |= {"lineage", "edge", "head", "near-miss", "miss", "node", "job", "dataset", "unsurfaced", "name"}
    for tag, attributes in page.elements:
        assert tag != "script"
        assert set(attributes) <= allowed
        assert set((attributes.get("class") or "").split()) <= classes
        assert (attributes.get("href") or "https://").startswith(("https://a.example/", "#")) or tag != "a"
    # In a node there is room for the end of a name only; all of it stands beside it.
    plain = Elements(to_html(hostile_report("plain")))
    # Messages of rules quote names that cannot be printed in a way of their own.
    seen, expected = (
        re.sub("DS101: .*?so they would not join", "", one.text_but_nodes, flags=re.DOTALL) for one in (page, plain)
    )
    assert seen.count(shown(text)) >= expected.count("plain") > 10


def check_markdown(text: str) -> None:
    tokens, plain = (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(to_markdown(hostile_report(one)))
        for one in (text, "plain")
    )
    assert [token.type for token in tokens] == [token.type for token in plain]
    inside = [child.type for token in tokens for child in token.children or ()]
    assert set(inside) <= {"text", "text_special", "strong_open", "strong_close"}
    assert inside.count("strong_open") == 2, "one for each rule"


def check_junit(text: str) -> None:
    rendered = to_junit(hostile_report(text))
    suites = list(junit(rendered))
    assert [suite.tests for suite in suites] == [1, 1, 1]
    (case,) = suites[0]
    assert case.name == shown(text)
    assert f"{shown(text)} (event {shown(text)}): run_id {shown(text)}" in case.system_out
    (failure,) = case.result
    assert failure.message == shown(text)


def check_text(text: str) -> None:
    lines = to_text(hostile_report(text)).split("\n")
    assert len(lines) == len(to_text(hostile_report("plain")).split("\n"))
    assert all(line.isprintable() for line in lines)


def check_json(text: str) -> None:
    rendered = to_json(hostile_report(text))
    assert rendered.isascii()
    assert json.loads(rendered)["entries"][0]["title"] == text


def check_sarif(text: str) -> None:
    (run,) = json.loads("".join(rendered(Kind.REPORT, "sarif", hostile_report(text))))["runs"]
    assert len(run["results"]) == 2
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert uris == {"journal"}


def check_github(text: str) -> None:
    *lines, last = "".join(rendered(Kind.REPORT, "github", hostile_report(text))).split("\n")
    assert (len(lines), last) == (3, ""), "two rules and a note"
    assert all(re.fullmatch(r"::(error|warning|notice) title=[^:,]*::.*", line) for line in lines)
    assert all(line.isprintable() for line in lines)


CHECKS: dict[str, Callable[[str], None]] = {
    "html": check_html,
    "sarif": check_sarif,
    "github": check_github,
    "markdown": check_markdown,
    "junit": check_junit,
    "text": check_text,
    "json": check_json,
}


@pytest.mark.parametrize("output_format", CHECKS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(output_format: str, text: str) -> None:
    CHECKS[output_format](text)
    "".join(rendered(Kind.REPORT, output_format, hostile_report(text))).encode("utf-8")


@given(text=markup.filter(str.strip))
def test_any_text_is_shown_as_text(text: str) -> None:
    for check in CHECKS.values():
        check(text)


def test_every_renderer_is_under_attack() -> None:
    assert set(CHECKS) == set(FORMATS)
