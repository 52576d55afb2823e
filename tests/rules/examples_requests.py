"""Requests, for tests to put together and for the examples of rules (HT)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec.structs import replace

from mock_intake.datadog.authentication import Keys
from mock_intake.judging.intake import Settings
from mock_intake.model.exchange import Headers, ReceivedRequest
from mock_intake.rules.examples import ABSENT, KEY, OTHER_KEY, Repeated, changed
from tests.events import run_event

__all__ = ["KEY", "OTHER_KEY"]

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


def several(name: str, *values: str) -> Headers:
    """The same with several headers of one name."""
    return (*[pair for pair in headers() if pair[0] != name], *[(name, value) for value in values])


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
    return Sent(replace(GOOD, headers=headers(*changes)))


def with_key(key: str, *known: str) -> Sent:
    """A request with this key, to an intake that knows these; without any, every well-formed one."""
    settings = Settings(keys=Keys(frozenset(known) if known else None))
    return Sent(replace(GOOD, headers=headers(("authorization", f"Bearer {key}"))), settings)


def with_body(body: bytes, *, encoding: str | None = None, limit: int | None = None) -> Sent:
    request = replace(GOOD, body=body, wire_size=len(body), headers=headers(("content-encoding", encoding)))
    return Sent(request, Settings() if limit is None else Settings(max_body=limit))


def at(path: str, query: str = "") -> Sent:
    return Sent(replace(GOOD, path=path, query=query))


def nested(levels: int) -> bytes:
    """An object with arrays in it, this many levels in all."""
    return b'{"deep":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def sent(changes: Mapping[str, Any]) -> Sent:
    """The good request with these changes, as an example of a rule tells them, and the intake that it is sent to."""
    request, settings = GOOD, Settings()
    fields: dict[str, str | None] = {}
    event = orjson.loads(BODY)
    for place, value in changes.items():
        where, _, name = place.partition(":")
        if place.startswith("/"):
            event = changed(event, {place: str(value) if isinstance(value, Repeated) else value})
            request = _with_body(request, orjson.dumps(event))
        elif where == "header" and isinstance(value, tuple):
            return Sent(replace(request, headers=several(name.lower(), *value)), settings)
        elif where == "header":
            fields[name.lower()] = None if value is ABSENT else str(value)
        elif place == "body":
            request = _with_body(request, str(value).encode())
        elif place == "intake:keys":
            settings = replace(settings, keys=Keys(frozenset(value)))
        elif place == "intake:max-body":
            settings = replace(settings, max_body=value)
        else:
            assert place in ("path", "query", "method", "complete"), f"no place of a request: {place}"
            request = replace(request, **{place: value})
    return Sent(replace(request, headers=headers(*fields.items())), settings)


def _with_body(request: ReceivedRequest, body: bytes) -> ReceivedRequest:
    return replace(request, body=body, wire_size=len(body))


def as_bytes(changes: Mapping[str, Any]) -> bytes:
    """The same as a connection carries it, for what is told before a request is read."""
    line, fields = "POST /api/v1/lineage HTTP/1.1", {"Host": "intake", "Content-Type": "application/json"}
    for place, value in changes.items():
        where, _, name = place.partition(":")
        if where == "header":
            fields[name] = str(value)
        else:
            assert place == "request line", f"no place of what a connection carries: {place}"
            line = value
    fields |= {"Authorization": f"Bearer {KEY}", "Content-Length": str(len(BODY)), "Connection": "close"}
    head = "\r\n".join([line, *(f"{name}: {value}" for name, value in fields.items())])
    return f"{head}\r\n\r\n".encode() + BODY
