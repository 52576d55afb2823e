"""Jobs, datasets and what connects them: the graph that lineage is shown as."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from msgspec import Struct, field

from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Status
from mock_intake.model.literals import Entity
from mock_intake.views.event_lineage import Column, JobId, NodeId, Transformation


class JobNode(Struct):
    """A job: what was heard of it, what it reads and writes, in how many events each facet came.

    ``job_type`` is what its jobType facet last said; ``parents`` are the jobs that its runs named as their parents',
    each run the last. One that sent no event is there because others name it. ``feeding`` are, of the outputs of which
    that is known, the inputs that they are made of.
    """

    id: JobId
    events: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    runs: set[str] = field(default_factory=set)
    last_event_type: str | None = None
    last_received_at: datetime | None = None
    inputs: dict[DatasetId, None] = field(default_factory=dict)
    outputs: dict[DatasetId, None] = field(default_factory=dict)
    facets: Counter[tuple[Entity, str]] = field(default_factory=Counter)
    job_type: str | None = None
    parents: dict[JobId, None] = field(default_factory=dict)
    feeding: dict[DatasetId, frozenset[DatasetId]] = field(default_factory=dict)

    def connects(self, source: DatasetId, output: DatasetId) -> bool:
        """Whether ``output`` is made of ``source``, as far as that is known; where nothing is said of it, of all
        inputs.
        """
        known = self.feeding.get(output)
        return known is None or source in known


class DatasetNode(Struct):
    """A dataset: which jobs read and write it, the columns of its latest schema, its names beside the id, and how many
    events named it."""

    id: DatasetId
    read_by: dict[JobId, None] = field(default_factory=dict)
    written_by: dict[JobId, None] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    also_named: tuple[DatasetId, ...] = ()
    events: int = 0


class Lineage(Struct):
    """The lineage of one org. ``columns`` leads from a column to those that it is made of, and how.

    ``children`` leads from a job to those that name it as their parent. ``flows`` leads from a node to those that an
    explicit lineage facet has it feed without a job between. ``names`` leads from names that symlinks join to the one
    that the node has.
    """

    jobs: dict[JobId, JobNode] = field(default_factory=dict)
    datasets: dict[DatasetId, DatasetNode] = field(default_factory=dict)
    columns: dict[Column, dict[Column, tuple[Transformation, ...]]] = field(default_factory=dict)
    children: dict[JobId, dict[JobId, None]] = field(default_factory=dict)
    flows: dict[NodeId, dict[NodeId, None]] = field(default_factory=dict)
    names: dict[DatasetId, DatasetId] = field(default_factory=dict)

    def named(self, dataset: DatasetId) -> DatasetId:
        """The name of the node that ``dataset`` is: another than its own where symlinks join it."""
        return self.names.get(dataset, dataset)
