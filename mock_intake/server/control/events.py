"""Events: what was accepted, over all attempts to send it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mock_intake.body.room import Large, when_there_is_room
from mock_intake.body.shown import decoded_text, parsed_body
from mock_intake.journal import EventFilter
from mock_intake.journal.protocol import EventRecord
from mock_intake.model.findings import Status
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.control.listing import page
from mock_intake.server.responses import answer_with_bodies, failure

_NAMES = ("job_namespace", "job_name", "run_id")


def listing(control: Control, call: Call) -> Response:
    wanted: dict[str, Any] = {name: value for name, value in call.query.items() if name not in ("limit", "cursor")}
    wanted |= {name: control.views.meant(wanted[name]) for name in _NAMES if name in wanted}
    if "status" in wanted:
        wanted["status"] = Status(wanted["status"])
    found = control.journal.events(EventFilter(**wanted), call.limit, call.cursor)
    return page(control, "events", [record.to_dict() for record in found.items], found.next)


def one(control: Control, call: Call) -> Response | Large[Response]:
    """An event with its body, parsed and as received."""
    record = control.journal.event(call.id)
    if record is None:
        return failure(404, f"No event {call.id[:60]} is on record.{control.dropped_hint()}")
    kept = control.journal.exchange(record.exchange_id)
    size = 0 if kept is None else kept.decoded_size
    # Read again once there is room.
    del kept
    return when_there_is_room(size, lambda: _whole(control, record))


def _whole(control: Control, record: EventRecord) -> Response:
    kept = control.journal.exchange(record.exchange_id)
    return answer_with_bodies(
        record.to_dict(),
        {
            "body": lambda: None if kept is None else parsed_body(kept),
            "raw": lambda: None if kept is None else decoded_text(kept),
        },
    )
