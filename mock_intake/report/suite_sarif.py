"""A suite report as SARIF 2.1.0: a result for every case that failed, at the file that the producer was started from.

In the form that ``mock_intake.report.sarif`` has for findings, and for the same readers.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mock_intake import __version__
from mock_intake.report.escaping import clipped, shown, shown_lines
from mock_intake.report.finding_text import finding_lines
from mock_intake.report.sarif import MOST_OF_A_MESSAGE, SCHEMA, artifact, texts
from mock_intake.report.suite import Level, ProducerReport, Requirement, Result, SuiteReport, Verdict
from mock_intake.report.suite_words import advice, grouped, headline, is_accepted, troubles
from mock_intake.secrets.presenting import presented_value

# What a producer is called as an artifact that was started from no file of here: an installed command, say.
_PRODUCER = "producer"
_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.MAY: "note", Level.NOTE: "note"}
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}


def to_sarif(report: SuiteReport) -> str:
    """The cases that failed or could not be judged; what a baseline accepts is suppressed. Notes are notifications."""
    found = troubles(report)
    cases = list({result.case.id: result.case for _, result in found}.values())
    numbers = {case.id: number for number, case in enumerate(cases)}
    results = [_result(producer, result, numbers[result.case.id]) for producer, result in found]
    notifications = [{"level": "note", "message": {"text": text}} for text in (*report.notes, headline(report))]
    driver = {"name": "mock-intake", "semanticVersion": __version__, "rules": [_rule(case) for case in cases]}
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
        "results": results,
    }
    if any("uriBaseId" in result["locations"][0]["physicalLocation"]["artifactLocation"] for result in results):
        run["originalUriBaseIds"] = {"ROOT": {"uri": "file:///"}}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(presented_value(log), indent=2) + "\n"


def _rule(case: Requirement) -> dict[str, Any]:
    level = _LEVELS[case.level]
    described: dict[str, Any] = {
        "id": shown(case.id),
        "name": shown(case.id),
        **texts(case.requirement, case.because, f"{case.advice} (Source: {case.source}, {case.sureness})"),
        "defaultConfiguration": {"level": level},
        "properties": {"problem.severity": _PROBLEMS[level], "tags": [shown(case.group)]},
    }
    if case.source.startswith("http"):
        described["helpUri"] = case.source
    return described


def _result(producer: ProducerReport, result: Result, rule: int) -> dict[str, Any]:
    region = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}
    words = "\0".join((producer.name, result.case.id))
    digest = hashlib.sha256(words.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    made: dict[str, Any] = {
        "ruleId": shown(result.case.id),
        "ruleIndex": rule,
        # What could not be judged keeps a producer from going live as what failed does.
        "level": "error" if result.counts else _LEVELS[result.case.level],
        "message": {"text": _message(producer, result)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": _started_from(producer), "region": region},
                "logicalLocations": [{"fullyQualifiedName": shown(producer.name)}],
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{digest}:1"},
    }
    if is_accepted(result):
        made["suppressions"] = [{"kind": "external", "justification": str(result.accepted_by)}]
    return made


def _message(producer: ProducerReport, result: Result) -> str:
    how = "could not be judged" if result.verdict is Verdict.ERRORED else str(result.verdict)
    lines = [
        f"{producer.name}: {result.case.title} ({result.case.level}): {how}. {result.message}",
        *result.details,
        *(line for group in grouped(result.findings) for line in finding_lines(group)),
        f"Advice: {advice(result)}",
    ]
    return clipped(shown_lines("\n".join(lines)), MOST_OF_A_MESSAGE)


def _started_from(producer: ProducerReport) -> dict[str, str]:
    """The file of the producer's command, the first of its words that is one below the working directory."""
    here = Path.cwd()
    for execution in producer.executions:
        for word in execution.command:
            try:
                file = Path(word).resolve()
                if file.is_file() and file.is_relative_to(here):
                    return artifact(word)
            except (OSError, ValueError):  # a word that no file can be called by
                continue
    return {"uri": _PRODUCER}
