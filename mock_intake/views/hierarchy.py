"""Which jobs are part of which, as the parent facets of their runs say."""

from __future__ import annotations

from collections.abc import Iterable

from mock_intake.views.event_lineage import JobId
from mock_intake.views.folds import JobFold
from mock_intake.views.nodes import JobNode, Lineage


def place_parents(lineage: Lineage, jobs: Iterable[JobFold]) -> list[JobId]:
    """Who is part of whom; a parent has a node also where it sent no event, and so has a root above it.

    Gives the nodes that it made.
    """
    sent = set(lineage.jobs)
    made: list[JobId] = []

    def node_of(identity: JobId) -> JobNode:
        node = lineage.jobs.get(identity)
        if node is None:
            node = lineage.jobs[identity] = JobNode(identity)
            made.append(identity)
        return node

    for job in jobs:
        for parent, root in job.parents():
            lineage.jobs[job.id].parents[parent] = None
            lineage.children.setdefault(parent, {})[job.id] = None
            node = node_of(parent)
            if parent not in sent and root is not None and root != parent:
                node_of(root)
                node.parents[root] = None
                lineage.children.setdefault(root, {})[parent] = None
    return made
