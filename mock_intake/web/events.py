"""The events as the product lists them, and one event with its body, its findings and its attempts."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, get_args

from starlette.responses import Response

from mock_intake.bodies import decoded, decoded_text
from mock_intake.catalogue import RULES
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.event import Kind
from mock_intake.exchange import Exchange, header
from mock_intake.findings import Finding, Status
from mock_intake.journal.protocol import EventFilter, EventRecord, ExchangeFilter, Page
from mock_intake.report.escaping import shown_lines
from mock_intake.web.asked import Asked, BadQueryError, NotHereError, Shown
from mock_intake.web.body import MOST_LINES, Line, NotJsonError, laid_out, place_findings
from mock_intake.web.greeting import ways
from mock_intake.web.rendering import need_dates
from mock_intake.web.searching import Found, look_through

KINDS: tuple[Kind, ...] = get_args(Kind)
EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER")
_FILTERS = ("status", "kind", "event_type", "job_namespace", "job_name", "run_id")
_MOST_ATTEMPTS = 100
_MOST_LETTERS = 500_000
# Longer bodies are no argument of a command.
_MOST_ON_COMMAND_LINE = 20_000
# A shell that has none says so, where an empty key would get a 401.
_PLACEHOLDER = "${DD_API_KEY:?set DD_API_KEY to your key}"


def listing(asked: Asked) -> Shown:
    status = asked.one_of("status", [status.value for status in Status])
    asked.one_of("kind", KINDS)
    which = EventFilter(
        org=asked.org,
        **{name: asked.text(name) for name in _FILTERS if name != "status"},  # type: ignore[arg-type]
        status=None if status is None else Status(status),
    )
    before = asked.number("cursor")
    # Codes are typed by hand too.
    rule, text = (asked.text("rule") or "").strip().upper() or None, asked.text("text")
    if rule is not None and rule not in RULES:
        raise BadQueryError(f"There is no rule {rule[:30]!r}.")
    matches = None if text is None else _has_text(asked, text)
    found = _by_rule(asked, rule, which, matches, before) if rule else _by_journal(asked, which, matches, before)
    counted = asked.sources.counted(asked.org)
    narrowed = any(asked.text(name) for name in (*_FILTERS[1:], "rule"))
    return Shown(
        "events.html",
        {
            "found": found,
            "statuses": [status.value for status in Status],
            # All events are counted, which is not what a list of some of them has.
            "counts": None if counted is None or narrowed or text is not None else counted.counts,
            "dated": need_dates(record.last_received_at for record in found.items),
            "requests_came": asked.sources.journal.position > 0,
            "filtered": any(asked.text(name) for name in (*_FILTERS, "rule", "text")),
            "narrowed": narrowed,
            "first_page": before is None,
            "kinds": KINDS,
            "event_types": EVENT_TYPES,
            "orgs": with_org(asked, [] if counted is None else counted.orgs),
            "ways": ways(asked),
            "any_key": asked.sources.settings.keys.known is None,
        },
    )


def with_org(asked: Asked, orgs: list[str]) -> list[str]:
    """Orgs to choose from; the chosen one is among them."""
    return orgs if asked.org is None or asked.org in orgs else [asked.org, *orgs]


def orgs_of(asked: Asked) -> list[str]:
    """Orgs to choose from, the latest heard of first."""
    counted = asked.sources.counted(asked.org)
    return with_org(asked, [] if counted is None else counted.orgs)


def _by_journal(
    asked: Asked, which: EventFilter, matches: Callable[[EventRecord], bool] | None, before: int | None
) -> Found[EventRecord]:
    journal = asked.sources.journal
    return look_through(lambda limit, cursor: journal.events(which, limit, cursor), matches, before)


def _by_rule(
    asked: Asked, rule: str, which: EventFilter, matches: Callable[[EventRecord], bool] | None, before: int | None
) -> Found[EventRecord]:
    """Events that a rule has spoken of, by order of arrival; the cursor counts them from the first."""
    asked.require_views()
    journal = asked.sources.journal
    listed = asked.sources.views.tallies().events_with(rule)
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


def _has_text(asked: Asked, text: str) -> Callable[[EventRecord], bool]:
    """Whether the body of an event has a text in it, upper and lower case alike."""
    wanted = text.lower()

    def has(record: EventRecord) -> bool:
        if wanted in record.summary.id:
            return True
        exchange = asked.sources.journal.exchange(record.exchange_id)
        body = None if exchange is None else decoded(exchange)
        return body is not None and wanted in body.decode("utf-8", "replace").lower()

    return has


# One event.


def one(asked: Asked) -> Shown:
    journal = asked.sources.journal
    record = journal.event(asked.id)
    if record is None:
        raise NotHereError(f"No event {asked.id[:60]} is on record.")
    kept = journal.exchange(record.exchange_id)
    if kept is None:
        raise NotHereError(f"The body of event {asked.id[:60]} is no longer on record.")
    attempts = journal.exchanges(ExchangeFilter(event_id=record.summary.id), _MOST_ATTEMPTS).items
    return Shown(
        "event.html",
        {
            "record": record,
            "event": record.summary,
            "kept": kept,
            "attempts": attempts,
            "curl": curl(asked, kept),
            **content(kept, record.findings),
        },
    )


def content(exchange: Exchange, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The body of an exchange as text and in lines, with findings at the lines that they speak of."""
    text = decoded_text(exchange)
    lines: list[Line] = []
    if text is not None:
        try:
            lines = laid_out(text)
        except NotJsonError:
            lines = []
    places = place_findings(lines, findings)
    # The worst first; what is of the request or of the whole event stands before what has a line.
    numbered = sorted(enumerate(findings, 1), key=lambda one: (-one[1].severity.rank, places.get(one[0], 0), one[0]))
    return {
        "findings": numbered,
        "places": places,
        "lines": lines[:MOST_LINES],
        "lines_left": len(lines[MOST_LINES:]),
        "most_lines": MOST_LINES,
        "raw": None if text is None else text[:_MOST_LETTERS],
        "raw_left": 0 if text is None else len(text[_MOST_LETTERS:]),
    }


def curl(asked: Asked, exchange: Exchange) -> str:
    """The command that would send the body again. The key is the caller's own: what is on record is masked."""
    text = decoded_text(exchange)
    media = header(exchange.request.headers, "content-type") or "application/json"
    lines = [
        f"curl -X POST {shlex.quote(asked.base_url + INTAKE_PATH)}",
        f'-H "Authorization: Bearer {_PLACEHOLDER}"',
        f"-H {shlex.quote(f'Content-Type: {media}')}",
    ]
    if text is not None and len(text) <= _MOST_ON_COMMAND_LINE and shown_lines(text) == text:
        lines.append(f"--data-binary {shlex.quote(text)}")
        return " \\\n  ".join(lines)
    body = shlex.quote(f"{asked.base_url}/mock/requests/{exchange.id}/body")
    return f"curl -sS {body} |\n  " + " \\\n  ".join([*lines, "--data-binary @-"])


def body(asked: Asked) -> Response:
    record = asked.sources.journal.event(asked.id)
    kept = None if record is None else asked.sources.journal.exchange(record.exchange_id)
    if kept is None:
        raise NotHereError(f"No event {asked.id[:60]} is on record.")
    return download(kept)


def download(exchange: Exchange) -> Response:
    """The body as it was received but for its Content-Encoding; nothing that a browser would run or render."""
    received = decoded(exchange)
    data = exchange.request.body if received is None else received
    name = f"{exchange.event.id if exchange.event else exchange.id}.json"
    return Response(
        data, media_type="application/octet-stream", headers={"content-disposition": f"attachment; filename={name}"}
    )
