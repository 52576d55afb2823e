"""The words of failures: what arrived, what was found in it, what was refused and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from mock_intake.model.exchange import Exchange, rfc3339
from mock_intake.model.findings import Severity
from mock_intake.report.escaping import clipped, shown
from mock_intake.report.places import Group, Groups, Place, alone
from mock_intake.secrets.api_keys import credentials
from mock_intake.secrets.content import redact
from mock_intake.secrets.presenting import presented, presented_name
from mock_intake.system.patterns import pattern_of
from mock_intake_pytest.records import Event, Run, title_of

_MOST_PLACES = 3
_MOST_TEXT = 1_000
_MOST_LISTED = 15
_MOST_JOBS = 4
# What follows says why, or more than there is room for in a line.
_CLAUSE_ENDS = pattern_of(r"(?<=\w): |; |, (?:so|and|but|which|for|as|though) ")
_MOST_OF_A_CLAUSE = 80
# No key, and a key that nobody has.
_OF_KEYS = ("HT001", "HT004")


class Failing(NamedTuple):
    """Why a test does not pass: in a line, and in full."""

    summary: str
    text: str


class IntakeFailure(AssertionError):  # noqa: N818 - a failure is no error, to pytest
    """What arrived at the intake is not what the test, or production, needs; the message says all of it."""

    @property
    def intake_summary(self) -> str:
        """The line that pytest's short summary has of it."""
        return str(self).partition("\n")[0]


# What users import it as, and see in the lines of failed tests.
IntakeFailure.__module__ = "mock_intake_pytest"


class Verdict(IntakeFailure, pytest.fail.Exception):  # type: ignore[misc, name-defined]
    """The judgement on a test as a whole. No line of the test is to blame, so pytest shows the message alone."""

    def __init__(self, verdicts: Sequence[tuple[str, str]]) -> None:
        """``verdicts`` have each a line for the summary, and the whole text."""
        pytest.fail.Exception.__init__(self, paragraphs(*(text for _, text in verdicts)), pytrace=False)
        self._summary = "; ".join(summary for summary, _ in verdicts)

    @property
    def intake_summary(self) -> str:
        """What pytest's short summary says of the failure, in a line."""
        return self._summary


Verdict.__module__ = "mock_intake_pytest"


def grouped(places: Iterable[Place]) -> Groups:
    """Findings by rule and message, with as many places of each as a failure shows."""
    groups = Groups(_MOST_PLACES)
    groups.extend(places)
    return groups


def findings_text(groups: Iterable[Group]) -> str:
    """Findings by rule and message: in which events, where in them, why it matters, what to write instead."""
    return "\n\n".join("\n".join(_lines(group)) for group in groups)


def _lines(group: Group, *, brief: bool = False) -> list[str]:
    # With the first finding that is shown: tests that pass show none.
    from mock_intake.report.finding_text import Style, finding_lines

    return finding_lines(group, Style(escape=printable, brief=brief))


def summary_of(groups: Sequence[Group]) -> str:
    """Findings in a line: the first one's rule, what it says and of what, and how many more there are."""
    place = groups[0].places[0]
    finding = place.finding
    # Of a run the message says which, by its id; the name behind it says it as other runs of the test suite do.
    message = finding.message.removeprefix(place.source or "").strip().removeprefix("the ")
    clause = clipped(_CLAUSE_ENDS.split(message, maxsplit=1)[0], _MOST_OF_A_CLAUSE)
    others = sum(group.count for group in groups) - 1
    return printable(f"{finding.code}: {clause} ({place.name})") + (f" +{others}" if others else "")


def events_text(events: Sequence[Event]) -> str:
    """What arrived, a line each."""
    if not events:
        return "No event arrived."
    plural = "" if len(events) == 1 else "s"
    how = " while the test was under way (by time, for all tests share a key)" if events[0].by_time else ""
    lines = [f"{len(events)} event{plural} arrived{how}:"]
    lines += [f"  {number}. {printable(title_of(event))}" for number, event in enumerate(events[:_MOST_LISTED], 1)]
    if len(events) > _MOST_LISTED:
        lines.append(f"  and {len(events) - _MOST_LISTED} more")
    return "\n".join(lines)


def runs_text(runs: Sequence[Run], run_id: Any = None) -> str:
    """The runs with their states, a line each; and a word where ``run_id``, by which one was asked for, is a job's
    name.
    """
    if not runs:
        return "No event of a run arrived."
    lines = [f"{len(runs)} run{'' if len(runs) == 1 else 's'} arrived:"]
    for run in runs[:_MOST_LISTED]:
        jobs = [presented_name(*job) for job in run.jobs[:_MOST_JOBS]]
        job = ", ".join(jobs + ["and more"] * (len(run.jobs) > _MOST_JOBS)) or "no job"
        states = ", ".join(str(state) for state in run.states)
        lines.append(f"  {printable(f'{presented(run.run_id)} of {job}: {states}')}")
    if len(runs) > _MOST_LISTED:
        lines.append(f"  and {len(runs) - _MOST_LISTED} more")
    if any(run_id == job.name for run in runs for job in run.jobs):
        name = _shown(run_id)
        lines += [
            "",
            printable(f"{name} is a job's name, and was taken for a run id: a job is asked for by job={name}."),
        ]
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
            lines += [f"    {line}" for line in _lines(alone(finding), brief=True)]
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
        job = "" if event.job_name is None else f" of {presented_name(event.job_namespace, event.job_name)}"
        words.append(f"{event.event_type or event.kind or 'no event'}{job}")
    return printable(", ".join([*words, when]))


def with_text(criteria: Mapping[str, Any]) -> str:
    """What was looked for, as it could be written: " with event_type='START', job='load'"; empty if it was anything."""
    text = ", ".join(f"{name}={_shown(value)}" for name, value in criteria.items() if value is not None)
    return f" with {text}" if text else ""


def _shown(value: Any) -> str:
    pattern = getattr(value, "pattern", None)
    if pattern is not None:
        return f"re.compile({redact(pattern)!r})"
    if isinstance(value, tuple):
        return repr(tuple(presented(each) if isinstance(each, str) else each for each in value))
    return repr(presented(value) if isinstance(value, str) else value)


def either(words: Sequence[str]) -> str:
    """The words as a choice: "COMPLETE, FAIL or ABORT"."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def paragraphs(*parts: str) -> str:
    """The parts that say something, with blank lines between."""
    return "\n\n".join(part for part in parts if part)


def printable(text: str) -> str:
    """Text from events with control characters escaped, and of a length that a reader can bear."""
    if len(text) > _MOST_TEXT:
        text = redact(text)  # before it is cut, which can take away what tells a secret
        text = f"{text[: _MOST_TEXT // 2]} ... {text[-_MOST_TEXT // 2 :]}"
    return shown(text)
