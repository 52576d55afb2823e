"""One HTTP exchange as values: the request as received, what was made of it, the answer given.

Nothing here does I/O. A ``ReceivedRequest`` is as the server read it, key and all; an ``Exchange`` is what
may be kept and shown, every key in it masked (``mock_intake.secrets.api_keys``).
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct
from msgspec.structs import replace

from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Finding, Status
from mock_intake.model.literals import Count, Kind

if TYPE_CHECKING:
    from mock_intake.model import shapes

Headers = tuple[tuple[str, str], ...]
# As they may be where they come from outside: in an import.
ExchangeId = Annotated[str, ("pattern", "^[0-9A-Za-z_-]{1,64}$")]
StatusCode = Annotated[int, ("minimum", 0), ("maximum", 999)]

_process = secrets.token_hex(6)
_counter = itertools.count()


def _is_forked() -> None:
    """A process that was forked (servers and test runners do it) is another one: it needs a token of its own."""
    global _process
    _process = secrets.token_hex(6)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_is_forked)

# The status code of an exchange that got no answer with a status.
NO_ANSWER = 0
# The fault of an exchange that was handled as usual, and answered late.
LATE = "delay"
UNATTRIBUTED = "unattributed"
ANONYMOUS = "anonymous"


def new_exchange_id() -> str:
    """An id that no other exchange has, on this machine or another: process token and counter."""
    return f"{_process}{next(_counter):08x}"


# Headers of one connection only, which nobody sends on (RFC 9110, 7.6.1); in lower case.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header; ``name`` in lower case."""
    for key, value in headers:
        if key == name or key.lower() == name:
            return value
    return None


def joined(headers: Headers) -> dict[str, str]:
    """``headers`` as one object, names in lower case; values of the same name joined by commas (RFC 9110, 5.2)."""
    values: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        values[name] = f"{values[name]}, {value}" if name in values else value
    return values


# Why Structs, and why the collector passes over them: mock_intake.model.findings says so. A field that is added to one
# of these is kept and exported: mock_intake.journal.layout derives that, and asks for a step of migration.
class ReceivedRequest(Struct, frozen=True, gc=False):
    """An HTTP request as it was received.

    ``path`` is percent-decoded, ``query`` as sent. ``body`` is as on the wire, content
    encoding included; ``wire_size`` is its size in bytes, larger than ``len(body)`` where the server
    stopped keeping at its limit (``too_large``). ``complete`` is false where the peer went away before
    the body had ended.
    """

    id: ExchangeId
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    received_at: datetime
    peer: str | None = None
    wire_size: Count = 0
    too_large: bool = False
    complete: bool = True

    def with_head(self, path: str, query: str, headers: Headers) -> ReceivedRequest:
        """The request with this ``path``, ``query`` and ``headers`` in place of its own, as where they were masked."""
        return replace(self, path=path, query=query, headers=headers)


class Response(Struct, frozen=True, gc=False):
    """An answer: status code (``NO_ANSWER`` where none was given), headers, body."""

    status_code: StatusCode
    headers: Headers
    body: bytes


# It is kept and exported as an array: in one place, as it is there for few exchanges.
class Hop(Struct, frozen=True, gc=False, array_like=True):
    """What came before the request on record: as the Agent received it, keys masked."""

    path: str
    query: str
    headers: Headers
    peer: str | None

    def to_dict(self) -> shapes.Agent:
        """The JSON form of the control API."""
        return {"path": self.path, "query": self.query, "headers": joined(self.headers)}


class EventSummary(Struct, frozen=True, gc=False):
    """The flat facts of an event by which it is listed, filtered and folded; the body is kept beside.

    ``status`` is fixed at receipt. ``processing_type``, the ``parent`` and the ``root`` fields come from facets;
    ``parent_job`` and ``root_job`` are (namespace, name). ``parent_run_id`` is empty where there is a parent facet that
    names no run: it replaces an earlier one all the same. ``snapshot`` tells that the event stands for itself.
    """

    id: str
    status: Status
    kind: Kind | None
    event_type: str | None
    event_time: str | None
    run_id: str | None
    job_namespace: str | None
    job_name: str | None
    inputs: tuple[DatasetId, ...]
    outputs: tuple[DatasetId, ...]
    dataset: DatasetId | None
    producer: str | None
    processing_type: str | None
    parent_run_id: str | None
    parent_job: tuple[str, str] | None
    root_run_id: str | None = None
    root_job: tuple[str, str] | None = None
    snapshot: bool | None = None

    @property
    def datasets(self) -> Iterator[DatasetId]:
        """The datasets that it names: inputs, outputs, and the subject of a DatasetEvent."""
        yield from self.inputs
        yield from self.outputs
        if self.dataset is not None:
            yield self.dataset


class NamedEvent(Struct, frozen=True, gc=False, array_like=True):
    """As much of an event as reports say of it."""

    kind: Kind | None
    event_type: str | None
    event_time: str | None
    run_id: str | None
    job_namespace: str | None
    job_name: str | None
    dataset: DatasetId | None


class Exchange(Struct, frozen=True, gc=False):
    """A request and the answer it got, with what was judged: the record that the journal keeps.

    ``accepted`` tells that the event, if there is one, was taken (2xx). ``event`` is there as soon as a
    body could be read as a JSON object, also when the request was refused. ``fault`` names the fault
    step that hit the exchange; ``hop`` is there where the Agent stood in between.
    """

    request: ReceivedRequest
    org: str
    response: Response
    accepted: bool
    event: EventSummary | None
    findings: tuple[Finding, ...]
    decoded_size: Count | None = None
    fault: str | None = None
    hop: Hop | None = None

    @property
    def id(self) -> str:
        """The request's id: there is one exchange for each request."""
        return self.request.id

    @property
    def answer_lost(self) -> bool:
        """Whether a fault kept, changed or delayed the answer, so that sending again was right."""
        return self.fault is not None and not (self.fault.isdigit() and self.fault.startswith("2"))

    @property
    def received_at(self) -> datetime:
        """When the request was received."""
        return self.request.received_at

    def to_dict(self) -> shapes.BareExchange:
        """The JSON form of the control API, without the body."""
        return {
            "id": self.id,
            "org": self.org,
            "received_at": rfc3339(self.received_at),
            "method": self.request.method,
            "path": self.request.path,
            "query": self.request.query,
            "headers": joined(self.request.headers),
            "wire_size": self.request.wire_size,
            "decoded_size": self.decoded_size,
            "status_code": self.response.status_code or None,
            "fault": self.fault,
            "agent": self.hop.to_dict() if self.hop else None,
            "event_id": self.event.id if self.event else None,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def rfc3339(moment: datetime) -> str:
    """``moment`` (which has an offset) as RFC 3339 in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them. Raises ``UnicodeEncodeError`` for what is not Latin-1."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
