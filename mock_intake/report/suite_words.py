"""What a suite report says in words, the same in every form of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mock_intake.model.event import EventView
from mock_intake.model.findings import Finding, Severity, Status
from mock_intake.report.places import Group, Groups, Place
from mock_intake.report.suite import (
    Execution,
    Level,
    ProducerReport,
    Requirement,
    Result,
    SeenRequest,
    SuiteReport,
    Verdict,
)

MARKS: Mapping[Verdict, str] = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.ERRORED: "!",
    Verdict.SKIPPED: "-",
    Verdict.OBSERVED: "·",
}
_MOST_PLACES = 3
TROUBLE = (Verdict.FAILED, Verdict.ERRORED)
_AGAINST = (
    (Verdict.FAILED, "failed"),
    (Verdict.ERRORED, "could not be judged"),
    (Verdict.SKIPPED, "without evidence"),
)
_RANKS = {Severity.WARNING: Status.WARNING, Severity.ERROR: Status.ERROR}


def state(report: SuiteReport) -> str:
    """``ready``, ``not-ready``, or ``measured`` where ready is not the question, or only a part of it was asked."""
    if not report.says_ready or (report.left_out and all(producer.ready for producer in report.producers)):
        return "measured"
    return "ready" if report.producers and all(producer.ready for producer in report.producers) else "not-ready"


def headline(report: SuiteReport) -> str:
    """The verdict on all producers in one sentence."""
    if not any(producer.results for producer in report.producers):
        return "Not ready to go live: nothing was judged." if report.says_ready else "Nothing was measured."
    if not report.says_ready:
        return f"Measured: {counts(report.producers)}."
    waiting = [producer for producer in report.producers if not producer.ready]
    if not waiting:
        whose = "" if len(report.producers) == 1 else f"all {len(report.producers)} producers: "
        missing = not_asked(report)
        if missing:
            return f"Ready, as far as asked: {whose}no required case failed. Not asked: {missing}."
        return f"Ready to go live: {whose}no required case failed."
    if len(report.producers) == 1:
        return f"Not ready to go live: {why_not(waiting[0])}."
    return f"Not ready to go live: {len(waiting)} of {len(report.producers)} producers."


def not_asked(report: SuiteReport) -> str:
    """The cases that nobody asked for, in a few words; empty if all that must pass were."""
    named = dict.fromkeys(case for producer in report.producers for case in producer.not_asked)
    left_out = [f"{report.left_out} {'case' if report.left_out == 1 else 'cases'} (--only)"] if report.left_out else []
    return ", ".join([*named, *left_out])


def why_not(producer: ProducerReport) -> str:
    """What keeps a producer from being ready, in a few words."""
    if not producer.results:
        return "nothing was judged"
    parts = [
        f"{count} required {'case' if count == 1 else 'cases'} {words}"
        for verdict, words in _AGAINST
        if (count := sum(result.counts and result.verdict is verdict for result in producer.results))
    ]
    return ", ".join(parts) or "not all cases were selected"


def counts(producers: Sequence[ProducerReport]) -> str:
    """How many cases came to which verdict, over these producers; the failures that a baseline accepts are told."""
    words = [f"{total} {verdict}" for verdict in Verdict if (total := sum(one.count(verdict) for one in producers))]
    accepted = sum(is_accepted(result) for one in producers for result in one.results)
    return (", ".join(words) or "no cases") + (f" ({accepted} accepted by the baseline)" if accepted else "")


def verdict_and_counts(report: SuiteReport, producer: ProducerReport) -> str:
    """What is said of one of several producers, in a line."""
    if not report.says_ready:
        return f"{counts([producer])}."
    if report.is_ready(producer):
        return f"ready: {counts([producer])}."
    return f"not ready: {why_not(producer)}; {counts([producer])}."


def cases_of(report: SuiteReport) -> list[Requirement]:
    """All cases, those that only a result names too."""
    cases = {case.id: case for case in report.cases}
    for producer in report.producers:
        for result in producer.results:
            cases.setdefault(result.case.id, result.case)
    return list(cases.values())


def groups_of(cases: list[Requirement]) -> dict[str, list[Requirement]]:
    groups: dict[str, list[Requirement]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    return groups


def results_by_case(producer: ProducerReport) -> dict[str, Result]:
    return {result.case.id: result for result in producer.results}


def troubles(report: SuiteReport) -> list[tuple[ProducerReport, Result]]:
    """What failed or could not be judged: must, should, may; what a baseline accepts last."""
    found = []
    for producer in report.producers:
        failing = _fails(producer)
        found += [
            (producer, result)
            for result in producer.results
            if result.verdict in TROUBLE or (result.counts and not failing)
        ]
    levels = tuple(Level)
    return sorted(found, key=lambda pair: (is_accepted(pair[1]), levels.index(pair[1].case.level)))


def _fails(producer: ProducerReport) -> bool:
    """Whether something failed: what has no evidence then needs no telling, for little came."""
    return any(result.counts and result.verdict in TROUBLE for result in producer.results)


def is_accepted(result: Result) -> bool:
    """Whether there is something to accept, and a baseline does."""
    return result.accepted_by is not None and result.failed


def advice(result: Result) -> str:
    """What to do, in the producer's language where there is such advice."""
    return result.advice or result.case.advice


def verdict_words(result: Result) -> str:
    return f"{result.verdict}, accepted" if is_accepted(result) else str(result.verdict)


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """Findings by rule and message, the worst first."""
    groups = Groups(_MOST_PLACES)
    groups.extend(Place(finding, None) for finding in findings)
    return groups.at_or_above(Severity.INFO)


def requests_in_words(execution: Execution) -> str:
    """How many requests arrived, and how many of them the report has."""
    there = len(execution.requests)
    arrived = there + execution.requests_left_out
    words = f"{arrived} request{'' if arrived == 1 else 's'}"
    return f"the first {there} of {words}" if execution.requests_left_out else words


class SeenEvent(NamedTuple):
    """What a request's body says it is: the parts of an event that a reader knows it by, where they are there."""

    kind: str
    job: str
    run_id: str
    event_time: str


def seen_event(request: SeenRequest) -> SeenEvent | None:
    """The event in a request, or None where its body is none that can be read (or was cut for its size)."""
    try:
        body = json.loads(request.body or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    event = EventView(body)
    subject: tuple[str | None, ...] = (event.job_namespace, event.job_name)
    if event.kind == "DatasetEvent":
        subject = (event.datasets[0].namespace, event.datasets[0].name)
    return SeenEvent(
        event.event_type or event.kind or "",
        " / ".join(part for part in subject if part),
        event.run_id or "",
        event.event_time or "",
    )


def status_of_request(request: SeenRequest) -> Status:
    """The worst that findings say of a request and its event."""
    severities = {finding["severity"] for finding in request.exchange.get("findings", ())}
    for severity in (Severity.ERROR, Severity.WARNING):
        if severity in severities:
            return _RANKS[severity]
    return Status.OK
