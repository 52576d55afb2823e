"""A forward proxy that hands connections for Datadog's intakes to the TLS intake, and refuses all others.

So a producer with ``HTTPS_PROXY`` set keeps its site, its URL building and its certificate checks, and nothing
leaves the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from mock_intake.datadog.rules import REQUESTS
from mock_intake.datadog.rules.endpoint import HTTPS, NOT_FOR_PROXY, PROXY_REFUSES, NotForProxy, ProxyRequest
from mock_intake.datadog.sites import INTAKE_HOSTS
from mock_intake.judging.intake import refused
from mock_intake.model.exchange import Exchange, Headers, ReceivedRequest, Response, new_exchange_id
from mock_intake.model.findings import Finding
from mock_intake.secrets.api_keys import masker_of
from mock_intake.server.http import heads
from mock_intake.server.http.misbehaviour import reset
from mock_intake.server.http.peers import Address, Peers
from mock_intake.server.limits import Limits, Notices
from mock_intake.system.clock import utc_now

Record = Callable[[Exchange], None]

_MAX_HEAD = 64 * 1024
_CONNECT_TIMEOUT = 10.0
_CHUNK = 64 * 1024
# A client that still sends hears an early answer as a reset. So what follows a refused head is read on for a
# while and thrown away, that the client may read why it was refused.
_DRAIN_TIMEOUT = 5.0
_CLOSE_TIMEOUT = 10.0
_TOO_LARGE = f"the head of the request is larger than {_MAX_HEAD:,} bytes"
_MAX_QUOTED = 200
_TLS_BEGINS = b"\x16"
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.[01]")
_USER_IN_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?[^/?#]*@")


class _UnreadableError(Exception):
    """What came is no request; the message says what it is, the advice what to do about it."""

    def __init__(self, message: str, advice: str | None = None) -> None:
        super().__init__(message)
        self.advice = advice


class ForwardProxy:
    """``CONNECT data-obs-intake.<site>:443`` leads to the intake, ``allowed`` hosts lead to themselves.

    Every other destination gets a 403 that says so, and is put on record. A listener has its proxy make the protocol of
    each connection (``mock_intake.server.listen.Connections``).
    """

    def __init__(
        self,
        intake: Address,
        record: Record,
        peers: Peers,
        limits: Limits,
        notices: Notices,
        allowed: frozenset[str] = frozenset(),
    ) -> None:
        self.limits = limits
        self.notices = notices
        self._intake = intake
        self._record = record
        self._peers = peers
        self._allowed = allowed
        self._connections: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.BaseProtocol:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_MAX_HEAD, loop=loop)
        return asyncio.StreamReaderProtocol(reader, self._serve, loop=loop)

    def shutdown(self) -> None:
        """Nothing: a tunnel to the intake ends when the intake has answered what came through it."""

    async def end(self) -> None:
        """Cuts all connections that are left, and returns once they have ended."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) > self.limits.most_connections:
                await self._turn_away(writer)
            else:
                await self._handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the peer went away, or was too slow: there is nobody to tell
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            self._connections.discard(task)
            await _close(writer, at_once=bool(task.cancelling()))

    async def _turn_away(self, writer: asyncio.StreamWriter) -> None:
        """Says that there are too many connections already."""
        most = self.limits.most_connections
        self.notices.tell(f"The proxy refused a connection, as it has {most:,} (--connections, ulimit -n).")
        writer.write(heads.TOO_MANY)
        await writer.drain()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self.limits.patience):
                method, target, headers = await _head(reader)
        except TimeoutError:
            self.notices.tell(
                f"The proxy gave up a request whose head had not come within {self.limits.patience:g} s (--patience)."
            )
            return
        except _UnreadableError as error:
            unreadable = _unreadable(error)
            self._answer(writer, "", "", (), 400, lambda _: unreadable)
            await _see_off(reader, writer)
            return
        host, port = _destination(target)
        if method == "CONNECT" and host in INTAKE_HOSTS and port == HTTPS:
            await self._tunnel(reader, writer, self._intake, to_intake=True)
        elif method == "CONNECT" and host in self._allowed and port is not None:
            await self._tunnel(reader, writer, (host, port), to_intake=False)
        else:
            self._answer(writer, method, target, headers, 403, lambda shown: _refusal(method, shown, host))
            await _see_off(reader, writer)

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address, *, to_intake: bool
    ) -> None:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                reader_there, writer_there = await asyncio.open_connection(*to)
        except (OSError, TimeoutError):
            writer.write(heads.head(HTTPStatus.BAD_GATEWAY, heads.length_line(0)))
            await writer.drain()
            return
        own = writer_there.get_extra_info("sockname")[:2]
        if to_intake:
            self._peers.add(own, writer.get_extra_info("peername")[:2])
        try:
            writer.write(heads.tunnel_head())
            await writer.drain()
            await _carry(reader, writer, reader_there, writer_there)
        except ConnectionResetError:
            # A fault of the intake's must arrive as what it is.
            reset(cast("asyncio.Transport", writer.transport))
            reset(cast("asyncio.Transport", writer_there.transport))
        finally:
            self._peers.remove(own)
            writer_there.transport.abort()

    def _answer(
        self,
        writer: asyncio.StreamWriter,
        method: str,
        target: str,
        headers: Headers,
        status: int,
        finding: Callable[[str], Finding],
    ) -> None:
        """Refuses a request, and puts it on record. The finding is made from what may be shown of the target."""
        path, _, query = _shown(target).partition("?")
        masker = masker_of(headers, query)
        peer = writer.get_extra_info("peername")
        request = ReceivedRequest(
            id=new_exchange_id(),
            method=method,
            path=masker.path(path),
            query=masker.query(query),
            headers=masker.headers(headers),
            body=b"",
            received_at=utc_now(),
            peer=f"{peer[0]}:{peer[1]}" if peer else None,
        )
        exchange = refused(request, status, finding(request.path))
        self._record(exchange)
        writer.write(_encoded(exchange.response))


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, Headers]:
    """Method, target and headers of the request that begins. Raises ``_UnreadableError``."""
    first = await reader.readexactly(1)
    if first == _TLS_BEGINS:
        raise _UnreadableError(
            "what the proxy received is the beginning of a TLS connection",
            "The proxy itself speaks plain http: let HTTPS_PROXY begin with http://.",
        )
    try:
        line = _text(first + await reader.readuntil(b"\n"))
        matched = _REQUEST_LINE.fullmatch(line)
        if matched is None:
            raise _UnreadableError("what the proxy received is no HTTP request")
        headers = []
        size = len(line)
        while line := _text(await reader.readuntil(b"\n")):
            size += len(line)
            if size > _MAX_HEAD:
                raise _UnreadableError(_TOO_LARGE)
            name, _, value = line.partition(":")
            headers.append((name.strip().lower(), value.strip()))
    except asyncio.LimitOverrunError as error:
        raise _UnreadableError(_TOO_LARGE) from error
    return matched[1].upper()[:20], matched[2], tuple(headers)


def _text(line: bytes) -> str:
    return line.decode("latin-1").rstrip("\r\n")


def _destination(target: str) -> tuple[str, int | None]:
    """Host and port that a CONNECT, or a URL, names; no port where there is none that can be."""
    authority = _shown(target).partition("://")[2].partition("/")[0] if "://" in target else target
    host, colon, port = authority.rpartition(":")
    if not colon:
        host, port = authority, ""
    host = host.strip("[]").rstrip(".").lower()
    known = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535
    return host, int(port) if known else None


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    reader_there: asyncio.StreamReader,
    writer_there: asyncio.StreamWriter,
) -> None:
    """Carries bytes both ways until the other side ends, or either is reset.

    A client that only stops sending still hears what comes back.
    """
    up = asyncio.ensure_future(_pipe(reader, writer_there))
    down = asyncio.ensure_future(_pipe(reader_there, writer))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if up.done():
            await up
        await down
    finally:
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries bytes one way until they end, and says so to the other side."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _see_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lets a client that was refused send to its end, so that it reads the answer."""
    await writer.drain()
    writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_TIMEOUT):
            while await reader.read(_CHUNK):
                pass


async def _close(writer: asyncio.StreamWriter, *, at_once: bool) -> None:
    if at_once:
        writer.transport.abort()
    else:
        writer.close()
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()  # it does not read what was sent last
    except (OSError, asyncio.CancelledError):
        pass


def _shown(target: str) -> str:
    """A target without the user and password that a URL may carry."""
    return _USER_IN_URL.sub(r"\1****@", target)


def _refusal(method: str, target: str, host: str) -> Finding:
    return REQUESTS.reason(PROXY_REFUSES, ProxyRequest(method, target[:_MAX_QUOTED], host))


def _unreadable(error: _UnreadableError) -> Finding:
    return REQUESTS.reason(NOT_FOR_PROXY, NotForProxy(str(error), error.advice))


def _encoded(response: Response) -> bytes:
    headers, length = heads.header_lines(response.headers), heads.length_line(len(response.body))
    return heads.head(response.status_code, heads.CLOSE, headers, length) + response.body
