"""Reports on audits, made by hand: what Spark counts for them is tested in ``tests/audit``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from mock_intake.model.findings import Finding, Severity, Status, Sureness
from mock_intake.report.audit_report import (
    MOST_JOBS,
    MOST_SOURCES,
    AuditReport,
    FacetCount,
    FoundByRule,
    JobReadiness,
    RuleCount,
    SourceCounts,
)
from mock_intake.report.places import Group, Place

ERROR = Finding(
    "DD101", Severity.ERROR, "event", "/job/facets", "the job has no jobType facet", "jobType", "facets: none",
    "Add it.", "https://docs.example/job", Sureness.DOCUMENTED,
)  # fmt: skip
WARNING = structs.replace(ERROR, code="RC102", severity=Severity.WARNING, subject="run", message="the run has no end")
INFO = structs.replace(ERROR, code="DD501", severity=Severity.INFO, message="there is no errorMessage")


def job(name: str, *, ok: int = 0, warning: int = 0, error: int = 0, **values: Any) -> JobReadiness:
    """A job with so many events of each status, and as many findings."""
    counts = {"runs": 2, "completed": 1, "failed": 0, "aborted": 0, "unfinished": 1}
    top = tuple(RuleCount(one.code, one.severity, n) for one, n in ((ERROR, error), (WARNING, warning)) if n)
    missing = (FacetCount("jobType", error),) if error else ()
    found = {"errors": error, "warnings": warning, "infos": 0, "top": top, "missing": missing}
    return JobReadiness("prod", name, ok + warning + error, ok, warning, error, **{**counts, **found, **values})


def rule(finding: Finding, places: Sequence[Place] = (), times: int = 1, jobs: int = 1) -> FoundByRule:
    at = list(places) or [Place(finding, "s3a://lake/events/day=1.ndjson.gz", 7, name="START prod/load")]
    return FoundByRule(Group(at[0].finding, at, times, set()), jobs)


def report(rules: Sequence[FoundByRule] = (), jobs: Sequence[JobReadiness] = (), **values: Any) -> AuditReport:
    """A report on a hundred events but for what is said; what else there is to count is counted."""
    listed = list(jobs)[:MOST_JOBS]
    given: dict[str, Any] = {
        "made_at": datetime(2026, 11, 30, 6, tzinfo=UTC),
        "statuses": {Status.OK: 90, Status.WARNING: 0, Status.ERROR: 10},
        "jobs_by_status": {status: sum(one.status is status for one in jobs) for status in Status},
        "runs": 33,
        "datasets": 5,
        "sources_read": 1,
        "rules": rules,
        "jobs": listed,
        "sources": [SourceCounts("s3a://lake/events/day=1.ndjson.gz", 100, 90, 0, 10)],
        "most_severe": lambda number: [place for each in rules for place in each.group.places][:number],
        "tables": "s3a://lake/audit",
    }
    return AuditReport(**{**given, **values})


def usual(**values: Any) -> AuditReport:
    """One in which there is a little of everything."""
    run = Place(WARNING, "a.ndjson", 9, "run 1", "run of prod/load")
    rules = [rule(INFO, times=3), rule(WARNING, [run], 2), rule(ERROR, times=10, jobs=2)]
    jobs = [
        job("load", ok=10, error=8),
        job("<b>mend", ok=5, error=2),
        job("late", ok=5, warning=5),
        job("fine", ok=65),
    ]
    return report(rules, jobs, **{"notes": ["Two files could not be read."], **values})


def hostile(text: str) -> AuditReport:
    """One in which everything that comes from an archive holds this text."""
    finding = structs.replace(ERROR, message=text, expected=text, actual=text, pointer=f"/{text}")
    places = [Place(finding, text, 1, name=f"START {text}"), Place(finding, text, 2, text, text)]
    one = job(text, error=3)._replace(namespace=text, missing=(FacetCount(text, 1),))
    return report(
        [rule(finding, places, times=2)],
        [one],
        sources=[SourceCounts(text, 3, 0, 0, 3)],
        tables=text,
        notes=[text],
    )


def large() -> AuditReport:
    """One on an archive in which everything that can be is as large as it gets."""
    words = "word " * 780
    findings = [
        structs.replace(ERROR, code=f"DD{number}", message=words, expected=words, actual=words, advice=words)
        for number in range(250)
    ]
    places = [[Place(one, "s3a://" + "f" * 900, n, name="n" * 900) for n in (1, 2, 3)] for one in findings]
    found = [
        FoundByRule(Group(at[0].finding, at, 10**9, {"message", "expected", "actual", "advice"}), 10**6)
        for at in places
    ]
    top = tuple(RuleCount(f"DD{number}", Severity.ERROR, 10**9) for number in range(10))
    jobs = [job("j" * 1_000, error=10**9, ok=n, top=top)._replace(namespace="n" * 1_000) for n in range(MOST_JOBS)]
    sources = [SourceCounts("s3a://" + "f" * 900, 10**9, 1, 2, 3)] * MOST_SOURCES
    counts = {Status.OK: 0, Status.WARNING: 0, Status.ERROR: 10**6}
    return report(found, jobs, jobs_by_status=counts, sources=sources, sources_read=10**6,
                  statuses={Status.OK: 1, Status.WARNING: 2, Status.ERROR: 10**9})  # fmt: skip
