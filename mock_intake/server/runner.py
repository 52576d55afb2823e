"""The server as a value of Python: ``with IntakeServer() as server: server.url``."""

from __future__ import annotations

import asyncio
import queue
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from mock_intake.faults import Faults, SharedFaults
from mock_intake.journal import Journal, MemoryJournal
from mock_intake.judging.intake import Intake, Settings
from mock_intake.model.exchange import Exchange
from mock_intake.openlineage.library import FacetLibrary
from mock_intake.secrets.other_orgs import KnownOrgs
from mock_intake.server.access import Access, is_loopback
from mock_intake.server.app import App
from mock_intake.server.change_signal import ChangeSignal
from mock_intake.server.http.peers import Peers
from mock_intake.server.http.server import HttpServer
from mock_intake.server.idle import wait_until_idle
from mock_intake.server.ingest.endpoint import IntakeEndpoint
from mock_intake.server.ingest.forwarding import Target
from mock_intake.server.ingest.pipeline import Pipeline
from mock_intake.server.ingest.recorder import Recorder, orgs_in
from mock_intake.server.limits import Descriptors, Limits, Notices
from mock_intake.server.listen import Listener, ServerError, run_in
from mock_intake.server.unix import bind_unix
from mock_intake.views import Views

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from mock_intake.datadog.agent import AgentSettings
    from mock_intake.producers.paths import Addresses
    from mock_intake.server.control import Control
    from mock_intake.server.http.proxy import ForwardProxy
    from mock_intake.server.http.tls import Certificates

_AGENT_SOCKET = "agent-socket"
_START_TIMEOUT = 20.0
# How often (seconds) it is looked whether there are descriptors left.
_LOOK = 1.0
# To open a port takes no time; a loop that does not come to it has ended, or is stuck for good.
_OPEN_TIMEOUT = 5.0
_STOP_TIMEOUT = 5.0
# So long (seconds) requests have that are under way when the server ends.
_GRACE = 1.0


class IntakeServer:
    """An intake on sockets of its own, served from a thread of its own.

    ``port`` 0 takes a free one. ``tls`` serves https beside http, on ``tls_port``; ``agent`` the Datadog Agent's
    OpenLineage proxy on ``agent_port``, and at ``agent_socket`` (a path) if there is one; ``proxy_port`` (needs
    ``tls``) a forward proxy that lets through to the intake, and to ``proxy_allow`` hosts. ``forward`` sends accepted
    events on to another intake, whose answer is then given. ``limits`` are what all who connect get of it.
    ``on_exchange`` is called with every exchange once it is on record: in the server's thread, or in that of a journal
    that waits for a disk. With ``shares_ports`` other processes may listen on the same ports; ``agent_socket`` is then
    a socket that listens already, and is left there.

    The journal, the views of it and the fault plans are there for the asking, also after the server stopped; so is
    ``changes``, by which whoever waits for the record is woken. Raises ``ServerError`` on entering if an address cannot
    be had, and at once for settings that cannot be served together.
    """

    settings: Settings
    journal: Journal
    views: Views
    faults: Faults
    certificates: Certificates | None
    handshakes_broken_off: int

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
        agent_socket: Path | socket.socket | None = None,
        proxy_port: int | None = None,
        proxy_allow: frozenset[str] = frozenset(),
        forward: Target | None = None,
        journal: Journal | None = None,
        library: FacetLibrary | None = None,
        access: Access | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
        limits: Limits | None = None,
        shares_ports: bool = False,
    ) -> None:
        access = access or Access()
        self.limits = limits or Limits()
        self._notices = Notices()
        self._descriptors = Descriptors(self._notices)
        if not is_loopback(host) and access.token is None:
            raise ServerError(
                f"{host} can be reached from other machines: the control API needs a token, access=Access(token=...)."
            )
        if proxy_port is not None and tls is None:
            raise ServerError("The forward proxy leads to the TLS intake: give tls=Certificates() too.")
        self.settings = settings or Settings()
        self.journal = journal if journal is not None else MemoryJournal()
        plans = self.journal.plans
        self.faults = Faults() if plans is None else SharedFaults(plans)
        self.views = Views(self.journal, self.settings.selection)
        self.certificates = tls
        self.handshakes_broken_off = 0
        """How many TLS connections were ended by the client before they were made: most distrust the certificate."""
        self.agent_traffic: Counter[str] = Counter()
        """How often the trace agent's other endpoints were used, by endpoint: traces, telemetry, /info."""
        self.changes = ChangeSignal()
        self._host = host
        self._shares_ports = shares_ports
        self._ports: dict[str, int] = {"http": port}
        if tls is not None:
            self._ports["https"] = tls_port
        if agent is not None:
            self._ports["agent"] = agent_port
        if proxy_port is not None:
            self._ports["proxy"] = proxy_port
        if agent_socket is not None and agent is None:
            raise ServerError("The Agent's socket needs an Agent: give agent=AgentSettings(api_key=...) too.")
        self._agent = agent
        self._agent_socket = agent_socket
        self._proxy_allow = proxy_allow
        self._peers = Peers()
        orgs = KnownOrgs(orgs_in(self.journal))
        self._recorder = Recorder(self.journal, self.changes, on_exchange, orgs)
        self._pipeline = Pipeline(
            Intake(self.settings, library),
            self._recorder,
            self.faults,
            self.journal.attempts,
            forward,
            orgs,
            limits=self.limits,
            notices=self._notices,
        )
        self._access = access
        self._control: Control | None = None
        self._endpoint = IntakeEndpoint(self._pipeline)
        self.app = App(self._endpoint, self._load_routes)
        # Of the life that the server has, or had last.
        self._http = HttpServer(self._recorder.record_soon, self._peers, self.limits, self._notices)
        self._proxy: ForwardProxy | None = None
        # By what they serve, for their addresses; and all that there are, those included that were opened later.
        self._listeners: dict[str, Listener] = {}
        self._opened: list[Listener] = []
        self._opening = threading.Lock()
        self._securing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._is_ending = False
        self._outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    @property
    def is_running(self) -> bool:
        """Whether the server's thread lives."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def url(self) -> str:
        """Where the intake listens, e.g. ``http://127.0.0.1:41234``: what stands in place of the site's host.

        This and the other addresses are known from the start on, also after the end. Before the start, and for what is
        not served, each raises ``ServerError``.
        """
        return self._listener("http").url

    @property
    def https_url(self) -> str:
        """Where the intake speaks https; as ``url``."""
        return self._listener("https").url

    @property
    def agent_url(self) -> str:
        """Where the Datadog Agent takes what it sends on; as ``url``."""
        return self._listener("agent").url

    @property
    def agent_socket_url(self) -> str | None:
        """The Agent's Unix socket, as ``unix://PATH``; None where there is none, or it is not open yet."""
        listener = self._listeners.get(_AGENT_SOCKET)
        return None if listener is None else listener.url

    @property
    def proxy_url(self) -> str:
        """What ``HTTPS_PROXY`` is set to."""
        return self._listener("proxy").url

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``url``."""
        return self._listener("http").address

    @property
    def https_address(self) -> tuple[str, int]:
        """Host and port of ``https_url``."""
        return self._listener("https").address

    def _listener(self, name: str) -> Listener:
        listener = self._listeners.get(name)
        if listener is not None:
            return listener
        if name == "proxy":
            raise ServerError("No forward proxy is running: give proxy_port=0, and enter the server.")
        if name in self._ports:
            raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")
        wanted = "tls=Certificates()" if name == "https" else "agent=AgentSettings(api_key=...)"
        raise ServerError(f"The server does not serve {name}: give {wanted}.")

    def _addresses(self) -> Addresses | None:
        """What the server listens on, for the pages to show; they know the key to show, and the URL, better."""
        from mock_intake.producers.paths import Addresses

        listeners = self._listeners
        if "http" not in listeners:
            return None
        agent, proxy = (listeners[name].url if name in listeners else None for name in ("agent", "proxy"))
        ca_file = self.certificates.ca_file if self.certificates is not None else None
        return Addresses(self.url, "", agent, proxy, ca_file=ca_file)

    def _load_routes(self) -> Starlette:
        from mock_intake.server.control import Control
        from mock_intake.server.routes import create_routes

        decoded, budget = self.settings.max_decoded, self._pipeline.budget
        self._control = Control(self.journal, self.views, self.faults, self._access, self.changes, decoded, budget)
        also = self._descriptors, self._recorder.latencies
        return create_routes(self._endpoint, self._pipeline, self._control, self._addresses, *also)

    # More ports while it runs.

    def open_agent(self, settings: AgentSettings) -> Listener:
        """One more Agent, on a port of its own, of a server that is running; close it when done.

        This, ``open_tls`` and ``open_proxy`` are for any thread but the server's. All raise ``ServerError`` where no
        server runs.
        """
        return self._open(self._bind_agent(settings, 0))

    def open_tls(self, certificates: Certificates) -> None:
        """Serves https as well, with ``certificates``, on a free port from now on: for a server that was started
        without.

        Raises ``ServerError`` where it serves https already, or no port can be had.
        """
        with self._securing:
            if "https" in self._listeners:
                raise ServerError("The server serves https already.")
            self._listeners["https"] = self._open(self._bind(0, self.app, certificates))
            self.certificates = certificates

    def open_proxy(self) -> None:
        """Has a forward proxy as well, on a free port, from now on: for a server that serves https.

        Raises ``ServerError`` where it has one already, or no port can be had.
        """
        with self._securing:
            if "proxy" in self._listeners:
                raise ServerError("The server has a forward proxy already.")
            self._listeners["proxy"] = self._open(self._bind_proxy(0))

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """The addresses that it listens on, by what it serves there: http, https, agent, proxy."""
        return {name: listener.address for name, listener in self._listeners.items() if name != _AGENT_SOCKET}

    def take(self, name: str, bound: socket.socket) -> Listener:
        """Serves on one more socket, which listens already, what it serves by one of the names of ``addresses``.

        For a socket of another network namespace. Raises ``ServerError`` for what it does not serve.
        """
        self._listener(name)
        return self._open(self._bind_first(name, 0, bound))

    def _open(self, listener: Listener) -> Listener:
        loop = self._loop
        if loop is None or not self.is_running or self._is_ending:
            listener.release()
            raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")

        async def start() -> None:
            # Asked in the loop: what is started before it comes to its end is closed by it, and nothing is behind that.
            if self._is_ending:
                raise RuntimeError("The server has ended.")
            await listener.start()

        with self._opening:
            self._opened = [*(each for each in self._opened if each.is_open), listener]
            try:
                run_in(loop, start, _OPEN_TIMEOUT)
            except RuntimeError as error:
                listener.release()
                raise ServerError(str(error)) from error
        return listener

    def _bind(
        self, port: int, app: ASGIApp, certificates: Certificates | None, bound: socket.socket | None = None
    ) -> Listener:
        tls = certificates.context if certificates is not None else None
        connections = self._http.connections(app)
        return Listener(self._host, port, connections, tls, self._count_broken_off, bound, shared=self._shares_ports)

    # What these serve is loaded with them: most servers have neither an Agent nor a proxy.

    def _bind_agent(self, settings: AgentSettings, port: int, bound: socket.socket | None = None) -> Listener:
        from mock_intake.server.ingest.agent import AgentEndpoint

        return self._bind(port, AgentEndpoint(self._pipeline, settings, self.agent_traffic), None, bound)

    def _bind_proxy(self, port: int, bound: socket.socket | None = None) -> Listener:
        from mock_intake.server.http.proxy import ForwardProxy

        if self._proxy is None or bound is None:
            shared = self._recorder.record_soon, self._peers, self.limits, self._notices
            self._proxy = ForwardProxy(self._listener("https").address, *shared, self._proxy_allow)
        return Listener(self._host, port, self._proxy, bound=bound, shared=self._shares_ports)

    def _count_broken_off(self) -> None:
        self.handshakes_broken_off += 1

    def serves(self, host: str, port: int) -> bool:
        """Whether what connects to ``host`` and ``port`` is served here, on any of the ports that are open."""
        return any(each.is_open and each.address == (host, port) for each in self._opened)

    def put_on_record(self, exchanges: Sequence[Exchange]) -> None:
        """Records what came to nobody here: attempts of producers that were stopped. From any thread but the server's.

        Raises ``ServerError`` where no server runs.
        """
        if not exchanges:
            return
        if self._loop is None or not self.is_running:
            raise ServerError("The server is not running: enter it first (with IntakeServer() as server).")

        async def record() -> None:
            for exchange in exchanges:
                await self._recorder.record(exchange)

        try:
            run_in(self._loop, record, _OPEN_TIMEOUT)
        except RuntimeError as error:
            raise ServerError(str(error)) from error

    # Waiting until all that came is on record.

    def wait_until_idle(self, timeout: float) -> bool:
        """Waits until every request that has reached the server is on record, at most ``timeout`` seconds; whether they
        are.
        """
        return wait_until_idle(self._running, lambda: self._opened, lambda: self._pipeline.under_way, timeout)

    def _running(self) -> asyncio.AbstractEventLoop | None:
        return self._loop if self.is_running else None

    # The life of a server.

    def start(self) -> None:
        """Binds the addresses and serves; returns once requests are taken. Raises ``ServerError``."""
        if self.is_running:
            raise ServerError("The server is running already.")
        self._outcome = queue.SimpleQueue()
        self._loop = self._end = None
        self._is_ending = False
        self._http = HttpServer(self._recorder.record_soon, self._peers, self.limits, self._notices)
        self._listeners, self._opened = {}, []
        try:
            self._recorder.open()
            self._bind_all()
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
        except BaseException as error:  # Ctrl-C too: nobody else would stop what has not started
            self.stop()
            if isinstance(error, RuntimeError) and isinstance(error.__context__, KeyboardInterrupt):
                # In Python's own wait for a thread to begin Ctrl-C can come where its lock is let go of already.
                raise error.__context__ from None
            raise

    def _bind_all(self) -> None:
        for name, port in self._ports.items():
            listener = self._bind_first(name, port)
            self._listeners[name] = listener
            self._opened.append(listener)
        if self._agent_socket is not None:
            at = self._agent_socket
            try:
                listener = self._bind_first("agent", 0, bind_unix(at) if isinstance(at, Path) else at)
            except OSError as error:
                reason = error.strerror or error
                raise ServerError(f"Cannot listen at {self._agent_socket}: {reason}.") from error
            self._listeners[_AGENT_SOCKET] = listener
            self._opened.append(listener)

    def _bind_first(self, name: str, port: int, bound: socket.socket | None = None) -> Listener:
        if name == "proxy":
            return self._bind_proxy(port, bound)
        if name == "agent":
            assert self._agent is not None
            return self._bind_agent(self._agent, port, bound)
        return self._bind(port, self.app, self.certificates if name == "https" else None, bound)

    def stop(self) -> None:
        """Ends the server; requests under way get a second to finish."""
        # In this order: a loop that is just beginning sets itself first, and then looks at whether it is to end.
        self._is_ending = True
        if self._loop is not None and self._end is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._end.set)
        # Without an identity it was not started: the start was interrupted before.
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT)
        self._recorder.close()
        for listener in self._opened:
            listener.release()

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
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._is_ending:
            return
        try:
            for listener in self._opened:
                await listener.start()
            self._watch()
            self._outcome.put(None)
            await self._end.wait()
        finally:
            # From now on none is opened.
            self._is_ending = True
            for listener in self._opened:
                await listener.end()
            await self._http.end(_GRACE)
            if self._proxy is not None:
                await self._proxy.end()
            await self._pipeline.close()
            if self._control is not None:
                self._control.close()

    def _watch(self) -> None:
        """Looks every second whether anybody can connect."""
        if self._loop is None or self._is_ending:
            return
        with suppress(OSError, ValueError):  # it is just being closed
            self._descriptors.look(self._opened[0].socket.fileno())
        self._loop.call_later(_LOOK, self._watch)

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


__all__ = ["IntakeServer", "ServerError"]
