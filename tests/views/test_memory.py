"""What views keep of an event is bounded, however long what it has in common with others of its run is."""

from __future__ import annotations

import gc
import json
import tracemalloc
from datetime import UTC, datetime

from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import Exchange, ReceivedRequest
from mock_intake.views.lineage import LineageState, fold_lineage
from mock_intake.views.runs import RunsState, fold_run
from tests.events import base, dataset, job_type, run_event, schema

EVENTS = 80
LONG = 8_000
# Facts of a run, what it says of lineage, and its place in the lists: most of it objects, and some digits.
MOST = 4_000


def heartbeat(intake: Intake, number: int) -> Exchange:
    """An event of a run; all of them have job, parent and dataset in common, and each has these texts of its own."""
    long = "x" * LONG
    parent = {"run": {"runId": long}, "job": {"namespace": "etl", "name": long}, "root": {"run": {"runId": long}}}
    event = run_event(
        "RUNNING",
        eventTime=f"2026-11-01T12:{number // 60:02}:{number % 60:02}Z",
        run={"runId": long, "facets": {"parent": {**base("ParentRunFacet", "1-1-0"), **parent}}},
        job={"namespace": long, "name": long, "facets": {"jobType": job_type(processingType="STREAMING")}},
        inputs=[dataset(long, schema=schema(long))],
    )
    body = json.dumps(event).encode()
    headers = (("authorization", f"Bearer {'a' * 32}"), ("content-type", "application/json"))
    received = datetime(2026, 11, 1, tzinfo=UTC)
    request = ReceivedRequest(f"x{number}", "POST", "/api/v1/lineage", "", headers, body, received, wire_size=len(body))
    return intake.receive(request)


def test_what_is_kept_of_an_event_is_bounded() -> None:
    intake = Intake()
    runs, lineage = RunsState(), LineageState()

    def fold(number: int) -> None:
        exchange = heartbeat(intake, number)
        assert exchange.accepted
        fold_run(runs, exchange, number)
        fold_lineage(lineage, exchange, number)

    fold(0)
    fold(1)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(2, EVENTS):
            fold(number)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(runs.runs()[0].events) == EVENTS
    assert kept / EVENTS < MOST
