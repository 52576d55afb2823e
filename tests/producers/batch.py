"""Sends every event as a list of one."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer


class Batch(Producer):
    def body(self, event: dict[str, Any]) -> bytes:
        return b"[" + super().body(event) + b"]"


sys.exit(Batch().run())
