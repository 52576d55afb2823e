"""Bodies as they come back from the control API: parsed, and as the text that was received."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake import IntakeServer
from tests.events import run_event
from tests.fuzz import FLAWED, KEY, Answer, request_bytes, send

HEAD = FLAWED[:-1].decode()


@pytest.fixture(scope="module")
def intake() -> Iterator[IntakeServer]:
    with IntakeServer() as server:
        yield server


def posted(intake: IntakeServer, body: bytes, *headers: tuple[str, str], key: str = KEY) -> Answer:
    return send(intake, request_bytes(body, headers, key=key))[0]


def get(intake: IntakeServer, path: str) -> Any:
    (answer,) = send(intake, request_bytes(method="GET", target=f"/api/mock/v1{path}", key=None))
    assert answer.status == 200
    return json.loads(answer.body.decode("utf-8"))  # strictly: it is valid UTF-8 and valid JSON


def with_field(value: str) -> bytes:
    """An event with some JSON text in it."""
    return f'{HEAD}, "value": {value}}}'.encode()


def same(left: Any, right: Any) -> bool:
    """Equal as JSON values: 1 and 1.0 are, True and 1 are not."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float | int):
        return math.isclose(left, right, rel_tol=1e-15)
    return type(left) is type(right) and bool(left == right)


@pytest.mark.parametrize(
    "value",
    [
        '"\\ud83d"',
        '"a\\udc00b\\ud83d\\ude00"',
        '{"\\ud83d": ["\\udfff"]}',
        '"\\u0000"',
        '{"\\u0000": "\\u0000"}',
        '"\x7f\u2028\u2029\ufeff\ufffe"',
        '"ä\U0001f600"',
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "1.7976931348623157e308",
        "5e-324",
        "-0.0",
        "1E5",
        '"\\/\\"\\\\\\b\\f\\n\\r\\t"',
        '{"a": 1, "": 2}',
        "[[[[[[[[[[]]]]]]]]]]",
    ],
)
def test_an_accepted_body_comes_back_parsed_and_as_text(intake: IntakeServer, value: str) -> None:
    sent = with_field(value)
    answer = posted(intake, sent)
    assert answer.status == 202
    event = get(intake, f"/events/{answer.json()['id']}")
    assert same(event["body"], json.loads(sent))
    assert event["raw"] == sent.decode()


@pytest.mark.parametrize(
    "value", ["123456789012345678901234567890", "-18446744073709551617", "9" * 300, "1" + "0" * 308]
)
def test_integers_beyond_64_bits_come_back_as_text_and_as_near_as_a_double_can(
    intake: IntakeServer, value: str
) -> None:
    sent = with_field(value)
    event = get(intake, f"/events/{posted(intake, sent).json()['id']}")
    assert event["raw"] == sent.decode()
    assert event["body"]["value"] == float(value)


def test_of_a_name_that_stands_twice_the_last_value_counts_and_the_text_has_both(intake: IntakeServer) -> None:
    sent = with_field('{"a": 1, "a": 2}')
    event = get(intake, f"/events/{posted(intake, sent).json()['id']}")
    assert (event["body"]["value"], event["raw"]) == ({"a": 2}, sent.decode())


def test_findings_about_lone_surrogates_are_valid_json_too(intake: IntakeServer) -> None:
    sent = json.dumps(run_event("\ud83d", producer="\udc00", job={"namespace": "\ud800", "name": "\ud800"})).encode()
    answer = posted(intake, sent)
    assert answer.status == 202
    event = get(intake, f"/events/{answer.json()['id']}")
    assert event["body"]["job"]["name"] == "\ud800"
    assert event["raw"] == sent.decode()
    for listing in ("/events", "/exchanges?body=1", "/findings", "/runs"):
        get(intake, listing)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_a_compressed_body_comes_back_unpacked(intake: IntakeServer, encoding: str, pack: Any) -> None:
    sent = with_field(f'"{encoding}"')
    event = get(intake, f"/events/{posted(intake, pack(sent), ('Content-Encoding', encoding)).json()['id']}")
    assert (event["body"], event["raw"]) == (json.loads(sent), sent.decode())


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_a_body_whose_key_was_masked_comes_back(intake: IntakeServer, api_key: str, encoding: str, pack: Any) -> None:
    sent = with_field(f'"{api_key}"')
    answer = posted(intake, pack(sent), ("Content-Encoding", encoding), key=api_key)
    event = get(intake, f"/events/{answer.json()['id']}")
    masked = sent.decode().replace(api_key, f"****{api_key[-4:]}")
    assert (event["raw"], event["body"]) == (masked, json.loads(masked))


@pytest.mark.parametrize(
    ("body", "headers", "parsed", "text"),
    [
        (b"not JSON", (), None, "not JSON"),
        (b"", (), None, ""),
        (b"[1, 2]", (), [1, 2], "[1, 2]"),
        (b'"text"', (), "text", '"text"'),
        (b"null", (), None, "null"),
        (b'{"a": NaN}', (), None, '{"a": NaN}'),
        (b"caf\xe9 \xff", (), None, "caf\\xe9 \\xff"),
        (b"[" * 300 + b"]" * 300, (), None, "[" * 300 + "]" * 300),
        (gzip.compress(b"{}", mtime=0)[:-4], (("Content-Encoding", "gzip"),), None, None),
        (b"{}", (("Content-Encoding", "br"),), None, None),
    ],
)
def test_the_body_of_a_refused_request_comes_back_as_far_as_it_can_be_read(
    intake: IntakeServer, body: bytes, headers: tuple[tuple[str, str], ...], parsed: Any, text: str | None
) -> None:
    assert 400 <= posted(intake, body, *headers).status < 500
    (listed,) = get(intake, "/exchanges?body=1&limit=1")["exchanges"]
    one = get(intake, f"/exchanges/{listed['id']}")
    assert (listed["body"], one["body"], one["raw"]) == (parsed, parsed, text)


def test_what_is_no_http_comes_back_as_text(intake: IntakeServer) -> None:
    send(intake, b"\x00\x01 EHLO caf\xc3\xa9 \xff\r\n\r\n")
    (listed,) = get(intake, "/exchanges?limit=1")["exchanges"]
    assert (listed["method"], listed["path"], listed["status_code"]) == ("", "", 400)
    assert get(intake, f"/exchanges/{listed['id']}")["raw"] == "\x00\x01 EHLO café \\xff\r\n\r\n"


_texts = st.text(st.characters(exclude_categories=()), max_size=10)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


@given(value=_values, ascii_only=st.booleans())
def test_any_value_comes_back(intake: IntakeServer, value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        sent = with_field(text)
    except UnicodeEncodeError:  # lone surrogates can only be sent as escapes
        sent = with_field(json.dumps(value))
    answer = posted(intake, sent)
    assert answer.status == 202
    event = get(intake, f"/events/{answer.json()['id']}")
    assert same(event["body"]["value"], value)
    assert event["raw"].encode() == sent
