"""Extracts of many exchanges as bytes, for a journal to keep: what many events say is in there once.

Only what views look at is in there: of a request that was refused not the event. Texts, times and numbers come back as
they were. MessagePack, compressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mock_intake.journal.columns import microseconds, moment
from mock_intake.model.event import DatasetId, Role
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Status
from mock_intake.model.literals import Entity
from mock_intake.views.event_lineage import (
    BodySaid,
    ColumnSources,
    DatasetSaid,
    Flow,
    Identifier,
    JobId,
    NodeId,
    SharedValues,
)
from mock_intake.views.extracts import Extract

T = TypeVar("T")

# To be raised where the same exchange comes to another extract, or the same extract to other bytes: a test tells.
NUMBER_OF_FORM = 1

_STATUSES = tuple(Status)
_ACCEPTED, _FAULTED, _ANSWER_LOST = 1, 2, 4
# Fast, and half as large as without.
_LEVEL = 1


class _Node(NamedTuple):
    """A job or a dataset: as pairs they cannot be told apart."""

    is_job: bool
    namespace: str
    name: str


class _Flow(Struct, array_like=True, gc=False):
    target: _Node
    sources: tuple[_Node, ...] | None
    columns: ColumnSources


class _Dataset(Struct, array_like=True, gc=False):
    id: DatasetId
    role: Role
    said: tuple[str, ...]
    schema: tuple[str, ...] | None
    columns: ColumnSources | None
    symlinks: tuple[Identifier, ...] | None
    lineage: _Flow | None


class _Body(Struct, array_like=True, gc=False):
    """What a body says; ``facets`` and ``datasets`` by their numbers."""

    facets: int
    says_job_type: bool
    job_type: str | None
    says_lineage: bool
    lineage: tuple[_Flow, ...]
    datasets: tuple[int, ...]


class _Event(Struct, array_like=True, gc=False):
    """An event: what is its own, and what it has in common with others by its number."""

    id: str
    event_time: str | None
    status: int
    event_type: int
    run_id: int
    summary: int
    body: int


class _Exchange(Struct, array_like=True, gc=False):
    position: int
    received_at: int
    flags: int
    org: int
    codes: int
    event: _Event | None


class _Block(Struct, array_like=True, gc=False):
    orgs: list[str]
    codes: list[tuple[str, ...]]
    texts: list[str | None]
    summaries: list[EventSummary]
    facets: list[tuple[tuple[Entity, str], ...]]
    datasets: list[_Dataset]
    bodies: list[_Body]
    exchanges: list[_Exchange]


@cache
def form() -> str:
    """What these bytes are called: other builds, which may read another thing in a body, look for others."""
    return f"{version('mock-intake')}/{NUMBER_OF_FORM}"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Block)


class _Table(dict[Any, int]):
    """Numbers of values, in the order in which they came."""

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        return number


def encoded(extracts: Sequence[tuple[int, Extract]], kept: SharedValues) -> bytes:
    """Extracts, with the positions of their exchanges, as bytes. ``kept`` is what bodies are read with."""
    orgs, codes, texts, summaries, facets, bodies = (_Table() for _ in range(6))
    # By identity: equal ones are the same object for the most part, and hashing all they say takes its time.
    numbers: dict[int, int] = {}
    datasets: list[DatasetSaid] = []

    def number_of(said: DatasetSaid) -> int:
        number = numbers.setdefault(id(said), len(datasets))
        if number == len(datasets):
            datasets.append(said)
        return number

    def event_of(taken: Extract) -> _Event:
        event, body = taken.event, taken.said(kept)
        assert event is not None
        common = replace(event, id="", status=Status.OK, event_type=None, event_time=None, run_id=None, producer=None)
        said = (
            facets[body.facets],
            body.says_job_type,
            body.job_type,
            body.says_lineage,
            body.lineage,
            tuple([number_of(dataset) for dataset in body.datasets]),
        )
        return _Event(
            event.id,
            event.event_time,
            _STATUSES.index(event.status),
            texts[event.event_type],
            texts[event.run_id],
            summaries[common],
            bodies[said],
        )

    exchanges = [
        _Exchange(
            position,
            microseconds(taken.received_at),
            _ACCEPTED * taken.accepted | _FAULTED * taken.faulted | _ANSWER_LOST * taken.answer_lost,
            orgs[taken.org],
            codes[taken.codes],
            event_of(taken) if taken.event is not None and taken.accepted else None,
        )
        for position, taken in extracts
    ]
    block = _Block(
        list(orgs),
        list(codes),
        list(texts),
        list(summaries),
        list(facets),
        [_dataset_to(said) for said in datasets],
        [_Body(a, b, c, d, tuple(map(_flow_to, flows)), e) for a, b, c, d, flows, e in bodies],
        exchanges,
    )
    return zlib.compress(_encoder.encode(block), _LEVEL)


def decoded(content: bytes, kept: SharedValues) -> list[tuple[int, Extract]]:
    """The extracts that were ``encoded``, with their positions. What others have in common with them is ``kept`` once.

    Raises ``ValueError`` for bytes that are none of these.
    """
    try:
        block = _decoder.decode(zlib.decompress(content))
        share = kept.share
        codes, facets = [share(each) for each in block.codes], [share(each) for each in block.facets]
        datasets = [share(_dataset_from(each)) for each in block.datasets]
        bodies = [
            BodySaid(
                facets[each.facets],
                each.says_job_type,
                each.job_type,
                each.says_lineage,
                share(tuple(map(_flow_from, each.lineage))),
                tuple([datasets[number] for number in each.datasets]),
            )
            for each in block.bodies
        ]
        extracts = []
        for one in block.exchanges:
            event, summary, said = one.event, None, None
            if event is not None:
                summary = replace(
                    block.summaries[event.summary],
                    id=event.id,
                    status=_STATUSES[event.status],
                    event_type=block.texts[event.event_type],
                    event_time=event.event_time,
                    run_id=block.texts[event.run_id],
                )
                said = bodies[event.body]
            flags = one.flags
            taken = Extract(
                block.orgs[one.org],
                moment(one.received_at),
                bool(flags & _ACCEPTED),
                bool(flags & _FAULTED),
                bool(flags & _ANSWER_LOST),
                codes[one.codes],
                summary,
                said,
            )
            extracts.append((one.position, taken))
    except (zlib.error, msgspec.MsgspecError, IndexError, OverflowError) as error:
        raise ValueError("this is no block of extracts") from error
    return extracts


def _node_to(node: NodeId) -> _Node:
    return _Node(isinstance(node, JobId), *node)


def _node_from(node: _Node) -> NodeId:
    return (JobId if node.is_job else DatasetId)(node.namespace, node.name)


def _flow_to(flow: Flow) -> _Flow:
    sources = None if flow.sources is None else tuple(map(_node_to, flow.sources))
    return _Flow(_node_to(flow.target), sources, flow.columns)


def _flow_from(flow: _Flow) -> Flow:
    sources = None if flow.sources is None else tuple(map(_node_from, flow.sources))
    return Flow(_node_from(flow.target), sources, flow.columns)


def _dataset_to(said: DatasetSaid) -> _Dataset:
    flow = None if said.lineage is None else _flow_to(said.lineage)
    return _Dataset(said.id, said.role, tuple(sorted(said.said)), said.schema, said.columns, said.symlinks, flow)


def _dataset_from(said: _Dataset) -> DatasetSaid:
    flow = None if said.lineage is None else _flow_from(said.lineage)
    return DatasetSaid(said.id, said.role, frozenset(said.said), said.schema, said.columns, said.symlinks, flow)
