"""What ``certify --producer`` knows of a real producer: how it is led, and what the atlas says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_intake.report.suite import ProducerReport, Verdict
from mock_intake_conformance.atlas.answers import sends_at_the_end

Facts = Mapping[str, Any]


def notes_on(report: ProducerReport, name: str, atlas: Mapping[str, Facts]) -> list[str]:
    """What an atlas says of the failures of a report, and of the manners of the producer of this name, in lines."""
    facts = atlas[name]
    versions = _versions(facts)
    if not facts["runs"]:
        measured = [other for other in atlas if other.startswith(f"{name}-") and atlas[other]["runs"]]
        beside = [f"Measured beside it: {', '.join(measured)} (mock-intake atlas {measured[0]})"] if measured else []
        return [f"The atlas has no measurement of {name}: {facts['reason']}", *beside]
    lines = []
    if sends_at_the_end(facts):
        lines.append(f"{name} sends all of its events at its end: what ends it before that leaves no trace of the run.")
    failed = [result.case.id for result in report.results if result.verdict is Verdict.FAILED]
    for case in failed:
        there = facts["cases"].get(case)
        if there is not None and there["verdict"] == "failed":
            lines.append(f"{case}: fails in the atlas too, with {versions}: {there['seen']}")
        elif there is not None and there["verdict"] == "passed":
            lines.append(f"{case}: passes in the atlas, with {versions}.")
    lines += _cures(facts["cures"], failed, _codes(report))
    return [*lines, f"More of {name}: mock-intake atlas {name}"]


def _cures(cures: Sequence[Facts], failed: Sequence[str], codes: frozenset[str]) -> Iterator[str]:
    for cure in cures:
        against = [each for each in cure["against"] if each in failed or each in codes]
        if against and cure["works"]:
            yield f"Against {', '.join(against)}, tried: {cure['what']}"


def _codes(report: ProducerReport) -> frozenset[str]:
    return frozenset(finding.code for result in report.results for finding in result.findings)


def _versions(facts: Facts) -> str:
    return ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items())
