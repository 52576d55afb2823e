"""A TLS server that is none of the intakes, with a CA of its own."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import trustme

GREETING = b"not an intake"


class Bystander(NamedTuple):
    """Where it listens, and the CA's certificate (PEM)."""

    host: str
    port: int
    ca_pem: str

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(GREETING)))
        self.end_headers()
        self.wfile.write(GREETING)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that refuses the certificate


@contextmanager
def bystander() -> Iterator[Bystander]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server = _Server(context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Bystander("localhost", server.server_address[1], authority.cert_pem.bytes().decode())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
