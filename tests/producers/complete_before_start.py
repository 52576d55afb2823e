"""Sends what it has noted when the job is over, the last first."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer, log


class CompleteBeforeStart(Producer):
    def __init__(self) -> None:
        super().__init__()
        self.noted: list[bytes] = []

    def begin(self) -> None:
        self.emit("START")

    def emit(self, event_type: str, **run_facets: Any) -> None:
        self.noted.append(self.body(self.event(event_type, run_facets)))

    def close(self) -> None:
        while self.noted:
            if not self.deliver(self.noted.pop()):
                log.error("an event was lost")


sys.exit(CompleteBeforeStart().run())
