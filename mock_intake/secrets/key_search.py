"""Where keys stand in bytes, however they are spelled there.

A key is found as it is (in UTF-8, Latin-1 and UTF-16), and with any of its characters escaped as in JSON or
percent-encoded. Escapes are no part of what is searched for: they are undone, and what the bytes say then is searched
for the keys as they are.

Whoever sends a request chooses the keys as well as the bytes. So the work is linear in both together, whatever either
holds: no pattern is made of a key, a key of any length is known by its beginning, and many keys are looked for at once.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from sys import byteorder
from typing import NamedTuple

from mock_intake.system.patterns import pattern_of

# So much of a key is searched for. What agrees with it is taken for the key, as far as it agrees: two secrets that have
# so much in common are two of one kind. A key in hexadecimal has 64 bytes at most, a signed token some 1,000.
KNOWN_BY = 1024
# Keys up to this number are looked for one after the other, which costs next to nothing each. A request of a real
# producer has one or two, and a server that was told which keys it knows a handful.
_FEW = 16
# More of them are looked for all at once, if they have so many bytes. (A shorter one was given by whoever runs the
# server, as no sender's is taken for a key.)
_SAMPLED_LENGTH = 16
# Then eight bytes of every eight are looked up; a key of 15 bytes or more has eight such in it, wherever it stands.
_GRAM = 8
# What is looked up may stand in many keys, each of which is compared then. One comparison for every two bytes, of text
# and of keys, is more than anything takes that was not made for it; what was is taken for a key as a whole.
_BYTES_PER_COMPARISON = 2
# A key's beginning at the end of what was cut off counts from this length on: replaced, a shorter one would eat text.
_SHORTEST_BEGINNING = 8
# The longest spelling of a byte of a key is an escape of six.
_LONGEST_SPELLING = 6
# In place of the number of a key: the bytes are to be taken for secret, and no part of them is to be shown.
ALL = -1

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_UNRESERVED = re.compile(r"[0-9A-Za-z._~-]*")
# Escapes of characters that nobody needs to escape, so they are nearly never there.
_ESCAPED_UNRESERVED = pattern_of(rb"\\u00(?:2[dDeE]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAfF]|7[0-9aAeE])")
_ENCODED_UNRESERVED = pattern_of(rb"%(?:2[dDeE]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAfF]|7[0-9aAeE])")
# An escape that was cut off, with the first half of a surrogate pair if that is its second half.
_CUT_ESCAPE = pattern_of(rb"(?:\\u[dD][89abAB]\w\w)?\\\w{0,5}\Z|%\w?\Z")


class KeyMatch(NamedTuple):
    """Where a key stands, from ``start`` up to ``end``, and the number of the key, or ``ALL``."""

    start: int
    end: int
    key: int


class KeySearch:
    """Searches bytes for keys. A key is spoken of by its number in the sequence given here.

    Where keys overlap, what is found is told of as one: with the lowest of their numbers.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        plain = [key.encode("utf-8", "surrogateescape") for key in keys]
        self._plain = _Needles([*enumerate(plain), *_in_latin(keys), *_spelled_otherwise(plain)])
        spaced = [(number, text.replace(b"+", b" ")) for number, text in enumerate(plain) if b" " in text]
        # In a query a plus sign stands for a space.
        self._spaced = _Needles(spaced) if spaced else None
        self._unreserved = all(_UNRESERVED.fullmatch(key) is not None for key in keys)

    @cached_property
    def _wide(self) -> _Needles:
        """The keys in UTF-16, which are looked for only where there is a NUL."""
        encodings = ("utf-16-le", "utf-16-be")
        return _Needles([(ALL, key.encode(encoding, "surrogatepass")) for key in self._keys for encoding in encodings])

    def any_in(self, data: bytes) -> bool:
        if self._plain.any_in(data):
            return True
        if b"\0" in data and self._wide.any_in(data):
            return True
        if self._spaced is not None and b"+" in data and self._spaced.any_in(data.replace(b"+", b" ")):
            return True
        return self._may_be_escaped_in(data) and any(
            self._any_said_in(reading.text) for reading in self._readings(data)
        )

    def _any_said_in(self, text: bytes) -> bool:
        return self._plain.any_in(text) or (self._spaced is not None and self._spaced.any_in(text.replace(b"+", b" ")))

    def found_in(self, data: bytes) -> list[KeyMatch]:
        """All places where keys stand, in order; no two of them touch the same byte."""
        if not self.any_in(data):
            return []
        found = [*self._plain.found_in(data)]
        if b"\0" in data:
            found += self._wide.found_in(data)
        if self._spaced is not None:
            found += self._spaced.found_in(data.replace(b"+", b" "))
        for reading in self._readings(data):
            said = [*self._plain.found_in(reading.text)]
            if self._spaced is not None:
                said += self._spaced.found_in(reading.text.replace(b"+", b" "))
            found += reading.written(_apart(said))
        return _apart(found)

    def begun_at_end_of(self, data: bytes) -> int | None:
        """Where in bytes that were cut off the beginning of a key stands at their end; None if none does."""
        start = max(0, len(data) - _LONGEST_SPELLING * (KNOWN_BY + 1))
        tail = data[start:]
        places = [place for end in {tail, _without_cut_escape(tail)} for place in self._begun_at_end_of(end)]
        return start + min(places) if places else None

    def _begun_at_end_of(self, tail: bytes) -> Iterator[int]:
        for reading in (_Reading(tail, ()), *self._readings(tail)):
            for text in {reading.text, _without_cut_escape(reading.text)}:
                begun = [self._plain.begun_at_end_of(text)]
                if self._spaced is not None:
                    begun.append(self._spaced.begun_at_end_of(text.replace(b"+", b" ")))
                for place in begun:
                    if place is not None:
                        (written,) = reading.written([KeyMatch(place, len(text), ALL)])
                        yield written.start

    def _readings(self, data: bytes) -> Iterator[_Reading]:
        """What the data says when escapes are undone, if there are any: those of JSON, those of URLs, and both."""
        if not self._may_be_escaped_in(data):
            return
        from_json = _JSON.undone(data)
        if from_json != data:
            yield _Reading(from_json, ((_JSON, data),))
        if b"%" in data and (from_url := _URL.undone(data)) != data:
            yield _Reading(from_url, ((_URL, data),))
        if from_json != data and b"%" in from_json and (from_both := _URL.undone(from_json)) != from_json:
            yield _Reading(from_both, ((_URL, from_json), (_JSON, data)))

    def _may_be_escaped_in(self, data: bytes) -> bool:
        # A single byte is looked for much faster than several.
        if self._unreserved:
            return (b"\\" in data and b"\\u00" in data and _ESCAPED_UNRESERVED.search(data) is not None) or (
                b"%" in data and _ENCODED_UNRESERVED.search(data) is not None
            )
        return b"\\" in data or b"%" in data


def _without_cut_escape(data: bytes) -> bytes:
    cut = _CUT_ESCAPE.search(data)
    return data if cut is None else data[: cut.start()]


def _in_latin(keys: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    for number, key in enumerate(keys):
        if not key.isascii() and all(ord(character) < 256 for character in key):
            yield number, key.encode("latin-1")


def _spelled_otherwise(keys: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """What programs make of keys: all letters large or small, and base64, wherever in the encoded text a key stands.

    Of base64 those characters are given that stand for nothing but the key. Short keys are left out: what is made of
    them may stand for anything.
    """
    for number, key in enumerate(keys):
        if len(key) < _SAMPLED_LENGTH or len(key) > KNOWN_BY or not key.isascii():
            continue
        yield from ((number, other) for other in {key.upper(), key.lower()} - {key})
        for before in range(3):
            encoded = b64encode(bytes(before) + key)
            first, last = (before * 8 + 5) // 6, (before + len(key)) * 8 // 6
            for other in {encoded, encoded.translate(_URL_SAFE)}:
                yield number, other[first:last]


def _apart(found: Iterable[KeyMatch]) -> list[KeyMatch]:
    """Places in order, those that overlap made one."""
    apart: list[KeyMatch] = []
    for each in sorted(found):
        if apart and each.start < apart[-1].end:
            last = apart[-1]
            apart[-1] = KeyMatch(last.start, max(last.end, each.end), min(last.key, each.key))
        else:
            apart.append(each)
    return apart


class _Escapes(NamedTuple):
    """One way to write characters as escapes: what an escape looks like, and the bytes that it stands for."""

    form: re.Pattern[bytes]
    plain: Callable[[re.Match[bytes]], bytes]

    def undone(self, data: bytes) -> bytes:
        return self.form.sub(self.plain, data)

    def written(self, data: bytes, said: list[KeyMatch]) -> list[KeyMatch]:
        """Where in the data that stands which was found in what it says. Escapes belong to it as a whole."""
        escapes = self._escapes(data)
        escape = next(escapes, None)
        further = 0  # how much further on a place is in the data
        written = []
        for found in said:
            while escape is not None and escape.said_up_to <= found.start:
                further = escape.end - escape.said_up_to
                escape = next(escapes, None)
            within = escape is not None and escape.said_from <= found.start
            start = escape.start if escape is not None and within else found.start + further
            while escape is not None and escape.said_up_to <= found.end:
                further = escape.end - escape.said_up_to
                escape = next(escapes, None)
            within = escape is not None and escape.said_from < found.end
            end = escape.end if escape is not None and within else found.end + further
            written.append(KeyMatch(start, end, found.key))
        return written

    def _escapes(self, data: bytes) -> Iterator[_Escape]:
        shorter = 0
        for match in self.form.finditer(data):
            said_from = match.start() - shorter
            said_up_to = said_from + len(self.plain(match))
            yield _Escape(match.start(), match.end(), said_from, said_up_to)
            shorter = match.end() - said_up_to


class _Escape(NamedTuple):
    """Where an escape stands, and where in what is said that stands which it is for."""

    start: int
    end: int
    said_from: int
    said_up_to: int


class _Reading(NamedTuple):
    """What bytes say when escapes are undone, and how to come back from there: last undone first."""

    text: bytes
    undone: tuple[tuple[_Escapes, bytes], ...]

    def written(self, said: list[KeyMatch]) -> list[KeyMatch]:
        for escapes, data in self.undone:
            said = _apart(escapes.written(data, said))
        return said


def _json_plain(match: re.Match[bytes]) -> bytes:
    if match[4]:
        return match[4]
    if match[3]:
        code = int(match[3], 16)
        # A surrogate that stands alone is no character, and in no key.
        return match[0] if 0xD800 <= code < 0xE000 else chr(code).encode()
    return chr(0x10000 + ((int(match[1], 16) - 0xD800) << 10) + int(match[2], 16) - 0xDC00).encode()


def _url_plain(match: re.Match[bytes]) -> bytes:
    return _BYTES[match[1]]


_HEX_DIGITS = b"0123456789abcdefABCDEF"
_BYTES = {bytes((a, b)): bytes((int(bytes((a, b)), 16),)) for a in _HEX_DIGITS for b in _HEX_DIGITS}
_JSON = _Escapes(
    pattern_of(rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\"\\/]))"),
    _json_plain,
)
_URL = _Escapes(pattern_of(rb"%([0-9a-fA-F]{2})"), _url_plain)


class _Needles:
    """Byte strings that are looked for together, each with the number of its key."""

    def __init__(self, needles: list[tuple[int, bytes]]) -> None:
        long = [(number, needle) for number, needle in needles if len(needle) >= _SAMPLED_LENGTH]
        self._all = needles
        self._many = _ManyNeedles(long) if len(long) > _FEW else None
        self._few = [pair for pair in needles if len(pair[1]) < _SAMPLED_LENGTH] if self._many else needles
        self._heads = [needle[:KNOWN_BY] for _, needle in self._few]

    def any_in(self, data: bytes) -> bool:
        for head in self._heads:
            if head in data:
                return True
        return self._many is not None and self._many.any_in(data)

    def found_in(self, data: bytes) -> Iterator[KeyMatch]:
        for number, needle in self._few:
            head = needle[:KNOWN_BY]
            start = data.find(head)
            while start != -1:
                end = _agreed(data, start, needle)
                yield KeyMatch(start, end, number)
                start = data.find(head, end)
        if self._many is not None:
            yield from self._many.found_in(data)

    def begun_at_end_of(self, data: bytes) -> int | None:
        """Where the beginning of one stands at the end of the data: of those that do the one that stands first."""
        longest = 0
        for _, needle in self._all:
            # From KNOWN_BY on it is found by the search.
            for length in range(min(len(needle), KNOWN_BY) - 1, max(longest, _SHORTEST_BEGINNING - 1), -1):
                if data.endswith(needle[:length]):
                    longest = length
                    break
        return len(data) - longest if longest else None


class _ManyNeedles:
    """Needles of at least 15 bytes, looked for all at once: the work does not grow with their number."""

    def __init__(self, needles: list[tuple[int, bytes]]) -> None:
        self._needles = [(number, needle, needle[:KNOWN_BY]) for number, needle in needles]
        self._size = sum(len(needle) for _, needle in needles)
        # Of the needles' bytes those eight that the look-up meets first, which begin at one of the first eight.
        self._grams: dict[int, list[tuple[int, int]]] = {}
        for index, (_, needle) in enumerate(needles):
            for offset in range(_GRAM):
                gram = int.from_bytes(needle[offset : offset + _GRAM], byteorder)
                self._grams.setdefault(gram, []).append((index, offset))

    def any_in(self, data: bytes) -> bool:
        # The first look is by far the fastest: it is done without a line of Python for each.
        return not self._grams.keys().isdisjoint(_grams_of(data)) and next(self.found_in(data), None) is not None

    def found_in(self, data: bytes) -> Iterator[KeyMatch]:
        left = (len(data) + self._size) // _BYTES_PER_COMPARISON
        ends = [0] * len(self._needles)
        for position, gram in enumerate(_grams_of(data)):
            for index, offset in self._grams.get(gram, ()):
                left -= 1
                if left < 0:
                    yield KeyMatch(0, len(data), ALL)
                    return
                number, needle, head = self._needles[index]
                start = position * _GRAM - offset
                if start >= ends[index] and data.startswith(head, start):
                    ends[index] = _agreed(data, start, needle)
                    yield KeyMatch(start, ends[index], number)


def _grams_of(data: bytes) -> memoryview:
    """Every eight bytes of the data as a number, without what is left at its end."""
    return memoryview(data)[: len(data) // _GRAM * _GRAM].cast("Q")


def _agreed(data: bytes, start: int, needle: bytes) -> int:
    """Up to where the data agrees with a needle whose beginning stands at ``start``."""
    end = start + min(len(needle), KNOWN_BY)
    while end - start < len(needle) and data.startswith(piece := needle[end - start : end - start + KNOWN_BY], end):
        end += len(piece)
    while end - start < len(needle) and data[end : end + 1] == needle[end - start : end - start + 1]:
        end += 1
    return end
