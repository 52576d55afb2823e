"""On a worker: judges the lines of one partition, in blocks, and takes what was made of them apart into rows.

Spark gives the lines of a split one after the other, and several splits in a partition. Each is judged as
``mock_intake.judging.blocks`` judges any block; which lines make a block follows from the split alone.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from mock_intake.audit.bodies import packed
from mock_intake.audit.handles import BODIES, OF_JOB, handle_of_run
from mock_intake.audit.internal import (
    DATASET,
    EVENT,
    FINDING_OF_EVENT,
    FINDING_OF_RUN,
    JUDGED,
    NAME,
    RUN,
    SPLIT,
    SYMLINKS,
    WITHOUT_RUN,
    Rows,
    columns_of,
    columns_of_closed,
    identity,
    rows_of,
)
from mock_intake.audit.settings import JudgingSettings, judge_of
from mock_intake.audit.settling import Settling
from mock_intake.files.blocks import Block, Part, blocks_of_stream
from mock_intake.files.exports import is_exchange_line
from mock_intake.files.recordings import MOST_OF_AN_EVENT, RecordingError
from mock_intake.judging.blocks import JudgedBlock, SeenRun, index_of, judge_block
from mock_intake.judging.judgement import Judge
from mock_intake.model.accumulated import Stamp, stamp_of
from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Status
from mock_intake.openlineage.run_cycle import parent_of
from mock_intake.openlineage.runs import is_decided
from mock_intake.system.collector import rare_collections

# Larger than on one machine: what begins and ends within a block need not be brought together again.
BLOCK = 16 << 20
_MOST_EVENTS = 1 << 20
_WHITE = b" \t\r\n"
encoded = msgspec.msgpack.Encoder().encode


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
        judge, rows = judge_of(task.settings), Rows(JUDGED)
        split: _Split | None = None
        for path, start, value, line in rows_of(batches):
            if split is None or split.path != path or split.start != start:
                if split is not None:
                    yield from split.end()
                split = _Split(task, judge, rows, path, start)
            yield from split.add(value, line)
        if split is not None:
            yield from split.end()
        yield from rows.batches()


def judged_files(task: Task, batches: Iterable[Any]) -> Iterator[Any]:
    """Judges files that cannot be split: ``batches`` have path and content."""
    with rare_collections():
        judge, rows = judge_of(task.settings), Rows(JUDGED)
        for path, content in rows_of(batches):
            split = _Split(task, judge, rows, path, 0)
            try:
                for block in blocks_of_stream(io.BytesIO(content), split.name, size=task.block):
                    yield from split.judged(block)
            except RecordingError as error:
                split.fail(None, str(error))
            except (OSError, EOFError, zlib.error) as error:
                split.fail(None, f"{split.name}: {getattr(error, 'strerror', None) or error}")
            yield from split.end()
        yield from rows.batches()


class _Split:
    """The lines of a split, and how many blocks and lines it has so far."""

    def __init__(self, task: Task, judge: Judge, rows: Rows, path: str, start: int) -> None:
        self.path = path
        self.start = start
        self.number, self.name = task.files[plain_path(path)]
        self._arrived = task.arrived
        self._most = task.block
        self._judge = judge
        self._rows = rows
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
        self._rows.add(part=SPLIT, file=self.number, start=self.start, block=self._blocks, count=self._lines)

    def fail(self, line: int | None, problem: str) -> None:
        """Says why the recording cannot be judged; of a problem at a line, without source and line."""
        self._rows.add(
            part=SPLIT, file=self.number, start=self.start, block=0, count=0, line=line, source=self.name,
            message=problem, number=self._blocks,
        )  # fmt: skip

    def _flush(self) -> Iterator[Any]:
        if self._parts:
            block = Block(self.name, self._parts[0].line, self._size, b"".join(self._bodies), parts=tuple(self._parts))
            self._begin()
            yield from self.judged(block)

    def judged(self, block: Block) -> Iterator[Any]:
        """Judges a block of the split; gives batches that are full."""
        made = judge_block(self._judge, self._arrived, self._blocks, block)
        for _ in self._rows_of(block, made):
            if self._rows.is_full:
                yield from self._rows.batches()
        self._blocks += 1

    def _rows_of(self, block: Block, made: JudgedBlock) -> Iterator[None]:
        """Adds the rows of a block, and stops behind each."""
        place = {"file": self.number, "start": self.start, "block": self._blocks}
        if made.problem is not None:
            part, _ = next(each for each in block.events() if is_exchange_line(each[1]))
            self.fail(part.line, EXCHANGE)
        yield from self._rows_of_events(place, made)
        yield from self._rows_of_runs(place, made, block)
        yield from self._rows_of_the_rest(place, made)

    def _rows_of_events(self, place: dict[str, int], made: JudgedBlock) -> Iterator[None]:
        rows = self._rows
        for index, event in enumerate(made.events):
            named = identity(event.event)
            status = Status.ERROR if event.event is None else event.event.status
            rows.add(
                part=EVENT, **place, number=index, line=event.line, source=self.name, **named, status=status.value,
                event_time=event.event.event_time if event.event else None,
                producer=event.event.producer if event.event else None, count=len(event.findings),
            )  # fmt: skip
            for order, finding in enumerate(event.findings):
                rows.add(
                    part=FINDING_OF_EVENT, **place, number=index, count=order, line=event.line, source=self.name,
                    **named, **columns_of(finding),
                )  # fmt: skip
            yield

    def _rows_of_runs(self, place: dict[str, int], made: JudgedBlock, block: Block) -> Iterator[None]:
        rows = self._rows
        settling = Settling(made, block, self._judge.selection)
        for seen in made.runs:
            of_run = packed([block.body(event.part.start, event.part.size) for event in seen.events])
            settled = settling.settled(seen)
            if settled is None:
                rows.add(part=RUN, **place, **columns_of_run(seen, guessed_asks(seen)), bodies=of_run)
                rows.weigh(len(of_run))
                yield
                continue
            closed = settled.closed
            columns = {**columns_of_closed(closed), "source": self.name, "line": closed.line[1]}
            rows.add(part=RUN, **place, **columns_of_run(seen, settled.asks), **columns, bodies=of_run)
            rows.weigh(len(of_run))
            yield
            heard = seen.events[-1].position
            named = {name: columns[name] for name in ("source", "line", "run_id", "job_namespace", "job_name")}
            for order, finding in enumerate(closed.findings):
                rows.add(
                    part=FINDING_OF_RUN, **place, key=seen.key, heard=heard, count=order, **named, **columns_of(finding)
                )
                yield

    def _rows_of_the_rest(self, place: dict[str, int], made: JudgedBlock) -> Iterator[None]:
        rows = self._rows
        # The last event at a line stands for it: an array may have them all in one.
        numbers = {event.line: index for index, event in enumerate(made.events)}
        for index, dataset in enumerate(made.datasets):
            last = None if dataset.line is None else numbers[dataset.line]
            rows.add(
                part=DATASET, **place, number=index, heard=last, line=dataset.line, payload=encoded(dataset.id),
                count=dataset.events,
            )  # fmt: skip
            yield
        # Of each dataset the latest, as others of the block count for nothing.
        latest: dict[DatasetId, tuple[Stamp, int, bytes]] = {}
        for dataset_id, position, time, identifiers in made.symlinks:
            stamp = stamp_of(time, position)
            known = latest.get(dataset_id)
            if known is None or known[0] <= stamp:
                latest[dataset_id] = stamp, index_of(position), encoded((time, identifiers))
        for dataset_id, (_, index, payload) in latest.items():
            rows.add(part=SYMLINKS, **place, number=index, payload=payload, dataset=encoded(dataset_id))
            yield
        for index, (key, *name) in enumerate(made.names):
            rows.add(part=NAME, **place, number=index, key=key, payload=encoded(name))
            yield
        for one in made.without_run:
            event = made.events[one.number]
            rows.add(
                part=WITHOUT_RUN, **place, number=one.number, line=event.line, source=self.name,
                **identity(event.event), payload=None if one.job is None else encoded(one.job), count=int(one.is_open),
            )  # fmt: skip
            yield


EXCHANGE = "exchange"
"""The problem of a line that is a whole exchange, whose words are ``is_an_exchange``'s."""


def columns_of_run(seen: SeenRun, asks: Iterable[bytes]) -> dict[str, Any]:
    """The columns of a run id: what was made of it, what others will ask it for, and what it asks for itself."""
    return {
        "key": seen.key,
        "heard": seen.events[-1].position,
        "payload": encoded(seen),
        "jobs": [
            {"job": encoded(one.job), "heard": one.heard, "begins": one.begins, "unfinished": one.unfinished}
            for one in seen.jobs
        ],
        "asks": list(asks),
    }


def guessed_asks(seen: SeenRun) -> Iterator[bytes]:
    """The handles of what rules will ask for, as far as that can be guessed: who closes the run asks for what lacks."""
    if all(map(is_decided, seen.found)):
        return
    facts = [event.fact for event in seen.events]
    parents = {parent_of([fact for fact in facts if fact.job == job.job]) for job in seen.jobs}
    for run_id in {each.parent_run_id for each in parents if each is not None and each.parent_run_id}:
        yield handle_of_run(run_id)
    for one in seen.jobs:
        if one.unfinished:
            yield OF_JOB + encoded(one.job)
    # Whether one without a START was to have one is for its facets to say.
    if all(fact.event_type != "START" for fact in facts):
        yield BODIES
