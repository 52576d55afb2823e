"""``mock-intake serve`` in a process of its own, and clients that load it."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import orjson

from tests.commands import MOCK_INTAKE, clean_environment, run_command, start_command
from tests.events import run_event
from tests.processes import memory_of

KEY = "0123456789abcdef0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
_numbers = itertools.count()


class Answer(NamedTuple):
    """What the server said; ``body`` is read as JSON."""

    status: int
    headers: dict[str, str]
    body: Any


class Serving:
    """A running server. ``before`` is a command line that it is started by, e.g. one that takes rights away.

    What it prints goes to a file, if one is ``printed``.
    """

    def __init__(
        self, folder: Path, *options: str | Path, before: Sequence[str] = (), printed: Path | None = None
    ) -> None:
        self.ready_file = ready_file = folder / f"ready-{next(_numbers)}.json"
        self.errors = folder / f"errors-{next(_numbers)}.txt"
        with self.errors.open("wb") as errors, (printed or Path(os.devnull)).open("wb") as out:
            self.process = start_command(
                [*before, MOCK_INTAKE, "serve", "--port", "0", "--ready-file", ready_file, *options],
                stdout=out,
                stderr=errors,
                env=clean_environment(),
            )
        until = time.monotonic() + 30
        while not ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise AssertionError(f"the server did not start: {self.errors.read_text()}")
            time.sleep(0.01)
        ready = json.loads(ready_file.read_text())
        self.url: str = ready["url"]
        self.pid: int = ready["pid"]

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        address = urlsplit(self.url)
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)

    def send(self, event: Any) -> Answer:
        with closing(self.connect()) as connection:
            return asked(connection, "POST", "/api/v1/lineage", orjson.dumps(event))

    def get(self, path: str) -> Answer:
        """An answer of the control API."""
        with closing(self.connect()) as connection:
            return asked(connection, "GET", f"/api/mock/v1{path}")

    def memory(self) -> int:
        """How much memory the process holds, in bytes."""
        return memory_of(self.pid)

    def kill(self) -> None:
        """As the kernel or a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def end(self) -> int:
        """Ends the server as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def serving(
    folder: Path, *options: str | Path, before: Sequence[str] = (), printed: Path | None = None
) -> Iterator[Serving]:
    running = Serving(folder, *options, before=before, printed=printed)
    try:
        yield running
    finally:
        running.kill()


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> Answer:
    connection.request(method, path, body, HEADERS if body is not None else {})
    response = connection.getresponse()
    data = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, orjson.loads(data) if data else None)


def new_event(**changes: Any) -> dict[str, Any]:
    """An event that no other is like: the number in its job's name and its run's id is used once."""
    number = next(_numbers)
    run_id = f"{os.getpid():08x}-0000-4000-8000-{number:012x}"
    event = run_event(run={"runId": run_id, "facets": {}}, **changes)
    return {**event, "job": {**event["job"], "name": f"job-{os.getpid()}-{number}"}}


class Reachable(Protocol):
    """A server that connections can be made to."""

    @property
    def url(self) -> str: ...

    def connect(self) -> http.client.HTTPConnection: ...


class Sent(NamedTuple):
    """An event that was sent, and what came of it, after how long."""

    body: bytes
    event_id: str
    status: int
    seconds: float


class Load:
    """Clients that send events, each its own, as fast as they are answered, until they are told to stop.

    ``sent`` is what was answered. A client whose connection breaks ends.
    """

    def __init__(self, server: Reachable, clients: int, make: Callable[[], dict[str, Any]] = new_event) -> None:
        self.sent: list[Sent] = []
        self.begun = 0
        self._server = server
        self._make = make
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._keep_sending) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int, timeout: float = 60) -> None:
        until = time.monotonic() + timeout
        while len(self.sent) < count:
            assert time.monotonic() < until, f"only {len(self.sent)} events were answered"
            time.sleep(0.005)

    def _keep_sending(self) -> None:
        with closing(self._server.connect()) as connection:
            while not self._stopped.is_set():
                body = orjson.dumps(self._make())
                self.begun += 1
                began = time.monotonic()
                try:
                    answer = asked(connection, "POST", "/api/v1/lineage", body)
                except (OSError, http.client.HTTPException):
                    return
                taken = time.monotonic() - began
                self.sent.append(Sent(body, (answer.body or {}).get("id", ""), answer.status, taken))


def command(*arguments: str | Path, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs ``mock-intake`` to its end, started by another command."""
    return run_command(
        [*before, MOCK_INTAKE, *arguments],
        capture_output=True,
        env=clean_environment(),
        text=True,
        timeout=60,
        check=False,
    )
