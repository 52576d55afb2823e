"""Sends again when Retry-After says, however late that is."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class WaitsForAnHour(Producer):
    longest_wait = 1e9


sys.exit(WaitsForAnHour().run())
