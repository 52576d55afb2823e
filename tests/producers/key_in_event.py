"""Sends its environment along, key and all."""

from __future__ import annotations

import sys
from typing import Any

from tests.producers.well_behaved import Producer, facet


class KeyInEvent(Producer):
    def event(self, event_type: str, run_facets: dict[str, Any]) -> dict[str, Any]:
        variables = [{"name": "MOCK_INTAKE_KEY", "value": self.key}]
        sent = facet("EnvironmentVariablesRunFacet", "1-0-0", environmentVariables=variables)
        return super().event(event_type, {**run_facets, "environmentVariables": sent})


sys.exit(KeyInEvent().run())
