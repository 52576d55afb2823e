"""The suite report as JUnit XML, and the schema of its JSON form."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

from mock_intake.report.escaping import clipped, shown, shown_lines
from mock_intake.report.finding_text import finding_lines
from mock_intake.report.suite import ProducerReport, Result, SuiteReport, Verdict
from mock_intake.report.suite_words import TROUBLE, advice, grouped, is_accepted

_MOST_OUTPUT = 20_000


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of the JSON form."""
    text = files("mock_intake.report").joinpath("suite-report.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def to_junit(report: SuiteReport) -> str:
    """A test suite for every producer, a test case for every case.

    A failure that a baseline accepts is skipped, so that a reader of JUnit comes to the same end as the exit code.
    A producer on which nothing was judged, or a report without producers, is a failed case of its own.
    """
    root = ElementTree.Element("testsuites", name=shown(report.title))
    for producer in report.producers:
        _suite(root, report, producer.name, producer)
    if not report.producers:
        _suite(root, report, report.title, None)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, report: SuiteReport, name: str, producer: ProducerReport | None) -> None:
    results = producer.results if producer else ()
    accepted = sum(is_accepted(result) for result in results)
    count = {
        verdict: sum(result.verdict is verdict and not is_accepted(result) for result in results) for verdict in Verdict
    }
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=shown(name),
        tests=str(len(results) or 1),
        failures=str(count[Verdict.FAILED] if results else 1),
        errors=str(count[Verdict.ERRORED]),
        skipped=str(count[Verdict.SKIPPED] + accepted),
        time=f"{sum(execution.seconds for execution in producer.executions):.3f}" if producer else "0",
        timestamp=report.made_at.isoformat(timespec="seconds"),
    )
    properties = ElementTree.SubElement(suite, "properties")
    if producer:
        ElementTree.SubElement(properties, "property", name="path", value=shown(producer.path))
        ElementTree.SubElement(properties, "property", name="ready", value=str(report.is_ready(producer)).lower())
    for note in report.notes:
        ElementTree.SubElement(properties, "property", name="note", value=shown(note))
    for result in results:
        _case(suite, name, result)
    if not results:
        case = ElementTree.SubElement(suite, "testcase", classname=shown(name), name="at least one case")
        ElementTree.SubElement(case, "failure", message="nothing was judged", type="no-cases")


def _case(suite: ElementTree.Element, producer: str, result: Result) -> None:
    """A case by its id, which stays when titles are put better."""
    required = result.case
    case = ElementTree.SubElement(
        suite, "testcase", classname=shown(f"{producer}.{required.group}"), name=shown(required.id)
    )
    message = shown(result.message)
    if is_accepted(result):
        reason = f"{result.verdict}, accepted by the baseline ({result.accepted_by}): {result.message}"
        ElementTree.SubElement(case, "skipped", message=shown(reason))
    elif result.verdict is Verdict.FAILED:
        ElementTree.SubElement(case, "failure", message=message, type=required.level).text = _details(result)
    elif result.verdict is Verdict.ERRORED:
        ElementTree.SubElement(case, "error", message=message, type=required.level).text = _details(result)
    elif result.verdict is Verdict.SKIPPED:
        ElementTree.SubElement(case, "skipped", message=message)
    else:
        ElementTree.SubElement(case, "system-out").text = _details(result)


def _details(result: Result) -> str:
    case = result.case
    lines = [
        f"{result.verdict}: {case.title}",
        f"required ({case.level}): {case.requirement}",
        f"seen: {result.message}",
        *result.details,
        *(line for group in grouped(result.findings) for line in finding_lines(group)),
    ]
    if result.verdict in TROUBLE:
        lines.append(f"advice: {advice(result)}")
    lines.append(f"source: {case.source} ({case.sureness})")
    return shown_lines(clipped("\n".join(lines), _MOST_OUTPUT))
