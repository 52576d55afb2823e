"""Has no transport configured, as happens to many: the events go to the console."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer


class SendsNothing(Producer):
    def emit(self, event_type: str, **run_facets: Any) -> None:
        sys.stdout.buffer.write(self.body(self.event(event_type, run_facets)) + b"\n")


sys.exit(SendsNothing().run())
