"""The server as a value of Python: ``with IntakeServer() as server: server.url``."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import uvicorn

from mock_intake.datadog.agent import AgentSettings
from mock_intake.exchange import Exchange
from mock_intake.faults import Faults
from mock_intake.intake import Intake, Settings
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.server.access import Access, is_loopback
from mock_intake.server.app import create_agent_app, create_app
from mock_intake.server.bell import Bell
from mock_intake.server.control import Control
from mock_intake.server.forward import Target
from mock_intake.server.protocol import recording_protocol
from mock_intake.server.proxy import ForwardProxy, Peers
from mock_intake.server.reception import Reception
from mock_intake.server.recorder import Recorder
from mock_intake.server.tls import Certificates
from mock_intake.views import Views

_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 5.0


class ServerError(RuntimeError):
    """The server could not be started, or was asked for what it does not serve; the message says why."""


@dataclass
class _Listener:
    """One port that is served: its socket, and the uvicorn server behind it."""

    socket: socket.socket
    server: uvicorn.Server

    address: tuple[str, int]


class IntakeServer:
    """An intake on sockets of its own, served from a thread of its own.

    ``port`` 0 takes a free one. ``tls`` serves https beside http, on ``tls_port``; ``agent`` the Datadog Agent's
    OpenLineage proxy on ``agent_port``; ``proxy_port`` (needs ``tls``) a forward proxy that lets through to the
    intake, and to ``proxy_allow`` hosts. ``forward`` sends accepted events on to another intake, whose answer is
    then given. ``on_exchange`` is called in the server's thread with every exchange once it is on record.

    The journal, the views of it and the fault plans are there for the asking, also after the server stopped.
    Raises ``ServerError`` on entering if an address cannot be had.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Certificates | None = None,
        tls_port: int = 0,
        agent: AgentSettings | None = None,
        agent_port: int = 0,
        proxy_port: int | None = None,
        proxy_allow: frozenset[str] = frozenset(),
        forward: Target | None = None,
        journal: Journal | None = None,
        library: FacetLibrary | None = None,
        access: Access | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        access = access or Access()
        if not is_loopback(host) and access.token is None:
            raise ServerError(
                f"{host} can be reached from other machines: the control API needs a token, access=Access(token=...)."
            )
        if proxy_port is not None and tls is None:
            raise ServerError("The forward proxy leads to the TLS intake: give tls=Certificates() too.")
        self.settings = settings or Settings()
        self.journal = journal if journal is not None else MemoryJournal()
        self.faults = Faults()
        self.views = Views(self.journal, self.settings.selection)
        self.certificates = tls
        self._host = host
        self._ports = {"http": port, "https": tls_port, "agent": agent_port}
        self._peers = Peers()
        self.bell = Bell()
        self._recorder = Recorder(self.journal, self.bell, on_exchange)
        self._reception = Reception(
            Intake(self.settings, library), self._recorder, self.faults, self.journal.attempts, forward
        )
        self.app = create_app(self._reception, Control(self.journal, self.views, self.faults, access, self.bell))
        self._apps: dict[str, Any] = {"http": self.app}
        if tls is not None:
            self._apps["https"] = self.app
        if agent is not None:
            self._apps["agent"] = create_agent_app(self._reception, agent)
        self._proxy_port = proxy_port
        self._proxy_allow = proxy_allow
        self._proxy_address: tuple[str, int] | None = None
        self._listeners: dict[str, _Listener] = {}
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def url(self) -> str:
        """Where the intake listens, e.g. ``http://127.0.0.1:41234``: what stands in place of the site's host."""
        return _url("http", *self._address("http"))

    @property
    def https_url(self) -> str:
        return _url("https", *self._address("https"))

    @property
    def agent_url(self) -> str:
        return _url("http", *self._address("agent"))

    @property
    def proxy_url(self) -> str:
        if self._proxy_address is None:
            raise ServerError("No forward proxy is running: give proxy_port=0, and enter the server.")
        return _url("http", *self._proxy_address)

    @property
    def address(self) -> tuple[str, int]:
        return self._address("http")

    @property
    def https_address(self) -> tuple[str, int]:
        return self._address("https")

    def _address(self, name: str) -> tuple[str, int]:
        listener = self._listeners.get(name)
        if listener is None:
            if name in self._apps:
                raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")
            wanted = "tls=Certificates()" if name == "https" else "agent=AgentSettings(api_key=...)"
            raise ServerError(f"The server does not serve {name}: give {wanted}.")
        return listener.address

    def start(self) -> None:
        """Binds the addresses and serves; returns once requests are taken."""
        if self.is_running:
            raise ServerError("The server is running already.")
        self._ready.clear()
        self._failure = None
        try:
            for name, app in self._apps.items():
                listening = _bind(self._host, self._ports[name])
                host, port = listening.getsockname()[:2]
                server = self._uvicorn(app, secure=name == "https")
                self._listeners[name] = _Listener(listening, server, (str(host), int(port)))
        except ServerError:
            self._close_sockets()
            raise
        self._thread = threading.Thread(target=self._serve, name="mock-intake", daemon=True)
        self._thread.start()
        self._ready.wait(_START_TIMEOUT)
        if self._failure is not None or not self._ready.is_set():
            failure = self._failure
            self.stop()
            if isinstance(failure, ServerError):
                raise failure
            raise ServerError(f"The server did not start: {failure or 'no answer in time'}")

    def stop(self) -> None:
        """Ends the server; requests under way get a second to finish."""
        for listener in self._listeners.values():
            listener.server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT)
        self._recorder.close()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for listener in self._listeners.values():
            listener.socket.close()

    def _uvicorn(self, app: Any, *, secure: bool) -> uvicorn.Server:
        certificates = self.certificates
        config = uvicorn.Config(
            app,
            http=recording_protocol(self._recorder.record_soon, self._peers),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
            ssl_context_factory=(lambda *_: certificates.context) if secure and certificates else None,
        )
        return uvicorn.Server(config)

    def _serve(self) -> None:
        loop_factory: Any = None
        if sys.platform != "win32":
            import uvloop

            loop_factory = uvloop.new_event_loop
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(self._main())
        except BaseException as error:  # handed over to the thread that waits for the start
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        serving = [
            asyncio.ensure_future(listener.server.serve(sockets=[listener.socket]))
            for listener in self._listeners.values()
        ]
        proxy = None
        try:
            while not all(listener.server.started for listener in self._listeners.values()):
                if any(task.done() for task in serving):
                    break
                await asyncio.sleep(0.001)
            if self._proxy_port is not None:
                intake = self._listeners["https"].address
                proxy = ForwardProxy(intake, self._recorder.record_soon, self._peers, self._proxy_allow)
                try:
                    self._proxy_address = await proxy.start(self._host, self._proxy_port)
                except OSError as error:
                    raise ServerError(_cannot_listen(self._host, self._proxy_port, error)) from error
            self._ready.set()
            await asyncio.gather(*serving)
        finally:
            for listener in self._listeners.values():
                listener.server.should_exit = True
            await asyncio.gather(*serving, return_exceptions=True)
            if proxy is not None:
                await proxy.stop()
            await self._reception.close()
            for listener in self._listeners.values():
                for connection in list(listener.server.server_state.connections):
                    if connection.transport is not None:
                        connection.transport.abort()
            # What was aborted is closed in the loop's next rounds.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

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


def _url(scheme: str, host: str, port: int) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - bound to all, reached by loopback
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServerError(_cannot_listen(host, port, error)) from error
    return listener


def _cannot_listen(host: str, port: int, error: Exception) -> str:
    hint = " Another program listens there; port 0 takes a free one." if port else ""
    return f"Cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}.{hint}"
