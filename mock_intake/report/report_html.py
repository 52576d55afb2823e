"""The report on what was received as one page that opens from a file: the verdict, what was found, what came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mock_intake.model.exchange import rfc3339
from mock_intake.model.findings import Severity, Status
from mock_intake.report.lineage import LineageShown, shown_lineage
from mock_intake.report.model import Entry, Report
from mock_intake.report.places import Groups, Place
from mock_intake.report.renderers import summary_line
from mock_intake.report.rendering import render

_MOST_ORGS = 50
_MOST_PLACES = 5
# What is without findings is listed up to here; the JSON form has all of it.
_MOST_FINE = 2_000
_PARTS = {
    "verdict": "Verdict",
    "tests": "Tests",
    "findings": "Findings",
    "received": "What was received",
    "lineage": "Lineage",
}


class Received(NamedTuple):
    """A line of what was received: where it stands on the page, and the run that it leads to, if that is there."""

    entry: Entry
    anchor: str
    run: str
    run_anchor: str
    body: str


def to_html(report: Report) -> str:
    """The page: findings by rule, a line for each thing that was received, the lineage where the report has it."""
    lineage = report.lineage or ()
    orgs: list[LineageShown] = [shown_lineage(one) for one in lineage[:_MOST_ORGS]]
    received = _received(report)
    fine = [one for one in received if one.entry.status is Status.OK and not one.entry.findings]
    noted = [one for one in received if not (one.entry.status is Status.OK and not one.entry.findings)]
    groups = _groups(noted)
    state, headline = verdict(report)
    values: Mapping[str, Any] = {
        "report": report,
        "made_at": rfc3339(report.made_at),
        "sections": {key: name for key, name in _PARTS.items() if _has(report, key)},
        "tests": _tests(report, received),
        "state": state,
        "headline": headline,
        "summary": summary_line(report),
        "groups": groups.at_or_above(Severity.WARNING),
        "remarks": [group for group in groups.at_or_above(Severity.INFO) if group.first.severity is Severity.INFO],
        "codes": _codes,
        "noted": sorted(noted, key=lambda one: -_rank(one.entry)),
        "fine": fine[:_MOST_FINE],
        "fine_left": len(fine) - _MOST_FINE,
        "orgs": orgs,
        "orgs_left": len(lineage) - len(orgs),
    }
    return render("report.html", values)


def _has(report: Report, part: str) -> bool:
    return {"lineage": report.lineage is not None, "tests": bool(report.tests)}.get(part, True)


class Tested(NamedTuple):
    """A test with what it sent: lines, how many events, and the worst that was found, as a status."""

    nodeid: str
    received: list[Received]
    events: int
    status: Status


def _tests(report: Report, received: list[Received]) -> list[Tested]:
    """All tests, those in which most was found first; those that sent nothing are among them."""
    by_test: dict[str, list[Received]] = {nodeid: [] for nodeid in report.tests}
    for one in received if report.tests else ():
        if one.entry.test is not None:
            by_test.setdefault(one.entry.test, []).append(one)
    statuses = (Status.OK, Status.WARNING, Status.ERROR)
    made = [
        Tested(
            nodeid,
            of_test,
            sum(one.entry.kind == "event" for one in of_test),
            statuses[max((_rank(one.entry) for one in of_test), default=0)],
        )
        for nodeid, of_test in by_test.items()
    ]
    return sorted(made, key=lambda one: (-statuses.index(one.status), bool(one.events)))


def verdict(report: Report) -> tuple[str, str]:
    """What it comes to: the word of the look (``ready``, ``measured``, ``not-ready``), and a sentence."""
    total, error, warning = len(report.events), report.count(Status.ERROR), report.count(Status.WARNING)
    refused = sum(entry.kind == "request" and bool(entry.findings) for entry in report.entries)
    events = f"{total:,} event{'' if total == 1 else 's'}"
    if not total:
        return "not-ready", "Nothing was judged: no event was received."
    parts = []
    if error:
        parts.append(f"would not process {error:,} of {events}")
    if warning:
        parts.append(f"would show less of {warning:,}" if error else f"would show less of {warning:,} of {events}")
    tail = f" {refused:,} request{' was' if refused == 1 else 's were'} refused." if refused else ""
    if parts:
        return "not-ready" if error or refused else "measured", f"Datadog {', and '.join(parts)}.{tail}"
    everything = f"Datadog would process {'the event' if total == 1 else f'all {events}'}."
    others = sum(finding.severity is not Severity.INFO for finding in report.findings)
    if others and not refused:
        return "measured", f"{everything} {others:,} finding{'' if others == 1 else 's'} of runs and datasets."
    return "not-ready" if refused else "ready", everything + tail


def _received(report: Report) -> list[Received]:
    """All that was received, each with its run, where that has a line of its own."""
    anchors = [f"{entry.kind}-{number}" for number, entry in enumerate(report.entries, 1)]
    runs: dict[str, str] = {}
    for entry, anchor in zip(report.entries, anchors, strict=True):
        if entry.kind == "run":
            # ORG/RUN, or ORG/RUN/JOB where jobs share the id: the first of those stands for all.
            run = entry.key.partition("/")[2]
            runs.setdefault(run, anchor)
            runs.setdefault(run.partition("/")[0], anchor)
    found = []
    for entry, anchor in zip(report.entries, anchors, strict=True):
        run = str(entry.facts.get("run_id") or "") if entry.kind == "event" else ""
        found.append(Received(entry, anchor, run, runs.get(run, ""), _pretty(report.bodies.get(entry.key, ""))))
    return found


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""
    except (ValueError, RecursionError):
        return body


def _groups(received: list[Received]) -> Groups:
    groups = Groups(_MOST_PLACES)
    for one in received:
        groups.extend(Place(finding, one.entry.title, anchor=one.anchor) for finding in one.entry.findings)
    return groups


def _rank(entry: Entry) -> int:
    return max((finding.severity.rank for finding in entry.findings), default=0)


def _codes(entry: Entry) -> list[str]:
    """The codes of what was found, each once."""
    return sorted({finding.code for finding in entry.findings})
