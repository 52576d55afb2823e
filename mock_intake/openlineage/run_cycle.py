"""The life of a run, as it is told from its events in order of arrival: its state, its beginning, its end.

Pure functions of the facts of one run. What is wrong with it is for ``mock_intake.openlineage.rules.runs`` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter

from mock_intake.model.accumulated import BEGINNING, stamp_of
from mock_intake.model.runs import RunEventFact, RunFacts
from mock_intake.model.times import moment, nanoseconds

TERMINAL = ("COMPLETE", "ABORT", "FAIL")
# Runs with one of these processing types need not end.
ENDLESS = ("STREAMING", "SERVICE")


def state_of(run: RunFacts) -> str | None:
    """The state of ``run``: its first terminal event, else RUNNING or START, else OTHER, else None."""
    types = [event.event_type for event in run.events]
    for event_type in types:
        if event_type in TERMINAL:
            return event_type
    return next((known for known in ("RUNNING", "START", "OTHER") if known in types), None)


def started_at(run: RunFacts) -> str | None:
    return next((event.event_time for event in run.events if event.event_type == "START"), None)


def ended_at(run: RunFacts) -> str | None:
    return next((event.event_time for event in run.events if event.event_type in TERMINAL), None)


def nanoseconds_of(run: RunFacts) -> int | None:
    """From START's eventTime to the terminal event's; None unless both can be read and compared."""
    start = end = None
    for event in run.events:
        if start is None and event.event_type == "START":
            start = event
        elif end is None and event.event_type in TERMINAL:
            end = event
    if start is None or end is None:
        return None
    began, ended = moment(start.event_time), moment(end.event_time)
    if began is None or ended is None or (began.tzinfo is None) != (ended.tzinfo is None):
        return None
    first, last = nanoseconds(start.event_time), nanoseconds(end.event_time)
    return None if first is None or last is None else last - first


def duration(run: RunFacts) -> timedelta | None:
    """As ``nanoseconds_of``, to the microsecond."""
    found = nanoseconds_of(run)
    return None if found is None else timedelta(microseconds=found // 1_000)


def seconds(run: RunFacts) -> float | None:
    """As ``nanoseconds_of``, in seconds."""
    found = nanoseconds_of(run)
    return None if found is None else found / 1_000_000_000


def has_reached(run: RunFacts, state: str) -> bool:
    """Whether ``run`` is in ``state`` or was in it before; an end is final, whatever came behind it."""
    return state_of(run) == state or (state not in TERMINAL and any(event.event_type == state for event in run.events))


def parent_of(events: Sequence[RunEventFact]) -> RunEventFact | None:
    """The event with the parent facet that counts, the latest one; None where there is none."""
    # All runs are asked for it again and again, and a loop is the fastest.
    found: RunEventFact | None = None
    for event in events:
        if event.parent_run_id is not None:
            if found is not None and _names_above(found) != _names_above(event):
                return _latest_parent(events)
            found = event
        if event.snapshot:
            return _latest_parent(events)
    return found


def _names_above(event: RunEventFact) -> tuple[object, ...]:
    return (event.parent_run_id, event.parent_job, event.root_run_id, event.root_job)


def _latest_parent(events: Sequence[RunEventFact]) -> RunEventFact | None:
    """As all facets are folded: ``mock_intake.model.accumulated``."""
    stamped = [(stamp_of(event.event_time, number), event) for number, event in enumerate(events)]
    floor = max((stamp for stamp, event in stamped if event.snapshot), default=BEGINNING)
    named = [one for one in stamped if one[1].parent_run_id is not None and one[0] >= floor]
    return max(named, key=itemgetter(0))[1] if named else None
