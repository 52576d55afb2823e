"""All findings over what belongs to a test, each with words on where it was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mock_intake.journal import ExchangeFilter, newest_exchanges
from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Finding
from mock_intake.report.places import Place, name_of_dataset, name_of_event, name_of_job, name_of_request
from mock_intake.secrets.presenting import presented, presented_name
from mock_intake_pytest.host import Record

# What the codes of rules on requests, rather than events, begin with.
_OF_REQUESTS = "HT"


def places_of(record: Record, *, closed: bool) -> Iterator[Place]:
    """All findings over what belongs to a test, each with words on where; ``closed`` adds what is missing.

    ``record`` must be caught up with what has arrived.
    """
    yield from _of_exchanges([*newest_exchanges(record.journal, ExchangeFilter())][::-1], record)
    for run in reversed(record.views.runs()):
        if not (findings := record.views.run_findings(run, closed=closed)):
            continue
        title = f"run {presented(run.run_id)} of {presented_name(*run.job)}"
        name = f"run of {name_of_job(*run.job)}"
        yield from (Place(finding, title, name=name) for finding in findings)
    for miss in record.views.near_misses():
        name = name_of_dataset(miss.other)
        yield Place(miss.finding, name, name=name)


def _of_exchanges(exchanges: Iterable[Exchange], record: Record) -> Iterator[Place]:
    yielded: set[tuple[str, Finding]] = set()
    for exchange in exchanges:
        owner = exchange.event.id if exchange.event else exchange.id
        for finding in record.selection.apply(exchange.findings):
            # Another attempt of an event has the same to say.
            if (owner, finding) not in yielded:
                yielded.add((owner, finding))
                yield Place(finding, _title(exchange), name=_name(exchange))


def codes_of_strays(record: Record) -> list[str]:
    """The codes of what was found in requests that came with no test's key.

    Of the requests alone: what they brought was not taken, and says nothing about the test's events.
    """
    codes = [place.finding.code for place in _of_exchanges(record.strays, record)]
    return [code for code in codes if code.startswith(_OF_REQUESTS)]


def _name(exchange: Exchange) -> str:
    """What it is, without ids: an event, or a request that brought none or was refused."""
    if exchange.accepted and exchange.event is not None:
        return name_of_event(exchange.event)
    return name_of_request(exchange)


def _title(exchange: Exchange) -> str:
    event = exchange.event
    # Without a type or kind, where it was sent to tells a reader more of a refused request.
    if event is None or not (exchange.accepted or event.event_type or event.kind):
        return f"{exchange.request.method} {exchange.request.path} -> {exchange.response.status_code or 'no answer'}"
    words = [event.event_type or event.kind or "no event"]
    if event.job_name is not None:
        words.append(presented_name(event.job_namespace, event.job_name))
    elif event.dataset is not None:
        words.append(presented_name(*event.dataset))
    if event.run_id is not None:
        words.append(f"run {presented(event.run_id)}")
    return ", ".join(words) + ("" if exchange.accepted else f" -> {exchange.response.status_code or 'no answer'}")
