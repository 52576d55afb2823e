"""What has to be remembered of a recording until its end: its runs, jobs and datasets over all blocks.

In a database of SQLite's, so that memory stays flat: of a large recording it is a temporary file, of which a few
megabytes are held. One process adds the blocks, in their order (``Ledger``); when all are there, any may read
(``LedgerReader``).

A run id has a row, and a part for each block that had events of it. What a block found in its runs holds as long as no
other block has events of them.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Protocol

from mock_intake.body.shown import digest, event_in
from mock_intake.files.blocks import Block
from mock_intake.judging.blocks import (
    RECORDED_ORG,
    RunEvent,
    block_of,
    group_of,
    index_of,
    jobs_of,
)
from mock_intake.judging.rows import (
    NOTHING_FOUND,
    BlockRows,
    RowOfJob,
    RowOfRun,
    encoded,
    events_in,
    found_in,
    job_in,
    row_of_job,
)
from mock_intake.model.accumulated import stamp_of
from mock_intake.model.event import DatasetId
from mock_intake.model.per_run import NamedPerRun, PerRunNames
from mock_intake.model.runs import Job, Repeat, run_id_key
from mock_intake.openlineage.runs import Found
from mock_intake.views.datasets import Groups, Symlinks, grouped, joined
from mock_intake.views.group import DigestOf, Group

# So much of the database is held in memory, in KiB.
_CACHE = 16 * 1024
# Of run ids of several blocks so many events are held in memory at a time, a kilobyte each.
_MOST_HELD = 10_000
# So many names of datasets, and of so many characters in all, are counted in memory before they are put into the
# database: a name may be as long as a block.
_MOST_DATASETS, _MOST_CHARACTERS = 5_000, 2_000_000
# Of a job that sends no run so many events are looked at.
MOST_WITHOUT_RUN = 20
_LINE_BITS = 40
# So many run ids are looked up by one statement; SQLite was once built to take no more than 999.
_KEYS_AT_ONCE = 500
_TABLES = """
create table runs (
    id integer primary key, key text not null unique, heard integer not null, found blob, is_plain integer not null,
    above text, alone blob
);
create table parts (run integer, block integer, events blob not null, primary key (run, block)) without rowid;
create table jobs (
    run integer, job blob, heard integer not null, line integer not null, begins integer not null,
    unfinished integer not null, primary key (run, job)
) without rowid;
create table datasets (
    id integer primary key, namespace text, name text, events integer not null, at integer, unique (namespace, name)
);
create table accepted (event text primary key) without rowid;
create table without_run (job blob, position integer, event text, is_open integer, primary key (job, position))
    without rowid;
create table rest (content blob);
"""
_INDEXES = """
create index runs_by_time on runs (heard);
create index jobs_by_time on jobs (job, heard);
"""

Line = tuple[str, int]
"""A recording, and a line in it."""


class Rest(NamedTuple):
    """What the judgement of a run needs besides the runs: the blocks, for bodies; names that begin with a run, by its
    id; and events without a run that a job's run is told of, by its id and the job."""

    blocks: Sequence[Block]
    named: dict[str, tuple[NamedPerRun, ...]]
    without_run: dict[tuple[str, Job], list[str]]


class KnownRun(NamedTuple):
    """The runs of a run id: its events, and what was found in each, None where that holds no longer.

    ``is_plain`` where it is one run, of one job, and no event is there twice.
    """

    key: str
    events: list[RunEvent]
    found: list[Found] | None
    is_plain: bool


class Ledger:
    """Takes in what was made of blocks, in their order. It is in memory until it is moved to a file."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.blocks: list[Block] = []
        self._database = _opened(":memory:")
        self._database.executescript(_TABLES)
        self._database.execute("begin")
        self._names = PerRunNames()
        self._symlinks: Symlinks = {}
        # How many events name a dataset, and the place of the last, as far as the database has not heard of them.
        self._datasets: dict[DatasetId, tuple[int, int | None]] = {}
        self._characters = 0
        self._held: OrderedDict[int, tuple[Group, int]] = OrderedDict()
        # How many events are held in all.
        self._size_held = 0
        self._several: dict[int, str] = {}
        # So many rows of runs there are: the numbers of rows are given here.
        self._rows = 0
        self._latest: Line = ("", 1)
        self._is_sealed = False

    def close(self) -> None:
        self._database.close()

    def move(self, file: Path, blocks: list[Block]) -> None:
        """Goes on in a file; ``blocks`` are those that there are, as others can read them."""
        self._database.execute("commit")
        moved = _opened(str(file))
        self._database.backup(moved)
        self._database.close()
        moved.execute("begin")
        self.file, self.blocks, self._database = file, blocks, moved

    def add(self, block: Block, rows: BlockRows) -> dict[int, Repeat]:
        """Takes in the next block; tells which of its events, by number, had come before."""
        number = len(self.blocks)
        # Before its runs: digests of their events may have to be made from it.
        self.blocks.append(block)
        repeats = self._add_runs(number, rows.runs)
        self._add_datasets(number, rows)
        self._add_without_run(number, rows, repeats)
        for key, what, namespace, name in rows.names:
            self._names.add(RECORDED_ORG, key, what, namespace, name)
        if rows.last is not None:
            self._latest = (block.source, rows.last)
        return repeats

    def _add_runs(self, number: int, runs: Sequence[RowOfRun]) -> dict[int, Repeat]:
        known = self._rows_by_key([one.key for one in runs])
        begun: list[tuple[int, str, int, bytes, bool, str | None, bytes | None]] = []
        gone_on: list[tuple[int, int]] = []
        parts: list[tuple[int, int, bytes]] = []
        jobs: list[tuple[int, RowOfJob]] = []
        repeats: dict[int, Repeat] = {}
        for one in runs:
            row = known.get(one.key)
            again = one.repeats
            if row is None:
                row = self._rows = self._rows + 1
                begun.append((row, one.key, one.heard, one.found, one.is_plain, one.above, one.alone))
                jobs += [(row, job) for job in one.jobs]
            else:
                # What other blocks found in it, and its jobs, is found anew at the end: once, however many have it.
                again = self._follow(row, one)
                gone_on.append((one.heard, row))
                self._several[row] = one.key
            parts.append((row, number, one.events))
            for position, repeat in again:
                repeats[index_of(position)] = repeat
        # All of a block at once: a statement of its own for each would take twice as long.
        put = self._database.executemany
        put("insert into runs values (?, ?, ?, ?, ?, ?, ?)", begun)
        put("update runs set heard = ?, found = null, is_plain = 0 where id = ?", gone_on)
        put("insert into parts values (?, ?, ?)", parts)
        self._put_jobs(jobs)
        return repeats

    def _rows_by_key(self, keys: Sequence[str]) -> dict[str, int]:
        """The rows that run ids have already."""
        found: dict[str, int] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found.update(self._database.execute(f"select key, id from runs where key in ({marks})", some))  # noqa: S608
        return found

    def _follow(self, row: int, seen: RowOfRun) -> list[tuple[int, Repeat]]:
        """Adds events to a run id of which other blocks had some; gives those that had come before."""
        events = events_in(seen.events)
        bodies = {event.fact.event_id: event for event in events}

        def digest_of(event_id: str) -> bytes | None:
            event = bodies.get(event_id) or next(
                event for event in events_of(self._database, row) if event.fact.event_id == event_id
            )
            return digest(event_in(body_of(self.blocks, event)).body)

        # A run that goes on for long is in many blocks: what it had so far is not read again for each.
        held = self._held.pop(row, None)
        if held is None:
            before = events_of(self._database, row)
            held = group_of(before, digest_of)[0], len(before)
            self._size_held += len(before)
        group, repeats = group_of(events, digest_of, held[0])
        self._held[row] = group, held[1] + len(events)
        self._size_held += len(events)
        while self._size_held > _MOST_HELD and len(self._held) > 1:
            _, (_, size) = self._held.popitem(last=False)
            self._size_held -= size
        return repeats

    def _put_jobs(self, jobs: Iterable[tuple[int, RowOfJob]]) -> None:
        self._database.executemany(
            "insert or replace into jobs values (?, ?, ?, ?, ?, ?)",
            [(row, one.job, one.heard, one.line, one.begins, one.unfinished) for row, one in jobs],
        )

    def _add_datasets(self, number: int, judged: BlockRows) -> None:
        # The same names come in block after block.
        counted = self._datasets
        for one in judged.datasets:
            if one.id not in counted:
                self._characters += len(one.id.namespace) + len(one.id.name)
            events, at = counted.get(one.id, (0, None))
            if one.line is not None:
                at = number << _LINE_BITS | one.line
            counted[one.id] = events + one.events, at
        if len(counted) > _MOST_DATASETS or self._characters > _MOST_CHARACTERS:
            self._put_datasets()
        for dataset, position, time, identifiers in judged.symlinks:
            stamp = stamp_of(time, position)
            known = self._symlinks.get(dataset)
            if known is None or known[0] <= stamp:
                self._symlinks[dataset] = stamp, identifiers

    def _put_datasets(self) -> None:
        # The order of rows is that of appearance, and stays where a name comes again.
        self._database.executemany(
            "insert into datasets (namespace, name, events, at) values (?, ?, ?, ?) on conflict do update"
            " set events = events + excluded.events, at = coalesce(excluded.at, at)",
            [(*one, *counted) for one, counted in self._datasets.items()],
        )
        self._datasets.clear()
        self._characters = 0

    def _add_without_run(self, number: int, judged: BlockRows, repeats: dict[int, Repeat]) -> None:
        run = self._database.execute
        for one in judged.without_run:
            if not run("insert or ignore into accepted values (?)", (one.id,)).rowcount:
                repeats[one.number] = Repeat(one.id, one.event_type, excused=False)
            elif one.job is not None:
                position = number << _LINE_BITS | one.number
                run("insert into without_run values (?, ?, ?, ?)", (encoded(one.job), position, one.id, one.is_open))

    # When all blocks are there.

    def seal(self) -> None:
        """Makes all ready to be read: no block comes any more."""
        if self._is_sealed:
            return
        self._is_sealed = True
        self._held.clear()
        self._size_held = 0
        for row in sorted(self._several):
            events = events_of(self._database, row)
            group, _ = group_of(events, DigestsOf(self.blocks, events))
            self._put_jobs((row, row_of_job(one)) for one in jobs_of(group, events))
        self._leave_out_parents()
        self._put_datasets()
        self._database.execute("commit")
        # Made at once from all rows, which is a fraction of the cost of keeping them up to date.
        self._database.executescript(_INDEXES)
        begun = {key: tuple(self._names.begun_by(org, key)) for org, key in self._names.runs()}
        named = {key: names for key, names in begun.items() if names}
        rest = Rest(self.blocks, named, dict(self._without_run()))
        if self.file is not None:  # in which others are to read
            self._database.execute("insert into rest values (?)", (pickle.dumps(rest),))
        self._rest = rest

    def _leave_out_parents(self) -> None:
        """Takes back what was found with the help of parents that other blocks had events of, too."""
        run = self._database.execute
        run("create temporary table gone_on (key text primary key) without rowid")
        self._database.executemany("insert into gone_on values (?)", [(key,) for key in self._several.values()])
        run("update runs set found = alone where found is not null and above in (select key from gone_on)")
        run("drop table gone_on")

    def _without_run(self) -> Iterator[tuple[tuple[str, Job], list[str]]]:
        """Events of a job that have no run, by the run that is told of them: the job's latest."""
        run = self._database.execute
        for (job,) in run("select distinct job from without_run where is_open").fetchall():
            first = run(
                "select event, is_open from without_run where job = ? order by position limit ?",
                (job, MOST_WITHOUT_RUN),
            ).fetchall()
            latest = run(
                "select key from jobs join runs on run = id where job = ? and begins order by runs.heard desc limit 1",
                (job,),
            ).fetchone()
            events = [event for event, is_open in first if is_open]
            if latest is not None and events:
                yield (latest[0], job_in(job)), events

    def reader(self) -> LedgerReader:
        """Reads it, once it is sealed."""
        return LedgerReader(self._database, self._rest)

    def starts(self, most: int) -> list[int]:
        """When the first run id of every ``most`` was heard of last: where to read on from."""
        rows = self._database.execute("select heard from runs order by heard")
        return [heard for (heard,) in islice(rows, 0, None, most)]

    @property
    def run_ids(self) -> int:
        """How many run ids there are; jobs that share one have a run each."""
        (number,) = self._database.execute("select count(*) from runs").fetchone()
        return int(number)

    def dataset_groups(self) -> Groups:
        """The datasets under what they would be joined by; those that symlinks join are one."""
        self.seal()
        canonical = joined({one: symlinks for one, (_, symlinks) in self._symlinks.items()})
        rows = self._database.execute("select namespace, name, events from datasets order by id")
        named = ((DatasetId(namespace, name), events) for namespace, name, events in rows)
        return grouped((canonical.get(one, one), events) for one, events in named)

    def line_of(self, dataset: DatasetId) -> Line:
        """Where a dataset was last seen; the last line of all for a name that stands in symlinks alone."""
        self.seal()
        row = self._database.execute(
            "select at from datasets where namespace = ? and name = ? and at is not null", (*dataset,)
        ).fetchone()
        return self._latest if row is None else self._line(row[0])

    def datasets(self) -> Iterator[DatasetId]:
        """The datasets that events are about, read or write."""
        self.seal()
        rows = self._database.execute("select namespace, name from datasets where at is not null order by id")
        return (DatasetId(namespace, name) for namespace, name in rows)

    def _line(self, at: int) -> Line:
        return self.blocks[at >> _LINE_BITS].source, at & ((1 << _LINE_BITS) - 1)


class DigestsOf:
    """The digests of events of one run id, by the ids of the events: their bodies are read for it."""

    def __init__(self, blocks: Sequence[Block], events: Sequence[RunEvent]) -> None:
        self._blocks = blocks
        self._events = events
        # Asked for few run ids, and then for one event after the other.
        self._by_id: dict[str, RunEvent] = {}

    def __call__(self, event_id: str) -> bytes | None:
        if not self._by_id:
            self._by_id = {event.fact.event_id: event for event in reversed(self._events)}
        return digest(event_in(body_of(self._blocks, self._by_id[event_id])).body)


class RunsKept(Protocol):
    """What runs are closed from: a ledger, or what a part of one was brought to elsewhere."""

    @property
    def rest(self) -> Rest: ...

    def events(self, run_id: str) -> list[RunEvent]: ...

    def unfinished(self, job: Job, most: int) -> Iterable[tuple[str, list[RunEvent]]]: ...

    def body(self, event: RunEvent) -> bytes: ...

    def line(self, event: RunEvent) -> Line: ...

    def digests(self, events: Sequence[RunEvent]) -> DigestOf: ...


class LedgerReader:
    """Reads a ledger that is sealed, in whatever process."""

    def __init__(self, database: sqlite3.Connection, rest: Rest) -> None:
        self._database = database
        self.rest = rest

    @classmethod
    def of_file(cls, file: Path) -> LedgerReader:
        """Of a file that another process has sealed."""
        # Nobody writes to it any more, so no lock is asked for.
        database = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
        (content,) = database.execute("select content from rest").fetchone()
        return cls(database, pickle.loads(content))  # noqa: S301 - our own

    def runs(self, heard: int, most: int, *, silent: bool = True) -> list[KnownRun]:
        """So many run ids in the order in which they were heard of last, from one on; without those of which nothing
        is to be said, unless they are wanted too (``silent``).
        """
        rows = self._database.execute(
            "select id, key, found, is_plain, parts.events from"
            " (select id, key, found, is_plain, heard from runs where heard >= ? order by heard limit ?)"
            " join parts on run = id where ? or found is null or found != ? order by heard, block",
            (heard, most, silent or bool(self.rest.without_run), NOTHING_FOUND),
        )
        known: list[KnownRun] = []
        last = None
        for row, key, found, is_plain, part in rows:
            if row == last:
                known[-1].events.extend(events_in(part))
            else:
                known.append(KnownRun(key, events_in(part), None if found is None else found_in(found), bool(is_plain)))
            last = row
        return known

    def events(self, run_id: str) -> list[RunEvent]:
        """The events with a run id, in order of arrival; none where there are none."""
        row = self._database.execute("select id from runs where key = ?", (run_id_key(run_id),)).fetchone()
        return [] if row is None else events_of(self._database, row[0])

    def unfinished(self, job: Job, most: int) -> Iterator[tuple[str, list[RunEvent]]]:
        """The run ids of a job's runs that lack a START or an end, each with its events, as many as that, the latest
        heard of first.
        """
        # By one statement: to ask for the events of each takes twice as long as all else here.
        rows = self._database.execute(
            "select key, events from"
            " (select run, heard from jobs where job = ? and unfinished order by heard desc limit ?) as latest"
            " join runs on id = latest.run join parts on parts.run = id order by latest.heard desc, block",
            (encoded(job), most),
        )
        for key, parts in groupby(rows, itemgetter(0)):
            yield key, [event for _, part in parts for event in events_in(part)]

    def body(self, event: RunEvent) -> bytes:
        """The bytes of an event. Raises ``RecordingError``."""
        return body_of(self.rest.blocks, event)

    def digests(self, events: Sequence[RunEvent]) -> DigestOf:
        """The digests of events of one run id."""
        return DigestsOf(self.rest.blocks, events)

    def line(self, event: RunEvent) -> Line:
        """Where an event stands."""
        return self.rest.blocks[block_of(event.position)].source, event.part.line


def _opened(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, isolation_level=None)
    database.execute(f"pragma cache_size = -{_CACHE}")
    # What is lost when we are killed is of no use to anybody.
    database.execute("pragma journal_mode = off")
    database.execute("pragma synchronous = off")
    return database


def events_of(database: sqlite3.Connection, row: int) -> list[RunEvent]:
    """The events of a run id, by the number of its row."""
    parts = database.execute("select events from parts where run = ? order by block", (row,)).fetchall()
    return [event for (part,) in parts for event in events_in(part)]


def body_of(blocks: Sequence[Block], event: RunEvent) -> bytes:
    """The bytes of an event. Raises ``RecordingError``."""
    return blocks[block_of(event.position)].body(event.part.start, event.part.size)
