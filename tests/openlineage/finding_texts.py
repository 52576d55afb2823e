"""What the judge tells of an event, in a form that tests can compare; and events for it to judge."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mock_intake.judging.judgement import Judge
from mock_intake.model.findings import Finding
from tests.events import RUN_ID, dataset, job_type, run_event

JUDGE = Judge()


class FindingText(NamedTuple):
    """What a finding says, but for what its rule says of every such finding."""

    code: str
    severity: str
    pointer: str
    message: str
    expected: str | None
    actual: str | None
    advice: str
    violates: str | None = "openlineage"


def findings(event: dict[str, Any]) -> list[Finding]:
    return [found for found in JUDGE.judge(json.dumps(event).encode(), "org").findings if found.code.startswith("OL")]


def told(event: dict[str, Any]) -> list[FindingText]:
    return [FindingText(f.code, f.severity, f.pointer, f.message, f.expected, f.actual, f.advice, f.violates)
            for f in findings(event)]  # fmt: skip


def places(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.code, found.pointer) for found in findings(event)]


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


def on_run(**facets: Any) -> dict[str, Any]:
    return run_event(run={"runId": RUN_ID, "facets": facets})


def on_job(**facets: Any) -> dict[str, Any]:
    return run_event(job={"namespace": "prod", "name": "load_orders", "facets": {"jobType": job_type(), **facets}})


def on_output(**facets: Any) -> dict[str, Any]:
    return run_event(outputs=[dataset(**facets)])
