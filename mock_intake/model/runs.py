"""The facts of a run by which it is judged: its events in order of arrival, and what arrived again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mock_intake.system.patterns import pattern_of

# Namespace and name, each None where the event has no such text.
Job = tuple[str | None, str | None]

_UUID = pattern_of(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def run_id_key(run_id: str) -> str:
    """What ``run_id`` is compared by: UUIDs in upper and in lower case are the same (RFC 9562, section 4)."""
    lower = run_id.lower()
    return lower if lower != run_id and _UUID.fullmatch(lower) else run_id


def spellings_of(run_id: str) -> tuple[str, ...]:
    """The ways in which ``run_id`` may be written, itself first: a UUID also in lower and in upper case."""
    if not _UUID.fullmatch(run_id.lower()):
        return (run_id,)
    return tuple(dict.fromkeys((run_id, run_id.lower(), run_id.upper())))


class RunEventFact(NamedTuple):
    """What the run cycle needs to know of one accepted event. ``job`` is (namespace, name).

    The ``parent`` and ``root`` fields are what its parent facet names; ``parent_run_id`` is empty where there is one
    that names no run. ``snapshot`` tells that the event stands for itself; ``run_id`` is as the event has it.
    """

    event_id: str
    event_type: str | None
    event_time: str | None
    job: Job
    processing_type: str | None
    parent_run_id: str | None
    parent_job: tuple[str, str] | None = None
    root_run_id: str | None = None
    root_job: tuple[str, str] | None = None
    snapshot: bool | None = None
    run_id: str | None = None


class Repeat(NamedTuple):
    """An event that was accepted once more; ``excused`` by a fault or a lost answer of the attempt before.

    ``rewritten`` tells that it is the same JSON value in other bytes: with keys in another order, or other blanks.
    """

    event_id: str
    event_type: str | None
    excused: bool
    rewritten: bool = False


class RunFacts(NamedTuple):
    """The events of one run in order of arrival, each once, and what was accepted again.

    ``incomplete`` tells that retention may have dropped earlier events of it, so that what is missing says nothing.
    """

    run_id: str
    events: Sequence[RunEventFact]
    repeats: Sequence[Repeat] = ()
    incomplete: bool = False
