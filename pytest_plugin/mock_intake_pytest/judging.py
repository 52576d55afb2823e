"""The judgement on a test: what was found in what it sent, and whether it sent what it should have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mock_intake.exchange import Exchange
from mock_intake.findings import Finding, Severity
from mock_intake.journal import ExchangeFilter
from mock_intake.report.places import Place
from mock_intake.views import run_to_dict
from mock_intake_pytest.handle import IntakeHandle
from mock_intake_pytest.telling import (
    events_text,
    findings_text,
    grouped,
    paragraphs,
    refused_text,
)

_EVERYTHING = 1_000_000


def places_of(handle: IntakeHandle, *, closed: bool) -> Iterator[Place]:
    """All findings over what belongs to a test, each with words on where; ``closed`` adds what is missing."""
    record = handle.caught_up()
    told: set[tuple[str, Finding]] = set()
    for exchange in reversed(record.journal.exchanges(ExchangeFilter(), _EVERYTHING).items):
        owner = exchange.event.id if exchange.event else exchange.id
        for finding in record.selection.apply(exchange.findings):
            # Another attempt of an event has the same to say.
            if (owner, finding) not in told:
                told.add((owner, finding))
                yield Place(finding, _title(exchange))
    for run in reversed(record.views.runs()):
        job = run_to_dict(run, ())["job"]
        title = f"run {run.run_id} of {job['namespace']} / {job['name']}"
        yield from (Place(finding, title) for finding in record.views.run_findings(run, closed=closed))
    yield from (Place(finding, "datasets over all events") for finding in record.views.dataset_findings())


def _title(exchange: Exchange) -> str:
    event = exchange.event
    if event is None:
        return f"{exchange.request.method} {exchange.request.path} -> {exchange.response.status_code or 'no answer'}"
    words = [event.event_type or event.kind or "no event"]
    if event.job_name is not None:
        words.append(f"{event.job_namespace} / {event.job_name}")
    elif event.dataset is not None:
        words.append(f"{event.dataset.namespace} / {event.dataset.name}")
    if event.run_id is not None:
        words.append(f"run {event.run_id}")
    return ", ".join(words) + ("" if exchange.accepted else f" -> {exchange.response.status_code or 'no answer'}")


def verdict_on_findings(handle: IntakeHandle, *, closed: bool) -> str:
    """What was found, at or above the test's level, that it does not expect; empty if nothing was."""
    if handle.wanted.fail_on == "never":
        return ""
    level = handle.level
    places = [place for place in places_of(handle, closed=closed) if not _is_expected(place.finding, handle)]
    groups = grouped(places)
    worst = groups.at_or_above(level)
    if not worst:
        return ""
    count = sum(group.count for group in worst)
    below = groups.below(level)
    above = "" if level is Severity.ERROR else " or above"
    hidden = f" ({below} below it not shown)" if below else ""
    code = worst[0].first.code
    return paragraphs(
        f"{count} finding{'' if count == 1 else 's'} of level {level}{above}{hidden}:",
        findings_text(worst),
        handle.dropped_text(),
        f'A test that wants a finding says so: intake.expect_finding("{code}"). To ignore a rule: '
        f'@pytest.mark.intake(ignore="{code}"), or intake_ignore in the ini file. The level is intake_fail_on.',
    )


def verdict_on_presence(handle: IntakeHandle) -> str:
    """What is missing or too much: events, and findings that the test expects; empty if nothing is."""
    events = handle.events()
    wanted = handle.wanted.events
    refused = refused_text(handle.refused_exchanges())
    if wanted is None and not events:
        return paragraphs(
            "The test used the intake, and no event arrived.",
            refused
            or "Does the code under test emit any? Was its client told where to (intake_env, or intake.url and "
            "intake.api_key)? Was it closed before the test ended?",
            handle.dropped_text(),
            "A test that wants none says @pytest.mark.intake(events=0).",
        )
    if wanted is not None and len(events) != wanted:
        return paragraphs(
            f"The test wants {wanted or 'no'} event{'' if wanted == 1 else 's'} "
            f"(@pytest.mark.intake(events={wanted})).",
            events_text(events),
            refused,
            handle.dropped_text(),
        )
    found = [place.finding.code for place in places_of(handle, closed=True)]
    absent = [text for code, times in handle.expected_findings if (text := _absent(code, times, found))]
    if not absent:
        return ""
    there = f"Found was: {', '.join(sorted(set(found)))}." if found else "Nothing was found."
    return paragraphs("\n".join(absent), there, events_text(events), refused, handle.dropped_text())


def _absent(code: str, times: int | None, found: Sequence[str]) -> str:
    count = sum(each.startswith(code) for each in found)
    if times is None and count == 0:
        return f"The test expects the finding {code}; it was not made."
    if times not in (None, count):
        return f"The test expects the finding {code} {_times(times)}; it was made {_times(count)}."
    return ""


def _times(count: int | None) -> str:
    return "once" if count == 1 else f"{count} times"


def _is_expected(finding: Finding, handle: IntakeHandle) -> bool:
    return any(finding.code.startswith(code) for code, _ in handle.expected_findings)
