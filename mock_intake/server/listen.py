"""The one way to open a port: bound at once, served in a loop, plain or by TLS, and closed from anywhere."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from mock_intake.server.limits import Limits, Notices
from mock_intake.system.sockets import Socket

# What is asked of the loop takes no time; a loop that does not come to it has ended, or is stuck for good.
_TIMEOUT = 5.0
_BACKLOG = 1024
_RECEIVE_BUFFER = 64 * 1024
_HANDSHAKE_TIMEOUT = 30.0
_TOO_MANY_HANDSHAKES = "A connection was refused, as too many shake hands at a time (--connections, ulimit -n)."
# Between two tries to accept where that failed, in seconds.
_PAUSE = 0.1
# Windows has none.
_UNIX = getattr(socket, "AF_UNIX", None)
_ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class ServerError(RuntimeError):
    """The server could not be started, or was asked for what it does not serve; the message says why."""


class Connections(Protocol):
    """Makes the protocol of each connection that is made to a port, and ends all that there are with it.

    ``limits`` are what those who connect get, and ``notices`` where it is told that it was not enough.
    """

    @property
    def limits(self) -> Limits: ...

    @property
    def notices(self) -> Notices: ...

    def __call__(self) -> asyncio.BaseProtocol:
        """A protocol for a new connection; called in the loop."""

    def shutdown(self) -> None:
        """Has every connection end once what is under way on it is done; called in the loop."""


class Listener:
    """A port, bound when it is made: from then on clients can connect, and wait until ``start`` has them served.

    With ``tls`` it speaks https; ``on_broken_off`` is called when a client ends a connection before the handshake is
    done. ``address`` and ``url`` are as they are for clients of this machine, and stay known after the end. ``bound``
    is a socket that listens already, perhaps in another network namespace or at a path (``unix://``, port 0). Other
    processes may listen on a port that is ``shared``, and at the path of a socket that is. Raises ``ServerError`` where
    the address cannot be had.
    """

    def __init__(
        self,
        host: str,
        port: int,
        connections: Connections,
        tls: ssl.SSLContext | None = None,
        on_broken_off: Callable[[], None] = lambda: None,
        bound: socket.socket | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self._connections = connections
        self._tls = tls
        self._on_broken_off = on_broken_off
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.AbstractServer | asyncio.Task[None] | None = None
        self.socket = _bind(host, port, shared=shared) if bound is None else bound
        name = self.socket.getsockname()
        self._is_at_path = self.socket.family == _UNIX
        self._file = Path(name) if self._is_at_path and not shared else None
        self.address: tuple[str, int] = (str(name), 0) if self._is_at_path else (str(name[0]), int(name[1]))
        self.url = f"unix://{name}" if self._is_at_path else _url("http" if tls is None else "https", *self.address)

    @property
    def is_open(self) -> bool:
        """Whether connections are taken."""
        return self._serving is not None and self._loop is not None and not self._loop.is_closed()

    # Within the loop.

    async def start(self) -> None:
        """Takes connections, those included that wait already."""
        self._loop = loop = asyncio.get_running_loop()
        if self._is_at_path:
            self._serving = await loop.create_unix_server(self._connections, sock=self.socket)
        elif self._tls is None:
            self._serving = await loop.create_server(self._connections, sock=self.socket)
        else:
            self._serving = loop.create_task(self._accept_tls(self._tls))

    async def end(self) -> None:
        """Gives the port back; connections end when they have been answered."""
        serving, self._serving = self._serving, None
        if isinstance(serving, asyncio.Task):
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        elif serving is not None:
            serving.close()
        self.release()
        self._connections.shutdown()

    async def _accept_tls(self, context: ssl.SSLContext) -> None:
        """Accepts and makes handshakes until it is cancelled, then drops what has not shaken hands yet.

        In place of the loop's own server, which tells nobody of a handshake that is under way, nor of one that failed.
        At the end those under way must be dropped (uvloop cannot close a loop that has any), and a client that does not
        trust the certificate is worth a word: its events never become requests.
        """
        loop = asyncio.get_running_loop()
        self.socket.setblocking(False)
        # By task: one that is cancelled before its first turn never comes to close what was accepted for it.
        handshakes: dict[asyncio.Task[None], socket.socket] = {}
        accepting: asyncio.Future[tuple[socket.socket, Any]] | None = None
        try:
            while True:
                accepting = asyncio.ensure_future(loop.sock_accept(self.socket))
                try:
                    accepted, _ = await accepting
                except OSError:
                    await asyncio.sleep(_PAUSE)  # too many open files, for instance: they may become fewer
                    continue
                accepting = None
                if len(handshakes) >= self._connections.limits.most_connections:
                    # There is no protocol yet in which it could be told. Said first, so that whoever sees the end
                    # finds the line.
                    self._connections.notices.tell(_TOO_MANY_HANDSHAKES)
                    accepted.close()
                    continue
                task = loop.create_task(self._shake_hands(accepted, context))
                handshakes[task] = accepted
                task.add_done_callback(lambda task: handshakes.pop(task, None))
        finally:
            left = dict(handshakes)
            # What was accepted in the very turn in which this was cancelled is in nobody's hands.
            if accepting is not None and accepting.done() and not accepting.cancelled() and not accepting.exception():
                accepting.result()[0].close()
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            for task, accepted in left.items():
                if task.cancelled():
                    accepted.close()

    async def _shake_hands(self, accepted: socket.socket, context: ssl.SSLContext) -> None:
        patience = min(self._connections.limits.patience, _HANDSHAKE_TIMEOUT)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._connections, accepted, ssl=context, ssl_handshake_timeout=patience
            )
        except ssl.SSLError as error:
            if "ALERT" in (error.reason or ""):  # else what came is no TLS
                self._on_broken_off()
        except ConnectionResetError:
            # Not every client that distrusts the certificate says so first: what runs on asyncio is just gone.
            self._on_broken_off()
        except (ConnectionAbortedError, TimeoutError):
            self._connections.notices.tell(
                f"A connection was given up that had not shaken hands within {patience:g} s (--patience)."
            )
        except OSError:
            pass  # it is gone, for whatever reason

    # From any thread but the loop's.

    def close(self) -> None:
        """Gives the port back, as ``end`` does; nothing to do once the server has ended."""
        # A loop that has ended has closed everything with it.
        if self._loop is not None:
            with suppress(RuntimeError):
                run_in(self._loop, self.end, _TIMEOUT)

    def release(self) -> None:
        """Closes the socket; all there is to give back where there is no loop, before the start or after the end."""
        self.socket.close()
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    bound = _bound(host, port, shared=shared)
    # Connections have it from the port that they were made to. What the system holds for them is not counted by the
    # server's budget, and is read in one go.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    try:
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise _refusal(host, port, error) from error
    return bound


def reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps a port (0: a free one) for listeners that share it, and takes no connections itself.

    Raises ``ServerError`` where another program listens there: also one that would share.
    """
    bound = _bound(host, port, shared=False)
    # Only now, so that it was not one of those who share when it was bound.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return bound


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound: socket.socket = Socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except BaseException as error:
        bound.close()
        if isinstance(error, (OSError, OverflowError)):
            raise _refusal(host, port, error) from error
        raise
    return bound


def _refusal(host: str, port: int, error: Exception) -> ServerError:
    hint = " Another program listens there; port 0 takes a free one." if port else ""
    reason = getattr(error, "strerror", None) or error
    return ServerError(f"Cannot listen on {host} port {port}: {reason}.{hint}")


def _url(scheme: str, host: str, port: int) -> str:
    if host in _ALL_ADDRESSES:  # reached by loopback
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def run_in(loop: asyncio.AbstractEventLoop, go: Callable[[], Coroutine[Any, Any, None]], timeout: float) -> None:
    """Has the loop of another thread run a coroutine, and waits for its end, at most so many seconds.

    Raises ``RuntimeError`` if the loop has ended, or does not come to it in time; else what the coroutine raises.
    """
    outcome: Future[None] = Future()

    async def run() -> None:
        try:
            await go()
        except asyncio.CancelledError:
            outcome.set_exception(RuntimeError("The server ended."))
            raise
        except Exception as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    try:
        # The coroutine is made in the loop: one that a loop no longer comes to would be warned of.
        loop.call_soon_threadsafe(lambda: loop.create_task(run()))
        outcome.result(timeout)
    except TimeoutError:
        raise RuntimeError("The server is busy, or has ended.") from None
    except RuntimeError as error:  # also of the loop itself, if it is closed
        raise RuntimeError("The server has ended.") from error
