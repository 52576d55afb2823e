"""The judgement on a test: what was found in what it sent, and whether it sent what it should have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mock_intake.exchange import Exchange
from mock_intake.findings import Finding, Severity
from mock_intake.journal import ExchangeFilter
from mock_intake.report.places import Place
from mock_intake.views import run_to_dict
from mock_intake_pytest.handle import IntakeHandle
from mock_intake_pytest.host import Record
from mock_intake_pytest.telling import (
    events_text,
    findings_text,
    grouped,
    paragraphs,
    refused_text,
)

_EVERYTHING = 1_000_000
# What the codes of rules on requests, rather than events, begin with.
_OF_REQUESTS = "HT"


def places_of(handle: IntakeHandle, *, closed: bool) -> Iterator[Place]:
    """All findings over what belongs to a test, each with words on where; ``closed`` adds what is missing."""
    record = handle.caught_up()
    yield from _of_exchanges(reversed(record.journal.exchanges(ExchangeFilter(), _EVERYTHING).items), record)
    for run in reversed(record.views.runs()):
        job = run_to_dict(run, ())["job"]
        title = f"run {run.run_id} of {job['namespace']} / {job['name']}"
        yield from (Place(finding, title) for finding in record.views.run_findings(run, closed=closed))
    yield from (Place(finding, "datasets over all events") for finding in record.views.dataset_findings())


def _of_exchanges(exchanges: Iterable[Exchange], record: Record) -> Iterator[Place]:
    told: set[tuple[str, Finding]] = set()
    for exchange in exchanges:
        owner = exchange.event.id if exchange.event else exchange.id
        for finding in record.selection.apply(exchange.findings):
            # Another attempt of an event has the same to say.
            if (owner, finding) not in told:
                told.add((owner, finding))
                yield Place(finding, _title(exchange))


def _of_strays(record: Record) -> list[str]:
    """The codes of what was found in requests that came with no test's key.

    Of the requests alone: what they brought was not taken, and says nothing about the test's events.
    """
    codes = [place.finding.code for place in _of_exchanges(record.strays, record)]
    return [code for code in codes if code.startswith(_OF_REQUESTS)]


def _title(exchange: Exchange) -> str:
    event = exchange.event
    # Without a type or kind, where it was sent to tells a reader more of a refused request.
    if event is None or not (exchange.accepted or event.event_type or event.kind):
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
    hidden = f' ({below} below it not shown: fail_on="info" and --intake-report show them)' if below else ""
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
    astray = _of_strays(handle.record)
    if handle.record.alone:
        # Nobody else can have sent them.
        found, astray = found + astray, []
    ignored = sorted(handle.record.selection.ignore)
    absent = [
        text
        for code, times in handle.expected_findings
        if (text := _absent(code, times, found, astray=astray, ignored=ignored))
    ]
    if not absent:
        return ""
    there = f"Found was: {', '.join(sorted(set(found)))}." if found else "Nothing was found."
    return paragraphs("\n".join(absent), there, events_text(events), refused, handle.dropped_text())


def _absent(
    code: str, times: int | None, found: Sequence[str], *, astray: Sequence[str], ignored: Sequence[str]
) -> str:
    count = sum(each.startswith(code) for each in found)
    if times is None and count == 0:
        text = f"The test expects the finding {code}; it was not made."
    elif times not in (None, count):
        text = f"The test expects the finding {code} {_times(times)}; it was made {_times(count)}."
    else:
        return ""
    if unheard := [each for each in ignored if code.startswith(each) or each.startswith(code)]:
        return (
            f"{text} Ignored here, and so never found: {', '.join(unheard)} (ignore= of the marker, intake_ignore, or "
            "[tool.mock-intake])."
        )
    if strays := sum(each.startswith(code) for each in astray):
        return (
            f"{text} It was made {_times(strays)} on a request with no test's key, which may be another test's, for "
            "several were running. Test such a request with intake.refused."
        )
    return text


def _times(count: int | None) -> str:
    return "once" if count == 1 else f"{count} times"


def _is_expected(finding: Finding, handle: IntakeHandle) -> bool:
    return any(finding.code.startswith(code) for code, _ in handle.expected_findings)


def steps_left(plan: Mapping[str, Any] | None) -> str:
    """The steps of a fault plan, as ``intake.faults`` has it, that no request took; empty if none are left.

    Of a plan that goes by chance, or repeats its last step, nothing can be said: it may as well have steps left.
    """
    if plan is None or plan["repeat_last"]:
        return ""
    if any(step["probability"] is not None and step["probability"] < 1 for step in plan["sequence"]):
        return ""
    left = list(zip(plan["sequence"], plan["left"], strict=True))
    limited = sum(step["times"] - rest for step, rest in left if rest is not None)
    said = []
    for number, (step, rest) in enumerate(left, 1):
        # How often each of the steps without an end was taken is not on record, only how often all of them were.
        if rest == 0 or (rest is None and plan["taken"] > limited):
            continue
        match = "".join(f", {name} {value!r}" for name, value in (step["match"] or {}).items())
        some = f", taken {step['times'] - rest} of {step['times']} times" if rest and rest < step["times"] else ""
        said.append(f"step {number} of {len(left)} ({step['step']}{match}{some})")
    if not said:
        return ""
    return f"faults that were not met: {', '.join(said)}"
