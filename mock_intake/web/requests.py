"""All exchanges: also those that were refused, went astray, or met a fault."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from mock_intake.exchange import Exchange
from mock_intake.journal.protocol import ExchangeFilter
from mock_intake.web import events
from mock_intake.web.asked import Asked, NotHereError, Shown
from mock_intake.web.rendering import need_dates
from mock_intake.web.searching import look_through

# What came of a request, and how that is told.
OUTCOMES: dict[str, Callable[[Exchange], bool]] = {
    "accepted": lambda exchange: exchange.accepted,
    "refused": lambda exchange: not exchange.accepted,
    "astray": lambda exchange: any(finding.code.startswith("HT3") for finding in exchange.findings),
    "faulted": lambda exchange: exchange.fault is not None,
}


def listing(asked: Asked) -> Shown:
    outcome = asked.one_of("outcome", OUTCOMES)
    before = asked.number("cursor")
    which = ExchangeFilter(
        asked.org, asked.text("event_id"), refused=outcome in ("refused", "astray"), faulted=outcome == "faulted"
    )
    journal = asked.sources.journal
    matches = _matcher(None if outcome in ("refused", "faulted") else outcome, asked.text("text"))
    found = look_through(lambda limit, cursor: journal.exchanges(which, limit, cursor), matches, before)
    counted = asked.sources.counted(asked.org)
    narrowed = any(asked.text(name) for name in ("text", "event_id"))
    return Shown(
        "requests.html",
        {
            "found": found,
            # All requests are counted, which is not what a list of some of them has.
            "counts": None if counted is None or narrowed else counted.counts,
            "dated": need_dates(exchange.received_at for exchange in found.items),
            "outcomes": tuple(OUTCOMES),
            "filtered": any(asked.text(name) for name in ("outcome", "text", "event_id")),
            "first_page": before is None,
            "orgs": events.with_org(asked, [] if counted is None else counted.orgs),
        },
    )


def _matcher(outcome: str | None, text: str | None) -> Callable[[Exchange], bool] | None:
    if outcome is None and text is None:
        return None
    wanted = (text or "").lower()

    def matches(exchange: Exchange) -> bool:
        request = exchange.request
        words = f"{exchange.id} {request.method} {request.path}?{request.query} {exchange.fault or ''}".lower()
        return (outcome is None or OUTCOMES[outcome](exchange)) and (
            wanted in words or any(wanted in f"{one.code} {one.message}".lower() for one in exchange.findings)
        )

    return matches


def one(asked: Asked) -> Shown:
    found = _found(asked)
    record = None if found.event is None else asked.sources.journal.event(found.event.id)
    return Shown(
        "request.html",
        {
            "exchange": found,
            "request": found.request,
            "record": record,
            "answer": found.response.body.decode("utf-8", "backslashreplace"),
            "curl": events.curl(asked, found),
            **events.content(found, found.findings),
        },
    )


def body(asked: Asked) -> Response:
    return events.download(_found(asked))


def _found(asked: Asked) -> Exchange:
    found = asked.sources.journal.exchange(asked.id)
    if found is None:
        raise NotHereError(f"No request {asked.id[:60]} is on record.")
    return found
