"""Never looks whether an answer is a refusal: what was not taken is as good as sent to it."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer


class TakesAllForSuccess(Producer):
    def emit(self, event_type: str, **run_facets: Any) -> None:
        self.deliver(self.body(self.event(event_type, run_facets)))


sys.exit(TakesAllForSuccess().run())
