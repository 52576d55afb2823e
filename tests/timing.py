"""Bounds on time that a machine that is busy with something else keeps too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SOON = 10.0
"""Seconds. What is done soon usually takes a tenth of one; what is waited for in vain takes longer, or has no end."""


@contextmanager
def in_time(seconds: float = SOON) -> Iterator[None]:
    """What is done within it takes less than so long."""
    began = time.monotonic()
    yield
    taken = time.monotonic() - began
    assert taken < seconds, f"it took {taken:.1f} s"
