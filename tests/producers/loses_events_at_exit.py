"""Sends from a thread, and does not wait for it for long when the job is over."""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any

from tests.producers.well_behaved import Producer


class LosesEventsAtExit(Producer):
    def __init__(self) -> None:
        super().__init__()
        self.queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.send_all, daemon=True)
        self.thread.start()

    def send_all(self) -> None:
        while (event := self.queue.get()) is not None:
            self.deliver(self.body(event))

    def emit(self, event_type: str, **run_facets: Any) -> None:
        self.queue.put(self.event(event_type, run_facets))

    def close(self) -> None:
        self.queue.put(None)
        self.thread.join(0.9)


sys.exit(LosesEventsAtExit().run())
