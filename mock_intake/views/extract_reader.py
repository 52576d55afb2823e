"""Reads a journal for views: their extracts of it where those are kept, and what is not from the exchanges."""

from __future__ import annotations

from contextlib import suppress

from mock_intake.journal.protocol import EXTRACTS_IN_BLOCK, Journal, JournalError
from mock_intake.views.event_lineage import SharedValues
from mock_intake.views.extracts import Extract, extract

Extracts = list[tuple[int, Extract]]
"""What was taken of exchanges, each with its position, oldest first."""

# So many values that events have in common are remembered.
_MOST_SHARED = 50_000


class ExtractReader:
    """Extracts of a journal's exchanges, read as ``Journal.read`` reads those.

    What has been read of all bodies in a block of positions is handed to the journal, to be kept for whoever comes
    later: a replica that starts reads those, a tenth of what the bodies are, and parses nothing.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._store = journal.extracts
        self._kept = SharedValues()
        # Of which block there were none when that was looked for last.
        self._absent = -1
        # Of which block all was gathered so far, up to a position, while nothing was forgotten; what there was.
        self._gathered: tuple[int, int, int, Extracts] | None = None

    def read(self, after: int, limit: int, *, gather: bool) -> Extracts:
        """What there is behind the position ``after``, of ``limit`` exchanges or so; none only where there are no more.

        ``gather`` where what bodies say is asked of all of it, so that it may as well be kept.
        """
        if self._store is None:
            return [(position, extract(exchange)) for position, exchange in self._journal.read(after, limit)]
        number = after // EXTRACTS_IN_BLOCK
        if number != self._absent:
            if found := self._load(number, after):
                return found
            self._absent = number
        generation = self._journal.generation if gather else 0
        found = [(position, extract(exchange)) for position, exchange in self._journal.read(after, limit)]
        if gather and found:
            self._gather(after, found, generation)
        return found

    def _load(self, number: int, after: int) -> Extracts:
        # Where a journal keeps nothing of the kind, as in memory, that is not waited for.
        from mock_intake.views import extract_blocks

        assert self._store is not None
        content = self._store.load(number, extract_blocks.form())
        if content is None:
            return []
        self._renew_kept()
        try:
            return [one for one in extract_blocks.decoded(content, self._kept) if one[0] > after]
        except ValueError:  # whatever happened to it: the exchanges are there
            return []

    def _gather(self, after: int, found: Extracts, generation: int) -> None:
        """Takes what was read behind ``after`` into the block that it is of, and has that kept once it is whole."""
        self._renew_kept()
        number, until, of_generation, there = self._gathered or (-1, -1, -1, [])
        if (until, of_generation) != (after, generation):
            there = []
        for position, taken in found:
            if (at := (position - 1) // EXTRACTS_IN_BLOCK) != number:
                self._keep(number, there, generation)
                number, there = at, []
            # What no view can take is told where it is folded. A block that lacks it is not taken by the journal.
            with suppress(Exception):
                if taken.event is not None and taken.accepted:
                    taken.said(self._kept)
                there.append((position, taken))
        until = found[-1][0]
        if until % EXTRACTS_IN_BLOCK == 0:
            self._keep(number, there, generation)
            there = []
        self._gathered = number, until, generation, there

    def _keep(self, number: int, there: Extracts, generation: int) -> None:
        """Hands a block to the journal, which takes it if nothing of it is missing; another may have done it before."""
        from mock_intake.views import extract_blocks

        assert self._store is not None
        # Views are read, whatever becomes of this.
        with suppress(JournalError):
            if there and self._store.load(number, extract_blocks.form()) is None:
                # A text that cannot be encoded is none that anybody sees.
                with suppress(UnicodeEncodeError):
                    content = extract_blocks.encoded(there, self._kept)
                    self._store.keep(number, extract_blocks.form(), content, len(there), generation)

    def _renew_kept(self) -> None:
        if len(self._kept) > _MOST_SHARED:
            self._kept = SharedValues()
