"""What ``mock-intake audit`` found, as one page that opens from a file, of a bounded size whatever the archive has."""

from __future__ import annotations

from typing import Any

from mock_intake.model.exchange import rfc3339
from mock_intake.model.findings import Severity, Status
from mock_intake.report.audit_report import AuditReport, JobReadiness, jobs_line, percent, summary_line, verdict
from mock_intake.report.places import name_of_job
from mock_intake.report.rendering import render

# So many are on the page; more of them are in the JSON form, and all in the tables.
_MOST_JOBS = 300
_PARTS = {"verdict": "Verdict", "findings": "Findings", "jobs": "Jobs", "sources": "Sources"}


def to_html(report: AuditReport) -> str:
    """The page: the verdict, findings by rule, then jobs and sources, those in which most is wrong first."""
    state, headline = verdict(report)
    listed = report.jobs[:_MOST_JOBS]
    of_info = [rule for rule in report.at_or_above(Severity.INFO) if rule.group.first.severity is Severity.INFO]
    values: dict[str, Any] = {
        "report": report,
        "made_at": rfc3339(report.made_at),
        "sections": _PARTS,
        "state": state,
        "headline": headline,
        "summary": summary_line(report),
        "jobs_line": jobs_line(report),
        "rules": report.at_or_above(Severity.WARNING),
        "remarks": of_info,
        "noted": [job for job in listed if job.status is not Status.OK],
        "ready": [job for job in listed if job.status is Status.OK],
        "jobs_left": report.jobs_in_all - len(listed),
        "sources_left": report.sources_read - len(report.sources),
        "statuses": list(Status),
        "share": lambda of, status: percent(getattr(of, status.value), of.events),
        "name": _name,
        "known": {rule.group.first.code for rule in report.rules},
    }
    return render("audit.html", values)


def _name(job: JobReadiness) -> str:
    return name_of_job(job.namespace, job.name)
