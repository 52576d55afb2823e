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
from mock_intake.views.nodes import JobNode
from mock_intake.views.said import ColumnSources, DatasetSaid, Flow, Identifier, JobId, Said, sources_in


class JobFold:
    """One fold of a job, over what the events of it say."""

    def __init__(self, identity: JobId) -> None:
        self.id = identity
        self.said: list[Said] = []
        self._begin()

    def _begin(self) -> None:
        self.node = JobNode(self.id)
        self._last = (0, 0)
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

    def add(self, said: Said) -> None:
        if self.said and said.arrival < self.said[-1].arrival:
            insort(self.said, said, key=attrgetter("arrival"))
            self.renew()
        else:
            self.said.append(said)
            self._take(said)

    def renew(self) -> None:
        """Folds all anew."""
        self._begin()
        for said in self.said:
            self._take(said)

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
        """One of its events was accepted once more."""
        if arrival >= self._last:
            self._last, self.node.last_received_at = arrival, received_at

    def _take(self, said: Said) -> None:
        node = self.node
        node.events += 1
        node.statuses[said.status] += 1
        # Arrival decides what came last; for what facets say it is the event's own time (``stamp``), as retries and
        # imports come late.
        if said.arrival >= self._last:
            self._last = said.arrival
            node.last_event_type, node.last_received_at = said.event_type, said.received_at
        if said.run is not None:
            node.runs.add(said.run)
        # They add up: START names what is read, COMPLETE what was written, and a later event takes nothing back.
        node.inputs.update(dict.fromkeys(said.inputs))
        node.outputs.update(dict.fromkeys(said.outputs))
        node.facets.update(said.facets)
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

    def _take_parent(self, said: Said) -> None:
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
        latest: dict[str | None, Said] = {}
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

    def _standing(self) -> list[Said]:
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


class DatasetFold:
    """One fold of a dataset, over what all events say of it: of each facet the latest."""

    def __init__(self) -> None:
        # When it was named, and by what: what an event says of it, if that is anything.
        self.said: list[tuple[tuple[int, int], Stamp, DatasetSaid | None]] = []
        self.events = 0
        """How many events named it."""
        self._begin()

    @property
    def known(self) -> Known:
        """What joins it with others, and what explicit lineage says of it."""
        return NOTHING if self.symlinks is None and self.lineage is None else Known(self.symlinks, self.lineage)

    def _begin(self) -> None:
        self._stamps: dict[str, Stamp] = {}
        # What an event said last, if all of it is what counts.
        self._current: DatasetSaid | None = None
        self.schema: tuple[str, ...] | None = None
        self.columns: ColumnSources | None = None
        self.symlinks: tuple[Identifier, ...] | None = None
        self.lineage: Flow | None = None

    def add(self, arrival: tuple[int, int], stamp: Stamp, said: DatasetSaid | None) -> None:
        entry = (arrival, stamp, said)
        if self.said and arrival < self.said[-1][0]:
            insort(self.said, entry, key=lambda one: one[0])
            self._count()
        else:
            self.events += not self.said or self.said[-1][0] != arrival
            self.said.append(entry)
        if said is not None:
            self._take(stamp, said)

    def _count(self) -> None:
        self.events = len({arrival for arrival, _, _ in self.said})

    def drop(self, first: int) -> None:
        self.said = [one for one in self.said if one[0][1] >= first]
        self._count()
        self._begin()
        for _, stamp, said in self.said:
            if said is not None:
                self._take(stamp, said)

    def _take(self, stamp: Stamp, said: DatasetSaid) -> None:
        # The same again, said later: times move on, nothing else.
        if said is self._current and all(stamp >= known for known in self._stamps.values()):
            for key in said.said:
                self._stamps[key] = stamp
            return
        taken = 0
        for key, name in _FOLDED.items():
            if key in said.said and stamp >= self._stamps.get(key, BEGINNING):
                self._stamps[key] = stamp
                setattr(self, name, getattr(said, name))
                taken += 1
        self._current = said if taken == len(said.said) else None

    def since(self, key: str) -> Stamp:
        """When the facet ``key`` was said that counts."""
        return self._stamps.get(key, BEGINNING)


_FOLDED = {"schema": "schema", "columnLineage": "columns", "symlinks": "symlinks", "lineage": "lineage"}
