"""Endpoints for what comes and goes: waiting, streaming, export and import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from time import thread_time
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from mock_intake.clock import monotonic
from mock_intake.decoding import GZIP_MAGIC, CorruptBodyError, DecodedTooLargeError, decode
from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal import EventFilter
from mock_intake.openlineage import run_cycle
from mock_intake.parsing import dumps
from mock_intake.server.answers import answer
from mock_intake.server.control.endpoints import MAX_DIGITS, ORG, BadRequestError, Call, Endpoint, Parameter
from mock_intake.transfer import Arrived, TransferError, event_to_line, exchange_to_line, read_lines
from mock_intake.views import Run

if TYPE_CHECKING:
    from mock_intake.server.control import Control

MAX_WAIT = 300.0
MAX_EVENTS = 10**15 - 1
DEFAULT_WAIT = 10.0
MAX_IMPORT = 256 * 1024 * 1024
_MOST_RUNS = 20
DROPPED_HEADER = "mock-intake-dropped"
_BATCH = 200
_HEARTBEAT = 15.0
# How long a wait goes on after whoever waits has gone.
_PATIENCE = 1.0
# Looking what is there takes its time on a large record: all who wait take a tenth of the server's at most. Counted
# is the time of the processor: how long a busy machine kept the server waiting says nothing about what a look costs.
_COURTESY = 9
STATES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
_WAIT_FIELDS = ("org", "events", "job", "run_id", "state", "event_type", "status", "timeout")


@dataclass(frozen=True)
class Wanted:
    """What is waited for: so many events that fit, and, with ``state``, a run that fits and has reached it."""

    which: EventFilter
    events: int
    state: str | None
    timeout: float

    @classmethod
    def read(cls, body: Any, org: str | None) -> Wanted:
        if not isinstance(body, dict):
            raise BadRequestError('The body is an object such as {"events": 2, "timeout": 5}.')
        for name in body:
            if name not in _WAIT_FIELDS:
                raise BadRequestError(f"There is no field {str(name)[:30]!r}; there are {', '.join(_WAIT_FIELDS)}.")
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
            org=body.get("org", org),
            status=None if status is None else Status(status),
            event_type=body.get("event_type"),
            job_name=body.get("job"),
            run_id=body.get("run_id"),
        )
        return cls(which, events, body.get("state"), float(timeout))


async def wait(control: Control, call: Call) -> Response:
    """Long poll: 200 as soon as what is wanted is there, 408 with what is there instead when the time is up."""
    wanted = Wanted.read(await call.json(), call.org)
    began = monotonic()
    control.waiting += 1
    try:
        came = await _came(control, call, wanted, began + wanted.timeout)
    finally:
        control.waiting -= 1
    there = {"waited": monotonic() - began, **_there(control, wanted)}
    if came:
        return answer(there)
    missed = f"What was waited for did not come within {wanted.timeout:g} s{_instead(wanted, there)}."
    return answer({"error": missed + control.dropped_hint(), **there}, 408)


async def _came(control: Control, call: Call, wanted: Wanted, until: float) -> bool:
    """Whether what is wanted has come; looks anew when something has come in, as long as somebody waits."""
    while True:
        heard = control.bell.rung
        began = thread_time()
        if _is_there(control, wanted):
            return True
        cost = thread_time() - began
        now = monotonic()
        if now >= until:
            return False
        await asyncio.sleep(min(cost * _COURTESY * control.waiting, until - now))
        while not await control.bell.heard(heard, min(_PATIENCE, max(0.0, until - monotonic()))):
            if monotonic() >= until:
                break
            if await call.request.is_disconnected():
                return False
        if await call.request.is_disconnected():
            return False


def _is_there(control: Control, wanted: Wanted) -> bool:
    if control.journal.count_events(wanted.which) < wanted.events:
        return False
    return wanted.state is None or any(_has_reached(run, wanted.state) for run in _runs(control, wanted))


def _has_reached(run: Run, state: str) -> bool:
    """Whether a run is in a state or was in it before; an end is final, whatever came behind it."""
    facts = run.facts
    return run_cycle.state_of(facts) == state or (
        state not in run_cycle.TERMINAL and any(event.event_type == state for event in facts.events)
    )


def _runs(control: Control, wanted: Wanted) -> Iterator[Run]:
    which = wanted.which
    for run in control.views.runs(which.org):
        if which.run_id in (None, run.run_id) and which.job_name in (None, *(event.job[1] for event in run.events)):
            yield run


def _there(control: Control, wanted: Wanted) -> dict[str, Any]:
    """What is on record of what is waited for."""
    runs = [(run, run_cycle.state_of(run.facts)) for run in _runs(control, wanted)]
    return {
        "events": control.journal.count_events(wanted.which),
        "matching_runs": sum(1 for run, _ in runs if wanted.state is None or _has_reached(run, wanted.state)),
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


def _job(job: run_cycle.Job) -> dict[str, str | None]:
    return {"namespace": job[0], "name": job[1]}


async def stream(control: Control, call: Call) -> Response:
    """Server-sent events: one for each new exchange; ``Last-Event-ID`` goes on behind that one."""
    media, headers = "text/event-stream", {"cache-control": "no-store"}
    if call.request.method == "HEAD":
        return Response(media_type=media, headers=headers)
    last = call.request.headers.get("last-event-id", "")
    resumes = last.isascii() and last.isdigit() and len(last) <= MAX_DIGITS
    begin = int(last) if resumes else control.journal.position
    if begin > control.journal.position:
        # An id of another record, such as that of a server before this one: all that is here is new.
        begin = 0
    return StreamingResponse(_sent(control, call.org, begin, resumes=resumes), media_type=media, headers=headers)


async def _sent(control: Control, org: str | None, seen: int, *, resumes: bool) -> AsyncIterator[bytes]:
    told = 0 if resumes else control.journal.dropped
    yield b"retry: 1000\n\n"
    quiet_since = monotonic()
    while True:
        heard = control.bell.rung
        while batch := control.journal.read(seen, _BATCH):
            # Written before any of it goes out: a listener that doesn't read must not keep bodies in memory.
            blocks = []
            for position, exchange in batch:
                if position > seen + 1 and (dropped := control.journal.dropped) > told:
                    told = dropped
                    blocks.append(b'event: dropped\ndata: {"dropped":%d}\n\n' % dropped)
                seen = position
                if org in (None, exchange.org):
                    blocks.append(b"id: %d\nevent: exchange\ndata: %b\n\n" % (position, dumps(exchange.to_dict())))
            del batch, exchange
            if blocks:
                yield b"".join(blocks)
                quiet_since = monotonic()
            else:
                await asyncio.sleep(0)  # a long record of others must not keep the server to itself
        left = quiet_since + _HEARTBEAT - monotonic()
        if left <= 0 or not await control.bell.heard(heard, left):
            # So that both sides, and what is between them, notice when the other has gone.
            yield b": nothing new\n\n"
            quiet_since = monotonic()


async def export(control: Control, call: Call) -> Response:
    whole = call.query.get("what", "events") == "exchanges"
    org = call.org
    # As much as there is now, so that it ends also while more comes in.
    end = control.journal.position

    def lines() -> Iterator[bytes]:
        for exchange in _until(control, end):
            if org is None or exchange.org == org:
                line = exchange_to_line(exchange) if whole else _event_line(exchange)
                if line is not None:
                    yield line + b"\n"

    headers = {DROPPED_HEADER: str(control.journal.dropped)}
    if call.request.method == "HEAD":
        return Response(media_type="application/x-ndjson", headers=headers)
    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=headers)


def _until(control: Control, end: int) -> Iterator[Exchange]:
    """The exchanges up to a position, oldest first, a batch at a time."""
    seen = 0
    while seen < end and (batch := control.journal.read(seen, _BATCH)):
        for position, exchange in batch:
            if position > end:
                return
            seen = position
            yield exchange


def _event_line(exchange: Exchange) -> bytes | None:
    return event_to_line(exchange) if exchange.accepted else None


async def import_(control: Control, call: Call) -> Response:
    """Puts exported exchanges, also gzipped ones, on record, all or none; those whose id is there are left out."""
    size = 0
    chunks = []
    async for chunk in call.request.stream():
        size += len(chunk)
        if size > MAX_IMPORT:
            raise BadRequestError(f"An import is at most {MAX_IMPORT:,} bytes; split the file.")
        chunks.append(chunk)

    def put() -> Arrived:
        data = b"".join(chunks)
        if data.startswith(GZIP_MAGIC):
            try:
                data = decode(data, "gzip", MAX_IMPORT)
            except (CorruptBodyError, DecodedTooLargeError) as error:
                raise TransferError(f"it is {error}; nothing was imported.") from error
        arrived = read_lines(data, lambda identity: control.journal.exchange(identity) is not None)
        if arrived.exchanges:
            control.journal.append(arrived.exchanges)
        return arrived

    async with control.importing:
        try:
            arrived = await asyncio.to_thread(put)
        except TransferError as error:
            raise BadRequestError(f"The import is refused: {error}") from error
    control.bell.ring()
    counts = {"imported": len(arrived.exchanges), "known": arrived.known}
    return answer({**counts, "dropped": control.journal.dropped})


ENDPOINTS = (
    Endpoint(
        "POST", "/wait", "wait", "Waits until so many events, or a run in a state, are on record; 408 when time is up.",
        wait, "Waited", (ORG,), "Wait", failures=(400, 408),
    ),
    Endpoint(
        "GET", "/stream", "stream", "New exchanges as server-sent events.", stream, "Stream", (ORG,),
        media="text/event-stream",
    ),
    Endpoint(
        "GET", "/export", "export", "Everything on record, oldest first, as lines of JSON.", export, "Lines",
        (
            ORG,
            Parameter("what", "Accepted events as received, or whole exchanges.", values=("events", "exchanges")),
        ),
        media="application/x-ndjson",
    ),
    Endpoint(
        "POST", "/import", "import", "Puts exported exchanges, also gzipped ones, on record.", import_, "Imported", (),
        "Lines", "application/x-ndjson",
    ),
)  # fmt: skip
