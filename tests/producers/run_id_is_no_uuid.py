"""Names its runs by job and day."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class RunIdIsNoUuid(Producer):
    def __init__(self) -> None:
        super().__init__()
        self.run_id = "load_orders-2026-11-01"


sys.exit(RunIdIsNoUuid().run())
