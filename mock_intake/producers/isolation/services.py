"""What is served within beside the intake: names, and relays to the addresses that the job may reach. One thread."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from mock_intake.producers.isolation.names import answer

_CHUNK = 64 * 1024
_TIMEOUT = 10.0


class Services:
    """A loop in a thread of its own, which takes sockets that listen within and serves them until ``close``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mock-intake-isolation", daemon=True)
        self._servers: list[asyncio.AbstractServer] = []
        self._transports: list[asyncio.DatagramTransport] = []
        self._thread.start()

    def names(self, by_udp: socket.socket, by_tcp: socket.socket, address_of: Callable[[str], str | None]) -> None:
        """Serves names on both sockets; ``address_of`` is called in the thread."""
        asyncio.run_coroutine_threadsafe(self._names(by_udp, by_tcp, address_of), self._loop).result(_TIMEOUT)

    def relay(self, listening: socket.socket, host: str, port: int) -> None:
        """Carries what connects to a socket to an address outside, and back."""
        asyncio.run_coroutine_threadsafe(self._relay(listening, host, port), self._loop).result(_TIMEOUT)

    def close(self) -> None:
        """Ends all of it."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT)
        self._loop.close()

    async def _names(
        self, by_udp: socket.socket, by_tcp: socket.socket, address_of: Callable[[str], str | None]
    ) -> None:
        by_udp.setblocking(False)
        transport, _ = await self._loop.create_datagram_endpoint(lambda: _Names(address_of), sock=by_udp)
        self._transports.append(transport)

        async def one_after_another(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    answered = answer(await reader.readexactly(length), address_of)
                    writer.write(struct.pack("!H", len(answered)) + answered)
                    await writer.drain()
            writer.close()

        self._servers.append(await asyncio.start_server(one_after_another, sock=by_tcp))

    async def _relay(self, listening: socket.socket, host: str, port: int) -> None:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                reader_there, writer_there = await asyncio.open_connection(host, port)
            except OSError:
                writer.transport.abort()  # as near as can be to a connection that is refused
                return
            await asyncio.gather(_pipe(reader, writer_there), _pipe(reader_there, writer))
            writer.close()
            writer_there.close()

        self._servers.append(await asyncio.start_server(carry, sock=listening))

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for transport in self._transports:
            transport.abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Names(asyncio.DatagramProtocol):
    def __init__(self, address_of: Callable[[str], str | None]) -> None:
        self._address_of = address_of
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Whatever it says of itself: asyncio's own class is no DatagramTransport in Python 3.11.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        assert self._transport is not None
        if answered := answer(data, self._address_of):
            self._transport.sendto(answered, peer)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries bytes one way to their end, which the other side then sees too."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
