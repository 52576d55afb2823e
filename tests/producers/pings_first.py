"""Looks for a health check that the intake does not have."""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

from tests.producers.well_behaved import Producer


class PingsFirst(Producer):
    def begin(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme == "http":
            try:
                connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
                connection.request("GET", "/api/v1/namespaces")
                connection.getresponse()
            except OSError:
                pass
        super().begin()


sys.exit(PingsFirst().run())
