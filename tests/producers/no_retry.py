"""Gives up after one attempt."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class NoRetry(Producer):
    attempts = 1


sys.exit(NoRetry().run())
