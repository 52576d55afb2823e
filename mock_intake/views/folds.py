"""One fold of a job and one of a dataset, over what events say of them."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from mock_intake.model.accumulated import BEGINNING, Stamp
from mock_intake.model.event import DatasetId
from mock_intake.views.event_lineage import (
    ColumnSources,
    DatasetSaid,
    EventLineage,
    Flow,
    Identifier,
    JobId,
    sources_in,
)
from mock_intake.views.nodes import JobNode


class JobFold:
    """One fold of a job, over what the events of it say."""

    def __init__(self, identity: JobId) -> None:
        self.id = identity
        self.said: list[EventLineage] = []
        self._begin()

    def _begin(self) -> None:
        self.node = JobNode(self.id)
        # The event that came last, and when one of them was heard of last, be it once more.
        self._last_event = self._last = (0, 0)
        self._job_type = BEGINNING
        self._lineage: tuple[Stamp, tuple[Flow, ...]] = (BEGINNING, ())
        self._columns: dict[DatasetId, tuple[Stamp, ColumnSources | None, frozenset[DatasetId] | None]] = {}
        self._flows: dict[DatasetId, tuple[Stamp, Flow | None]] = {}
        self._parents: dict[str, tuple[Stamp, JobId | None, JobId | None]] = {}
        # How many runs name which job as their parent's, with which root.
        self._above: Counter[tuple[JobId | None, JobId | None]] = Counter()
        self._snapshots = False
        self._flow_changes = 0
        self._parent_changes = 0
        self._fed: dict[DatasetId, frozenset[DatasetId]] | None = None

    def add(self, said: EventLineage) -> None:
        if self.said and said.arrival < self.said[-1].arrival:
            insort(self.said, said, key=attrgetter("arrival"))
            self.renew()
        else:
            self.said.append(said)
            self._take(said)

    def renew(self) -> None:
        """Folds all anew; when it was heard of last stays."""
        last, received_at = self._last, self.node.last_received_at
        self._fold_anew()
        if received_at is not None:
            self.heard(received_at, last)

    def _fold_anew(self) -> None:
        self._begin()
        for said in self.said:
            self._take(said)

    def drop(self, first: int) -> None:
        """Takes away what stands before the position ``first``; who knows when it was accepted once more says so again
        (``heard``)."""
        self.said = [said for said in self.said if said.arrival[1] >= first]
        self._fold_anew()

    @property
    def versions(self) -> tuple[int, int]:
        """Of what explicit lineage says of it, and of its parents: another number where that has changed."""
        return self._flow_changes, self._parent_changes

    @property
    def has_snapshots(self) -> bool:
        """Whether one of its events stands for itself."""
        return self._snapshots

    @property
    def has_flows(self) -> bool:
        """Whether an explicit lineage facet says anything of it."""
        return any(True for _ in self.flows())

    @property
    def feeding_is_stale(self) -> bool:
        """Whether what feeds its outputs has to be found anew."""
        return self._fed is None

    def counted(self, node: JobNode) -> JobNode:
        """A node that has all that is counted of the job, shared with it; what connects it is the node's own."""
        own = self.node
        node.events, node.statuses, node.runs, node.facets = own.events, own.statuses, own.runs, own.facets
        node.last_event_type, node.last_received_at = own.last_event_type, own.last_received_at
        node.job_type = own.job_type
        return node

    def heard(self, received_at: datetime, arrival: tuple[int, int]) -> None:
        """One of its events was accepted, for the first time or once more."""
        if arrival >= self._last:
            self._last, self.node.last_received_at = arrival, received_at

    def _take(self, said: EventLineage) -> None:
        node = self.node
        node.events += 1
        node.statuses[said.status] += 1
        # Arrival decides what came last; for what facets say it is the event's own time (``stamp``), as retries and
        # imports come late.
        if said.arrival >= self._last_event:
            self._last_event, node.last_event_type = said.arrival, said.event_type
        self.heard(said.received_at, said.arrival)
        if said.run is not None:
            node.runs.add(said.run)
        # They add up: START names what is read, COMPLETE what was written, and a later event takes nothing back.
        for dataset in said.inputs:
            node.inputs[dataset] = None
        for dataset in said.outputs:
            node.outputs[dataset] = None
        # One by one: a counter that is given all of them looks first what they are.
        facets = node.facets
        for facet in said.facets:
            facets[facet] += 1
        self._snapshots = self._snapshots or said.snapshot
        if said.says_job_type and said.stamp >= self._job_type:
            self._job_type, node.job_type = said.stamp, said.job_type
        if said.says_lineage and said.stamp >= self._lineage[0]:
            if said.lineage != self._lineage[1]:
                self._flow_changes += 1
                self._fed = None
            self._lineage = (said.stamp, said.lineage)
        if said.names_parent:
            self._take_parent(said)
        for one in said.datasets:
            self._take_dataset(one, said.stamp)

    def _take_parent(self, said: EventLineage) -> None:
        # By run: each may be started by another parent, and all of them are shown.
        run, above = said.run or "", (said.parent, said.root)
        known = self._parents.get(run)
        if known is not None and said.stamp < known[0]:
            return
        self._parents[run] = (said.stamp, *above)
        if known is not None:
            if known[1:] == above:
                return
            self._above[known[1:]] -= 1
            if not self._above[known[1:]]:
                del self._above[known[1:]]
                self._parent_changes += 1
        if above not in self._above:
            self._parent_changes += 1
        self._above[above] += 1

    def _take_dataset(self, said: DatasetSaid, stamp: Stamp) -> None:
        if said.role != "output":
            return
        if "columnLineage" in said.said:
            known = self._columns.get(said.id)
            if known is None or stamp >= known[0]:
                # The same object: what is equal is kept once (``Kept``), so most events cost a comparison of addresses.
                if known is not None and known[1] is said.columns:
                    self._columns[said.id] = (stamp, *known[1:])
                else:
                    found = None if said.columns is None else frozenset(one.dataset for one in sources_in(said.columns))
                    self._columns[said.id] = (stamp, said.columns, found or None)
                    self._fed = None
        if "lineage" in said.said and stamp >= self._flows.get(said.id, (BEGINNING,))[0]:
            if said.lineage != self._flows.get(said.id, (BEGINNING, None))[1]:
                self._flow_changes += 1
                self._fed = None
            self._flows[said.id] = (stamp, said.lineage)

    def flows(self) -> Iterator[Flow]:
        """What explicit lineage facets say, of the job and of what it writes."""
        yield from self._lineage[1]
        if self._flows:
            yield from (flow for _, flow in self._flows.values() if flow is not None)

    def feeding(self) -> dict[DatasetId, frozenset[DatasetId]]:
        """Of each output of which it is known the inputs that it is made of: explicit lineage goes before columns."""
        if self._fed is not None:
            return self._fed
        known = {output: found for output, (_, _, found) in self._columns.items() if found is not None}
        for flow in self.flows():
            if isinstance(flow.target, DatasetId) and (found := flow.feeding()) is not None:
                known[flow.target] = frozenset(found)
        self._fed = known
        return known

    def parents(self) -> Iterator[tuple[JobId, JobId | None]]:
        """The jobs that its runs named as their parents', with the root that was named beside."""
        for parent, root in self._above_now() if self._snapshots else self._above:
            if parent is not None and parent != self.id:
                yield parent, root

    def _above_now(self) -> Iterable[tuple[JobId | None, JobId | None]]:
        """As ``_above``, where events stand for themselves."""
        latest: dict[str | None, EventLineage] = {}
        for said in self._standing():
            if said.names_parent and (said.run not in latest or said.stamp >= latest[said.run].stamp):
                latest[said.run] = said
        return dict.fromkeys((said.parent, said.root) for said in latest.values())

    def datasets(self) -> tuple[dict[DatasetId, None], dict[DatasetId, None]]:
        """What it reads and writes. Of a run with events that stand for themselves, what the last of them has and later
        ones add."""
        # Without events that stand for themselves nothing is ever taken back.
        if not self._snapshots:
            return self.node.inputs, self.node.outputs
        left = self._standing()
        return (
            dict.fromkeys(dataset for said in left for dataset in said.inputs),
            dict.fromkeys(dataset for said in left for dataset in said.outputs),
        )

    def _standing(self) -> list[EventLineage]:
        """What its events say, without what one that stands for itself has overtaken."""
        floors: dict[str | None, Stamp] = {}
        for said in self.said:
            if said.snapshot:
                floors[said.run] = max(floors.get(said.run, BEGINNING), said.stamp)
        return [said for said in self.said if said.stamp >= floors.get(said.run, BEGINNING)]


class Known(NamedTuple):
    """What joins a dataset with others, and what explicit lineage says of it."""

    symlinks: tuple[Identifier, ...] | None
    lineage: Flow | None


NOTHING = Known(None, None)
JOINING = frozenset(("symlinks", "lineage"))
"""The facets of a dataset that say this."""


class Mention(NamedTuple):
    """That an event named a dataset: when it arrived, which of its datasets it was, when the event was, and
    what it says of the dataset, if that is anything."""

    arrival: tuple[int, int]
    number: int
    stamp: Stamp
    said: DatasetSaid | None


class DatasetFold:
    """One fold of a dataset, over what all events say of it: of each facet the latest."""

    def __init__(self) -> None:
        self.said: list[Mention] = []
        self.events = 0
        """How many events named it."""
        # Whether some stand elsewhere on record than they arrived, as an import brings them: those that are first
        # here are not all of the oldest then.
        self._reordered = False
        self._begin()

    @property
    def known(self) -> Known:
        """What joins it with others, and what explicit lineage says of it."""
        return NOTHING if self.symlinks is None and self.lineage is None else Known(self.symlinks, self.lineage)

    def _begin(self) -> None:
        self._stamps: dict[str, Stamp] = {}
        # The latest of them.
        self._latest = BEGINNING
        # What an event said last, if all of it is what counts.
        self._current: DatasetSaid | None = None
        self.schema: tuple[str, ...] | None = None
        self.columns: ColumnSources | None = None
        self.symlinks: tuple[Identifier, ...] | None = None
        self.lineage: Flow | None = None

    def add(self, mention: Mention) -> None:
        if self.said and mention.arrival < self.said[-1].arrival:
            insort(self.said, mention, key=attrgetter("arrival"))
            self._reordered = True
            self._count()
        else:
            if self.said:
                last = self.said[-1].arrival
                self.events += last != mention.arrival
                self._reordered = self._reordered or mention.arrival[1] < last[1]
            else:
                self.events = 1
            self.said.append(mention)
        if mention.said is not None:
            self._take(mention.stamp, mention.said)

    def _count(self) -> None:
        self.events = len({one.arrival for one in self.said})

    def drop(self, first: int) -> None:
        """Takes away what stands before the position ``first``."""
        number = next((at for at, one in enumerate(self.said) if one.arrival[1] >= first), len(self.said))
        gone = self.said[:number]
        # Most of the time it is the oldest alone, and what they said has been said again since.
        if not self._reordered and all(one.stamp < known for one in gone for known in self._stamps.values()):
            del self.said[:number]
            self.events -= len({one.arrival for one in gone})
            return
        self.said = [one for one in self.said if one.arrival[1] >= first]
        self.renew()

    def renew(self) -> None:
        """Folds all anew."""
        self._count()
        self._begin()
        for one in self.said:
            if one.said is not None:
                self._take(one.stamp, one.said)

    def _take(self, stamp: Stamp, said: DatasetSaid) -> None:
        # The same again, said later: times move on, nothing else.
        if said is self._current and stamp >= self._latest:
            self._latest = stamp
            for key in said.said:
                self._stamps[key] = stamp
            return
        taken = 0
        for key, name in _FOLDED.items():
            if key in said.said and stamp >= self._stamps.get(key, BEGINNING):
                self._stamps[key] = stamp
                setattr(self, name, getattr(said, name))
                taken += 1
                self._latest = max(self._latest, stamp)
        self._current = said if taken == len(said.said) else None

    def since(self, key: str) -> Stamp:
        """When the facet ``key`` was said that counts."""
        return self._stamps.get(key, BEGINNING)


_FOLDED = {"schema": "schema", "columnLineage": "columns", "symlinks": "symlinks", "lineage": "lineage"}
