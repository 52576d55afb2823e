"""Makes a new runId for the end of the run."""

from __future__ import annotations

import sys
import uuid

from tests.producers.well_behaved import Producer


class TwoRunIds(Producer):
    def begin(self) -> None:
        super().begin()
        self.run_id = str(uuid.uuid4())


sys.exit(TwoRunIds().run())
