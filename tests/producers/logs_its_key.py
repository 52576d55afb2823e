"""Logs the headers of every request when told to log for debugging."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Answer, Producer, log


class LogsItsKey(Producer):
    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        log.debug("POST %s %s", url, headers)
        return super().post(url, body, headers)


sys.exit(LogsItsKey().run())
