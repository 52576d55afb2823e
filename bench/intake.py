"""The whole path of an event, from client to committed, beside a server that only reads the body.

Run: make bench, or .venv/bin/python -m bench.intake [--rounds 7]. One run starts, turn by turn, a Starlette app that
does nothing but read the body, ``mock-intake serve`` with its journal in memory, and with a SQLite file, of this build
and of an earlier one; each takes events of 6 KB, no two of them alike, plain and gzipped, over 16 connections from a
client in a process of its own. This build also takes events of which a third are wrong in the commonest ways. The
intakes judge everything, and answer after the event is on record. A machine is not as fast at one time as at another,
so each round has a share of its own, and what counts is the median of those. Ratios hold on any machine; rates are this
machine's.

Whoever sends as fast as answers come waits as long as the rate says. How long answers take is therefore measured apart,
with ``PACE`` requests a second over the same connections: of the servers, not of the queue before them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.aims import Aim, Point, Task, alone
from bench.builds import ROOT, installed
from bench.findings import pairs
from bench.turns import NUMBER

CONNECTIONS = 16
# Of each server the first seconds do not count.
WARM_UP = 0.5
SECONDS = 1.3
PACED_SECONDS = 2.0
PACE = 1_000
# More than an intake takes in that time, or the same event would come again.
BODIES = 20_000
PATH = "/api/v1/lineage"
KEY = "0123456789abcdef0123456789abcdef"
# What share of the rate of the server that does nothing is aimed at.
AIMS = {"memory": 0.26, "sqlite": 0.20}
FORMS = ("gzip", "plain")
# Of that share what is to be left where a third of the events are wrong; how often the 99th percentile of a server
# that does nothing.
LEAST_WHERE_WRONG, MOST_TIMES_P99 = 0.8, 2.0


class Measured(NamedTuple):
    """What a client saw: answers per second, and how long they took, half of them and 99 of 100 at most (seconds); and
    the server's processor time for one (seconds)."""

    rate: float
    median: float
    p99: float
    cpu: float


# The client, in a process of its own.


class Connection(asyncio.Protocol):
    """One connection that sends a request as soon as the last one was answered, or every ``pause`` seconds.

    The first one is sent at ``begin``, by the loop's clock. Those with a pause keep to their own times, also behind an
    answer that came too late for one: else all connections that one moment holds up would send together ever after,
    and each answer would be as late as all of them take.
    """

    def __init__(
        self, requests: Iterator[bytes], times: list[float], failed: asyncio.Future[None], begin: float, pause: float
    ) -> None:
        self._requests, self._times, self._failed = requests, times, failed
        self._next_at, self._pause = begin, pause
        self._answer = b""
        self._sent_at = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        asyncio.get_running_loop().call_at(self._next_at, self._send)

    def _send(self) -> None:
        assert self.transport is not None
        if self.transport.is_closing():
            return
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
        took = time.perf_counter() - self._sent_at
        self._times.append(took)
        self._answer = b""
        if not self._pause:
            self._send()
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._next_at += self._pause
        while self._next_at < now:
            # It was due, and is not sent any more; that it would have waited so long belongs to the figure.
            self._times.append(now - self._next_at)
            self._next_at += self._pause
        loop.call_at(self._next_at, self._send)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def requests(form: str, *, a_third_wrong: bool = False) -> list[bytes]:
    """Requests with events that differ in their time and their run; in a third of them something may be wrong."""
    of_size = list(pairs("middle"))
    wrong, clean = itertools.cycle([pair.wrong for pair in of_size]), of_size[0].clean
    headers = f"POST {PATH} HTTP/1.1\r\nHost: intake\r\nAuthorization: Bearer {KEY}\r\n"
    headers += "Content-Type: application/json\r\n"
    encoding = "Content-Encoding: gzip\r\n" if form == "gzip" else ""
    made = []
    for number in range(BODIES):
        body = next(wrong) if a_third_wrong and number % 3 == 0 else clean
        body = body.replace(NUMBER, b"%06d" % number)
        if form == "gzip":
            body = gzip.compress(body, compresslevel=6, mtime=0)
        made.append(f"{headers}{encoding}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return made


async def load(
    host: str, port: int, pid: int, made: list[bytes], clients: int = CONNECTIONS, pace: float = 0.0
) -> Measured:
    """Sends for some seconds, so many requests a second or as many as are answered, and says how fast it went.

    Raises ``RuntimeError`` on an answer that is no 2xx.
    """
    loop = asyncio.get_running_loop()
    source = itertools.cycle(made)
    times: list[float] = []
    failed = loop.create_future()
    connections = []
    first = loop.time()
    for number in range(clients):
        begin, pause = (first + number / pace, clients / pace) if pace else (first, 0.0)
        opened = await loop.create_connection(partial(Connection, source, times, failed, begin, pause), host, port)
        connections.append(opened[1])
    await _unless(failed, WARM_UP)
    print(flush=True)  # for whoever measures something else in the same time
    times.clear()
    began, used = time.perf_counter(), processor_time(pid)
    await _unless(failed, PACED_SECONDS if pace else SECONDS)
    spent, used = time.perf_counter() - began, processor_time(pid) - used
    seen = sorted(times)
    for connection in connections:
        assert connection.transport is not None
        connection.transport.close()
    return Measured(len(seen) / spent, seen[len(seen) // 2], seen[len(seen) * 99 // 100], used / len(seen))


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
        return [sys.executable, "-m", "bench.intake", "serve-nothing", ready]
    serve = [str(python.with_name("mock-intake")), "serve", "--port", "0", "--ready-file", ready]
    return [*serve, "--journal", str(folder / "journal.db")] if server == "sqlite" else serve


def measure(server: str, made: Path | str, python: Path = Path(sys.executable), *, pace: float = 0.0) -> Measured:
    """One round with a server, that of the environment whose Python this is, and requests of a file or of a form."""
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as name:
        folder = Path(name)
        process = subprocess.Popen(  # noqa: S603 - our own
            command(server, folder, python), stdout=subprocess.DEVNULL, cwd=ROOT
        )
        try:
            url = server_url(folder / "ready.json", process)
            client = [sys.executable, "-m", "bench.intake", "load", *url.removeprefix("http://").split(":")]
            client += [str(process.pid), str(made), str(CONNECTIONS), str(pace)]
            done = subprocess.run(client, capture_output=True, check=False, cwd=ROOT)  # noqa: S603 - our own
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


class Turn(NamedTuple):
    """What is measured once in each round: a server of a build, and which requests it gets, how."""

    build: str
    server: str
    form: str
    kind: str = "right"

    @property
    def title(self) -> str:
        """What a line says of it."""
        kind = {"right": "", "wrong": ", a third wrong", "paced": f", {PACE:,} a second"}[self.kind]
        return f"{self.server} {self.build}, {self.form}{kind}".replace("  ", " ").replace(" ,", ",")


def turns(build: str) -> Iterator[Turn]:
    """What is measured in each round, in order."""
    for form in FORMS:
        yield Turn("", "nothing", form)
        for server in AIMS:
            yield Turn(build, server, form)
            yield Turn("", server, form)
            yield Turn("", server, form, "wrong")
    yield Turn("", "nothing", "gzip", "paced")
    for server in AIMS:
        yield Turn(build, server, "gzip", "paced")
        yield Turn("", server, "gzip", "paced")


def written(folder: Path, turn: Turn) -> Path:
    """A file with the requests of a turn, made at the first time."""
    wrong = turn.kind == "wrong"
    file = folder / f"{turn.form}-{'wrong' if wrong else 'right'}"
    if not file.exists():
        file.write_bytes(msgspec.msgpack.encode(requests(turn.form, a_third_wrong=wrong)))
    return file


def aims(task: Task) -> tuple[list[Aim], list[Point]]:
    """Measures all servers in turns, and prints a line for each."""
    before, now = installed(task.build), Path(sys.executable)
    seen: dict[Turn, list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="intake-bench-") as name:
        for _ in range(task.rounds):
            for turn in turns(task.build):
                pace = PACE if turn.kind == "paced" else 0.0
                measured = measure(turn.server, written(Path(name), turn), before if turn.build else now, pace=pace)
                seen.setdefault(turn, []).append(measured)
    print(f"{CONNECTIONS} connections, medians of {task.rounds} rounds; processor: of the server, for one event")
    print(f"{'':<42} {'events/s':>9} {'median ms':>10} {'p99 ms':>8} {'processor us':>13}")
    for turn, rounds in seen.items():
        rate, median, p99, cpu = (statistics.median(each) for each in zip(*rounds, strict=True))
        print(f"{turn.title:<42} {rate:>9,.0f} {median * 1000:>10.2f} {p99 * 1000:>8.2f} {cpu * 1e6:>13.0f}")
    return list(_aims(seen, task.build)), []


def _aims(seen: Mapping[Turn, list[Measured]], build: str) -> Iterator[Aim]:
    def share(one: Turn, other: Turn, of: Callable[[Measured], float]) -> float:
        """The median of the rounds' shares."""
        return statistics.median(of(this) / of(that) for this, that in zip(seen[one], seen[other], strict=True))

    def cpu(turn: Turn) -> float:
        return statistics.median(each.cpu for each in seen[turn])

    for server, least in AIMS.items():
        for form in FORMS:
            nothing, then, here = Turn("", "nothing", form), Turn(build, server, form), Turn("", server, form)
            now, before = (100 * share(turn, nothing, lambda each: each.rate) for turn in (here, then))
            unit = "% of the no-op's rate"
            yield Aim(3, f"intake, {server}, {form}", "at least", 100 * least, now, before, unit, cpu(then), cpu(here))
            left = 100 * share(here._replace(kind="wrong"), here, lambda each: each.rate)
            least_left = 100 * LEAST_WHERE_WRONG
            yield Aim(3, f"the same, a third wrong ({server}, {form})", "at least", least_left, left, unit="% of that")
        nothing, then, here = (
            Turn(of, each, "gzip", "paced") for of, each in (("", "nothing"), (build, server), ("", server))
        )
        times, before = (share(turn, nothing, lambda each: each.p99) for turn in (here, then))
        title = f"p99 at {PACE:,} events a second, {server}"
        yield Aim(3, title, "at most", MOST_TIMES_P99, times, before, "times the no-op's", cpu(then), cpu(here))


def _read(made: str) -> list[bytes]:
    return requests(made) if made in FORMS else msgspec.msgpack.decode(Path(made).read_bytes(), type=list[bytes])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve-nothing", ready]:
            serve_nothing(Path(ready))
        case ["load", host, port, pid, made]:
            print(json.dumps(uvloop.run(load(host, int(port), int(pid), _read(made)))))
        case ["load", host, port, pid, made, clients, *pace]:
            print(json.dumps(uvloop.run(load(host, int(port), int(pid), _read(made), int(clients), *map(float, pace)))))
        case _:
            alone("intake", aims, __doc__)
