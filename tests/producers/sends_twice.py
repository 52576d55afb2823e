"""Has two transports for the same intake."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class SendsTwice(Producer):
    def deliver(self, body: bytes) -> bool:
        taken = super().deliver(body)
        return super().deliver(body) and taken


sys.exit(SendsTwice().run())
