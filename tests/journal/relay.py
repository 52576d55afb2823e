"""Stands between a client and a server, and loses what it is told to lose."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import Any

_TLS_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"


class Relay:
    """Passes bytes on to a port of this machine and back. End it when done.

    After ``lose_next_answer`` the next that the server says is kept from the client, and the connection broken: what
    was asked for has been done, and nobody was told. What goes through takes ``delay`` seconds more each way. With
    ``tls`` it speaks that to clients, as a PostgreSQL with a certificate does (SSLRequest, then a handshake).
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._to = port
        self._tls = tls
        self.delay = 0.0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._losing = threading.Event()
        self._open: list[socket.socket] = []
        self.lost = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def lose_next_answer(self) -> None:
        self._losing.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self._tls is not None:
                    if client.recv(8, socket.MSG_WAITALL) != _TLS_REQUEST:
                        client.close()
                        continue
                    client.sendall(b"S")
                    client = self._tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                    try:
                        client.do_handshake()
                    except OSError:  # it does not trust the certificate
                        client.close()
                        continue
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                for source, target, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass, args=(source, target, answers), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                # The whole answer to a group ends with that it is ready for the next one, outside of transactions.
                if answers and self._losing.is_set() and data.endswith(b"Z\0\0\0\5I"):
                    self._losing.clear()
                    self.lost += 1
                    break
                if self.delay:
                    time.sleep(self.delay)
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        # What it has accepted is among those that are open then.
        self._accepting.join(30)
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()
