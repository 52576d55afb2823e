"""JSON laid out in lines: nothing rewritten, and every value's line is known by its pointer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.datadog import rules
from mock_intake.datadog.requests import KEY_IN_URL
from mock_intake.web.body import Line, NotJsonError, laid_out, place_findings


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
def test_every_pointer_leads_to_its_value(value: Any) -> None:
    for line in laid_out(json.dumps(value)):
        if line.pointer is None:
            continue
        found = value
        for part in line.pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
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
        rules.EVENT_TYPE_MISSING.found("/eventType", "it is missing: said of what should have it"),
        rules.JOB_TYPE_MISSING.found("/job/facets", "at its own"),
        rules.JOB_TYPE_MISSING.found("/job/facets/a~1b/deeper/still", "at the nearest above"),
        rules.JOB_TYPE_MISSING.found("", "of the whole"),
        KEY_IN_URL.found("header:Authorization", "of no line"),
    ]
    assert place_findings(lines, findings) == {1: 1, 2: 4, 3: 5, 4: 1}
    assert [number for number, _ in lines[0].findings] == [1, 4]
    assert lines[3].severity == "error"
    assert lines[2].severity == ""
