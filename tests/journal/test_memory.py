"""The journal in memory keeps exchanges so that they cost little: neither the collector's time nor room for nothing."""

from __future__ import annotations

import gc
import time

import pytest

from mock_intake.findings import Severity, Status, Sureness
from mock_intake.journal import MemoryJournal, UnkeepableError
from mock_intake.journal.flat import exchange_of, flatten
from tests.events import dataset, run_event
from tests.journals import exchange, summary
from tests.test_views import Recorder


def test_the_collector_passes_over_what_is_on_record() -> None:
    event = run_event("COMPLETE", eventTime="yesterday", inputs=[dataset()], outputs=[dataset("other")])
    received = Recorder().send(event)
    assert received.findings
    assert received.event is not None
    assert received.event.inputs
    flat = flatten(received)
    for _ in range(4):  # what is within is passed over first
        gc.collect()
    assert not gc.is_tracked(flat)
    assert exchange_of(flat) == received
    again = exchange_of(flat)
    assert type(again.findings[0].severity) is Severity
    assert type(again.findings[0].sureness) is Sureness
    assert again.event is not None
    assert type(again.event.status) is Status


def test_a_body_that_is_not_held_any_more_takes_no_room() -> None:
    """Of an event that was sent again the first attempt goes, and its record stays."""
    journal = MemoryJournal(max_exchanges=1)
    body = b"x" * 1_000_000
    journal.append([exchange("again", body=body)])
    journal.append([exchange("again", body=b"y" * 1_000_000)])
    kept = journal.event("event-again")
    assert kept is not None
    held = journal.exchange(kept.exchange_id)
    assert held is not None
    assert held.request.body[:1] == b"y"
    assert [found for found in gc.get_referrers(body) if type(found) is tuple] == []


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


def test_reading_on_is_fast_also_where_something_was_forgotten() -> None:
    journal = MemoryJournal()
    made = [exchange(None, org="gone" if number == 5 else "kept") for number in range(50_000)]
    journal.append(made)
    journal.forget("gone")
    began = time.monotonic()
    for _ in range(200):
        assert [position for position, _ in journal.read(49_990, 100)] == list(range(49_991, 50_001))
    # A walk through all of it, each time, would take seconds.
    assert time.monotonic() - began < 1
    assert len(journal.read(0, 100_000)) == 49_999


def test_members_of_an_enumeration_are_found_by_their_texts() -> None:
    assert {Status.OK: 1}["ok"] == {"ok": 1}[Status.OK] == 1  # type: ignore[index]


def test_what_is_on_record_makes_appending_no_slower() -> None:
    journal = MemoryJournal()
    journal.append([exchange(None) for _ in range(100_000)])
    made = [exchange(None) for _ in range(2_000)]
    began = time.monotonic()
    for each in made:
        journal.append([each])
    # A look at all of it, each time, would take seconds.
    assert time.monotonic() - began < 1
