"""A key is found in output however it is spelled there, and what is not the key is left alone."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from mock_intake_conformance.leaks import KeyWatch, WatchedStream

KEY = "0123456789abcdef0123456789abcdef"
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in KEY)
PERCENT = "".join(f"%{ord(character):02X}" for character in KEY)
SPELLINGS = {
    "plain": KEY,
    "header": f"{{'Authorization': 'Bearer {KEY}'}}",
    "json": json.dumps({"key": KEY}),
    "escaped": ESCAPED,
    "percent-encoded": PERCENT,
    "in a query": f"?api_key={quote(KEY)}&x=1",
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of Basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "base64, one before": base64.b64encode(f"x{KEY}".encode()).decode(),
    "base64, two before and more behind": base64.b64encode(f"xy{KEY} and more".encode()).decode(),
    "urlsafe base64": base64.urlsafe_b64encode(f"??>{KEY}".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("size", [7, 10_000])
def test_the_key_is_found_and_masked(spelling: str, size: int) -> None:
    """Also where it comes in pieces."""
    stream = WatchedStream("stdout", KeyWatch(KEY))
    data = f"before\n{spelling}\nafter\n".encode()
    for start in range(0, len(data), size):
        stream.feed(data[start : start + size])
    assert len(stream.leaks) == 1
    assert KEY not in stream.leaks[0]
    assert spelling not in stream.text
    assert stream.text.startswith("before\n")
    assert stream.text.endswith("after\n")
    assert "****" in stream.text


def test_what_is_not_the_key_is_left_alone() -> None:
    stream = WatchedStream("stdout", KeyWatch(KEY))
    other = base64.b64encode(b"0123456789abcdef-123456789abcdef").decode()
    text = f"key ****cdef, {KEY[:-1]}0, {other}, run 01234567-89ab-cdef-0123-456789abcdef\n"
    stream.feed(text.encode())
    assert stream.leaks == []
    assert stream.text == text


def test_a_line_that_is_cut_at_its_beginning_does_not_show_the_rest_of_a_key() -> None:
    stream = WatchedStream("stdout", KeyWatch(KEY), keep=100)
    stream.feed(b"x" * 200 + KEY.encode() + b"y" * 90 + b"\nlast\n")
    assert stream.text == "... last\n"
    assert len(stream.leaks) == 1
