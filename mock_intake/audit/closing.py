"""On a worker: closes runs, with what they ask for of others brought to them.

Rules ask for runs by id, as of a parent, and for runs of a job that are not finished. What they will ask for is
guessed, and shuffled to where they are. A run whose rules ask for more comes back undecided, with that noted, and is
closed in the next round: so what comes out does not depend on the guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from mock_intake.audit.block_rows import encoded
from mock_intake.audit.bodies import unpacked
from mock_intake.audit.handles import BODIES, OF_JOB, handle_of_run
from mock_intake.audit.internal import (
    CLOSED,
    FINDING_OF_EVENT,
    OWN,
    RUN,
    UNDECIDED,
    Rows,
    columns_of,
    columns_of_closed,
    rows_of,
)
from mock_intake.audit.lines import Task
from mock_intake.audit.merging import located
from mock_intake.audit.settings import judge_of
from mock_intake.judging.blocks import RunEvent, SeenRun
from mock_intake.judging.closing import ClosedRun, Closing
from mock_intake.judging.ledger import KnownRun, Line, Rest
from mock_intake.model.findings import Finding, Selection
from mock_intake.model.per_run import NamedPerRun
from mock_intake.model.runs import Job, run_id_key
from mock_intake.openlineage.runs import repeated
from mock_intake.system.collector import rare_collections
from mock_intake.views.group import DigestOf

_named = msgspec.msgpack.Decoder(tuple[NamedPerRun, ...]).decode
# Where the number of a finding of a run has the number of the run.
_BITS = 20


class _MissingError(Exception):
    """A rule asked for what was not brought here."""

    def __init__(self, handle: bytes) -> None:
        super().__init__(handle)
        self.handle = handle


class _Brought:
    """What was brought to the runs of one bucket: a ledger with a part of the runs (``ledger.RunsKept``)."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        # By handle the keys of runs, in their order, and those runs.
        self._keys: dict[bytes, list[str]] = {}
        self._seen: dict[str, tuple[bytes, int, int, int]] = {}
        self._repeats: dict[str, frozenset[str]] = {}
        self._own: SeenRun | None = None
        self._bodies: dict[int, bytes] | None = None
        self.rest = Rest((), {}, {})

    def bring(self, handle: bytes, key: str | None, placed: tuple[bytes, int, int, int]) -> None:
        """Takes a run that is asked for under a handle; without a key there is none."""
        keys = self._keys.setdefault(handle, [])
        if key is not None:
            keys.append(key)
            self._seen[key] = placed

    def turn_to(
        self,
        own: SeenRun,
        bodies: list[bytes] | None,
        named: bytes | None,
        without: list[dict[str, Any]] | None,
    ) -> None:
        """The run id that is closed next."""
        self._own = own
        positions = [event.position for event in own.events]
        of_blocks = None if bodies is None else chain.from_iterable(map(unpacked, bodies))
        self._bodies = None if of_blocks is None else dict(zip(positions, of_blocks, strict=True))
        self._repeats[own.key] = _rewritten(own)
        by_job = {(own.key, _job(one["job"])): one["events"] for one in without or ()}
        self.rest = Rest((), {} if named is None else {own.key: _named(named)}, by_job)

    def events(self, run_id: str) -> list[RunEvent]:
        """The events with a run id. Raises ``_MissingError`` where it is not known whether there are any."""
        key = run_id_key(run_id)
        if self._own is not None and self._own.key == key:
            return self._own.events
        placed = self._seen.get(key)
        if placed is None:
            handle = handle_of_run(run_id)
            if handle not in self._keys:
                raise _MissingError(handle)
            return []
        seen = located(*placed)
        self._repeats[key] = _rewritten(seen)
        return seen.events

    def unfinished(self, job: Job, most: int) -> Iterator[tuple[str, list[RunEvent]]]:
        """The run ids of a job's runs that lack a START or an end, each with its events. Raises as ``events`` does."""
        handle = OF_JOB + encoded(job)
        if handle not in self._keys:
            raise _MissingError(handle)
        return ((key, self.events(key)) for key in self._keys[handle][:most])

    def body(self, event: RunEvent) -> bytes:
        """The bytes of an event of the run that is closed. Raises as ``events`` does."""
        if self._bodies is None:
            raise _MissingError(BODIES)
        return self._bodies[event.position]

    def line(self, event: RunEvent) -> Line:
        """Where an event stands."""
        return self._names[event.part.start], event.part.line

    def digests(self, events: Sequence[RunEvent]) -> DigestOf:
        """Stand in for the digests of events of one run id: which of them are alike is known already."""
        again = self._repeats.get(run_id_key(events[0].fact.run_id or ""), frozenset())
        first: dict[object, str] = {}
        signatures = {}
        for event in events:
            fact = event.fact
            signatures[fact.event_id] = signature = (fact.event_type, fact.event_time, fact.job)
            first.setdefault(signature, fact.event_id)

        def digest_of(event_id: str) -> bytes:
            # Of which of those that look like it it is a repeat makes no difference: all are of one run.
            return (first[signatures[event_id]] if event_id in again else event_id).encode()

        return digest_of


def _rewritten(seen: SeenRun) -> frozenset[str]:
    """The events of a run id that are others in other bytes."""
    return frozenset(repeat.event_id for _, repeat in seen.repeats if repeat.rewritten)


def _job(encoded_job: bytes) -> Job:
    namespace, name = msgspec.msgpack.decode(encoded_job)
    return namespace, name


def closed_runs(task: Task, names: Sequence[str], batches: Iterable[Any]) -> Iterator[Any]:
    """Closes runs.

    ``batches`` have the rows of ``internal.TO_CLOSE``, in the order of bucket, role, handle and rank.
    """
    with rare_collections():
        selection = judge_of(task.settings).selection
        rows = Rows(CLOSED)
        bucket: int | None = None
        brought, closing = _Brought(names), None
        for number, role, handle, _, *own in rows_of(batches):
            if number != bucket:
                bucket, brought, closing = number, _Brought(names), None
            key, shift, line_base, file, _, payload, _, asks, bodies, named, without = own
            if role == 0:
                brought.bring(handle, key, (payload, shift, line_base, file))
                continue
            closing = closing or Closing(brought, selection)
            seen = located(payload, shift, line_base, file)
            brought.turn_to(seen, bodies, named, without)
            is_plain = len(seen.jobs) == 1 and not seen.repeats
            try:
                closed = list(closing.close_runs(KnownRun(seen.key, seen.events, seen.found, is_plain)))
            except _MissingError as error:
                left = dict(zip(OWN.names, own, strict=True))
                rows.add(part=UNDECIDED, **{**left, "asks": [*(asks or ()), error.handle], "bodies": None})
            else:
                _add(rows, seen, closed, selection, brought)
            if rows.is_full:
                yield from rows.batches()
        yield from rows.batches()


def _add(rows: Rows, seen: SeenRun, closed: Sequence[ClosedRun], selection: Selection, brought: _Brought) -> None:
    heard = seen.events[-1].position
    for number, run in enumerate(closed):
        source, line = run.line
        of = {"position": heard, "source": source, "line": line}
        columns = columns_of_closed(run)
        rows.add(part=RUN, **of, number=number, **columns)
        of.update((name, columns[name]) for name in ("run_id", "job_namespace", "job_name"))
        for order, finding in enumerate(run.findings):
            rows.add(part=FINDING_OF_EVENT, about="run", **of, number=number << _BITS | order, **columns_of(finding))
    if seen.repeats:
        by_position = {event.position: event for event in seen.events}
        for position, repeat in seen.repeats:
            event = by_position[position]
            source, line = brought.line(event)
            fact = event.fact
            for finding in selection.apply([repeated(repeat)]):
                add_repeat(
                    rows, finding, position=position, source=source, line=line, event_id=fact.event_id,
                    kind="RunEvent", event_type=fact.event_type, run_id=fact.run_id,
                    job_namespace=fact.job[0], job_name=fact.job[1],
                )  # fmt: skip


def add_repeat(rows: Rows, finding: Finding, **columns: Any) -> None:
    """Adds the finding of an event that had come before, behind those of the event itself."""
    rows.add(part=FINDING_OF_EVENT, about="event", number=1 << _BITS, **columns, **columns_of(finding))
