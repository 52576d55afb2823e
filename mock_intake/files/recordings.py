"""Reads recorded events: NDJSON (as the client's file transport writes), a JSON array, events one after the
other, or a directory of such files; gzip is recognised by content.

Streaming: a part of a file is in memory at a time, and every event keeps the text that it was written in.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mock_intake.body.decoding import GZIP_MAGIC

SUFFIXES = (".json", ".ndjson", ".jsonl")
_CHUNK = 1 << 20
# No event is larger than that (bytes): a file without the end of one is not read to its own.
MOST_OF_AN_EVENT = 64 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
PARQUET_MAGIC = b"PAR1"
"""With what a Parquet file begins, and ends."""
_UNPACK = "and gzip is all that is unpacked here. Unpack it first."
# How files begin that are no recordings, and what is said of them. None of them is JSON.
_NO_RECORDINGS = {
    b"SQLite format 3\0": "a SQLite file. A journal is read by mock-intake report, export and replay.",
    PARQUET_MAGIC: "a Parquet file, which mock-intake audit judges.",
    b"(\xb5/\xfd": f"packed by zstd, {_UNPACK}",
    b"\xfd7zXZ\0": f"packed by xz, {_UNPACK}",
    b"PK\x03\x04": f"a zip archive, {_UNPACK}",
    **{b"BZh%d1AY&SY" % level: f"packed by bzip2, {_UNPACK}" for level in range(1, 10)},
}
_BLANK = re.compile(r"[ \t\r\n]*")
_BLANK_OR_COMMA = re.compile(r"[ \t\r\n,]*")


class RecordingError(ValueError):
    """Input that cannot be read at all; the message says which and why."""


class Recorded(NamedTuple):
    """One event as it was recorded: where it stands, and its bytes. ``line`` counts from 1."""

    source: str
    line: int
    body: bytes


Advance = Callable[[int], None]


def files_in(paths: list[Path]) -> list[Path]:
    """The files to read: those named, and those of the directories named. Raises ``RecordingError``."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file() and _is_recording(file))
            if not found:
                raise RecordingError(f"{path}: no file there ends in {', '.join(SUFFIXES)} (or the same with .gz)")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise RecordingError(f"{path}: there is no such file")
    return files


def _is_recording(file: Path) -> bool:
    name = file.name.removesuffix(".gz")
    return name.endswith(SUFFIXES) and not name.startswith(".")


def read_file(file: Path, advance: Advance = lambda _: None) -> Iterator[Recorded]:
    """The events of a file; ``advance`` is told the bytes read since it was last told."""
    try:
        with file.open("rb") as stream:
            yield from read_stream(stream, str(file), advance)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def read_stream(stream: BinaryIO, source: str, advance: Advance = lambda _: None) -> Iterator[Recorded]:
    """The events of an open binary ``stream``, called ``source`` in what is said of them.

    ``advance`` is told the bytes read since it was last told. Raises ``RecordingError`` for a file of SQLite, which is
    a journal and no recording.
    """
    content = opened(stream, source, advance)
    if content.by_lines:
        yield from _lines(content.first, content.rest, source)
    else:
        yield from values(content, source)


class Content(NamedTuple):
    """A recording that was opened: its beginning, unpacked, and the rest of it.

    ``by_lines`` tells that each event stands on a line of its own, ``in_array`` that they are the items of an array;
    ``packed`` that it was compressed, ``skipped`` how many bytes stand before the beginning.
    """

    first: bytes
    rest: BinaryIO
    by_lines: bool
    in_array: bool
    packed: bool
    skipped: int


def opened(stream: BinaryIO, source: str, advance: Advance = lambda _: None) -> Content:
    """Reads the beginning of a recording, and sees what form it has; parameters and errors as in ``read_stream``."""
    counted = _Counted(stream, advance)
    buffered = io.BufferedReader(counted, _CHUNK)
    plain: BinaryIO = buffered
    packed = buffered.peek(2)[:2] == GZIP_MAGIC
    if packed:
        plain = io.BufferedReader(_gunzip(buffered), _CHUNK)
    first = plain.read(_CHUNK)
    for beginning, what in _NO_RECORDINGS.items():
        if first.startswith(beginning):
            raise RecordingError(f"{source}: this is {what}")
    skipped = len(_BYTE_ORDER_MARK) if first.startswith(_BYTE_ORDER_MARK) else 0
    first = first[skipped:]
    start = first.lstrip()[:1]
    in_array = start == b"["
    by_lines = not in_array and not (start == b"{" and _spans_lines(first))
    return Content(first, plain, by_lines, in_array, packed, skipped)


def _gunzip(stream: BinaryIO) -> io.RawIOBase:
    # GzipFile is a raw stream in all but its declared type.
    file: object = gzip.GzipFile(fileobj=stream)
    assert isinstance(file, io.BufferedIOBase)
    return _Raw(file)


class _Raw(io.RawIOBase):
    """A buffered stream seen as a raw one, so that it can be buffered with another size."""

    def __init__(self, inner: io.BufferedIOBase) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        assert isinstance(buffer, memoryview)
        return self._inner.readinto1(buffer)


class _Counted(io.RawIOBase):
    """Tells how much has been read."""

    def __init__(self, stream: BinaryIO, advance: Advance) -> None:
        # What is there already: to wait for more in one call would keep Ctrl-C waiting too.
        self._read_into: Callable[[memoryview], int] | None = getattr(stream, "readinto1", None)
        self._read = stream.read
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        assert isinstance(buffer, memoryview)
        if self._read_into is not None:
            size = self._read_into(buffer)
        else:
            data = self._read(len(buffer))
            buffer[: (size := len(data))] = data
        self._advance(size)
        return size


def _spans_lines(first: bytes) -> bool:
    """Whether a file's first event goes over several lines, as a pretty-printed one does."""
    line, newline, rest = first.lstrip().partition(b"\n")
    if not newline or not rest.strip() or _is_json(line):
        return False
    try:
        text = first.decode("utf-8", "replace").lstrip()
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        # The first event may be larger than what was read; a broken first line fails within it.
        return error.lineno > 1
    except RecursionError:
        return False
    return True


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True


def _lines(first: bytes, stream: BinaryIO, source: str) -> Iterator[Recorded]:
    for number, line in enumerate(_split(first, stream, source), 1):
        if body := line.strip(b" \t\r\n"):
            yield Recorded(source, number, body)


def _split(first: bytes, stream: BinaryIO, source: str) -> Iterator[bytes]:
    """The lines of a stream, without their ends. Raises ``RecordingError`` for one without end."""
    chunk, begun, size, number = first, list[bytes](), 0, 1
    while chunk:
        line, newline, rest = chunk.partition(b"\n")
        begun.append(line)
        size += len(line)
        if size > MOST_OF_AN_EVENT:
            raise without_end(source, number)
        if newline:
            yield b"".join(begun)
            *lines, last = rest.split(b"\n")
            yield from lines
            begun, size, number = [last], len(last), number + 1 + len(lines)
        chunk = stream.read(_CHUNK)
    if size:
        yield b"".join(begun)


def without_end(source: str, line: int) -> RecordingError:
    """The error for what begins at a line and is larger than any event."""
    return RecordingError(
        f"{source}:{line}: what begins there has no end within {MOST_OF_AN_EVENT >> 20} MB, so it is no event"
    )


def values(content: Content, source: str) -> Iterator[Recorded]:
    """The values of an array, or of several values one after the other, each with its own text."""
    reader, in_array = _Text(content.first, content.rest), content.in_array
    decoder = json.JSONDecoder()
    separators = _BLANK_OR_COMMA if in_array else _BLANK
    if in_array:
        reader.skip(_BLANK)
        reader.take(1)
    while True:
        reader.skip(separators)
        if reader.at_end() or (in_array and reader.text.startswith("]", reader.position)):
            return
        while True:
            try:
                _, end = decoder.raw_decode(reader.text, reader.position)
            except (json.JSONDecodeError, RecursionError):
                if len(reader.text) - reader.position > MOST_OF_AN_EVENT:
                    raise without_end(source, reader.line) from None
                if reader.more():
                    continue
                # What follows a broken value cannot be told apart from it.
                line = reader.line
                yield Recorded(source, line, reader.take(len(reader.text) - reader.position).strip().encode())
                return
            # A number at the end of what was read could go on; objects and arrays are closed.
            break
        line = reader.line
        yield Recorded(source, line, reader.take(end - reader.position).encode("utf-8", "surrogateescape"))


class _Text:
    """Text that is read on when more of it is needed, with a place in it and that place's line."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._stream = stream
        self.text = self._decoder.decode(first)
        self.position = 0
        self.line = 1

    def more(self) -> bool:
        """Reads on; false at the end of the stream."""
        # As much again as is there, so that a large value is not parsed over and over.
        chunk = self._stream.read(max(_CHUNK, len(self.text) - self.position))
        if not chunk:
            return False
        self.text = self.text[self.position :] + self._decoder.decode(chunk)
        self.position = 0
        return True

    def at_end(self) -> bool:
        return self.position >= len(self.text) and not self.more()

    def skip(self, pattern: re.Pattern[str]) -> None:
        while True:
            match = pattern.match(self.text, self.position)
            assert match is not None
            self.take(match.end() - self.position)
            if self.position < len(self.text) or not self.more():
                return

    def take(self, length: int) -> str:
        taken = self.text[self.position : self.position + length]
        self.position += length
        self.line += taken.count("\n")
        return taken
