"""Sends its key as other intakes of Datadog take it."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class KeyInWrongHeader(Producer):
    def headers(self) -> dict[str, str]:
        return {"DD-API-KEY": self.key, "Content-Type": "application/json"}


sys.exit(KeyInWrongHeader().run())
