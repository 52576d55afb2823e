"""The views of one test's journal, whose runs are asked about when its body is over, at its end, and for a summary."""

from __future__ import annotations

from mock_intake.journal import Journal
from mock_intake.model.findings import Finding, Selection
from mock_intake.views import Run, Views


class RecordViews(Views):
    """Views that judge each run once, until something arrives or is dropped. Safe to use from several threads.

    What was found is kept for every run: for a journal of few runs, that is given back soon.
    """

    def __init__(self, journal: Journal, selection: Selection) -> None:
        super().__init__(journal, selection)
        self._judged_journal = journal
        self._judged_at: tuple[int, int, int] | None = None
        # With the run itself, which so keeps its identity: of one key there may be another when something has arrived.
        self._judged: dict[tuple[int, bool], tuple[Run, tuple[Finding, ...]]] = {}

    def run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """What the run cycle has to say; ``closed`` when no more events are expected."""
        journal = self._judged_journal
        with self.held():
            # Before judging: what comes in meanwhile may or may not have been judged, and is behind it.
            at = (journal.generation, journal.position, journal.dropped)
            if at != self._judged_at:
                self._judged_at = at
                self._judged.clear()
            known = self._judged.get((id(run), closed))
            if known is None:
                known = self._judged[id(run), closed] = (run, super().run_findings(run, closed=closed))
            return known[1]
