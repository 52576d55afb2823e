"""Exchanges as plain tuples within plain tuples, and back.

Python's collector of cycles passes over such a tuple for good once it has seen that only texts, bytes and numbers are
in it. Through the dozen objects that an exchange is otherwise it would look again and again: many thousand of those on
record would have the server stand still for a twentieth of a second, now and then.
"""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from typing import Any

from mock_intake.event import DatasetId
from mock_intake.exchange import EventSummary, Exchange, Hop, ReceivedRequest, Response
from mock_intake.findings import Finding, Severity, Status, Sureness
from mock_intake.journal.protocol import EventRecord

Flat = tuple[Any, ...]

# Where what stands in it, and in the tuples for request and event.
REQUEST, ORG, RESPONSE, ACCEPTED, EVENT, FINDINGS, DECODED_SIZE, FAULT, HOP = range(len(Exchange._fields))
REQUEST_ID, RECEIVED_AT, BODY = map(ReceivedRequest._fields.index, ("id", "received_at", "body"))
_HEADERS, _PATH, _QUERY = map(ReceivedRequest._fields.index, ("headers", "path", "query"))
EVENT_FIELD = {name: place for place, name in enumerate(EventSummary._fields)}
_SEVERITY, _SURENESS = map(Finding._fields.index, ("severity", "sureness"))
_STATUS, _INPUTS, _OUTPUTS, _DATASET = map(EVENT_FIELD.__getitem__, ("status", "inputs", "outputs", "dataset"))


def flatten(exchange: Exchange) -> Flat:
    request, org, response, accepted, event, findings, decoded_size, fault, hop = exchange
    return (
        tuple(request),
        org,
        tuple(response),
        accepted,
        None if event is None else _flat_event(event),
        tuple(map(_flat_finding, findings)) if findings else (),
        decoded_size,
        fault,
        None if hop is None else tuple(hop),
    )


def _flat_finding(finding: Finding) -> Flat:
    fields: list[Any] = list(finding)
    # A member of an enumeration is more than a text.
    fields[_SEVERITY], fields[_SURENESS] = finding.severity.value, finding.sureness.value
    return tuple(fields)


def _flat_event(event: EventSummary) -> Flat:
    fields: list[Any] = list(event)
    fields[_STATUS] = event.status.value
    fields[_INPUTS] = tuple(map(tuple, event.inputs))
    fields[_OUTPUTS] = tuple(map(tuple, event.outputs))
    if event.dataset is not None:
        fields[_DATASET] = tuple(event.dataset)
    return tuple(fields)


def exchange_of(flat: Flat) -> Exchange:
    request, org, response, accepted, event, findings, decoded_size, fault, hop = flat
    return Exchange(
        ReceivedRequest(*request),
        org,
        Response(*response),
        accepted,
        None if event is None else _event_of(event),
        _findings_of(findings),
        decoded_size,
        fault,
        None if hop is None else Hop(*hop),
    )


def _findings_of(flat: Flat) -> tuple[Finding, ...]:
    return tuple([_finding_of(each) for each in flat]) if flat else ()


def _finding_of(flat: Flat) -> Finding:
    fields = list(flat)
    fields[_SEVERITY], fields[_SURENESS] = Severity(flat[_SEVERITY]), Sureness(flat[_SURENESS])
    return Finding(*fields)


def _event_of(flat: Flat) -> EventSummary:
    fields = list(flat)
    fields[_STATUS] = Status(flat[_STATUS])
    fields[_INPUTS] = tuple([DatasetId(*dataset) for dataset in flat[_INPUTS]])
    fields[_OUTPUTS] = tuple([DatasetId(*dataset) for dataset in flat[_OUTPUTS]])
    if flat[_DATASET] is not None:
        fields[_DATASET] = DatasetId(*flat[_DATASET])
    return EventSummary(*fields)


def record_of(first: Flat, received_at: datetime, last_received_at: datetime, attempts: int) -> EventRecord:
    """An event's record from the exchange that stands for it, and what is known of all of its attempts."""
    return EventRecord(
        _event_of(first[EVENT]),
        first[ORG],
        received_at,
        last_received_at,
        attempts,
        _findings_of(first[FINDINGS]),
        identity(first),
    )


def identity(flat: Flat) -> str:
    """The id of the exchange."""
    return str(flat[REQUEST][REQUEST_ID])


def bodies(flat: Flat) -> int:
    """How large its bodies are, in bytes: the request's and the answer's."""
    return len(flat[REQUEST][BODY]) + len(flat[RESPONSE][-1])


def size(flat: Flat) -> int:
    """How much its texts and bodies take, in bytes, more or less."""
    request = flat[REQUEST]
    headers = sum(map(len, chain.from_iterable(request[_HEADERS])))
    return bodies(flat) + len(request[_PATH]) + len(request[_QUERY]) + headers
