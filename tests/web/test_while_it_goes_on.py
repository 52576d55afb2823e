"""Pages while events come in, over a long record, and while the server ends."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, expect

from mock_intake import IntakeServer
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from tests.browser import opened
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


def long_record(journal: Journal, events: int = 20_000, letters: int = 0) -> None:
    """As many events, the first of which was received, and the others made from it; each has so long a note."""
    first = Recorder().send(run_event(job={"namespace": "prod", "name": "j"}, note="x" * letters))
    assert first.event is not None
    journal.append(
        [
            replace(
                first,
                request=replace(first.request, id=f"x{number}"),
                event=replace(first.event, id=f"e{number}", run_id=f"run {number}"),
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
    assert "20,000 events" in look(server, "/mock/rules?show=found").text
    assert "20,000" in look(server, "/mock/events").text


@pytest.fixture(scope="module")
def long() -> Iterator[IntakeServer]:
    """A record that one look is too short for; the oldest event is of a job of its own."""
    journal = MemoryJournal()
    with IntakeServer(journal=journal) as server:
        send(server, run_of("oldest", job={"namespace": "prod", "name": "the oldest one", "facets": {}}))
        long_record(journal, 15_000, 64_000)
        yield server


def test_a_search_that_takes_too_long_is_gone_on_with_until_all_was_looked_through(long: IntakeServer) -> None:
    page = glance(long, "/mock/events?text=oldest+one")
    assert "Nothing yet." in page.text
    looks = 1
    while "Go on looking" in page.links():
        page = glance(long, page.links()["Go on looking"])
        looks += 1
    assert looks > 1
    assert [row[3] for row in page.rows()] == ["the oldest one prod"]
    assert "15,001 events were looked through." in page.text


def test_a_page_goes_on_looking_by_itself(browser: Browser, long: IntakeServer) -> None:
    with opened(browser, f"{long.url}/mock/events?text=oldest+one") as seen:
        expect(seen.page.locator("#list tbody tr")).to_contain_text("the oldest one", timeout=15_000)
        expect(seen.page.locator("#live-status")).to_have_text("15,001 events were looked through.")
        assert seen.page.get_by_role("button", name="Live").count() == 0  # what was found would go
        assert seen.complaints == []


def test_a_page_stops_looking_when_it_has_enough(browser: Browser, long: IntakeServer) -> None:
    with opened(browser, f"{long.url}/mock/events?text=j") as seen:
        assert seen.page.locator("#list tbody tr").count() >= 50
        expect(seen.page.get_by_role("link", name="Older")).to_be_visible()


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
