"""Pages while events come in, over a long record, and while the server ends."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from mock_intake import IntakeServer
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from tests.control.content import run_of, send
from tests.events import dataset, run_event
from tests.test_views import Recorder
from tests.web.looking import glance, look

COMPUTED = (
    "lineage",
    "rules",
    "coverage",
    "runs",
    "events?rule=DD101",
    "dataset?namespace=n&name=all",
    "job?namespace=prod&name=j",
)


def test_pages_hold_while_events_come_in(server: IntakeServer) -> None:
    """What is computed changes under the pages' hands, unless it is held still."""
    ended = threading.Event()
    usual = sys.getswitchinterval()

    def come_in() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            job = {"namespace": "prod", "name": "j", "facets": {f"facet{number}": {}}}
            inputs = [dataset(f"{number}-{each}", "n") for each in range(40)]
            send(server, run_of(str(number), job=job, inputs=[*inputs, dataset("all", "n")]))

    coming = threading.Thread(target=come_in)
    coming.start()
    try:
        sys.setswitchinterval(1e-5)  # threads get in each other's way as often as can be
        while server.journal.position < 3:
            ended.wait(0.01)
        with ThreadPoolExecutor(2) as readers:
            statuses = list(readers.map(lambda path: look(server, f"/mock/{path}").status, COMPUTED * 2))
    finally:
        sys.setswitchinterval(usual)
        ended.set()
        coming.join()
    assert set(statuses) == {200}


def long_record(journal: Journal, events: int = 20_000) -> None:
    """As many events, the first of which was received, and the others made from it."""
    first = Recorder().send(run_event(job={"namespace": "prod", "name": "j"}))
    assert first.event is not None
    journal.append(
        [
            replace(
                first,
                request=replace(first.request, id=f"x{number}"),
                event=first.event._replace(id=f"e{number}", run_id=f"run {number}"),
            )
            for number in range(events)
        ]
    )


def test_a_long_record_is_read_on_beside_the_pages(start_server: Callable[..., IntakeServer]) -> None:
    journal = MemoryJournal()
    long_record(journal)
    server = start_server(journal=journal)
    reading = glance(server, "/mock/rules")
    assert "Reading the record" in reading.text
    assert reading.all("meta", http_equiv="refresh")
    assert glance(server, "/mock/events").all("a", class_="open")  # at once, whatever else is to be read
    assert "20,000 events" in look(server, "/mock/rules?show=spoken").text
    assert "20,000" in look(server, "/mock/events").text


def test_a_server_that_ends_while_its_record_is_read_ends_quietly(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    long_record(journal)
    with IntakeServer(journal=journal) as server:
        assert "Reading the record" in glance(server, "/mock/runs").text
    journal.close()
    for thread in threading.enumerate():
        if thread.name == "mock-intake-views":
            thread.join(10)
            assert not thread.is_alive()
