"""Connections, time and memory are shared by all who connect: nobody takes them from the others, and it is told."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mock_intake import IntakeServer
from mock_intake.body.room import room_of
from mock_intake.journal import MemoryJournal
from mock_intake.journal.sqlite import SqliteJournal
from mock_intake.server.http.tls import Certificates
from mock_intake.server.ingest.budget import Budget, Share
from mock_intake.server.ingest.forwarding import Target
from mock_intake.server.limits import MEBIBYTE, Limits, Notices
from tests.events import run_event
from tests.fuzz import KEY, connect, read_answers, recorded, request_bytes, send
from tests.timing import in_time

EVENT = json.dumps(run_event()).encode()
REQUEST = request_bytes(EVENT)
Start = Callable[..., IntakeServer]
SOON = Limits(patience=0.3)


def _padded(size: int) -> bytes:
    return json.dumps(run_event(padding="x" * size)).encode()


def _to_proxy(server: IntakeServer) -> socket.socket:
    return socket.create_connection(_address(server.proxy_url), timeout=20)


def _to_tls(server: IntakeServer) -> socket.socket:
    """A connection to the https port on which no handshake has begun."""
    return socket.create_connection(_address(server.https_url), timeout=20)


def _address(url: str | None) -> tuple[str, int]:
    parts = urlsplit(url or "")
    return str(parts.hostname), int(parts.port or 0)


# Time.


@pytest.mark.parametrize(
    ("beginning", "status", "code"),
    [
        (b"POST /api/v1/lin", 400, "HT303"),
        (REQUEST[:120], 400, "HT303"),
        (REQUEST[: -len(EVENT)], 400, "HT106"),
        (REQUEST[:-10], 400, "HT106"),
        (request_bytes(b"5\r\nhello\r\n", [("Transfer-Encoding", "chunked")], length=-1), 400, "HT106"),
    ],
    ids=["in the target", "in a header", "behind the head", "in the body", "between chunks"],
)
def test_a_request_that_trickles_is_given_up_and_is_on_record(
    beginning: bytes, status: int, code: str, start_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(limits=SOON)
    with connect(server, timeout=20) as connection:
        connection.sendall(beginning)
        (answer,) = read_answers(connection, 1)
        assert connection.recv(1) == b""
    (exchange,) = recorded(server.journal, 0, 1)
    assert (answer.status, exchange.response.status_code) == (status, status)
    assert exchange.findings[-1].code == code
    assert "did not come to its end within 0.3 s (--patience)" in caplog.text


def test_a_connection_on_which_nothing_comes_is_closed_and_nothing_is_on_record(start_server: Start) -> None:
    server = start_server(limits=SOON)
    with connect(server, timeout=20) as connection:
        assert connection.recv(1) == b""
    assert server.journal.position == 0


def test_a_head_for_the_proxy_that_trickles_is_given_up(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server(limits=SOON, tls=Certificates(), proxy_port=0)
    with _to_proxy(server) as connection:
        connection.sendall(b"CONNECT data-obs-intake.datadoghq.com:443 HTTP/1.1\r\nHost")
        assert connection.recv(1) == b""
    assert "The proxy gave up a request whose head had not come within 0.3 s (--patience)." in caplog.text


def test_a_handshake_that_does_not_come_is_given_up(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server(limits=SOON, tls=Certificates())
    with _to_tls(server) as connection:
        assert connection.recv(1) == b""
    with in_time():
        while "A connection was given up that had not shaken hands within 0.3 s (--patience)." not in caplog.text:
            time.sleep(0.01)


def test_a_request_may_take_the_time_that_it_is_given(start_server: Start) -> None:
    server = start_server(limits=Limits(patience=20))
    answers = send(server, *[REQUEST[place : place + 60] for place in range(0, len(REQUEST), 60)], pause=0.01)
    assert [answer.status for answer in answers] == [202]


def test_an_answer_that_is_late_costs_its_client_no_patience(start_server: Start) -> None:
    """The next request has begun to arrive, and is not read on before the first is answered."""
    server = start_server(limits=SOON)
    send(server, request_bytes(b'{"sequence": [], "delay": 1}', method="PUT", target="/api/mock/v1/faults", key=None))
    assert [answer.status for answer in send(server, REQUEST * 3, wanted=3)] == [202] * 3


@pytest.mark.parametrize("path", ["/api/mock/v1/events/{}", "/api/mock/v1/export"])
def test_an_answer_that_is_not_read_is_given_up(
    path: str, start_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(limits=SOON)
    (answer,) = send(server, request_bytes(_padded(5_000_000)))
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(server.address)
        connection.sendall(request_bytes(method="GET", target=path.format(answer.json()["id"]), key=None))
        with in_time():
            while "not read on within 0.3 s, and given up (--patience)" not in caplog.text:
                time.sleep(0.05)
        connection.settimeout(20)
        with suppress(ConnectionResetError):
            while connection.recv(1 << 16):
                pass
    assert send(server, REQUEST)[0].status == 202


# Connections.


def test_so_many_connections_are_open_at_a_time(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server(limits=Limits(connections=3))
    with ExitStack() as stack:
        held = [stack.enter_context(connect(server)) for _ in range(3)]
        for connection in held:
            connection.sendall(REQUEST)
            assert read_answers(connection, 1)[0].status == 202
        for _ in range(3):
            (refused,) = send(server, b"")
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
            assert refused.body == b"mock-intake has too many connections: try again."
        for connection in held:
            connection.sendall(REQUEST)
            assert read_answers(connection, 1)[0].status == 202
    with in_time():
        while send(server, REQUEST)[0].status != 202:
            time.sleep(0.05)
    assert caplog.text.count("A connection was refused, as 3 are open (--connections, ulimit -n).") == 1


def test_the_proxy_has_so_many_connections_too(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server(limits=Limits(connections=2), tls=Certificates(), proxy_port=0)
    with ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(_to_proxy(server))
            connection.sendall(b"CONNECT ")
        with _to_proxy(server) as late:
            (refused,) = read_answers(late, None)
            assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert "The proxy refused a connection, as it has 2 (--connections, ulimit -n)." in caplog.text
    with in_time():
        while True:
            with _to_proxy(server) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
                if read_answers(connection, 1)[0].status == 403:
                    break


def test_handshakes_are_connections_too(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server(limits=Limits(connections=2), tls=Certificates())
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_to_tls(server))
        with _to_tls(server) as late:
            assert late.recv(1) == b""
    assert "A connection was refused, as too many shake hands at a time" in caplog.text


def test_there_are_never_more_connections_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200, 4096))
    assert Limits(connections=1000).most_connections == 136
    assert Limits(connections=10).most_connections == 10


def test_that_descriptors_are_used_up_is_told(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    health = request_bytes(method="GET", target="/healthz", key=None)
    with connect(server) as connection:
        connection.sendall(health)
        assert read_answers(connection, 1)[0].json() == {"status": "ok"}
        highest = max(map(int, os.listdir("/dev/fd")))  # noqa: PTH208 - it holds one of them
        taken: list[int] = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 8, hard))
        try:
            with suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            with in_time():
                while "All descriptors of the process are in use" not in caplog.text:
                    time.sleep(0.05)
            # Others of this process may let go of some meanwhile: these are taken too.
            with in_time():
                while True:
                    with suppress(OSError):
                        while True:
                            taken.append(os.dup(0))
                    connection.sendall(health)
                    (answer,) = read_answers(connection, 1)
                    if answer.status != 200:
                        break
        finally:
            for descriptor in taken:
                os.close(descriptor)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (answer.status, answer.json()["status"]) == (503, "all descriptors are in use: nobody can connect")
        with in_time():
            while send(server, health)[0].status != 200:
                time.sleep(0.1)


def test_the_same_is_told_once_a_minute_with_how_often_it_was(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("mock_intake.server.limits.monotonic", lambda: now[0])
    notices = Notices()
    for now[0] in (0.0, 1.0, 59.0, 61.0, 62.0):
        notices.tell("It happened.")
        notices.tell("Something else did.")
    assert [record.message for record in caplog.records] == [
        "It happened.",
        "Something else did.",
        "It happened. (2 times more since it was last told)",
        "Something else did. (2 times more since it was last told)",
    ]


@pytest.mark.parametrize("wrong", [{"connections": 0}, {"patience": 0.0}, {"budget": 1000}])
def test_limits_that_no_server_could_work_with_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a server needs one connection"):
        Limits(**wrong)  # type: ignore[arg-type]


# Memory.


def test_who_has_begun_finishes_first() -> None:
    """Two have filled the room: the first of them may go on, the other once that is done with, then who came last."""

    async def scenario() -> list[str]:
        budget = Budget(8_000, patience=20)
        ended: list[str] = []

        async def read(name: str, share: Share) -> None:
            for _ in range(4):
                assert await share.room()
                share.add(250)
                await asyncio.sleep(0)
            share.is_read()
            ended.append(name)
            await asyncio.sleep(0.01)
            share.give_back()

        shares = {name: budget.share() for name in ("first", "second", "third")}
        shares["first"].add(500)
        shares["second"].add(500)
        async with asyncio.TaskGroup() as group:
            for name in ("third", "second", "first"):
                group.create_task(read(name, shares[name]))
        assert budget.share().may_go_on
        return ended

    assert asyncio.run(scenario()) == ["first", "second", "third"]


def test_who_waits_too_long_for_room_is_told_to_come_again_and_is_on_record(
    start_server: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """One body of 2 MB is under way for long, as its event is sent on to somebody who does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target(f"http://127.0.0.1:{silent.getsockname()[1]}/", "f0" * 16)
        server = start_server(limits=Limits(patience=0.5, budget=8 * MEBIBYTE), forward=target)
        request = request_bytes(_padded(2 * MEBIBYTE))
        with connect(server, timeout=20) as first, connect(server, timeout=20) as second:
            first.sendall(request)
            silent.settimeout(20)
            held, _ = silent.accept()
            with held:
                with suppress(TimeoutError):
                    second.sendall(request)
                (refused,) = read_answers(second, 1)
                # Small ones are not kept waiting: this one is refused for its key.
                assert send(server, request_bytes(EVENT, key=None))[0].status == 401
            assert [answer.status for answer in read_answers(first, 1)] == [502]
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert "has too many bodies under way to read this one" in refused.json()["errors"][0]["detail"]
    assert "as its body had waited too long for room" in caplog.text
    exchanges = recorded(server.journal, 0, 3)
    assert sorted((one.response.status_code, one.request.complete) for one in exchanges) == [
        (401, True),
        (502, True),
        (503, False),
    ]


def test_bodies_that_do_not_fit_together_come_one_after_the_other(start_server: Start) -> None:
    server = start_server(limits=Limits(patience=60, budget=8 * MEBIBYTE))
    request = request_bytes(_padded(2 * MEBIBYTE))
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(server, timeout=60)) for _ in range(6)]
        for connection in connections:
            connection.setblocking(False)
        left = dict.fromkeys(connections, request)
        with in_time(60):
            while any(left.values()):
                for connection, rest in left.items():
                    try:
                        left[connection] = rest[connection.send(rest) :] if rest else rest
                    except BlockingIOError:
                        time.sleep(0.001)
        for connection in connections:
            connection.settimeout(60)
            assert [answer.status for answer in read_answers(connection, 1)] == [202]


def test_an_event_is_counted_at_a_multiple_of_its_size_up_to_the_largest() -> None:
    assert room_of(1_000) == 32_000
    assert room_of(20 * MEBIBYTE) == 216 * MEBIBYTE


# Half of a connection.


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_client_that_says_that_it_has_said_all_gets_its_answer(
    kind: str, start_server: Start, tmp_path: Path
) -> None:
    journal = MemoryJournal() if kind == "memory" else SqliteJournal(tmp_path / "journal.db")
    server = start_server(journal=journal)
    for request, wanted in (
        (REQUEST, [202]),
        (REQUEST * 3, [202] * 3),
        (REQUEST + b"GET /api", [202, 400]),
        (REQUEST + REQUEST[:-5], [202, 400]),
        (request_bytes(gzip.compress(_padded(400_000)), [("Content-Encoding", "gzip")]), [202]),
    ):
        with connect(server, timeout=20) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            assert [answer.status for answer in read_answers(connection, None)] == wanted
    server.stop()
    journal.close()


def test_who_hangs_up_ends_what_would_never_be_answered(start_server: Start, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server()
    send(server, request_bytes(b'{"sequence": ["hang"]}', method="PUT", target="/api/mock/v1/faults", key=None))
    with connect(server, timeout=20) as connection:
        connection.sendall(request_bytes(EVENT, key=KEY))
        recorded(server.journal, 0, 1)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert "not answered" not in caplog.text
