"""HTTP/1.1 on one connection, which puts on record all that comes in, also what cannot be read as HTTP.

``mock_intake.server.http.states`` has the theory of operation and the tables of states; here is what is done at each
transition. llhttp (httptools) finds the requests in the bytes. What the app makes of a request is its cycle's business
(``mock_intake.server.http.cycle``).
"""

from __future__ import annotations

import asyncio
import logging
import urllib.parse
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import httptools
from msgspec import Struct, field
from starlette.types import ASGIApp, Scope

from mock_intake.model.exchange import Exchange
from mock_intake.server.http import heads
from mock_intake.server.http.cycle import Cycle
from mock_intake.server.http.misbehaviour import ANSWER, CONNECTION
from mock_intake.server.http.peers import Address, Peers
from mock_intake.server.http.states import ANSWERING, READING, Answering, Input, Progress, Reading
from mock_intake.server.http.unreadable import MAX_HEAD, HeadBytes, RawHeaders, head_size, too_large_exchange
from mock_intake.server.http.write_buffer import BufferedTransport, WriteBuffer
from mock_intake.server.limits import Limits, Notices

# A connection on which nothing happens between two requests is closed after so long (seconds); a first request may take
# its time.
_KEEP_ALIVE = 30.0
# At the server's end a request that is not whole yet gets less time (seconds) than the server itself takes to end.
_PATIENCE = 0.5
# So long (seconds) a client that is still sending has to read why it was refused, before the connection is closed.
_LINGER = 1.0

# What has come in one piece and is larger (bytes) is not kept by a connection that waits for the next.
_LARGE_PIECE = 4 * 1024
# So many connections more than are taken are told that they are not; others just end.
_MOST_LEAVING = 64

_ASGI = {"version": "3.0", "spec_version": "2.3"}
# Of an offer to upgrade these tell where the body ends.
_FRAMING = (b"content-length", b"transfer-encoding")

_log = logging.getLogger("mock_intake")


class Shared(Struct):
    """What all connections of one server have in common, over all its ports.

    ``record`` puts an exchange on record for which nobody waits. ``open`` are the connections that there are, ``tasks``
    the requests that are being served; the server's end waits for both. ``closed`` is set whenever one of the
    connections has ended.
    """

    record: Callable[[Exchange], None]
    peers: Peers
    limits: Limits
    notices: Notices
    buffer: WriteBuffer = field(default_factory=WriteBuffer)
    date: heads.DateLine = field(default_factory=heads.DateLine)
    open: set[HttpProtocol] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


class HttpProtocol(asyncio.Protocol):
    """One connection, on which requests to ``app`` come in. Belongs to the loop that runs when it is made.

    Faults reach for its ``transport``.
    """

    transport: BufferedTransport

    def __init__(self, app: ASGIApp, shared: Shared) -> None:
        self.app = app
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._reading = Reading.BETWEEN
        self._answering = Answering.IDLE
        self._parser = self._new_parser()
        self._bytes = HeadBytes()
        # Of the head that is being read.
        self._url = b""
        self._headers: RawHeaders = []
        self._expects_continue = False
        # How much (bytes) has come since the last part of a body: what stands around bodies, or is none yet.
        self._framing = 0
        # Whether reading was given up within a body, of which more may come.
        self._broken_off = False
        # Whether nothing more will come.
        self._has_eof = False
        # The last request that was handed over; those before it are answered first, those in the queue after it.
        self._cycle: Cycle | None = None
        self._queue: deque[Cycle] = deque()
        # What could not be read, until all before it is answered.
        self._unreadable: Exchange | None = None
        self._keep_alive: asyncio.TimerHandle | None = None
        # While a request is coming in that has not come to its end.
        self._patience: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None  # while an answer waits for its client to read on
        self._client: Address | None = None
        self._server: Address | None = None
        self._scheme = "http"

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        # What stands behind a request that closes the connection is no error of that request's.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _hear(self, what: Input) -> Reading:
        self._reading = state = READING[self._reading][what]
        return state

    def _progress(self, what: Progress) -> None:
        self._answering = ANSWERING[self._answering][what]

    # Called by the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = BufferedTransport(transport, self._loop, self._shared.buffer)
        self._client = self._shared.peers.real(_address(transport.get_extra_info("peername")))
        self._server = _address(transport.get_extra_info("sockname"))
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        open_ = self._shared.open
        open_.add(self)
        if len(open_) > self._shared.limits.most_connections:
            self._refuse_connection()
        else:
            self._keep_alive = self._loop.call_later(self._shared.limits.patience, self.transport.close)

    def _refuse_connection(self) -> None:
        """Says that there are too many already."""
        most = self._shared.limits.most_connections
        self._shared.notices.tell(f"A connection was refused, as {most:,} are open (--connections, ulimit -n).")
        self._hear(Input.LOST)
        if len(self._shared.open) > most + _MOST_LEAVING:
            self.transport.abort()
            return
        self.transport.write(heads.TOO_MANY)
        self._leave(late=True)

    def data_received(self, data: bytes) -> None:
        self._stop_keep_alive()
        match self._reading:
            case Reading.DEAF:
                return
            case Reading.HEAD:
                self._bytes.add(data)
            case _:
                self._bytes.begin(data)
        self._framing += len(data)
        self._feed(data)
        if self._framing > MAX_HEAD and self._reading is Reading.BODY:
            # Trailers and extensions of chunks, which the parser would collect without end (RFC 9112, 7.1).
            self._break()
        if len(data) > _LARGE_PIECE:
            self._bytes.let_go(in_head=self._reading is Reading.HEAD)
        if self._rests:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None
        elif self._patience is None:
            self._patience = self._loop.call_later(self._shared.limits.patience, self._has_waited)
        if self._reading is Reading.HEAD and self._bytes.is_too_large:
            self._refuse(Input.TOO_LARGE, self._too_large(None, self._bytes.unfinished_header))

    @property
    def _rests(self) -> bool:
        """Whether no request is coming in that has not come to its end."""
        return self._reading is Reading.BETWEEN or self._reading is Reading.DEAF

    def _has_waited(self) -> None:
        """A request has not come to its end in all the time that it is given."""
        self._patience = None
        limits = self._shared.limits
        if self.transport.is_paused:  # which is not its client's doing
            self._patience = self._loop.call_later(limits.patience, self._has_waited)
            return
        self._shared.notices.tell(
            f"A request was given up that did not come to its end within {limits.patience:g} s (--patience)."
        )
        if self._reading is Reading.HEAD:
            self._refuse(Input.BROKEN, self._bytes.exchange(self._client))
        else:
            self._break()

    def eof_received(self) -> bool:
        """The client has sent all that it will. What it has sent is answered before the connection closes.

        Over TLS there are no halves of a connection.
        """
        if self._scheme == "https" or self.transport.is_closing():
            self.transport.flush()
            return False
        self._has_eof = True
        if self._reading is Reading.HEAD:
            self._refuse(Input.BROKEN, self._bytes.exchange(self._client))
        elif self._reading is Reading.BODY:
            self._break()
        if self._answering is not Answering.ANSWERING:
            self.transport.flush()
            return False
        assert self._cycle is not None
        for cycle in (*self._queue, self._cycle):
            cycle.hear_no_more()
        if self._unreadable is None:
            self._cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        self.transport.pause_writing()
        self._unread = self._loop.call_later(self._shared.limits.patience, self._is_not_read)

    def resume_writing(self) -> None:
        self._stop_waiting_for_reader()
        self.transport.resume_writing()

    def _is_not_read(self) -> None:
        patience = self._shared.limits.patience
        self._shared.notices.tell(f"An answer was not read on within {patience:g} s, and given up (--patience).")
        self.transport.abort()

    def _stop_waiting_for_reader(self) -> None:
        if self._unread is not None:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._shared.open.discard(self)
        self._shared.closed.set()
        self._stop_keep_alive()
        self._stop_waiting_for_reader()
        if self._patience is not None:
            self._patience.cancel()
        # The two hold each other, as cycles hold this: nobody is to wait for the collector of what has no owner.
        del self._parser
        if self._reading is Reading.HEAD:
            self._unreadable = self._bytes.exchange(self._client)
        self._hear(Input.LOST)
        self._progress(Progress.LOST)
        if self._cycle is not None:
            self._cycle.disconnect()
            self._cycle = None
        self.transport.resume_writing()
        # Requests that were read to their end count, though nobody waits for their answers any more.
        while self._queue:
            cycle = self._queue.popleft()
            cycle.disconnect()
            self._serve(cycle)
        if self._unreadable is not None:
            # In a task of its own, so that those above come before it on record.
            self._start(self._record_late())

    # Called by the server.

    def shutdown(self) -> None:
        """Ends the connection once it has answered what is under way."""
        if self._answering is not Answering.ANSWERING:
            self.transport.close()
        elif self._cycle is not None:
            self._cycle.keep_alive = False
            if self._cycle.more_body:
                self._loop.call_later(_PATIENCE, partial(self._cycle.cut, at_end=True))
        if self.transport.is_closing():
            # Over TLS the client is told, and has to answer; one that sleeps would hold the end up.
            self._loop.call_later(_PATIENCE, self.transport.abort)

    # Reading.

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # CONNECT stops the parser too, and is refused: what follows is not for us.
            if self._hear(Input.STOPPED) is Reading.REPLAY:
                self._pass_over_offer(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError:
            _log.exception("a connection could not be served")
            self.transport.abort()
        except httptools.HttpParserError:
            self._break()

    def _break(self) -> None:
        """What came is no HTTP: neither the head that is being read, nor the rest of a body."""
        match self._reading:
            case Reading.HEAD:
                self._refuse(Input.BROKEN, self._bytes.exchange(self._client))
            case Reading.BODY:
                self._hear(Input.BROKEN)
                self._broken_off = True
                assert self._cycle is not None
                self._cycle.cut()

    def _pass_over_offer(self, rest: bytes) -> None:
        """Has a new parser read the body of a request that offered an upgrade, as if nothing had been offered."""
        assert self._cycle is not None
        version = self._cycle.scope["http_version"].encode()
        framing = [b"%b: %b\r\n" % header for header in self._headers if header[0] in _FRAMING]
        self._parser = self._new_parser()
        self._feed(b"POST / HTTP/" + version + b"\r\n" + b"".join(framing) + b"\r\n")
        if rest and self._reading is not Reading.DEAF:
            self._feed(rest)

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self._hear(Input.BEGUN) is Reading.HEAD:
            self._framing = 0
            self._url, self._headers, self._expects_continue = b"", [], False

    def on_url(self, url: bytes) -> None:
        # In pieces, where it came so. That of a replayed head is made up.
        if self._reading is Reading.HEAD:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, when the head has long been handed over.
        if self._reading is Reading.HEAD:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self._expects_continue = True
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        match self._reading:
            case Reading.HEAD:
                self._take_head()
            case state if state is not Reading.DEAF:
                self._hear(Input.HEAD_ENDED)

    def _take_head(self) -> None:
        """Hands a request over, if its head is one that is taken."""
        parser = self._parser
        method = parser.get_method()
        size = head_size(method, self._url, self._headers)
        if size > MAX_HEAD:
            self._refuse(Input.TOO_LARGE, self._too_large(size))
            return
        try:
            scope = self._scope(method)
        except httptools.HttpParserInvalidURLError:
            self._refuse(Input.BROKEN, self._bytes.exchange(self._client))
            return
        tunnels = method == b"CONNECT"
        self._hear(Input.OFFERED if parser.should_upgrade() and not tunnels else Input.HEAD_ENDED)
        self._cycle = cycle = Cycle(
            scope,
            self.transport,
            self._shared.date,
            self._on_answer,
            keep_alive=scope["http_version"] != "1.0" and parser.should_keep_alive() and not tunnels,
            expects_continue=self._expects_continue,
        )
        if self._answering is Answering.ANSWERING:
            self.transport.pause_reading()
            self._queue.append(cycle)
        else:
            self._serve(cycle)
        self._progress(Progress.REQUESTED)

    def _scope(self, method: bytes) -> Scope:
        """A head as ASGI has it. Raises ``HttpParserInvalidURLError`` for a target that is none."""
        raw_path, query = _target(self._url)
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self._parser.get_http_version(),
            "server": self._server,
            "client": self._client,
            "scheme": self._scheme,
            "root_path": "",
            "method": method.decode("ascii"),
            "path": urllib.parse.unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self._headers,
            "extensions": {CONNECTION: self, ANSWER: {}},
        }

    def on_body(self, body: bytes) -> None:
        if self._reading is not Reading.DEAF:
            assert self._cycle is not None
            self._framing = 0
            self._bytes.body(body)
            self._cycle.feed(body)

    def on_message_complete(self) -> None:
        before = self._reading
        if before is Reading.DEAF:
            return
        assert self._cycle is not None
        # What stands behind a request that closes the connection is no request.
        self._hear(Input.ENDED if self._cycle.keep_alive else Input.LAST_ENDED)
        if before is Reading.BODY:
            self._cycle.end()

    # Answering.

    def _serve(self, cycle: Cycle) -> None:
        self._start(cycle.run(self.app))

    def _start(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._shared.tasks.add(task)
        task.add_done_callback(self._shared.tasks.discard)

    def _on_answer(self, cycle: Cycle) -> None:
        """An answer is out; the next in the queue is served."""
        if not self._queue:
            self._progress(Progress.LAST_ANSWERED)
        if not cycle.keep_alive:
            self._leave(late=cycle.more_body or self._broken_off)
        if self.transport.is_closing() or self._answering is Answering.LEAVING:
            return
        self.transport.resume_reading()
        if self._queue:
            self._serve(self._queue.popleft())
        elif self._unreadable is not None:
            self._answer_unreadable()
        else:
            self._keep_alive = self._loop.call_later(_KEEP_ALIVE, self.transport.close)

    def _leave(self, *, late: bool) -> None:
        """Closes; late (in ``_LINGER``) where the client is still sending, and was told to stop.

        With bytes unread that would be a reset, and the client would never read the answer.
        """
        if late and not self._has_eof and self._answering is Answering.IDLE and self.transport.can_write_eof():
            self._progress(Progress.LEFT)
            self.transport.write_eof()
            self.transport.resume_reading()
            self._loop.call_later(_LINGER, self.transport.close)
        else:
            self.transport.close()

    def _stop_keep_alive(self) -> None:
        if self._keep_alive is not None:
            self._keep_alive.cancel()
            self._keep_alive = None

    # What cannot be read.

    def _refuse(self, why: Input, exchange: Exchange) -> None:
        """What came behind the last request is not read on; it is recorded and answered once its turn comes."""
        self._hear(why)
        self._unreadable = exchange
        if self._answering is Answering.IDLE and not self.transport.is_closing():
            self._answer_unreadable()

    def _too_large(self, size: int | None, unfinished: str | None = None) -> Exchange:
        method = self._parser.get_method() if self._url else b""
        return too_large_exchange(self._client, method, self._url, self._headers, size, unfinished)

    def _answer_unreadable(self) -> None:
        exchange = self._record_unreadable()
        response = exchange.response
        self._stop_keep_alive()
        head = heads.head(
            response.status_code,
            heads.CLOSE,
            heads.header_lines(response.headers),
            heads.length_line(len(response.body)),
        )
        self.transport.write(head if exchange.request.method == "HEAD" else head + response.body)
        self._leave(late=True)

    def _record_unreadable(self) -> Exchange:
        exchange, self._unreadable = self._unreadable, None
        assert exchange is not None
        self._shared.record(exchange)
        return exchange

    async def _record_late(self) -> None:
        self._record_unreadable()


def _target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target. Raises ``HttpParserInvalidURLError`` where it has no path in ASCII."""
    parsed = httptools.parse_url(url)
    if parsed.path is None or not parsed.path.isascii():
        raise httptools.HttpParserInvalidURLError("the target has no path")
    return parsed.path, parsed.query or b""


def _address(name: Any) -> Address | None:
    """Host and port of an internet address (IPv6 has more to it); None of a Unix socket, or of one that has gone."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
