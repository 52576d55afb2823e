"""A report as data: what was received, what was found, and whether it is good enough.

Made from a journal (``from_journal``) or by whoever runs producers; the renderers beside this file print it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from mock_intake import __version__
from mock_intake.exchange import rfc3339
from mock_intake.findings import Finding, Selection, Severity, Status
from mock_intake.journal import EventFilter, ExchangeFilter, Journal
from mock_intake.report.lineage import OrgLineage, lineage_by_org
from mock_intake.views import Views, run_to_dict

_PAGE = 500


@dataclass(frozen=True)
class Entry:
    """One thing that was judged: an event, a refused request, a run, or the datasets over all events.

    ``key`` tells entries of a kind apart; ``facts`` are what a reader wants to see of it at a glance.
    """

    kind: str
    key: str
    title: str
    status: Status
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "key": self.key,
            "title": self.title,
            "status": self.status,
            "facts": dict(self.facts),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Entry:
        findings = tuple(Finding.from_dict(finding) for finding in data["findings"])
        return cls(**{**data, "status": Status(data["status"]), "findings": findings})


@dataclass(frozen=True)
class Report:
    """What was received and what was made of it. ``notes`` are what a reader must know to trust it.

    ``lineage`` is there to be drawn; None where nobody asked for it.
    """

    title: str
    made_at: datetime
    entries: Sequence[Entry]
    notes: Sequence[str] = ()
    lineage: Sequence[OrgLineage] | None = None

    @property
    def events(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == "event"]

    @property
    def findings(self) -> list[Finding]:
        return [finding for entry in self.entries for finding in entry.findings]

    def count(self, status: Status) -> int:
        return sum(entry.status is status for entry in self.events)

    def failed(self, level: Severity) -> bool:
        """Whether there is a finding at or above a level; a report over no events is a failure at any."""
        return not self.events or any(finding.severity.rank >= level.rank for finding in self.findings)

    def with_note(self, note: str) -> Report:
        return replace(self, notes=(*self.notes, note))

    def summary(self) -> dict[str, int]:
        return {
            "events": len(self.events),
            **{str(status): self.count(status) for status in Status},
            "refused": sum(entry.kind == "request" for entry in self.entries),
            "runs": sum(entry.kind == "run" for entry in self.entries),
        }

    def to_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "made_at": rfc3339(self.made_at),
            "version": __version__,
            "summary": self.summary(),
            "notes": list(self.notes),
            "entries": [entry.to_dict() for entry in self.entries],
        }


def from_journal(
    journal: Journal,
    views: Views,
    org: str | None = None,
    title: str = "mock-intake report",
    selection: Selection | None = None,
    *,
    with_lineage: bool = False,
) -> Report:
    """The report over a journal, or one org of it, taken as finished: what is missing is said.

    ``selection`` chooses among what was found when events were received; runs and datasets are judged by that
    of ``views``. Lineage is taken from the bodies of all events, so it is left out unless it is asked for.
    """
    entries = [_selected(entry, selection) for entry in (*_events(journal, org), *_refused(journal, org))]
    for run in reversed(views.runs(org)):
        findings = views.run_findings(run, closed=True)
        shown = run_to_dict(run, ())
        facts = {name: shown[name] for name in ("state", "states", "started_at", "ended_at", "duration")}
        job = shown["job"]
        name = f"run {run.run_id} of {job['namespace']} / {job['name']}"
        # Two orgs may have a run of the same id.
        entries.append(Entry("run", f"{run.org}/{run.run_id}", name, _worst(findings), findings, facts))
    of_datasets = views.dataset_findings(org)
    if of_datasets:
        entries.append(Entry("datasets", "datasets", "datasets over all events", _worst(of_datasets), of_datasets))
    notes = []
    if journal.dropped:
        notes.append(f"Retention has dropped {journal.dropped} exchanges: this report does not cover them.")
    if not any(entry.kind == "event" for entry in entries):
        notes.append("No event was received, so nothing was judged: this is no pass.")
    lineage = lineage_by_org(views, org) if with_lineage else None
    return Report(title, datetime.now(UTC), entries, notes, lineage)


def _selected(entry: Entry, selection: Selection | None) -> Entry:
    if not selection:
        return entry
    findings = selection.apply(entry.findings)
    return replace(entry, findings=findings, status=_worst(findings))


def _events(journal: Journal, org: str | None) -> list[Entry]:
    entries: list[Entry] = []
    cursor: int | None = None
    while True:
        page = journal.events(EventFilter(org=org), _PAGE, cursor)
        for record in page.items:
            event = record.summary
            name = event.job_name or (event.dataset.name if event.dataset else None) or "no job"
            title = f"{event.event_type or event.kind or 'no event'} {name}"
            facts = {
                "received_at": rfc3339(record.received_at),
                "event_time": event.event_time,
                "run_id": event.run_id,
                "attempts": record.attempts,
            }
            entries.append(Entry("event", event.id, title, event.status, record.findings, facts))
        cursor = page.next
        if cursor is None:
            entries.reverse()
            return entries


def _refused(journal: Journal, org: str | None) -> list[Entry]:
    entries: list[Entry] = []
    cursor: int | None = None
    while True:
        page = journal.exchanges(ExchangeFilter(org=org), _PAGE, cursor)
        for exchange in page.items:
            if exchange.accepted:
                continue
            request = exchange.request
            facts = {
                "received_at": rfc3339(exchange.received_at),
                "status_code": exchange.response.status_code or None,
                "fault": exchange.fault,
            }
            # What a fault did is no fault of the producer's; an answer "as usual" did nothing.
            findings = () if exchange.fault and not exchange.fault.startswith("2") else exchange.findings
            title = f"{request.method} {request.path}".strip() or "no HTTP"
            entries.append(Entry("request", exchange.id, title, _worst(findings), findings, facts))
        cursor = page.next
        if cursor is None:
            entries.reverse()
            return entries


def _worst(findings: Iterable[Finding]) -> Status:
    rank = max((finding.severity.rank for finding in findings), default=0)
    return {0: Status.OK, 1: Status.WARNING, 2: Status.ERROR}[rank]
