"""Exchanges: every request and what it was answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mock_intake.body.room import Large, when_there_is_room
from mock_intake.body.shown import decoded_text, parsed_body
from mock_intake.journal import ExchangeFilter
from mock_intake.journal.protocol import LARGEST_PART
from mock_intake.model.exchange import Exchange
from mock_intake.server.control.context import Control
from mock_intake.server.control.endpoints import Call
from mock_intake.server.control.listing import page, page_with_bodies
from mock_intake.server.responses import Bodies, answer, answer_with_bodies, failure

# So many exchanges with their bodies are looked up at a time.
_WITH_BODIES = 20


def listing(control: Control, call: Call) -> Response | Large[Response]:
    query = call.query
    which = ExchangeFilter(
        org=call.org,
        event_id=query.get("event_id"),
        refused=query.get("refused", False),
        faulted=query.get("faulted", False),
    )
    if query.get("body", False):
        return _listing_with_bodies(control, call, which)
    found = control.journal.exchanges(which, call.limit, call.cursor)
    return page(control, "exchanges", [exchange.to_dict() for exchange in found.items], found.next)


def _listing_with_bodies(control: Control, call: Call, which: ExchangeFilter) -> Response | Large[Response]:
    """As many as are asked for, or as their bodies, decoded, are no larger than one answer is to be."""
    size, number, cursor = 0, 0, call.cursor
    while number < call.limit and size <= LARGEST_PART:
        found = control.journal.exchanges(which, min(_WITH_BODIES, call.limit - number), cursor)
        sizes = [exchange.decoded_size or 0 for exchange in found.items]
        fitting = next(
            (place for place in range(1, len(sizes)) if size + sum(sizes[:place]) > LARGEST_PART), len(sizes)
        )
        number, size, cursor = number + fitting, size + sum(sizes[:fitting]), found.next
        if cursor is None or fitting < len(sizes):
            break

    def made() -> Response:
        listed: list[Exchange] = []
        at = call.cursor
        while len(listed) < number:
            found = control.journal.exchanges(which, min(_WITH_BODIES, number - len(listed)), at)
            listed += found.items
            at = found.next
            if at is None:
                break
        return page_with_bodies(control, "exchanges", map(_with_body, listed), at)

    return when_there_is_room(size, made)


def one(control: Control, call: Call) -> Response | Large[Response]:
    found = control.journal.exchange(call.id)
    if found is None:
        return failure(404, f"No exchange {call.id[:60]} is on record.{control.dropped_hint()}")
    size = found.decoded_size
    del found
    return when_there_is_room(size, lambda: _whole(control, call))


def _whole(control: Control, call: Call) -> Response:
    found = control.journal.exchange(call.id)
    if found is None:
        return failure(404, f"No exchange {call.id[:60]} is on record.{control.dropped_hint()}")
    return answer_with_bodies(found.to_dict(), {"body": lambda: parsed_body(found), "raw": lambda: decoded_text(found)})


def forget(control: Control, call: Call) -> Response:
    """Takes exchanges off the record; that of a large one takes minutes."""
    return answer({"forgotten": control.journal.forget(call.org)})


def _with_body(exchange: Exchange) -> tuple[Mapping[str, Any], Bodies]:
    return exchange.to_dict(), {"body": lambda: parsed_body(exchange)}
