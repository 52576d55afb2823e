"""A real intake in a process of its own (``mock-intake serve``), and plain connections to what it listens on."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.commands import MOCK_INTAKE
from tests.same.commands import environment

KEY = "0123456789abcdef0123456789abcdef"
CONTROL = "/api/mock/v1"
_START_TIMEOUT = 60.0
_ANSWER_TIMEOUT = 60.0
_END_TIMEOUT = 60.0

Headers = Iterable[tuple[str, str]]


class Answer(NamedTuple):
    """An answer as it was read: headers in their order."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


def framed(method: str, target: str, headers: Headers, body: bytes = b"", host: str = "intake") -> bytes:
    """A request as bytes, with just these headers and those that frame it, for a connection of its own."""
    length = [("Content-Length", str(len(body)))] if body or method in ("POST", "PUT") else []
    lines = [f"{name}: {value}" for name, value in (("Host", host), *headers, *length, ("Connection", "close"))]
    return "\r\n".join((f"{method} {target} HTTP/1.1", *lines, "", "")).encode("latin-1") + body


def said(url: str, *pieces: bytes, method: str = "GET", end: bool = False) -> Answer | None:
    """Sends bytes over a connection of their own, and reads the answer; None if none came.

    ``end`` closes the sending side first, so that a request can be cut short.
    """
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=_ANSWER_TIMEOUT) as connection:
        response = HTTPResponse(connection, method=method)
        with suppress(ConnectionError):
            # Who refuses a request need not read all of it: the answer may be there all the same.
            for piece in pieces:
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
        try:
            response.begin()
            return Answer(response.status, response.getheaders(), response.read())
        except (OSError, HTTPException):
            return None
        finally:
            response.close()


@dataclass(frozen=True)
class Served:
    """A running intake: what its ready file says, and the file that its standard output goes to."""

    ready: dict[str, Any]
    output: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    def end(self) -> str:
        """Ends it as Ctrl-C does, and gives all that it printed."""
        self.process.terminate()
        self.process.wait(_END_TIMEOUT)
        return self.output.read_text(encoding="utf-8")

    def ask(
        self, target: str, *, method: str = "GET", headers: Headers = (), body: bytes = b"", host: str = "localhost"
    ) -> Answer:
        """Asks for anything on the intake's own address. Raises ``ConnectionError`` if there is no answer."""
        answer = said(self.url, framed(method, target, headers, body, host), method=method)
        if answer is None:
            raise ConnectionError(f"{method} {target} was not answered")
        return answer

    def control(self, path: str, method: str = "GET", value: Any = None) -> Any:
        """The JSON that the control API answers."""
        body = b"" if value is None else json.dumps(value).encode()
        return json.loads(self.ask(CONTROL + path, method=method, body=body).body)

    def exchanges(self) -> list[dict[str, Any]]:
        """All that is on record, oldest first."""
        found: list[dict[str, Any]] = []
        following: str | None = ""
        while following is not None:
            page = self.control(f"/exchanges?limit=1000{following}")
            found += page["exchanges"]
            following = None if page["next"] is None else f"&cursor={page['next']}"
        return found[::-1]

    def recorded(self, number: int) -> list[dict[str, Any]]:
        """All that is on record, once it is so many. Raises ``TimeoutError``."""
        until = time.monotonic() + _ANSWER_TIMEOUT
        while len(found := self.exchanges()) < number:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(found)} of {number} exchanges are on record")
            time.sleep(0.02)
        return found


@contextmanager
def serving(folder: Path, *options: str, **variables: str) -> Iterator[Served]:
    """Starts ``mock-intake serve`` on free ports, with this folder for its files, and has it ended in any case."""
    folder.mkdir(parents=True, exist_ok=True)
    ready, output, errors = folder / "ready.json", folder / "output.txt", folder / "errors.txt"
    command = [MOCK_INTAKE, "serve", "--port", "0", "--ready-file", str(ready), *options]
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment(**variables))
    try:
        until = time.monotonic() + _START_TIMEOUT
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the intake did not start: {errors.read_text(encoding='utf-8')}")
            time.sleep(0.01)
        yield Served(json.loads(ready.read_text(encoding="utf-8")), output, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
