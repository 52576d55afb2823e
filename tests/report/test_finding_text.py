"""One text of a finding: every output has all its parts, what is shared once, and what differs at its place."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from msgspec import structs

from mock_intake.cli.event_lines import Tally
from mock_intake.files.recordings import Recorded
from mock_intake.journal import MemoryJournal
from mock_intake.judging.catalogue import RULES
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check, Checked
from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.report.audit_report import AuditReport, FoundByRule
from mock_intake.report.check_report import CheckReport
from mock_intake.report.escaping import in_markdown
from mock_intake.report.finding_text import PARTS, MarkdownStyle, Style, finding_head, finding_lines, laid_out, markdown
from mock_intake.report.formats import Kind, formats, rendered
from mock_intake.report.model import Entry, Report
from mock_intake.report.places import Group, Groups, Place, alone
from mock_intake.report.suite import Level, ProducerReport, Requirement, Result, SuiteReport, Verdict
from mock_intake.web.rendering import _environment as pages
from mock_intake_pytest.failures import findings_text
from tests.events import run_event
from tests.report.audits import report

FULL = Finding(
    "DD101", Severity.ERROR, "event", "/the/place", "the message", "the expected", "the actual", "the advice",
    "https://a.example/source", Sureness.ASSUMED,
)  # fmt: skip
WORDS = (
    "DD101", "error", "/the/place", "the message", "the expected", "the actual", RULES["DD101"].because, "the advice",
    "https://a.example/source", "assumed",
)  # fmt: skip


def report_of(*findings: Finding) -> Report:
    entries = [Entry("event", str(n), "START one", Status.ERROR, (each,)) for n, each in enumerate(findings)]
    return Report("a report", datetime.now(UTC), entries)


def suite_of(*findings: Finding) -> SuiteReport:
    case = Requirement(
        "a/b", "title", Level.MUST, "must be", "why so", "do it", "https://c.example", Sureness.SOURCE, ()
    )
    result = Result(case, Verdict.FAILED, "seen", (), findings)
    return SuiteReport("a suite", datetime.now(UTC), [case], [ProducerReport("one", "http", [result], [])])


def places_of(*findings: Finding) -> list[Place]:
    return [Place(each, "START one", n) for n, each in enumerate(findings, 1)]


def groups_of(*places: Place, most_places: int = 3, most_messages: int = 5) -> list[Group]:
    groups = Groups(most_places, most_messages)
    groups.extend(places)
    return groups.at_or_above(Severity.INFO)


def check_of(*findings: Finding) -> CheckReport:
    """A recording of two events, with these findings in the second."""
    check = Check(Judge(FacetLibrary()))

    def results() -> Iterator[Checked]:
        bodies = [json.dumps(run_event(kind)).encode() for kind in ("START", "COMPLETE")]
        yield from check.check(Recorded("START one", line, body) for line, body in enumerate(bodies, 1))
        yield Checked("START one", 3, None, findings, Status.ERROR)

    return CheckReport(check, results())


def page_of(finding: Finding) -> str:
    """As the page of an event has it."""
    template = '{% import "parts.html" as parts %}{{ parts.findings([(1, one)]) }}'
    return pages().from_string(template).render(one=finding)


def audit_of(*findings: Finding) -> AuditReport:
    """An archive with these findings, in places of their own."""
    groups = groups_of(*places_of(*findings))
    return report([FoundByRule(group, 1) for group in groups], level=Severity.INFO)


# A difference names findings by their rules, and leaves what they say to the others.
MADE_OF: dict[Kind, Callable[..., object]] = {
    Kind.REPORT: report_of,
    Kind.SUITE: suite_of,
    Kind.CHECK: check_of,
    Kind.AUDIT: audit_of,
}


def made(kind: Kind, name: str, *findings: Finding) -> str:
    return "".join(rendered(kind, name, MADE_OF[kind](*findings)))


OUTPUTS: dict[str, Callable[[Finding], str]] = {
    **{f"{kind} {name}": partial(made, kind, name) for kind in MADE_OF for name in formats(kind)},
    "plugin": lambda finding: findings_text(groups_of(*places_of(finding))),
    "pages": page_of,
}


def plain_text(output: str) -> str:
    """What a reader sees, however it is escaped and broken into lines."""
    text = re.sub(
        r"\\([\\`*_{}\[\]<>|#&~])", r"\1", html.unescape(re.sub(r"<[^>]*>", " ", output.replace("<wbr>", "")))
    )
    return " ".join(text.split())


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_has_every_part_of_a_finding(name: str) -> None:
    """JSON has the finding itself: why it matters is the rule's, which `rules --format json` has."""
    output = OUTPUTS[name](FULL)
    words = [word for word in WORDS if not (name.endswith("json") and word == RULES["DD101"].because)]
    text = plain_text(output)
    assert [word for word in words if word not in text and word not in output] == []


def test_there_is_no_part_that_no_word_stands_for() -> None:
    """A new part is held to all outputs as soon as it has a word above."""
    texts = {of.name: of.text(FULL) or "" for of in PARTS}
    assert {name: any(word in text for word in WORDS) for name, text in texts.items()} == dict.fromkeys(texts, True)


VARIED = [structs.replace(FULL, pointer=f"/{n}", actual=f"was {n}", advice=f"write {n}") for n in range(5)]


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
@pytest.mark.parametrize("kind", [Kind.REPORT, Kind.SUITE, Kind.CHECK, Kind.AUDIT])
def test_each_place_has_its_own_corrected_value(kind: Kind, name: str) -> None:
    if name not in formats(kind):
        return
    text = plain_text(made(kind, name, *VARIED))
    for n in range(3):
        assert re.search(f"at /{n}\\b.{{0,90}}was {n}.{{0,40}}write {n}\\b", text), n
    shared = [text.count(words) for words in ("the message", "the expected", RULES["DD101"].because)]
    assert shared == [1, 1, 1], "what all say is said once"
    assert re.search("and [02] more|write 4", text), "the rest is counted, or there"


def test_what_is_shared_is_told_once_and_what_differs_at_its_place() -> None:
    (group,) = groups_of(*places_of(*VARIED), most_places=2)
    source = "https://a.example/source (assumed); more: mock-intake rules DD101"
    assert finding_lines(group) == [
        "DD101 error, 5 times: the message",
        "  in START one:1, at /0",
        "    actual:   was 0",
        "    advice:   write 0",
        "  in START one:2, at /1",
        "    actual:   was 1",
        "    advice:   write 1",
        "  and 3 more",
        "  expected: the expected",
        f"  why:      {RULES['DD101'].because}",
        f"  source:   {source}",
    ]


def test_a_value_that_differs_beyond_the_places_shown_is_not_taken_for_shared() -> None:
    (group,) = groups_of(*places_of(FULL, FULL, structs.replace(FULL, advice="another")), most_places=1)
    lines = finding_lines(group)
    assert lines[1:3] == ["  in START one:1, at /the/place", "    advice:   the advice"]
    assert "  advice:   the advice" not in lines


def test_messages_that_repeat_are_groups_and_those_that_came_once_are_together() -> None:
    def said(message: str) -> Finding:
        return structs.replace(FULL, message=message)

    groups = groups_of(*places_of(*map(said, ["once", "often", "alone", "often", "often", "twice", "twice"])))
    assert [(laid_out(group).message, group.count) for group in groups] == [("often", 3), ("twice", 2), (None, 2)]
    assert finding_lines(groups[2])[:3] == [
        "DD101 error, 2 times",
        "  in START one:1, at /the/place: once",
        "  in START one:3, at /the/place: alone",
    ]
    assert finding_head(groups[2]) == "DD101 error, 2 times: for instance: once"


def test_groups_stay_few_however_many_messages_there_are() -> None:
    many = [structs.replace(FULL, message=f"message {n // 2}") for n in range(1_000)]
    groups = groups_of(*places_of(*many), most_messages=2)
    assert [(laid_out(group).message, group.count) for group in groups] == [
        ("message 0", 2), ("message 1", 2), (None, 996),
    ]  # fmt: skip
    assert [group.count for group in groups_of(*places_of(*many), most_messages=0)] == [1_000]


def test_severities_of_one_rule_are_groups_of_their_own() -> None:
    groups = groups_of(*places_of(FULL, structs.replace(FULL, severity=Severity.INFO)))
    assert [(group.first.severity, group.count) for group in groups] == [("error", 1), ("info", 1)]


def test_places_without_words_are_left_out() -> None:
    nowhere = structs.replace(FULL, pointer="")
    (group,) = groups_of(Place(nowhere, None), Place(nowhere, None))
    assert finding_lines(group)[:2] == ["DD101 error, 2 times: the message", "  expected: the expected"]
    (group,) = groups_of(Place(nowhere, None), Place(structs.replace(nowhere, advice="else"), None))
    assert finding_lines(group)[1:3] == ["  in the event", "    advice:   the advice"]


def test_lines_are_wrapped_and_coloured_where_there_is_a_terminal() -> None:
    group = alone(structs.replace(FULL, message="word " * 30, advice="do " * 40))
    lines = finding_lines(group, Style(lambda what, word: f"<{what}>{word}</>", width=60))
    assert lines[0].startswith("<code>DD101</> <error>error</>: word")
    bare = [re.sub("<.*?>", "", line) for line in lines]
    assert all(len(line) <= 60 for line in bare if "https://" not in line)
    assert lines[1].startswith("    word"), "what is carried over stands further in"
    assert " ".join(" ".join(bare).split()).count("word") == 30


def test_lines_of_markdown_begin_with_words_of_ours() -> None:
    hostile = structs.replace(FULL, message="1. one\n# two", pointer="", advice="- a | b", actual="> c")
    for group in groups_of(Place(hostile, None), Place(structs.replace(hostile, message="+ three"), None)):
        for line in finding_lines(group, markdown()):
            assert re.match(r" *- (\*\*DD101 |in |at |and |expected: |actual: |why: |advice: |source: )", line), line
    assert isinstance(markdown(), MarkdownStyle)
    assert in_markdown("- a | b") in "\n".join(finding_lines(alone(hostile), markdown()))


def test_the_end_of_serve_says_one_line_of_each_rule(capsys: pytest.CaptureFixture[str]) -> None:
    from mock_intake import IntakeServer

    tally = Tally()
    tally.groups.extend(places_of(FULL, structs.replace(FULL, message="another"), *VARIED))
    with IntakeServer(journal=MemoryJournal()) as server:
        tally.summarise(server.views, server.journal)
    assert "  DD101 error, 7 times: for instance: the message\n" in capsys.readouterr().out


def test_json_keeps_the_finding_as_it_is() -> None:
    entry = json.loads("".join(rendered(Kind.REPORT, "json", report_of(FULL))))["entries"][0]
    assert entry["findings"] == [FULL.to_dict()]
