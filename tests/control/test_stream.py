"""New exchanges as server-sent events: in order, once each, resumable, and no burden when the listener has gone."""

from __future__ import annotations

import gc
import json
import os
import socket
import time
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from mock_intake import IntakeServer
from mock_intake.journal import MemoryJournal
from mock_intake.journal.retention import Retention
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.model.exchange import Exchange
from tests.control.content import HTTP, JOURNALS, ORG, OTHER_KEY, OTHER_ORG, PREFIX, api, run_called, run_of, send
from tests.events import job_event
from tests.journal.exchanges import plain
from tests.timing import SOON, in_time


class Listener:
    """Reads a stream as it comes over the wire, event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes()
        self._read = b""

    def block(self) -> list[str]:
        """The lines of the next event or comment."""
        while b"\n\n" not in self._read:
            self._read += next(self._chunks)
        block, _, self._read = self._read.partition(b"\n\n")
        return block.decode().split("\n")

    def exchange(self) -> tuple[int, dict[str, Any]]:
        """The next exchange, with its id."""
        identity, kind, data = self.block()
        assert kind == "event: exchange"
        assert identity.startswith("id: ")
        return int(identity[4:]), json.loads(data.removeprefix("data: "))


@contextmanager
def listening(server: IntakeServer, query: str = "", after: str | None = None) -> Iterator[Listener]:
    headers = {} if after is None else {"last-event-id": after}
    with HTTP.stream("GET", api(server, f"/stream{query}"), headers=headers, timeout=30) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == "text/event-stream"
        listener = Listener(response)
        assert listener.block() == ["retry: 1000"]
        yield listener


def listed(server: IntakeServer) -> list[dict[str, Any]]:
    """What the listing says, oldest first."""
    exchanges: list[dict[str, Any]] = HTTP.get(api(server, "/exchanges?limit=1000")).json()["exchanges"]
    return exchanges[::-1]


def test_each_new_exchange_is_told_once_and_at_once(intake: IntakeServer) -> None:
    send(intake, job_event())
    with listening(intake) as listener:
        for body in (run_of("one"), b"no JSON", run_called("line\u2028break \x85 \n")):
            with in_time():
                send(intake, body)
                listener.exchange()
        for name in "abc":
            send(intake, run_of(name))
        told = [listener.exchange() for _ in range(3)]
    assert [number for number, _ in told] == [5, 6, 7]
    assert [exchange for _, exchange in told] == listed(intake)[-3:]


def test_a_listener_that_comes_back_goes_on_behind_what_it_heard(intake: IntakeServer) -> None:
    for name in "abcdef":
        send(intake, run_of(name))
    with listening(intake, after="2") as listener:
        told = [listener.exchange() for _ in range(4)]
        send(intake, run_of("g"))
        told.append(listener.exchange())
    assert [number for number, _ in told] == [3, 4, 5, 6, 7]
    assert [exchange for _, exchange in told] == listed(intake)[2:]


@pytest.mark.parametrize("after", ["", "x", "-1", "1e3", "9" * 30, "²"])
def test_what_is_no_id_begins_with_what_comes(intake: IntakeServer, after: str) -> None:
    send(intake, run_of("before"))
    headers = [(b"last-event-id", after.encode("latin-1"))]
    with HTTP.stream("GET", api(intake, "/stream"), headers=headers, timeout=30) as response:
        listener = Listener(response)
        listener.block()
        send(intake, run_of("after"))
        assert listener.exchange()[0] == 2


def test_an_id_of_another_record_begins_anew(intake: IntakeServer) -> None:
    """A server that was started again counts from the beginning."""
    for name in "abc":
        send(intake, run_of(name))
    with listening(intake, after="4711") as listener:
        assert [listener.exchange()[0] for _ in range(3)] == [1, 2, 3]


def test_a_listener_hears_of_its_org_only(intake: IntakeServer) -> None:
    with listening(intake, f"?org={OTHER_ORG}") as listener:
        for number in range(5):
            send(intake, job_event(number=number))
        send(intake, job_event(), key=OTHER_KEY)
        number, exchange = listener.exchange()
        assert (number, exchange["org"]) == (6, OTHER_ORG)
    with listening(intake, f"?org={ORG}", after="0") as listener:
        assert [listener.exchange()[0] for _ in range(5)] == [1, 2, 3, 4, 5]


def test_a_long_record_is_told_whole(intake: IntakeServer) -> None:
    with IntakeServer() as other:
        send(other, run_of("one"))
        line = HTTP.get(api(other, "/export?what=exchanges")).content
    lines = [line.replace(b'"id":"', b'"id":"c%04d' % number, 1) for number in range(1_500)]
    assert HTTP.post(api(intake, "/import"), content=b"".join(lines)).json()["imported"] == 1_500
    with listening(intake, after="0") as listener:
        assert [listener.exchange()[0] for _ in range(1_500)] == list(range(1, 1_501))


def test_what_retention_dropped_before_it_could_be_told_is_said(tmp_path: Path) -> None:
    journals = (MemoryJournal(max_exchanges=3), SqliteJournal(tmp_path / "j.db", retention=Retention(exchanges=3)))
    for journal in journals:
        with IntakeServer(journal=journal) as server:
            for number in range(10):
                send(server, job_event(number=number))
            with listening(server, after="4") as listener:
                assert listener.block() == ["event: dropped", 'data: {"dropped":7}']
                assert [listener.exchange()[0] for _ in range(3)] == [8, 9, 10]
                # What was heard in time is no loss, though it is dropped by now.
                send(server, job_event(number=10))
                assert listener.exchange()[0] == 11
            with listening(server, after="8") as listener:
                assert listener.exchange()[0] == 9
        journal.close()


def test_forgetting_is_no_loss(intake: IntakeServer) -> None:
    with listening(intake) as listener:
        send(intake, run_of("one"))
        assert listener.exchange()[0] == 1
        send(intake, run_of("two"), key=OTHER_KEY)
        assert listener.exchange()[0] == 2
        HTTP.delete(api(intake, "/exchanges"))
        send(intake, run_of("three"))
        assert listener.exchange()[0] == 3


def test_a_listener_that_does_not_listen_holds_nobody_up(intake: IntakeServer) -> None:
    with listening(intake) as listener:
        for number in range(150):
            assert send(intake, job_event(number=number), **{"x-note": "n" * 30_000}).status_code == 202
        assert [listener.exchange()[0] for _ in range(150)] == list(range(1, 151))


def exchanges_alive(*, of_before: bool = True) -> int:
    """How many exchanges, bodies and all, are held in this process, which is the server's too.

    The collector doesn't know them, so they are looked for in what it knows, and in plain tuples, which it passes over;
    ``of_before``: also in what was there before the first test. Something of the package might hold one, but to look
    through all tests that there are takes seconds.
    """
    if of_before:
        gc.unfreeze()
    gc.collect()
    seen: dict[int, Any] = {}
    todo: list[Any] = gc.get_objects()
    if of_before:
        gc.freeze()
    while todo:
        within = gc.get_referents(todo.pop())
        new = [each for each in within if type(each) in (Exchange, tuple) and id(each) not in seen]
        seen.update((id(each), each) for each in new)
        todo += [each for each in new if type(each) is tuple]
    return sum(type(each) is Exchange for each in seen.values())


def test_exchanges_are_counted_wherever_they_are_held() -> None:
    before = exchanges_alive(of_before=False)
    held = [(number, plain(f"{number}")) for number in range(3)]
    waiting = (each for _, each in [(0, plain("of a generator"))] for _ in range(2))
    assert next(waiting).org == "org"
    assert exchanges_alive(of_before=False) == before + len(held) + 1
    del held, waiting
    assert exchanges_alive(of_before=False) == before


def test_listeners_that_do_not_listen_keep_no_bodies_in_memory(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    with IntakeServer(journal=journal) as server, ExitStack() as listeners:
        for number in range(100):
            send(server, job_event(number=number), **{"x-note": "n" * 50_000})
        before = exchanges_alive()
        for _ in range(10):
            listener = listeners.enter_context(socket.socket())
            # So that next to nothing is on the way: what was not taken is with the server.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            listener.connect(server.address)
            listener.sendall(f"GET {PREFIX}/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n".encode())
        assert eventually(lambda: streams_alive() == 10)
        # Once all that goes out by itself has gone out, each has at most the one that it is about to send.
        assert eventually(lambda: exchanges_alive() <= before + 10)
        gc.unfreeze()  # else they would not be seen
        assert streams_alive() == 10
        gc.freeze()
    journal.close()


def test_a_quiet_stream_says_that_it_is_there(start_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_intake.server.control.stream._HEARTBEAT", 1.5)
    server = start_server()
    with listening(server, f"?org={ORG}") as listener:
        began = time.monotonic()
        send(server, job_event(), key=OTHER_KEY)
        assert listener.block() == [": nothing new"]
        # Not put off by what is for others.
        assert 1 < time.monotonic() - began < SOON
        send(server, job_event())
        assert listener.exchange()[0] == 2


def test_a_head_request_ends(intake: IntakeServer) -> None:
    for path, media in {"/stream": "text/event-stream", "/export": "application/x-ndjson"}.items():
        response = HTTP.head(api(intake, path), timeout=5)
        assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, media)


# Listeners that go away, and servers that do.


def open_files() -> int:
    """What is open but a journal's own connections, of which it keeps one for each thread that has asked at once."""
    links = []
    for descriptor in os.listdir("/dev/fd"):  # noqa: PTH208 - a Path for each would be one more
        with suppress(FileNotFoundError):  # that of the listing itself
            links.append(os.readlink(f"/dev/fd/{descriptor}"))  # noqa: PTH115
    return sum("journal.db" not in link for link in links)


def streams_alive() -> int:
    """How many streams are kept alive in this process, which is the server's too."""
    gc.collect()
    return sum(
        isinstance(thing, types.AsyncGeneratorType) and "control" in thing.ag_code.co_filename
        for thing in gc.get_objects()
    )


def eventually(condition: Any) -> bool:
    until = time.monotonic() + 20
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_listeners_that_go_away_leave_nothing_behind(intake: IntakeServer) -> None:
    with listening(intake):
        assert streams_alive() == 1
    assert eventually(lambda: streams_alive() == 0)
    files = open_files()
    for number in range(30):
        with listening(intake) as listener:
            send(intake, job_event(number=number))
            if number % 2:
                listener.exchange()
    assert eventually(lambda: streams_alive() == 0)
    assert eventually(lambda: open_files() <= files)
    assert send(intake, job_event(number=99)).status_code == 202


@pytest.mark.parametrize("back_end", JOURNALS)
def test_a_server_stops_soon_with_listeners_and_waits_open(back_end: str, tmp_path: Path) -> None:
    journal = JOURNALS[back_end](tmp_path)
    server = IntakeServer(journal=journal)
    server.start()
    with ThreadPoolExecutor(1) as pool, listening(server) as one, listening(server):
        waiting = pool.submit(HTTP.post, api(server, "/wait"), json={"events": 9, "timeout": 60}, timeout=60)
        time.sleep(0.2)
        with in_time():
            server.stop()
        assert not server.is_running
        with pytest.raises((httpx.HTTPError, StopIteration)):
            one.block()
        # An answer that says so, or none: the end of a server is not the end of the time.
        assert waiting.exception(timeout=5) is not None or waiting.result().status_code >= 500
    journal.close()
