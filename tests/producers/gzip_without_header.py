"""Compresses, and does not say so."""

from __future__ import annotations

import gzip
import sys
from typing import Any

from tests.producers.well_behaved import Producer


class GzipWithoutHeader(Producer):
    def body(self, event: dict[str, Any]) -> bytes:
        return gzip.compress(super().body(event))


sys.exit(GzipWithoutHeader().run())
