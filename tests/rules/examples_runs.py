"""Runs (RC): for each rule the events of a run that trigger it, and the nearest that do not.

Events are in order of arrival, and what they make is judged as closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    return event


def parent_facet() -> Body:
    job = {"namespace": "prod", "name": "nightly"}
    return {**base("ParentRunFacet", "1-1-0"), "run": {"runId": PARENT_RUN_ID}, "job": job}


EXAMPLES: Mapping[str, tuple[Sequence[Body], Sequence[Body]]] = {
    "RC101": ((step(COMPLETE, 9),), (step(START, 0), step(COMPLETE, 9))),
    "RC102": ((step(START, 0),), (step(START, 0), step(COMPLETE, 9))),
    "RC103": (
        (step(START, 0), step(START, 1), step(COMPLETE, 9)),
        (step(START, 0), step(RUNNING, 1), step(COMPLETE, 9)),
    ),
    "RC104": (
        (step(START, 0), step(COMPLETE, 8), step(FAIL, 9)),
        (step(START, 0), step(OTHER, 8), step(FAIL, 9)),
    ),
    "RC105": ((step(COMPLETE, 9), step(START, 0)), (step(START, 0), step(COMPLETE, 9))),
    "RC106": ((step(START, 1), step(COMPLETE, 0)), (step(START, 1), step(COMPLETE, 1))),
    "RC107": (
        (step(START, 0), step(COMPLETE, 9), step(RUNNING, 5)),
        (step(START, 0), step(RUNNING, 5), step(COMPLETE, 9)),
    ),
    "RC108": (
        (step(START, 0), step(COMPLETE, 9), step(OTHER, 5)),
        (step(START, 0), step(OTHER, 5), step(COMPLETE, 9)),
    ),
    "RC201": (
        (step(START, 0), step(COMPLETE, 9, name="load_order")),
        (step(START, 0), step(COMPLETE, 9, name="load_orders")),
    ),
    "RC202": (
        (step(START, 0), step(START, 0, name="load_items"), step(COMPLETE, 9)),
        (step(START, 0), step(START, 0, name="load_items", run_id=PARENT_RUN_ID), step(COMPLETE, 9)),
    ),
    "RC301": (
        (step(START, 0), step(RUNNING, 1), step(RUNNING, 1), step(COMPLETE, 9)),
        (step(START, 0), step(RUNNING, 1), step(RUNNING, 2), step(COMPLETE, 9)),
    ),
    "RC401": (
        (step(START, 0, parent=True), step(COMPLETE, 9)),
        (step(START, 0, name="nightly", run_id=PARENT_RUN_ID), step(START, 0, parent=True), step(COMPLETE, 9)),
    ),
}
