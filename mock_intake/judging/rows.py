"""What was made of a block, as rows: in the form in which the ledger keeps it, and other processes send it.

What nobody asks for on the way is encoded once, where the block was judged, and decoded by who closes the runs.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from mock_intake.files.blocks import Block
from mock_intake.judging.blocks import JobOfRun, RunEvent, SeenDataset, SeenRun, WithoutRun, judge_block
from mock_intake.judging.judgement import Judge
from mock_intake.judging.parents import Above
from mock_intake.model.event import DatasetId, Kind
from mock_intake.model.exchange import EventSummary, NamedEvent
from mock_intake.model.findings import Finding, Status
from mock_intake.model.runs import Job, Repeat
from mock_intake.openlineage.runs import Found
from mock_intake.views.event_lineage import Identifier

encoded = msgspec.msgpack.Encoder().encode
events_in = msgspec.msgpack.Decoder(list[RunEvent]).decode
found_in = msgspec.msgpack.Decoder(list[Found]).decode
event_in = msgspec.msgpack.Decoder(NamedEvent).decode
# What is found in the one run of a run id where there is nothing to be said of it, by whatever rule.
NOTHING_FOUND = encoded([{}])


class RowOfJob(Struct, array_like=True, gc=False):
    """A job that a run id came with, as ``JobOfRun``; encoded, as it is looked up by."""

    job: bytes
    heard: int
    line: int
    begins: bool
    unfinished: bool


class RowOfRun(Struct, array_like=True, gc=False):
    """What a block has of one run id, as ``SeenRun``: events and what was found are encoded.

    ``heard`` is the position of its last event, ``is_plain`` as in ``ledger.KnownRun``. Where that was found with the
    help of its parent, ``above`` is the key of that, and ``alone`` what was found without.
    """

    key: str
    heard: int
    found: bytes
    is_plain: bool
    events: bytes
    jobs: list[RowOfJob]
    repeats: list[tuple[int, Repeat]]
    above: str | None
    alone: bytes | None


class RowOfEvent(Struct, array_like=True, gc=False):
    """A line of the recording, judged. ``event`` is a ``NamedEvent``, encoded; None for a line that is no event."""

    line: int
    status: Status
    kind: Kind | None
    event: bytes | None
    findings: tuple[Finding, ...]


class BlockRows(Struct, array_like=True, gc=False):
    """All that is to be known of a block, as ``JudgedBlock`` has it. ``last`` is the line of its last event."""

    events: list[RowOfEvent]
    runs: list[RowOfRun]
    datasets: list[SeenDataset]
    symlinks: list[tuple[DatasetId, int, str | None, tuple[Identifier, ...]]]
    without_run: list[WithoutRun]
    names: list[tuple[str, str, str | None, str]]
    last: int | None
    problem: str | None


def judge_rows(judge: Judge, arrived: datetime, number: int, block: Block) -> BlockRows:
    """Judges a block, as ``judge_block`` does, with the parents of its runs that it has; what comes of it, as rows."""
    made = judge_block(judge, arrived, number, block)
    events = [
        RowOfEvent(one.line, Status.ERROR, None, None, one.findings)
        if one.event is None
        else RowOfEvent(one.line, one.event.status, one.event.kind, encoded(_named(one.event)), one.findings)
        for one in made.events
    ]
    last = next((one.line for one in reversed(made.events) if one.event is not None), None)
    above = Above(made.runs)
    runs = [_row_of(seen, above.found_in(seen)) for seen in made.runs]
    return BlockRows(events, runs, made.datasets, made.symlinks, made.without_run, made.names, last, made.problem)


def _named(event: EventSummary) -> NamedEvent:
    return NamedEvent(
        event.kind,
        event.event_type,
        event.event_time,
        event.run_id,
        event.job_namespace,
        event.job_name,
        event.dataset,
    )


def _row_of(seen: SeenRun, with_parent: tuple[str, Found] | None) -> RowOfRun:
    is_plain = len(seen.jobs) == 1 and not seen.repeats
    found, above, alone = _found(seen.found), None, None
    if with_parent is not None:
        above, alone = with_parent[0], found
        found = _found([with_parent[1]])
    jobs = list(map(row_of_job, seen.jobs))
    heard = seen.events[-1].position
    return RowOfRun(seen.key, heard, found, is_plain, encoded(seen.events), jobs, seen.repeats, above, alone)


def _found(found: list[Found]) -> bytes:
    return NOTHING_FOUND if found == [{}] else encoded(found)


def row_of_job(one: JobOfRun) -> RowOfJob:
    """The row of a job that a run id came with."""
    return RowOfJob(encoded(one.job), one.heard, one.line, one.begins, one.unfinished)


def job_in(job: bytes) -> Job:
    """The job of a row."""
    namespace, name = msgspec.msgpack.decode(job)
    return namespace, name
