"""The lineage as it is drawn on pages: what leads where, what the product would not show, what just missed joining."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Selection
from mock_intake.report import graph, lineage
from mock_intake.report.layout import Graph, Node
from mock_intake.report.node_facts import NodeFact, facts_of_nodes
from mock_intake.secrets.presenting import presented
from mock_intake.views import NearMiss, Views
from mock_intake.views.lineage import Column, JobId, Lineage
from mock_intake.views.neighbourhood import Bundle, NotShown, Part, Place, why_not_shown
from mock_intake.web.query import address

MOST_NODES = 2_000
MOST_RELATED = 50
# So many of the jobs that a job is part of are named where it is drawn.
_MOST_SAID = 3


def page_of(place: Place, org: str) -> str:
    """The page of a job or dataset."""
    return _page_once(place, org) if len(place.namespace) + len(place.name) <= _SHORT else _page(place, org)


def _page(place: Place, org: str) -> str:
    return address(f"/mock/{place.type}", org=org, namespace=place.namespace, name=place.name)


# A page leads to the same nodes from several places, and is asked for again and again; what is long is not kept.
_SHORT = 200
_page_once = lru_cache(maxsize=8_192)(_page)


class Related(NamedTuple):
    """A job above or below another, and where it leads to: nowhere, if it sent no event of its own."""

    place: Place
    page: str | None


def related(lineage: Lineage, org: str, jobs: Iterable[JobId], page: Callable[[Place, str], str]) -> list[Related]:
    found = ((Place("job", *job), lineage.jobs.get(job)) for job in itertools.islice(jobs, MOST_RELATED))
    return [Related(place, page(place, org) if node is not None and node.events else None) for place, node in found]


class Remark(NamedTuple):
    """What is said of a node beyond its name: why the product would not show it, and the jobs that it is part of."""

    not_shown: NotShown | None
    parents: list[Related]
    fact: NodeFact = NodeFact()


Remarks = Mapping[Place, Remark]
Bundles = Mapping[Place, Bundle]
_NONE: Bundles = {}


def remarks_on(
    lineage: Lineage,
    org: str,
    part: Part,
    views: Views,
    misses: Sequence[NearMiss],
    selection: Selection,
    bundles: Bundles,
) -> Remarks:
    """What is said of the nodes of ``part``; nothing of those that stand for several."""
    remarks = {}
    facts = facts_of_nodes(views, org, part.nodes, misses, selection)
    for place in part.nodes:
        if place in bundles:
            continue
        job = lineage.jobs[JobId(place.namespace, place.name)] if place.type == "job" else None
        parents = related(lineage, org, job.parents, page_of) if job else []
        remarks[place] = Remark(why_not_shown(lineage, place), parents, facts.get(place, NodeFact()))
    return remarks


def drawing(
    org: str,
    part: Part,
    remarks: Remarks,
    misses: Iterable[NearMiss],
    focus: Place | None = None,
    bundles: Bundles = _NONE,
) -> Markup:
    """A part of the lineage as SVG; every node leads to its page, those of ``bundles`` to the lineage of theirs."""
    not_shown = {place: remark.not_shown for place, remark in remarks.items()}

    def page(place: Place) -> str:
        if place in bundles:
            return address("/mock/lineage", org=org, within=place.namespace)
        return page_of(place, org)

    return lineage.drawing(
        part,
        {place: why for place, why in not_shown.items() if why is not None},
        misses,
        focus=focus,
        said={
            place: [f"part of {presented(parent.place.name)}" for parent in remark.parents[:_MOST_SAID]]
            for place, remark in remarks.items()
        },
        facts={place: remark.fact for place, remark in remarks.items()},
        page=page,
        bundles=bundles,
    )


def column_drawing(org: str, dataset: DatasetId, edges: Sequence[tuple[Column, Column]]) -> Markup:
    """Columns of a dataset with those that they are made of, and those that are made of them."""
    pairs = tuple((_column(start), _column(end)) for start, end in edges)
    looks = {
        _column(column): graph.Look(
            page_of(Place("dataset", *column.dataset), org), "focus" if column.dataset == dataset else ""
        )
        for edge in edges
        for column in edge
    }
    title = f"Column lineage of {presented(dataset.name)}: {len(pairs)} edges"
    tables = {_column(column): Node("table", *column.dataset) for edge in edges for column in edge}
    return graph.drawing(Graph(tuple(looks), pairs), title, looks, group_of=tables.get)


def _column(column: Column) -> Node:
    return Node("column", " ".join(map(presented, column.dataset)), column.name or "(all of it)")
