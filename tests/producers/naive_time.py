"""Sends its local time, without saying which one that is."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class NaiveTime(Producer):
    def now(self) -> str:
        return super().now().removesuffix("+00:00")


sys.exit(NaiveTime().run())
