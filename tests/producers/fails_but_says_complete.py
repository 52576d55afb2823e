"""Emits COMPLETE in a finally block, whatever has happened."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class FailsButSaysComplete(Producer):
    def fail(self) -> None:
        self.succeed()


sys.exit(FailsButSaysComplete().run())
