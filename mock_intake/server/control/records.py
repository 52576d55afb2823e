"""Endpoints for what is on record: exchanges and events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from mock_intake.bodies import decoded_text, parsed_body
from mock_intake.exchange import Exchange
from mock_intake.findings import Status
from mock_intake.journal import EventFilter, EventRecord, ExchangeFilter
from mock_intake.server.answers import answer, failure
from mock_intake.server.control.endpoints import EVENT_PARAMETERS, ORG, PAGING, Call, Endpoint, Parameter

if TYPE_CHECKING:
    from mock_intake.server.control import Control


async def exchanges(control: Control, call: Call) -> Response:
    query = call.query
    which = ExchangeFilter(
        org=call.org,
        event_id=query.get("event_id"),
        refused=query.get("refused", False),
        faulted=query.get("faulted", False),
    )
    page = control.journal.exchanges(which, call.limit, call.cursor)
    with_body = query.get("body", False)
    listed = [_with_body(exchange) if with_body else exchange.to_dict() for exchange in page.items]
    return control.listing("exchanges", listed, page.next)


async def exchange(control: Control, call: Call) -> Response:
    found = control.journal.exchange(call.id)
    if found is None:
        return failure(404, f"No exchange {call.id[:60]} is on record.{control.dropped_hint()}")
    return answer({**_with_body(found), "raw": decoded_text(found)})


async def events(control: Control, call: Call) -> Response:
    wanted: dict[str, Any] = {name: value for name, value in call.query.items() if name not in ("limit", "cursor")}
    if "status" in wanted:
        wanted["status"] = Status(wanted["status"])
    page = control.journal.events(EventFilter(**wanted), call.limit, call.cursor)
    return control.listing("events", [record.to_dict() for record in page.items], page.next)


async def event(control: Control, call: Call) -> Response:
    record = control.journal.event(call.id)
    if record is None:
        return failure(404, f"No event {call.id[:60]} is on record.{control.dropped_hint()}")
    return answer(whole_event(control, record))


def whole_event(control: Control, record: EventRecord) -> dict[str, Any]:
    """An event with its body, parsed and as received."""
    kept = control.journal.exchange(record.exchange_id)
    body = None if kept is None else parsed_body(kept)
    raw = None if kept is None else decoded_text(kept)
    return {**record.to_dict(), "body": body, "raw": raw}


async def forget(control: Control, call: Call) -> Response:
    # A large record takes minutes, and the loop must go on.
    return answer({"forgotten": await asyncio.to_thread(control.journal.forget, call.org)})


def _with_body(found: Exchange) -> dict[str, Any]:
    return {**found.to_dict(), "body": parsed_body(found)}


ENDPOINTS = (
    Endpoint(
        "GET", "/events", "list_events", "Accepted events, the latest received first.", events, "EventList",
        (*EVENT_PARAMETERS, *PAGING),
    ),
    Endpoint(
        "GET", "/events/{id}", "get_event", "One event with its body.", event, "WholeEvent", failures=(400, 404)
    ),
    Endpoint(
        "GET", "/exchanges", "list_exchanges", "All requests and what they were answered, the latest first.",
        exchanges, "ExchangeList",
        (
            ORG,
            Parameter("event_id", "Only attempts of this event."),
            Parameter("refused", "Only what was refused.", "flag"),
            Parameter("faulted", "Only what met a fault.", "flag"),
            Parameter("body", "With the parsed body of each.", "flag"),
            *PAGING,
        ),
    ),
    Endpoint(
        "GET", "/exchanges/{id}", "get_exchange", "One exchange with its body.", exchange, "WholeExchange",
        failures=(400, 404),
    ),
    Endpoint(
        "DELETE", "/exchanges", "forget", "Takes the exchanges of an org, or all, off the record.", forget, "Forgotten",
        (ORG,),
    ),
)  # fmt: skip
