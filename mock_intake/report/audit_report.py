"""What ``mock-intake audit`` found in an archive: numbers over all of it, and the first places of each finding.

However large an archive is, this has a bounded size: whoever wants every event, run and job reads the tables of the
audit (``mock_intake.audit.tables``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from mock_intake import __version__
from mock_intake.model.exchange import rfc3339
from mock_intake.model.findings import Severity, Status
from mock_intake.model.words import counted
from mock_intake.report.finding_text import PLAIN, Style
from mock_intake.report.places import Group, Place

# So many jobs and sources a report lists, those in which most is wrong first.
MOST_JOBS = 1_000
MOST_SOURCES = 100


class RuleCount(Struct, frozen=True):
    """How often a rule spoke."""

    code: str
    severity: Severity
    count: int


class FacetCount(Struct, frozen=True):
    """A facet that Datadog reads, by its key, and how many findings miss it."""

    facet: str
    count: int


class FoundByRule(NamedTuple):
    """What was found by a rule, at one severity: how often, the first places, and in how many jobs."""

    group: Group
    jobs: int


class JobReadiness(NamedTuple):
    """How ready a job is: its events by status, its runs by how they ended, and what was found in both.

    ``errors`` and ``warnings`` count findings, ``error`` and ``warning`` events. ``top`` are the rules that spoke most,
    the worst first.
    """

    namespace: str | None
    name: str | None
    events: int
    ok: int
    warning: int
    error: int
    runs: int
    completed: int
    failed: int
    aborted: int
    unfinished: int
    errors: int
    warnings: int
    infos: int
    top: tuple[RuleCount, ...] = ()
    missing: tuple[FacetCount, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of its events and runs."""
        if self.error or self.errors:
            return Status.ERROR
        return Status.WARNING if self.warning or self.warnings else Status.OK

    def share(self, status: Status) -> str:
        """The share of its events of a status, in words: ``12.5 %``; never 0 % or 100 % of what is only nearly so."""
        return percent(
            {Status.OK: self.ok, Status.WARNING: self.warning, Status.ERROR: self.error}[status], self.events
        )

    def to_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in ("events", "ok", "warning", "error")}
        runs = {name: getattr(self, name) for name in ("runs", "completed", "failed", "aborted", "unfinished")}
        return {
            "job": {"namespace": self.namespace, "name": self.name},
            "status": self.status,
            **counts,
            **runs,
            "findings": {"error": self.errors, "warning": self.warnings, "info": self.infos},
            "top_findings": [asdict(one) for one in self.top],
            "facets_missing": [asdict(one) for one in self.missing],
        }


class SourceCounts(NamedTuple):
    """A file, or another source of events, with its events by status."""

    name: str
    events: int
    ok: int
    warning: int
    error: int


@dataclass(frozen=True)
class AuditReport:
    """An archive with what was found in it.

    ``statuses`` counts events, ``jobs_by_status`` jobs, ``runs``, ``datasets`` and ``sources_read`` what there are of
    these; ``jobs`` and ``sources`` are the worst of them. ``most_severe`` gives that many findings with their places,
    the most severe ones, those in order, for formats that list them one by one. ``level`` is from which severity on
    findings are shown to people, ``style`` how; ``tables`` says where all else is to be had.
    """

    made_at: datetime
    statuses: Mapping[Status, int]
    jobs_by_status: Mapping[Status, int]
    runs: int
    datasets: int
    sources_read: int
    rules: Sequence[FoundByRule]
    jobs: Sequence[JobReadiness]
    sources: Sequence[SourceCounts]
    most_severe: Callable[[int], list[Place]]
    tables: str
    notes: Sequence[str] = ()
    level: Severity = Severity.WARNING
    style: Style = PLAIN
    title: str = "mock-intake audit"
    severities: Mapping[Severity, int] = field(init=False)
    """How many findings there are, by severity."""

    def __post_init__(self) -> None:
        counts = dict.fromkeys(Severity, 0)
        for rule in self.rules:
            counts[rule.group.first.severity] += rule.group.count
        object.__setattr__(self, "severities", counts)

    @property
    def events(self) -> int:
        """How many lines were judged, broken ones included."""
        return sum(self.statuses.values())

    @property
    def jobs_in_all(self) -> int:
        return sum(self.jobs_by_status.values())

    @property
    def findings(self) -> int:
        """How many there are in all."""
        return sum(self.severities.values())

    def failed(self, level: Severity) -> bool:
        """Whether there is a finding at or above ``level``; an audit of no events has failed at any."""
        return not self.events or any(self.severities[each] for each in Severity if each.rank >= level.rank)

    def at_or_above(self, level: Severity) -> list[FoundByRule]:
        """What rules found of this level and above: the worst first, then what was found most."""
        found = [rule for rule in self.rules if rule.group.first.severity.rank >= level.rank]
        return sorted(
            found, key=lambda rule: (-rule.group.first.severity.rank, -rule.group.count, rule.group.first.code)
        )

    def summary(self) -> dict[str, Any]:
        return {
            "events": self.events,
            **{str(status): self.statuses.get(status, 0) for status in Status},
            "runs": self.runs,
            "jobs": self.jobs_in_all,
            "datasets": self.datasets,
            "sources": self.sources_read,
            "jobs_by_status": {str(status): self.jobs_by_status.get(status, 0) for status in Status},
            "findings": {str(severity): self.severities[severity] for severity in Severity},
        }

    def to_dict(self) -> dict[str, Any]:
        """The JSON form. ``jobs_left`` and ``sources_left`` count those that are in the tables alone."""
        return {
            "title": self.title,
            "made_at": rfc3339(self.made_at),
            "version": __version__,
            "summary": self.summary(),
            "tables": self.tables,
            "notes": list(self.notes),
            "findings": [_found(rule) for rule in self.at_or_above(Severity.INFO)],
            "jobs": [job.to_dict() for job in self.jobs],
            "jobs_left": self.jobs_in_all - len(self.jobs),
            "sources": [source._asdict() for source in self.sources],
            "sources_left": self.sources_read - len(self.sources),
        }


def _found(rule: FoundByRule) -> dict[str, Any]:
    first = rule.group.first
    return {
        "code": first.code,
        "severity": first.severity,
        "count": rule.group.count,
        "jobs": rule.jobs,
        "places": [
            {
                "source": place.source,
                "line": place.line,
                "about": place.title or place.name,
                "finding": place.finding.to_dict(),
            }
            for place in rule.group.places
        ],
    }


def percent(part: int, whole: int) -> str:
    """A share in words: ``12.5 %``. What is not all is never 100 %, and what is not nothing never 0 %."""
    if not whole:
        return "-"
    if part in (0, whole):
        return "100 %" if part else "0 %"
    rounded = min(max(round(1_000 * part / whole), 1), 999)
    return f"{rounded / 10:g} %"


def verdict(report: AuditReport) -> tuple[str, str]:
    """What it comes to: the word of the look (``ready``, ``measured``, ``not-ready``), and a sentence."""
    total = report.events
    error, warning = report.statuses.get(Status.ERROR, 0), report.statuses.get(Status.WARNING, 0)
    if not total:
        return "not-ready", "Nothing was judged: there are no events."
    events = counted(total, "event")
    parts = []
    if error:
        parts.append(f"would not process {error:,} of {events} ({percent(error, total)})")
    if warning:
        of = "" if error else f" of {events}"
        parts.append(f"would show less of {warning:,}{of} ({percent(warning, total)})")
    if parts:
        return "not-ready" if error else "measured", f"Datadog {', and '.join(parts)}."
    everything = f"Datadog would process {'the event' if total == 1 else f'all {events}'}."
    if report.failed(Severity.WARNING):
        others = report.findings - report.severities[Severity.INFO]
        return "measured", f"{everything} {counted(others, 'finding')} of runs and datasets."
    return "ready", everything


def summary_line(report: AuditReport) -> str:
    """Counts of what was judged, in a line."""
    statuses = ", ".join(f"{report.statuses.get(status, 0):,} {status}" for status in Status)
    counts = (
        counted(report.runs, "run"),
        counted(report.jobs_in_all, "job"),
        counted(report.datasets, "dataset"),
        counted(report.sources_read, "source"),
    )
    return f"{counted(report.events, 'event')}: {statuses}; {', '.join(counts)}"


def jobs_line(report: AuditReport) -> str:
    """How many jobs are ready, in a sentence."""
    ready, less, wrong = (report.jobs_by_status.get(status, 0) for status in Status)
    if not report.jobs_in_all:
        return "No event names a job."
    parts = [f"{ready:,} ready", f"{less:,} of which less would be shown", f"{wrong:,} with errors"]
    return f"Of {counted(report.jobs_in_all, 'job')}: {', '.join(parts)}."
