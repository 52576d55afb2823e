"""The events of a run beside one another: which came before and after, and what is different in the body."""

from __future__ import annotations

import difflib
import json
from typing import Any, NamedTuple

from mock_intake.body.shown import parsed_body
from mock_intake.journal.protocol import EventFilter, EventRecord
from mock_intake.secrets.presenting import presented_value
from mock_intake.web.query import BadQueryError, NotHereError, PageContent, PageQuery

# Of the latest events of a run one knows its neighbours.
_MOST_EVENTS = 500
# So many lines of each body are compared, and so many are shown around what is different.
_MOST_LINES = 4_000
_AROUND = 3
_KINDS = {"+": "added", "-": "removed", "@": "place", " ": "same"}


class Neighbours(NamedTuple):
    """The events of the same run that arrived before and after one."""

    previous: EventRecord | None
    next: EventRecord | None


def neighbours(query: PageQuery, record: EventRecord) -> Neighbours | None:
    """The neighbours of an event; None where it is of no run, or that has had too many events since."""
    if not record.summary.run_id:
        return None
    which = EventFilter(org=record.org, run_id=record.summary.run_id)
    events = sorted(query.sources.journal.events(which, _MOST_EVENTS).items, key=lambda one: one.received_at)
    at = next((number for number, one in enumerate(events) if one.summary.id == record.summary.id), None)
    if at is None:
        return None
    return Neighbours(events[at - 1] if at else None, events[at + 1] if at + 1 < len(events) else None)


class Line(NamedTuple):
    """A line of the difference: what became of it, and its text."""

    kind: str
    text: str


def changes(query: PageQuery) -> PageContent:
    """What is different in the body of an event since another one."""
    since = query.text("since")
    if since is None:
        raise BadQueryError("since is the id of the event to compare with.")
    one, other = _found(query, since), _found(query, query.id)
    before, after = _lines(query, one), _lines(query, other)
    cut = len(before) > _MOST_LINES or len(after) > _MOST_LINES
    found = difflib.unified_diff(before[:_MOST_LINES], after[:_MOST_LINES], lineterm="", n=_AROUND)
    lines = [Line(_KINDS[line[0]], line) for number, line in enumerate(found) if number > 1]
    return PageContent(
        "changes.html",
        {
            "one": one,
            "other": other,
            "lines": lines,
            "added": sum(line.kind == "added" for line in lines),
            "removed": sum(line.kind == "removed" for line in lines),
            "cut": cut,
            "most": _MOST_LINES,
        },
    )


def _found(query: PageQuery, event_id: str) -> EventRecord:
    record = query.sources.journal.event(event_id)
    if record is None:
        raise NotHereError(f"No event {event_id[:60]} is on record.")
    return record


def _lines(query: PageQuery, record: EventRecord) -> list[str]:
    """The body with its keys in order, since that has no meaning; without secrets."""
    exchange = query.sources.journal.exchange(record.exchange_id)
    if exchange is None:
        raise NotHereError(f"The body of event {record.summary.id} is no longer on record.")
    value: Any = presented_value(parsed_body(exchange))
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).split("\n")
