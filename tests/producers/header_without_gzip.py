"""Says that it compresses, and does not."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Producer


class HeaderWithoutGzip(Producer):
    def headers(self) -> dict[str, str]:
        return {**super().headers(), "Content-Encoding": "gzip"}


sys.exit(HeaderWithoutGzip().run())
