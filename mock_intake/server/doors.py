"""More addresses of a server that is running: each an app on a port of its own, opened and closed in its loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from mock_intake.server.accepting import accept_tls

_CLOSE_TIMEOUT = 5.0


class Door:
    """One such address. ``close`` gives the port back; connections end when they have been answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: uvicorn.Config, state: ServerState) -> None:
        self._loop = loop
        self._config = config
        self._state = state
        self._protocols: weakref.WeakSet[Any] = weakref.WeakSet()
        self._serving: asyncio.AbstractServer | asyncio.Task[None] | None = None
        self.address: tuple[str, int] = ("", 0)
        self.url = ""

    @property
    def is_open(self) -> bool:
        return self._serving is not None

    def open(self, listening: socket.socket, context: ssl.SSLContext | None, broken_off: Callable[[], None]) -> None:
        """Takes connections from a bound socket, https with a context. From any thread but the loop's."""
        host, port = listening.getsockname()[:2]
        self.address = (str(host), int(port))
        self.url = f"{'https' if context else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        if not self._config.loaded:
            self._config.load()
        asyncio.run_coroutine_threadsafe(self._open(listening, context, broken_off), self._loop).result()

    async def _open(
        self, listening: socket.socket, context: ssl.SSLContext | None, broken_off: Callable[[], None]
    ) -> None:
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
        with suppress(RuntimeError, TimeoutError, CancelledError):
            closing = self.closed()
            try:
                asyncio.run_coroutine_threadsafe(closing, self._loop).result(_CLOSE_TIMEOUT)
            finally:
                closing.close()

    async def closed(self) -> None:
        """Closes, within the loop."""
        serving, self._serving = self._serving, None
        if isinstance(serving, asyncio.Task):
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        elif serving is not None:
            serving.close()
        for protocol in list(self._protocols):
            if protocol.transport is not None:
                protocol.shutdown()
