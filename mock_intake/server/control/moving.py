"""Endpoints for what comes and goes: waiting, streaming, export and import."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal import EventFilter
from mock_intake.openlineage import run_cycle
from mock_intake.parsing import ParseError, dumps, parse
from mock_intake.server.answers import answer
from mock_intake.server.control.endpoints import ORG, BadRequestError, Call, Endpoint, Parameter
from mock_intake.transfer import TransferError, event_to_line, exchange_from_line, exchange_to_line

if TYPE_CHECKING:
    from mock_intake.server.control import Control

MAX_WAIT = 300.0
DEFAULT_WAIT = 10.0
MAX_IMPORT = 256 * 1024 * 1024
_BATCH = 500
_HEARTBEAT = 15.0
_STREAM_BACKLOG = 1_000
_WAIT_FIELDS = ("org", "events", "job", "run_id", "state", "event_type", "status", "timeout")


@dataclass(frozen=True)
class Wanted:
    """What is waited for: so many events that fit, and, with ``state``, a run that fits in that state."""

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
        for name in ("org", "job", "run_id", "state", "event_type"):
            if not isinstance(body.get(name, ""), str):
                raise BadRequestError(f"{name} is a text.")
        timeout = body.get("timeout", DEFAULT_WAIT)
        if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 <= timeout <= MAX_WAIT:
            raise BadRequestError(f"timeout is a number of seconds from 0 to {MAX_WAIT:g}.")
        events = body.get("events", 0 if "state" in body else 1)
        if not isinstance(events, int) or isinstance(events, bool) or events < 0:
            raise BadRequestError("events is a number, 0 or more.")
        status = body.get("status")
        if status is not None and status not in list(Status):
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
    try:
        wanted = Wanted.read(parse(await call.request.body()).value, call.org)
    except ParseError as error:
        raise BadRequestError(f"The body is no JSON: {error}.") from error
    began = time.monotonic()
    while True:
        heard = control.bell.rung
        there = _there(control, wanted)
        left = wanted.timeout - (time.monotonic() - began)
        if there["events"] >= wanted.events and (wanted.state is None or there["matching_runs"]):
            return answer({"waited": time.monotonic() - began, **there})
        if left <= 0 or not await control.bell.heard(heard, left):
            missed = f"What was waited for did not come within {wanted.timeout:g} s.{control.dropped_hint()}"
            return answer({"error": missed, "waited": time.monotonic() - began, **_there(control, wanted)}, 408)


def _there(control: Control, wanted: Wanted) -> dict[str, Any]:
    """What is on record of what is waited for."""
    which = wanted.which
    runs = [
        {"run_id": run.run_id, "job": _job(run.events[0].job), "state": run_cycle.state_of(run.facts)}
        for run in control.views.runs(which.org)
        if run.events
        and which.run_id in (None, run.run_id)
        and which.job_name in (None, *(event.job[1] for event in run.events))
    ]
    matching = sum(1 for run in runs if run["state"] == wanted.state)
    return {
        "events": control.journal.count_events(which),
        "matching_runs": matching,
        "runs": runs[:20],
        "dropped": control.journal.dropped,
    }


def _job(job: run_cycle.Job) -> dict[str, str | None]:
    return {"namespace": job[0], "name": job[1]}


async def stream(control: Control, call: Call) -> Response:
    """Server-sent events: one for each new exchange; ``Last-Event-ID`` goes on behind that one."""
    last = call.request.headers.get("last-event-id", "")
    seen = int(last) if last.isascii() and last.isdigit() and len(last) <= 15 else control.journal.position

    async def sent() -> AsyncIterator[bytes]:
        nonlocal seen
        yield b"retry: 1000\n\n"
        while True:
            heard = control.bell.rung
            for position, exchange in control.journal.read(seen, _STREAM_BACKLOG):
                if call.org in (None, exchange.org):
                    data = dumps(exchange.to_dict())
                    yield b"id: %d\nevent: exchange\ndata: %b\n\n" % (position, data)
            if not await control.bell.heard(heard, _HEARTBEAT):
                # So that both sides notice when the other has gone.
                yield b": nothing new\n\n"

    return StreamingResponse(sent(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def export(control: Control, call: Call) -> Response:
    whole = call.query.get("what", "events") == "exchanges"
    org = call.org

    def lines() -> Iterator[bytes]:
        for exchange in everything(control):
            if org is None or exchange.org == org:
                line = exchange_to_line(exchange) if whole else _event_line(exchange)
                if line is not None:
                    yield line + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def everything(control: Control) -> Iterator[Exchange]:
    """All exchanges, oldest first, a batch at a time."""
    position = 0
    while batch := control.journal.read(position, _BATCH):
        for found, exchange in batch:
            position = found
            yield exchange


def _event_line(exchange: Exchange) -> bytes | None:
    return event_to_line(exchange) if exchange.accepted else None


async def import_(control: Control, call: Call) -> Response:
    """Puts exported exchanges on record, all or none; those whose id is there already are left out."""
    size = 0
    chunks = []
    async for chunk in call.request.stream():
        size += len(chunk)
        if size > MAX_IMPORT:
            raise BadRequestError(f"An import is at most {MAX_IMPORT:,} bytes; split the file.")
        chunks.append(chunk)
    taken: dict[str, Exchange] = {}
    known = 0
    for number, line in enumerate(b"".join(chunks).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            exchange = exchange_from_line(line)
        except TransferError as error:
            raise BadRequestError(f"Line {number}: {error}; nothing was imported.") from error
        if exchange.id in taken or control.journal.exchange(exchange.id) is not None:
            known += 1
        else:
            taken[exchange.id] = exchange
    await asyncio.to_thread(control.journal.append, list(taken.values()))
    control.bell.ring()
    return answer({"imported": len(taken), "known": known})


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
        "POST", "/import", "import", "Puts exported exchanges on record.", import_, "Imported", (), "Lines",
        "application/x-ndjson",
    ),
)  # fmt: skip
