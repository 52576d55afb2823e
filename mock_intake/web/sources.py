"""What pages are made from: the record, what is folded from it, the fault plans, and the settings of the intake."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from mock_intake.faults import Faults
from mock_intake.journal.protocol import Journal, JournalError
from mock_intake.judging.intake import Settings
from mock_intake.producers.paths import Addresses
from mock_intake.views import Counted, Views

# How long a page waits for the views before it says that they are being made, in seconds.
_PATIENCE = 0.15


@dataclass
class Sources:
    """``addresses``: what else the server listens on, for the commands that are shown; its URL is the page's own."""

    journal: Journal
    views: Views
    faults: Faults
    settings: Settings
    addresses: Callable[[], Addresses | None] = lambda: None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def counted(self, org: str | None) -> Counted | None:
        """What was counted so far; None where that is not known yet: pages are shown without it then."""
        found = self.views.counts(org, _PATIENCE / 3)
        if found is None:
            self._begin_to_read()
        return found

    def left_to_read(self) -> int:
        """How many exchanges the views have not seen yet, after some patience; they go on reading meanwhile."""
        left = self.views.catch_up(_PATIENCE)
        if left:
            self._begin_to_read()
        return left

    def _begin_to_read(self) -> None:
        if self._reading.acquire(blocking=False):
            threading.Thread(target=self._read_on, name="mock-intake-views", daemon=True).start()

    def _read_on(self) -> None:
        # A journal that cannot be read says so to whoever looks next.
        with suppress(JournalError):
            while self.views.catch_up(_PATIENCE):
                pass
        self._reading.release()
