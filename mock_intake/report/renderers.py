"""Reports as text, JSON, JUnit XML, Markdown and HTML: from the same data, for different readers.

What events hold is shown with escapes in place of control characters, and cannot end a cell, a tag or a line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from mock_intake.findings import Finding, Severity, Status
from mock_intake.report.escaping import in_html, in_markdown, shown
from mock_intake.report.lineage import lineage_section
from mock_intake.report.markup import Markup, element, scrolling
from mock_intake.report.model import Entry, Report
from mock_intake.report.places import Group, Groups, Place

_MOST_PLACES = 5
_SUITES = {"event": "events", "request": "refused requests", "run": "runs", "datasets": "datasets"}


def groups_of(report: Report, most_places: int = _MOST_PLACES) -> Groups:
    groups = Groups(most_places)
    for entry in report.entries:
        groups.extend(Place(finding, entry.title) for finding in entry.findings)
    return groups


def summary_line(report: Report) -> str:
    summary = report.summary()
    statuses = ", ".join(f"{summary[str(status)]} {status}" for status in Status)
    return f"{summary['events']} events: {statuses}; {summary['refused']} requests refused; {summary['runs']} runs"


def to_text(report: Report) -> str:
    lines = [report.title, ""]
    for group in groups_of(report).at_or_above(Severity.INFO):
        lines.append(f"{group.first.code} {group.first.severity}, {_times(group.count)}")
        for place, difference in _places(group):
            lines += [f"  {place}", *(f"    {name}: {value}" for name, value in difference.items())]
        if group.count > len(group.places):
            lines.append(f"  ... and {group.count - len(group.places)} more")
        lines += [f"  advice: {group.first.advice}", f"  source: {group.first.source} ({group.first.sureness})", ""]
    lines += [f"note: {note}" for note in report.notes]
    lines.append(summary_line(report))
    return "\n".join(shown(line) for line in lines) + "\n"


def to_json(report: Report) -> str:
    return json.dumps(report.to_dict(), indent=2) + "\n"


def to_junit(report: Report) -> str:
    """A test case for every event, refused request and run: failed on a finding of severity error.

    Warnings and infos stand in ``system-out``. No events at all is a failed case of its own.
    """
    root = ElementTree.Element("testsuites", name=shown(report.title))
    for kind, title in _SUITES.items():
        entries = [entry for entry in report.entries if entry.kind == kind]
        if kind == "event" and not entries:
            suite = ElementTree.SubElement(root, "testsuite", name=title, tests="1", failures="1", errors="0")
            _junit_notes(suite, report)
            case = ElementTree.SubElement(suite, "testcase", classname=title, name="at least one event")
            ElementTree.SubElement(case, "failure", message="no event was received", type="no-events")
        if not entries:
            continue
        failures = sum(any(finding.severity is Severity.ERROR for finding in entry.findings) for entry in entries)
        suite = ElementTree.SubElement(
            root, "testsuite", name=title, tests=str(len(entries)), failures=str(failures), errors="0"
        )
        if kind == "event":
            _junit_notes(suite, report)
        for entry in entries:
            _junit_case(suite, title, entry)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _junit_notes(suite: ElementTree.Element, report: Report) -> None:
    if report.notes:
        properties = ElementTree.SubElement(suite, "properties")
        for note in report.notes:
            ElementTree.SubElement(properties, "property", name="note", value=shown(note))


def _junit_case(suite: ElementTree.Element, title: str, entry: Entry) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=title, name=shown(f"{entry.title} [{entry.key}]"))
    errors = [finding for finding in entry.findings if finding.severity is Severity.ERROR]
    if errors:
        first = ElementTree.SubElement(case, "failure", message=shown(errors[0].message), type=shown(errors[0].code))
        first.text = "\n\n".join(_finding_text(finding) for finding in errors)
    others = [finding for finding in entry.findings if finding.severity is not Severity.ERROR]
    if others:
        ElementTree.SubElement(case, "system-out").text = "\n\n".join(_finding_text(f) for f in others)


def to_markdown(report: Report) -> str:
    lines = [f"# {in_markdown(report.title)}", "", summary_line(report) + ".", ""]
    lines += [f"> {in_markdown(note)}\n" for note in report.notes]
    groups = groups_of(report).at_or_above(Severity.INFO)
    if groups:
        lines += ["| Rule | Severity | Times | What, and where first | What to do |", "|---|---|---|---|---|"]
        for group in groups:
            place, difference = _places(group)[0]
            seen = "; ".join(f"{name}: {value}" for name, value in difference.items())
            first = in_markdown(f"{place} ({seen})" if seen else place)
            cells = (group.first.code, group.first.severity, str(group.count), first, in_markdown(group.first.advice))
            lines.append(f"| {' | '.join(cells)} |")
    else:
        lines.append("Nothing was found." if report.events else "")
    return "\n".join(lines) + "\n"


_STYLE = """
:root { color-scheme: light dark; --ok: #1a7f37; --warning: #9a6700; --error: #cf222e; --info: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --ok: #3fb950; --warning: #d29922; --error: #ff7b72; --info: #79c0ff; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.ok { color: var(--ok); } .warning { color: var(--warning); } .error { color: var(--error); }
.info { color: var(--info); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; vertical-align: top; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); overflow-wrap: break-word; }
h1, h3, p, li, a, summary, .what { overflow-wrap: anywhere; } .what { width: 100%; min-width: 16rem; }
.kind, .status, .rules { white-space: nowrap; }
.scrolling { overflow-x: auto; max-width: 100%; } :focus-visible { outline: 2px solid var(--info); }
code { font-size: .9em; } details { margin: .5rem 0; } dt { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 .8rem; margin: 0 0 .5rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.lineage { display: block; }
.lineage text { text-anchor: middle; font: 11px system-ui, sans-serif; }
.lineage text { fill: color-mix(in srgb, CanvasText 75%, Canvas); }
.lineage .name { fill: CanvasText; font-weight: 600; font-size: 13px; }
.lineage rect { fill: color-mix(in srgb, CanvasText 5%, Canvas); stroke: GrayText; }
.lineage .job rect { stroke: var(--info); stroke-width: 2; }
.lineage .edge { fill: none; stroke: GrayText; stroke-width: 1.5; } .lineage .head { fill: GrayText; }
.lineage .near-miss { fill: none; stroke: var(--warning); stroke-width: 2; stroke-dasharray: 6 5; }
.lineage .miss { fill: var(--warning); font-weight: 600; stroke: Canvas; stroke-width: 4; paint-order: stroke; }
.lineage .unsurfaced rect { stroke-dasharray: 3 3; fill: Canvas; }
.lineage .unsurfaced .name { fill: color-mix(in srgb, CanvasText 75%, Canvas); font-weight: 400; }
"""
_LEGEND = (
    "Jobs have corners, datasets are round. A dotted frame: not shown by the product, for the rule that is named. "
    "A dashed line: two datasets that would not join, and were probably meant to."
)


def to_html(report: Report) -> str:
    """One page without scripts and without anything from elsewhere."""
    e = in_html
    groups = groups_of(report).at_or_above(Severity.INFO)
    notes = "".join(f"<p><strong>{e(note)}</strong></p>" for note in report.notes)
    found = "".join(_html_group(group) for group in groups) or "<p>Nothing was found.</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{e(report.title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{e(report.title)}</h1><p>{e(summary_line(report))}. Made {e(report.made_at.isoformat())}.</p>{notes}"
        f"<h2>Findings</h2>{found}"
        f"{_lineage(report)}"
        f"<h2>What was received</h2>{scrolling('What was received', _received(report))}"
        "</main></body></html>\n"
    )


def _lineage(report: Report) -> str:
    if report.lineage is None:
        return ""
    legend = element("p", _LEGEND) if report.lineage else ""
    return element("section", element("h2", "Lineage"), legend, lineage_section(report.lineage))


def _received(report: Report) -> Markup:
    rows = "".join(_html_row(entry) for entry in report.entries)
    return Markup(
        "<table>"
        '<thead><tr><th class="kind">Kind</th><th class="what">What</th><th class="status">Status</th>'
        '<th class="rules">Rules</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _html_group(group: Group) -> str:
    e = in_html
    places = "".join(f"<li>{e(place)}{_html_difference(difference)}</li>" for place, difference in _places(group))
    more = f"<li>and {group.count - len(group.places)} more</li>" if group.count > len(group.places) else ""
    first = group.first
    source = e(first.source)
    link = f'<a href="{source}">{source}</a>' if first.source.startswith("https://") else source
    return (
        f'<section><h3><code>{e(first.code)}</code> <span class="{first.severity}">{first.severity}</span> '
        f"{_times(group.count)}</h3><ul>{places}{more}</ul><p>{e(first.advice)}</p>"
        f"<p>Source: {link} ({e(first.sureness)})</p></section>"
    )


def _html_difference(difference: Mapping[str, str]) -> str:
    told = "".join(f"<dt>{in_html(name)}</dt><dd>{in_html(value)}</dd>" for name, value in difference.items())
    return f"<dl>{told}</dl>" if told else ""


def _html_row(entry: Entry) -> str:
    e = in_html
    codes = sorted({finding.code for finding in entry.findings})
    rules = "<br>".join(e(" ".join(some)) for some in (codes[at : at + 3] for at in range(0, len(codes), 3)))
    return (
        f'<tr><td class="kind">{e(entry.kind)}</td><td class="what">{e(entry.title)}<br>'
        f'<code>{e(entry.key)}</code></td><td class="status {entry.status}">{entry.status}</td>'
        f'<td class="rules">{rules}</td></tr>'
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _places(group: Group) -> list[tuple[str, Mapping[str, str]]]:
    """Where a rule spoke and what it said, with what was expected and what was there unless it is as before."""
    told: Mapping[str, str] = {}
    places = []
    for place in group.places:
        difference = _difference(place.finding)
        places.append((_place(place), difference if difference != told else {}))
        told = difference
    return places


def _place(place: Place) -> str:
    finding = place.finding
    where = f" at {finding.pointer}" if finding.pointer else ""
    return f"{place.source or finding.subject}{where}: {finding.message}"


def _difference(finding: Finding) -> Mapping[str, str]:
    both = {"expected": finding.expected, "actual": finding.actual}
    return {name: value for name, value in both.items() if value is not None}


def _finding_text(finding: Finding) -> str:
    """A finding in full, on some lines."""
    lines = [f"{finding.code} {finding.severity}" + (f" at {finding.pointer}" if finding.pointer else "")]
    lines.append(finding.message)
    lines += [f"{name}: {value}" for name, value in _difference(finding).items()]
    lines += [f"advice: {finding.advice}", f"source: {finding.source} ({finding.sureness})"]
    return "\n".join(shown(line) for line in lines)


# Those that draw the lineage, if the report has it.
DRAWING = frozenset(("html",))
RENDERERS: Mapping[str, Callable[[Report], str]] = {
    "text": to_text,
    "json": to_json,
    "junit": to_junit,
    "markdown": to_markdown,
    "html": to_html,
}
