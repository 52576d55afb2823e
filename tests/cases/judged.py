"""Recordings judged as ``mock-intake check`` does, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mock_intake.files.recordings import Recorded, read_file
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.model.findings import Finding, Severity

FILES = Path(__file__).parent / "files"
Body = dict[str, Any]

_judge = Judge()


def found_in_file(file: str) -> list[Finding]:
    """All that is found in one of the files: in events, runs and datasets."""
    return _found(read_file(FILES / file))


def found_in(*events: Body) -> list[Finding]:
    """All that is found in a recording of these events, in this order of arrival."""
    return _found(Recorded("events.ndjson", number, json.dumps(event).encode()) for number, event in enumerate(events))


def _found(recorded: Iterable[Recorded]) -> list[Finding]:
    check = Check(_judge)
    findings = [finding for checked in check.check(recorded) for finding in checked.findings]
    findings += [finding for _, of_run in check.run_results() for finding in of_run]
    return [*findings, *check.dataset_findings()]


def codes(findings: Iterable[Finding], level: Severity = Severity.WARNING) -> set[str]:
    """The rules that have something to say at a level or above."""
    return {finding.code for finding in findings if finding.severity.rank >= level.rank}


def of(findings: Iterable[Finding], code: str) -> list[Finding]:
    """The findings of one rule, each place once."""
    return list(dict.fromkeys(finding for finding in findings if finding.code == code))


def texts(finding: Finding) -> Iterator[str]:
    """All that a finding tells a person."""
    yield finding.message
    yield from (text for text in (finding.expected, finding.actual, finding.advice) if text)
