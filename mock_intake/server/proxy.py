"""A forward proxy that hands connections for Datadog's intakes to the TLS intake, and refuses all others.

So a producer with ``HTTPS_PROXY`` set keeps its site, its URL building and its certificate checks, and nothing
leaves the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from mock_intake.datadog import requests as rules
from mock_intake.datadog.sites import INTAKE_HOSTS, INTAKE_PATH
from mock_intake.exchange import Exchange, Headers, ReceivedRequest, Response, new_exchange_id
from mock_intake.findings import Finding
from mock_intake.intake import refused
from mock_intake.masking import Masker, credentials

Address = tuple[str, int]
Record = Callable[[Exchange], None]

HTTPS = 443
_MAX_HEAD = 64 * 1024
_HEAD_TIMEOUT = 30.0
_CONNECT_TIMEOUT = 10.0
_CHUNK = 64 * 1024


class Peers:
    """Who is really at the other end of a connection that the proxy made: its own address to the peer's."""

    def __init__(self) -> None:
        self._peers: dict[Address, Address] = {}

    def real(self, address: Address | None) -> Address | None:
        return self._peers.get(address, address) if address is not None else None

    def add(self, proxied: Address, real: Address) -> None:
        self._peers[proxied] = real

    def remove(self, proxied: Address) -> None:
        self._peers.pop(proxied, None)


class ForwardProxy:
    """``CONNECT data-obs-intake.<site>:443`` leads to the intake, ``allowed`` hosts lead to themselves.

    Every other destination gets a 403 that says so, and is put on record.
    """

    def __init__(self, intake: Address, record: Record, peers: Peers, allowed: frozenset[str] = frozenset()) -> None:
        self._intake = intake
        self._record = record
        self._peers = peers
        self._allowed = allowed
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> Address:
        self._server = await asyncio.start_server(self._serve, host, port, limit=_MAX_HEAD, backlog=1024)
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the peer went away, was too slow, or sent what has no end: there is nobody to tell
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            self._connections.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_TIMEOUT)
        method, target, headers = _parsed(head)
        if method != "CONNECT":
            await self._refuse(writer, method, target, headers, plain=True)
            return
        host, _, port = target.rpartition(":")
        host = host.strip("[]").lower()
        if not port.isdigit():
            await self._refuse(writer, method, target, headers)
            return
        if host in INTAKE_HOSTS and int(port) == HTTPS:
            await self._tunnel(reader, writer, self._intake, to_intake=True)
        elif host in self._allowed:
            await self._tunnel(reader, writer, (host, int(port)), to_intake=False)
        else:
            await self._refuse(writer, method, target, headers)

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address, *, to_intake: bool
    ) -> None:
        try:
            there = await asyncio.wait_for(asyncio.open_connection(*to), _CONNECT_TIMEOUT)
        except (OSError, TimeoutError):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            return
        reader_there, writer_there = there
        own = writer_there.get_extra_info("sockname")[:2]
        if to_intake:
            self._peers.add(own, writer.get_extra_info("peername")[:2])
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            async with asyncio.TaskGroup() as pipes:
                pipes.create_task(_pipe(reader, writer_there))
                pipes.create_task(_pipe(reader_there, writer))
        except* OSError:
            pass  # either side was reset; the other is told by being closed
        finally:
            self._peers.remove(own)
            writer_there.transport.abort()

    async def _refuse(
        self, writer: asyncio.StreamWriter, method: str, target: str, headers: Headers, *, plain: bool = False
    ) -> None:
        found = credentials(headers, target.partition("?")[2])
        masker = Masker([credential.text for credential in found])
        peer = writer.get_extra_info("peername")
        path, _, query = target.partition("?")
        request = ReceivedRequest(
            id=new_exchange_id(),
            method=method,
            path=masker.path(path),
            query=masker.query(query),
            headers=masker.headers(headers),
            body=b"",
            received_at=datetime.now(UTC),
            peer=f"{peer[0]}:{peer[1]}" if peer else None,
        )
        exchange = refused(request, 403, _finding(request.path, plain=plain))
        self._record(exchange)
        writer.write(_answer(exchange.response))
        await writer.drain()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries bytes one way until they end, and says so to the other side: a half-closed connection stays half open."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _parsed(head: bytes) -> tuple[str, str, Headers]:
    first, *rest = head.decode("latin-1").split("\r\n")
    method, _, target = first.partition(" ")
    pairs = (line.partition(":") for line in rest if line)
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return method.upper()[:20], target.rpartition(" ")[0] or target, headers


def _finding(target: str, *, plain: bool) -> Finding:
    expected = f"CONNECT to one of the intakes, such as {min(INTAKE_HOSTS)}:{HTTPS}"
    if plain:
        return rules.PROXY_REFUSED.found(
            "request",
            f"the proxy was asked for {target} in plain http; the intakes are reached by https only",
            expected=expected,
            actual=target,
            advice=f"Let the producer's URL begin with https://, and end after the host ({INTAKE_PATH} is added).",
        )
    return rules.PROXY_REFUSED.found(
        "request", f"the proxy lets nobody through to {target}", expected=expected, actual=target
    )


def _answer(response: Response) -> bytes:
    lines = ["HTTP/1.1 403 Forbidden", "connection: close"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines += [f"content-length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + response.body
