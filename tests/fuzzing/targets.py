"""What is fuzzed, and what must hold whatever comes in: functions of bytes that raise where it does not.

``make fuzz`` has a fuzzer that sees which branches are taken look for such bytes (``tests/fuzzing/run.py``); what it
finds becomes a test beside its like. In CI the targets are run over their seeds, and over some that were damaged.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import NamedTuple

from mock_intake.body.decoding import CorruptBodyError, DecodedTooLargeError, UnsupportedEncodingError, decode
from mock_intake.body.parsing import ParseError, dumps, parse
from mock_intake.datadog.sites import INTAKE_PATH
from mock_intake.files.exports import TransferError, exchange_to_line
from mock_intake.files.imports import Import
from mock_intake.judging.intake import Intake
from mock_intake.model.bounding import MOST_CHARACTERS, MOST_IN_ALL
from mock_intake.model.exchange import Exchange, ReceivedRequest
from tests.events import RUN_ID, base, dataset, run_event, schema

KEY = "9f1c2ab34d5e6f708192a3b4c5d6e7f8"
LIMIT = 1 << 20
# So much (bytes) may have been decoded beyond the limit when that is seen.
_LAST_CHUNK = 1 << 18
ENCODINGS = (None, "gzip", "deflate", "identity", "gzip, gzip", "br")


class Target(NamedTuple):
    """``run`` raises where something does not hold; ``seeds`` are inputs to begin with."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def decoding(data: bytes) -> None:
    """The first byte chooses the encoding. Nothing is raised but what is said, and nothing is larger than the limit."""
    encoding = ENCODINGS[data[0] % len(ENCODINGS)] if data else None
    try:
        decoded = decode(data[1:], encoding, LIMIT)
    except UnsupportedEncodingError:
        return
    except (CorruptBodyError, DecodedTooLargeError) as error:
        read, decoded, most = error.read, error.decoded, LIMIT + _LAST_CHUNK
    else:
        read, most = len(data), LIMIT
    assert read <= len(data)
    assert len(decoded) <= most


def parsing(data: bytes) -> None:
    """What can be parsed is the same again once it is written and parsed."""
    try:
        value = parse(data).value
    except ParseError as error:
        refused: str | None = error.reason
    else:
        refused = None
        assert parse(dumps(value)).value == value
    assert refused in (None, "syntax", "encoding", "number", "depth", "values")


def judging(data: bytes) -> None:
    """The first byte chooses how the body is sent. Each request makes an exchange of bounded size, without its key."""
    kind = data[0] if data else 0
    encoding = ENCODINGS[kind % len(ENCODINGS)]
    body = data[1:]
    headers = [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")]
    if encoding is not None:
        headers.append(("content-encoding", encoding))
    if kind & 0x80:
        body = body + KEY.encode()
    exchange = _intake().receive(_request(body, headers, complete=not kind & 0x40))
    assert KEY not in str(exchange)
    assert len(exchange.findings) <= MOST_IN_ALL + 50
    assert len(exchange.response.body) <= 8 * MOST_CHARACTERS
    answer = json.loads(exchange.response.body)
    assert exchange.accepted == (exchange.response.status_code == 202) == ("errors" not in answer)


def importing(data: bytes) -> None:
    """An import is taken or refused; what is taken is the same again once it is exported and imported."""
    try:
        arrived = _imported(data)
    except TransferError:
        return
    assert _imported(b"\n".join(map(exchange_to_line, arrived))) == arrived


def _imported(data: bytes) -> list[Exchange]:
    return [exchange for part in Import(BytesIO(data), lambda _: False).parts() for exchange in part]


@cache
def _intake() -> Intake:
    return Intake()


def _request(body: bytes, headers: list[tuple[str, str]], *, complete: bool = True) -> ReceivedRequest:
    return ReceivedRequest(
        "0123456789ab", "POST", INTAKE_PATH, "", tuple(headers), body, datetime(2026, 11, 1, tzinfo=UTC),
        wire_size=len(body), complete=complete,
    )  # fmt: skip


_LINEAGE = {
    **base("ColumnLineageDatasetFacet", "1-2-0"),
    "fields": {
        "id": {"inputFields": [{"namespace": "postgres://db:5432", "name": "shop.public.orders", "field": "id"}]}
    },
}
_EVENTS = tuple(
    json.dumps(event).encode()
    for event in (
        run_event(),
        run_event("COMPLETE", inputs=[dataset(schema=schema())], outputs=[dataset("s.p.d", columnLineage=_LINEAGE)]),
        run_event("FAIL", run={"runId": RUN_ID, "facets": {"parent": {"run": {"runId": RUN_ID}}}}),
        run_event(note="postgres://etl:s3same@db:5432 \ud83d"),
        {"dataset": {"namespace": "s3://lake", "name": "a/b/c/d"}, "eventTime": "2026-11-01T12:00:00"},
    )
)
_MORE = (b"", b"{}", b"[]", b'{"a":' + b"[" * 300, b'{"a": NaN}', b"\xef\xbb\xbf{}", b'{"a": 1e400}', b'"\\ud800"')
_PACKED = (b"\1" + gzip.compress(_EVENTS[0], mtime=0), b"\2" + zlib.compress(_EVENTS[0]))


def _exchanges() -> tuple[bytes, ...]:
    made: list[Exchange] = [_intake().receive(_request(body, [("authorization", f"Bearer {KEY}")])) for body in _EVENTS]
    return tuple(exchange_to_line(exchange) for exchange in made)


@cache
def targets() -> Mapping[str, Target]:
    """By name, as ``make fuzz TARGETS=...`` has them."""
    plain = tuple(b"\0" + body for body in (*_EVENTS, *_MORE))
    return {
        "decode": Target(decoding, (*plain, *_PACKED)),
        "parse": Target(parsing, (*_EVENTS, *_MORE)),
        "judge": Target(judging, (*plain, *_PACKED, b"\x80" + _EVENTS[1], b"\x40" + _EVENTS[1])),
        "import": Target(importing, (*_exchanges(), *_MORE)),
    }
