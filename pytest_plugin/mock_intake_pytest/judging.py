"""The judgement on a test: what was found in what it sent, and whether it sent what it should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mock_intake.model.findings import Finding, Severity
from mock_intake_pytest.failures import (
    Failing,
    events_text,
    findings_text,
    grouped,
    paragraphs,
    refused_text,
    summary_of,
)
from mock_intake_pytest.handle import IntakeHandle
from mock_intake_pytest.places import codes_of_strays, places_of

if TYPE_CHECKING:
    from mock_intake_pytest.accepting import Known


def verdict_on_findings(handle: IntakeHandle, known: Known | None, *, closed: bool) -> Failing | None:
    """What was found, at or above the test's level, that neither it expects nor is known; None if nothing was."""
    if handle.wanted.fail_on == "never":
        return None
    level = handle.level
    found = places_of(handle.caught_up(), closed=closed)
    places = [
        place
        for place in found
        if not _is_expected(place.finding, handle) and (known is None or not known.takes(place, level))
    ]
    groups = grouped(places)
    worst = groups.at_or_above(level)
    if not worst:
        return None
    count = sum(group.count for group in worst)
    below = groups.below(level)
    above = "" if level is Severity.ERROR else " or above"
    hidden = f' ({below} below it not shown: fail_on="info" and --intake-report show them)' if below else ""
    code = worst[0].first.code
    text = paragraphs(
        f"{count} finding{'' if count == 1 else 's'} of level {level}{above}{hidden}:",
        findings_text(worst),
        handle.received.dropped_text(),
        f'A test that wants a finding says so: intake.expect_finding("{code}"). To ignore a rule: '
        f'@pytest.mark.intake(ignore="{code}"), or intake_ignore in the ini file. The level is intake_fail_on.',
    )
    return Failing(summary_of(worst), text)


def verdict_on_presence(handle: IntakeHandle) -> Failing | None:
    """What is missing or too much: events, and findings that the test expects; None if nothing is."""
    text = _on_presence(handle)
    return Failing(text.partition("\n")[0], text) if text else None


def _on_presence(handle: IntakeHandle) -> str:
    events = handle.received.events()
    wanted = handle.wanted.events
    if wanted is None and not events and handle.wanted.require_events:
        return paragraphs(
            "The test used the intake, and no event arrived.",
            refused_text(handle.received.refused()),
            handle.hints(),
            handle.received.dropped_text(),
            "A test that wants none says @pytest.mark.intake(events=0).",
        )
    if wanted is not None and len(events) != wanted:
        return paragraphs(
            f"The test wants {wanted or 'no'} event{'' if wanted == 1 else 's'} "
            f"(@pytest.mark.intake(events={wanted})).",
            events_text(events),
            refused_text(handle.received.refused()),
            handle.received.dropped_text(),
        )
    if not handle.expected_findings:
        return ""
    found = [place.finding.code for place in places_of(handle.caught_up(), closed=True)]
    astray = codes_of_strays(handle.record)
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
    refused = refused_text(handle.received.refused())
    return paragraphs("\n".join(absent), there, events_text(events), refused, handle.received.dropped_text())


def known_of_presence(handle: IntakeHandle) -> Failing | None:
    """What no later event can mend: too many came, or those that should have come went elsewhere; else None."""
    events, wanted, record = handle.events(), handle.wanted.events, handle.caught_up()
    too_many = wanted is not None and len(events) > wanted
    # Its own requests may be tried again; one with a key that is nobody's, or an ended test's, has been lost.
    lost = [each for each in record.strays if any(finding.severity is Severity.ERROR for finding in each.findings)]
    elsewhere = bool(record.with_keys_of_others or (lost and record.alone)) and not handle.exchanges
    missing = wanted is None and handle.wanted.require_events
    return verdict_on_presence(handle) if too_many or (elsewhere and missing and not events) else None


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
