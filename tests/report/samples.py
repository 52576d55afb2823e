"""Suite reports: with every verdict in them, of several producers, hostile ones, large ones, empty ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mock_intake import IntakeServer
from mock_intake.body.shown import decoded_text
from mock_intake.model.findings import Finding, Severity, Sureness
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
from mock_intake_conformance.cases import CASES as ALL_CASES
from mock_intake_conformance.scenarios import SCENARIOS

MADE_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
VERDICTS = (
    ("delivery/arrives", Level.MUST, Verdict.PASSED),
    ("delivery/same-again", Level.NOTE, Verdict.OBSERVED),
    ("content/no-error", Level.MUST, Verdict.FAILED),
    ("resilience/503-once", Level.SHOULD, Verdict.FAILED),
    ("resilience/429", Level.MAY, Verdict.SKIPPED),
    ("security/untrusted", Level.MUST, Verdict.ERRORED),
)


@dataclass(frozen=True)
class Recorded:
    """Requests that an intake had, and the lineage that it made of them."""

    requests: Sequence[SeenRequest]
    findings: Sequence[Finding]
    lineage: Mapping[str, Any]


def recorded_of(server: IntakeServer, lineage: Mapping[str, Any]) -> Recorded:
    exchanges = [exchange for _, exchange in server.journal.read(0, 1_000)]
    began = exchanges[0].received_at - timedelta(seconds=0.25)
    requests = [
        SeenRequest((exchange.received_at - began).total_seconds(), exchange.to_dict(), decoded_text(exchange))
        for exchange in exchanges
    ]
    return Recorded(requests, [finding for exchange in exchanges for finding in exchange.findings], lineage)


def case(identity: str, level: Level = Level.MUST, **changes: Any) -> Requirement:
    name = identity.partition("/")[2]
    made = Requirement(
        identity,
        f"Title of {name}",
        level,
        f"What {name} asks.",
        f"Why {name} matters.",
        f"What to do about {name}.",
        "https://a.example/source",
        Sureness.MEASURED,
        ["normal"],
    )
    return replace(made, **changes)


CASES = [case(identity, level) for identity, level, _ in VERDICTS]


def every_verdict(recorded: Recorded) -> list[Result]:
    results = [
        Result(required, verdict, f"{verdict} as seen", [f"first detail of {required.id}", "second"])
        for required, (_, _, verdict) in zip(CASES, VERDICTS, strict=True)
    ]
    results[2] = replace(results[2], findings=recorded.findings[:3])
    return results


def all_passed() -> list[Result]:
    return [Result(required, Verdict.PASSED, "as it should be") for required in CASES]


def execution(recorded: Recorded, **changes: Any) -> Execution:
    made = Execution(
        "normal",
        "The intake is well",
        ["python", "job.py", "--name", "two words"],
        0,
        2.5,
        recorded.requests,
        "done\n\ttabbed\n",
        "\x1b[31mred\x1b[0m\n",
        ["The command ended by itself."],
    )
    return replace(made, **changes)


def producer(recorded: Recorded, results: Sequence[Result], name: str = "python job.py") -> ProducerReport:
    executions = [
        execution(recorded),
        execution(recorded, scenario="503", title="One 503", exit_code=None, requests=recorded.requests[:1]),
        execution(recorded, scenario="closed", title="Nobody listens", requests=[], stdout="", stderr="", notes=[]),
    ]
    return ProducerReport(name, "http", results, executions, recorded.lineage)


def suite(*producers: ProducerReport, **changes: Any) -> SuiteReport:
    return replace(SuiteReport("mock-intake certify: python job.py", MADE_AT, CASES, producers), **changes)


def samples(recorded: Recorded) -> dict[str, SuiteReport]:
    """Reports of every kind by name."""
    mixed, fine = every_verdict(recorded), all_passed()
    accepted = [
        replace(result, accepted_by="baseline.toml: known since May")
        if result.verdict in (Verdict.FAILED, Verdict.ERRORED)
        else result
        for result in mixed
    ]
    paths = ("curl", "HTTP transport", "HTTP by environment", "Datadog transport", "Agent")
    several = [producer(recorded, mixed if number % 2 else fine[:4], name) for number, name in enumerate(paths)]
    return {
        "not ready": suite(producer(recorded, mixed), notes=["The clock of this machine was set back."]),
        "ready": suite(producer(recorded, fine)),
        "accepted": suite(producer(recorded, accepted)),
        "several": suite(*several),
        "measured": suite(*several, says_ready=False, title="The documented paths"),
        "no results": suite(ProducerReport("idle", "custom", [], [])),
        "no producers": suite(),
        "nothing": SuiteReport("Nothing", MADE_AT, [], [], says_ready=False),
    }


def whole_suite(recorded: Recorded, producers: int) -> SuiteReport:
    """All cases of the suite in all scenarios: eight failed, four of them alike."""
    failing = {f"resilience/{code}-once": Verdict.FAILED for code in (500, 502, 503, 504)} | {
        "resilience/refusing-intake": Verdict.FAILED,
        "resilience/hanging-once": Verdict.FAILED,
        "content/no-datadog-error": Verdict.FAILED,
        "security/tls-expired": Verdict.ERRORED,
    }
    cases = [each.requirement for each in ALL_CASES]
    messages = {one.id: f"1 event lost by a single {one.id[11:14]}: START of prod / daily_revenue" for one in cases}
    made = []
    for number in range(producers):
        results = [
            Result(
                one,
                failing.get(one.id, Verdict.PASSED) if number in (0, 3) else Verdict.PASSED,
                messages[one.id] if one.id in failing else "as it should be",
                ["START: 1 attempt, accepted never", "COMPLETE: 1 attempt, accepted once"],
                recorded.findings[:2] if one.id == "content/no-datadog-error" else (),
            )
            for one in cases
        ]
        runs = [
            execution(recorded, scenario=one.id, title=one.title, requests=recorded.requests[:3])
            for one in SCENARIOS.values()
        ]
        made.append(ProducerReport(f"way {number}", "http", results, runs, recorded.lineage))
    return SuiteReport("Is job.py ready to go live?", MADE_AT, cases, made)


def hostile(text: str) -> SuiteReport:
    """A report in which everything that is not ours to choose holds this text, and much that is."""
    finding = Finding("DD101", Severity.ERROR, "event", text, text, text, text, text, text, Sureness.ASSUMED)
    required = case("delivery/one", title=text, requirement=text, because=text, advice=text, source=text)
    exchange = {
        "id": "1",
        "org": text,
        "received_at": "2026-11-22T12:00:00.000000Z",
        "method": text,
        "path": text,
        "query": text,
        "headers": {text: text, "x": text},
        "wire_size": 1,
        "decoded_size": None,
        "status_code": None,
        "fault": text,
        "agent": {"path": text, "query": text, "headers": {"x": text}},
        "event_id": "1",
        "findings": [finding.to_dict()],
    }
    reference = {"namespace": text, "name": text}
    lineage = {
        "jobs": [{**reference, "inputs": [], "outputs": [reference]}],
        "datasets": [{**reference, "platform": text, "issues": [text], "columns": [text]}],
        "edges": [{"from": {"type": "job", **reference}, "to": {"type": "dataset", **reference}}],
        "column_edges": [{"from": {**reference, "field": text}, "to": {**reference, "field": text}}],
        "findings": [finding.to_dict()],
    }
    run = Execution("normal", text, [text], 1, 1.0, [SeenRequest(0.5, exchange, text)], text, text, [text])
    verdicts = (Verdict.FAILED, Verdict.ERRORED, Verdict.SKIPPED, Verdict.PASSED)
    results = [
        Result(replace(required, id=f"delivery/{verdict}"), verdict, text, [text], [finding]) for verdict in verdicts
    ]
    results.append(replace(results[0], case=replace(required, id="delivery/known"), accepted_by=text))
    producers = [ProducerReport(text, text, results, [run], lineage), ProducerReport(text, text, [], [])]
    return SuiteReport(text, MADE_AT, [result.case for result in results], producers, [text])


def large(recorded: Recorded, requests: int = 1_000, cases: int = 300) -> SuiteReport:
    """A retry storm of a producer that does everything wrong, at length."""
    storm = [replace(recorded.requests[number % len(recorded.requests)], at=number / 100) for number in range(requests)]
    required = [case(f"resilience/{number}") for number in range(cases)]
    words = "a long story " * 400
    results = [Result(one, Verdict.FAILED, words, [words] * 200, recorded.findings) for one in required]
    run = execution(recorded, requests=storm, stdout="printed\n" * 20_000)
    return SuiteReport("Large", MADE_AT, required, [ProducerReport("storm", "http", results, [run], recorded.lineage)])
