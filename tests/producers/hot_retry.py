"""Sends again six times at once, also what was refused for good."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Answer, Producer


class HotRetry(Producer):
    attempts = 6

    def wait(self, attempt: int, answer: Answer | None) -> float | None:
        if answer is not None and answer.status >= 500:
            return super().wait(attempt, answer)
        return 0.0


sys.exit(HotRetry().run())
