"""Requests (HT): for each rule one that triggers it, and the nearest that does not."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from mock_intake.datadog.authentication import Keys
from mock_intake.exchange import Headers, ReceivedRequest
from mock_intake.intake import LARGE_UNCOMPRESSED, Settings
from tests.events import run_event

KEY = "5e11ab1e5e11ab1e5e11ab1e5e11ab1e"
OTHER_KEY = "0ddba110ddba110ddba110ddba110ddb"
SHORT_KEY = KEY[:31]
APPLICATION_KEY = KEY + "deadbeef"

BODY = orjson.dumps(run_event())


@dataclass(frozen=True)
class Sent:
    """A request, and the settings of the intake that it is sent to."""

    request: ReceivedRequest
    settings: Settings = field(default_factory=Settings)


def headers(*changes: tuple[str, str | None]) -> Headers:
    """The headers of a request that nothing is wrong with, but for these: None leaves one out."""
    named: dict[str, str | None] = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    named.update(changes)
    return tuple((name, value) for name, value in named.items() if value is not None)


GOOD = ReceivedRequest(
    id="0123456789abcdef",
    method="POST",
    path="/api/v1/lineage",
    query="",
    headers=headers(),
    body=BODY,
    received_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
    wire_size=len(BODY),
)


def with_headers(*changes: tuple[str, str | None]) -> Sent:
    return Sent(GOOD._replace(headers=headers(*changes)))


def with_key(key: str, *known: str) -> Sent:
    """A request with this key, to an intake that knows these; without any, every well-formed one."""
    settings = Settings(keys=Keys(frozenset(known) if known else None))
    return Sent(GOOD._replace(headers=headers(("authorization", f"Bearer {key}"))), settings)


def with_body(body: bytes, *, encoding: str | None = None, limit: int | None = None) -> Sent:
    request = GOOD._replace(body=body, wire_size=len(body), headers=headers(("content-encoding", encoding)))
    return Sent(request, Settings() if limit is None else Settings(max_body=limit))


def at(path: str, query: str = "") -> Sent:
    return Sent(GOOD._replace(path=path, query=query))


def nested(levels: int) -> bytes:
    """An object with arrays in it, this many levels in all."""
    return b'{"deep":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


EXAMPLES: Mapping[str, tuple[Sent, Sent]] = {
    "HT001": (with_headers(("authorization", None)), Sent(GOOD)),
    "HT002": (with_headers(("authorization", f"Basic {KEY}")), Sent(GOOD)),
    "HT003": (with_headers(("authorization", None), ("dd-api-key", KEY)), Sent(GOOD)),
    "HT004": (with_key(OTHER_KEY, KEY), with_key(KEY, KEY)),
    "HT005": (with_key(SHORT_KEY, SHORT_KEY, KEY), with_key(KEY, SHORT_KEY, KEY)),
    "HT006": (at("/api/v1/lineage", f"api_key={KEY}"), at("/api/v1/lineage", "api-version=2")),
    "HT007": (
        with_body(BODY.replace(b"load_orders", KEY.encode())),
        with_body(BODY.replace(b"load_orders", OTHER_KEY.encode())),
    ),
    "HT101": (with_headers(("content-type", "text/json")), with_headers(("content-type", "application/json"))),
    "HT102": (with_body(BODY, encoding="br"), with_body(BODY, encoding="identity")),
    "HT103": (with_body(gzip.compress(BODY)[:-1], encoding="gzip"), with_body(gzip.compress(BODY), encoding="gzip")),
    "HT104": (with_body(BODY, limit=len(BODY) - 1), with_body(BODY, limit=len(BODY))),
    "HT105": (with_body(BODY.ljust(LARGE_UNCOMPRESSED + 1)), with_body(BODY.ljust(LARGE_UNCOMPRESSED))),
    "HT106": (Sent(GOOD._replace(complete=False)), Sent(GOOD)),
    "HT201": (with_body(BODY[:-1]), with_body(BODY)),
    "HT202": (with_body(orjson.dumps(BODY.decode())), with_body(BODY)),
    "HT203": (with_body(b"[" + BODY + b"]"), with_body(BODY)),
    "HT204": (
        with_body(BODY.replace(b'"JOB"', b'"JOB","cost":NaN')),
        with_body(BODY.replace(b'"JOB"', b'"JOB","cost":1e9')),
    ),
    "HT205": (with_body(nested(201)), with_body(nested(200))),
    "HT301": (at("/api/v1/lineage/"), at("/api/v1/lineage")),
    "HT302": (Sent(GOOD._replace(method="PUT")), Sent(GOOD)),
}

_HEAD = f"Host: intake\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nConnection: close\r\n"
_REST = f"{_HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY

# HT303: bytes for a real connection, since only a server can tell that something is no HTTP.
NOT_HTTP: tuple[bytes, bytes] = (
    b"POST /api/v1/lineage HTTQ/1.1\r\n" + _REST,
    b"POST /api/v1/lineage HTTP/1.1\r\n" + _REST,
)
