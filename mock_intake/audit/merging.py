"""On a worker: run ids that several blocks had events of, put together and judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from mock_intake.audit.block_rows import columns_of_run, guessed_asks
from mock_intake.audit.bodies import packed, unpacked
from mock_intake.audit.handles import BODIES
from mock_intake.audit.internal import OWN, Rows, rows_of
from mock_intake.files.blocks import Part
from mock_intake.judging.blocks import JobOfRun, RunEvent, SeenRun, run_seen_alone
from mock_intake.system.collector import rare_collections

seen_run = msgspec.msgpack.Decoder(SeenRun).decode


def located(payload: bytes, shift: int, line_base: int, file: int) -> SeenRun:
    """A run id with positions and lines that hold in the whole archive; the parts of its events begin at their file."""
    seen = seen_run(payload)
    if file < 0:
        return seen
    seen.events = [
        RunEvent(event.position + shift, Part(event.part.line + line_base, file, 0), event.fact)
        for event in seen.events
    ]
    seen.jobs = [
        JobOfRun(one.job, one.heard + shift, one.line + line_base, one.begins, one.unfinished) for one in seen.jobs
    ]
    seen.repeats = [(position + shift, repeat) for position, repeat in seen.repeats]
    return seen


def merged_runs(batches: Iterable[Any]) -> Iterator[Any]:
    """Run ids, whose parts are there in their order one after the other, as one row each.

    ``batches`` have key, shift, line base, file, payload and bodies.
    """
    with rare_collections():
        rows = Rows(OWN)
        for key, parts in groupby(rows_of(batches), key=lambda row: row[0]):
            events: list[RunEvent] = []
            bodies: list[bytes] = []
            for _, shift, line_base, file, payload, of_part in parts:
                events += located(payload, shift, line_base, file).events
                bodies += unpacked(of_part)
            by_event = {event.fact.event_id: body for event, body in zip(events, bodies, strict=True)}
            # That ids stand in its names is known of them all together, so it is asked of all.
            seen = run_seen_alone(key, events, by_event.__getitem__, has_names=True)
            columns = columns_of_run(seen, guessed_asks(seen))
            own = [packed(bodies)] if BODIES in columns["asks"] else None
            rows.add(**columns, shift=0, line_base=0, file=-1, bodies=own)
            if rows.is_full:
                yield from rows.batches()
        yield from rows.batches()
