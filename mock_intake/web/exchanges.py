"""All exchanges: also those that were refused, went astray, or met a fault."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from mock_intake.body.room import Large
from mock_intake.journal.protocol import ExchangeFilter
from mock_intake.model.exchange import Exchange
from mock_intake.web import events
from mock_intake.web.query import NotHereError, PageContent, PageQuery
from mock_intake.web.search import look_through

# What came of it, and the words for it.
OUTCOMES: dict[str, Callable[[Exchange], bool]] = {
    "accepted": lambda exchange: exchange.accepted,
    "refused": lambda exchange: not exchange.accepted,
    "astray": lambda exchange: any(finding.code.startswith("HT3") for finding in exchange.findings),
    "faulted": lambda exchange: exchange.fault is not None,
}


def listing(query: PageQuery) -> PageContent:
    outcome = query.one_of("outcome", OUTCOMES)
    before = query.number("cursor")
    which = ExchangeFilter(
        query.org, query.text("event_id"), refused=outcome in ("refused", "astray"), faulted=outcome == "faulted"
    )
    journal = query.sources.journal
    matches = _matcher(None if outcome in ("refused", "faulted") else outcome, query.text("text"))
    found = look_through(lambda limit, cursor: journal.exchanges(which, limit, cursor), matches, before)
    counted = query.sources.counted(query.org)
    narrowed = any(query.text(name) for name in ("text", "event_id"))
    return PageContent(
        "exchanges.html",
        {
            "found": found,
            # All exchanges are counted, which is not what a list of some of them has.
            "counts": None if counted is None or narrowed else counted.counts,
            "outcomes": tuple(OUTCOMES),
            "filtered": any(query.text(name) for name in ("outcome", "text", "event_id")),
            "first_page": before is None,
            "orgs": events.with_org(query, [] if counted is None else counted.orgs),
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


def one(query: PageQuery) -> PageContent | Large[PageContent]:
    return events.shown_with_room(_found(query), lambda: _one(query))


def _one(query: PageQuery) -> PageContent:
    found = _found(query)
    record = None if found.event is None else query.sources.journal.event(found.event.id)
    return PageContent(
        "exchange.html",
        {
            "exchange": found,
            "request": found.request,
            "record": record,
            "answer": found.response.body.decode("utf-8", "backslashreplace"),
            "curl": events.curl(query, found),
            **events.content(query, found, found.findings),
        },
    )


def body(query: PageQuery) -> Response | Large[Response]:
    return events.download(query, _found(query))


def _found(query: PageQuery) -> Exchange:
    found = query.sources.journal.exchange(query.id)
    if found is None:
        raise NotHereError(f"No exchange {query.id[:60]} is on record.")
    return found
