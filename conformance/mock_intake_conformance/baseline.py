"""The baseline of ``certify``: which cases may fail, by their ids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mock_intake.report import baseline as files
from mock_intake.report.baseline import Baseline
from mock_intake.report.suite import ProducerReport, Result, Verdict

HEAD = """\
# Deviations that were accepted: failures of these cases do not count for mock-intake certify.
# Case = reason. Written by --write-baseline, which keeps the reasons.
"""
# A producer of which nothing arrives is not judged at all, whatever is accepted.
NEVER_ACCEPTED = "delivery/reaches-the-endpoint"


def apply(baseline: Baseline, report: ProducerReport) -> ProducerReport:
    """The report with accepted failures marked."""
    return replace(report, results=[_marked(baseline, result) for result in report.results])


def stale(baseline: Baseline, report: ProducerReport) -> list[str]:
    """Entries that accept nothing any more: the case passes now.

    Cases that were not judged this time are left alone.
    """
    verdicts = {result.case.id: result.verdict for result in report.results}
    return [entry for entry in sorted(baseline.accepted) if verdicts.get(entry) is Verdict.PASSED]


def updated(baseline: Baseline, report: ProducerReport) -> Baseline:
    """With all that fails now accepted; reasons are kept, and what is stale is taken out."""
    failing = {
        result.case.id: result.message
        for result in report.results
        if result.failed and result.case.id != NEVER_ACCEPTED
    }
    return baseline.updated(failing, stale(baseline, report))


def _marked(baseline: Baseline, result: Result) -> Result:
    reason = baseline.reason(result.case.id)
    if reason is None or not result.failed:
        return result
    return replace(result, accepted_by=reason)


def read_baseline(file: Path, known: frozenset[str]) -> Baseline:
    """Reads a baseline. Raises ``BaselineError``, also for a case that there is not."""

    def problem(entry: str) -> str | None:
        if entry == NEVER_ACCEPTED:
            return f"{NEVER_ACCEPTED} cannot be accepted: without it nothing is judged"
        return None if entry in known else f"there is no case {entry!r}: take the line out"

    return files.read_baseline(file, problem, "resilience/503-once")
