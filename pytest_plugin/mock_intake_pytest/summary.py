"""What is told when all tests are over: the terminal summary, and the report file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec.structs import replace

from mock_intake.journal import EventFilter, ExchangeFilter, newest_events, newest_exchanges
from mock_intake.model.exchange import Exchange
from mock_intake.report.formats import Kind, UnknownSuffixError, of_file, rendered
from mock_intake.report.model import Entry, Heard, Report, from_journal, heard_in
from mock_intake.views import Views
from mock_intake_pytest.counts import Tally, many
from mock_intake_pytest.failures import printable, request_text
from mock_intake_pytest.host import Record
from mock_intake_pytest.snapshots import unused

if TYPE_CHECKING:
    from mock_intake_pytest.accepting import Known


class Summary(NamedTuple):
    """What is told when all tests are over: in full, and in brief, which is enough where nothing failed."""

    lines: Sequence[str]
    brief: Sequence[str]


class ReportFile(NamedTuple):
    """A file to write a report to: the option that asked for it, and its format, None by the suffix."""

    option: str
    file: Path
    form: str | None = None


def check_file(wanted: ReportFile) -> None:
    """Raises ``pytest.UsageError`` unless a report can be written there: better now than after an hour of tests."""
    option, file, form = wanted
    try:
        if form is None:
            of_file(Kind.REPORT, file)
    except UnknownSuffixError as error:
        raise pytest.UsageError(f"{option}: {error}, not that of {file.name}") from error
    try:
        file.parent.stat()
        is_directory = file.is_dir()
    except FileNotFoundError:
        raise pytest.UsageError(f"{option}: there is no directory {file.parent}") from None
    except OSError as error:  # a name that is too long for the file system, say
        raise pytest.UsageError(f"{option}: {error.strerror}: {printable(str(file))}") from None
    if is_directory:
        raise pytest.UsageError(f"{option}: {file} is a directory")
    if not file.parent.is_dir():
        raise pytest.UsageError(f"{option}: there is no directory {file.parent}")


def count(
    tally: Tally,
    record: Record,
    *,
    with_entries: bool,
    with_bodies: bool = False,
    late: bool = False,
    known: Known | None = None,
) -> None:
    """Adds to the tally what belongs to one test, or what came for it when it was over (``late``).

    What is ``known`` counts as accepted, and is no finding of the summary.
    """
    tally.tests += not late
    journal = record.late_journal() if late else record.journal
    views = Views(journal, record.selection) if late else record.views
    events = list(newest_events(journal, EventFilter()))
    taken = {event.summary.id for event in events}
    refused = list(newest_exchanges(journal, ExchangeFilter(refused=True)))
    report: Report | None = None
    if with_entries or known is not None:
        report = from_journal(journal, views, selection=record.selection, with_bodies=with_bodies)
        if late:
            # A part of a run says nothing about the run.
            report = replace(report, entries=[entry for entry in report.entries if entry.kind in ("event", "request")])
        if known is not None:
            report = known.count(report, tally)
        heard = Heard([entry.status for entry in report.events], report.findings)
    else:
        # To make a report takes longer than all else here.
        heard = heard_in(events, refused, None if late else views, record.selection)
    tally.statuses.update(map(str, heard.statuses))
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
    for finding in heard.findings:
        tally.hear(finding.code, finding.severity, finding.message)
    if report is not None and with_entries:
        if not late:
            tally.nodeids.append(record.nodeid)
        tally.keep_bodies(report.bodies)
        facts: dict[str, Any] = {"test": record.nodeid, **({"late": True} if late else {})}
        if not record.by_key:
            facts["assigned"] = "by time"
        # In the title too, which every form of the report shows.
        tally.entries += [
            {**entry.to_dict(), "title": f"{entry.title}, of {record.nodeid}", "facts": {**facts, **entry.facts}}
            for entry in report.entries
        ]


def sum_up(
    root: Path,
    received: Sequence[str],
    crashed: int,
    files: Sequence[ReportFile] = (),
    known: Known | None = None,
    settings: Sequence[str] = (),
) -> Summary:
    """Writes reports and baseline over all processes if they are asked for; gives the lines of the summary.

    ``settings`` are the lines of the header on what became of the producers' settings.
    """
    tally = Tally()
    for text in received:
        tally.add(Tally.loads(text))
    tally.unused = [str(path) for path in unused(tally.snapshots)]
    lines = list(tally.rest(root))
    if crashed:
        lines.append(f"incomplete: {incomplete(crashed)}")
    if known is not None:
        from mock_intake_pytest.accepting import sum_up as sum_up_baseline

        lines += sum_up_baseline(known, tally, incomplete=bool(crashed))
    for _, file, form in files:
        pieces = rendered(Kind.REPORT, form or of_file(Kind.REPORT, file).name, _report(tally, crashed, settings))
        try:
            file.write_text("".join(pieces), encoding="utf-8")
            lines.append(f"report: {file}")
        except OSError as error:
            lines.append(f"report: {file} could not be written: {error.strerror}")
    codes = tally.codes()
    brief = [f"{head}; {codes} (-v says what)" if codes else head for head in tally.head()]
    return Summary([*tally.head(), *tally.rules(), *lines], [*brief, *lines] if brief else [])


def incomplete(crashed: int) -> str:
    """The line that says that the summary lacks what workers that crashed had received."""
    return f"{many(crashed, 'xdist worker')} ended without telling what had been received."


def _report(tally: Tally, crashed: int, settings: Sequence[str]) -> Report:
    notes = []
    if settings:
        head, *lines = settings
        notes.append(f"{head.removeprefix('mock-intake: ')}: {'; '.join(line.strip() for line in lines)}.")
    if tally.dropped:
        notes.append(f"Dropped from memory, and not covered by this report: {many(tally.dropped, 'request')}.")
    if crashed:
        notes.append(incomplete(crashed))
    if tally.strays:
        notes.append(f"Came with no test's key, and not among these: {many(tally.strays, 'request')}.")
        notes += [f"With no test's key: {line}." for line in tally.of_strays]
    if tally.outside:
        notes.append(f"Came while no test was under way that uses the intake: {many(tally.outside, 'request')}.")
        notes += [f"With the key that all share: {line}." for line in tally.of_outside]
    if tally.stopped:
        hosts = ", ".join(sorted(tally.stopped))
        notes.append(f"While no test was under way, connections to these were stopped: {hosts}.")
    if tally.accepted_findings:
        notes.append(f"Accepted by the baseline: {many(tally.accepted_findings, 'finding')}.")
    if tally.lost:
        notes.append(f"That no attempt got through: {many(tally.lost, 'event')}.")
        notes += [f"Lost: {line}." for line in tally.of_lost]
    notes += [f"Warning: {line}." for line in tally.faults]
    if not tally.events:
        notes.append("No event was received, so nothing was judged: this is no pass.")
    entries = [Entry.from_dict(entry) for entry in tally.entries]
    return Report(
        "mock-intake: all tests", datetime.now(UTC), entries, notes, bodies=tally.bodies, tests=tuple(tally.nodeids)
    )
