"""What ``mock-intake audit`` found, as text, Markdown, JUnit XML, SARIF and annotations: failures first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from mock_intake.model.findings import Severity, Status
from mock_intake.model.words import counted
from mock_intake.report.audit_report import AuditReport, FoundByRule, JobReadiness, jobs_line, summary_line, verdict
from mock_intake.report.escaping import clipped, in_markdown, shown, shown_lines
from mock_intake.report.finding_text import finding_lines, markdown
from mock_intake.report.github import annotation, annotation_of
from mock_intake.report.places import name_of_job
from mock_intake.report.sarif import MOST_RESULTS, sarif
from mock_intake.secrets.presenting import presented_value

# So many jobs are listed for people, and of each so many rules and facets.
_JOBS_IN_TEXT = 20
_JOBS_IN_MARKDOWN = 50
_MOST_OF_A_JOB = 3
_MOST_LETTERS = 300


def to_text(report: AuditReport) -> Iterator[str]:
    """The verdict, findings by rule, jobs in which most is wrong, and the verdict once more, as the end is what shows.

    Without events there is nothing.
    """
    if not report.events:
        return
    style = report.style
    yield f"{_headline(report)}\n{summary_line(report)}\n\n"
    rules = report.at_or_above(report.level)
    for rule in rules:
        yield "\n".join([*finding_lines(rule.group, style), *_in_jobs(rule, report)]) + "\n\n"
    listed = [job for job in report.jobs if job.status is not Status.OK][:_JOBS_IN_TEXT]
    yield f"{jobs_line(report)}\n"
    for job in listed:
        yield f"  {shown(_name(job))}: {shown(_words(job))}\n"
    more = sum(report.jobs_by_status.get(status, 0) for status in (Status.WARNING, Status.ERROR)) - len(listed)
    if more > 0:
        yield f"  and {more:,} more with findings, in the table of jobs\n"
    yield "\n"
    yield from (f"note: {shown(note)}\n" for note in report.notes)
    hidden = sum(report.severities[each] for each in Severity if each.rank < report.level.rank)
    yield f"tables: {shown(report.tables)}\n"
    if rules or listed:
        yield _headline(report) + (f" ({hidden:,} of the level info not shown: -v)" if hidden else "") + "\n"


def _headline(report: AuditReport) -> str:
    return verdict(report)[1]


def _in_jobs(rule: FoundByRule, report: AuditReport) -> list[str]:
    """In how many jobs it was found, as a line beside the parts of a finding."""
    return [f"  {'jobs:':9} {rule.jobs:,} of {report.jobs_in_all:,}"] if rule.jobs else []


def _name(job: JobReadiness) -> str:
    return clipped(name_of_job(job.namespace, job.name), _MOST_LETTERS)


def _words(job: JobReadiness) -> str:
    """A job in a line: its events, what was found most, and the facets that are missing."""
    shares = ", ".join(f"{job.share(status)} {status}" for status in Status)
    parts = [f"{counted(job.events, 'event')} ({shares})"]
    if job.runs:
        unfinished = f" ({job.unfinished:,} without an end)" if job.unfinished else ""
        parts.append(counted(job.runs, "run") + unfinished)
    if top := [one for one in job.top if one.severity is not Severity.INFO][:_MOST_OF_A_JOB]:
        parts.append(", ".join(f"{one.code} {one.count:,} times" for one in top))
    if job.missing:
        parts.append(f"lacks {', '.join(one.facet for one in job.missing)}")
    return "; ".join(parts)


def to_markdown(report: AuditReport) -> str:
    """The verdict, jobs in which most is wrong as a table, findings by rule: what a job summary has room for."""
    lines = [f"# {in_markdown(report.title)}", "", f"**{in_markdown(_headline(report))}**", ""]
    lines += [in_markdown(summary_line(report)) + ".", "", in_markdown(jobs_line(report)), ""]
    lines += [f"> {in_markdown(note)}\n" for note in report.notes]
    listed = [job for job in report.jobs if job.status is not Status.OK][:_JOBS_IN_MARKDOWN]
    if listed:
        lines += ["| Job | Events | ok | warning | error | Findings | Lacks |", f"|{'---|' * 7}"]
        lines += map(_row, listed)
        lines.append("")
    style = markdown()
    for rule in report.at_or_above(Severity.INFO):
        lines += finding_lines(rule.group, style)
        lines += [f"  - jobs: {rule.jobs:,} of {report.jobs_in_all:,}"] if rule.jobs else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(job: JobReadiness) -> str:
    top = ", ".join(f"{one.code} ({one.count:,})" for one in job.top[:_MOST_OF_A_JOB])
    missing = ", ".join(one.facet for one in job.missing)
    shares = [job.share(status) for status in Status]
    cells = [_name(job), f"{job.events:,}", *shares, top, missing]
    return f"| {' | '.join(in_markdown(cell) for cell in cells)} |"


def to_junit(report: AuditReport) -> str:
    """A test case for every job that the report lists, failed where Datadog would not process some of its events; and
    one for the archive, which fails on any finding of severity error.
    """
    root = ElementTree.Element("testsuites", name=shown(report.title))
    suite = ElementTree.SubElement(root, "testsuite", name="archive", tests="1", errors="0")
    properties = ElementTree.SubElement(suite, "properties")
    for note in (*report.notes, jobs_line(report), f"tables: {report.tables}"):
        ElementTree.SubElement(properties, "property", name="note", value=shown(note))
    case = ElementTree.SubElement(suite, "testcase", classname="archive", name="all events")
    errors = report.at_or_above(Severity.ERROR)
    if not report.events:
        ElementTree.SubElement(case, "failure", message=shown(_headline(report)), type="no-events")
    elif errors:
        worst = errors[0].group.first
        failure = ElementTree.SubElement(case, "failure", message=shown(_headline(report)), type=shown(worst.code))
        failure.text = _in_full(errors)
    suite.set("failures", str(int(bool(errors) or not report.events)))
    rest = [rule for rule in report.at_or_above(Severity.INFO) if rule not in errors]
    ElementTree.SubElement(case, "system-out").text = "\n\n".join(filter(None, [summary_line(report), _in_full(rest)]))
    if report.jobs:
        _jobs_suite(root, report)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _jobs_suite(root: ElementTree.Element, report: AuditReport) -> None:
    wrong = sum(job.status is Status.ERROR for job in report.jobs)
    suite = ElementTree.SubElement(
        root, "testsuite", name="jobs", tests=str(len(report.jobs)), failures=str(wrong), errors="0"
    )
    if left := report.jobs_in_all - len(report.jobs):
        properties = ElementTree.SubElement(suite, "properties")
        words = f"{counted(left, 'more job')}, in the table of jobs: those in which most is wrong are here"
        ElementTree.SubElement(properties, "property", name="note", value=words)
    seen: dict[str, int] = {}
    for job in report.jobs:
        name = shown(_name(job))
        seen[name] = number = seen.get(name, 0) + 1
        case = ElementTree.SubElement(
            suite, "testcase", classname="jobs", name=name if number == 1 else f"{name} #{number}"
        )
        if job.status is Status.ERROR:
            code = next((one.code for one in job.top if one.severity is Severity.ERROR), "error")
            words = f"Datadog would not process {job.error:,} of {counted(job.events, 'event')}"
            ElementTree.SubElement(case, "failure", message=words, type=shown(code))
        ElementTree.SubElement(case, "system-out").text = shown(_words(job))


def _in_full(rules: Sequence[FoundByRule]) -> str:
    return shown_lines("\n\n".join("\n".join(finding_lines(rule.group)) for rule in rules))


def to_sarif(report: AuditReport) -> str:
    """SARIF 2.1.0: findings at their lines, as many as a file may have, the most severe ones."""
    places = report.most_severe(MOST_RESULTS + 1)
    log = sarif(places, beyond=report.findings - len(places))
    return json.dumps(presented_value(log), indent=2) + "\n"


def to_github(report: AuditReport) -> Iterator[str]:
    """An annotation for each rule, at its first place; notes and the verdict as notices."""
    yield from (annotation_of(rule.group) for rule in report.at_or_above(Severity.INFO))
    yield from (annotation("notice", report.title, [line]) for line in (*report.notes, _headline(report)))
