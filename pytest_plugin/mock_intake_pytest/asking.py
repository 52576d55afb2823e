"""Whether an event is what a test asks for, and in which ways it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mock_intake_pytest.records import Event

Text = str | re.Pattern[str]
JobName = Text | tuple[str, str]


def misses_of(event: Event, wanted: Mapping[str, Any]) -> list[str]:
    """What of the wanted an event does not have, in words."""
    misses = []
    for name, value in wanted.items():
        if value is None:
            continue
        if name == "job":
            if not fits_job(event.job, value):
                misses.append(f"job is {tuple(event.job) if event.job else None}")
            continue
        actual = event.run_id if name == "run" else getattr(event, name)
        if not _fits(actual, value):
            misses.append(f"{name} is {None if actual is None else str(actual)!r}")
    return misses


def _fits(actual: str | None, wanted: Text) -> bool:
    if isinstance(wanted, re.Pattern):
        return actual is not None and wanted.search(actual) is not None
    return actual == wanted


def fits_job(job: tuple[str, str] | None, wanted: JobName | None) -> bool:
    if wanted is None:
        return True
    if job is None:
        return False
    if isinstance(wanted, tuple):
        return job == wanted
    return _fits(job[1], wanted)
