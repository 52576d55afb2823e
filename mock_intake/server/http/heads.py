"""The one writer of HTTP heads: every status line and every header that goes out is put together here.

Others put their answers together from these parts: the ASGI side, what answers the unreadable, the forward proxy and
the misbehaviour on the wire. Nothing is written here, and nothing is sent: bytes come out.
"""

from __future__ import annotations

from email.utils import format_datetime
from http import HTTPStatus

from mock_intake.model.exchange import Headers, encode_headers
from mock_intake.system.clock import monotonic, utc_now
from mock_intake.system.patterns import pattern_of

CLOSE = b"connection: close\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
# The end of a body in chunks.
LAST_CHUNK = b"0\r\n\r\n"
_END = b"\r\n"
# A field's name is a token, a field's value has no control characters but the tab (RFC 9110, 5.1 and 5.5). What is
# neither would let whoever chose it write headers of its own.
_NAME = pattern_of(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = pattern_of(rb"[\x00-\x08\x0a-\x1f\x7f]")


_REASONS = {status.value: status.phrase for status in HTTPStatus}
# As RFC 9112, 4 has it: the space before the reason stands also where the code has none of its own.
_STATUS_LINES = {code: f"HTTP/1.1 {code} {_REASONS.get(code, '')}\r\n".encode("ascii") for code in range(100, 600)}


class HeaderError(ValueError):
    """A header that must not be sent; the message says why."""


def head(status_code: int, *lines: bytes) -> bytes:
    """A whole head, the empty line included. ``lines`` are whole header lines, one or several in each.

    Raises ``KeyError`` for a status code that is none (RFC 9110, 15: three digits, the first from 1 to 5).
    """
    return b"".join((_STATUS_LINES[status_code], *lines, _END))


def tunnel_head() -> bytes:
    """The answer to a CONNECT that is let through, with the reason that proxies give by custom."""
    return b"HTTP/1.1 200 Connection established\r\n\r\n"


def header_lines(headers: Headers) -> bytes:
    """The lines of ``headers`` (RFC 9112, 5) as they are kept; what they hold was checked by whoever made them."""
    return b"".join([b"%b: %b\r\n" % header for header in encode_headers(headers)])


def checked_line(name: bytes, value: bytes) -> bytes:
    """A header line, its name in lower case. Raises ``HeaderError`` where it would be more than one line, or none."""
    if _NAME.fullmatch(name) is None:
        raise HeaderError(f"a header cannot have the name {name[:60]!r}")
    if _CONTROL.search(value) is not None:
        raise HeaderError(f"the header {name.decode('ascii')} cannot have a value with control characters")
    return b"%b: %b\r\n" % (name.lower(), value)


def length_line(size: int) -> bytes:
    return b"content-length: %d\r\n" % size


def chunk(data: bytes) -> bytes:
    """``data``, a part of a body that is sent in chunks (RFC 9112, 7.1).

    Nothing for no data, as an empty chunk would be the last one.
    """
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def names_close(value: bytes) -> bool:
    """Whether ``value``, that of a Connection header, announces the end of the connection (RFC 9112, 9.6)."""
    return b"close" in [token.strip() for token in value.lower().split(b",")]


class DateLine:
    """The Date header of answers (RFC 9110, 6.6.1), formatted once a second and not once an answer."""

    def __init__(self) -> None:
        self._line = b""
        self._stale_at = float("-inf")

    def current(self) -> bytes:
        now = monotonic()
        if now >= self._stale_at:
            self._line = b"date: %b\r\n" % format_datetime(utc_now(), usegmt=True).encode("ascii")
            self._stale_at = now + 1.0
        return self._line


_TRY_AGAIN = b"mock-intake has too many connections: try again."
# The answer to a connection that is one too many.
TOO_MANY = (
    head(503, header_lines((("content-type", "text/plain"), ("retry-after", "5"))), CLOSE, length_line(len(_TRY_AGAIN)))
    + _TRY_AGAIN
)
