"""The real clocks, also where a test has frozen time.

Libraries that freeze time replace the clocks that modules hold by name; the server runs in the same process as such
tests, and must go on: its waits end, and what it received carries the time at which it did.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class _Clocks:
    """Held by a class, where nothing that freezes time looks for them."""

    monotonic = staticmethod(time.monotonic)
    now = datetime.now


def monotonic() -> float:
    """Seconds from a point in the past."""
    return _Clocks.monotonic()


def utc_now() -> datetime:
    return _Clocks.now(UTC)
