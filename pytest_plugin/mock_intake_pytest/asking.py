"""Whether an event is what a test asks for, and in which ways it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from mock_intake.event import Kind
from mock_intake.findings import Status
from mock_intake_pytest.records import Event

Text = str | re.Pattern[str]
JobName = Text | tuple[str, str]


_KNOWN: Mapping[str, Sequence[str]] = {
    "type": ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"),
    "status": tuple(Status),
    "kind": get_args(Kind),
}


def check_asked(wanted: Mapping[str, Any]) -> None:
    """Raises ``ValueError`` for a word that no event can have: asked for by mistake, it would never be found.

    A pattern asks for what is outside the standard.
    """
    __tracebackhide__ = True
    for name, words in _KNOWN.items():
        value = wanted.get(name)
        if isinstance(value, str) and value not in words:
            raise ValueError(f"{name} is one of {', '.join(words)}, not {value!r}")


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
