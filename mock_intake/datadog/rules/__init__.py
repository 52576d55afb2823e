"""The rules of Datadog's documentation, each with its words and its code in one place."""

from __future__ import annotations

from mock_intake.datadog.rules.table import DATASETS, EVENTS, REQUESTS

__all__ = ["DATASETS", "EVENTS", "REQUESTS"]
