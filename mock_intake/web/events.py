"""The events as the product lists them, and one event with its body, its findings and its attempts."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from starlette.responses import RedirectResponse, Response

from mock_intake.body.room import Large, when_there_is_room
from mock_intake.body.shown import decoded, decoded_beginning, decoded_text, holds_text
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.journal.protocol import EventFilter, EventRecord, ExchangeFilter, Page
from mock_intake.judging.catalogue import RULES
from mock_intake.model.event import Kind
from mock_intake.model.exchange import Exchange, header
from mock_intake.model.findings import Finding, Severity, Status
from mock_intake.report.escaping import printable_lines
from mock_intake.secrets.presenting import may_have_to_hide, presented_json
from mock_intake.web.body import MOST_LETTERS, MOST_LINES, Line, NotJsonError, closed, laid_out, place_findings
from mock_intake.web.differences import neighbours
from mock_intake.web.query import BadQueryError, NotHereError, PageContent, PageQuery
from mock_intake.web.search import SearchPage, look_through
from mock_intake.web.ways_in import ways

T = TypeVar("T")

KINDS: tuple[Kind, ...] = get_args(Kind)
EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")
_FILTERS = ("status", "kind", "event_type", "job_namespace", "job_name", "run_id")
_MOST_ATTEMPTS = 100
_MOST_LETTERS = 500_000
# Longer bodies are no argument of a command.
_MOST_ON_COMMAND_LINE = 20_000
# A shell that has none says so, where an empty key would get a 401.
_PLACEHOLDER = "${DD_API_KEY:?set DD_API_KEY to your key}"


def listing(query: PageQuery) -> PageContent:
    status = query.one_of("status", [status.value for status in Status])
    query.one_of("kind", KINDS)
    which = EventFilter(
        org=query.org,
        **{name: query.name(name) or None for name in _FILTERS if name != "status"},  # type: ignore[arg-type]
        status=None if status is None else Status(status),
    )
    before = query.number("cursor")
    # Codes are typed by hand too.
    rule, text = (query.text("rule") or "").strip().upper() or None, query.text("text")
    if rule is not None and rule not in RULES:
        raise BadQueryError(f"There is no rule {rule[:30]!r}.")
    matches = None if text is None else _has_text(query, text)
    found = _by_rule(query, rule, which, matches, before) if rule else _by_journal(query, which, matches, before)
    counted = query.sources.counted(query.org)
    narrowed = any(query.text(name) for name in (*_FILTERS[1:], "rule"))
    return PageContent(
        "events.html",
        {
            "found": found,
            "statuses": [status.value for status in Status],
            # All events are counted, which is not what a list of some of them has.
            "counts": None if counted is None or narrowed or text is not None else counted.counts,
            "requests_came": query.sources.journal.position > 0,
            "filtered": any(query.text(name) for name in (*_FILTERS, "rule", "text")),
            "narrowed": narrowed,
            "first_page": before is None,
            "kinds": KINDS,
            "event_types": EVENT_TYPES,
            "orgs": with_org(query, [] if counted is None else counted.orgs),
            "ways": ways(query),
            "any_key": query.sources.settings.keys.known is None,
        },
    )


def clear(query: PageQuery) -> Response:
    """Takes all that is on record, or all of one org, off the record, as the form says."""
    if query.form.get("clear") != "record":
        raise BadQueryError("The form says nothing that could be cleared.")
    query.sources.journal.forget(query.form.get("org") or None)
    return RedirectResponse("/mock/events", 303)


def with_org(query: PageQuery, orgs: list[str]) -> list[str]:
    """Orgs to choose from; the chosen one is among them."""
    return orgs if query.org is None or query.org in orgs else [query.org, *orgs]


def orgs_of(query: PageQuery) -> list[str]:
    """Orgs to choose from, the latest heard of first."""
    counted = query.sources.counted(query.org)
    return with_org(query, [] if counted is None else counted.orgs)


def _by_journal(
    query: PageQuery, which: EventFilter, matches: Callable[[EventRecord], bool] | None, before: int | None
) -> SearchPage[EventRecord]:
    journal = query.sources.journal
    return look_through(lambda limit, cursor: journal.events(which, limit, cursor), matches, before)


def _by_rule(
    query: PageQuery, rule: str, which: EventFilter, matches: Callable[[EventRecord], bool] | None, before: int | None
) -> SearchPage[EventRecord]:
    """Events in which a rule found something, by order of arrival; the cursor counts them from the first."""
    query.require_views()
    journal = query.sources.journal
    listed = query.sources.views.tallies().events_with(rule)
    if which.org is not None:
        listed = [one for one in listed if one.org == which.org]

    def page(limit: int, cursor: int | None) -> Page[EventRecord]:
        end = len(listed) if cursor is None else min(cursor, len(listed))
        begin = max(0, end - limit)
        records = [record for one in reversed(listed[begin:end]) if (record := journal.event(one.event_id)) is not None]
        return Page(records, begin or None)

    def fits(record: EventRecord) -> bool:
        event = record.summary
        right = all(getattr(which, name) in (None, getattr(event, name)) for name in _FILTERS)
        return right and (matches is None or matches(record))

    # The whole list of a rule is known: nothing has to be looked through for it.
    narrowed = matches is not None or any(getattr(which, name) is not None for name in _FILTERS)
    return look_through(page, fits if narrowed else None, before)


def _has_text(query: PageQuery, text: str) -> Callable[[EventRecord], bool]:
    """Whether the body of an event has a text in it, upper and lower case alike."""
    wanted = text.lower()

    def has(record: EventRecord) -> bool:
        if wanted in record.summary.id:
            return True
        exchange = query.sources.journal.exchange(record.exchange_id)
        return exchange is not None and holds_text(exchange, wanted)

    return has


# One event.


def one(query: PageQuery) -> PageContent | Large[PageContent]:
    journal = query.sources.journal
    record = journal.event(query.id)
    if record is None:
        raise NotHereError(f"No event {query.id[:60]} is on record.")
    kept = journal.exchange(record.exchange_id)
    if kept is None:
        raise NotHereError(f"The body of event {query.id[:60]} is no longer on record.")
    return shown_with_room(kept, lambda: _one(query, record))


def shown_with_room(exchange: Exchange, work: Callable[[], T]) -> T | Large[T]:
    """What shows the beginning of a body: that is laid out in lines, and looked through for secrets."""
    return when_there_is_room(min(exchange.decoded_size or 0, MOST_LETTERS), work)


def _one(query: PageQuery, record: EventRecord) -> PageContent:
    journal = query.sources.journal
    kept = journal.exchange(record.exchange_id)
    if kept is None:
        raise NotHereError(f"The body of event {query.id[:60]} is no longer on record.")
    attempts = journal.exchanges(ExchangeFilter(event_id=record.summary.id), _MOST_ATTEMPTS).items
    return PageContent(
        "event.html",
        {
            "record": record,
            "event": record.summary,
            "kept": kept,
            "attempts": attempts,
            "neighbours": neighbours(query, record),
            "curl": curl(query, kept),
            **content(query, kept, record.findings),
        },
    )


def _as_received(query: PageQuery) -> bool:
    """Whether a body was asked for with the secrets in it."""
    return query.text("as_received") is not None


def content(query: PageQuery, exchange: Exchange, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The body of an exchange as text and in lines, with findings at the lines that they speak of.

    Where there are secrets in it, they are shown to whoever asks for the body as it was received.
    """
    received, whole = decoded_beginning(exchange, MOST_LETTERS)
    text = received
    if received is not None and not _as_received(query):
        text = _presented(received, whole=whole)
    lines: list[Line] = []
    if text is not None:
        try:
            lines = laid_out(text, MOST_LINES, cut=not whole)
        except NotJsonError:
            lines = []
    places = place_findings(lines, findings)
    # The worst first; what is of the request or of the whole event stands before what has a line.
    numbered = sorted(enumerate(findings, 1), key=lambda one: (-one[1].severity.rank, places.get(one[0], 0), one[0]))
    return {
        "findings": [one for one in numbered if one[1].severity is not Severity.INFO],
        "remarks": [one for one in numbered if one[1].severity is Severity.INFO],
        "places": places,
        "lines": lines[:MOST_LINES],
        "lines_left": len(lines) > MOST_LINES or not whole,
        "most_lines": MOST_LINES,
        "hidden": text != received,
        "as_received": _as_received(query),
        "raw": None if text is None else text[:_MOST_LETTERS],
        "raw_left": text is not None and (len(text) > _MOST_LETTERS or not whole),
    }


def _presented(text: str, *, whole: bool) -> str:
    """A body, or the beginning of one, without the secrets in it."""
    if whole or not may_have_to_hide(text):
        return presented_json(text)
    # Which texts are secrets may depend on what stands around them, so it is read as far as it can be.
    part, closing = closed(text)
    return presented_json(part + closing).removesuffix(closing)


def curl(query: PageQuery, exchange: Exchange) -> str:
    """The command that would send the body again. The key is the caller's own: what is on record is masked."""
    text, whole = decoded_beginning(exchange, _MOST_ON_COMMAND_LINE)
    media = header(exchange.request.headers, "content-type") or "application/json"
    lines = [
        f"curl -X POST {shlex.quote(query.base_url + INTAKE_PATH)}",
        f'-H "Authorization: Bearer {_PLACEHOLDER}"',
        f"-H {shlex.quote(f'Content-Type: {media}')}",
    ]
    hidden = text is not None and not _as_received(query) and presented_json(text) != text
    if text is not None and whole and not hidden and printable_lines(text) == text:
        lines.append(f"--data-binary {shlex.quote(text)}")
        return " \\\n  ".join(lines)
    body = shlex.quote(f"{query.base_url}/mock/exchanges/{exchange.id}/body?as_received=1")
    return f"curl -sS {body} |\n  " + " \\\n  ".join([*lines, "--data-binary @-"])


def body(query: PageQuery) -> Response | Large[Response]:
    record = query.sources.journal.event(query.id)
    kept = None if record is None else query.sources.journal.exchange(record.exchange_id)
    if record is None or kept is None:
        raise NotHereError(f"No event {query.id[:60]} is on record.")
    return download(query, kept)


def download(query: PageQuery, exchange: Exchange) -> Response | Large[Response]:
    """As ``_download``; of a large body once there is room."""
    identity, size = exchange.id, exchange.decoded_size
    del exchange
    return when_there_is_room(size, lambda: _download(query, identity))


def _download(query: PageQuery, identity: str) -> Response:
    """The body as it was received but for its Content-Encoding; nothing that a browser would run or render.

    Secrets are in it where it was asked for as it was received.
    """
    exchange = query.sources.journal.exchange(identity)
    if exchange is None:
        raise NotHereError(f"The body of {identity[:60]} is no longer on record.")
    received = decoded(exchange)
    data = exchange.request.body if received is None else received
    if received is not None and not _as_received(query) and (text := decoded_text(exchange)) is not None:
        shown = presented_json(text)
        data = data if shown == text else shown.encode("utf-8", "backslashreplace")
    name = f"{exchange.event.id if exchange.event else exchange.id}.json"
    return Response(
        data, media_type="application/octet-stream", headers={"content-disposition": f"attachment; filename={name}"}
    )
