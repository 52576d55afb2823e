"""The server as a value of Python: ``with IntakeServer() as server: server.url``."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn

from mock_intake.exchange import Exchange
from mock_intake.faults import Faults
from mock_intake.intake import Intake, Settings
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.server.access import Access
from mock_intake.server.app import create_app
from mock_intake.server.protocol import recording_protocol
from mock_intake.views import Views

_log = logging.getLogger("mock_intake")
_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 5.0


class ServerError(RuntimeError):
    """The server could not be started; the message says why."""


class IntakeServer:
    """An intake on a socket of its own, served from a thread of its own.

    ``port`` 0 takes a free one. ``on_exchange`` is called in the server's thread with every exchange once it
    is on record. The journal and the views of it are there for the asking, also after the server stopped.
    Raises ``ServerError`` on entering if the address cannot be had.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        journal: Journal | None = None,
        library: FacetLibrary | None = None,
        access: Access | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.journal = journal if journal is not None else MemoryJournal()
        self.faults = Faults()
        self.views = Views(self.journal, self.settings.selection)
        self._host = host
        self._port = port
        self._on_exchange = on_exchange
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        intake = Intake(self.settings, library)
        self.app = create_app(intake, self.journal, self._record, self.views, self.faults, access or Access())
        config = uvicorn.Config(
            self.app,
            http=recording_protocol(self._record),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def url(self) -> str:
        """Where the intake listens, e.g. ``http://127.0.0.1:41234``: what stands in place of the site's host."""
        host, port = self.address
        if host in ("0.0.0.0", "::"):  # noqa: S104 - bound to all, reached by loopback
            host = "127.0.0.1"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def address(self) -> tuple[str, int]:
        if self._socket is None:
            raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def _record(self, exchange: Exchange) -> None:
        self.journal.append([exchange])
        if self._on_exchange is not None:
            try:
                self._on_exchange(exchange)
            except Exception:
                # The exchange is on record; whoever only looks on must not change what is answered.
                _log.exception("on_exchange failed for the exchange %s", exchange.id)

    def start(self) -> None:
        """Binds the address and serves; returns once requests are taken."""
        self._socket = _bind(self._host, self._port)
        self._thread = threading.Thread(target=self._serve, name="mock-intake", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_TIMEOUT / 0.005)):
            if self._server.started or self._failure is not None:
                break
            waited.wait(0.005)
        if not self._server.started:
            self.stop()
            raise ServerError(f"The server did not start: {self._failure or 'no answer in time'}")

    def stop(self) -> None:
        """Ends the server; requests under way get a second to finish."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT)
        if self._socket is not None:
            self._socket.close()

    def _serve(self) -> None:
        assert self._socket is not None
        try:
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # handed over to the thread that waits for the start
            self._failure = error

    def __enter__(self) -> IntakeServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        raise ServerError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error
    return listener
