"""A heartbeat that nobody stops: RUNNING after COMPLETE."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class RunsAfterTheEnd(Producer):
    def close(self) -> None:
        self.emit("RUNNING")


sys.exit(RunsAfterTheEnd().run())
