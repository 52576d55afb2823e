"""The result of running a producer through scenarios, as data: what each case required, what was seen, the verdict.

Made by the conformance suite, printed by the renderers beside this file. Nothing in it holds a key: what was seen
comes from exchanges, which are masked, and from outputs in which keys were looked for and masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mock_intake import __version__
from mock_intake.model.exchange import rfc3339
from mock_intake.model.findings import Finding, Sureness


class Level(StrEnum):
    """How much a case matters for going live (RFC 2119); ``note`` cases are observed and never fail."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"
    NOTE = "note"


class Verdict(StrEnum):
    """What came of a case.

    ``errored``: it could not be judged, because the scenario did not run as it should; ``skipped``: it does not apply,
    and the result says why; ``observed``: there is nothing to pass, and what was seen is told.
    """

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"
    OBSERVED = "observed"


class Skip(StrEnum):
    """Why a case was skipped.

    What does not apply counts for nothing (the Agent has the key). What was not asked for (``--failing``, ``--slow``,
    ``--only``) leaves a producer ready as far as asked. Where there is no evidence nothing came that could be judged.
    """

    DOES_NOT_APPLY = "does not apply"
    NOT_ASKED = "not asked"
    NO_EVIDENCE = "no evidence"


@dataclass(frozen=True)
class Requirement:
    """A case as it is written down: a stable id such as ``resilience/503-once``, and what it asks in our words.

    ``because`` says why it matters to the user, ``advice`` how to meet it. ``scenarios`` are the ids of those that it
    is judged on.
    """

    id: str
    title: str
    level: Level
    requirement: str
    because: str
    advice: str
    source: str
    sureness: Sureness
    scenarios: Sequence[str]

    @property
    def group(self) -> str:
        return self.id.partition("/")[0]

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "level": self.level,
            "requirement": self.requirement,
            "because": self.because,
            "advice": self.advice,
            "source": self.source,
            "sureness": self.sureness,
            "scenarios": list(self.scenarios),
        }


@dataclass(frozen=True)
class Result:
    """A case judged on one producer. ``message`` says in a line what was seen, ``details`` in as many as it takes.

    ``findings`` are those of the rules that made a content case fail; ``accepted_by`` is the baseline entry that
    takes a failure as known. ``skip`` says why it was skipped; ``advice`` is that of the case in the producer's
    language, empty where there is none but the case's own.
    """

    case: Requirement
    verdict: Verdict
    message: str
    details: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    accepted_by: str | None = None
    skip: Skip | None = None
    advice: str = ""

    @property
    def failed(self) -> bool:
        """Whether it is not met as far as anybody can tell: failed, not to be judged, or without evidence."""
        return self.verdict in (Verdict.FAILED, Verdict.ERRORED) or self.skip is Skip.NO_EVIDENCE

    @property
    def counts(self) -> bool:
        """Whether it stands between the producer and going live."""
        return self.case.level is Level.MUST and self.failed and self.accepted_by is None

    def to_dict(self) -> dict[str, Any]:
        return {
            "case": self.case.id,
            "verdict": self.verdict,
            "message": self.message,
            "details": list(self.details),
            "findings": [finding.to_dict() for finding in self.findings],
            "accepted_by": self.accepted_by,
            "skip": self.skip,
            "advice": self.advice,
        }


@dataclass(frozen=True)
class SeenRequest:
    """A request of a scenario, for its time line: ``at`` is in seconds since the producer was started.

    ``exchange`` is the JSON form of the control API (keys masked).
    """

    at: float
    exchange: Mapping[str, Any]
    body: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"at": self.at, "exchange": dict(self.exchange), "body": self.body}


@dataclass(frozen=True)
class Execution:
    """One run of the producer against an intake told to behave in a certain way.

    ``exit_code`` is None where it was ended at the time limit. ``seconds`` is how long it ran; ``stdout`` and
    ``stderr`` are the last of what it printed, keys masked. ``requests`` are the first ones where there were too many
    to keep; ``requests_left_out`` counts the others, on which the verdicts rest as well.
    """

    scenario: str
    title: str
    command: Sequence[str]
    exit_code: int | None
    seconds: float
    requests: Sequence[SeenRequest]
    stdout: str = ""
    stderr: str = ""
    notes: Sequence[str] = ()
    requests_left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "title": self.title,
            "command": list(self.command),
            "exit_code": self.exit_code,
            "seconds": self.seconds,
            "requests": [request.to_dict() for request in self.requests],
            "requests_left_out": self.requests_left_out,
            "stdout": self.stdout,
            "stderr": self.stderr,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ProducerReport:
    """All results of one producer. ``lineage`` is the JSON form of the control API's.

    ``settings`` is what became of those that it reads of its surroundings: what, name, was, why.
    """

    name: str
    path: str
    results: Sequence[Result]
    executions: Sequence[Execution]
    lineage: Mapping[str, Any] = field(default_factory=dict)
    settings: Sequence[Mapping[str, str]] = ()

    @property
    def ready(self) -> bool:
        """Ready to go live: something was judged, and no MUST failed or errored."""
        return bool(self.results) and not any(result.counts for result in self.results)

    @property
    def not_asked(self) -> list[str]:
        """The cases that must pass, and were not asked for."""
        skips = ((result.case, result.skip) for result in self.results)
        return [case.id for case, skip in skips if skip is Skip.NOT_ASKED and case.level is Level.MUST]

    def count(self, verdict: Verdict) -> int:
        return sum(result.verdict is verdict for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "path": self.path,
            "ready": self.ready,
            "not_asked": self.not_asked,
            "counts": {str(verdict): self.count(verdict) for verdict in Verdict},
            "results": [result.to_dict() for result in self.results],
            "executions": [execution.to_dict() for execution in self.executions],
            "lineage": dict(self.lineage),
            "settings": [dict(setting) for setting in self.settings],
        }


@dataclass(frozen=True)
class SuiteReport:
    """What ``certify`` found out about one producer, or ``conformance`` about several.

    ``says_ready`` tells whether the verdict "ready" is the question: not for a comparison of the documented paths.
    ``left_out`` is how many cases were not selected: with any, nobody is ready, whatever the others say.
    """

    title: str
    made_at: datetime
    cases: Sequence[Requirement]
    producers: Sequence[ProducerReport]
    notes: Sequence[str] = ()
    says_ready: bool = True
    left_out: int = 0

    def is_ready(self, producer: ProducerReport) -> bool:
        return producer.ready and not self.left_out

    def verdict_on(self, producer: ProducerReport) -> str:
        """What is said of ``producer`` in the end: ``ready``, ``ready, as far as asked`` or ``not ready``."""
        if not producer.ready:
            return "not ready"
        return "ready, as far as asked" if self.left_out or producer.not_asked else "ready"

    def to_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "made_at": rfc3339(self.made_at),
            "version": __version__,
            "says_ready": self.says_ready,
            "left_out": self.left_out,
            "notes": list(self.notes),
            "cases": [case.to_dict() for case in self.cases],
            "producers": [
                {**producer.to_dict(), "ready": self.is_ready(producer), "verdict": self.verdict_on(producer)}
                for producer in self.producers
            ],
        }
