"""What the endpoints of the control API work on."""

from __future__ import annotations

import asyncio
import threading

from mock_intake.faults import Faults
from mock_intake.journal import Journal, JournalError
from mock_intake.model.words import counted
from mock_intake.server.access import Access
from mock_intake.server.change_signal import ChangeSignal
from mock_intake.server.ingest.budget import Budget
from mock_intake.server.making import Making
from mock_intake.server.workers import Workers
from mock_intake.views import Views

# Each of them takes the interpreter from the loop for moments, when it is busy; so there are few.
_WORKERS = 4


class Control:
    """One journal with its views and fault plans, who may use them, and the threads in which they are asked.

    Views and journals take their time where much is on record, and a disk takes its own; the loop, in which events come
    in, never waits for them. So everything here is asked in ``workers``, but what ``Endpoint.on_loop`` says.
    """

    def __init__(
        self,
        journal: Journal,
        views: Views,
        faults: Faults,
        access: Access,
        changes: ChangeSignal,
        max_decoded: int = 20 * 1024 * 1024,
        budget: Budget | None = None,
    ) -> None:
        self.journal = journal
        self.views = views
        self.faults = faults
        self.access = access
        self.changes = changes
        # The largest body that is imported, in bytes, decoded.
        self.max_decoded = max_decoded
        self.budget = budget
        self.workers = Workers(_WORKERS, "mock-intake-control")
        # Of its own: that it is asked says whether others would have to wait.
        self.readiness = Workers(1, "mock-intake-readiness")
        # What is made of bodies, and answers: within the budget.
        self.making = Making(self.workers, budget)
        # How many requests are waiting for something to come in.
        self.waiting = 0
        # One import at a time: each looks first which exchanges are there already.
        self.importing = asyncio.Lock()
        self._ending = threading.Event()

    def dropped_hint(self) -> str:
        """What is to be said of retention where something was not found; begins with a space, if it is anything."""
        dropped = self.journal.dropped
        return f" Retention has dropped {counted(dropped, 'exchange')}; it may have been in there." if dropped else ""

    def go_on(self) -> None:
        """Raises ``JournalError`` where the server is ending, which what takes long must not hold up."""
        if self._ending.is_set():
            raise JournalError("The server is ending.")

    def close(self) -> None:
        """Returns when nothing is asked any more."""
        self._ending.set()
        self.workers.close()
        self.readiness.close()
        # There may be another life.
        self._ending.clear()
