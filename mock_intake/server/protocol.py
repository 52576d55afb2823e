"""uvicorn's HTTP protocol, taught to put on record all that comes in, also what it cannot read as HTTP.

What counts as a request: every head that can be read, whatever becomes of its body; and, once, what is left on a
connection behind the last such request, be it a head that was cut off or no HTTP at all.
"""

from __future__ import annotations

import asyncio
import re
import sys
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from mock_intake.clock import utc_now
from mock_intake.exchange import Exchange, ReceivedRequest, new_exchange_id
from mock_intake.intake import head_too_large, not_http
from mock_intake.masking import SECRET_WORDS, mask
from mock_intake.server.misbehaviour import ANSWER, CONNECTION
from mock_intake.server.outbox import GatheringTransport, Outbox
from mock_intake.server.proxy import Peers

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

# In a scope's extensions where the framing of the body broke: what the app gets of it is not the whole.
CUT = "mock_intake.cut"
# Request line and headers, which the parser would collect without end.
MAX_HEAD = 64 * 1024
# What stands in them beside method, target, names and values: b"  HTTP/1.1\r\n" and the empty line, b": \r\n".
_REQUEST_LINE = 14
_HEADER_LINE = 4
_KEPT = 4096
_SEARCHED = 4 * _KEPT
# At the server's end a request that is not whole yet gets less time than uvicorn gives the whole server.
_PATIENCE = 0.5
_LINGER = 1.0

_NAMED = re.compile(rb"(?i)((?:" + SECRET_WORDS.encode() + rb")[\w-]{0,40}[\"']?[ \t]*[:=][ \t]*[\"']?)([^\r\n]*)")
_PLAIN_KEY = re.compile(rb"(?i)((?:bearer[ \t]+)?)([0-9a-f]{20,})")
_SCHEMED = re.compile(rb"(?i)((?:bearer|basic)[ \t]+)(\S+)")
_HEX = re.compile(rb"[0-9A-Fa-f]{20,}")
_UNFINISHED_HEADER = re.compile(rb"\n([\w!#$%&'*+.^`|~-]{1,100}):[^\r\n]*\Z")


def without_keys(data: bytes) -> bytes:
    """Raw bytes of a request that could not be parsed, with all masked that looks like a key or is named as one.

    There is no telling where a value ends in what is no HTTP, so all of the line goes that follows such a name.
    """

    def named(match: re.Match[bytes]) -> bytes:
        plain = _PLAIN_KEY.fullmatch(match[2])
        return match[0] if plain or not match[2].strip() else match[1] + b"****"

    data = _NAMED.sub(named, data)
    data = _SCHEMED.sub(lambda match: match[0] if _PLAIN_KEY.fullmatch(match[0]) else match[1] + b"****", data)
    return _HEX.sub(lambda match: mask(match.group().decode()).encode(), data)


class _Cycle(RequestResponseCycle):
    """One request and its answer. Hands over what has come in before it tells that the client is gone."""

    _handed_over = False

    async def receive(self) -> ASGIReceiveEvent:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        while not self.response_complete:
            if not self._handed_over and (self.body or not self.more_body):
                self._handed_over = not self.more_body
                body, self.body = bytes(self.body), bytearray()
                return {"type": "http.request", "body": body, "more_body": self.more_body}
            if self.disconnected:
                break
            self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        return {"type": "http.disconnect"}

    async def send(self, message: ASGISendEvent) -> None:
        # Of the requests in a pipeline only the last one hears from uvicorn that the connection has ended.
        self.disconnected = self.disconnected or self.transport.is_closing()
        if message["type"] != ANSWER:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if not self.disconnected:
            self._answer(message)

    def _answer(self, message: Any) -> None:
        """Sends a whole answer in one piece."""
        self.response_started = True
        self.waiting_for_100_continue = False
        self.keep_alive = self.keep_alive and not message["close"]
        parts = [STATUS_LINE[message["status"]]]
        for name, value in self.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (message["lines"], b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        if self.scope["method"] != "HEAD":
            parts.append(message["body"])
        self.transport.write(b"".join(parts))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def send_500_response(self) -> None:
        # At the server's end requests are cancelled that a fault leaves without an answer; they get none then either.
        if isinstance(sys.exc_info()[1], asyncio.CancelledError):
            self.transport.close()
        else:
            await super().send_500_response()

    def cut(self) -> None:
        """Nothing more will come of the body; what there is goes on record, and is answered."""
        if self.more_body:
            self.scope["extensions"][CUT] = {}
            self.keep_alive = False
            self.more_body = False
            self.message_event.set()


class RecordingProtocol(HttpToolsProtocol):
    """One connection. ``record``, ``peers`` and ``outbox`` are set by ``recording_protocol``, for one server."""

    record: Callable[[Exchange], None]
    peers: Peers
    outbox: Outbox

    transport: GatheringTransport

    # The last cycle that was begun; the ones before it are answered first.
    cycle: _Cycle

    # Whether a request has begun whose head has not ended, and what came with it; all of it may be in one piece
    # with the end of the request before, of whose body the last part tells where that was.
    _in_head = False
    _head = b""
    _head_size = 0
    # How much had come when it was first seen: some of that belongs to the requests before.
    _head_seen_at = 0
    _last_of_body = b""
    # An offer to upgrade was read, and is being passed over.
    _upgrading = False
    _replaying = False
    # Nothing that still comes in is looked at.
    _deaf = False
    # What could not be read, until all before it is answered.
    _unreadable: Exchange | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(GatheringTransport(transport, self.loop, self.outbox))
        self.client = self.peers.real(self.client)

    def eof_received(self) -> None:
        # Now the connection closes, and what was answered is to go out before.
        self.transport.flush()
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._in_head:
            self._give_up()
        super().connection_lost(exc)
        # Requests that were read to their end count, though nobody waits for their answers any more.
        while self.pipeline:
            cycle, app = self.pipeline.pop()
            cycle.disconnected = True
            self._start_asgi_task(cycle, app)
        if self._unreadable is not None:
            # In a task of its own, so that those above come before it on record.
            task = self.loop.create_task(self._record_late())
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            # Over TLS the client is told, and has to answer; one that sleeps would hold the end up.
            self.loop.call_later(_PATIENCE, self.transport.abort)
        if self.cycle is not None and self.cycle.more_body:
            self.loop.call_later(_PATIENCE, self.cycle.cut)

    # What comes in.

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._deaf:
            return
        if self._in_head:
            self._head += data[: max(0, _SEARCHED - len(self._head))]
            self._head_size += len(data)
        else:
            self._head, self._head_size, self._head_seen_at = data, len(data), len(data)
            self._last_of_body = b""
        self._feed(data)
        if self._in_head and self._head_size - self._head_seen_at > MAX_HEAD:
            header = _UNFINISHED_HEADER.search(self._head)
            self._give_up(self._head_too_large(None, header[1].decode() if header else None))

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._upgrading:
                self._pass_over_upgrade(data[upgrade.args[0] :])
            else:
                self._deaf = True  # CONNECT, which is refused: what follows is not for us
        except httptools.HttpParserError:
            if self._deaf:
                return
            if self._in_head or self.cycle is None or not self.cycle.more_body:
                self._give_up()
            else:
                self._deaf = True
                self.cycle.cut()

    def _pass_over_upgrade(self, rest: bytes) -> None:
        """Reads on as if nothing had been offered.

        The parser stops behind the head of a request with an offer. So a new one is given a head with the same
        framing, of which nobody hears, and then the body.
        """
        self._upgrading = False
        version = self.scope["http_version"].encode()
        framing = [
            name + b": " + value + b"\r\n"
            for name, value in self.headers
            if name in (b"content-length", b"transfer-encoding")
        ]
        self.parser = self._new_parser()
        self._replaying = True
        self._feed(b"POST / HTTP/" + version + b"\r\n" + b"".join(framing) + b"\r\n")
        self._replaying = False
        if rest and not self._deaf:
            self._feed(rest)

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self._replaying or self._deaf:
            return
        super().on_message_begin()
        self._in_head = True
        self.scope["extensions"] = {CONNECTION: self, ANSWER: {}}  # type: ignore[dict-item]

    def on_url(self, url: bytes) -> None:
        if not self._replaying and not self._deaf:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, when the head has long been handed over.
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """As uvicorn's, with a cycle of our own, and without a change to another protocol."""
        if self._replaying or self._deaf:
            return
        size = _REQUEST_LINE + len(self.parser.get_method()) + len(self.url)
        size += sum([len(name) + len(value) + _HEADER_LINE for name, value in self.headers])
        if size > MAX_HEAD:
            self._give_up(self._head_too_large(size))
            return
        version = self.parser.get_http_version()
        method = self.parser.get_method()
        url = httptools.parse_url(self.url)
        self.scope["method"] = method.decode("ascii")
        self.scope["http_version"] = version
        path = url.path.decode("ascii")
        self.scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""
        before = self.cycle
        self._in_head = False
        self._upgrading = self.parser.should_upgrade() and method != b"CONNECT"
        self.cycle = _Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and method != b"CONNECT",
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        if self._deaf:
            return
        self._last_of_body = body
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._upgrading or self._deaf:
            return
        # What stands behind a request that closes the connection is no request.
        self._deaf = not self.cycle.keep_alive
        self.cycle.more_body = False
        self.cycle.message_event.set()

    # What goes out.

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._unreadable is not None and self.cycle.response_complete and not self.transport.is_closing():
            self._answer_unreadable()

    def _give_up(self, exchange: Exchange | None = None) -> None:
        """What came behind the last request is not read on; it is recorded and answered once its turn comes."""
        self._deaf = True
        self._in_head = False
        self._unreadable = exchange or self._unreadable_exchange()
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self._answer_unreadable()

    def _unreadable_exchange(self) -> Exchange:
        data = self._head
        if self._last_of_body and self._last_of_body in data:
            data = data[data.rindex(self._last_of_body) + len(self._last_of_body) :]
        size = self._head_size - len(self._head) + len(data)
        # A word that the limit cuts through may be a key that does not look like one any more.
        searched = data if len(data) <= _SEARCHED else re.sub(rb"\S+\Z", b"", data[:_SEARCHED])
        return not_http(self._bare_request()._replace(body=without_keys(searched)[:_KEPT], wire_size=size))

    def _head_too_large(self, size: int | None, unfinished: str | None = None) -> Exchange:
        path, _, query = self.url.partition(b"?")
        request = self._bare_request()._replace(
            method=self.parser.get_method().decode("ascii") if self.url else "",
            path=urllib.parse.unquote(path.decode("latin-1")),
            query=query.decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers),
        )
        return head_too_large(request, MAX_HEAD, size, unfinished)

    def _bare_request(self) -> ReceivedRequest:
        """What is known of a request of which nothing was read."""
        return ReceivedRequest(
            id=new_exchange_id(),
            method="",
            path="",
            query="",
            headers=(),
            body=b"",
            received_at=utc_now(),
            peer=f"{self.client[0]}:{self.client[1]}" if self.client else None,
        )

    def _answer_unreadable(self) -> None:
        """Answers, and closes late: with bytes unread that would be a reset, and the client never read the answer."""
        exchange = self._record_unreadable()
        if exchange is None:
            return
        response = exchange.response
        head = [f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}", "connection: close"]
        head += [f"{name}: {value}" for name, value in response.headers]
        head += [f"content-length: {len(response.body)}", "", ""]
        body = b"" if exchange.request.method == "HEAD" else response.body
        self._unset_keepalive_if_required()
        self.transport.write("\r\n".join(head).encode("latin-1") + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(_LINGER, self.transport.close)
        else:
            self.transport.close()

    def _record_unreadable(self) -> Exchange | None:
        exchange, self._unreadable = self._unreadable, None
        if exchange is not None:
            type(self).record(exchange)
        return exchange

    async def _record_late(self) -> None:
        self._record_unreadable()


def recording_protocol(record: Callable[[Exchange], None], peers: Peers) -> type[HttpToolsProtocol]:
    """A protocol class for one server, with the place where exchanges are put on record."""
    own = {"record": staticmethod(record), "peers": peers, "outbox": Outbox()}
    return type("RecordingProtocol", (RecordingProtocol,), own)
