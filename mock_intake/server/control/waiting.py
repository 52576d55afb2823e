"""Waiting until something has come in: a long poll."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import thread_time
from typing import Any

from msgspec.structs import replace
from starlette.responses import Response

from mock_intake.journal import EventFilter
from mock_intake.model.findings import Status
from mock_intake.model.runs import Job, run_id_key, spellings_of
from mock_intake.openlineage import run_cycle
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import BadRequestError, Call
from mock_intake.server.responses import answer
from mock_intake.system.clock import monotonic
from mock_intake.views import Run
from mock_intake.views.run import JobFilter

# What was waited for did not come in time. No client sends a request again by itself that was answered so, as some do
# after 408 and 504: each would wait as long again.
TIME_IS_UP = 409
MAX_WAIT = 300.0
MAX_EVENTS = 10**15 - 1
DEFAULT_WAIT = 10.0
STATES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
_FIELDS = ("org", "events", "job", "run_id", "state", "event_type", "status", "timeout")
# How many of the runs that fit are named in the answer.
_MOST_RUNS = 20
# How long (seconds) a wait goes on after whoever waits has gone.
_PATIENCE = 1.0
# Looking what is there takes its time on a large record: all who wait take a tenth of the server's at most. Counted
# is the time of the processor: how long a busy machine kept the server waiting says nothing about what a look costs.
_COURTESY = 9


@dataclass(frozen=True)
class Wanted:
    """What is waited for: so many events that fit, and, with ``state``, a run that fits and has reached it.

    ``timeout`` is in seconds.
    """

    which: EventFilter
    events: int
    state: str | None
    timeout: float

    @classmethod
    def read(cls, call: Call, meant: Callable[[str], str]) -> Wanted:
        """What a request asks for; ``meant`` gives the name for what is shown of it. Raises ``BadRequestError``."""
        body = call.json()
        if not isinstance(body, dict):
            raise BadRequestError('The body is an object such as {"events": 2, "timeout": 5}.')
        for name in body:
            if name not in _FIELDS:
                raise BadRequestError(f"There is no field {str(name)[:30]!r}; there are {', '.join(_FIELDS)}.")
        for name in ("org", "job", "run_id", "event_type"):
            if not isinstance(body.get(name, ""), str):
                raise BadRequestError(f"{name} is a text.")
        if body.get("org") == "":
            raise BadRequestError("org is empty; leave it out where it does not matter.")
        if "state" in body and body["state"] not in STATES:
            raise BadRequestError(f"state is one of {', '.join(STATES)}, not {str(body['state'])[:30]!r}.")
        timeout = body.get("timeout", DEFAULT_WAIT)
        if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 <= timeout <= MAX_WAIT:
            raise BadRequestError(f"timeout is a number of seconds from 0 to {MAX_WAIT:g}.")
        events = body.get("events", 0 if "state" in body else 1)
        if not isinstance(events, int) or isinstance(events, bool) or not 0 <= events <= MAX_EVENTS:
            raise BadRequestError(f"events is a number from 0 to {MAX_EVENTS}.")
        status = body.get("status")
        if "status" in body and status not in list(Status):
            raise BadRequestError(f"status is one of {', '.join(Status)}.")
        which = EventFilter(
            org=body.get("org", call.org),
            status=None if status is None else Status(status),
            event_type=body.get("event_type"),
            job_name=meant(body["job"]) if "job" in body else None,
            run_id=meant(body["run_id"]) if "run_id" in body else None,
        )
        return cls(which, events, body.get("state"), float(timeout))


async def wait(control: Control, call: Call) -> Response:
    """Answers 200 as soon as what is wanted is there, 409 with what is there instead when the time is up."""
    wanted = await control.workers.run(Wanted.read, call, control.views.meant)
    began = monotonic()
    control.waiting += 1
    try:
        reached = await _came(control, call, wanted, began + wanted.timeout)
    finally:
        control.waiting -= 1
    waited = monotonic() - began
    return await control.workers.run(_answered, control, wanted, waited, reached=reached)


async def _came(control: Control, call: Call, wanted: Wanted, until: float) -> bool:
    """Whether what is wanted has come; looks anew when something has come in, as long as somebody waits."""
    while True:
        seen = control.changes.count
        is_there, cost = await control.workers.run(_look, control, wanted)
        if is_there:
            return True
        now = monotonic()
        if now >= until:
            return False
        await asyncio.sleep(min(cost * _COURTESY * control.waiting, until - now))
        while not await control.changes.changed(seen, min(_PATIENCE, max(0.0, until - monotonic()))):
            if monotonic() >= until:
                break
            if await call.request.is_disconnected():
                return False
        if await call.request.is_disconnected():
            return False


def _look(control: Control, wanted: Wanted) -> tuple[bool, float]:
    """Whether what is wanted is there, and how much of the processor's time (seconds) it took to see that."""
    began = thread_time()
    return _is_there(control, wanted), thread_time() - began


def _is_there(control: Control, wanted: Wanted) -> bool:
    if _events(control, wanted.which) < wanted.events:
        return False
    return wanted.state is None or any(run_cycle.has_reached(run.facts, wanted.state) for run in _runs(control, wanted))


def _events(control: Control, which: EventFilter) -> int:
    """How many events there are; a run id that is a UUID is looked for in both cases."""
    if which.run_id is None:
        return control.journal.count_events(which)
    return sum(control.journal.count_events(replace(which, run_id=each)) for each in spellings_of(which.run_id))


def _runs(control: Control, wanted: Wanted) -> Iterator[Run]:
    which = wanted.which
    wanted_id = None if which.run_id is None else run_id_key(which.run_id)
    wanted_job = JobFilter(name=which.job_name)
    for run in control.views.runs(which.org):
        if wanted_id in (None, run_id_key(run.run_id)) and wanted_job.fits(run):
            yield run


def _answered(control: Control, wanted: Wanted, waited: float, *, reached: bool) -> Response:
    there = {"reached": reached, "waited": waited, **_there(control, wanted)}
    if reached:
        return answer(there)
    missed = f"What was waited for did not come within {wanted.timeout:g} s{_instead(wanted, there)}."
    return answer({"error": missed + control.dropped_hint(), **there}, TIME_IS_UP)


def _there(control: Control, wanted: Wanted) -> dict[str, Any]:
    """What is on record of what is waited for."""
    runs = [(run, run_cycle.state_of(run.facts)) for run in _runs(control, wanted)]
    return {
        "events": _events(control, wanted.which),
        "matching_runs": sum(
            1 for run, _ in runs if wanted.state is None or run_cycle.has_reached(run.facts, wanted.state)
        ),
        "runs": [
            {"run_id": run.run_id, "job": _job(run.events[0].job), "state": state}
            for run, state in runs[:_MOST_RUNS]
            if run.events
        ],
        "dropped": control.journal.dropped,
    }


def _instead(wanted: Wanted, there: dict[str, Any]) -> str:
    """In words, what is missing of what is waited for."""
    missing = []
    if there["events"] < wanted.events:
        missing.append(f"{there['events']} of {wanted.events} such events are there")
    if wanted.state is not None and not there["matching_runs"]:
        states = sorted({run["state"] or "no state" for run in there["runs"]})
        instead = f"those that fit are in {', '.join(states)}" if states else "there is no run that fits"
        missing.append(f"no run has reached {wanted.state}, {instead}")
    return ": " + "; ".join(missing) if missing else ""


def _job(job: Job) -> dict[str, str | None]:
    return {"namespace": job[0], "name": job[1]}
