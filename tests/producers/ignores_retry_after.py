"""Sends again when it likes, not when it was told to."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Answer, Producer


class IgnoresRetryAfter(Producer):
    def wait(self, attempt: int, answer: Answer | None) -> float | None:
        return super().wait(attempt, answer and answer._replace(headers={}))


sys.exit(IgnoresRetryAfter().run())
