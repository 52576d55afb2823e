"""Raw connections to an intake, plain or TLS: what came back, byte by byte, and how the connection ended."""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from mock_intake import IntakeServer
from mock_intake.faults.plans import parse_plan
from tests.events import run_event
from tests.fuzz import Answer, answers_in, request_bytes

# What a step "garbage" sends.
GARBAGE = b"\x00\xff\x15\x03 this is no HTTP \x7f\xfe\r\n\r\n"

Scheme = Literal["http", "https"]
_NO_BODY = object()
# How a connection ended: FIN, RST, or not at all within the patience.
Ending = Literal["eof", "reset", "open"]


@dataclass
class Heard:
    """What came on a connection: pieces with the moment of each (seconds of the monotonic clock), and its end."""

    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    ending: Ending = "open"

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.pieces)


def undated(data: bytes) -> bytes:
    """What was heard without the header that says when."""
    return re.sub(rb"\r\ndate: [^\r]*", b"", data, count=1)


def answers(data: bytes) -> list[Answer]:
    """The whole answers in what was heard; garbage has none."""
    return [] if data.startswith(GARBAGE[:1]) else answers_in(data)


def event_bytes() -> bytes:
    """An event of a run of its own."""
    return json.dumps(run_event(run={"runId": str(uuid.uuid4())})).encode()


def misbehave(server: IntakeServer, plan: Any, org: str | None = None) -> None:
    server.faults.set(parse_plan(plan, org))


class Secure:
    """TLS over a raw socket that stays in sight: OpenSSL would report a TCP RST as a mere end of file."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._raw = raw
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                assert self._fill(), "the connection ended within the handshake"
        self._flush()

    def settimeout(self, seconds: float) -> None:
        self._raw.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        self._tls.write(data)
        self._flush()

    def recv(self, size: int) -> bytes:
        """Decrypted bytes; none at the end, be it TLS's or TCP's. Raises what the raw socket raises."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                if not self._fill():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""

    def _flush(self) -> None:
        self._raw.sendall(self._outgoing.read())

    def _fill(self) -> bool:
        data = self._raw.recv(65_536)
        self._incoming.write(data)
        return bool(data)


Connection = socket.socket | Secure


@contextmanager
def connected(server: IntakeServer, scheme: Scheme = "http", timeout: float = 5.0) -> Iterator[Connection]:
    """A connection; https trusts the server's own CA, and nothing else."""
    address = server.address if scheme == "http" else server.https_address
    with socket.create_connection(address, timeout) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "http":
            yield raw
            return
        assert server.certificates is not None
        assert server.certificates.ca_pem is not None
        context = ssl.create_default_context(cadata=server.certificates.ca_pem.decode())
        yield Secure(raw, context, "localhost")


def hear(connection: Connection, patience: float = 5.0, wanted: int | None = None) -> Heard:
    """Reads until the connection ends, so many whole answers are there, or patience (seconds) runs out."""
    heard = Heard()
    until = time.monotonic() + patience
    while wanted is None or len(answers(heard.data)) < wanted:
        left = until - time.monotonic()
        if left <= 0:
            break
        connection.settimeout(left)
        try:
            data = connection.recv(65_536)
        except TimeoutError:
            break
        except OSError as error:
            if error.errno != errno.ECONNRESET:
                raise
            heard.ending = "reset"
            break
        if not data:
            heard.ending = "eof"
            break
        heard.pieces.append((time.monotonic(), data))
    return heard


def ask(connection: Connection, request: bytes, patience: float = 5.0) -> Answer:
    """Sends a request, and gives its answer."""
    connection.sendall(request)
    (answer,) = answers(hear(connection, patience, wanted=1).data)
    return answer


def post(server: IntakeServer, key: str, body: bytes | None = None) -> Answer:
    """Posts an event (by default a new one) on a connection of its own."""
    with connected(server) as connection:
        return ask(connection, request_bytes(event_bytes() if body is None else body, key=key))


def control(server: IntakeServer, method: str, path: str, body: Any = _NO_BODY, *, status: int = 200) -> Any:
    """What the control API answers, which has to have this status."""
    content = b"" if body is _NO_BODY else json.dumps(body).encode()
    with connected(server) as connection:
        answer = ask(connection, request_bytes(content, method=method, target=f"/api/mock/v1{path}", key=None))
    assert answer.status == status, answer
    return answer.json()
