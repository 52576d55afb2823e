"""Processes that judge a recording beside this one: blocks of it, and then its runs.

They are copies of this process (fork), made once the rules and schemas are there; where that cannot be done safely,
there are none (``mock_intake.system.processors``).
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from mock_intake.files.blocks import Block
from mock_intake.files.recordings import RecordingError
from mock_intake.judging.closing import ClosedRun, Closing
from mock_intake.judging.judgement import Judge
from mock_intake.judging.ledger import LedgerReader
from mock_intake.judging.rows import BlockRows, judge_rows
from mock_intake.system.parents import ending_with_us

# Of each worker so many tasks are under way or wait to be taken: one more than it works on.
_AHEAD = 2
_encoded = msgspec.msgpack.Encoder().encode
_block = msgspec.msgpack.Decoder(BlockRows).decode
_runs = msgspec.msgpack.Decoder(list[ClosedRun]).decode
T = TypeVar("T")


class Workers:
    """So many processes, until the end of the block; ``arrived`` is when all events are said to have been received."""

    def __init__(self, judge: Judge, arrived: datetime, number: int) -> None:
        self._most = number * _AHEAD
        # What is there already is looked through by no collection of garbage any more, and so stays shared.
        gc.freeze()
        self._pool = ProcessPoolExecutor(
            number,
            multiprocessing.get_context("fork"),
            initializer=_begin,
            initargs=(_Worker(judge, arrived), ending_with_us()),
        )

    def __enter__(self) -> Workers:
        try:
            # Ctrl-C between the first process and the last would leave some that nobody knows, and wait for them.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._pool.submit(int)  # begins all
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends them; what is under way is gone through to its end."""
        self._pool.shutdown(cancel_futures=True)
        gc.unfreeze()

    def judged(self, blocks: Iterable[tuple[int, Block]]) -> Iterator[tuple[Block, BlockRows]]:
        """What is made of each block, in their order. Raises ``RecordingError``."""
        tasks = ((block, self._pool.submit(_judge, number, block)) for number, block in blocks)
        for block, made in self._ahead(tasks):
            yield block, _block(made)

    def closed(self, ledger: Path, starts: Iterable[int], most: int, *, silent: bool) -> Iterator[list[ClosedRun]]:
        """The runs of a ledger that is sealed, in their order, as ``Closing.close`` gives them from each of ``starts``
        on. Raises ``RecordingError``.
        """
        tasks = ((heard, self._pool.submit(_close, ledger, heard, most, silent)) for heard in starts)
        for _, made in self._ahead(tasks):
            yield _runs(made)

    def _ahead(self, tasks: Iterable[tuple[T, Future[bytes]]]) -> Iterator[tuple[T, bytes]]:
        """Tasks with what comes of each; a few are under way before they are asked for."""
        waiting: deque[tuple[T, Future[bytes]]] = deque()
        try:
            for task in tasks:
                waiting.append(task)
                if len(waiting) > self._most:
                    what, future = waiting.popleft()
                    yield what, future.result()
            while waiting:
                what, future = waiting.popleft()
                yield what, future.result()
        except BrokenProcessPool as error:
            raise RecordingError(
                "A worker was ended, as the system does where memory runs out: --jobs 1 needs less of it."
            ) from error


class _Worker:
    """What a worker works with."""

    def __init__(self, judge: Judge, arrived: datetime) -> None:
        self._judge = judge
        self._arrived = arrived
        # Kept from task to task, as are the runs that it has read.
        self._closing: tuple[LedgerReader, Closing] | None = None

    def judge(self, number: int, block: Block) -> bytes:
        return _encoded(judge_rows(self._judge, self._arrived, number, block))

    def close(self, ledger: Path, heard: int, most: int, silent: bool) -> bytes:
        if self._closing is None:
            reader = LedgerReader.of_file(ledger)
            self._closing = reader, Closing(reader, self._judge.selection)
        reader, closing = self._closing
        return _encoded(list(closing.close(reader.runs(heard, most, silent=silent), silent=silent)))


_own: _Worker | None = None


def _begin(worker: _Worker, ending: Callable[[], None] | None) -> None:
    """The beginning of a worker: it ends with who made it, and leaves Ctrl-C to that."""
    global _own
    _own = worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if ending is not None:
        ending()


def _judge(number: int, block: Block) -> bytes:
    assert _own is not None
    return _own.judge(number, block)


def _close(ledger: Path, heard: int, most: int, silent: bool) -> bytes:
    assert _own is not None
    return _own.close(ledger, heard, most, silent)
