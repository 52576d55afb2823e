"""The cases of the suite: what is asked of a producer, one module per group."""

from __future__ import annotations

from mock_intake_conformance.cases import content, delivery, lifecycle, logs, overhead, resilience, security
from mock_intake_conformance.cases.judging import Case, Judgement

CASES: tuple[Case, ...] = (
    *delivery.CASES,
    *content.CASES,
    *lifecycle.CASES,
    *resilience.CASES,
    *security.CASES,
    *logs.CASES,
    *overhead.CASES,
)

__all__ = ["CASES", "Case", "Judgement"]
