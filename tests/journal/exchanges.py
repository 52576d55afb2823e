"""Exchanges of any content, for property tests of journals."""

from __future__ import annotations

import itertools
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import EventSummary, Exchange, Hop, ReceivedRequest, Response
from mock_intake.model.findings import Finding, Severity, Status, Sureness

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_numbers = itertools.count()

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "\0", "a\0b", "\ufffe\uffff", "'; DROP TABLE events; --", "x" * 70_000, "9" * 400]
)
# All that a str can hold: lone surrogates too, which have no UTF-8.
ANY_TEXTS = TEXTS | st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(["\ud800", "\udfff\0"])
BODIES = st.binary(max_size=40) | st.sampled_from([b"", b"\0", bytes(range(256)), b"{}", b"\x1f\x8b\0" * 50_000])
SIZES = st.integers(0, 2**63 - 1)
# Where clocks go back or forth, a time is equal to none of another zone, not even to itself in UTC (PEP 495).
_PLAIN_MOMENTS = st.datetimes(timezones=st.timezones()).filter(
    lambda moment: moment.utcoffset() == moment.replace(fold=1 - moment.fold).utcoffset()
)
MOMENTS = st.datetimes(timezones=st.just(UTC)) | _PLAIN_MOMENTS
LATER_MOMENTS = st.datetimes(datetime(1970, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def exchanges_of(texts: st.SearchStrategy[str], moments: st.SearchStrategy[datetime]) -> st.SearchStrategy[Exchange]:
    """Exchanges with such texts anywhere; ids of exchange and event are unlike all others."""
    some_texts = st.none() | texts
    headers = st.lists(st.tuples(texts, texts), max_size=4).map(tuple)
    datasets = st.builds(DatasetId, texts, texts)
    summaries = st.builds(
        EventSummary,
        id=texts,
        status=st.sampled_from(Status),
        kind=st.sampled_from([None, "RunEvent", "JobEvent", "DatasetEvent"]),
        event_type=some_texts,
        event_time=some_texts,
        run_id=some_texts,
        job_namespace=some_texts,
        job_name=some_texts,
        inputs=st.lists(datasets, max_size=3).map(tuple),
        outputs=st.lists(datasets, max_size=3).map(tuple),
        dataset=st.none() | datasets,
        producer=some_texts,
        processing_type=some_texts,
        parent_run_id=some_texts,
        parent_job=st.none() | st.tuples(texts, texts),
    )
    findings = st.builds(
        Finding,
        code=texts,
        severity=st.sampled_from(Severity),
        subject=st.sampled_from(["request", "event", "run", "dataset"]),
        pointer=texts,
        message=texts,
        expected=some_texts,
        actual=some_texts,
        advice=texts,
        source=texts,
        sureness=st.sampled_from(Sureness),
        violates=st.sampled_from([None, "openlineage"]),
    )
    requests = st.builds(
        ReceivedRequest,
        id=st.builds("x{}".format, st.builds(next, st.just(_numbers))),
        method=texts,
        path=texts,
        query=texts,
        headers=headers,
        body=BODIES,
        received_at=moments,
        peer=some_texts,
        wire_size=SIZES,
        too_large=st.booleans(),
        complete=st.booleans(),
    )
    exchanges = st.builds(
        Exchange,
        request=requests,
        org=texts,
        response=st.builds(Response, st.integers(0, 999), headers, BODIES),
        accepted=st.booleans(),
        event=st.none() | summaries,
        findings=st.lists(findings, max_size=3).map(tuple),
        decoded_size=st.none() | SIZES,
        fault=some_texts,
        hop=st.none() | st.builds(Hop, texts, texts, headers, some_texts),
    )
    return exchanges.map(_consistent)


def _consistent(exchange: Exchange) -> Exchange:
    event = exchange.event
    if event is None:
        # There is nothing to be accepted.
        return replace(exchange, accepted=False)
    return replace(exchange, event=replace(event, id=f"{exchange.id}-{event.id}"))


def plain(name: str | None, *, accepted: bool = True, org: str = "org", after: float = 0, **changes: Any) -> Exchange:
    """An exchange with an event called so, received so many seconds after noon."""
    number = next(_numbers)
    body = f'{{"name": "{name}"}}'.encode()
    request = ReceivedRequest(
        f"x{number}", "POST", "/api/v1/lineage", "", (), body, NOON + timedelta(seconds=after), wire_size=len(body)
    )
    event = None
    if name is not None:
        fields: dict[str, Any] = dict.fromkeys(EventSummary.__struct_fields__)
        fields |= {"id": f"{org}-{name}", "status": Status.OK, "inputs": (), "outputs": ()}
        event = EventSummary(**fields | changes)
    return Exchange(request, org, Response(202 if accepted else 400, (), b""), accepted and name is not None, event, ())


MIB = 1024 * 1024
_NOISE = random.Random(1).randbytes(MIB)


def large(size: int = MIB) -> Exchange:
    """An exchange with a body of so many bytes, a mebibyte at most: noise that is like no other."""
    exchange = plain(str(uuid.uuid4()))
    identity = uuid.uuid4()
    body = identity.bytes + _NOISE[: size - 16]
    return replace(exchange, request=replace(exchange.request, id=str(identity), body=body, wire_size=size))
