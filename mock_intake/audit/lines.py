"""On a worker: judges the lines of one partition, in blocks, and gives what was made of them as files.

Spark gives the lines of a split one after the other, and several splits in a partition. Each is judged as
``mock_intake.judging.blocks`` judges any block; which lines make a block follows from the split alone.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from mock_intake.audit.block_rows import added
from mock_intake.audit.internal import SPLIT, rows_of
from mock_intake.audit.parts import PartFiles
from mock_intake.audit.settings import JudgingSettings, judge_of
from mock_intake.files.blocks import Block, Part, blocks_of_stream
from mock_intake.files.exports import is_exchange_line
from mock_intake.files.recordings import MOST_OF_AN_EVENT, RecordingError
from mock_intake.judging.blocks import judge_block
from mock_intake.judging.judgement import Judge
from mock_intake.system.collector import rare_collections

# Larger than on one machine: what begins and ends within a block need not be brought together again.
BLOCK = 16 << 20
_MOST_EVENTS = 1 << 20
_WHITE = b" \t\r\n"


class Task(NamedTuple):
    """What judging a line depends on: the settings, when all arrived, and the names of files by their paths."""

    settings: JudgingSettings
    arrived: datetime
    files: dict[str, tuple[int, str]]
    """By path, as ``plain_path`` has it: the file's number, and what it is called in what is said of it."""
    block: int = BLOCK
    """So many bytes a block has, or a little more."""


def plain_path(path: str) -> str:
    """A path as all parts of Spark write it: they differ in how many slashes follow a scheme without a host."""
    scheme, separator, rest = path.partition(":/")
    return f"{scheme}:/{rest.lstrip('/')}" if separator and scheme == "file" else path


def judged_lines(task: Task, batches: Iterable[Any]) -> Iterator[Any]:
    """Judges lines: ``batches`` have path, start of the split, and the line; and its number, where it is no text."""
    with rare_collections():
        judge, files = judge_of(task.settings), PartFiles()
        split: _Split | None = None
        for path, start, value, line in rows_of(batches):
            if split is None or split.path != path or split.start != start:
                if split is not None:
                    yield from split.end()
                split = _Split(task, judge, files, path, start)
            yield from split.add(value, line)
        if split is not None:
            yield from split.end()
        yield from files.files()


def judged_files(task: Task, batches: Iterable[Any]) -> Iterator[Any]:
    """Judges files that cannot be split: ``batches`` have path and content."""
    with rare_collections():
        judge, files = judge_of(task.settings), PartFiles()
        for path, content in rows_of(batches):
            split = _Split(task, judge, files, path, 0)
            try:
                for block in blocks_of_stream(io.BytesIO(content), split.name, size=task.block):
                    yield from split.judged(block)
            except RecordingError as error:
                split.fail(None, str(error))
            except (OSError, EOFError, zlib.error) as error:
                split.fail(None, f"{split.name}: {getattr(error, 'strerror', None) or error}")
            yield from split.end()
        yield from files.files()


class _Split:
    """The lines of a split, and how many blocks and lines it has so far."""

    def __init__(self, task: Task, judge: Judge, files: PartFiles, path: str, start: int) -> None:
        self.path = path
        self.start = start
        self.number, self.name = task.files[plain_path(path)]
        self._arrived = task.arrived
        self._most = task.block
        self._judge = judge
        self._files = files
        self._blocks = 0
        self._lines = 0
        self._begin()

    def _begin(self) -> None:
        self._parts: list[Part] = []
        self._bodies: list[bytes] = []
        self._size = 0

    def add(self, value: bytes | None, line: int | None) -> Iterator[Any]:
        """Takes the next line; ``line`` is its number where that is known, else it counts from the split's first."""
        body = b"null" if value is None else value
        if line is None:
            self._lines += 1
            line = self._lines
            body = body.strip(_WHITE)
            if not body:
                return
        if len(body) > MOST_OF_AN_EVENT:
            self.fail(line, f"what begins there has no end within {MOST_OF_AN_EVENT >> 20} MB, so it is no event")
            return
        self._parts.append(Part(line, self._size, len(body)))
        self._bodies.append(body)
        self._size += len(body)
        if self._size >= self._most or len(self._parts) >= _MOST_EVENTS:
            yield from self._flush()

    def end(self) -> Iterator[Any]:
        """Judges what is left, and tells how large the split is."""
        yield from self._flush()
        self._files.add(SPLIT, {"block": [self._blocks], "count": [self._lines]}, file=self.number, start=self.start)

    def fail(self, line: int | None, problem: str) -> None:
        """Says why the recording cannot be judged; of a problem at a line, without source and line."""
        self._files.add(
            SPLIT, {"message": [problem]}, file=self.number, start=self.start, block=0, count=0, line=line,
            source=self.name, number=self._blocks,
        )  # fmt: skip

    def _flush(self) -> Iterator[Any]:
        if self._parts:
            block = Block(self.name, self._parts[0].line, self._size, b"".join(self._bodies), parts=tuple(self._parts))
            self._begin()
            yield from self.judged(block)

    def judged(self, block: Block) -> Iterator[Any]:
        """Judges a block of the split; gives what is enough for files."""
        made = judge_block(self._judge, self._arrived, self._blocks, block)
        if made.problem is not None:
            part, _ = next(each for each in block.events() if is_exchange_line(each[1]))
            self.fail(part.line, EXCHANGE)
        place = {"file": self.number, "start": self.start, "block": self._blocks, "source": self.name}
        for _ in added(self._files, made, block, self._judge.selection, place):
            if self._files.is_full:
                yield from self._files.files()
        self._blocks += 1


EXCHANGE = "exchange"
"""The problem of a line that is a whole exchange, whose words are ``is_an_exchange``'s."""
