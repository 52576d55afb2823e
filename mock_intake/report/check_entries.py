"""What ``check`` found in the forms that reports on what was received have: a page, Markdown, JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mock_intake.model.findings import Status, status_of
from mock_intake.report import renderers, report_html, report_junit
from mock_intake.report.check_report import CheckReport
from mock_intake.report.model import Entry, Report
from mock_intake.report.places import Place, name_of_event, name_of_job
from mock_intake.secrets.presenting import presented


def to_html(report: CheckReport) -> str:
    """A page: findings by rule, and a line for each event, run and dataset."""
    return report_html.to_html(as_report(report))


def to_markdown(report: CheckReport) -> str:
    """Findings by rule."""
    return renderers.to_markdown(as_report(report))


def to_junit(report: CheckReport) -> str:
    """A test case for every event and run, and for every dataset that something was found in."""
    return report_junit.to_junit(as_report(report))


def as_report(report: CheckReport) -> Report:
    """The report as one on what was received: an entry for every event and run, and for datasets with findings."""
    entries = []
    for result in report.results:
        places, event = report.places_of(result), result.event
        facts = {"event_time": event.event_time, "run_id": event.run_id} if event else {}
        name = name_of_event(event)
        at = f"{result.source}:{result.line}"
        entries.append(_entry("event", at, f"{name} ({at})", places, name, result.status, facts))
    for closed in report.runs:
        places, job = report.places_of_run(closed), name_of_job(*closed.job)
        title = f"run {presented(closed.run_id)} of {job}"
        entries.append(_entry("run", closed.run_id, title, places, f"run of {job}"))
    of_datasets: dict[str, list[Place]] = {}
    for place in report.places_of_datasets():
        of_datasets.setdefault(place.name, []).append(place)
    entries += [_entry("datasets", name, str(places[0]), places, name) for name, places in of_datasets.items()]
    notes = [f"{report.acceptance.words}."] if report.acceptance and report.acceptance.words else []
    return Report("mock-intake check", datetime.now(UTC), entries, notes)


def _entry(
    kind: str,
    key: str,
    title: str,
    places: Iterable[Place],
    name: str,
    status: Status | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Entry:
    """An entry; its status is that of its findings where it has none of its own."""
    held = list(places)
    found = tuple(place.finding for place in held if place.accepted is None)
    accepted = tuple(place.finding for place in held if place.accepted is not None)
    return Entry(kind, key, title, status or status_of([*found, *accepted]), found, facts or {}, name, accepted)
