"""What was seen of one scenario: the requests, how the producer ended, and the views of what arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple

from mock_intake.body.shown import decoded_text
from mock_intake.model.exchange import EventSummary, Exchange
from mock_intake.model.findings import Finding
from mock_intake.producers.environment import Change
from mock_intake.producers.guard import Attempt
from mock_intake.producers.reached import exchanges_of, through_text
from mock_intake.report.suite import Execution, SeenRequest
from mock_intake.secrets.content import redact
from mock_intake.secrets.presenting import presented, presented_json
from mock_intake.views import Run
from mock_intake_conformance import scenarios
from mock_intake_conformance.process import Outcome
from mock_intake_conformance.scenarios import HEALTHY, Scenario

_MAX_BODY = 64 * 1024
_TIMED_OUT = 124
# A report has all requests of the scenario that all are compared with, and of each other one so many: a job that sends
# thousands of events would else make twenty times as many of them.
MOST_REQUESTS = 50


class Identity(NamedTuple):
    """What makes an event the same event in another execution: its kind, type, and the job or dataset."""

    kind: str | None
    event_type: str | None
    subject: tuple[str | None, str | None]

    def __str__(self) -> str:
        subject = " / ".join(presented(part) if part else "?" for part in self.subject)
        return f"{presented(self.event_type or self.kind or 'event')} of {subject}"


@dataclass(frozen=True)
class Observation:
    """One execution of a producer against an intake that behaved in one way.

    ``exchanges`` are the intake's, in order of arrival; ``elsewhere`` those of the origin that redirects lead to.
    ``handshakes_refused`` counts TLS connections that the producer ended before they were made. ``key_mask`` is what
    stands in exchanges in place of the key. ``settings`` is what became of those of the producer.
    ``asked`` are the hosts that it asked for, where it was isolated; ``reached`` those of Datadog's that it tried.
    """

    scenario: Scenario
    path: scenarios.Path
    command: Sequence[str]
    outcome: Outcome
    key_mask: str
    exchanges: Sequence[Exchange] = ()
    elsewhere: Sequence[Exchange] = ()
    handshakes_refused: int = 0
    runs: Sequence[Run] = ()
    run_findings: Sequence[Finding] = ()
    dataset_findings: Sequence[Finding] = ()
    coverage: Sequence[Mapping[str, Any]] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)
    settings: Sequence[Change] = ()
    reached: Sequence[Attempt] = ()
    looked_up: Sequence[str] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the command ended as it should: with 0, or with 124, where ``timeout`` is its end."""
        code = self.outcome.exit_code
        return code == 0 or (code == _TIMED_OUT and any(PurePath(word).name == "timeout" for word in self.command))

    @property
    def taken(self) -> list[tuple[Exchange, EventSummary]]:
        """The accepted events in order, each with the exchange that was accepted first."""
        seen: dict[str, tuple[Exchange, EventSummary]] = {}
        for exchange in self.exchanges:
            if exchange.accepted and exchange.event is not None:
                seen.setdefault(exchange.event.id, (exchange, exchange.event))
        return list(seen.values())

    @property
    def identities(self) -> list[Identity]:
        """The accepted events in order, by what they are about."""
        return [identity_of(event) for _, event in self.taken]

    @property
    def stopped(self) -> list[Exchange]:
        """Connections to real sites that it was kept from, as exchanges with a finding."""
        return exchanges_of(self.reached)

    def findings(self) -> Iterator[Finding]:
        """Findings of all exchanges; those of a request that a fault hit are the producer's all the same."""
        for exchange in self.exchanges:
            yield from exchange.findings

    def moment(self, exchange: Exchange) -> float:
        """When a request arrived, in seconds since the producer was started."""
        return (exchange.received_at - self.outcome.began).total_seconds()

    def attempts(self) -> list[list[Exchange]]:
        """The requests, those of one event together."""
        grouped: dict[str, list[Exchange]] = {}
        for exchange in self.exchanges:
            grouped.setdefault(exchange.event.id if exchange.event else exchange.id, []).append(exchange)
        return list(grouped.values())

    def execution(self) -> Execution:
        """The observation as the report has it."""
        notes = [f"The command {self.outcome.ended}."] if not self.outcome.error else [self.outcome.error]
        if self.outcome.left_running:
            notes.append("It left processes running, which were ended.")
        if self.handshakes_refused:
            notes.append(f"TLS handshakes that it broke off: {self.handshakes_refused}.")
        if self.looked_up:
            notes.append(f"Hosts that it asked for, isolated: {', '.join(self.looked_up[:MOST_REQUESTS])}.")
        if text := through_text(self.reached):
            notes.append(text)
        if self.elsewhere:
            notes.append(f"Requests at the other origin: {len(self.elsewhere)}.")
        kept = len(self.exchanges) if self.scenario.id == HEALTHY else MOST_REQUESTS
        shown = sorted([*self.exchanges[:kept], *self.stopped], key=lambda exchange: exchange.received_at)
        return Execution(
            self.scenario.id,
            self.scenario.title,
            self.command,
            self.outcome.exit_code,
            round(self.outcome.seconds, 3),
            [self._seen(exchange) for exchange in shown],
            redact(self.outcome.stdout),
            redact(self.outcome.stderr),
            notes,
            max(0, len(self.exchanges) - kept),
        )

    def _seen(self, exchange: Exchange) -> SeenRequest:
        body = decoded_text(exchange)
        body = None if body is None else presented_json(body)
        if body is not None and len(body) > _MAX_BODY:
            body = f"{body[:_MAX_BODY]} ... and {len(body) - _MAX_BODY} characters more"
        return SeenRequest(round(self.moment(exchange), 3), exchange.to_dict(), body)


Observations = Mapping[str, Observation]
"""What was seen of a producer, by scenario id."""


def identity_of(event: EventSummary) -> Identity:
    dataset = event.dataset
    subject = (dataset.namespace, dataset.name) if dataset is not None else (event.job_namespace, event.job_name)
    return Identity(event.kind, event.event_type, subject)


def not_arrived(there: Observation, here: Observation) -> Counter[Identity]:
    """What arrived in one execution and not in another. Of jobs with ever new names the types alone are compared."""
    expected, arrived = Counter(there.identities), Counter(here.identities)
    if {identity.subject for identity in arrived} - {identity.subject for identity in expected}:
        expected, arrived = _by_type(expected), _by_type(arrived)
    return expected - arrived


def _by_type(counted: Counter[Identity]) -> Counter[Identity]:
    types: Counter[Identity] = Counter()
    for identity, times in counted.items():
        types[identity._replace(subject=("any", "job"))] += times
    return types
