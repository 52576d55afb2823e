"""Judges recorded events: each by itself, and then the runs and datasets over all of them.

Recorded events in, results out, one at a time, so that a recording of any size can be judged. It is gone through in
blocks (``mock_intake.files.blocks``): each is judged by itself, here or in a worker, and what has to be remembered of
it is put into a ledger; when all are there, the runs are closed, again a number at a time, here or in workers. What
comes out does not depend on where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mock_intake.datadog.joins import NearMiss, near_misses
from mock_intake.files.blocks import HELD, Block, Spool, blocks_of
from mock_intake.files.recordings import Recorded, RecordingError
from mock_intake.judging.closing import ClosedRun, Closing
from mock_intake.judging.judgement import Judge
from mock_intake.judging.ledger import Ledger, Line
from mock_intake.judging.rows import BlockRows, event_in, judge_rows
from mock_intake.model.event import DatasetId, Kind
from mock_intake.model.exchange import NamedEvent
from mock_intake.model.findings import Finding, Severity, Status
from mock_intake.openlineage.runs import repeated
from mock_intake.system.clock import utc_now
from mock_intake.system.temporary import temporary_directory
from mock_intake.views import Run, run_to_dict

if TYPE_CHECKING:
    from mock_intake.judging.workers import Workers
    from mock_intake.model import shapes

# So many run ids are closed at a time.
_CLOSED_AT_ONCE = 400


class Checked(Struct, frozen=True, gc=False, array_like=True):
    """One recorded event, judged; ``kind`` is the event's, None for a line that is no event."""

    source: str
    line: int
    kind: Kind | None
    findings: tuple[Finding, ...]
    status: Status
    encoded: bytes | None = None

    @property
    def event(self) -> NamedEvent | None:
        """What reports say of the event; None for a line that is no event."""
        # Few are asked for it, and to decode it takes as long as all else that is done with an event here.
        return None if self.encoded is None else event_in(self.encoded)

    def to_dict(self) -> dict[str, Any]:
        """An entry of ``events`` in ``check --format json``."""
        return {
            "source": self.source,
            "line": self.line,
            "status": self.status,
            "kind": self.kind,
            "findings": [finding.to_dict() for finding in self.findings],
        }


class Check:
    """The judgement of one recording. Feed it with ``check`` or ``check_blocks``, then ask for what is over all events.

    What is small is judged here; of what is larger, blocks are judged by ``jobs`` processes, and what is remembered
    goes to temporary files, which ``close`` removes: whatever is larger than ``held`` bytes. ``expected`` is how many
    there will be at least, where that is known.
    """

    def __init__(self, judge: Judge, *, jobs: int = 1, held: int = HELD, expected: int = 0) -> None:
        self._judge = judge
        self._jobs = jobs
        self._held = held
        self._is_large = expected > held
        # When events arrived nobody knows any more; later than now they cannot have been.
        self._now = utc_now()
        self._kept = ExitStack()
        self._ledger = Ledger()
        self._workers: Workers | None = None
        self.statuses: Counter[Status] = Counter()
        self.severities: Counter[Severity] = Counter()
        self.sources: set[str] = set()
        """The recordings that had events, as they are called in what is said of them."""
        self.closed: Callable[[int, int], None] = lambda _number, _of: None
        """Called with how many run ids are closed, of how many, as they are."""

    def close(self) -> None:
        """Ends workers, and removes temporary files."""
        self._ledger.close()
        self._kept.close()

    def __enter__(self) -> Check:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def events(self) -> int:
        """How many lines were judged, broken ones included."""
        return self.statuses.total()

    def check(self, recorded: Iterable[Recorded]) -> Iterator[Checked]:
        """Judges ``recorded`` events in their order, one by one as the results are taken; to be gone through to the
        end.
        """
        return self.check_blocks(blocks_of(recorded))

    def check_blocks(self, blocks: Iterable[Block]) -> Iterator[Checked]:
        """As ``check``."""
        for block, result in self._judged(iter(blocks)):
            yield from self._take_in(block, result)

    def _take_in(self, block: Block, rows: BlockRows) -> Iterator[Checked]:
        # Only the ledger knows what came in blocks before; so a repeat is told here, and not by who judged the block.
        repeats = self._ledger.add(block, rows)
        source = block.source
        if rows.events:
            self.sources.add(source)
        self.statuses.update([row.status for row in rows.events])
        for index, row in enumerate(rows.events):
            findings = row.findings
            if index in repeats:
                findings += self._judge.selection.apply([repeated(repeats[index])])
            if findings:
                self._count(findings)
            yield Checked(source, row.line, row.kind, findings, row.status, row.event)
        if rows.problem is not None:
            raise RecordingError(rows.problem)

    def _judged(self, blocks: Iterator[Block]) -> Iterator[tuple[Block, BlockRows]]:
        size = 0
        for number, block in enumerate(blocks):
            size += block.size
            # The first block is judged here all the same: what is done once for all, such as to compile schemas, is
            # done then, and processes that begin have it.
            if size > self._held or (self._is_large and number):
                yield from self._judged_apart(number, chain((block,), blocks))
                return
            yield block, judge_rows(self._judge, self._now, number, block)

    def _judged_apart(self, first: int, blocks: Iterable[Block]) -> Iterator[tuple[Block, BlockRows]]:
        """As ``_judged``, of so much that neither blocks nor what is made of them are held in memory."""
        directory = self._kept.enter_context(temporary_directory())
        spool = self._kept.enter_context(Spool(directory / "bodies"))
        self._ledger.move(directory / "ledger", [spool.kept(block) for block in self._ledger.blocks])
        numbered = enumerate(map(spool.kept, blocks), first)
        if self._jobs > 1:
            # For what is large alone: a command that is given a few events does not wait for it.
            from mock_intake.judging.workers import Workers

            self._workers = self._kept.enter_context(Workers(self._judge, self._now, self._jobs))
            yield from self._workers.judged(numbered)
        else:
            for number, block in numbered:
                yield block, judge_rows(self._judge, self._now, number, block)

    # Over all events.

    def closed_runs(self, *, silent: bool = True) -> Iterator[ClosedRun]:
        """Every run, closed now that the recording is at its end, in order of its latest event, with what was found;
        without ``silent`` those alone in which something was.

        A repeated event has its finding at its own line already.
        """
        ledger = self._ledger
        ledger.seal()
        # Workers get beginnings alone, and read the runs themselves.
        starts = ledger.starts(_CLOSED_AT_ONCE)
        if self._workers is None or ledger.file is None:
            reader = ledger.reader()
            closing = Closing(reader, self._judge.selection)
            closed: Iterator[Iterable[ClosedRun]] = (
                closing.close(reader.runs(heard, _CLOSED_AT_ONCE, silent=silent), silent=silent) for heard in starts
            )
        else:
            closed = self._workers.closed(ledger.file, starts, _CLOSED_AT_ONCE, silent=silent)
        number = ledger.run_ids
        for done, runs in enumerate(closed, 1):
            for run in runs:
                self._count(run.findings)
                yield run
            self.closed(min(done * _CLOSED_AT_ONCE, number), number)

    def run_results(self) -> list[tuple[Run, tuple[Finding, ...]]]:
        """The runs of ``closed_runs``, each with what was found in it."""
        return [(closed.run, closed.findings) for closed in self.closed_runs()]

    def near_misses(self) -> list[NearMiss]:
        """Datasets over all events that would not join; to be asked for once, at the end, as they are counted."""
        found = [
            miss._replace(finding=finding)
            for miss in near_misses(self._ledger.dataset_groups().values())
            for finding in self._judge.selection.apply([miss.finding])
        ]
        self._count(miss.finding for miss in found)
        return found

    def dataset_findings(self) -> tuple[Finding, ...]:
        """The findings of ``near_misses``, in place of which it is asked for."""
        return tuple(miss.finding for miss in self.near_misses())

    def datasets(self) -> Iterator[DatasetId]:
        """The datasets that events are about, read or write."""
        return self._ledger.datasets()

    def line_of(self, dataset: DatasetId) -> Line:
        """The last line at which an event has a dataset; the last of all for a name that stands in symlinks alone."""
        return self._ledger.line_of(dataset)

    def summary(self) -> dict[str, int]:
        """The counts of ``check --format json``: of events in all, and by status."""
        return {"events": self.events, **{str(status): self.statuses[status] for status in Status}}

    def _count(self, findings: Iterable[Finding]) -> None:
        severities = self.severities
        for finding in findings:
            severities[finding.severity] += 1


def run_results_to_dicts(results: Iterable[tuple[Run, tuple[Finding, ...]]]) -> list[shapes.Run]:
    """The JSON form of ``results``, which are those of ``Check.run_results``."""
    return [run_to_dict(run, findings) for run, findings in results]
