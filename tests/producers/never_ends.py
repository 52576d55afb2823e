"""Tells of the beginning only."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class NeverEnds(Producer):
    def succeed(self) -> None:
        pass

    def fail(self) -> None:
        pass


sys.exit(NeverEnds().run())
