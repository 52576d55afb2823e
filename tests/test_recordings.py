"""Recorded events are read from whatever form they come in, with the lines that they stand on."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_intake.files.recordings import Recorded, RecordingError, files_in, read_file, read_stream
from tests.events import run_event

START, COMPLETE = run_event("START"), run_event("COMPLETE")

Values = list[dict[str, object]]


def read(data: bytes) -> list[Recorded]:
    return list(read_stream(io.BytesIO(data), "f"))


def values_of(recorded: list[Recorded]) -> Values:
    return [json.loads(body) for _, _, body in recorded]


def ndjson(events: Values) -> bytes:
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


PACKED: dict[str, bytes] = {
    "packed by bzip2": bz2.compress(orjson.dumps(START)),
    "packed by xz": lzma.compress(orjson.dumps(START)),
    "packed by zstd": b"(\xb5/\xfd\x04\x00" + bytes(20),
    "a zip archive": b"PK\x03\x04\x14\x00" + bytes(20),
    "a Parquet file, which mock-intake audit judges": b"PAR1\x15\x04" + bytes(20),
}


@pytest.mark.parametrize("what", PACKED)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_of_another_kind_is_named_and_no_line_of_it_is_judged(what: str, pack: Callable[[bytes], bytes]) -> None:
    """They were hundreds of events that are no JSON."""
    with pytest.raises(RecordingError, match=f"^f: this is {what}"):
        read(pack(PACKED[what]))


FORMS: dict[str, Callable[[Values], bytes]] = {
    "ndjson": ndjson,
    "ndjson without the last newline": lambda events: ndjson(events).rstrip(),
    "ndjson with blank lines and CRLF": lambda events: b"\r\n\r\n" + ndjson(events).replace(b"\n", b"\r\n\r\n"),
    "array on one line": orjson.dumps,
    "array, pretty": lambda events: json.dumps(events, indent=2).encode(),
    "pretty events, one after the other": lambda events: b"\n".join(json.dumps(e, indent=1).encode() for e in events),
    "with a byte order mark": lambda events: b"\xef\xbb\xbf" + ndjson(events),
}


class _Endless(io.RawIOBase):
    """Begins as a file does, and never comes to an end of what it has begun."""

    def __init__(self, beginning: bytes, unit: bytes) -> None:
        self._beginning = beginning
        self._unit = unit
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = (self._beginning + self._unit * (size // len(self._unit) + 1))[:size]
        self._beginning = b""
        self.given += len(data)
        return data


@pytest.mark.parametrize(
    ("beginning", "unit", "line"),
    [(b'{"a": "', b"x", 1), (b'{}\n{}\n{"a": "', b"x", 3), (b"[\n{},\n[", b"1,", 3), (b"{\n", b'"a": [ ', 1)],
    ids=["a line", "the third line", "a value of an array", "an event over lines"],
)
def test_a_file_without_end_is_not_read_to_its_end(
    beginning: bytes, unit: bytes, line: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_intake.files.recordings.MOST_OF_AN_EVENT", 4 << 20)
    stream = _Endless(beginning, unit)
    with pytest.raises(RecordingError, match=rf"^f:{line}: what begins there has no end within 4 MB"):
        list(read_stream(cast("BinaryIO", stream), "f"))
    assert stream.given < 32 << 20


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("events", [[START], [START, COMPLETE], [START, COMPLETE] * 3000], ids=len)
def test_every_form_gives_the_same_events(form: str, compressed: bool, events: Values) -> None:
    data = FORMS[form](events)
    assert values_of(read(gzip.compress(data, 1) if compressed else data)) == events


def test_lines_are_those_of_the_file() -> None:
    pretty = json.dumps([START, COMPLETE], indent=2)
    second = next(number for number, line in enumerate(pretty.splitlines(), 1) if line == "  {" and number > 2)
    assert [line for _, line, _ in read(pretty.encode())] == [2, second]
    assert [line for _, line, _ in read(b"\n" + ndjson([START]) + b"\n" + ndjson([COMPLETE]))] == [2, 4]


def test_the_text_of_an_event_is_kept_as_written() -> None:
    written = b'{"a": 1.50, "b":"\\u0041\\/",  "a": 2}'
    assert [body for _, _, body in read(b"[" + written + b", " + written + b"]")] == [written, written]
    assert [body for _, _, body in read(written + b"\n")] == [written]


def test_a_broken_line_is_one_of_the_lines() -> None:
    recorded = read(ndjson([START]) + b"{broken\n" + ndjson([COMPLETE]))
    assert [(line, body[:7]) for _, line, body in recorded] == [(1, b'{"event'), (2, b"{broken"), (3, b'{"event')]


def test_a_broken_first_line_does_not_hide_the_others() -> None:
    recorded = read(b"{broken\n" + ndjson([START, COMPLETE]))
    assert [line for _, line, _ in recorded] == [1, 2, 3]


def test_a_broken_element_ends_an_array_and_is_told() -> None:
    recorded = read(b"[\n" + orjson.dumps(START) + b",\n{broken,\n" + orjson.dumps(COMPLETE) + b"]")
    assert [line for _, line, _ in recorded] == [2, 3]
    assert recorded[1].body.startswith(b"{broken")


def test_invalid_utf_8_is_kept_for_the_judge() -> None:
    assert [body for _, _, body in read(b'{"a": "\xff"}\n')] == [b'{"a": "\xff"}']
    assert [body for _, _, body in read(b'[{"a": "\xff"}]')] == [b'{"a": "\xff"}']


@pytest.mark.parametrize("data", [b"", b"\n \n", gzip.compress(b"", mtime=0), b"[]", b"[ ]\n"])
def test_nothing_in_it_gives_no_events(data: bytes) -> None:
    assert read(data) == []


def test_truncated_gzip_is_unusable_and_named(tmp_path: Path) -> None:
    file = tmp_path / "events.gz"
    file.write_bytes(gzip.compress(ndjson([START] * 100))[:-20])
    with pytest.raises(RecordingError, match=r"events\.gz: "):
        list(read_file(file))


def test_directories_are_searched_for_recordings(tmp_path: Path) -> None:
    wanted = [tmp_path / "a.json", tmp_path / "b.ndjson", tmp_path / "sub" / "c.jsonl.gz"]
    (tmp_path / "sub").mkdir()
    for file in [*wanted, tmp_path / "notes.txt", tmp_path / ".hidden.json"]:
        file.write_bytes(b"{}")
    assert files_in([tmp_path]) == wanted
    assert files_in([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]


def test_missing_files_and_empty_directories_are_unusable(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no such file"):
        files_in([tmp_path / "no.json"])
    with pytest.raises(RecordingError, match="no file there ends in"):
        files_in([tmp_path])


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson([START] * 5000))
    steps: list[int] = []
    assert len(list(read_file(file, steps.append))) == 5000
    assert sum(steps) == file.stat().st_size
    assert len([step for step in steps if step]) > 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
# Not empty: an event of one line is what tells events on lines from events over several lines.
EVENTS = st.lists(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=4), min_size=1, max_size=5)


@given(EVENTS, st.data())
def test_any_events_come_out_as_they_went_in(events: Values, data: st.DataObject) -> None:
    form = FORMS[data.draw(st.sampled_from(list(FORMS)))]
    assert values_of(read(form(events))) == events
