"""More addresses of a server that is running: each an app on a port of its own, opened and closed in its loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from mock_intake.server.accepting import accept_tls

# What is asked of the loop takes no time; a loop that does not come to it has ended, or is stuck for good.
_TIMEOUT = 5.0


class Door:
    """One such address. ``close`` gives the port back; connections end when they have been answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: uvicorn.Config, state: ServerState) -> None:
        self._loop = loop
        self._config = config
        self._state = state
        self._protocols: weakref.WeakSet[Any] = weakref.WeakSet()
        self._serving: asyncio.AbstractServer | asyncio.Task[None] | None = None
        self.listening: socket.socket | None = None
        self.address: tuple[str, int] = ("", 0)
        self.url = ""

    @property
    def is_open(self) -> bool:
        return self._serving is not None and not self._loop.is_closed()

    def open(self, listening: socket.socket, context: ssl.SSLContext | None, broken_off: Callable[[], None]) -> None:
        """Takes connections from a bound socket, https with a context. From any thread but the loop's.

        Raises ``RuntimeError`` if the loop has ended; the socket is closed then.
        """
        host, port = listening.getsockname()[:2]
        self.address = (str(host), int(port))
        self.url = f"{'https' if context else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        if not self._config.loaded:
            self._config.load()
        try:
            within(self._loop, lambda: self._open(listening, context, broken_off), _TIMEOUT)
        except BaseException:
            listening.close()
            raise

    async def _open(
        self, listening: socket.socket, context: ssl.SSLContext | None, broken_off: Callable[[], None]
    ) -> None:
        self.listening = listening
        if context is None:
            self._serving = await self._loop.create_server(self._protocol, sock=listening)
        else:
            self._serving = self._loop.create_task(accept_tls(listening, context, self._protocol, broken_off))

    def _protocol(self) -> asyncio.Protocol:
        protocol_class: Any = self._config.http_protocol_class
        protocol: asyncio.Protocol = protocol_class(config=self._config, server_state=self._state, app_state={})
        self._protocols.add(protocol)
        return protocol

    def close(self) -> None:
        """From any thread but the loop's; nothing to do once the server has ended."""
        # A loop that has ended has closed everything with it.
        with suppress(RuntimeError):
            within(self._loop, self.closed, _TIMEOUT)

    async def closed(self) -> None:
        """Closes, within the loop."""
        serving, self._serving = self._serving, None
        if isinstance(serving, asyncio.Task):
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            if self.listening is not None:
                self.listening.close()  # a task that had not begun has not done it
        elif serving is not None:
            serving.close()
        for protocol in list(self._protocols):
            if protocol.transport is not None:
                protocol.shutdown()


def within(loop: asyncio.AbstractEventLoop, go: Callable[[], Coroutine[Any, Any, None]], timeout: float) -> None:
    """Has the loop of another thread run a coroutine, and waits for its end, at most so many seconds.

    Raises ``RuntimeError`` if the loop has ended, or does not come to it in time.
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
