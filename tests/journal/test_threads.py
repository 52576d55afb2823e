"""Threads that append, read and forget at once, in every journal."""

from __future__ import annotations

import threading
import time

from mock_intake.journal import EventFilter, ExchangeFilter, Journal
from mock_intake.journal.turns import Turns
from tests.journals import ALL, Open, exchange


def test_threads_append_and_read_at_once(open_journal: Open) -> None:
    journal = open_journal(max_exchanges=5_000)
    done = threading.Event()
    read: list[int] = []

    def append(org: str) -> None:
        for start in range(0, 400, 4):
            journal.append([exchange(f"{org}{number % 50}", org=org) for number in range(start, start + 4)])

    def follow() -> None:
        position = 0
        while not (done.is_set() and position == journal.position):
            for place, each in journal.read(position, 100):
                assert place == position + 1
                assert each.org.startswith("org-")
                position = place
                read.append(place)

    def look() -> None:
        while not done.is_set():
            page = journal.events(EventFilter(org="org-0"), 20)
            assert all(record.org == "org-0" for record in page.items)
            assert len({record.summary.id for record in page.items}) == len(page.items)
            journal.exchanges(ExchangeFilter(org="org-1"), 20)
            journal.count_events(ALL)

    # What a thread raises becomes a warning, and so fails the test.
    writers = [threading.Thread(target=append, args=(f"org-{number}",)) for number in range(4)]
    readers = [threading.Thread(target=follow), threading.Thread(target=look)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert read == list(range(1, 1_601))
    assert (journal.position, journal.count_events(ALL)) == (1_600, 200)
    assert {record.attempts for record in journal.events(ALL, 1_000).items} == {8}


def test_threads_forget_while_others_append(journal: Journal) -> None:
    def append() -> None:
        for number in range(100):
            journal.append([exchange(str(number % 7), org="A"), exchange("b", org="B")])

    writers = [threading.Thread(target=append) for _ in range(3)]
    for writer in writers:
        writer.start()
    forgotten = 0
    while any(writer.is_alive() for writer in writers):
        forgotten += journal.forget("A")
    for writer in writers:
        writer.join()
    forgotten += journal.forget("A")
    assert forgotten == 300
    assert journal.dropped == 0
    assert {each.org for _, each in journal.read(0, 2_000)} == {"B"}
    assert len(journal.read(0, 2_000)) == 300


def test_turns_are_had_in_the_order_in_which_they_were_asked_for() -> None:
    turns = Turns()
    had: list[int] = []

    def take(number: int) -> None:
        assert turns.begin(30)
        had.append(number)
        turns.end()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    assert turns.begin()
    for waiting, thread in enumerate(threads, start=1):
        thread.start()
        while turns.waiting < waiting:
            time.sleep(0.001)
    turns.end()
    # With a plain lock this one, which is awake, would come before all of them.
    take(5)
    for thread in threads:
        thread.join()
    assert had == [0, 1, 2, 3, 4, 5]


def test_a_turn_that_does_not_come_in_time_is_given_up_and_later_ones_come() -> None:
    turns = Turns()
    assert turns.begin()
    assert not turns.begin(0)
    assert not turns.begin(0.02)
    turns.end()
    assert turns.begin(0)
