"""A report as data: what was received, what was found, and whether it is good enough.

Made from a journal (``from_journal``) or by whoever runs producers; the renderers beside this file print it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mock_intake import __version__
from mock_intake.journal import EventFilter, EventRecord, ExchangeFilter, Journal, newest_events, newest_exchanges
from mock_intake.model.exchange import Exchange, rfc3339
from mock_intake.model.findings import Finding, Selection, Severity, Status
from mock_intake.model.words import counted
from mock_intake.report.places import Place, name_of_dataset, name_of_event, name_of_job, name_of_request
from mock_intake.secrets.presenting import presented, presented_json, presented_name
from mock_intake.views import Views, run_to_dict

if TYPE_CHECKING:
    from mock_intake.report.lineage import OrgLineage

# The page of a report shows so much of bodies, in letters, and none that is longer than the second.
_MOST_OF_BODIES = 1_500_000
_MOST_OF_A_BODY = 60_000
_RANKS = {Status.ERROR: 0, Status.WARNING: 1, Status.OK: 2}


class Entry(Struct, frozen=True):
    """One thing that was judged: an event, a refused request, a run, or a dataset over all events.

    ``key`` tells entries of a kind apart; ``facts`` are what a reader wants to see of it at a glance. ``name`` says
    what it is without ids and times, so that it is the same in the next report. ``accepted`` are findings that a
    baseline accepts, and not among the others.
    """

    kind: str
    key: str
    title: str
    status: Status
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    accepted: tuple[Finding, ...] = ()

    @property
    def test(self) -> str | None:
        """The node id of the pytest test that it belongs to; None where there is none."""
        return self.facts.get("test")

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "key": self.key,
            "title": self.title,
            "name": self.name,
            "status": self.status,
            "facts": dict(self.facts),
            "findings": [finding.to_dict() for finding in self.findings],
            "accepted": [finding.to_dict() for finding in self.accepted],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Entry:
        findings, accepted = (tuple(map(Finding.from_dict, data[of])) for of in ("findings", "accepted"))
        return cls(**{**data, "status": Status(data["status"]), "findings": findings, "accepted": accepted})


class Report(Struct, frozen=True):
    """What was received and what was made of it. ``notes`` are what a reader must know to trust it.

    ``lineage`` is there to be drawn, and ``bodies`` (text by the keys of events) to be shown; None and empty where
    nobody asked for them. ``datasets`` are the names of all that were judged: those with findings alone are among the
    entries. ``tests`` are the node ids of all tests that used the intake, in a report on tests.
    """

    title: str
    made_at: datetime
    entries: Sequence[Entry]
    notes: Sequence[str] = ()
    lineage: Sequence[OrgLineage] | None = None
    datasets: Sequence[str] = ()
    bodies: Mapping[str, str] = field(default_factory=dict)
    tests: Sequence[str] = ()

    @property
    def events(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == "event"]

    @property
    def findings(self) -> list[Finding]:
        return [finding for entry in self.entries for finding in entry.findings]

    def count(self, status: Status) -> int:
        return sum(entry.status is status for entry in self.events)

    def failed(self, level: Severity) -> bool:
        """Whether there is a finding at or above ``level``; a report over no events is a failure at any."""
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


def places_in(report: Report) -> Iterator[Place]:
    """The findings of ``report`` with where they were found: in the file of their test, where they are of one."""
    for entry in report.entries:
        file, line = (None, None) if entry.test is None else (entry.test.partition("::")[0], 1)
        yield from (Place(finding, file, line, entry.title, entry.name) for finding in entry.findings)


def from_journal(
    journal: Journal,
    views: Views,
    org: str | None = None,
    title: str = "mock-intake report",
    selection: Selection | None = None,
    *,
    with_lineage: bool = False,
    with_bodies: bool = False,
) -> Report:
    """The report over a journal, or one org of it, taken as finished: what is missing is said.

    ``selection`` chooses among what was found when events were received; runs and datasets are judged by that
    of ``views``. Lineage and bodies are read from the bodies of events, so they are left out unless they are asked for.
    """
    entries = [_selected(entry, selection) for entry in (*_events(journal, org), *_refused(journal, org))]
    for run, findings in views.judged(reversed(views.runs(org)), closed=True):
        shown = run_to_dict(run, ())
        facts = {name: shown[name] for name in ("state", "states", "started_at", "ended_at", "duration")}
        job = shown["job"]
        name = f"run {presented(run.run_id)} of {presented_name(job['namespace'], job['name'])}"
        # Two orgs may have a run of the same id.
        key = f"{run.org}/{run.run_id}" + (f"/{job['namespace']}/{job['name']}" if run.shared else "")
        stays = f"run of {name_of_job(job['namespace'], job['name'])}"
        entries.append(Entry("run", key, name, _worst(findings), findings, facts, stays))
    for name, of_one in _of_datasets(views, org).items():
        entries.append(Entry("datasets", name, name, _worst(of_one), tuple(of_one), name=name))
    notes = []
    if journal.dropped:
        notes.append(f"Retention has dropped {counted(journal.dropped, 'exchange')}, which this report does not cover.")
    if journal.damaged:
        gone = counted(journal.damaged, "damaged row")
        notes.append(f"{gone} of the journal left out, which this report does not cover.")
    if not any(entry.kind == "event" for entry in entries):
        notes.append("No event was received, so nothing was judged: this is no pass.")
    lineage: Sequence[OrgLineage] | None = None
    if with_lineage:
        from mock_intake.report.lineage import lineage_by_org

        lineage = lineage_by_org(views, org)
    datasets = [name_of_dataset(dataset) for dataset in views.datasets(org)]
    bodies = bodies_of(journal, entries) if with_bodies else {}
    return Report(title, datetime.now(UTC), entries, notes, lineage, datasets, bodies)


class Heard(NamedTuple):
    """The statuses of events, and all that was found."""

    statuses: Sequence[Status]
    findings: Sequence[Finding]


def heard_in(
    events: Sequence[EventRecord], refused: Sequence[Exchange], views: Views | None, selection: Selection
) -> Heard:
    """What ``from_journal`` would report, in its order, for who counts it and needs no words on where.

    ``events`` and ``refused`` are all that a journal has, the newest first; ``views`` are of it, None where nothing is
    to be said of runs and datasets.
    """
    of_events = [selection.apply(record.findings) for record in reversed(events)]
    statuses = map(_worst, of_events) if selection else (record.summary.status for record in reversed(events))
    of_refused = (selection.apply(_blamed(exchange)) for exchange in reversed(refused))
    found: list[Iterable[Finding]] = [*of_events, *of_refused]
    if views is not None:
        found += [findings for _, findings in views.judged(reversed(views.runs()), closed=True)]
        found += _of_datasets(views).values()
    return Heard([*statuses], [*chain.from_iterable(found)])


def _of_datasets(views: Views, org: str | None = None) -> dict[str, list[Finding]]:
    """What was found in pairs of datasets, by the name of the one that it is told of."""
    found: dict[str, list[Finding]] = {}
    for miss in views.near_misses(org):
        found.setdefault(name_of_dataset(miss.other), []).append(miss.finding)
    return found


def bodies_of(journal: Journal, entries: Iterable[Entry]) -> dict[str, str]:
    """The bodies of events by their keys, without secrets: those in which most was found first, as far as they fit."""
    from mock_intake.body.shown import decoded_text

    events = sorted((entry for entry in entries if entry.kind == "event"), key=lambda one: _RANKS[one.status])
    bodies: dict[str, str] = {}
    room = _MOST_OF_BODIES
    for entry in events:
        record = journal.event(entry.key)
        exchange = None if record is None else journal.exchange(record.exchange_id)
        if exchange is None or (exchange.decoded_size or 0) > _MOST_OF_A_BODY:
            continue
        text = presented_json(decoded_text(exchange) or "")
        room -= len(text)
        if room < 0:
            break
        bodies[entry.key] = text
    return bodies


def _selected(entry: Entry, selection: Selection | None) -> Entry:
    if not selection:
        return entry
    findings = selection.apply(entry.findings)
    return replace(entry, findings=findings, status=_worst(findings))


def _events(journal: Journal, org: str | None) -> list[Entry]:
    entries: list[Entry] = []
    for record in newest_events(journal, EventFilter(org=org)):
        event = record.summary
        name = event.job_name or (event.dataset.name if event.dataset else None) or "no job"
        title = f"{presented(event.event_type or event.kind or 'no event')} {presented(name)}"
        facts = {
            "received_at": rfc3339(record.received_at),
            "event_time": event.event_time,
            "run_id": event.run_id,
            "attempts": record.attempts,
        }
        entries.append(Entry("event", event.id, title, event.status, record.findings, facts, name_of_event(event)))
    entries.reverse()
    return entries


def _refused(journal: Journal, org: str | None) -> list[Entry]:
    entries: list[Entry] = []
    for exchange in newest_exchanges(journal, ExchangeFilter(org=org, refused=True)):
        facts = {
            "received_at": rfc3339(exchange.received_at),
            "status_code": exchange.response.status_code or None,
            "fault": exchange.fault,
        }
        findings, title = _blamed(exchange), name_of_request(exchange)
        entries.append(Entry("request", exchange.id, title, _worst(findings), findings, facts, title))
    entries.reverse()
    return entries


def _blamed(exchange: Exchange) -> tuple[Finding, ...]:
    """What is found in a refused request: what a fault did is no fault of the producer's; "as usual" did nothing."""
    return () if exchange.fault and not exchange.fault.startswith("2") else exchange.findings


def _worst(findings: Iterable[Finding]) -> Status:
    rank = max((finding.severity.rank for finding in findings), default=0)
    return {0: Status.OK, 1: Status.WARNING, 2: Status.ERROR}[rank]
