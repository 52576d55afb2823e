"""``serve --workers``: processes that share a port and a journal, and are one server to whoever uses it."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import orjson
import psutil
import pytest

from mock_intake.journal import EventFilter, walk
from mock_intake.journal.postgres import PostgresJournal
from tests import databases
from tests.conftest import REPOSITORY
from tests.journal.serving import Load, Serving, asked, command, new_event, serving
from tests.processes import alive, linux_only

pytestmark = linux_only
# Connections that one worker alone would take by chance once in eight million times.
CONNECTIONS = 24
_NOBODYS = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def url() -> Iterator[str]:
    taken = databases.take()
    yield taken
    databases.give_back(taken)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Returns once a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.02)


def workers_of(server: Serving) -> list[int]:
    return [child.pid for child in psutil.Process(server.pid).children()]


def sockets_of(pid: int) -> int:
    count = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            count += str(file.readlink()).startswith("socket:")
    return count


def test_workers_share_ports_plans_and_what_is_on_record(url: str, tmp_path: Path) -> None:
    ca, at, printed = tmp_path / "ca.pem", tmp_path / "apm.socket", tmp_path / "printed"
    options = ("--journal", url, "--workers", "2", "--tls", "--ca-file", ca, "--agent-socket", at)
    with serving(tmp_path, *options, "--fault", "503,429", printed=printed) as server:
        workers = workers_of(server)
        assert len(workers) == 2
        before = [sockets_of(pid) for pid in workers]
        event = orjson.dumps(new_event())
        with ExitStack() as open_:
            clients = [open_.enter_context(closing(server.connect())) for _ in range(CONNECTIONS)]
            # Each step of the plan is taken once, whoever takes it; and what is one event is one everywhere.
            statuses = [asked(client, "POST", "/api/v1/lineage", event).status for client in clients]
            assert statuses == [503, 429, *[202] * (CONNECTIONS - 2)]
            # A connection beside it may be one of the journal's.
            assert all(sockets_of(pid) > held for pid, held in zip(workers, before, strict=True))
            listed = [asked(client, "GET", "/api/mock/v1/events").body["events"] for client in clients]
        assert [one["attempts"] for one in listed[0]] == [CONNECTIONS]
        assert listed == [listed[0]] * CONNECTIONS
        _expect_one_certificate(server, ca)
        with closing(socket.socket(socket.AF_UNIX)) as agent:
            agent.connect(str(at))
            agent.sendall(b"GET /info HTTP/1.1\r\nHost: agent\r\n\r\n")
            assert agent.recv(100).startswith(b"HTTP/1.1 200")
        # As whoever ends a group of processes does.
        for pid in (*workers, server.pid):
            os.kill(pid, signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert not server.ready_file.exists()
    said = printed.read_text()
    assert "  workers     2 processes" in said
    assert re.findall(r"(\d+) events taken: .*; (\d+) requests? refused", said) == [(f"{CONNECTIONS - 2}", "2")]
    assert len(re.findall(r"^\d\d:\d\d:\d\d ", said, re.MULTILINE)) == CONNECTIONS
    assert server.errors.read_text() == ""
    assert not at.exists()


def _expect_one_certificate(server: Serving, ca: Path) -> None:
    """That whoever trusts the CA is served by all workers."""
    port = orjson.loads(server.ready_file.read_bytes())["https_url"].rpartition(":")[2]
    context = ssl.create_default_context(cafile=str(ca))
    for _ in range(8):
        with closing(http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)) as client:
            assert asked(client, "GET", "/healthz").status == 200


def test_a_worker_that_is_killed_is_replaced_and_nothing_acknowledged_is_lost(url: str, tmp_path: Path) -> None:
    printed = tmp_path / "printed"
    with serving(tmp_path, "--journal", url, "--workers", "2", printed=printed) as server:
        first, second = workers_of(server)
        with Load(server, 8) as load:
            load.wait_for(20)
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: len({*workers_of(server)} - {first}) == 2)
            assert second in workers_of(server)
        wait_until(lambda: server.send(new_event()).status == 202)
        assert server.end() == 0
    assert "A worker has ended by SIGKILL; another one takes its place." in server.errors.read_text()
    assert "The counts leave out what a worker took" in server.errors.read_text()
    assert len(re.findall(r"^\d+ events? taken", printed.read_text(), re.MULTILINE)) == 1
    acknowledged = {each.event_id for each in load.sent if each.status == 202}
    with closing(PostgresJournal(url)) as journal:
        kept = [exchange.event.id for _, exchange in walk(journal) if exchange.event is not None]
        assert len(kept) == len(set(kept)) == journal.count_events(EventFilter())
        assert acknowledged <= set(kept)


def test_workers_do_not_outlive_who_began_them(url: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--journal", url, "--workers", "2") as server:
        workers = workers_of(server)
        server.kill()
        wait_until(lambda: not any(map(alive, workers)))
        # The last thread of a process closes what it had open.
        wait_until(lambda: not _is_open(server))


def test_the_command_of_the_page_serves(url: str, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs/how-to/shared-intake.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^mock-intake serve (.*--workers 4)$", page, re.MULTILINE)
    options = [url if word.startswith("postgresql://") else word for word in shlex.split(line)]
    with serving(tmp_path, *options) as server:
        assert len(workers_of(server)) == 4
        assert server.send(new_event()).status == 202
        assert server.end() == 0


def _is_open(server: Serving) -> bool:
    try:
        with closing(server.connect()) as connection:
            connection.connect()
    except OSError:
        return False
    return True


def test_a_port_is_shared_with_no_other_server(url: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--journal", url, "--workers", "2") as server:
        port = server.url.rpartition(":")[2]
        other = command("serve", "--journal", url, "--workers", "2", "--port", port)
        assert other.returncode == 2
        assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in other.stderr
        assert server.send(new_event()).status == 202


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "is in memory"),
        (("--journal", "events.db"), "is in a file"),
        (("--journal", _NOBODYS), "the database cannot be reached"),
    ],
    ids=["memory", "sqlite", "no database"],
)
def test_workers_need_a_journal_that_can_be_shared(options: tuple[str, ...], words: str) -> None:
    done = command("serve", "--port", "0", "--workers", "2", *options)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
