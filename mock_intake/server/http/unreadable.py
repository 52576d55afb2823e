"""What came over a connection and is no request: the bytes that are kept of it, and the exchange that it makes."""

from __future__ import annotations

import re
import urllib.parse

from msgspec.structs import replace

from mock_intake.judging.intake import head_too_large, not_http
from mock_intake.model.exchange import Exchange, ReceivedRequest, new_exchange_id
from mock_intake.secrets.api_keys import SECRET_WORDS, mask
from mock_intake.server.http.peers import Address
from mock_intake.system.clock import utc_now
from mock_intake.system.patterns import pattern_of

# Request line and headers (bytes), which the parser would collect without end.
MAX_HEAD = 64 * 1024
# What stands in them beside method, target, names and values: b"  HTTP/1.1\r\n" and the empty line, b": \r\n".
_REQUEST_LINE = 14
_HEADER_LINE = 4
# So much (bytes) goes on record, and so much is looked through for keys, as one may begin in the one and end behind it.
_KEPT = 4096
_SEARCHED = 4 * _KEPT

_NAMED = pattern_of(rb"(?i)((?:" + SECRET_WORDS.encode() + rb")[\w-]{0,40}[\"']?[ \t]*[:=][ \t]*[\"']?)([^\r\n]*)")
_PLAIN_KEY = pattern_of(rb"(?i)((?:bearer[ \t]+)?)([0-9a-f]{20,})")
_SCHEMED = pattern_of(rb"(?i)((?:bearer|basic)[ \t]+)(\S+)")
_HEX = pattern_of(rb"[0-9A-Fa-f]{20,}")
_UNFINISHED_HEADER = pattern_of(rb"\n([\w!#$%&'*+.^`|~-]{1,100}):[^\r\n]*\Z")

RawHeaders = list[tuple[bytes, bytes]]


class HeadBytes:
    """The bytes in which a head is being read, in case that it turns out to be none.

    A request may begin in the middle of what came in one piece, behind the body of the one before, of which the parser
    tells the last part only.
    """

    __slots__ = ("_data", "_last_of_body", "_size", "_size_at_first")

    def __init__(self) -> None:
        self._data = b""
        self._size = 0
        # How much had come when the head was first seen: some of that belongs to the requests before.
        self._size_at_first = 0
        self._last_of_body = b""

    def begin(self, data: bytes) -> None:
        """The piece ``data`` has come in, in which a head may begin."""
        self._data = data
        self._size = self._size_at_first = len(data)
        self._last_of_body = b""

    def add(self, data: bytes) -> None:
        """The piece ``data`` has come in behind others, and the head has not ended."""
        self._data += data[: max(0, _SEARCHED - len(self._data))]
        self._size += len(data)

    def body(self, data: bytes) -> None:
        """``data``, a part of the last piece, is a body's."""
        self._last_of_body = data

    def let_go(self, *, in_head: bool) -> None:
        """Keeps no more of a large piece than is needed: of a head that has begun in it the beginning."""
        if not in_head:
            self._data = self._last_of_body = b""
            return
        before = 0
        if self._last_of_body and (place := self._data.rfind(self._last_of_body)) != -1:
            before = place + len(self._last_of_body)
        self._data = self._data[before : before + _SEARCHED]
        self._last_of_body = b""
        self._size -= before
        self._size_at_first -= before

    @property
    def is_too_large(self) -> bool:
        """Whether so much has come, and no end of the head, that it is larger than is taken."""
        return self._size - self._size_at_first > MAX_HEAD

    @property
    def unfinished_header(self) -> str | None:
        """The name of the header in whose value reading stopped, if it stands in what was kept."""
        found = _UNFINISHED_HEADER.search(self._data)
        return found[1].decode() if found else None

    def exchange(self, peer: Address | None) -> Exchange:
        """The exchange, from ``peer``, of what is no HTTP: its beginning is kept, without what looks like a key."""
        data = self._data
        if self._last_of_body and self._last_of_body in data:
            data = data[data.rindex(self._last_of_body) + len(self._last_of_body) :]
        size = self._size - len(self._data) + len(data)
        # A word that the limit cuts through may be a key that does not look like one any more.
        searched = data if len(data) <= _SEARCHED else _without_last_word(data[:_SEARCHED])
        return not_http(replace(_bare_request(peer), body=without_keys(searched)[:_KEPT], wire_size=size))


def _without_last_word(data: bytes) -> bytes:
    words = data.rsplit(None, 1)
    return data[: len(data) - len(words[-1])] if words and not data[-1:].isspace() else data


def head_size(method: bytes, url: bytes, headers: RawHeaders) -> int:
    """The size of a head (bytes) as it is counted against ``MAX_HEAD``: ``method``, ``url``, ``headers``.

    However it was written: the same head has the same size in one piece and in many.
    """
    return (
        _REQUEST_LINE
        + len(method)
        + len(url)
        + sum([len(name) + len(value) for name, value in headers])
        + _HEADER_LINE * len(headers)
    )


def too_large_exchange(
    peer: Address | None,
    method: bytes,
    url: bytes,
    headers: RawHeaders,
    size: int | None,
    unfinished: str | None = None,
) -> Exchange:
    """The exchange of a head that is too large; ``size`` is None if it was not read to its end."""
    path, _, query = url.partition(b"?")
    request = replace(
        _bare_request(peer),
        method=method.decode("ascii"),
        path=urllib.parse.unquote(path.decode("latin-1")),
        query=query.decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
    )
    return head_too_large(request, MAX_HEAD, size, unfinished)


def _bare_request(peer: Address | None) -> ReceivedRequest:
    """What is known of a request of which nothing was read."""
    return ReceivedRequest(
        id=new_exchange_id(),
        method="",
        path="",
        query="",
        headers=(),
        body=b"",
        received_at=utc_now(),
        peer=f"{peer[0]}:{peer[1]}" if peer else None,
    )


def without_keys(data: bytes) -> bytes:
    """``data``, a request that could not be parsed, with all masked that looks like a key or is named as one.

    There is no telling where a value ends in what is no HTTP, so all of the line goes that follows such a name.
    """

    def named(match: re.Match[bytes]) -> bytes:
        plain = _PLAIN_KEY.fullmatch(match[2])
        return match[0] if plain or not match[2].strip() else match[1] + b"****"

    data = _NAMED.sub(named, data)
    data = _SCHEMED.sub(lambda match: match[0] if _PLAIN_KEY.fullmatch(match[0]) else match[1] + b"****", data)
    return _HEX.sub(lambda match: mask(match.group().decode()).encode(), data)
