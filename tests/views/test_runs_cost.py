"""What folding the runs of one id costs, whatever its events have in common and in whatever order they come."""

from __future__ import annotations

from collections import Counter

import pytest

from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Status
from mock_intake.views.runs import RunsState, add_event

MANY = 2_000


def summary(event_id: str) -> EventSummary:
    """A heartbeat: all of them say the same."""
    return EventSummary(
        id=event_id,
        status=Status.OK,
        kind="RunEvent",
        event_type="RUNNING",
        event_time="2026-11-01T12:00:00Z",
        run_id="5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d",
        job_namespace="prod",
        job_name="load_orders",
        inputs=(),
        outputs=(),
        dataset=None,
        producer="https://github.com/acme/etl",
        processing_type="BATCH",
        parent_run_id=None,
        parent_job=None,
    )


def test_the_json_value_of_an_event_is_asked_for_once() -> None:
    """Of events that say the same to the run cycle, as heartbeats of one second do."""
    asked: Counter[str] = Counter()

    def digest_of(event_id: str) -> bytes:
        asked[event_id] += 1
        return event_id[:-1].encode()

    state = RunsState(digest_of)
    repeats = [add_event(state, "org", summary(f"{number:08}"), (number, number)) for number in range(MANY)]
    assert max(asked.values()) == 1
    assert sum(repeat is not None for repeat in repeats) == MANY - MANY // 10


@pytest.mark.parametrize("backwards", [False, True])
def test_events_that_come_out_of_turn_are_folded_once_for_all(backwards: bool) -> None:
    asked: Counter[str] = Counter()

    def digest_of(event_id: str) -> bytes:
        asked[event_id] += 1
        return event_id.encode()

    state = RunsState(digest_of)
    for number in reversed(range(MANY)) if backwards else range(MANY):
        add_event(state, "org", summary(f"{number:08}"), (number, number))
    [run] = state.runs("org")
    assert [event.event_id for event in run.events] == [f"{number:08}" for number in range(MANY)]
    # Once as they came, at most, and once for all.
    assert max(asked.values()) <= 2
    assert run.facts.repeats == []
