"""Whether an event is what a test looks for, and in which ways it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias, get_args
from uuid import UUID

from mock_intake.model.event import Kind
from mock_intake.model.findings import Status
from mock_intake.model.runs import run_id_key
from mock_intake.secrets.presenting import presented
from mock_intake_pytest.records import Event

Word: TypeAlias = str | Enum | re.Pattern[str]
RunId: TypeAlias = Word | UUID
JobName: TypeAlias = Word | tuple[str, str]

# What an eventType can be, and so a run's state.
_STATES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")
_KNOWN: Mapping[str, Sequence[str]] = {
    "event_type": _STATES,
    "state": _STATES,
    "status": tuple(Status),
    "kind": get_args(Kind),
}
_FORMS = {
    "job": "a text, a pattern or (namespace, name)",
    "run_id": "a text, a pattern or a UUID",
    "state": "a text or several of them",
}


def criteria(**wanted: Any) -> dict[str, Any]:
    """What a test looks for, as texts and patterns: members of enumerations and UUIDs, as clients have them, are texts.

    Raises ``TypeError`` for what no event can be compared with, ``ValueError`` for a word that no event can have:
    neither would ever be found. A pattern finds what is outside the standard too.
    """
    __tracebackhide__ = True
    plain = {}
    # No comprehension: it would show as a step of its own on the way to the failure.
    for name, value in wanted.items():
        plain[name] = _criterion(name, value)
    return plain


def _criterion(name: str, value: Any) -> Any:
    __tracebackhide__ = True
    plain = as_text(value)
    if name == "job" and isinstance(plain, tuple) and len(plain) == 2:
        plain = tuple(as_text(each) for each in plain)
        if all(isinstance(each, str) for each in plain):
            return plain
    if plain is not None and not isinstance(plain, str | re.Pattern):
        raise TypeError(f"{name} is {_FORMS.get(name, 'a text or a pattern')}, not {value!r}")
    words = _KNOWN.get(name)
    if words is not None and isinstance(plain, str) and plain not in words:
        raise ValueError(f"{name} is one of {', '.join(words)}, not {plain!r}")
    return plain


def as_text(value: Any) -> Any:
    """The text that a member of an enumeration or a UUID stands for in an event; anything else as it is."""
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, UUID) else value


def states_of(state: Word | Iterable[Word]) -> tuple[str, ...]:
    """The states of a run that a test waits for, one or several; raises as ``criteria`` does."""
    __tracebackhide__ = True
    plain = as_text(state)
    if isinstance(plain, str | re.Pattern) or not isinstance(plain, Iterable):
        plain = (plain,)
    states = tuple(as_text(each) for each in plain)
    for each in states:
        if not isinstance(each, str):
            raise TypeError(f"state is {_FORMS['state']}, not {each!r}")
        criteria(state=each)
    if not states:
        raise ValueError(f"state is one of {', '.join(_STATES)}, or several of them; none is asked for")
    return states


def number_of(events: Any) -> int:
    """How many events a test waits for. Raises ``TypeError``."""
    __tracebackhide__ = True
    if not isinstance(events, int) or isinstance(events, bool):
        raise TypeError(f"events is a number of events, not {events!r}")
    return events


def misses_of(event: Event, wanted: Mapping[str, Any]) -> list[str]:
    """What of the wanted an event does not have, in words."""
    misses = []
    for name, value in wanted.items():
        if value is None:
            continue
        if name == "job":
            if not fits_job(event.job, value):
                misses.append(f"job is {tuple(map(presented, event.job)) if event.job else None}")
            continue
        actual = getattr(event, name)
        if not (_fits_id if name == "run_id" else _fits)(actual, value):
            misses.append(f"{name} is {None if actual is None else presented(str(actual))!r}")
    return misses


def _fits(actual: str | None, wanted: Any) -> bool:
    if isinstance(wanted, re.Pattern):
        return actual is not None and wanted.search(actual) is not None
    return bool(actual == wanted)


def _fits_id(actual: str | None, wanted: Any) -> bool:
    """As ``_fits``; UUIDs in upper and in lower case are the same."""
    if actual is not None and isinstance(wanted, str):
        return run_id_key(actual) == run_id_key(wanted)
    return _fits(actual, wanted)


def fits_run(run_id: str, wanted: Any) -> bool:
    """Whether a run id is the one wanted; ``wanted`` is as ``criteria`` gives it, None for any."""
    return wanted is None or _fits_id(run_id, wanted)


def fits_job(job: tuple[str, str] | None, wanted: Any) -> bool:
    """Whether a job is the one wanted, by its name or by both; ``wanted`` is as ``criteria`` gives it, None for any."""
    if wanted is None:
        return True
    if job is None:
        return False
    if isinstance(wanted, tuple):
        return job == wanted
    return _fits(job[1], wanted)


def fits_any_job(jobs: Sequence[tuple[str, str]], wanted: Any) -> bool:
    """Whether one of a run's jobs is the one wanted, as ``fits_job``."""
    return wanted is None or any(fits_job(job, wanted) for job in jobs)
