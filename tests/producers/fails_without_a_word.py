"""Says FAIL, and not why."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class FailsWithoutAWord(Producer):
    def fail(self) -> None:
        self.emit("FAIL")


sys.exit(FailsWithoutAWord().run())
