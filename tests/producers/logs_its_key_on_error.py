"""Prints its credentials when the intake is down, in base64 as it would send them for Basic."""

from __future__ import annotations

import base64
import sys

from tests.producers.well_behaved import Answer, Producer


class LogsItsKeyOnError(Producer):
    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            return super().post(url, body, headers)
        except ConnectionRefusedError:
            sys.stdout.write(f"refused: {base64.b64encode(f'producer:{self.key}'.encode()).decode()}\n")
            raise


sys.exit(LogsItsKeyOnError().run())
