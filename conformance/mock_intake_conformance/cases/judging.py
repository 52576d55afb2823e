"""What a case is, and what judgements are made of: pure functions of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mock_intake.model.findings import Finding, Sureness
from mock_intake.report.suite import Level, Requirement, Skip, Verdict
from mock_intake_conformance.cases.advice import Topic
from mock_intake_conformance.observation import Observations

DOCUMENTED, DRAFT, ASSUMED, SOURCE = Sureness.DOCUMENTED, Sureness.DRAFT, Sureness.ASSUMED, Sureness.SOURCE
MUST, SHOULD, MAY, NOTE = Level.MUST, Level.SHOULD, Level.MAY, Level.NOTE

HTTP_SEMANTICS = "https://www.rfc-editor.org/rfc/rfc9110"
_MOST_DETAILS = 40


@dataclass(frozen=True)
class Judgement:
    """What came of a case: in a line, in as many as it takes, and the findings of rules that it rests on."""

    verdict: Verdict
    message: str
    details: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    skip: Skip | None = None


Judge = Callable[[Observations], Judgement]


@dataclass(frozen=True)
class Case:
    """A requirement, and the function that judges whether it is met.

    It is judged on all of its scenarios, or, if ``partial``, on those of them that were carried out, or, if
    ``anywhere``, on all that were carried out for whatever case. The scenario that all are compared with is always
    among what it is given. ``topic`` is what there is advice on for each client.
    """

    requirement: Requirement
    judge: Judge
    partial: bool = False
    anywhere: bool = False
    topic: Topic | None = None

    @property
    def id(self) -> str:
        """The id of its requirement."""
        return self.requirement.id


def passed(message: str, *details: str) -> Judgement:
    """The requirement is met."""
    return Judgement(Verdict.PASSED, message, _few(details))


def failed(message: str, *details: str, findings: Iterable[Finding] = ()) -> Judgement:
    """The requirement is not met, for these reasons."""
    return Judgement(Verdict.FAILED, message, _few(details), tuple(findings))


def errored(message: str, *details: str) -> Judgement:
    """Nothing can be said: the producer or the run went wrong in another way."""
    return Judgement(Verdict.ERRORED, message, _few(details))


def skipped(kind: Skip, reason: str) -> Judgement:
    """The requirement was not judged, for this reason."""
    return Judgement(Verdict.SKIPPED, reason, skip=kind)


def does_not_apply(reason: str) -> Judgement:
    """The requirement makes no sense for this producer."""
    return skipped(Skip.DOES_NOT_APPLY, reason)


def no_evidence(reason: str) -> Judgement:
    """Nothing came that it could be judged by."""
    return skipped(Skip.NO_EVIDENCE, reason)


def observed(message: str, *details: str) -> Judgement:
    """Something was measured that no requirement is about."""
    return Judgement(Verdict.OBSERVED, message, _few(details))


def _few(lines: Sequence[str]) -> tuple[str, ...]:
    """As many lines as anybody reads."""
    if len(lines) <= _MOST_DETAILS:
        return tuple(lines)
    return (*lines[:_MOST_DETAILS], f"... and {len(lines) - _MOST_DETAILS} more")


def by_findings(findings: Iterable[Finding], otherwise: str, what: str) -> Judgement:
    """Failed if there is any finding; each that says the same is told once."""
    distinct: dict[tuple[str, str, str], Finding] = {}
    total = 0
    for finding in findings:
        total += 1
        distinct.setdefault((finding.code, finding.pointer, finding.message), finding)
    if not distinct:
        return passed(otherwise)
    found = list(distinct.values())
    codes = ", ".join(sorted({finding.code for finding in found}))
    return failed(f"{what}: {codes} ({count(total, 'finding')})", findings=found)


def count(number: int, singular: str) -> str:
    """A number of things, with the word for them in the singular or the plural."""
    return f"{number} {singular}" if number == 1 else f"{number} {singular}s"
