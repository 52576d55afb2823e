"""On a worker: closes runs in their own block, where it has all that rules ask for.

Most runs begin and end in one block, and so does the run that started them. What comes out holds unless another block
has events of one of these runs too: ``SettledRun.asks`` are those that its rules asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mock_intake.audit.handles import handle_of_key
from mock_intake.files.blocks import Block
from mock_intake.judging.blocks import JudgedBlock, RunEvent, SeenRun, is_plain
from mock_intake.judging.closing import ClosedRun, Closing
from mock_intake.judging.ledger import KnownRun, Line, Rest
from mock_intake.model.findings import Selection
from mock_intake.model.runs import Job, run_id_key
from mock_intake.views.group import DigestOf

# What is asked for is made anew for each that asks, so runs of more events are left to those who keep it.
_MOST_EVENTS = 100


class _NotHereError(Exception):
    """A rule asked for what a block alone cannot tell."""


class SettledRun(NamedTuple):
    """A run as it is closed, and the handles of the others on which that depends."""

    closed: ClosedRun
    asks: list[bytes]


class Settling:
    """The runs of one block, of which ``made`` was made."""

    def __init__(self, made: JudgedBlock, block: Block, selection: Selection) -> None:
        self._in_block = _InBlock(made, block)
        self._selection = selection
        # Of these more is known when all blocks are judged.
        self._named = {key for key, *_ in made.names}

    def settled(self, seen: SeenRun) -> SettledRun | None:
        """A run that is closed here; None where it cannot be, or is not the only one with its id."""
        if seen.key in self._named or seen.repeats or len(seen.jobs) != 1:
            return None
        self._in_block.others.clear()
        # A new one each time, as it does not ask again for what it was given before.
        closing = Closing(self._in_block, self._selection)
        try:
            [closed] = closing.close_runs(KnownRun(seen.key, seen.events, seen.found, is_plain=True))
        except _NotHereError:
            return None
        return SettledRun(closed, sorted(map(handle_of_key, self._in_block.others - {seen.key})))


class _InBlock:
    """A ledger with the runs of one block (``ledger.RunsKept``)."""

    def __init__(self, made: JudgedBlock, block: Block) -> None:
        self._runs = {seen.key: seen for seen in made.runs}
        self._block = block
        self.others: set[str] = set()
        self.rest = Rest((), {}, {})

    def events(self, run_id: str) -> list[RunEvent]:
        """The events with a run id. Raises ``_NotHereError`` where the block has none, or they are no plain run."""
        key = run_id_key(run_id)
        seen = self._runs.get(key)
        if seen is None or len(seen.events) > _MOST_EVENTS or not is_plain(seen.events):
            raise _NotHereError
        self.others.add(key)
        return seen.events

    def unfinished(self, job: Job, most: int) -> Iterable[tuple[str, list[RunEvent]]]:
        """Other blocks may have more runs of a job: raises ``_NotHereError``."""
        raise _NotHereError(job, most)

    def body(self, event: RunEvent) -> bytes:
        """The bytes of an event."""
        return self._block.body(event.part.start, event.part.size)

    def line(self, event: RunEvent) -> Line:
        """Where an event stands."""
        return self._block.source, event.part.line

    def digests(self, events: Sequence[RunEvent]) -> DigestOf:
        """A run with an event twice is no plain one: raises ``_NotHereError``."""
        raise _NotHereError(events)
