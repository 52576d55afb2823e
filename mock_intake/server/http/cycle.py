"""One request on a connection and the answer to it, as an ASGI app sees them.

The protocol (``mock_intake.server.http.protocol``) makes a cycle for every head that it reads, adds to its body what
comes in, and tells it when the connection has ended; the app reads by ``receive``, and answers by ``send``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Scope

from mock_intake.server.http import heads
from mock_intake.server.http.misbehaviour import ANSWER
from mock_intake.server.http.write_buffer import BufferedTransport

# In a scope's extensions where the framing of the body broke: what the app gets of it is not the whole.
CUT = "mock_intake.cut"
# More of a body (bytes) than this is not read ahead of an app that has not asked for it.
_READ_AHEAD = 64 * 1024
# Answers that end with their head (RFC 9112, 6.3); a 205 is none of them, though it has no content.
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

_log = logging.getLogger("mock_intake")
_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
_ERROR_BODY = b'{"error":"mock-intake could not serve the request: a bug of its own, which its log tells of."}'
_ERROR_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(_ERROR_BODY)),
    (b"connection", b"close"),
]


class Answer(Enum):
    """How far the answer has come. It goes this way only."""

    OWED = auto()
    BEGUN = auto()
    """The head is out."""
    GIVEN = auto()


class Cycle:
    """A request and its answer. ``scope`` is ASGI's; ``keep_alive`` is whether the connection may go on behind it.

    ``on_given`` is called with the cycle once the answer is out; whether the connection goes on behind it is seen to
    there. ``date`` is the line that every answer begins with.
    """

    def __init__(
        self,
        scope: Scope,
        transport: BufferedTransport,
        date: heads.DateLine,
        on_given: Callable[[Cycle], None],
        *,
        keep_alive: bool,
        expects_continue: bool,
    ) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.more_body = True
        """Whether more of the body may come."""
        self.disconnected = False
        """Whether nobody hears the answer any more."""
        self._silent = False
        self._transport = transport
        self._date = date
        self._on_given = on_given
        self._expects_continue = expects_continue
        self._pieces: list[bytes] = []
        self._waiting_size = 0
        self._handed_over = False
        # Made for the first one who has to wait: most requests have come to their end when they are read.
        self._news: asyncio.Event | None = None
        self._answer = Answer.OWED
        self._chunked = False
        # How much of the body (bytes) is still owed, of an answer whose length was announced.
        self._owed = 0

    @property
    def is_answered(self) -> bool:
        return self._answer is Answer.GIVEN

    # What the protocol tells.

    def feed(self, piece: bytes) -> None:
        """Adds ``piece`` to the body. What comes when the answer is out is of use to nobody."""
        if self._answer is Answer.GIVEN:
            return
        self._pieces.append(piece)
        self._waiting_size += len(piece)
        if self._waiting_size > _READ_AHEAD:
            self._transport.pause_reading()
        self._go_on()

    def end(self) -> None:
        """The body has come to its end."""
        self.more_body = False
        self._go_on()

    def cut(self, *, at_end: bool = False) -> None:
        """Nothing more will come of the body; what there is goes on record, and is answered.

        ``at_end`` tells that it is the server's end that cut it, and not what the client sent.
        """
        if self.more_body:
            self.scope["extensions"][CUT] = {"at_end": at_end}
            self.keep_alive = False
            self.end()

    def hear_no_more(self) -> None:
        """The client has ended its side behind this request. To who waits for that it has gone, though it may read."""
        self._silent = True
        self._go_on()

    def disconnect(self) -> None:
        """The connection has ended."""
        self.disconnected = True
        self._go_on()

    def _go_on(self) -> None:
        if self._news is not None:
            self._news.set()

    # What the app does.

    async def run(self, app: ASGIApp) -> None:
        """Has ``app`` serve the request, and answers 500 in its place where it fails. Raises nothing but
        ``CancelledError``.
        """
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            # At the server's end requests are cancelled that a fault leaves without an answer; they get none either.
            self._transport.close()
            raise
        except Exception:
            # Without its path, in which a key may stand.
            _log.exception("a request (%s) could not be served", self.scope["method"])
            await self._fail()
            return
        if self._answer is not Answer.GIVEN and self._silent:
            self._transport.close()
        elif self._answer is not Answer.GIVEN and not self.disconnected:
            _log.error("a request (%s) was not answered", self.scope["method"])
            await self._fail()

    async def _fail(self) -> None:
        if self._answer is not Answer.OWED:
            # The client has read a head that promised something else.
            self._transport.close()
            return
        await self.send({"type": "http.response.start", "status": _ERROR, "headers": _ERROR_HEADERS})
        await self.send({"type": "http.response.body", "body": _ERROR_BODY})

    async def receive(self) -> Message:
        """ASGI's ``receive``. All that has come in is handed over before it is told that the client is gone."""
        if self._expects_continue and not self._transport.is_closing():
            self._transport.write(heads.head(HTTPStatus.CONTINUE))
            self._expects_continue = False
        while self._answer is not Answer.GIVEN:
            if not self._handed_over and (self._pieces or not self.more_body):
                self._handed_over = not self.more_body
                pieces, self._pieces, self._waiting_size = self._pieces, [], 0
                # Most bodies come in one piece, which is not copied.
                body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                return {"type": "http.request", "body": body, "more_body": self.more_body}
            if self.disconnected or self._silent:
                break
            self._transport.resume_reading()
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """ASGI's ``send``, and a whole answer at once by the extension ``ANSWER``.

        What nobody would hear is dropped. Raises ``RuntimeError`` for messages out of their order or a body that is not
        as long as was announced, ``HeaderError`` for headers that must not be sent.
        """
        transport = self._transport
        # Of the requests in a pipeline only the last one is told that the connection has ended.
        self.disconnected = self.disconnected or transport.is_closing()
        if transport.is_full and not self.disconnected:
            await transport.drained()
        if self.disconnected:
            return
        kind, answer = message["type"], self._answer
        if kind == ANSWER and answer is Answer.OWED:
            self._send_whole(message)
        elif kind == "http.response.start" and answer is Answer.OWED:
            self._send_head(message)
        elif kind == "http.response.body" and answer is Answer.BEGUN:
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} was sent for an answer that is {answer.name.lower()}")

    def _send_whole(self, message: Message) -> None:
        """Sends an answer of known length in one piece; its lines were checked by whoever made them."""
        self.keep_alive = self.keep_alive and not message["close"]
        close = b"" if self.keep_alive else heads.CLOSE
        data = heads.head(message["status"], self._date.current(), message["lines"], close)
        self._transport.write(data if self.scope["method"] == "HEAD" else data + message["body"])
        self._given()

    def _send_head(self, message: Message) -> None:
        status, lines = message["status"], []
        length: bytes | None = None
        closes = False
        for name, value in message.get("headers", ()):
            lines.append(heads.checked_line(name, value))
            match name.lower():
                case b"content-length":
                    length = value
                case b"transfer-encoding":
                    self._chunked = self._chunked or value.lower() == b"chunked"
                case b"connection":
                    closes = closes or heads.names_close(value)
        self.keep_alive = self.keep_alive and not closes
        if not self.keep_alive and not closes:
            lines.append(heads.CLOSE)
        has_body = self.scope["method"] != "HEAD" and status not in _WITHOUT_BODY
        if length is not None and not self._chunked:
            self._owed = int(length) if has_body else 0
        elif has_body and not self._chunked:
            self._chunked = True
            lines.append(heads.CHUNKED)
        self._answer = Answer.BEGUN
        self._expects_continue = False
        self._transport.write(heads.head(status, self._date.current(), *lines))

    def _send_body(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            pass  # it is announced, and not sent (RFC 9110, 9.3.2)
        elif self._chunked:
            self._transport.write(heads.chunk(body) + (b"" if more else heads.LAST_CHUNK))
        else:
            self._owed -= len(body)
            if self._owed < 0 or (self._owed and not more):
                raise RuntimeError("the body is not as long as its Content-Length says")
            self._transport.write(body)
        if not more:
            self._given()

    def _given(self) -> None:
        self._answer = Answer.GIVEN
        self._expects_continue = False
        self._go_on()
        self._on_given(self)
