"""Judges one block of a recording: its events, and its runs as far as they can be seen from there.

No more than a block is needed for it, so blocks are judged in whatever process and order. What runs, jobs and datasets
of several blocks have to do with each other is for ``mock_intake.judging.ledger`` to keep, and for
``mock_intake.judging.closing`` to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import islice
from typing import TypeVar

from msgspec import Struct

from mock_intake.body.shown import digest, event_in
from mock_intake.datadog import rules as datadog
from mock_intake.datadog.native import may_be_lowered, run_without_blame
from mock_intake.files.blocks import Block, Part
from mock_intake.files.exports import is_exchange_line
from mock_intake.judging.judgement import Judge
from mock_intake.model.accumulated import Accumulated, stamp_of
from mock_intake.model.event import DatasetId, EventView, leaves_kind_open
from mock_intake.model.exchange import EventSummary
from mock_intake.model.findings import Finding
from mock_intake.model.flows import datasets_in_lineage
from mock_intake.model.per_run import NamedPerRun, template_of
from mock_intake.model.runs import Job, Repeat, RunEventFact, RunFacts, run_id_key
from mock_intake.openlineage.run_cycle import TERMINAL
from mock_intake.openlineage.runs import ClosedRunRules, Found, judge_alone
from mock_intake.rules.runs import OutOfReachError, RunView
from mock_intake.views.event_lineage import Identifier, symlinks_said
from mock_intake.views.group import Group, Taken
from mock_intake.views.run import Run, is_unfinished
from mock_intake.views.runs import fact_of

One = TypeVar("One")

# Recorded events have no key, so all are of one org.
RECORDED_ORG = "recorded"
# So many events, or so many bytes of them, take one step of judging together.
_MOST_TOGETHER, _LARGEST_TOGETHER = 32, 128 * 1024
# An event's position: the number of its block, and behind it its number in the block.
_BITS = 24


class JudgedEvent(Struct, array_like=True, gc=False):
    """One recorded event, judged, at its line. ``event`` is None for a line that is no event."""

    line: int
    event: EventSummary | None
    findings: tuple[Finding, ...]


class RunEvent(Struct, array_like=True, gc=False):
    """An event of a run: its position, its line, where its bytes stand in its block, and what it says of the run."""

    position: int
    part: Part
    fact: RunEventFact


class JobOfRun(Struct, array_like=True, gc=False):
    """A job that a run id came with: when it was heard of last, and where.

    ``begins`` tells that a run of that id is its own, ``unfinished`` that this one lacks a START or an end.
    """

    job: Job
    heard: int
    line: int
    begins: bool
    unfinished: bool


class SeenRun(Struct, array_like=True, gc=False):
    """What a block has of one run id. ``repeats`` are the numbers of events that are there twice, ``found`` what was
    found in each of its runs, in order."""

    key: str
    events: list[RunEvent]
    jobs: list[JobOfRun]
    repeats: list[tuple[int, Repeat]]
    found: list[Found]


class SeenDataset(Struct, array_like=True, gc=False):
    """How many events of a block name a dataset; the last line at which one has it, unless lineage alone names it."""

    id: DatasetId
    events: int
    line: int | None


class WithoutRun(Struct, array_like=True, gc=False):
    """An event of no run, by its number in the block; ``job`` where it is about one, ``is_open`` where it does not say
    that this is how it was meant."""

    number: int
    id: str
    event_type: str | None
    job: Job | None
    is_open: bool


class JudgedBlock(Struct, array_like=True, gc=False):
    """All that is to be known of a block. ``symlinks`` are the other names of a dataset, with the position and the time
    of the event that says them. ``names`` are those in which the id of a run may stand: run, what it is the
    name of, namespace, name. ``problem`` says why the recording cannot be judged beyond these events."""

    events: list[JudgedEvent]
    runs: list[SeenRun]
    datasets: list[SeenDataset]
    symlinks: list[tuple[DatasetId, int, str | None, tuple[Identifier, ...]]]
    without_run: list[WithoutRun]
    names: list[tuple[str, str, str | None, str]]
    problem: str | None = None


@cache
def run_rules() -> ClosedRunRules:
    """The rules by which the runs of a recording are judged."""
    return ClosedRunRules((datadog.EVENTS,))


def position_in(number: int, index: int) -> int:
    """The position of an event: ``number`` is that of its block, ``index`` its own in there."""
    return number << _BITS | index


def block_of(position: int) -> int:
    """The number of the block of an event."""
    return position >> _BITS


def index_of(position: int) -> int:
    """The number of an event in its block."""
    return position & ((1 << _BITS) - 1)


class _Seen:
    """A run id within a block: its events, and what those that were not judged yet say of each job that they name.

    ``goes_on`` tells that events came after it was judged.
    """

    __slots__ = ("events", "facets", "goes_on", "judged")

    def __init__(self) -> None:
        self.events: list[RunEvent] = []
        self.facets: dict[Job, Accumulated] = {}
        self.goes_on = False
        self.judged: SeenRun | None = None

    def facets_of(self, run: Run) -> Accumulated:
        """The facets of a run, which may have changed its job on the way."""
        if len(self.facets) == 1:
            return self.facets[run.events[0].job]
        return Accumulated.of(self.facets[job] for job in run.jobs)

    def opened(self, key: str, body_of: Callable[[str], bytes], *, has_names: bool) -> _OpenRun:
        """What there is so far, as ``judged`` from now on, with its runs for rules to look at."""
        facets = None if self.goes_on else self.facets_of
        self.judged, views = _opened(key, self.events, body_of, facets, has_names=has_names)
        return self.judged, views


def judge_block(judge: Judge, arrived: datetime, number: int, block: Block) -> JudgedBlock:
    """Judges a block, the recording's by this ``number``. Raises ``RecordingError`` where its bytes are gone."""
    made = JudgedBlock([], [], [], [], [], [])
    seen: dict[str, _Seen] = {}
    block = block.held()
    parts: dict[str, Part] = {}

    def body_of(event_id: str) -> bytes:
        return block.body(parts[event_id].start, parts[event_id].size)

    datasets: dict[DatasetId, _Count] = {}
    named: set[str] = set()
    for some in together(_events(block, made), lambda event: event[0].size):
        judged = judge.judge_together([body for _, body in some], RECORDED_ORG, arrived)
        over: dict[str, _Seen] = {}
        for (part, _), (judgement, view) in zip(some, judged, strict=True):
            event, index = judgement.event, len(made.events)
            made.events.append(JudgedEvent(part.line, event, judgement.findings))
            if event is None or view is None:
                continue
            position = position_in(number, index)
            if view.datasets or "lineage" in view.job_facets:
                for dataset, identifiers in _count_datasets(datasets, view, index, part.line):
                    made.symlinks.append((dataset, position, event.event_time, identifiers))
            if event.run_id is None:
                about = (event.job_namespace, event.job_name) if event.kind == "JobEvent" else None
                made.without_run.append(
                    WithoutRun(index, event.id, event.event_type, about, about is not None and leaves_kind_open(view))
                )
                continue
            key = run_id_key(event.run_id)
            parts[event.id] = part
            run = seen.get(key)
            if run is None:
                run = seen[key] = _Seen()
            one = RunEvent(position, part, fact_of(event))
            run.events.append(one)
            if _may_have_ids(event):
                made.names += _names_with_ids(key, event)
                named.add(key)
            run.goes_on = run.goes_on or run.judged is not None
            run.judged = None
            if not run.goes_on:
                _add_facets(run.facets, one, view)
                # A run id that goes on after its end may do so many times, and all it has is judged anew: so at the
                # end, once.
                if event.event_type in TERMINAL:
                    over[key] = run
        # Most runs are over with such an event. What was parsed goes at once, so that the processor's caches have its
        # memory again.
        _judge_runs([run.opened(key, body_of, has_names=key in named) for key, run in over.items()])
        for run in over.values():
            run.facets.clear()
    made.datasets = [SeenDataset(one, count.events, count.line) for one, count in datasets.items()]
    for key, run in seen.items():
        if run.judged is None:
            # By itself: of runs that go on after their end the events are parsed again, and not those of all at once.
            _judge_runs([run.opened(key, body_of, has_names=key in named)])
    made.runs = [run.judged for run in seen.values() if run.judged is not None]
    return made


def _events(block: Block, made: JudgedBlock) -> Iterator[tuple[Part, bytes]]:
    """The events of a block, up to one that is a whole exchange: that is a problem then."""
    for part, body in block.events():
        if is_exchange_line(body):
            made.problem = is_an_exchange(block.source, part.line)
            return
        yield part, body


def together(events: Iterable[One], size_of: Callable[[One], int]) -> Iterator[list[One]]:
    """Events in their order, some at a time: as many as a processor's caches have room for once they are parsed.

    ``size_of`` gives the size of one, in bytes.
    """
    some: list[One] = []
    size = 0
    for event in events:
        some.append(event)
        size += size_of(event)
        if len(some) >= _MOST_TOGETHER or size >= _LARGEST_TOGETHER:
            yield some
            some, size = [], 0
    if some:
        yield some


def is_an_exchange(source: str, line: int) -> str:
    """Why a recording is not judged that has exchanges in it, the first of them at a line."""
    return (
        f"{source}: line {line} is a whole exchange, with the request and what was found in it. "
        "Export the events alone (mock-intake export --what events), or import it and use mock-intake report."
    )


class _Count:
    """How many events of a block name a dataset: see ``SeenDataset``. ``last`` is the number of the latest of them."""

    __slots__ = ("events", "last", "line")

    def __init__(self) -> None:
        self.events = 0
        self.last = -1
        self.line: int | None = None


def _count_datasets(
    datasets: dict[DatasetId, _Count], view: EventView, index: int, line: int
) -> Iterable[tuple[DatasetId, tuple[Identifier, ...]]]:
    """Counts an event, the block's by this number, for the datasets that it names; gives the other names that it says.

    Once for each, whether it reads or writes it, or both.
    """
    lineage, symlinks = "lineage" in view.job_facets, False
    for dataset in view.datasets:
        facets = dataset.facets
        lineage = lineage or "lineage" in facets
        symlinks = symlinks or "symlinks" in facets
        one = dataset.id
        if one is not None:
            count = datasets.get(one)
            if count is None:
                count = datasets[one] = _Count()
            if count.last != index:
                count.last = index
                count.events += 1
            count.line = line
    if lineage:
        for one in datasets_in_lineage(view):
            count = datasets.get(one)
            if count is None:
                count = datasets[one] = _Count()
            if count.last != index:
                count.last = index
                count.events += 1
    return symlinks_said(view) if symlinks else ()


def _may_have_ids(event: EventSummary) -> bool:
    """Whether an id may stand in one of the names of an event; in most none does."""
    if event.job_name is not None and template_of(event.job_name) is not None:
        return True
    for datasets in (event.inputs, event.outputs):
        for dataset in datasets:
            if template_of(dataset.name) is not None:
                return True
    return event.dataset is not None and template_of(event.dataset.name) is not None


def _names_with_ids(key: str, event: EventSummary) -> Iterator[tuple[str, str, str | None, str]]:
    """The names of an event in which an id may stand."""
    if event.job_name is not None and template_of(event.job_name) is not None:
        yield key, "job", event.job_namespace, event.job_name
    for dataset in event.datasets:
        if template_of(dataset.name) is not None:
            yield key, "dataset", dataset.namespace, dataset.name


_OpenRun = tuple[SeenRun, list[RunView]]
"""What events say of a run id, and its runs as rules see them, which have found nothing yet."""


def _judge_runs(opened: Sequence[_OpenRun]) -> None:
    """Adds what rules find in runs that ask for no others."""
    views = [view for _, runs in opened for view in runs]
    found = iter(judge_alone(run_rules(), views, run_without_blame, may_be_lowered))
    for seen, runs in opened:
        seen.found.extend(islice(found, len(runs)))


def run_seen_alone(key: str, events: list[RunEvent], body_of: Callable[[str], bytes], *, has_names: bool) -> SeenRun:
    """What the ``events`` of a run id say of it, and what rules find in its runs that ask for no others.

    ``body_of`` gives the bytes of an event by its id; ``has_names`` tells that an id of the run may stand in a name.
    """
    opened = _opened(key, events, body_of, None, has_names=has_names)
    _judge_runs([opened])
    return opened[0]


def _opened(
    key: str,
    events: list[RunEvent],
    body_of: Callable[[str], bytes],
    facets: Callable[[Run], Accumulated] | None,
    *,
    has_names: bool,
) -> _OpenRun:
    """As ``run_seen_alone``, before rules are asked; ``facets`` gives a run's where they were gathered before."""

    def view_at(event: RunEvent) -> EventView:
        return event_in(body_of(event.fact.event_id))

    if is_plain(events):
        run, last = plain_run(events), events[-1]
        runs, repeats = [run], list[tuple[int, Repeat]]()
        jobs = [JobOfRun(run.job, last.position, last.part.line, True, is_unfinished(run))]
    else:
        group, repeats = group_of(events, lambda event_id: digest(event_in(body_of(event_id)).body))
        runs, jobs = runs_in(group), jobs_of(group, events)
    # All runs are shown to the rules on each, in the order in which they began.
    facts = [run.facts for run in (runs if len(runs) == 1 else group.runs(lossy=False))]
    by_job = events_by_job(events) if len(runs) > 1 else {}
    views = []
    for run in runs:
        # Runs that share an id have one job each.
        read = partial(facets_of, run, by_job.get(run.job, events), view_at) if facets is None else partial(facets, run)
        view = RunView(
            run.facts._replace(repeats=()) if repeats else run.facts,
            partial(_runs_of, key, facts),
            read,
            runs_of_job=out_of_reach,
            named_per_run=NAMES_OUT_OF_REACH if has_names else (),
        )
        views.append(view)
    return SeenRun(key, events, jobs, repeats, []), views


def _runs_of(key: str, runs: Sequence[RunFacts], run_id: str) -> Sequence[RunFacts]:
    if run_id_key(run_id) != key:
        raise OutOfReachError
    return runs


def out_of_reach(_: object) -> Sequence[RunFacts]:
    """Stands in for runs that are not known in a block. Raises ``OutOfReachError``."""
    raise OutOfReachError


# Rules go through names without asking whether there are any: so it is the going through that is out of reach.
class _OutOfReach(Iterable[NamedPerRun]):
    def __iter__(self) -> Iterator[NamedPerRun]:
        raise OutOfReachError


NAMES_OUT_OF_REACH: Iterable[NamedPerRun] = _OutOfReach()
"""Stand in for names that are known at the end. To go through them raises ``OutOfReachError``."""


def group_of(
    events: Iterable[RunEvent], digest_of: Callable[[str], bytes | None], group: Group | None = None
) -> tuple[Group, list[tuple[int, Repeat]]]:
    """The group that the events of one run id make, added to ``group`` where there is one; with the positions of those
    that had come before."""
    group = group or Group(RECORDED_ORG)
    repeats = []
    for each in events:
        taken = Taken((each.position, each.position), each.fact.run_id or "", each.fact, answer_lost=False)
        repeat = group.add(taken, digest_of)
        if repeat is not None:
            repeats.append((each.position, repeat))
    return group, repeats


def is_plain(events: Sequence[RunEvent]) -> bool:
    """Whether the events of a run id are one run, of one job, and none is there twice: then no group need be made."""
    job = events[0].fact.job
    said = set()
    for event in events:
        fact = event.fact
        if fact.job != job:
            return False
        # Those that are equal have both in common.
        said.add((fact.event_type, fact.event_time))
    return len(said) == len(events)


def plain_run(events: Sequence[RunEvent]) -> Run:
    """The run that such events make, as their group would."""
    return Run(events[0].fact.run_id or "", RECORDED_ORG, [event.fact for event in events])


def runs_in(group: Group) -> list[Run]:
    """The runs of a group, in the order in which they were heard of last."""
    # Where several share an id, each was heard of at another time.
    runs = group.runs(lossy=False)
    return runs if len(runs) == 1 else sorted(runs, key=lambda run: run.heard)


def jobs_of(group: Group, events: Iterable[RunEvent]) -> list[JobOfRun]:
    """The jobs that the events of a run id name, by which others ask for its runs."""
    last = {event.fact.job: event for event in events}
    made = []
    for job, event in last.items():
        run = group.run_of(job, lossy=False)
        unfinished = run is not None and is_unfinished(run)
        made.append(JobOfRun(job, event.position, event.part.line, run is not None, unfinished))
    return made


def events_by_job(events: Iterable[RunEvent]) -> dict[Job, list[RunEvent]]:
    """The events of one run id by the job that they name."""
    by_job: dict[Job, list[RunEvent]] = {}
    for event in events:
        by_job.setdefault(event.fact.job, []).append(event)
    return by_job


def facets_of(run: Run, events: Iterable[RunEvent], view_at: Callable[[RunEvent], EventView]) -> Accumulated:
    """The facets of a run, which may have changed its job on the way; ``view_at`` gives an event as it was parsed."""
    jobs = run.jobs
    parts: dict[Job, Accumulated] = {}
    for event in events:
        if event.fact.job in jobs:
            _add_facets(parts, event, view_at(event))
    return Accumulated.of(parts[job] for job in jobs)


def _add_facets(by_job: dict[Job, Accumulated], event: RunEvent, view: EventView) -> None:
    part = by_job.get(event.fact.job)
    if part is None:
        part = by_job[event.fact.job] = Accumulated()
    part.add(event.fact.event_id, view, stamp_of(event.fact.event_time, event.position))
