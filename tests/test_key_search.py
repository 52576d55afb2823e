"""Keys are found in bytes in every spelling, however many there are; what is told of them are the bytes they take."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote_to_bytes

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mock_intake.secrets.key_search import ALL, KNOWN_BY, KeyMatch, KeySearch

Spelling = Callable[[str], str]


def numbered(text: str) -> str:
    """JSON in which every character is an escape."""
    wide = text.encode("utf-16-be")
    return "".join(f"\\u{wide[at]:02X}{wide[at + 1]:02x}" for at in range(0, len(wide), 2))


SPELLINGS: dict[str, Spelling] = {
    "as it is": str,
    "JSON": lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    "JSON in ASCII": lambda key: json.dumps(key)[1:-1],
    "JSON with escaped slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON by number": numbered,
    "in a URL": lambda key: quote(key),
    "in a query": lambda key: quote_plus(key),
    "percent-encoded": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "in a URL in JSON": lambda key: json.dumps(quote(key, safe="/"))[1:-1].replace("/", "\\/"),
    "percent-encoded in JSON by number": lambda key: numbered(quote(key, safe="")),
}
UNLIKE = [f"padding-{number}-of-twenty-{'x' * number}" for number in range(20)]
characters = st.sampled_from(
    [*"abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_./+=%\\\"'&?#~ <>[]{}", "é", "ü", "\u20ac", "😀"]
)
keys = st.text(characters, min_size=16, max_size=40)
# Each of ten spellings is tried twice, alone and among others.
in_each_spelling = settings(max_examples=settings().max_examples // 2)
# What stands around a key where it is written by something that knows how: no escape is begun before it.
surroundings = st.sampled_from(["", " ", '"', "<", "key=", '{"note": "', "\n", "é", ",", "\0", "x"])


@pytest.mark.parametrize("others", [[], UNLIKE], ids=["alone", "among many"])
@pytest.mark.parametrize("spelling", SPELLINGS)
@in_each_spelling
@given(key=keys, before=surroundings, after=surroundings)
@example(key='clé avec/\\"accents"&+%41=😀', before="x", after="x")
@example(key="%41%41%41%41%41%41%41%41", before="", after="")
@example(key="\\u0041\\u0041\\u0041\\u0041", before="", after="")
def test_a_key_is_found_as_it_is_spelled(spelling: str, others: list[str], key: str, before: str, after: str) -> None:
    written = SPELLINGS[spelling](key).encode()
    data = before.encode() + written + after.encode()
    search = KeySearch([*others, key])
    assert search.any_in(data)
    assert KeyMatch(len(before.encode()), len(before.encode()) + len(written), len(others)) in search.found_in(data)


@given(key=keys, before=surroundings, after=surroundings, encoding=st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_a_key_in_utf_16_is_found_and_shows_nothing_of_it(key: str, before: str, after: str, encoding: str) -> None:
    data = before.encode(encoding) + key.encode(encoding) + after.encode(encoding)
    start = len(before.encode(encoding))
    end = start + len(key.encode(encoding))
    # Read from one byte further on, big may be little.
    assert any(
        found.start <= start and end <= found.end and found.key == ALL for found in KeySearch([key]).found_in(data)
    )


def test_a_key_in_latin_1_is_found() -> None:
    key = "clé-avec-accents-é"
    assert KeySearch([key]).found_in(b"<" + key.encode("latin-1") + b">") == [KeyMatch(1, 1 + len(key), 0)]


# Few letters, so that keys overlap, repeat and stand in one another; a naive look tells where they are.
few_letters = st.text("ab", min_size=16, max_size=24)


@given(st.lists(few_letters, min_size=1, max_size=30, unique=True), st.text("ab", max_size=80), st.data())
def test_many_keys_are_found_where_a_naive_look_finds_them(some: list[str], text: str, data: st.DataObject) -> None:
    text += data.draw(st.sampled_from(some)) + data.draw(st.text("ab", max_size=30))
    naive = {
        place
        for key in some
        for start in range(len(text))
        if text.startswith(key, start)
        for place in range(start, start + len(key))
    }
    for among in (some, [*some, *UNLIKE]):
        search = KeySearch(among)
        assert search.any_in(text.encode())
        told = {place for start, end, _ in search.found_in(text.encode()) for place in range(start, end)}
        # A key that overlaps itself is told of up to where the first of them ends, or as a whole.
        first = min(naive)
        assert min(told) == first
        assert told <= naive or told == set(range(len(text)))
        assert not any(key in "".join("." if at in told else letter for at, letter in enumerate(text)) for key in some)


@given(st.lists(few_letters, min_size=1, max_size=30, unique=True), st.text("ab", max_size=200))
def test_nothing_is_found_where_a_naive_look_finds_nothing(some: list[str], text: str) -> None:
    assume(not any(key in text for key in some))
    assert not KeySearch(some).any_in(text.encode())
    assert KeySearch([*some, *UNLIKE]).found_in(text.encode()) in ([], [KeyMatch(0, len(text), ALL)])


def test_what_is_found_is_apart_and_in_order_and_has_the_lowest_number_of_those_that_overlap() -> None:
    search = KeySearch(["0123456789abcdefghij", "fghijklmnopqrstuvwxyz", "ZZZZZZZZZZZZZZZZ"])
    data = b"ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ.0123456789abcdefghijklmnopqrstuvwxyz."
    assert search.found_in(data) == [KeyMatch(0, 16, 2), KeyMatch(16, 32, 2), KeyMatch(33, 69, 0)]


def test_escapes_beside_a_key_do_not_move_it() -> None:
    key = "a-key/with/slashes-1234567"
    written = key.replace("/", "\\/")
    for around in ("\\u00e9%41", "\\ud83d\\ude00", "\\\\", '\\"\\"', "%C3%A9\\/", "\\ud83d"):
        data = f"{around}<{written}>{around}<{written}>{around}".encode()
        first = len(around) + 1
        second = first + len(written) + len(around) + 2
        search = KeySearch([key])
        assert search.found_in(data) == [
            KeyMatch(first, first + len(written), 0),
            KeyMatch(second, second + len(written), 0),
        ], around


def test_an_escape_of_which_a_key_takes_a_part_is_taken_whole() -> None:
    """In Latin-1 the two bytes of a letter are two characters, and a key may end in between."""
    key = "sixteen-letters-\xc3"
    assert KeySearch([key]).found_in(b"sixteen%2Dletters-\\u00e9.") == [KeyMatch(0, 24, 0)]


# Keys of any length.


def test_a_long_key_is_taken_as_far_as_it_agrees() -> None:
    key = "".join(f"{number:05}." for number in range(2_000))
    for among in ([key], [key, *UNLIKE]):
        search = KeySearch(among)
        assert search.found_in(f"<{key}>".encode()) == [KeyMatch(1, 1 + len(key), 0)]
        for length in (KNOWN_BY, KNOWN_BY + 1, 3 * KNOWN_BY - 1, 3 * KNOWN_BY, len(key) - 1):
            assert search.found_in(f"<{key[:length]}>".encode()) == [KeyMatch(1, 1 + length, 0)]
        assert search.found_in(f"<{key[: KNOWN_BY - 1]}>".encode()) == []


def test_a_text_made_to_be_compared_without_end_is_taken_for_a_key_as_a_whole() -> None:
    some = ["a" * 16 + f"{number:08}" for number in range(1_000)]
    search = KeySearch(some)
    text = b"a" * 100_000
    assert search.any_in(text)
    assert search.found_in(text) == [KeyMatch(0, len(text), ALL)]
    assert not search.any_in(b"b" * 100_000)


# Keys of which only the beginning is left.


@pytest.mark.parametrize("others", [[], UNLIKE], ids=["alone", "among many"])
@pytest.mark.parametrize("spelling", SPELLINGS)
@in_each_spelling
@given(key=keys, before=surroundings, data=st.data())
@example(key='clé avec/\\"accents"&+%41=😀', before="x", data=None)
def test_the_beginning_of_a_key_at_the_end_is_found(
    spelling: str, others: list[str], key: str, before: str, data: st.DataObject | None
) -> None:
    written = SPELLINGS[spelling](key).encode()
    # So much that eight characters are there, however long their spelling is.
    least = len(SPELLINGS[spelling](key[:9]).encode())
    lengths = range(least, len(written)) if data is None else [data.draw(st.integers(least, len(written) - 1))]
    for length in lengths:
        cut = before.encode() + written[:length]
        search = KeySearch([*others, key])
        place = search.begun_at_end_of(cut)
        assert search.any_in(cut) or (place is not None and place <= len(before.encode()))


def test_the_beginning_of_a_key_may_be_all_that_there_is() -> None:
    assert KeySearch(["0123456789abcdef"]).begun_at_end_of(b"0123456789") == 0
    assert KeySearch(["0123456789abcdef"]).begun_at_end_of(b"0123456") is None
    assert KeySearch(["0123456789abcdef"]).begun_at_end_of(b"0123456789 ") is None


def test_of_two_beginnings_the_one_that_stands_first_is_told() -> None:
    search = KeySearch(["abcdefgh0123456789", "0123456789abcdefgh"])
    assert search.begun_at_end_of(b"xxabcdefgh01234567") == 2


@given(st.binary(max_size=60))
def test_any_bytes_can_be_searched(data: bytes) -> None:
    search = KeySearch(["a key with + and %41 \\u0041 é"])
    assert search.found_in(data) == []
    place = search.begun_at_end_of(data + b"a key with ")
    assert place == len(data) or unquote_to_bytes(data) != data or b"\\" in data
