"""The words of failures: what arrived, what was found in it, what was refused and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from mock_intake.catalogue import RULES
from mock_intake.exchange import Exchange, rfc3339
from mock_intake.findings import Severity
from mock_intake.masking import credentials
from mock_intake.report.escaping import shown
from mock_intake.report.places import Group, Groups, Place
from mock_intake_pytest.records import Event, Run, title_of

_MOST_PLACES = 3
_MOST_TEXT = 1_000
_MOST_LISTED = 15
# No key, and a key that nobody has.
_OF_KEYS = ("HT001", "HT004")


class IntakeFailure(AssertionError):  # noqa: N818 - a failure is no error, to pytest
    """What arrived at the intake is not what the test, or production, needs; the message says all of it."""


# What users import it as, and see in the lines of failed tests.
IntakeFailure.__module__ = "mock_intake_pytest"


class Verdict(IntakeFailure, pytest.fail.Exception):  # type: ignore[misc, name-defined]
    """The judgement on a test as a whole. No line of the test is to blame, so pytest shows the message alone."""

    def __init__(self, text: str) -> None:
        pytest.fail.Exception.__init__(self, text, pytrace=False)


Verdict.__module__ = "mock_intake_pytest"


def grouped(places: Iterable[Place]) -> Groups:
    groups = Groups(_MOST_PLACES)
    groups.extend(places)
    return groups


def findings_text(groups: Iterable[Group]) -> str:
    """Findings by rule: what, in which events, where in them, why it matters, what to write instead."""
    return "\n\n".join(_group(group) for group in groups)


def _group(group: Group) -> str:
    first = group.first
    times = f", {group.count} times" if group.count > 1 else ""
    lines = [f"{first.code} {first.severity}{times}: {printable(first.message)}"]
    shown: tuple[str | None, str | None] | None = None
    for place in group.places:
        finding = place.finding
        where = f", at {finding.pointer}" if finding.pointer else ""
        lines.append(f"  in {printable(str(place))}{where}")
        if finding.message != first.message:
            lines.append(f"    {printable(finding.message)}")
        if (finding.expected, finding.actual) == shown:
            continue
        shown = finding.expected, finding.actual
        if finding.expected is not None:
            lines.append(f"    expected: {printable(finding.expected)}")
        if finding.actual is not None:
            lines.append(f"    actual:   {printable(finding.actual)}")
    if group.count > len(group.places):
        lines.append(f"  and {group.count - len(group.places)} more")
    rule = RULES.get(first.code)
    if rule is not None:
        lines.append(f"  why:      {rule.because}")
    lines.append(f"  advice:   {printable(first.advice)}")
    lines.append(f"  source:   {first.source} ({first.sureness}); more: mock-intake rules {first.code}")
    return "\n".join(lines)


def events_text(events: Sequence[Event]) -> str:
    """What arrived, a line each."""
    if not events:
        return "No event arrived."
    plural = "" if len(events) == 1 else "s"
    lines = [f"{len(events)} event{plural} arrived:"]
    lines += [f"  {number}. {printable(title_of(event))}" for number, event in enumerate(events[:_MOST_LISTED], 1)]
    if len(events) > _MOST_LISTED:
        lines.append(f"  and {len(events) - _MOST_LISTED} more")
    return "\n".join(lines)


def runs_text(runs: Sequence[Run]) -> str:
    if not runs:
        return "No event of a run arrived."
    lines = [f"{len(runs)} run{'' if len(runs) == 1 else 's'} arrived:"]
    for run in runs[:_MOST_LISTED]:
        job = f"{run.job.namespace} / {run.job.name}" if run.job else "no job"
        states = ", ".join(str(state) for state in run.states)
        lines.append(f"  {printable(f'{run.id} of {job}: {states}')}")
    if len(runs) > _MOST_LISTED:
        lines.append(f"  and {len(runs) - _MOST_LISTED} more")
    return "\n".join(lines)


def near_misses_text(events: Sequence[Event], misses: Mapping[str, Sequence[str]]) -> str:
    """Events with what is different about each, the nearest first; ``misses`` by event id."""
    if not events:
        return "No event arrived."
    ordered = sorted(events, key=lambda event: len(misses[event.id]))
    lines = ["Nearest of what arrived:"]
    for event in ordered[:5]:
        different = "; ".join(misses[event.id]) or "fits"
        lines.append(f"  {printable(title_of(event))}: {printable(different)}")
    if len(ordered) > 5:
        lines.append(f"  and {len(ordered) - 5} more")
    return "\n".join(lines)


def refused_text(exchanges: Sequence[Exchange]) -> str:
    """Requests that were not accepted while the test ran, with what was wrong with each; empty if there are none."""
    if not exchanges:
        return ""
    count = len(exchanges)
    lines = [f"{count} request{' was' if count == 1 else 's were'} refused or went astray meanwhile:"]
    for exchange in exchanges[:_MOST_LISTED]:
        status = exchange.response.status_code or "no answer"
        fault = f" (fault: {exchange.fault})" if exchange.fault else ""
        lines.append(f"  {printable(f'{exchange.request.method} {exchange.request.path}')} -> {status}{fault}")
        for finding in exchange.findings:
            if finding.severity is Severity.INFO or exchange.fault:
                continue
            lines.append(f"    {finding.code}: {printable(finding.message)}")
            lines.append(f"      advice: {printable(finding.advice)}")
    if len(exchanges) > _MOST_LISTED:
        lines.append(f"  and {len(exchanges) - _MOST_LISTED} more")
    if any(finding.code in _OF_KEYS for exchange in exchanges for finding in exchange.findings):
        lines.append("  The key of this test is intake.api_key; intake_env leads clients here with it.")
    return "\n".join(lines)


def request_text(exchange: Exchange, when: str) -> str:
    """One request in a line: time, answer, key (masked), event, and ``when`` it came as the tests see it."""
    request, event = exchange.request, exchange.event
    fault = f" (fault: {exchange.fault})" if exchange.fault else ""
    answer = f"{exchange.response.status_code or 'no answer'}{fault}"
    keys = [each.text for each in credentials(request.headers, request.query)]
    words = [f"{rfc3339(request.received_at)} {request.method} {request.path} -> {answer}"]
    words.append(f"key {keys[0]}" if keys else "no key")
    if event is not None:
        job = "" if event.job_name is None else f" of {event.job_namespace} / {event.job_name}"
        words.append(f"{event.event_type or event.kind or 'no event'}{job}")
    return printable(", ".join([*words, when]))


def with_text(asked: Mapping[str, Any]) -> str:
    """What was asked for, as it could be written: " with type='START', job='load'"; empty if it was all."""
    text = ", ".join(f"{name}={_shown(value)}" for name, value in asked.items() if value is not None)
    return f" with {text}" if text else ""


def _shown(value: Any) -> str:
    pattern = getattr(value, "pattern", None)
    return f"re.compile({pattern!r})" if pattern is not None else repr(value)


def either(words: Sequence[str]) -> str:
    """The words as a choice: "COMPLETE, FAIL or ABORT"."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def paragraphs(*parts: str) -> str:
    """The parts that say something, with blank lines between."""
    return "\n\n".join(part for part in parts if part)


def printable(text: str) -> str:
    """Text from events with control characters escaped, and of a length that a reader can bear."""
    if len(text) > _MOST_TEXT:
        text = f"{text[: _MOST_TEXT // 2]} ... {text[-_MOST_TEXT // 2 :]}"
    return shown(text)
