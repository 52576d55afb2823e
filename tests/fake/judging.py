"""Faked events, and what the judge has to say about them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from faker.generator import Generator

from mock_intake.fake import OpenLineageProvider
from mock_intake.files.recordings import Recorded
from mock_intake.judging.judgement import Judge
from mock_intake.judging.recording import Check
from mock_intake.model.findings import Finding

Body = dict[str, Any]

JUDGE = Judge()


def seeded(seed: int) -> OpenLineageProvider:
    """The provider of a generator with this seed; one without Faker's own providers, which take long to load."""
    generator = Generator()
    generator.seed_instance(seed)
    return OpenLineageProvider(generator)


def encoded(event: Body) -> bytes:
    return json.dumps(event).encode("ascii")


def found(event: Body) -> tuple[Finding, ...]:
    """What is found in an event by itself."""
    return JUDGE.judge(encoded(event), "org").findings


def found_over(events: Iterable[Body]) -> list[Finding]:
    """What is found in a recording of events: in each, in their runs and in their datasets."""
    check = Check(JUDGE)
    recorded = [Recorded("events.ndjson", number, encoded(event)) for number, event in enumerate(events, 1)]
    findings = [finding for checked in check.check(recorded) for finding in checked.findings]
    findings += [finding for _, of_run in check.run_results() for finding in of_run]
    return [*findings, *check.dataset_findings()]


def codes(findings: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in findings}
