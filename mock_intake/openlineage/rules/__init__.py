"""The rules of the standard, each with its words and its code in one place."""

from __future__ import annotations

from mock_intake.openlineage.rules.table import EVENTS, RUNS

__all__ = ["EVENTS", "RUNS"]
