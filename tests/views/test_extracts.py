"""What views take of exchanges comes back from its bytes as it was, and its form has a name that changes with it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from mock_intake.model.exchange import Exchange
from mock_intake.model.findings import Status
from mock_intake.views import extract_blocks
from mock_intake.views.event_lineage import BodySaid, SharedValues
from mock_intake.views.extract_blocks import decoded, encoded
from mock_intake.views.extracts import Extract, extract
from tests.events import dataset, dataset_event, run_event
from tests.folds.test_growing import Graphs
from tests.test_views import Recorder

# Of the exchanges below. Where this test fails, other builds would read something else in what this one keeps, or have:
# raise NUMBER_OF_FORM, and put what is said here.
KNOWN = (1, "e21b3a1cc79583b4")


def seen(taken: Extract) -> dict[str, Any]:
    """All that any view looks at."""
    event = taken.event if taken.accepted else None
    said: BodySaid | None = None if event is None else taken.said(SharedValues())
    return {
        "of the exchange": (
            taken.org,
            taken.received_at,
            taken.accepted,
            taken.faulted,
            taken.answer_lost,
            taken.codes,
        ),
        "event": None if event is None else replace(event, producer=None),
        "said": said,
    }


def hard_ones() -> list[Exchange]:
    """Events that say what is told apart with pains, refused ones, and ones that met a fault."""
    recorder = Recorder()
    entry = {"type": "JOB", "inputs": [{**dataset("b"), "type": "DATASET"}, {**dataset("c"), "type": "JOB"}]}
    job = {"namespace": "etl", "name": "load", "facets": {"lineage": {"entries": [entry]}}}
    identifiers = [{"namespace": "s3://lake", "name": "orders", "type": "TABLE"}]
    made = {
        "fields": {"id": {"inputFields": [{**dataset("a"), "field": "id", "transformations": [{"type": "DIRECT"}]}]}}
    }
    facets: dict[str, Any] = {
        "symlinks": {"identifiers": identifiers},
        "columnLineage": made,
        "lineage": {"inputs": [dataset("a")]},
    }
    sent = [
        recorder.send(run_event(job=job, inputs=[dataset("a")], outputs=[dataset("d", **facets)])),
        recorder.send(dataset_event(dataset=dataset("d", symlinks={"identifiers": [], "_deleted": True}))),
        recorder.send(run_event("COMPLETE", job={**job, "facets": {"jobType": None}}), fault="503"),
        recorder.send(run_event(eventType=None, job={"namespace": "\0", "name": "\uffff"}), fault="202"),
        recorder.send({"eventType": "START"}),
    ]
    return [*sent, replace(sent[0], accepted=False)]


def random_ones(count: int = 300) -> list[Exchange]:
    recording = Graphs(7, plain=False)
    return [recording.grow(position) for position in range(1, count)]


@pytest.mark.parametrize("make", [hard_ones, random_ones])
def test_extracts_come_back_as_they_were(make: Callable[[], list[Exchange]]) -> None:
    exchanges = make()
    made = [(7 * number, extract(each)) for number, each in enumerate(exchanges)]
    kept = SharedValues()
    again = decoded(encoded(made, kept), SharedValues())
    assert [position for position, _ in again] == [position for position, _ in made]
    assert [seen(taken) for _, taken in again] == [seen(extract(each)) for each in exchanges]


def test_their_form_has_another_name_where_it_changes() -> None:
    # Rules change more often, and what they found is on record.
    plain = [
        replace(each, findings=(), event=each.event and replace(each.event, status=Status.OK)) for each in hard_ones()
    ]
    content = zlib.decompress(encoded(list(enumerate(map(extract, plain))), SharedValues()))
    assert (extract_blocks.NUMBER_OF_FORM, hashlib.sha256(content).hexdigest()[:16]) == KNOWN


@pytest.mark.parametrize("content", [b"", b"nothing", zlib.compress(b""), zlib.compress(b"\x98" + b"\x90" * 7)])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no block of extracts"):
        decoded(content, SharedValues())


def test_what_several_say_is_there_once_and_small() -> None:
    recorder = Recorder()
    schema = {"fields": [{"name": f"column {number}"} for number in range(100)]}
    many = [recorder.send(run_event(outputs=[dataset("d", schema=schema)], number=number)) for number in range(200)]
    content = encoded(list(enumerate(map(extract, many))), SharedValues())
    assert len(content) < 60 * len(many)
    said = [taken.said(SharedValues()) for _, taken in decoded(content, SharedValues())]
    assert len({id(each) for each in said}) == 1
