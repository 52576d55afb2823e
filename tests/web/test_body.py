"""JSON laid out in lines: nothing rewritten, and every value's line is known by its pointer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_intake.judging.catalogue import RULES
from mock_intake.judging.judgement import Judge
from mock_intake.secrets.quoting import LONGEST_POINTER, LONGEST_QUOTE, quoted
from mock_intake.web.body import Line, NotJsonError, closed, laid_out, place_findings
from tests.events import base, dataset, run_event


def text_of(lines: list[Line]) -> str:
    return "\n".join("  " * line.depth + "".join(part.text for part in line.parts) for line in lines)


def test_it_is_laid_out_as_json_is_by_others() -> None:
    value = {"a": [1, {"b": None}, [], {}], "c": {"d": "x"}, "e": True}
    assert text_of(laid_out(json.dumps(value))) == json.dumps(value, indent=2)


@pytest.mark.parametrize("text", ["1", '"x"', "{}", "[]", "[[]]", "null", " \n[ 1 ,\t2 ] \n"])
def test_small_values(text: str) -> None:
    assert text_of(laid_out(text)) == json.dumps(json.loads(text), indent=2)


def test_numbers_escapes_and_repeated_keys_stay_as_they_were_sent() -> None:
    text = '{"n": 1.0e+05, "big": 123456789012345678901234567890, "s": "\\u0041\\/\\ud83d", "a": 1, "a": 2}'
    assert text_of(laid_out(text)).split("\n") == [
        "{",
        '  "n": 1.0e+05,',
        '  "big": 123456789012345678901234567890,',
        '  "s": "\\u0041\\/\\ud83d",',
        '  "a": 1,',
        '  "a": 2',
        "}",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_any_value_is_laid_out_and_stays_the_same(value: Any, ascii_only: bool) -> None:
    lines = laid_out(json.dumps(value, ensure_ascii=ascii_only))
    assert text_of(lines) == json.dumps(value, indent=2, ensure_ascii=ascii_only)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


@given(JSON)
@example({"a" * (LONGEST_QUOTE + 1): {"b": []}})
def test_every_pointer_leads_to_its_value(value: Any) -> None:
    for line in laid_out(json.dumps(value)):
        # What is deeper than is quoted stands at what is above it.
        if line.pointer is None or len(line.pointer) > LONGEST_POINTER:
            continue
        found = value
        for part in line.pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            key = int(name) if isinstance(found, list) else next(each for each in found if quoted(each) == name)
            found = found[key]
        written = "".join(part.text for part in line.parts if part.kind != "key").removeprefix(": ")
        assert json.dumps(found)[0] == written[0]


@pytest.mark.parametrize("text", ["{", "[1", "}", "[1}", '{"a"', '"open', "{1: 2}", "[}"])
def test_what_is_no_json_is_not_laid_out(text: str) -> None:
    with pytest.raises(NotJsonError):
        laid_out(text)


@given(st.text(alphabet='{}[]:,"\\ a1\n'))
def test_any_text_is_laid_out_or_refused(text: str) -> None:
    try:
        lines = laid_out(text)
    except NotJsonError:
        return
    assert re.sub(r"\s", "", text_of(lines)) == re.sub(r"\s", "", text)


def test_findings_stand_at_the_line_of_their_value() -> None:
    lines = laid_out('{"eventTime": "x", "job": {"facets": {"a/b": {}}}}')
    findings = [
        RULES["DD105"].found("/eventType", "it is missing: said of what should have it"),
        RULES["DD101"].found("/job/facets", "at its own"),
        RULES["DD101"].found("/job/facets/a~1b/deeper/still", "at the nearest above"),
        RULES["DD101"].found("", "of the whole"),
        RULES["HT006"].found("header:Authorization", "of no line"),
    ]
    assert place_findings(lines, findings) == {1: 1, 2: 4, 3: 5, 4: 1}
    assert [number for number, _ in lines[0].findings] == [1, 4]
    assert lines[3].severity == "error"
    assert lines[2].severity == ""


def test_no_more_is_laid_out_than_is_shown() -> None:
    lines = laid_out("[" + "0," * 1_000_000 + "not looked at", 10)
    assert len(lines) == 11
    assert text_of(lines[:3]) == "[\n  0,\n  0,"


def test_a_text_that_was_cut_is_laid_out_as_far_as_it_goes() -> None:
    assert text_of(laid_out('{"a": [1, "be', 10, cut=True)) == '{\n  "a": [\n    1,'


def test_the_places_under_a_long_key_take_no_room() -> None:
    lines = laid_out(json.dumps({"k" * 1_000_000: {"x" * 300: list(range(2000))}}))
    assert max(len(line.pointer or "") for line in lines) < 2000


def test_a_finding_under_a_long_key_stands_at_its_line() -> None:
    event = run_event(
        outputs=[{**dataset(), "facets": {"k" * 1000: {**base("SchemaDatasetFacet", "1-1-1"), "fields": [1]}}}]
    )
    text = json.dumps(event)
    findings = Judge().judge(text.encode(), "org").findings
    lines = laid_out(text)
    placed = place_findings(lines, findings)
    [number] = [number for number, finding in enumerate(findings, 1) if finding.code == "OL103"]
    assert lines[placed[number] - 1].parts[0].text == "1"


@given(JSON, st.integers(0, 200))
def test_what_was_cut_off_is_json_again_once_it_is_closed(value: Any, place: int) -> None:
    text = json.dumps([value])[: place + 1]
    part, closing = closed(text)
    json.loads(part + closing)
    assert text.startswith(part)
