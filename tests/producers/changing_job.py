"""Has another job name for the end of the run."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class ChangingJob(Producer):
    def begin(self) -> None:
        super().begin()
        self.job_name = "load-orders"


sys.exit(ChangingJob().run())
