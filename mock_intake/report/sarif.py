"""SARIF 2.1.0: findings for code scanning services and editors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mock_intake import __version__
from mock_intake.catalogue import RULES
from mock_intake.findings import Severity
from mock_intake.report.places import Place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(places: Iterable[Place]) -> dict[str, Any]:
    """A SARIF log with one run: a result for every finding, and the rules that they are of."""
    results = []
    used: dict[str, None] = {}
    for place in places:
        used[place.finding.code] = None
        results.append(_result(place))
    order = sorted(used)
    for result in results:
        result["ruleIndex"] = order.index(result["ruleId"])
    driver = {"name": "mock-intake", "semanticVersion": __version__, "rules": [_rule(code) for code in order]}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    described: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.requirement},
        "fullDescription": {"text": rule.because},
        "help": {"text": f"{rule.advice} (Source: {rule.source}, {rule.sureness})"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if rule.source.startswith("http"):
        described["helpUri"] = rule.source
    return described


def _result(place: Place) -> dict[str, Any]:
    finding = place.finding
    text = f"{finding.message}. {finding.advice}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
    }
    location: dict[str, Any] = {}
    if place.line is not None and place.source is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(place.source)},
            "region": {"startLine": place.line},
        }
    if finding.pointer or place.line is None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.pointer or place.source or finding.subject}]
    if location:
        result["locations"] = [location]
    return result


def _uri(source: str) -> str:
    path = Path(source)
    return path.as_uri() if path.is_absolute() else path.as_posix()
