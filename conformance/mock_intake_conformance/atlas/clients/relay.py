"""What stands before an intake and cuts its first answer short within the head; after that it passes on all."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit

_BYTES = 65_536
# So much of "HTTP/1.1 202 Accepted" and the first field is there.
_CUT_AT = 40


class Relay:
    """Listens on a port of its own, from ``with`` on, and passes on what comes to the server at ``url``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cuts = True
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Wakes who accepts, which closing alone does not everywhere.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._server) as server:
            other = {client: server, server: client}
            while True:
                for ready in select.select([client, server], [], [], 60)[0]:
                    data = ready.recv(_BYTES)
                    if not data:
                        return
                    if ready is server and self._cuts:
                        self._cuts = False
                        client.sendall(data[:_CUT_AT])
                        return
                    other[ready].sendall(data)
