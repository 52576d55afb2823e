"""What is told when all tests are over: the terminal summary, and the report file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mock_intake.exchange import Exchange
from mock_intake.journal import EventFilter, ExchangeFilter, Journal
from mock_intake.report.model import Entry, Report, from_journal
from mock_intake.views import Views
from mock_intake_pytest.host import Record
from mock_intake_pytest.snapshots import unused
from mock_intake_pytest.tally import Tally, many
from mock_intake_pytest.telling import request_text

_FORMATS = {".json": "json", ".xml": "junit", ".md": "markdown", ".html": "html", ".txt": "text"}
_EVERYTHING = 1_000_000


def check_file(file: Path) -> None:
    """Raises ``pytest.UsageError`` unless a report can be written there: better now than after an hour of tests."""
    if file.suffix.lower() not in _FORMATS:
        raise pytest.UsageError(
            f"--intake-report: the suffix says how to write the report: {', '.join(_FORMATS)}, not {file.name}"
        )
    if file.is_dir():
        raise pytest.UsageError(f"--intake-report: {file} is a directory")
    if not file.parent.is_dir():
        raise pytest.UsageError(f"--intake-report: there is no directory {file.parent}")


def count(tally: Tally, record: Record, journal: Journal, *, with_entries: bool, late: bool = False) -> None:
    """Adds to the tally what belongs to one test, or what came for it when it was over."""
    tally.tests += not late
    events = journal.events(EventFilter(), _EVERYTHING).items
    taken = {event.summary.id for event in events}
    refused = [each for each in journal.exchanges(ExchangeFilter(), _EVERYTHING).items if not each.accepted]
    report = from_journal(journal, Views(journal, record.selection), selection=record.selection)
    if late:
        # A part of a run says nothing about the run.
        report = replace(report, entries=[entry for entry in report.entries if entry.kind in ("event", "request")])
    tally.statuses.update(str(entry.status) for entry in report.events)
    tally.refused += len(refused)
    tally.retries += sum(event.attempts - 1 for event in events)
    # The same event may yet get through when its test is over; a late one counts by itself.
    lost: dict[str, Exchange] = {}
    for each in reversed(refused):
        # The last attempt of each, in the order of the first.
        if each.event is not None and each.event.id not in taken:
            lost[each.event.id] = each
    tally.lost += len(lost)
    when = f"after {record.nodeid} had ended" if late else f"during {record.nodeid}"
    tally.describe(tally.of_lost, (request_text(each, when) for each in lost.values()))
    tally.dropped += 0 if late else record.dropped
    for finding in report.findings:
        tally.hear(finding.code, finding.severity, finding.message)
    if with_entries:
        facts: dict[str, Any] = {"test": record.nodeid, **({"late": True} if late else {})}
        # In the title too, which every form of the report shows.
        tally.entries += [
            {**entry.to_dict(), "title": f"{entry.title}, of {record.nodeid}", "facts": {**facts, **entry.facts}}
            for entry in report.entries
        ]


def sum_up(root: Path, received: Sequence[str], crashed: int, file: Path | None) -> Sequence[str]:
    """Writes the report over all processes if one is asked for; gives the lines of the summary."""
    tally = Tally()
    for text in received:
        tally.add(Tally.loads(text))
    tally.unused = [str(path) for path in unused(tally.snapshots)]
    lines = list(tally.lines(root))
    if crashed:
        lines.append(f"incomplete: {incomplete(crashed)}")
    if file is not None:
        from mock_intake.report.renderers import RENDERERS

        try:
            file.write_text(RENDERERS[_FORMATS[file.suffix.lower()]](_report(tally, crashed)), encoding="utf-8")
            lines.append(f"report: {file}")
        except OSError as error:
            lines.append(f"report: {file} could not be written: {error.strerror}")
    return lines


def incomplete(crashed: int) -> str:
    return f"{many(crashed, 'xdist worker')} ended without telling what had been received."


def _report(tally: Tally, crashed: int) -> Report:
    notes = []
    if tally.dropped:
        notes.append(f"Dropped from memory, and not covered by this report: {many(tally.dropped, 'request')}.")
    if crashed:
        notes.append(incomplete(crashed))
    if tally.strays:
        notes.append(f"Came with no test's key, and not among these: {many(tally.strays, 'request')}.")
        notes += [f"With no test's key: {line}." for line in tally.of_strays]
    if tally.lost:
        notes.append(f"That no attempt got through: {many(tally.lost, 'event')}.")
        notes += [f"Lost: {line}." for line in tally.of_lost]
    notes += [f"Warning: {line}." for line in tally.faults]
    if not tally.events:
        notes.append("No event was received, so nothing was judged: this is no pass.")
    entries = [Entry.from_dict(entry) for entry in tally.entries]
    return Report("mock-intake: all tests", datetime.now(UTC), entries, notes)
