"""The examples of all families, and what is found in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from mock_intake.journal import MemoryJournal
from mock_intake.judging.catalogue import JUDGING
from mock_intake.judging.intake import Intake
from mock_intake.judging.judgement import Judge
from mock_intake.model.exchange import ReceivedRequest, new_exchange_id
from mock_intake.model.findings import Finding
from mock_intake.rules.definition import JudgingRule
from mock_intake.rules.examples import example_events
from mock_intake.views import Views
from tests.rules.examples_requests import GOOD, Sent, sent

Body = dict[str, Any]
Pair = tuple[Any, Any]

# What only a connection, an Agent or a proxy can show: test_listener_findings.py, test_endpoint_findings.py.
OVER_SOCKETS = ("HT107", "HT303", "HT304", "HT305", "HT306")


def _pairs(make: Callable[[JudgingRule[Any], Any], Any], *subjects: str) -> dict[str, Pair]:
    """Trigger and neighbour of every rule about these subjects, as they are judged."""
    return {
        code: (make(rule, rule.trigger), make(rule, rule.neighbour))
        for code, rule in JUDGING.items()
        if rule.words.subject in subjects and code not in OVER_SOCKETS
    }


EVENTS: Mapping[str, tuple[Body, Body]] = _pairs(lambda rule, example: example_events(rule, example)[0], "event")
SEQUENCES: Mapping[str, tuple[Sequence[Body], Sequence[Body]]] = _pairs(example_events, "run", "dataset")
REQUESTS: Mapping[str, tuple[Sent, Sent]] = _pairs(lambda rule, example: sent({**rule.given, **example}), "request")

EXAMPLES: Mapping[str, Pair] = {**REQUESTS, **EVENTS, **SEQUENCES}

_judge = Judge()


def encoded(body: Any) -> bytes:
    """A body as Python's json writes it: lone surrogates as escapes."""
    return json.dumps(body).encode("ascii")


def found_in_event(body: Body) -> tuple[Finding, ...]:
    return _judge.judge(encoded(body), "org").findings


def found_in_request(sent: Sent) -> tuple[Finding, ...]:
    return Intake(sent.settings).receive(sent.request).findings


def request_with(body: bytes, number: int = 0) -> ReceivedRequest:
    """A good request with this body; the number orders requests in time, by seconds."""
    received_at = datetime(2026, 11, 1, 13, tzinfo=UTC) + timedelta(seconds=number)
    return replace(GOOD, id=new_exchange_id(), body=body, wire_size=len(body), received_at=received_at)


def views_of(bodies: Sequence[Body]) -> Views:
    """The views of a journal of these events, received in this order."""
    intake, journal = Intake(), MemoryJournal()
    journal.append([intake.receive(request_with(encoded(body), number)) for number, body in enumerate(bodies)])
    return Views(journal)


def found_in_sequence(bodies: Sequence[Body]) -> tuple[Finding, ...]:
    """What runs and datasets of these events have to say once no more are expected."""
    views = views_of(bodies)
    of_runs = [finding for run in views.runs() for finding in views.run_findings(run, closed=True)]
    return (*of_runs, *views.dataset_findings())


def found(code: str, example: Any) -> tuple[Finding, ...]:
    """What is found in one example of the rule with this code."""
    if code in REQUESTS:
        return found_in_request(example)
    return found_in_event(example) if code in EVENTS else found_in_sequence(example)


def only(findings: Sequence[Finding], code: str) -> Finding:
    """The one finding with this code."""
    [finding] = [finding for finding in findings if finding.code == code]
    return finding


class FindingText(NamedTuple):
    """What a finding tells a person, whole."""

    pointer: str
    message: str
    expected: str | None
    actual: str | None
    advice: str
    violates: str | None = None


def told(finding: Finding) -> FindingText:
    return FindingText(
        finding.pointer, finding.message, finding.expected, finding.actual, finding.advice, finding.violates
    )
