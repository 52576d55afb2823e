"""Lets the job fail when an event could not be sent."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer


class DiesWhenDown(Producer):
    def emit(self, event_type: str, **run_facets: Any) -> None:
        event = self.event(event_type, run_facets)
        if not self.deliver(self.body(event)):
            raise RuntimeError(f"{event_type} was lost")


sys.exit(DiesWhenDown().run())
