"""Sends again until it is taken, whatever the answer is, twenty times a second."""

from __future__ import annotations

import sys

from tests.producers.well_behaved import Answer, Producer


class RetriesForEver(Producer):
    attempts = 1_000_000

    def wait(self, attempt: int, answer: Answer | None) -> float | None:  # noqa: ARG002 - whatever it is
        return 0.05


sys.exit(RetriesForEver().run())
