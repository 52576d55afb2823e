"""Hostile requests: what they are made of, and a plain socket to send them through.

What is counted as a request, in all tests that use this:

1. Every head (request line and headers up to the empty line) that can be read as HTTP/1, whatever becomes
   of its body: badly framed, cut off, undecodable.
2. What is left on a connection behind the last such request, once, if there is anything in it but CR and LF:
   a head that was cut off or cannot be read, or bytes that are no HTTP at all. The connection is beyond
   recovery there, so nothing behind it is told apart any more.

A connection without bytes is no request, nor is what follows a request that said ``Connection: close``.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from hypothesis import strategies as st

from mock_intake import IntakeServer
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.journal import Journal, walk
from mock_intake.model.exchange import Exchange
from tests.events import run_event

KEY = "0123456789abcdef0123456789abcdef"
End = Literal["wait", "half-close", "close"]


@dataclass(frozen=True)
class Attack:
    """Bytes for one connection, sent piece by piece.

    ``requests`` is how many exchanges they are to make. ``end`` is what the client does then: ``wait`` for as
    many answers, ``half-close`` (no more to send, still listening), or ``close``. ``bodiless`` tells that
    the answers have no body, as those to HEAD.
    """

    pieces: tuple[bytes, ...]
    requests: int = 1
    end: End = "wait"
    bodiless: bool = False


class Answer(NamedTuple):
    """An answer as read off the wire; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def request_bytes(
    body: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    *,
    method: str = "POST",
    target: str = INTAKE_PATH,
    key: str | None = KEY,
    length: int | None = None,
) -> bytes:
    """A well-formed request; ``length`` is a Content-Length other than the body's, -1 leaves the header out."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(*chunks: bytes) -> bytes:
    """Chunks in their framing, the last one not included."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def connect(server: IntakeServer, timeout: float = 5.0) -> socket.socket:
    connection = socket.create_connection(server.address, timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def answers_in(received: bytes, *, bodiless: bool = False) -> list[Answer]:
    """The whole answers at the beginning of what was received; interim ones (100) are passed over."""
    answers = []
    while b"\r\n\r\n" in received:
        head, _, received = received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split()[1])
        if status == 100:
            continue
        if not bodiless and headers.get("transfer-encoding", "").lower() == "chunked":
            unchunked = _unchunked(received)
            if unchunked is None:
                break
            body, received = unchunked
        else:
            length = 0 if bodiless else int(headers.get("content-length", "0"))
            if len(received) < length:
                break
            body, received = received[:length], received[length:]
        answers.append(Answer(status, headers, body))
    return answers


def _unchunked(received: bytes) -> tuple[bytes, bytes] | None:
    """A body sent in chunks and what follows it, or nothing while its last chunk is under way."""
    body = b""
    while b"\r\n" in received:
        size, _, received = received.partition(b"\r\n")
        length = int(size, 16)
        if len(received) < length + 2:
            return None
        body += received[:length]
        received = received[length + 2 :]
        if length == 0:
            return body, received
    return None


def read_answers(connection: socket.socket, wanted: int | None, *, bodiless: bool = False) -> list[Answer]:
    """The answers on a connection: as many as wanted, or all until the server closes (also by a reset)."""
    received = b""
    while wanted is None or len(answers_in(received, bodiless=bodiless)) < wanted:
        try:
            more = connection.recv(65_536)
        except (TimeoutError, ConnectionError):
            break
        if not more:
            break
        received += more
    return answers_in(received, bodiless=bodiless)


def send(server: IntakeServer, *pieces: bytes, wanted: int | None = 1, pause: float = 0.0) -> list[Answer]:
    """Sends bytes as they are, and reads the answers: as many as wanted, or all until the server closes."""
    with connect(server) as connection:
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            connection.sendall(piece)
        return read_answers(connection, wanted)


def carry_out(server: IntakeServer, attack: Attack) -> list[Answer]:
    """Sends an attack's bytes, and gives what was answered."""
    with connect(server, timeout=3.0) as connection:
        for piece in attack.pieces:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break  # the server has heard enough, and has answered
        if attack.end == "close":
            return []
        if attack.end == "half-close":
            with contextlib.suppress(OSError):  # closed by the server already
                connection.shutdown(socket.SHUT_WR)
            return read_answers(connection, None, bodiless=attack.bodiless)
        return read_answers(connection, attack.requests, bodiless=attack.bodiless)


def recorded(journal: Journal, after: int, wanted: int, patience: float = 1.0) -> list[Exchange]:
    """The exchanges behind a position, once there are as many as wanted or patience ran out."""
    deadline = time.monotonic() + patience
    while journal.position - after < wanted and time.monotonic() < deadline:
        time.sleep(0.002)
    return [exchange for _, exchange in walk(journal, after)]


def gzip_bomb(mebibytes: int, unit: bytes = b"\0") -> bytes:
    """A gzip stream of so many MiB, built in milliseconds: one compressed MiB, over and over."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(unit * (1024 * 1024)) + compressor.flush(zlib.Z_FULL_FLUSH)
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return header + block * mebibytes + b"\x03\x00" + b"\x00" * 8


def flawed_event(**changes: Any) -> dict[str, Any]:
    """An event that always has findings: its jobType is missing."""
    return run_event(job={"namespace": "prod", "name": "load_orders"}, **changes)


FLAWED = json.dumps(flawed_event()).encode()

# Bodies.

_texts = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates and NUL included
_numbers = st.one_of(
    st.integers(),
    st.integers(2**63 - 2, 2**65),
    st.floats(),
    st.sampled_from([10**400, -(10**25), 1e308, 5e-324]),
)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)
_FIELDS: tuple[tuple[str, ...], ...] = (
    ("eventType",), ("eventTime",), ("producer",), ("schemaURL",), ("run",), ("run", "runId"), ("run", "facets"),
    ("run", "facets", "parent"), ("run", "facets", "nominalTime"), ("run", "facets", "tags"), ("job",),
    ("job", "namespace"), ("job", "name"), ("job", "facets"), ("job", "facets", "jobType"), ("job", "facets", "sql"),
    ("inputs",), ("outputs",), ("dataset",),
)  # fmt: skip


def _text(value: Any, *, ascii_only: bool) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


@st.composite
def _distorted_events(draw: st.DrawFn) -> bytes:
    """An event with anything at all in one or two places."""
    event: dict[str, Any] = flawed_event()
    for path in draw(st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=2)):
        place = event
        for name in path[:-1]:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        place[path[-1]] = draw(_values)
    return _text(event, ascii_only=draw(st.booleans()))


@st.composite
def _damaged_events(draw: st.DrawFn) -> bytes:
    """An event with some bytes put in, taken out or overwritten."""
    position = draw(st.integers(0, len(FLAWED)))
    removed = draw(st.integers(0, 5))
    inserted = draw(st.binary(max_size=5) | st.sampled_from([b"\xff", b"\xed\xa0\x80", b"\0", b"\\ud800", b"NaN"]))
    return FLAWED[:position] + inserted + FLAWED[position + removed :]


@st.composite
def _nested(draw: st.DrawFn) -> bytes:
    """Nesting of any depth, also with brackets in strings that feign a shallow value."""
    levels = draw(st.sampled_from([10, 199, 200, 201, 500, 1_000, 1_023, 1_025, 5_000]))
    opening, closing = draw(
        st.sampled_from([("[", "]"), ('{"a":', "}"), ('["]",', ',"["]'), ('[{"}":', "}]"), ("[ ", "\n]")])
    )
    core = draw(st.sampled_from(["1", '"\\ud800"', '"\\u0041"', '"https://user:password@host"', ""]))
    value = opening * levels + core + closing * draw(st.sampled_from([levels, levels, levels - 1]))
    if draw(st.booleans()):
        return value.encode()
    field = draw(st.sampled_from(["x", "eventTime", "run", "inputs"]))
    return FLAWED[:-1] + f', "{field}": {value}}}'.encode()


bodies = st.one_of(
    st.binary(max_size=200),
    st.builds(_text, _values, ascii_only=st.booleans()),
    _distorted_events(),
    _damaged_events(),
    _nested(),
    st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "cp037"]).map(FLAWED.decode().encode),
    st.sampled_from([b"", b" ", b"null", b'"', b"{}", b"[]", b"[" + FLAWED + b"]", FLAWED * 2, b"-", b"1" * 5_000]),
)


@st.composite
def body_attacks(draw: st.DrawFn) -> Attack:
    """A hostile body in a well-formed request."""
    return Attack((request_bytes(draw(bodies)),))


# Content-Encoding.

_CONTENT_ENCODINGS = (None, "gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", ",", "", "*")


@st.composite
def encoding_attacks(draw: st.DrawFn) -> Attack:
    """A body that is not what Content-Encoding says, or is cut off, damaged, or far larger than it looks."""
    body = draw(st.just(FLAWED) | bodies)
    packed = draw(st.sampled_from([gzip.compress(body, mtime=0), zlib.compress(body), zlib.compress(body)[2:-4], body]))
    if draw(st.booleans()):
        packed += draw(st.sampled_from([packed, b"\0", b"trailing", b"\x1f\x8b", gzip.compress(b"", mtime=0) * 50]))
    cut = draw(st.integers(0, 30))
    if cut <= len(packed):
        packed = packed[: len(packed) - cut]
    if draw(st.integers(0, 9)) == 0:
        packed = gzip_bomb(draw(st.integers(1, 64)), draw(st.sampled_from([b"\0", b"[", b" ", b'"'])))
    if packed and draw(st.integers(0, 3)) == 0:
        position = draw(st.integers(0, len(packed) - 1))
        packed = packed[:position] + draw(st.binary(min_size=1, max_size=3)) + packed[position + 1 :]
    encoding = draw(st.sampled_from(_CONTENT_ENCODINGS))
    return Attack((request_bytes(packed, () if encoding is None else [("Content-Encoding", encoding)]),))


# Heads.

_TARGETS = (
    INTAKE_PATH, INTAKE_PATH + "/", "//api/v1/lineage", "/API/V1/LINEAGE", "/api%2Fv1%2Flineage", "/api/v1/lineage%00",
    "/api/v1/lineage%0A", "/%ff%fe", "/%", "/%zz", "/../../etc/passwd", "*", "/*", "", "/ /", "lineage", "?", "/?", "#",
    "http://data-obs-intake.datadoghq.com/api/v1/lineage", "http://host", "http://", "https://h:99999/x", "host:443",
    "/" + "a" * 60_000, "/" + "a" * 70_000, "/" + "/" * 3_000, INTAKE_PATH + "?" + "a=1&" * 5_000, "/caf\xe9", "/\xff",
    INTAKE_PATH + "?api-version=2&api-version=%ff", INTAKE_PATH + "?%00=%00", INTAKE_PATH + "?a[]=1;b=2#c", "/\x00",
    "/\x7f",
)  # fmt: skip
_METHODS = (
    "POST", "POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "PRI",
    "QUERY", "post", "POSTT", "", "\xff", "M-SEARCH", "SOURCE",
)  # fmt: skip
_VERSIONS = ("HTTP/1.1",) * 6 + ("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1 ", "http/1.1", "ICY", "")
_ODD_HEADERS = (
    (b"Expect", b"100-continue"), (b"Expect", b"200-perhaps"), (b"Connection", b"close"), (b"Connection", b""),
    (b"Connection", b"keep-alive, close, upgrade"), (b"Host", b""), (b"Host", b"[::1"), (b"Host", b"a\xffb"),
    (b"", b"empty name"),
    (b"Content-Encoding", b"\xff"), (b"Content-Type", b"\xe9;;;=="), (b"Content-Type", b"a" * 20_000),
    (b"Cookie", b"a=b"),
    (b"Authorization", b""), (b"Authorization", b"Bearer"), (b"Authorization", b"Basic \xff\xfe"),
    (b"DD-API-KEY", b"\xe9" * 40),
    (b"X-Forwarded-For", b"\xff, , 1.2.3.4:99999"), (b"X-Forwarded-Proto", b"\xff"), (b"Forwarded", b"for=_"),
    (b"Range", b"bytes=9-1"),
    (b"X-Long", b"v" * 200_000), (b"N" * 60_000, b"v"), (b"a b", b"c"), (b"\xc3\xa9", b"\xc3\xa9"),
    (b"Traceparent", b"00"),
    (b"Sec-WebSocket-Key", b"x"), (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"), (b"X-HTTP-Method-Override", b"DELETE"),
)  # fmt: skip
_headers = st.tuples(
    st.binary(min_size=1, max_size=12).map(lambda name: b"X-" + name.replace(b"\r", b"").replace(b"\n", b"")),
    st.binary(max_size=30).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"")),
)


@st.composite
def head_attacks(draw: st.DrawFn) -> Attack:
    """An odd request line or odd headers before an ordinary body."""
    method, target = draw(st.sampled_from(_METHODS)), draw(st.sampled_from(_TARGETS) | st.just(INTAKE_PATH))
    headers = draw(st.lists(st.sampled_from(_ODD_HEADERS) | _headers, max_size=5))
    if draw(st.integers(0, 7)) == 0:
        upgrade = draw(st.sampled_from([b"h2c", b"websocket", b"TLS/1.2", b"\xff"]))
        headers += [(b"Connection", b"Upgrade, HTTP2-Settings"), (b"Upgrade", upgrade)]
    headers *= draw(st.sampled_from([1, 1, 1, 1, 2, 300]))
    if draw(st.integers(0, 9)):
        headers.insert(draw(st.integers(0, len(headers))), (b"Authorization", b"Bearer " + KEY.encode()))
    if draw(st.integers(0, 9)):
        headers.insert(0, (b"Host", b"127.0.0.1"))
    lines = [f"{method} {target} {draw(st.sampled_from(_VERSIONS))}".encode("latin-1")]
    lines += [name + b": " + value for name, value in headers]
    lines.append(b"Content-Length: %d" % len(FLAWED))
    return Attack((b"\r\n".join(lines) + b"\r\n\r\n" + FLAWED,), bodiless=method == "HEAD")


# Framing.

_LENGTHS = ("-1", "abc", "0x10", "99999999999999999999999", "1 1", "1, 1", "+3", "3.0", "\xb2", "1e3")
_BAD_CHUNKS = (
    b"ZZ\r\nhello\r\n", b"5\r\nhelloX", b"-5\r\nhello\r\n", b"ffffffffffffffffff\r\n", b"5;\x00\r\nhello\r\n",
    b"\r\n\r\n", b"5 \t5\r\nhello\r\n",
    b"5\nhello\n", b"0\r\nbad trailer\r\n\r\n", b"0\r\n: x\r\n\r\n", b"0x5\r\nhello\r\n", b"\xff\r\n",
)  # fmt: skip
_CUT_CHUNKS = (b"", b"5", b"5\r\nhe", b"5\r\nhello", b"ffffff\r\nhello", b"0\r\n", b"0\r\nX-Trailer: y\r\n")
_ENCODINGS = ("gzip", "chunked, gzip", "chunked, chunked", "identity", "\xff", "xchunked")


@st.composite
def framing_attacks(draw: st.DrawFn) -> Attack:
    """A body whose length is told wrongly, twice, or not at all. The client sends no more, and listens."""
    kind = draw(st.sampled_from(["length", "long", "short", "chunk", "cut chunk", "both", "encoding"]))
    body = draw(st.just(FLAWED) | st.binary(min_size=4, max_size=60).map(lambda body: body + b"}}"))
    begin = chunked(*draw(st.lists(st.binary(min_size=1, max_size=40), max_size=3)))
    transfer = [("Transfer-Encoding", "chunked")]
    requests = 1
    if kind == "length":
        sent = request_bytes(b"", [("Content-Length", draw(st.sampled_from(_LENGTHS)))], length=-1) + body
    elif kind == "long":
        sent = request_bytes(body, length=len(body) + draw(st.integers(1, 10_000)))
    elif kind == "short":
        # What is left of the body stands where the next request would.
        sent = request_bytes(body, length=draw(st.integers(0, len(body) - 2)))
        requests = 2
    elif kind == "chunk":
        sent = request_bytes(begin + draw(st.sampled_from(_BAD_CHUNKS)), transfer, length=-1)
    elif kind == "cut chunk":
        sent = request_bytes(begin + draw(st.sampled_from(_CUT_CHUNKS)), transfer, length=-1)
    elif kind == "both":
        sent = request_bytes(begin + b"0\r\n\r\n", transfer, length=draw(st.integers(0, 20)))
    else:
        encoding = draw(st.sampled_from(_ENCODINGS))
        sent = request_bytes(begin + b"0\r\n\r\n", [("Transfer-Encoding", encoding)], length=-1)
    return Attack((sent,), requests, "half-close")


# Connections.


@st.composite
def connection_attacks(draw: st.DrawFn) -> Attack:
    """Requests one behind the other, torn into pieces, cut off, or left by a client that does not listen."""
    kind = draw(st.sampled_from(["pipeline", "pipeline and garbage", "cut", "close", "cut and close"]))
    sent = request_bytes(draw(st.just(FLAWED) | bodies))
    requests = 1
    end: End = "close"
    if kind.startswith("pipeline"):
        more = draw(st.lists(st.just(FLAWED) | bodies, min_size=1, max_size=5))
        sent += b"".join(map(request_bytes, more))
        requests = 1 + len(more)
        end = "wait"
        if kind != "pipeline":
            sent += draw(st.sampled_from([b"\x00", b"garbage\r\n\r\n", b"}\r\n", b"\x16\x03\x01", b"GET\r\n\r\n"]))
            requests += 1
    elif kind.startswith("cut"):
        sent = sent[: draw(st.integers(1, len(sent) - 1))]
        end = "half-close" if kind == "cut" else "close"
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=4)))
    pieces = [sent[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    return Attack(tuple(piece for piece in pieces if piece), requests, end)


# No HTTP at all.

_FOREIGN = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 200, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"EHLO mail\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00" * 50, b"{}", FLAWED, b"\x1f\x8b\x08", b"*1\r\n$4\r\nPING\r\n", b"\r\n\r\nX",
    b"P", b"HTTP/1.1 200 OK\r\n\r\n",
    b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\n", b"POST /api/v1/lineage HTTP/1.1\r\nHost: x\r\n",
    b"\xff" * 10_000, b"\r\n", b"\r\n\r\n",
)  # fmt: skip


@st.composite
def garbage_attacks(draw: st.DrawFn) -> Attack:
    """Bytes that are no HTTP request."""
    sent = draw(st.sampled_from(_FOREIGN) | st.binary(min_size=1, max_size=300))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=2)))
    pieces: Sequence[bytes] = [sent[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    return Attack(tuple(piece for piece in pieces if piece), 1 if sent.strip(b"\r\n") else 0, "half-close")


FAMILIES: dict[str, st.SearchStrategy[Attack]] = {
    "bodies": body_attacks(),
    "encodings": encoding_attacks(),
    "heads": head_attacks(),
    "framing": framing_attacks(),
    "connections": connection_attacks(),
    "garbage": garbage_attacks(),
}
