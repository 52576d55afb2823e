"""Recordings in blocks: some events each, to be judged by themselves, in whatever process.

Where a block begins and ends follows from the recording alone. Lines of a plain file stay where they are, and are read
there again when they are needed; what was unpacked, or came from standard input, is copied to a ``Spool``.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from msgspec import Struct

from mock_intake.files.recordings import (
    MOST_OF_AN_EVENT,
    Advance,
    Content,
    Recorded,
    RecordingError,
    opened,
    values,
    without_end,
)

# So many bytes a block has, and the end of its last event; enough that most runs begin and end within one.
SIZE = 1 << 21
# The first blocks are held in memory, so many bytes of them in all: for most recordings nothing is copied.
_HELD_BLOCKS = 4
HELD = _HELD_BLOCKS * SIZE
_WHITE = b" \t\r\n"


# Made for each event, as are those of the judgement.
class Part(Struct, frozen=True, gc=False, array_like=True):
    """An event within a block: its line in the recording, where its bytes begin in the block, and how many it has."""

    line: int
    start: int
    size: int


class Block(NamedTuple):
    """Some events of ``source``, one after the other.

    ``parts`` says where each is; without, they are lines of NDJSON, the first being the ``line``. The bytes are
    ``data``, or those of ``file`` from ``start`` on, ``size`` of them.
    """

    source: str
    line: int
    size: int
    data: bytes | None
    file: str | None = None
    start: int = 0
    parts: tuple[Part, ...] | None = None

    def read(self) -> bytes:
        """The bytes of all its events. Raises ``RecordingError`` where the file has become another meanwhile."""
        return self.data if self.data is not None else self._read(0, self.size)

    def held(self) -> Block:
        """The same block, its bytes in memory; raises as ``read`` does."""
        return self if self.data is not None else self._replace(data=self.read())

    def body(self, start: int, size: int) -> bytes:
        """The bytes of one event; raises as ``read`` does."""
        return self._read(start, size) if self.data is None else self.data[start : start + size]

    def _read(self, start: int, size: int) -> bytes:
        assert self.file is not None
        try:
            with open(self.file, "rb", buffering=0) as stream:  # noqa: PTH123 - a name that is bytes as well as text
                data = os.pread(stream.fileno(), size, self.start + start)
        except OSError as error:
            raise RecordingError(f"{self.source}: {error.strerror or error}") from error
        if len(data) < size:
            raise RecordingError(f"{self.source}: it became shorter while it was read")
        return data

    def events(self) -> Iterator[tuple[Part, bytes]]:
        """Each event with its bytes; raises as ``read`` does."""
        data = self.read()
        if self.parts is not None:
            for part in self.parts:
                yield part, data[part.start : part.start + part.size]
            return
        # One after the other: all at once they would be another copy of the block, and push out of the processor's
        # caches what was parsed.
        start, line, size = 0, self.line, len(data)
        while start < size:
            end = data.find(b"\n", start)
            text = data[start : end if end >= 0 else size]
            body = text.strip(_WHITE)
            if body:
                before = 0 if len(body) == len(text) else len(text) - len(text.lstrip(_WHITE))
                yield Part(line, start + before, len(body)), body
            start += len(text) + 1
            line += 1


class Spool:
    """A file for the bytes of blocks that stand in no file as they are."""

    def __init__(self, file: Path) -> None:
        self._name = str(file)
        # Other processes read it: nothing waits to be written.
        self._file = file.open("xb", buffering=0)
        self._end = 0

    def kept(self, block: Block) -> Block:
        """The same block, with its bytes in a file. Raises ``RecordingError`` where there is no room for them."""
        if block.file is not None or block.data is None:
            return block._replace(data=None)
        start = self._end
        try:
            if self._file.write(block.data) < len(block.data):  # the last bytes that there was room for
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise RecordingError(
                f"{self._name}: {error.strerror or error}: set TMPDIR to where there is room"
            ) from error
        self._end += block.size
        return block._replace(data=None, file=self._name, start=start)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def blocks_of_file(file: Path, advance: Advance = lambda _: None, size: int = SIZE) -> Iterator[Block]:
    """The blocks of a file, each of about ``size`` bytes; ``advance`` is told the bytes read since it was last told.

    Raises ``RecordingError``.
    """
    try:
        with file.open("rb") as stream:
            yield from blocks_of_stream(stream, str(file), advance, file if file.is_file() else None, size)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def blocks_of_stream(
    stream: BinaryIO, source: str, advance: Advance = lambda _: None, file: Path | None = None, size: int = SIZE
) -> Iterator[Block]:
    """The blocks of an open binary stream, called ``source``; ``file`` where it is one that can be read again.

    ``advance`` is told the bytes read since it was last told. Raises ``RecordingError``.
    """
    content = opened(stream, source, advance)
    if not content.by_lines:
        yield from blocks_of(values(content, source), size)
        return
    there = None if content.packed or file is None else str(file)
    yield from _lines(_pieces(content, size), source, there, content.skipped, _HELD_BLOCKS * size)


def blocks_of(recorded: Iterable[Recorded], size: int = SIZE) -> Iterator[Block]:
    """Recorded events in blocks, each of one source and so many bytes, or a little more."""
    parts: list[Part] = []
    bodies: list[bytes] = []
    source, end = "", 0
    for one in recorded:
        if parts and (one.source != source or end >= size):
            yield _block(source, parts, bodies)
            parts, bodies, end = [], [], 0
        source = one.source
        parts.append(Part(one.line, end, len(one.body)))
        bodies.append(one.body)
        end += len(one.body)
    if parts:
        yield _block(source, parts, bodies)


def _block(source: str, parts: list[Part], bodies: list[bytes]) -> Block:
    data = b"".join(bodies)
    return Block(source, parts[0].line, len(data), data, parts=tuple(parts))


def _pieces(content: Content, size: int) -> Iterator[bytes]:
    for start in range(0, len(content.first), size):
        yield content.first[start : start + size]
    while piece := content.rest.read(size):
        yield piece


def _lines(pieces: Iterable[bytes], source: str, file: str | None, start: int, held: int) -> Iterator[Block]:
    """The lines of a recording, in blocks of whole ones. Raises ``RecordingError`` for one without end.

    What stands in a ``file`` is read again there beyond its first ``held`` bytes: where its lines end is all that is
    asked of it here.
    """
    begun, size, line = list[bytes](), 0, 1
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if size + (piece.find(b"\n") if end else len(piece)) > MOST_OF_AN_EVENT:
            raise without_end(source, line)
        is_held = file is None or start < held
        if is_held:
            begun.append(piece[:end] if end else piece)
        size += end or len(piece)
        if end:
            yield Block(source, line, size, b"".join(begun) if is_held else None, file, start)
            line += piece.count(b"\n", 0, end)
            start += size
            begun, size = [piece[end:]], len(piece) - end
    if size:
        yield Block(source, line, size, b"".join(begun) if file is None or start < held else None, file, start)
