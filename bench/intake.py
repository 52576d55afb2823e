"""The whole path of an event, from client to committed, beside a server that only reads the body.

Run: .venv/bin/python bench/intake.py. One run starts, turn by turn, a Starlette app that does nothing but read the
body, ``mock-intake serve`` with its journal in memory, and with a SQLite file; each takes events of 6 KB, no two of
them alike, plain and gzipped, over 16 connections from a client in a process of its own. The two intakes judge
everything, and answer after the event is on record. A machine is not as fast at one time as at another, so each round
has a share of its own, and what counts is the median of those. Ratios hold on any machine; rates are this machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.judge import events

CONNECTIONS = 16
ROUNDS = 5
WARM_UP = 1.0
SECONDS = 2.5
BODIES = 12_000
PATH = "/api/v1/lineage"
KEY = "0123456789abcdef0123456789abcdef"
RUN_ID = b"5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"
# What share of the rate of the server that does nothing is aimed at.
AIMS = {"memory": 0.26, "sqlite": 0.20}
SERVERS = ("nothing", *AIMS)
FORMS = ("gzip", "plain")


class Measured(NamedTuple):
    """What a client saw: answers per second, and how long they took; and the server's processor time (seconds)."""

    rate: float
    median: float
    slowest: float
    cpu: float


# The client, in a process of its own.


class Connection(asyncio.Protocol):
    """One connection that sends a request as soon as the last one was answered."""

    def __init__(self, requests: Iterator[bytes], times: list[float], failed: asyncio.Future[None]) -> None:
        self._requests = requests
        self._times = times
        self._failed = failed
        self._answer = b""
        self._sent_at = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self._send()

    def _send(self) -> None:
        assert self.transport is not None
        self._sent_at = time.perf_counter()
        self.transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            if not self._failed.done():
                self._failed.set_exception(RuntimeError(f"answered {self._answer[:300]!r}"))
            return
        self._times.append(time.perf_counter() - self._sent_at)
        self._answer = b""
        self._send()


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def requests(form: str) -> Iterator[bytes]:
    """Requests with events that differ in their runId; the same again after ``BODIES`` of them."""
    body = events()["middle"]
    before, _, behind = body.partition(RUN_ID)
    headers = f"POST {PATH} HTTP/1.1\r\nHost: intake\r\nAuthorization: Bearer {KEY}\r\n"
    headers += "Content-Type: application/json\r\n"
    made = []
    for _ in range(BODIES):
        body = before + str(uuid.uuid4()).encode() + behind
        if form == "gzip":
            body = gzip.compress(body, compresslevel=6, mtime=0)
        encoding = "Content-Encoding: gzip\r\n" if form == "gzip" else ""
        made.append(f"{headers}{encoding}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    while True:
        yield from made


async def load(host: str, port: int, pid: int, form: str, clients: int = CONNECTIONS) -> Measured:
    """Sends for some seconds and says how fast it went; raises ``RuntimeError`` on an answer that is no 2xx."""
    loop = asyncio.get_running_loop()
    source = requests(form)
    first = next(source)  # makes all of them, before the clock starts
    assert first
    times: list[float] = []
    failed = loop.create_future()
    connections = [
        (await loop.create_connection(lambda: Connection(source, times, failed), host, port))[1] for _ in range(clients)
    ]
    await _unless(failed, WARM_UP)
    print(flush=True)  # for whoever measures something else in the same time
    times.clear()
    began, used = time.perf_counter(), processor_time(pid)
    await _unless(failed, SECONDS)
    spent, used = time.perf_counter() - began, processor_time(pid) - used
    seen = sorted(times)
    for connection in connections:
        assert connection.transport is not None
        connection.transport.close()
    return Measured(len(seen) / spent, seen[len(seen) // 2], seen[-1], used / len(seen))


def processor_time(pid: int) -> float:
    """How long a process has kept a processor busy; 0 where /proc does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    ticks = stat.read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


async def _unless(failed: asyncio.Future[None], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(failed), seconds)


# The server that does nothing.


async def read_only(request: Request) -> Response:
    await request.body()
    return Response(status_code=202)


def serve_nothing(ready_file: Path) -> None:
    app = Starlette(routes=[Route(PATH, read_only, methods=["POST"])])
    config = uvicorn.Config(app, port=0, loop="uvloop", http="httptools", log_config=None, access_log=False)
    server = uvicorn.Server(config)

    async def serve() -> None:
        serving = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        ready_file.write_text(json.dumps({"url": f"http://127.0.0.1:{port}"}))
        await serving

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


# One run over all of them.


def command(server: str, folder: Path, python: Path) -> list[str]:
    ready = str(folder / "ready.json")
    if server == "nothing":
        return [sys.executable, __file__, "serve-nothing", ready]
    serve = [str(python.with_name("mock-intake")), "serve", "--port", "0", "--ready-file", ready]
    return [*serve, "--journal", str(folder / "journal.db")] if server == "sqlite" else serve


def measure(server: str, form: str, python: Path = Path(sys.executable)) -> Measured:
    """One round with a server, that of the environment whose Python this is."""
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as name:
        folder = Path(name)
        process = subprocess.Popen(command(server, folder, python), stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        try:
            url = server_url(folder / "ready.json", process)
            client = [sys.executable, __file__, "load", *url.removeprefix("http://").split(":"), str(process.pid), form]
            done = subprocess.run(client, capture_output=True, check=False)  # noqa: S603 - our own
            if done.returncode != 0:
                raise RuntimeError(f"the client failed: {done.stderr.decode()}")
            return Measured(*orjson.loads(done.stdout))
        finally:
            process.kill()
            process.wait()


def server_url(ready_file: Path, process: subprocess.Popen[bytes]) -> str:
    """Where a server that has just been started listens; raises ``RuntimeError`` where it does not come to that."""
    until = time.monotonic() + 20
    while not (ready_file.exists() and (text := ready_file.read_text())):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("a server did not start")
        time.sleep(0.02)
    return str(json.loads(text)["url"])


def main() -> int:
    size = len(events()["middle"])
    print(f"{CONNECTIONS} connections, events of {size / 1000:.1f} KB, {ROUNDS} rounds of {SECONDS:g} s")
    seen: dict[tuple[str, str], list[Measured]] = {}
    for _ in range(ROUNDS):
        for form in FORMS:
            for server in SERVERS:
                seen.setdefault((form, server), []).append(measure(server, form))
    print(
        f"{'':>6} {'journal':>8} {'events/s':>9} {'median ms':>10} {'slowest ms':>11} "
        f"{'CPU us':>7} {'share':>7} {'of rounds':>16} {'aim':>5}"
    )
    met = True
    for form in FORMS:
        for server in SERVERS:
            rounds = seen[form, server]
            shares = [one.rate / nothing.rate for one, nothing in zip(rounds, seen[form, "nothing"], strict=True)]
            aim = AIMS.get(server)
            share = statistics.median(shares)
            met = met and (aim is None or share >= aim)
            rate, median, slowest, cpu = (statistics.median(each) for each in zip(*rounds, strict=True))
            times = f"{median * 1000:>10.2f} {slowest * 1000:>11.1f} {cpu * 1e6:>7.0f}"
            aimed = "" if aim is None else f"{f'{min(shares):.1%} to {max(shares):.1%}':>16} {aim:>5.0%}"
            print(f"{form:>6} {server:>8} {rate:>9,.0f} {times} {share:>7.1%} {aimed}".rstrip())
    print("medians of all rounds; share: of the rate of a Starlette app that only reads the body, in the same round;")
    print("CPU: of the server's process, per event")
    print("aims met" if met else "aims missed")
    return 0 if met else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve-nothing", ready]:
            serve_nothing(Path(ready))
        case ["load", host, port, pid, form, *clients]:
            print(json.dumps(uvloop.run(load(host, int(port), int(pid), form, *map(int, clients)))))
        case _:
            sys.exit(main())
