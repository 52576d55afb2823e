"""The journal in memory keeps exchanges so that they cost little: neither the collector's time nor room for nothing."""

from __future__ import annotations

import gc
import sys
import time
from enum import Enum
from typing import Any

import pytest
from msgspec import Struct, structs

from mock_intake.journal import EventFilter, ExchangeFilter, MemoryJournal, UnkeepableError
from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Status
from tests.events import dataset, run_event
from tests.journals import exchange, summary
from tests.test_views import Recorder


def test_the_collector_passes_over_what_is_on_record() -> None:
    event = run_event("COMPLETE", eventTime="yesterday", inputs=[dataset()], outputs=[dataset("other")])
    received = Recorder().send(event)
    assert received.findings
    assert received.event is not None
    assert received.event.inputs
    for _ in range(4):  # of tuples, what is within is passed over first
        gc.collect()
    assert tracked(received) == []


def tracked(value: Any) -> list[Any]:
    """What the collector looks through of a value and of all within. Members of enumerations are there once and for
    all."""
    if isinstance(value, Enum):
        return []
    within = structs.astuple(value) if isinstance(value, Struct) else value if isinstance(value, tuple) else ()
    return [value] * gc.is_tracked(value) + [found for part in within for found in tracked(part)]


def test_a_body_that_is_not_held_any_more_takes_no_room() -> None:
    """Of an event that was sent again the first attempt goes, and its record stays."""
    journal = MemoryJournal(max_exchanges=1)
    body = bytes(1_000_000)
    journal.append([exchange("again", body=body)])
    journal.append([exchange("again", body=b"y" * 1_000_000)])
    kept = journal.event("event-again")
    assert kept is not None
    held = journal.exchange(kept.exchange_id)
    assert held is not None
    assert held.request.body[:1] == b"y"
    # Nobody but this test and the call itself: the collector knows nothing of what exchanges hold.
    assert sys.getrefcount(body) == 2


def test_the_same_exchange_twice_is_refused_and_nothing_of_the_batch_is_kept() -> None:
    journal = MemoryJournal(max_exchanges=3)
    one, two = exchange("one"), exchange("two")
    journal.append([one])
    for batch in ([two, one], [two, two]):
        with pytest.raises(UnkeepableError, match="same id"):
            journal.append(batch)
    assert [each.id for _, each in journal.read(0, 10)] == [one.id]
    journal.append([two, *(exchange(f"{number}") for number in range(5))])
    assert journal.dropped == 4


def test_orgs_that_were_forgotten_leave_nothing_behind() -> None:
    journal = MemoryJournal()
    for number in range(50):
        journal.append([exchange(summary(f"{number}"), org=f"org-{number}")])
        journal.forget(f"org-{number}")
    assert journal._statuses == {}
    assert journal.orgs() == []


def test_what_has_gone_is_in_no_index() -> None:
    """Of runs and jobs, whether retention dropped it or somebody forgot it."""
    journal = MemoryJournal(max_exchanges=2)
    made = [exchange(summary(f"{number}", run_id=f"run-{number // 3}", job_name="job")) for number in range(9)]
    journal.append([*made, exchange("other")])
    assert len(journal._of_run) == len(journal._of_job) == 1
    journal.forget()
    assert len(journal._of_run) == len(journal._of_job) == 0


def test_a_run_and_a_job_are_found_without_a_look_at_all_events() -> None:
    journal = MemoryJournal()
    journal.append([exchange(summary(f"{number}", run_id=f"run-{number}", job_name="job")) for number in range(20_000)])
    journal.append([exchange(summary("other", run_id="run-0", job_name="other"))])
    began = time.thread_time()
    for _ in range(200):
        assert journal.count_events(EventFilter(run_id="run-0")) == 2
        assert [each.run_id for each in of_run(journal, "run-0")] == ["run-0", "run-0"]
        assert journal.count_events(EventFilter(job_name="other")) == 1
    # A walk through all of it, each time, would take seconds.
    assert time.thread_time() - began < 1


def of_run(journal: MemoryJournal, run_id: str) -> list[EventSummary]:
    found = journal.exchanges(ExchangeFilter(run_id=run_id), 10).items
    return [each.event for each in found if each.event is not None]


def test_reading_on_is_fast_also_where_something_was_forgotten() -> None:
    journal = MemoryJournal()
    made = [exchange(None, org="gone" if number == 5 else "kept") for number in range(50_000)]
    journal.append(made)
    journal.forget("gone")
    began = time.thread_time()
    for _ in range(200):
        assert [position for position, _ in journal.read(49_990, 100)] == list(range(49_991, 50_001))
    # A walk through all of it, each time, would take seconds.
    assert time.thread_time() - began < 1
    assert len(journal.read(0, 100_000)) == 49_999


def test_members_of_an_enumeration_are_found_by_their_texts() -> None:
    assert {Status.OK: 1}["ok"] == {"ok": 1}[Status.OK] == 1  # type: ignore[index]


def test_what_is_on_record_makes_appending_no_slower() -> None:
    journal = MemoryJournal()
    journal.append([exchange(None) for _ in range(100_000)])
    made = [exchange(None) for _ in range(2_000)]
    began = time.thread_time()
    for each in made:
        journal.append([each])
    # A look at all of it, each time, would take seconds.
    assert time.thread_time() - began < 1


def test_what_is_said_of_an_exchange_and_the_names_in_it_take_room_too() -> None:
    """A few bytes of gzip can hold a million names, and rules can have much to say of them."""
    plain = exchange("a")
    finding = Recorder().send(run_event("COMPLETE", eventTime="yesterday")).findings[0]
    wordy = structs.replace(plain, findings=(structs.replace(finding, message="m" * 10_000),) * 20)
    names = tuple(DatasetId("postgres://db:5432", f"shop.public.{'t' * 100}{number}") for number in range(2_000))
    assert plain.event is not None
    named = structs.replace(plain, event=structs.replace(plain.event, inputs=names))
    for large in (wordy, named):
        journal = MemoryJournal(max_bytes=1_000_000)
        for number in range(20):
            request = structs.replace(large.request, id=f"exchange{number}")
            journal.append([structs.replace(large, request=request)])
        assert 10 < journal.dropped < 20
