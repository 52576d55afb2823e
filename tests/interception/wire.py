"""The forward proxy as seen by a plain socket."""

from __future__ import annotations

import json
import socket
import ssl
import time
from urllib.parse import urlsplit

from mock_intake import IntakeServer
from mock_intake.model.exchange import Exchange
from tests.events import run_event
from tests.fuzz import Answer, read_answers, request_bytes
from tests.processes import open_descriptors

HOST = "data-obs-intake.datadoghq.com"
TARGET = f"{HOST}:443"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
EVENT = json.dumps(run_event()).encode()


def proxy_address(server: IntakeServer) -> tuple[str, int]:
    parts = urlsplit(server.proxy_url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def agent_address(server: IntakeServer) -> tuple[str, int]:
    parts = urlsplit(server.agent_url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def to_proxy(server: IntakeServer, timeout: float = 10.0) -> socket.socket:
    return socket.create_connection(proxy_address(server), timeout=timeout)


def connect_head(target: str = TARGET, *lines: str) -> bytes:
    return "\r\n".join([f"CONNECT {target} HTTP/1.1", f"Host: {target}", *lines, "", ""]).encode("latin-1")


def read_exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        more = connection.recv(size - len(received))
        if not more:
            break
        received += more
    return received


def tunnel(server: IntakeServer, target: str = TARGET, timeout: float = 10.0) -> socket.socket:
    """A connection through the proxy; the caller closes it."""
    connection = to_proxy(server, timeout)
    connection.sendall(connect_head(target))
    assert read_exactly(connection, len(ESTABLISHED)) == ESTABLISHED
    return connection


def trusting(server: IntakeServer) -> ssl.SSLContext:
    """A client's context that trusts a server's CA and nothing else."""
    assert server.certificates is not None
    assert server.certificates.ca_pem is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=server.certificates.ca_pem.decode())
    return context


def post(connection: socket.socket, key: str, body: bytes = EVENT) -> Answer:
    """Posts an event on an open connection."""
    connection.sendall(request_bytes(body, key=key))
    (answer,) = read_answers(connection, 1)
    return answer


def settled(patience: float = 5.0) -> int:
    """Open descriptors, the server's among them, once their number stays the same."""
    until = time.monotonic() + patience
    count, since = open_descriptors(), time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < 0.3:
        time.sleep(0.02)
        now = open_descriptors()
        if now != count:
            count, since = now, time.monotonic()
    return count


def answer_to(server: IntakeServer, *pieces: bytes) -> tuple[int, dict[str, str], Exchange]:
    """Sends bytes to the proxy; its refusal, and what it has put on record."""
    before = server.journal.position
    with to_proxy(server) as connection:
        for piece in pieces:
            connection.sendall(piece)
        (answer,) = read_answers(connection, None)
    ((_, exchange),) = server.journal.read(before, 10)
    assert exchange.response.status_code == answer.status
    assert exchange.response.body == answer.body
    return answer.status, answer.json()["findings"][0], exchange
