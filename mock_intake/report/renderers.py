"""Reports as text and Markdown: from the same data, for different readers.

What events hold is shown with escapes in place of control characters, and cannot end a line.
"""

from __future__ import annotations

from mock_intake.model.findings import Severity, Status
from mock_intake.report.escaping import in_markdown, shown
from mock_intake.report.finding_text import finding_lines, markdown
from mock_intake.report.model import Report
from mock_intake.report.places import Groups, Place

_MOST_PLACES = 5


def groups_of(report: Report, most_places: int = _MOST_PLACES) -> Groups:
    groups = Groups(most_places)
    for entry in report.entries:
        groups.extend(Place(finding, entry.title) for finding in entry.findings)
    return groups


def summary_line(report: Report) -> str:
    summary = report.summary()
    statuses = ", ".join(f"{summary[str(status)]} {status}" for status in Status)
    events, refused, runs = (
        f"{summary[of]} {word}{'' if summary[of] == 1 else 's'}"
        for of, word in (("events", "event"), ("refused", "request"), ("runs", "run"))
    )
    return f"{events}: {statuses}; {refused} refused; {runs}"


def to_text(report: Report) -> str:
    lines = [shown(report.title), ""]
    for group in groups_of(report).at_or_above(Severity.INFO):
        lines += [*finding_lines(group), ""]
    lines += [shown(line) for line in (*(f"note: {note}" for note in report.notes), summary_line(report))]
    return "\n".join(lines) + "\n"


def to_markdown(report: Report) -> str:
    lines = [f"# {in_markdown(report.title)}", "", summary_line(report) + ".", ""]
    lines += [f"> {in_markdown(note)}\n" for note in report.notes]
    groups = groups_of(report).at_or_above(Severity.INFO)
    style = markdown()
    for group in groups:
        lines += finding_lines(group, style)
    if not groups:
        lines.append("Nothing was found." if report.events else "")
    return "\n".join(lines) + "\n"
