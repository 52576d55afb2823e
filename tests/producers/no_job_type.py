"""Leaves out what Datadog requires: the jobType facet."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer


class NoJobType(Producer):
    def event(self, event_type: str, run_facets: dict[str, Any]) -> dict[str, Any]:
        event = super().event(event_type, run_facets)
        del event["job"]["facets"]
        return event


sys.exit(NoJobType().run())
