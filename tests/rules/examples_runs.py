"""Events of runs, for tests to put together."""

from __future__ import annotations

from typing import Any

from tests.events import RUN_ID, base, run_event

Body = dict[str, Any]

PARENT_RUN_ID = "0f3f3c3e-7c52-4c52-8f39-7b1f5a1d2e3f"
START, RUNNING, COMPLETE, FAIL, OTHER = "START", "RUNNING", "COMPLETE", "FAIL", "OTHER"


def step(
    event_type: str, second: int, *, name: str = "load_orders", run_id: str = RUN_ID, parent: bool = False
) -> Body:
    """An event of a run, with its time in seconds after twelve."""
    event = run_event(event_type, eventTime=f"2026-11-01T12:00:{second:02}Z")
    event["job"]["name"] = name
    event["run"] = {"runId": run_id, "facets": {"parent": parent_facet()} if parent else {}}
    if event_type == "FAIL":
        said = {"message": "no such table", "programmingLanguage": "PYTHON"}
        event["run"]["facets"]["errorMessage"] = {**base("ErrorMessageRunFacet", "1-0-1"), **said}
    return event


def parent_facet() -> Body:
    job = {"namespace": "prod", "name": "nightly"}
    return {**base("ParentRunFacet", "1-1-0"), "run": {"runId": PARENT_RUN_ID}, "job": job}
