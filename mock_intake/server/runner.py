"""The server as a value of Python: ``with IntakeServer() as server: server.url``."""

from __future__ import annotations

import asyncio
import queue
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import uvicorn

from mock_intake.clock import monotonic
from mock_intake.datadog.agent import AgentSettings
from mock_intake.exchange import Exchange
from mock_intake.faults import Faults
from mock_intake.intake import Intake, Settings
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.paths import Addresses
from mock_intake.server.accepting import accept_tls
from mock_intake.server.access import Access, is_loopback
from mock_intake.server.app import create_agent_app, create_app
from mock_intake.server.bell import Bell
from mock_intake.server.control import Control
from mock_intake.server.doors import Door, within
from mock_intake.server.forward import Target
from mock_intake.server.protocol import recording_protocol
from mock_intake.server.proxy import ForwardProxy, Peers
from mock_intake.server.reception import Reception
from mock_intake.server.recorder import Recorder
from mock_intake.server.tls import Certificates
from mock_intake.sockets import Socket
from mock_intake.views import Views

_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 5.0
# How long between two looks at whether there is still something to wait for, in seconds.
_PATIENCE = 0.002
# How long a turn of the loop is waited for at a time: it may end without one, in seconds.
_TURNS_TIMEOUT = 0.2


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
    then given. ``on_exchange`` is called with every exchange once it is on record: in the server's thread, or in
    that of a journal that waits for a disk.

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
        self.handshakes_broken_off = 0
        """How many TLS connections were ended by the client before they were made: most distrust the certificate."""
        self._host = host
        self._ports = {"http": port, "https": tls_port, "agent": agent_port}
        self._peers = Peers()
        self.bell = Bell()
        self._recorder = Recorder(self.journal, self.bell, on_exchange)
        self._reception = Reception(
            Intake(self.settings, library), self._recorder, self.faults, self.journal.attempts, forward
        )
        control = Control(self.journal, self.views, self.faults, access, self.bell)
        self.app = create_app(self._reception, control, self._addresses)
        self._apps: dict[str, Any] = {"http": self.app}
        if tls is not None:
            self._apps["https"] = self.app
        if agent is not None:
            self._apps["agent"] = create_agent_app(self._reception, agent)
        self._proxy_port = proxy_port
        self._proxy_allow = proxy_allow
        self._proxy_address: tuple[str, int] | None = None
        self._listeners: dict[str, _Listener] = {}
        self._doors: dict[str, Door] = {}
        self._doors_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        # Made here and not at the start: it sets up logging, whose locks an interruption would leave taken.
        self._configs = {name: self._config(app) for name, app in self._apps.items()}
        self._outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

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
        listener = self._listeners.get(name) or self._doors.get(name)
        if listener is None:
            if name in self._apps:
                raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")
            wanted = "tls=Certificates()" if name == "https" else "agent=AgentSettings(api_key=...)"
            raise ServerError(f"The server does not serve {name}: give {wanted}.")
        return listener.address

    def _addresses(self) -> Addresses | None:
        """What the server listens on, for the pages to tell; they know the key to show, and the URL, better."""
        if "http" not in self._listeners:
            return None
        agent = self.agent_url if "agent" in self._apps else None
        proxy = None if self._proxy_address is None else self.proxy_url
        ca_file = self.certificates.ca_file if self.certificates is not None else None
        return Addresses(self.url, "", agent, proxy, ca_file=ca_file)

    def open_agent(self, settings: AgentSettings) -> Door:
        """One more Agent, on a port of its own, of a server that is running; close it when done."""
        with self._doors_lock:
            return self._open("agent", create_agent_app(self._reception, settings), None)

    def open_tls(self, certificates: Certificates) -> None:
        """Serves https as well, on a free port, from now on: for a server that was started without."""
        with self._doors_lock:
            known = self._doors.get("https")
            if "https" in self._apps or (known is not None and known.is_open):
                raise ServerError("The server serves https already.")
            self._open("https", self.app, certificates)
            self.certificates = certificates

    def _open(self, name: str, app: Any, certificates: Certificates | None) -> Door:
        http = self._listeners.get("http")
        if self._loop is None or http is None or not self.is_running or http.server.should_exit:
            raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")
        door = Door(self._loop, self._config(app), http.server.server_state)
        context = certificates.context if certificates else None
        try:
            door.open(_bind(self._host, 0), context, self._broken_off)
        except ServerError:
            raise
        except RuntimeError as error:  # it was stopped meanwhile
            raise ServerError(str(error)) from error
        self._doors = {key: known for key, known in self._doors.items() if known.is_open}
        self._doors[f"agent {door.address[1]}" if name == "agent" else name] = door
        return door

    def wait_until_idle(self, timeout: float) -> bool:
        """Waits until every request that has reached the server is on record, at most so many seconds.

        From any thread but the server's. True at once if the server has ended.
        """
        until = monotonic() + timeout
        while self.is_running and self._loop is not None:
            # What has arrived at a socket begins to be read in a turn of the loop or two, but of many connections that
            # are made at once, each turn accepts one.
            accepted = not self._connections_wait()
            try:
                within(self._loop, _turns, max(0.001, min(_TURNS_TIMEOUT, until - monotonic())))
            except RuntimeError:  # it is busy, or has ended
                accepted = False
            if accepted and not self._reception.reading:
                return True
            if monotonic() >= until:
                return False
            if accepted:
                time.sleep(_PATIENCE)
        return True

    def _connections_wait(self) -> bool:
        """Whether connections have been made that nobody has accepted yet."""
        listening = [listener.socket for listener in self._listeners.values()]
        listening += [door.listening for door in list(self._doors.values()) if door.listening is not None]
        with selectors.DefaultSelector() as selector:
            for each in listening:
                with suppress(ValueError, OSError):  # it was closed meanwhile
                    selector.register(each, selectors.EVENT_READ)
            return bool(selector.select(0)) if selector.get_map() else False

    def start(self) -> None:
        """Binds the addresses and serves; returns once requests are taken."""
        if self.is_running:
            raise ServerError("The server is running already.")
        self._outcome = queue.SimpleQueue()
        try:
            for name, config in self._configs.items():
                listening = _bind(self._host, self._ports[name])
                host, port = listening.getsockname()[:2]
                self._listeners[name] = _Listener(listening, uvicorn.Server(config), (str(host), int(port)))
            self._thread = threading.Thread(target=self._serve, name="mock-intake", daemon=True)
            self._thread.start()
            try:
                failure = self._outcome.get(timeout=_START_TIMEOUT)
            except queue.Empty:
                raise ServerError("The server did not start in time.") from None
            if isinstance(failure, ServerError):
                raise failure
            if failure is not None:
                raise ServerError(f"The server did not start: {failure}") from failure
        except BaseException:  # Ctrl-C too: nobody else would stop what has not started
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server; requests under way get a second to finish."""
        for listener in self._listeners.values():
            listener.server.should_exit = True
        # Without an identity it was not started: the start was interrupted before.
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT)
        self._recorder.close()
        for listener in self._listeners.values():
            listener.socket.close()

    def _config(self, app: Any) -> uvicorn.Config:
        return uvicorn.Config(
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
        )

    def _serve(self) -> None:
        failure: BaseException | None = None
        loop_factory: Any = None
        if sys.platform != "win32":
            import uvloop

            loop_factory = uvloop.new_event_loop
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(self._main())
        except BaseException as error:  # handed over to the thread that waits for the start
            failure = error
        self._outcome.put(failure)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        serving = [
            # TLS connections are accepted and handed to uvicorn by ourselves.
            asyncio.ensure_future(listener.server.serve(sockets=[] if name == "https" else [listener.socket]))
            for name, listener in self._listeners.items()
        ]
        accepting: asyncio.Future[None] | None = None
        proxy = None
        try:
            while not all(listener.server.started for listener in self._listeners.values()):
                if any(task.done() for task in serving):
                    break
                await asyncio.sleep(0.001)
            # A server that got its certificates when it ran, open_tls, has no such listener in its next life.
            if self.certificates is not None and "https" in self._listeners:
                accepting = asyncio.ensure_future(self._accept_tls(self._listeners["https"], self.certificates))
            if self._proxy_port is not None:
                intake = self._listeners["https"].address
                proxy = ForwardProxy(intake, self._recorder.record_soon, self._peers, self._proxy_allow)
                try:
                    self._proxy_address = await proxy.start(self._host, self._proxy_port)
                except OSError as error:
                    raise ServerError(_cannot_listen(self._host, self._proxy_port, error)) from error
            self._outcome.put(None)
            await asyncio.gather(*serving)
        finally:
            for listener in self._listeners.values():
                listener.server.should_exit = True
            if accepting is not None:
                accepting.cancel()
                await asyncio.gather(accepting, return_exceptions=True)
            closing = [door.closed() for door in list(self._doors.values())]
            await asyncio.gather(*serving, *closing, return_exceptions=True)
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

    async def _accept_tls(self, listener: _Listener, certificates: Certificates) -> None:
        server = listener.server
        protocol_class: Any = server.config.http_protocol_class

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = protocol_class(
                config=server.config, server_state=server.server_state, app_state={}
            )
            return made

        await accept_tls(listener.socket, certificates.context, protocol, self._broken_off)

    def _broken_off(self) -> None:
        self.handshakes_broken_off += 1

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


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener: socket.socket = Socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except BaseException as error:
        listener.close()
        if isinstance(error, (OSError, OverflowError)):
            raise ServerError(_cannot_listen(host, port, error)) from error
        raise
    return listener


def _cannot_listen(host: str, port: int, error: Exception) -> str:
    hint = " Another program listens there; port 0 takes a free one." if port else ""
    return f"Cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}.{hint}"
