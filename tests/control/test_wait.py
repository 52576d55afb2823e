"""Waiting until something has come in: a long poll that wakes at once, and says what is there when time is up."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.client import AsyncClient
from mock_intake.journal import MemoryJournal
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from tests.commands import clean_environment
from tests.control.content import HTTP, ORG, OTHER_KEY, OTHER_ORG, api, id_of, run_called, run_of, send
from tests.control.openapi import conforms
from tests.events import job_event, job_type, run_event


def wait(server: IntakeServer, query: str = "", **wanted: Any) -> httpx.Response:
    response = HTTP.post(api(server, f"/wait{query}"), json=wanted, timeout=20)
    conforms(response, "/wait")
    return response


def named(name: str) -> dict[str, Any]:
    return {"namespace": "prod", "name": name, "facets": {"jobType": job_type()}}


@pytest.fixture
def busy(intake: IntakeServer) -> IntakeServer:
    """Two runs of two jobs, one ended well, one not at all; an event with an error; another org."""
    send(intake, run_of("one", "START"))
    send(intake, run_of("one", "COMPLETE"))
    send(intake, run_of("two", "START", job=named("report")))
    send(intake, run_called("no uuid", "START", job=named("report")))
    send(intake, run_of("one", "FAIL"), key=OTHER_KEY)
    return intake


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"events": 5},
        {"events": 4, "org": ORG},
        {"events": 0},
        {"job": "report", "events": 2},
        {"run_id": id_of("one"), "events": 3},
        {"event_type": "START", "events": 3},
        {"status": "error"},
        {"status": "ok", "events": 3},
        {"state": "COMPLETE"},
        {"state": "COMPLETE", "job": "load_orders"},
        {"state": "COMPLETE", "run_id": id_of("one"), "org": ORG},
        {"state": "FAIL", "org": OTHER_ORG},
        {"state": "COMPLETE", "events": 4},
        {"state": "START", "run_id": id_of("one"), "org": ORG},
        {"state": "START", "run_id": id_of("two")},
    ],
    ids=str,
)
def test_what_is_there_is_answered_at_once(busy: IntakeServer, wanted: dict[str, Any]) -> None:
    response = wait(busy, **wanted, timeout=15)
    assert response.status_code == 200
    assert response.json()["reached"] is True
    assert response.json()["waited"] < 10


@pytest.mark.parametrize(
    "wanted",
    [
        {"events": 6},
        {"events": 5, "org": ORG},
        {"job": "unknown"},
        {"job": "REPORT"},
        {"run_id": "unknown"},
        {"event_type": "ABORT"},
        {"status": "warning", "org": ORG},
        {"state": "ABORT"},
        {"state": "COMPLETE", "job": "report"},
        {"state": "COMPLETE", "org": OTHER_ORG},
        {"state": "RUNNING"},
        {"state": "FAIL", "org": ORG},
        {"state": "COMPLETE", "events": 6},
    ],
    ids=str,
)
def test_what_is_not_there_is_waited_for_in_vain(busy: IntakeServer, wanted: dict[str, Any]) -> None:
    response = wait(busy, **wanted, timeout=0.05)
    assert response.status_code == 409
    assert response.json()["reached"] is False
    assert 0.05 <= response.json()["waited"] < 10
    assert "within 0.05 s" in response.json()["error"]


def test_a_script_that_waits_in_vain_fails_and_waits_once(intake: IntakeServer, tmp_path: Path) -> None:
    """With 408 curl would wait as often as it may repeat."""
    command = ["curl", "-sS", "--fail-with-body", "--retry", "3", "--retry-delay", "1", "--max-time", "20"]
    command += ["--data", '{"events": 9, "timeout": 0}', "-o", str(tmp_path / "answer"), api(intake, "/wait")]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "409" in done.stderr, "retry" in done.stderr) == (22, True, False)
    assert json.loads((tmp_path / "answer").read_text())["reached"] is False


def test_a_timeout_says_what_is_there_instead(busy: IntakeServer) -> None:
    there = wait(busy, job="report", state="COMPLETE", timeout=0).json()
    assert (there["events"], there["matching_runs"], there["dropped"]) == (2, 0, 0)
    job = {"namespace": "prod", "name": "report"}
    assert [(run["run_id"], run["job"]) for run in there["runs"]] == [("no uuid", job), (id_of("two"), job)]
    there = wait(busy, events=9, timeout=0).json()
    assert (there["events"], there["matching_runs"]) == (5, 4)
    assert {run["state"] for run in there["runs"]} >= {"COMPLETE", "FAIL"}


def test_a_timeout_says_in_words_what_is_missing(busy: IntakeServer) -> None:
    def told(**wanted: Any) -> str:
        return str(wait(busy, **wanted, timeout=0).json()["error"]).partition(": ")[2]

    assert told(events=9) == "5 of 9 such events are there."
    assert told(job="report", state="FAIL") == "no run has reached FAIL, those that fit are in START."
    assert told(job="x", state="FAIL") == "no run has reached FAIL, there is no run that fits."
    assert told(job="report", events=3, state="COMPLETE") == (
        "2 of 3 such events are there; no run has reached COMPLETE, those that fit are in START."
    )


def test_a_state_that_a_run_has_left_behind_was_reached_and_an_end_is_final(intake: IntakeServer) -> None:
    """Whoever asks a moment late gets the same answer."""
    for state in ("OTHER", "START", "RUNNING", "COMPLETE", "FAIL"):
        send(intake, run_of("one", state))
        there = wait(intake, state=state, timeout=0)
        assert there.status_code == (409 if state == "FAIL" else 200)
    for state in ("OTHER", "START", "RUNNING", "COMPLETE"):
        assert wait(intake, state=state, run_id=id_of("one"), timeout=0).json()["matching_runs"] == 1
    assert "those that fit are in COMPLETE" in wait(intake, state="FAIL", timeout=0).json()["error"]


def waits_alive() -> int:
    """How many requests wait in this process, which is the server's too."""
    return sum(
        isinstance(thing, types.CoroutineType) and thing.cr_code.co_name == "_came" for thing in gc.get_objects()
    )


def test_whoever_has_gone_is_not_waited_for(intake: IntakeServer) -> None:
    """Also while there is so much going on that nobody ever listens in vain."""
    with ThreadPoolExecutor(1) as pool:
        gone = pool.submit(HTTP.post, api(intake, "/wait"), json={"events": 99_999, "timeout": 60}, timeout=0.5)
        until = time.monotonic() + 20
        while not waits_alive():
            assert time.monotonic() < until
        assert isinstance(gone.exception(), httpx.ReadTimeout)
    number = 0
    while waits_alive() and time.monotonic() < until:
        send(intake, job_event(number=(number := number + 1)))
    assert waits_alive() == 0


def test_the_org_may_stand_in_the_query(busy: IntakeServer) -> None:
    assert wait(busy, f"?org={OTHER_ORG}", events=1, timeout=0).status_code == 200
    assert wait(busy, f"?org={OTHER_ORG}", events=2, timeout=0).status_code == 409


@pytest.mark.parametrize(
    ("wanted", "event"),
    [
        ({"events": 2}, job_event()),
        ({"job": "late"}, run_event(job=named("late"))),
        ({"state": "COMPLETE"}, run_of("one", "COMPLETE")),
        ({"run_id": id_of("late")}, run_of("late")),
    ],
    ids=str,
)
def test_whoever_waits_is_woken_at_once(intake: IntakeServer, wanted: dict[str, Any], event: Any) -> None:
    send(intake, run_of("one", "START"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, intake, **wanted, timeout=15)
        time.sleep(0.6)  # the request may be there up to 0.35 s later than it was made
        assert not waiting.done()
        send(intake, event)
        sent = time.monotonic()
        response = waiting.result()
        assert (response.status_code, time.monotonic() - sent < 10) == (200, True)
        assert response.json()["waited"] >= 0.25


def test_what_does_not_fit_wakes_nobody(intake: IntakeServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, intake, org=ORG, events=1, timeout=0.6)
        for _ in range(5):
            send(intake, run_of("one"), key=OTHER_KEY)
            send(intake, b"no JSON")
        assert waiting.result().status_code == 409


def test_an_import_wakes_too(intake: IntakeServer, busy_export: bytes) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, intake, events=5, timeout=15)
        time.sleep(0.2)
        assert HTTP.post(api(intake, "/import"), content=busy_export).status_code == 200
        assert waiting.result().json()["waited"] < 10


@pytest.fixture
def busy_export(tmp_path: Path) -> bytes:
    with IntakeServer() as server:
        for name in "abcde":
            send(server, run_of(name))
        return HTTP.get(api(server, "/export?what=exchanges")).content


def test_many_wait_at_once_and_each_gets_its_own(intake: IntakeServer) -> None:
    async def all_of_them() -> list[float]:
        async with AsyncClient(intake.url) as client:
            waits = [client.wait(job=f"job {number}", state="COMPLETE", timeout=30) for number in range(60)]
            waiting = asyncio.gather(*waits)
            await asyncio.sleep(0.3)
            posts = (run_of(f"run {number}", "COMPLETE", job=named(f"job {number}")) for number in range(60))
            await asyncio.to_thread(lambda: [send(intake, event) for event in posts])
            sent = time.monotonic()
            there = await waiting
            assert [one["runs"][0]["job"]["name"] for one in there] == [f"job {number}" for number in range(60)]
            return [time.monotonic() - sent]

    assert max(asyncio.run(all_of_them())) < 15


def test_a_timeout_hints_at_what_retention_dropped(tmp_path: Path) -> None:
    journals = (MemoryJournal(max_exchanges=2), SqliteJournal(tmp_path / "j.db", retention=Retention(exchanges=2)))
    for journal in journals:
        with IntakeServer(journal=journal) as server:
            for name in "abcde":
                send(server, run_of(name, job=named(name)))
            missed = wait(server, job="a", timeout=0).json()
            assert missed["dropped"] == 3
            assert "Retention has dropped 3 exchanges" in missed["error"]
            assert wait(server, events=2, timeout=0).json()["dropped"] == 3
        journal.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"events"', "object"),
        (b'{"event": 1}', "'event'"),
        (b'{"events": "1"}', "events"),
        (b'{"events": -1}', "events"),
        (b'{"events": 1.5}', "events"),
        (b'{"events": true}', "events"),
        (b'{"events": null}', "events"),
        (b'{"timeout": -1}', "timeout"),
        (b'{"timeout": 301}', "300"),
        (b'{"timeout": "1"}', "timeout"),
        (b'{"timeout": true}', "timeout"),
        (b'{"timeout": 1e999}', "number"),
        (b'{"timeout": NaN}', "NaN"),
        (b'{"status": "fine"}', "ok, warning, error"),
        (b'{"status": []}', "status"),
        (b'{"org": 1}', "org"),
        (b'{"job": null}', "job"),
        (b'{"state": {}}', "START, RUNNING, COMPLETE, ABORT, FAIL, OTHER"),
        (b'{"state": "complete"}', "'complete'"),
        (b'{"state": "COMPLETED"}', "'COMPLETED'"),
        (b"[" * 100_000, "200 levels"),
        (b'{"job": "' + b"x" * 2_000_000 + b'"}', "1,048,576 bytes"),
    ],
    ids=lambda value: str(value[:30]),
)
def test_a_wait_that_makes_no_sense_is_refused_at_once(intake: IntakeServer, body: bytes, words: str) -> None:
    response = HTTP.post(api(intake, "/wait"), content=body)
    assert response.status_code == 400
    assert words in conforms(response, "/wait")["error"]


def test_numbers_are_numbers_however_they_are_written(intake: IntakeServer) -> None:
    send(intake, run_of("one"))
    for body in (b'{"events": 1.0, "timeout": 0}', b'{"events": 1e0, "timeout": 0.0}'):
        assert HTTP.post(api(intake, "/wait"), content=body).status_code == 200


def test_a_large_record_that_many_wait_on_does_not_stop_the_intake(start_server: Any) -> None:
    """Looking anew after every event would take all of the server's time."""
    server = start_server()
    with IntakeServer() as other:
        send(other, run_of("one"))
        exchange = HTTP.get(api(other, "/export?what=exchanges")).content
    copies = b"".join(
        exchange.replace(b'"id":"', b'"id":"c%05d' % number).replace(b'"event_id":"', b'"event_id":"e%05d' % number)
        for number in range(5_000)
    )
    assert HTTP.post(api(server, "/import"), content=copies, timeout=60).json()["imported"] == 5_000

    def posted(first: int) -> float:
        began = time.monotonic()
        for number in range(30):
            send(server, job_event(number=first + number))
        return time.monotonic() - began

    async def under_load() -> float:
        async with AsyncClient(server.url) as client:
            waits = [asyncio.ensure_future(client.wait(events=9_999, timeout=20)) for _ in range(60)]
            await asyncio.sleep(0.5)
            took = await asyncio.to_thread(posted, 100)
            for one in waits:
                one.cancel()
            return took

    # It would be 50 times as long and more.
    took, alone = asyncio.run(under_load()), posted(0)
    assert took < 1 + 10 * alone, (took, alone)
