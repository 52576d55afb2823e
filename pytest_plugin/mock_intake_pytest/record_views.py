"""The views of one test's journal, which are asked when its body is over, at its end, and for a summary."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

from mock_intake.datadog.joins import NearMiss
from mock_intake.journal import Journal
from mock_intake.model.findings import Finding, Selection
from mock_intake.views import Run, Views

T = TypeVar("T")


class RecordViews(Views):
    """Views that fold runs, and judge each of them and all datasets, once, until something arrives or is dropped. Safe
    to use from several threads.

    What was found is kept for every run: for a journal of few runs, that is given back soon.
    """

    def __init__(self, journal: Journal, selection: Selection) -> None:
        super().__init__(journal, selection)
        self._judged_journal = journal
        self._judged_at: tuple[int, int, int] | None = None
        self._judged: dict[Hashable, Any] = {}

    def runs(self, org: str | None = None) -> list[Run]:
        """The runs of ``org``, or of all, the latest heard of first."""
        return [*self._once(("runs", org), lambda: super(RecordViews, self).runs(org))]

    def run_findings(self, run: Run, *, closed: bool) -> tuple[Finding, ...]:
        """What the run cycle has to say; ``closed`` when no more events are expected."""

        def found() -> tuple[Run, tuple[Finding, ...]]:
            # With the run itself, which so keeps its identity: of one key there may be another when something arrived.
            return run, super(RecordViews, self).run_findings(run, closed=closed)

        return self._once((id(run), closed), found)[1]

    def judged(self, runs: Iterable[Run], *, closed: bool) -> Iterator[tuple[Run, tuple[Finding, ...]]]:
        """Each of ``runs`` with what ``run_findings`` gives for it."""
        return ((run, self.run_findings(run, closed=closed)) for run in runs)

    def near_misses(self, org: str | None = None) -> list[NearMiss]:
        """Pairs of datasets of ``org``, or of each org, that would not join, and were probably meant to."""
        return self._once(org, lambda: super(RecordViews, self).near_misses(org))

    def _once(self, key: Hashable, find: Callable[[], T]) -> T:
        journal = self._judged_journal
        with self.held():
            # Before judging: what comes in meanwhile may or may not have been judged, and is behind it.
            at = (journal.generation, journal.position, journal.dropped)
            if at != self._judged_at:
                self._judged_at = at
                self._judged.clear()
            if key not in self._judged:
                self._judged[key] = find()
            found: T = self._judged[key]
            return found
