"""Runs, folded from the exchanges that were accepted: those under one id in a group, and all of them in a list.

The list is kept as it is asked for. Each event changes the place of one group, and the runs of that are put into the
list when somebody asks for it.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from operator import attrgetter
from typing import NamedTuple, TypeVar, cast

from msgspec import Struct, field

from mock_intake.journal.columns import microseconds
from mock_intake.journal.protocol import ExchangeFilter, Journal
from mock_intake.journal.walking import newest_exchanges
from mock_intake.model.exchange import EventSummary
from mock_intake.model.per_run import PerRunNames
from mock_intake.model.runs import Job, Repeat, RunEventFact, RunFacts, run_id_key, spellings_of
from mock_intake.views.extracts import Extract, extract
from mock_intake.views.group import Arrival, DigestOf, Group, Taken
from mock_intake.views.run import GroupKey, Run, RunKey, is_unfinished, run_named

Listed = dict[GroupKey, Run | tuple[Run, ...] | None]
"""The runs of each group, the one heard of last being last; several where jobs share the id, None where they are to be
looked up."""

# No real hierarchy is deeper; what is made up may be.
_MOST_ANCESTORS = 50
# Of a job that sends no run so many events are looked at.
_MOST_WITHOUT_RUN = 20
# Of the runs of a job so many that lack their beginning or their end are looked through for each other.
_MOST_UNFINISHED = 50


def _no_digest(_: str) -> bytes | None:
    return None


K = TypeVar("K")
V = TypeVar("V")


def _of(of: dict[K, dict[GroupKey, V]], key: K) -> dict[GroupKey, V]:
    known = of.get(key)
    if known is None:
        known = of[key] = {}
    return known


class Runless(NamedTuple):
    """An accepted event of no run: where its attempts stand that were accepted, and whether the last lost its answer.

    ``job`` is whose it is, where it is an event of a job.
    """

    positions: deque[int]
    answer_lost: bool
    org: str
    job: Job | None


class RunsState(Struct):
    """Runs by org and id.

    ``listed`` and, by org, ``of_org`` have them in the order in which they were heard of; ``unlisted`` are the groups
    whose runs are not in there yet. ``of_job`` are the groups in which a job has a run that may lack its beginning or
    its end, None where all have to be looked through. ``children`` are the groups of those that name a parent, by it;
    ``touched`` the groups that were heard of since somebody looked, ``with_codes`` those in which that found something;
    ``accepted`` the events that are of no run.
    ``oldest`` is a heap of the groups by their lowest positions. ``lossy`` tells that retention has dropped exchanges,
    and ``shortened`` are the jobs of which it has since ``of_job`` was made. ``per_run`` are names in which an id of a
    run may stand; ``without_run`` the first events of each org's jobs that have no run.
    """

    digest_of: DigestOf = _no_digest
    groups: dict[GroupKey, Group] = field(default_factory=dict)
    listed: Listed = field(default_factory=dict)
    of_org: dict[str, Listed] = field(default_factory=dict)
    unlisted: dict[GroupKey, None] = field(default_factory=dict)
    shared: set[GroupKey] = field(default_factory=set)
    of_job: dict[tuple[str, Job], dict[GroupKey, None]] | None = field(default_factory=dict)
    children: dict[GroupKey, dict[GroupKey, None]] = field(default_factory=dict)
    touched: dict[GroupKey, None] = field(default_factory=dict)
    with_codes: set[GroupKey] = field(default_factory=set)
    accepted: dict[str, Runless] = field(default_factory=dict)
    oldest: list[tuple[int, GroupKey]] = field(default_factory=list)
    lossy: bool = False
    shortened: set[tuple[str, Job]] = field(default_factory=set)
    per_run: PerRunNames = field(default_factory=PerRunNames)
    without_run: dict[str, dict[Job, list[str]]] = field(default_factory=dict)

    def runs(self, org: str | None = None) -> list[Run]:
        """The runs of ``org``, or of all, the latest heard of first."""
        self._list_all()
        listed = self.listed if org is None else self.of_org.get(org, {})
        entries = list(reversed(listed.values()))
        if not self.shared:
            return cast("list[Run]", entries)
        found: list[Run] = []
        for entry in entries:
            if isinstance(entry, tuple):
                found += entry
            elif entry is not None:
                found.append(entry)
        return found

    def _list_all(self) -> None:
        """Puts the runs into the list that are not in there yet."""
        for key in self.unlisted:
            runs = self.groups[key].runs(lossy=self.lossy)
            entry: Run | tuple[Run, ...]
            if len(runs) == 1:
                entry = runs[0]
                self.shared.discard(key)
            else:
                entry = tuple(sorted(runs, key=attrgetter("heard"), reverse=True))
                self.shared.add(key)
            self.listed[key] = self.of_org[key[0]][key] = entry
        self.unlisted.clear()

    def heard(self, key: GroupKey, group: Group, job: Job) -> None:
        """An event of a job came, and was added to its group: that is the last in the list now."""
        made = group.made
        entry = made[0] if made is not None and len(made) == 1 else None
        if entry is None:
            self.unlisted[key] = None
        # Taken out and put back: a dictionary keeps its order, and the latest is to be last.
        for listed in (self.listed, _of(self.of_org, group.org)):
            listed.pop(key, None)
            listed[key] = entry
        if self.of_job is not None:
            of_job = _of(self.of_job, (group.org, job))
            of_job.pop(key, None)
            of_job[key] = None
        self.touched[key] = None

    def changed(self, key: GroupKey) -> None:
        """What a group holds is another, or nothing any more, and its place in the list the same."""
        self.touched[key] = None
        if key in self.groups:
            self.unlisted[key] = None
            return
        self.unlisted.pop(key, None)
        self.shared.discard(key)
        if key not in self.with_codes:
            self.touched.pop(key, None)
        self.listed.pop(key, None)
        of_org = self.of_org[key[0]]
        of_org.pop(key, None)
        if not of_org:
            del self.of_org[key[0]]

    def without_group(self, job: tuple[str, Job], key: GroupKey) -> None:
        """A group of a job is there no more."""
        if self.of_job is not None and job in self.of_job:
            self.of_job[job].pop(key, None)
            if not self.of_job[job]:
                del self.of_job[job]

    def unfinished(self, org: str, job: Job) -> list[RunFacts]:
        """The runs of a job that lack a START or an end, the latest heard of first, as many as are looked through."""
        if self.of_job is None or (org, job) in self.shortened:
            self.shortened.clear()
            self.of_job = {}
            for key in self.listed:
                for each in self.groups[key].jobs:
                    _of(self.of_job, (key[0], each))[key] = None
        keys = self.of_job.get((org, job), {})
        found: list[RunFacts] = []
        over: list[GroupKey] = []
        for key in reversed(keys):
            group = self.groups[key]
            run = group.run_of(job, lossy=self.lossy)
            if run is not None and is_unfinished(run):
                found.append(run.facts)
                if len(found) == _MOST_UNFINISHED:
                    break
            # Of an id that jobs share, another job may begin a run of its own, and leave this one what it had.
            elif group.has_one_job or (run is not None and run.shared):
                over.append(key)
        for key in over:
            del keys[key]
        return found

    def runs_of(self, org: str, run_id: str) -> list[Run]:
        """The runs of ``org`` with the id ``run_id``, the first that began first."""
        group = self.groups.get((org, run_id_key(run_id)))
        return [] if group is None else group.runs(lossy=self.lossy)

    def named(self, org: str, run_id: str, job: tuple[str, str] | None) -> Run | None:
        """The run of ``org`` that a facet names by ``run_id`` and, where several jobs share that, by ``job``."""
        return run_named(self.runs_of(org, run_id), job)

    def parent(self, run: Run) -> Run | None:
        """The run that ``run`` is directly part of, if an event of that came."""
        above = run.parent
        if above is None or not above.parent_run_id:
            return None
        return self.named(run.org, above.parent_run_id, above.parent_job)

    def root(self, run: Run) -> Run | None:
        """The run that the parent facet of ``run`` names as its root, if an event of that came."""
        above = run.parent
        if above is None or not above.root_run_id:
            return None
        return self.named(run.org, above.root_run_id, above.root_job)


def fold_run(state: RunsState, taken: Extract, position: int) -> RunsState:
    """The ``state`` with an exchange at ``position`` on record, of which this was ``taken``: with an attempt of a run
    event, or as it was.
    """
    if taken.event is not None and taken.accepted:
        arrival = (microseconds(taken.received_at), position)
        add_event(state, taken.org, taken.event, arrival, answer_lost=taken.answer_lost)
    return state


def drop_runs(state: RunsState, first: int) -> RunsState:
    """The ``state`` without what stands before the position ``first``: retention has dropped it."""
    # From now on a group may lack its beginning, which changes how it is split, and what is missed.
    if not state.lossy:
        state.lossy = True
        for key, group in state.groups.items():
            group.renew()
            state.changed(key)
        state.of_job = None
        state.shortened.clear()
    while state.oldest and state.oldest[0][0] < first:
        _, key = heappop(state.oldest)
        group = state.groups[key]
        parents, jobs = _parents(group), [(group.org, job) for job in group.jobs]
        if group.drop(first, state.digest_of):
            heappush(state.oldest, (group.oldest, key))
            state.shortened.update(jobs)
        else:
            del state.groups[key]
            state.per_run.forget(*key)
            for job in jobs:
                state.without_group(job, key)
        if len(state.shortened) > len(state.groups):
            state.of_job = None
            state.shortened.clear()
        for parent in parents - _parents(group):
            _leave(state.children, (key[0], parent), key)
        state.changed(key)
    _drop_runless(state, first)
    return state


def _parents(group: Group) -> set[str]:
    return {run_id_key(run_id) for run_id in group.parents()}


def _leave(of: dict[K, dict[GroupKey, V]], key: K, group: GroupKey) -> None:
    of[key].pop(group, None)
    if not of[key]:
        del of[key]


def _drop_runless(state: RunsState, first: int) -> None:
    """The first attempt that is left then stands for its event."""
    gone = [item for item in state.accepted.items() if item[1].positions[0] < first]
    for event_id, one in gone:
        while one.positions and one.positions[0] < first:
            one.positions.popleft()
        if not one.positions:
            del state.accepted[event_id]
    if not gone:
        return
    state.without_run.clear()
    for event_id, one in sorted(state.accepted.items(), key=lambda item: item[1].positions[0]):
        _list_without_run(state, event_id, one)


def _list_without_run(state: RunsState, event_id: str, one: Runless) -> None:
    if one.job is not None:
        of_job = state.without_run.setdefault(one.org, {}).setdefault(one.job, [])
        if len(of_job) < _MOST_WITHOUT_RUN:
            of_job.append(event_id)


def add_event(
    state: RunsState, org: str, event: EventSummary, arrival: Arrival, *, answer_lost: bool = False
) -> Repeat | None:
    """Adds an accepted ``event`` of ``org`` to the runs; tells if the same one had been accepted before.

    ``answer_lost`` says that its client never got its answer, so that it had reason to send it again.
    """
    if event.run_id is None:
        # An event of no run has nothing else to be folded into; that it came twice is to be known all the same.
        before = state.accepted.get(event.id)
        if before is not None:
            before.positions.append(arrival[1])
            state.accepted[event.id] = before._replace(answer_lost=answer_lost)
            return Repeat(event.id, event.event_type, before.answer_lost)
        job = (event.job_namespace, event.job_name) if event.kind == "JobEvent" else None
        one = state.accepted[event.id] = Runless(deque((arrival[1],)), answer_lost, org, job)
        _list_without_run(state, event.id, one)
        return None
    key = (org, run_id_key(event.run_id))
    state.per_run.add(*key, "job", event.job_namespace, event.job_name)
    for dataset in event.datasets:
        state.per_run.add(*key, "dataset", dataset.namespace, dataset.name)
    group = state.groups.get(key)
    is_new = group is None
    if group is None:
        group = state.groups[key] = Group(org)
    if event.parent_run_id:
        state.children.setdefault((org, run_id_key(event.parent_run_id)), {})[key] = None
    fact = _sharing(fact_of(event), group.latest)
    repeat = group.add(Taken(arrival, fact.run_id or event.run_id, fact, answer_lost), state.digest_of)
    if is_new:
        heappush(state.oldest, (group.oldest, key))
    state.heard(key, group, fact.job)
    return repeat


def fact_of(event: EventSummary) -> RunEventFact:
    """What the run cycle needs of ``event``."""
    return RunEventFact(
        event.id,
        event.event_type,
        event.event_time,
        (event.job_namespace, event.job_name),
        event.processing_type,
        event.parent_run_id,
        event.parent_job,
        event.root_run_id,
        event.root_job,
        event.snapshot,
        event.run_id,
    )


def _sharing(fact: RunEventFact, earlier: RunEventFact | None) -> RunEventFact:
    """The ``fact``, with the very texts of an ``earlier`` one of its run where these are equal.

    Names are of any length, and the events of a run have them in common: each is kept once.
    """
    if earlier is None:
        return fact
    return fact._replace(
        event_type=_one_of(fact.event_type, earlier.event_type),
        job=_one_of(fact.job, earlier.job),
        processing_type=_one_of(fact.processing_type, earlier.processing_type),
        parent_run_id=_one_of(fact.parent_run_id, earlier.parent_run_id),
        parent_job=_one_of(fact.parent_job, earlier.parent_job),
        root_run_id=_one_of(fact.root_run_id, earlier.root_run_id),
        root_job=_one_of(fact.root_job, earlier.root_job),
        run_id=_one_of(fact.run_id, earlier.run_id),
    )


def _one_of(value: V, known: V) -> V:
    return known if value == known else value


def path_above(state: RunsState, run: Run) -> list[Run | str]:
    """What ``run`` is part of, the topmost first: runs, and the ids of those that sent no event.

    Where a parent sent none, and the run that is named as the root did, the one stands below the other. Runs that name
    each other as parents end it.
    """
    path: list[Run | str] = []
    passed = {run.key}
    at = run
    while len(path) < _MOST_ANCESTORS and (parent_id := at.parent_id) is not None:
        parent = state.parent(at)
        if parent is None:
            path.append(parent_id)
            parent = state.root(at)
        if parent is None or parent.key in passed:
            break
        passed.add(parent.key)
        path.append(parent)
        at = parent
    return path[::-1]


def root_of(state: RunsState, run: Run) -> str:
    """The id of the run that is the root of all that ``run`` is part of.

    It is the one that the parent facet names; else that of the parent, as far as runs are on record; a run that has no
    parent is its own.
    """
    passed: set[RunKey] = set()
    while run.key not in passed:
        passed.add(run.key)
        names = run.parent
        if names is None or not (names.root_run_id or names.parent_run_id):
            break
        if names.root_run_id:
            known = state.root(run)
            return names.root_run_id if known is None else known.run_id
        parent = state.parent(run)
        if parent is None:
            return names.parent_run_id or run.run_id
        run = parent
    return run.run_id


def read_runs(journal: Journal, run_id: str, org: str | None, digest_of: DigestOf) -> RunsState:
    """The runs ``run_id`` of ``org`` (or of all), folded from their own exchanges: a large ``journal`` can answer that
    at once.

    A UUID is looked for as it is given, in lower and in upper case.
    """
    extracts: list[Extract] = []
    for spelling in spellings_of(run_id):
        which = ExchangeFilter(org=org, run_id=spelling)
        # The bodies of a long run are not to be held at once.
        extracts += [extract(exchange, with_body=False) for exchange in newest_exchanges(journal, which)][::-1]
    extracts.sort(key=attrgetter("received_at"))
    state = RunsState(digest_of, lossy=journal.dropped > 0)
    for number, taken in enumerate(extracts):
        fold_run(state, taken, number)
    return state
