"""What breaks a rule of the catalogue, and as far as can be no other."""

from __future__ import annotations

from mock_intake.fake.broken.catalogue import (
    ALSO,
    UNBREAKABLE,
    broken_event,
    broken_events,
    broken_requests,
)
from mock_intake.fake.broken.requests import Request

__all__ = ["ALSO", "UNBREAKABLE", "Request", "broken_event", "broken_events", "broken_requests"]
