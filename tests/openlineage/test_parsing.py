"""From bytes to a value: what is JSON as the intake takes it, and what is not."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_intake.body.parsing import MAX_DEPTH, Parsed, ParseError, dumps, parse, parse_exactly, without_surrogates
from mock_intake.judging.judgement import Judge

# A lone surrogate beside a value sends all of it to the slower parser.
SLOWLY = b'["\\ud800",%b]'
FAST = b'["fast",%b]'


def refusal(body: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(body)
    return caught.value


def outcome(body: bytes) -> Any:
    """The second item of an array as it was read, or the reason why it was not."""
    try:
        return parse(body).value[1]
    except ParseError as error:
        return error.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
digits = st.text("0123456789", min_size=1, max_size=25)
exponents = st.one_of(st.just(""), st.integers(-400, 400).map("e{}".format), st.integers(0, 400).map("E+{}".format))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Numbers of JSON's grammar, of any size."""
    whole = draw(digits).lstrip("0") or "0"
    whole = whole * draw(st.sampled_from([1, 1, 1, 4, 40]))
    whole = whole if whole.strip("0") else "0"
    fraction = draw(st.one_of(st.just(""), digits.map(".{}".format)))
    return draw(st.sampled_from(["", "-"])) + whole + fraction + draw(exponents)


@given(value=json_values)
def test_both_parsers_read_the_same_value(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert repr(outcome(FAST % text)) == repr(outcome(SLOWLY % text))


@given(text=numbers())
@example(text="9007199254740993")
@example(text="9223372036854775808")
@example(text="18446744073709551615")
@example(text="18446744073709551616")
@example(text="-9223372036854775808")
@example(text="-9223372036854775809")
@example(text="-0")
@example(text="-0.0")
@example(text="1e308")
@example(text="1e309")
@example(text="1" * 309)
@example(text="1" * 310)
@example(text="1" * 400)
@example(text="-" + "9" * 400)
@example(text="1" * 5000)
@example(text="5e-324")
@example(text="1e-400")
def test_both_parsers_read_the_same_number(text: str) -> None:
    """To the type and the sign of zero; and what is too large for one is too large for the other."""
    fast, slow = outcome(FAST % text.encode()), outcome(SLOWLY % text.encode())
    assert repr(fast) == repr(slow)


@given(
    st.dictionaries(st.text(max_size=3), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
)
@example({"beyond": 2**64, "below": -(2**63) - 1, "within": 2**64 - 1, "double": 0.1, "text": "9" * 30})
@example({"surrogate \ud800": 10**300})
def test_read_exactly_an_integer_keeps_its_digits(value: dict[str, Any]) -> None:
    read = parse_exactly(json.dumps(value).encode())
    assert read == value
    assert list(map(type, read.values())) == list(map(type, value.values()))


def test_read_exactly_no_more_is_taken() -> None:
    for body in (b'{"a": 1' + b"0" * 400 + b"}", b'{"a": NaN}', b'{"a": 1234567890123456789'):
        with pytest.raises(ParseError) as refused:
            parse(body)
        with pytest.raises(ParseError) as exactly:
            parse_exactly(body)
        assert exactly.value.message == refused.value.message


@given(body=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_both_parsers_agree_on_what_is_no_json(body: bytes) -> None:
    assert repr(outcome(FAST % body)) == repr(outcome(SLOWLY % body))


@given(body=st.binary() | st.text().map(str.encode) | st.text('[]{}",:\\ud8001e+-.nulltrue ').map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    error = None
    try:
        parse(body)
    except ParseError as refused:
        error = refused
    if error is None:
        json.loads(body)
    else:
        assert error.reason in ("syntax", "encoding", "number", "depth")
        assert error.message


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_python_writes_for_no_number_is_refused(text: str) -> None:
    error = refusal(b'{"rowCount": %b}' % text.encode())
    assert (error.reason, error.message) == ("number", f"{text} is no JSON")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1e999", "1e999"),
        ("-1e999", "-1e999"),
        ("1" * 5000, "1" * 20 + "..."),
        ("-" + "7" * 5000, "-" + "7" * 19 + "..."),
        ("1" * 310, "1" * 20 + "..."),
    ],
    ids=["1e999", "-1e999", "5000 digits", "minus 5000 digits", "310 digits"],
)
def test_a_number_that_no_double_can_hold_is_refused(text: str, shown: str) -> None:
    error = refusal(b'{"rowCount": %b}' % text.encode())
    assert error.reason == "number"
    assert error.message == f"the number {shown} is larger than a double can hold"


def nested(levels: int, noise: tuple[bytes, bytes], *, objects: bool) -> bytes:
    """A body nested this deep, with a text in front of and behind what is inside each level."""
    before, after = (json.dumps(text.decode()).encode() for text in noise)
    opened = b'{"a":%b,"b":' % before if objects else b"[%b," % before
    closed = b',"c":%b}' % after if objects else b",%b]" % after
    return opened * (levels - 1) + (b"{}" if objects else b"[]") + closed * (levels - 1)


brackets = st.text('[]{}"\\', max_size=4).map(str.encode)


@given(before=brackets, after=brackets, objects=st.booleans())
@example(before=b"", after=b"", objects=False)
@example(before=b"]", after=b"[", objects=False)
@example(before=b"}", after=b"{", objects=True)
@example(before=b"[", after=b"]", objects=False)
@example(before=b"]]]", after=b"[[[", objects=True)
@example(before=b'"]"', after=b'"["', objects=False)
@example(before=b"\\]\\", after=b'\\"[', objects=False)
def test_two_hundred_levels_are_taken_and_one_more_is_not(before: bytes, after: bytes, objects: bool) -> None:
    """Whatever brackets stand in the texts between."""
    assert isinstance(parse(nested(MAX_DEPTH, (before, after), objects=objects)), Parsed)
    error = refusal(nested(MAX_DEPTH + 1, (before, after), objects=objects))
    assert (error.reason, error.message) == ("depth", "arrays and objects are nested over 200 levels deep")


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1_000, 1_023, 1_024, 1_025, 5_000, 100_000])
@pytest.mark.parametrize("unit", [b"[]", b"{}"])
@pytest.mark.parametrize("ending", [b"", b'"\\ud800"'])
def test_any_deeper_nesting_is_refused_for_its_depth(levels: int, unit: bytes, ending: bytes) -> None:
    opened = b"[" if unit == b"[]" else b'{"a":'
    inside = ending or b"1"
    error = refusal(opened * levels + inside + unit[1:] * levels)
    assert error.reason == "depth"


def test_many_brackets_are_no_depth() -> None:
    wide = b"[%b]" % b",".join([b"[{}]"] * 5_000)
    assert len(parse(wide).value) == 5_000


@pytest.mark.parametrize("shallow", [b"[{}]", b'["\\""]', b'{"a":[]}'])
def test_one_deep_value_among_many_that_are_shallow_is_too_deep(shallow: bytes) -> None:
    for at in (0, 250, 500):
        values = [shallow] * 500
        values[at:at] = [nested(MAX_DEPTH - 1, (b"", b""), objects=True)]
        assert isinstance(parse(b"[%b]" % b",".join(values)), Parsed)
        values[at] = nested(MAX_DEPTH, (b"", b""), objects=True)
        assert refusal(b"[%b]" % b",".join(values)).reason == "depth"


@pytest.mark.parametrize("levels", [201, 1_000])
def test_deep_events_with_brackets_in_their_texts_are_judged_to_be_too_deep(levels: int) -> None:
    """They must neither crash the judge nor pass it."""
    body = b'{"run":%b}' % nested(levels, (b"]", b"["), objects=False)
    judgement = Judge().judge(body, "org")
    assert judgement.event is None
    assert [finding.message for finding in judgement.findings] == ["arrays and objects are nested over 200 levels deep"]


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t "])
def test_an_empty_body_is_told_as_such(body: bytes) -> None:
    error = refusal(body)
    assert (error.reason, error.message) == ("syntax", "the body is empty")


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf{}", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_refused_as_one(body: bytes) -> None:
    error = refusal(body)
    assert (error.reason, error.message) == ("encoding", "the body begins with a byte order mark")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_of_unicode_are_refused(encoding: str) -> None:
    body = '{"job": {"name": "größe"}}'.encode(encoding)
    assert refusal(body).reason in ("encoding", "syntax")
    (finding,) = Judge().judge(body, "org").findings
    if encoding.startswith("utf-16"):
        assert finding.advice == "Encode the body as UTF-8; this looks like UTF-16."


@given(before=st.text(max_size=20), broken=st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5"]))
def test_what_is_no_utf_8_is_refused_at_its_place(before: str, broken: bytes) -> None:
    start = json.dumps({"name": before}, ensure_ascii=False).encode()[:-2]
    error = refusal(start + broken + b'"}')
    assert (error.reason, error.position) == ("encoding", len(start))
    assert error.message.startswith(f"byte {len(start)} is not UTF-8 (")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("\ud83d", ()),
        (["a", "\udc00"], (1,)),
        ({"job": {"name": "a\ud800b"}}, ("job", "name")),
        ({"job": {"\ud800": 1}}, ("job",)),
        ({"first": ["\ud800"], "second": "\ud800"}, ("first", 0)),
    ],
)
def test_lone_surrogates_are_taken_and_their_place_is_told(value: Any, path: tuple[str | int, ...]) -> None:
    assert parse(json.dumps(value).encode()) == Parsed(value, path)


@given(text=st.text(st.characters(codec=None), max_size=20))
def test_only_lone_surrogates_are_told_and_only_they_are_replaced(text: str) -> None:
    """A pair of them, written as two escapes, is one ordinary character."""
    body = json.dumps([text, "\U0001f600"]).encode()
    parsed = parse(body)
    alone = [character for character in parsed.value[0] if "\ud800" <= character <= "\udfff"]
    assert parsed.surrogates == ((0,) if alone else None)
    clean = without_surrogates(parsed.value)
    assert clean[1] == "\U0001f600"
    assert clean[0] == "".join("\ufffd" if character in alone else character for character in parsed.value[0])
    orjson.dumps(clean)


@given(value=json_values, text=st.text(st.characters(codec=None)))
def test_what_is_written_reads_as_the_same_value(value: Any, text: str) -> None:
    """Also where it holds lone surrogates, which go out as escapes."""
    sent = parse(json.dumps([value, text]).encode()).value if _sendable(value) else [text]
    written = dumps(sent)
    assert json.loads(written) == sent
    written.decode("utf-8")


def _sendable(value: Any) -> bool:
    try:
        parse(json.dumps(value).encode())
    except ParseError:
        return False
    return True


def test_nul_is_a_character_like_others() -> None:
    assert parse(b'{"job\\u0000": "a\\u0000b"}') == Parsed({"job\0": "a\0b"})
    assert refusal(b'{"job": "a\0b"}').reason == "syntax"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{'job': 1}", "line 1 column 2"),
        (b'{"job": 1,\n "run": }', "line 2 column 9"),
        (b'{"job": 1} trailing', "line 1 column 12"),
        (b'{"job": 1', "line 1 column 10"),
    ],
)
def test_broken_json_is_refused_with_the_place(body: bytes, place: str) -> None:
    error = refusal(body)
    assert error.reason == "syntax"
    assert error.message.endswith(place)


def test_of_a_key_that_stands_twice_the_last_one_counts() -> None:
    assert parse(b'{"a": 1, "a": 2}').value == {"a": 2}
    assert parse(b'{"a": 1, "a": "\\ud800"}').value == {"a": "\ud800"}
