"""Makes the event anew for every attempt, with a new eventTime."""

from __future__ import annotations

import sys
import time
from typing import Any

from tests.producers.well_behaved import Producer, log


class BuildsAgain(Producer):
    attempts = 1

    def emit(self, event_type: str, **run_facets: Any) -> None:
        for _ in range(4):
            if self.deliver(self.body(self.event(event_type, run_facets))):
                return
            time.sleep(1.0)
        log.error("%s was lost", event_type)


sys.exit(BuildsAgain().run())
