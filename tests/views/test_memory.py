"""What views keep of an event is bounded, however long what it has in common with others of its run is."""

from __future__ import annotations

import gc
import json
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from msgspec.structs import replace

from mock_intake.journal import MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.judging.intake import Intake
from mock_intake.model.exchange import Exchange, ReceivedRequest
from mock_intake.views import Views
from mock_intake.views.extracts import extract
from mock_intake.views.lineage import LineageState, fold_lineage
from mock_intake.views.runs import RunsState, fold_run
from tests.events import base, dataset, job_type, run_event, schema
from tests.journal.exchanges import MIB, large, plain

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
        taken = extract(exchange)
        fold_run(runs, taken, number)
        fold_lineage(lineage, taken, number)

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


def other_event(intake: Intake, number: int) -> Exchange:
    """An event that has all names for itself: of a run in a run, of a job or of a dataset, in turns."""
    identity = UUID(int=(0xABCDEF << 100) + number)
    parent = {"run": {"runId": str(UUID(int=number))}, "job": {"namespace": "etl", "name": f"dag {number}"}}
    event = run_event(
        run={"runId": str(identity), "facets": {"parent": {**base("ParentRunFacet", "1-1-0"), **parent}}},
        job={"namespace": "etl", "name": f"load.{identity}", "facets": {"jobType": job_type()}},
        inputs=[dataset(f"orders {number}", schema=schema())],
    )
    if number % 3:
        del event["run"], event["eventType"]
    if number % 3 == 2:
        event["dataset"] = event.pop("inputs")[0]
        del event["job"]
    body = json.dumps(event).encode()
    headers = (("authorization", f"Bearer {number:032x}"), ("content-type", "application/json"))
    received = datetime(2026, 11, 1, tzinfo=UTC)
    return intake.receive(
        ReceivedRequest(f"x{number}", "POST", "/api/v1/lineage", "", headers, body, received, wire_size=len(body))
    )


def test_nothing_is_kept_of_what_retention_has_dropped() -> None:
    intake, journal = Intake(), MemoryJournal(max_exchanges=60)
    views = Views(journal)

    def sizes() -> dict[str, int]:
        """How much there is in whatever the state of runs is made of, and of what is found in them."""
        state = views._runs.state()
        parts = {name: getattr(state, name) for name in state.__struct_fields__}
        found = {name: len(part) for name, part in parts.items() if hasattr(part, "__len__")}
        return found | {"codes": len(views._run_codes.counts), "lineage": len(views.lineage(None))}

    def grow(begin: int, *, judged: bool) -> None:
        for number in range(begin, begin + 300):
            exchange = other_event(intake, number)
            assert exchange.accepted
            journal.append([exchange])
            if number % 20 == 0:
                views.runs()
                if judged:
                    views.tallies()

    grow(0, judged=True)
    first = sizes()
    assert first["groups"] == first["children"] == first["per_run"] == 20
    grow(300, judged=True)
    assert sizes() == first
    # Also where nobody asks which rules have spoken.
    grow(600, judged=False)
    assert sizes()["touched"] <= 20 + first["codes"]
    fresh = Views(journal)
    assert fresh._runs.state().children == views._runs.state().children
    assert fresh._runs.state().without_run == views._runs.state().without_run


def test_bodies_of_a_run_that_is_read_by_itself_are_not_held_at_once(tmp_path: Path) -> None:
    with closing(SqliteJournal(str(tmp_path / "journal.db"))) as journal:
        for number in range(24):
            journal.append([large_event("one run", f"2026-11-01T12:00:{number:02}Z")])
        views = Views(journal)
        tracemalloc.start()
        try:
            run = views.single_run("one run")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert run is not None
    assert len(run.events) == 24
    assert peak < 12 * MIB, f"{peak:,} bytes"


def large_event(run_id: str, event_time: str) -> Exchange:
    """An exchange with an event of a run and a body of a mebibyte."""
    event = plain(str(uuid4()), kind="RunEvent", event_type="RUNNING", event_time=event_time, run_id=run_id).event
    return replace(large(), event=event)
