"""The lineage as it is drawn on pages: what leads where, what the product would not show, what just missed joining."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from mock_intake.datadog import rules
from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.event import DatasetId
from mock_intake.report import graph
from mock_intake.views import NearMiss
from mock_intake.views.lineage import Column, JobId, Lineage
from mock_intake.views.neighbourhood import Part, Place
from mock_intake.web.asked import address

MOST_DRAWN = 2_000
MOST_RELATED = 50
_NO_NODE = "QUERY"
# So many of the jobs that a job is part of are named where it is drawn.
_MOST_SAID = 3


def why_unsurfaced(lineage: Lineage, place: Place) -> str | None:
    """Why the product would not show a node, with the code of the rule that says so; None if it would."""
    if place.type == "dataset":
        if platform_of(place.namespace) is not None:
            return None
        issues = naming_issues(place.namespace, place.name)
        return f"not surfaced ({', '.join(issue.rule.code for issue in issues) or 'unknown platform'})"
    job = lineage.jobs[JobId(place.namespace, place.name)]
    if job.job_type is not None and job.job_type.upper() == _NO_NODE:
        return f"no node ({rules.QUERY_NO_NODE.code}): jobs of the type QUERY make none"
    if job.runs and not job.facets["job", "jobType"]:
        return f"not processed ({rules.JOB_TYPE_MISSING.code}): none of its run events has the jobType facet"
    return None


def page_of(place: Place, org: str) -> str:
    return address(f"/mock/{place.type}", org=org, namespace=place.namespace, name=place.name)


class Related(NamedTuple):
    """A job above or below another, and where it leads to: nowhere, if it sent no event of its own."""

    place: Place
    page: str | None


def related(lineage: Lineage, org: str, jobs: Iterable[JobId], page: Callable[[Place, str], str]) -> list[Related]:
    places = [Place("job", *job) for job in itertools.islice(jobs, MOST_RELATED)]
    return [Related(one, page(one, org) if JobId(one.namespace, one.name) in lineage.jobs else None) for one in places]


class Remark(NamedTuple):
    """What is said of a node beyond its name: why the product would not show it, and the jobs that it is part of."""

    unsurfaced: str | None
    parents: list[Related]


Remarks = Mapping[Place, Remark]


def remarks_on(lineage: Lineage, org: str, part: Part) -> Remarks:
    remarks = {}
    for place in part.nodes:
        job = lineage.jobs[JobId(place.namespace, place.name)] if place.type == "job" else None
        parents = related(lineage, org, job.parents, page_of) if job else []
        remarks[place] = Remark(why_unsurfaced(lineage, place), parents)
    return remarks


def drawing(org: str, part: Part, remarks: Remarks, misses: Iterable[NearMiss], focus: Place | None = None) -> Markup:
    """A part of the lineage as SVG; every node leads to its page."""
    nodes = {place: graph.Node(*place) for place in part.nodes}
    looks = {}
    for place, node in nodes.items():
        why, parents = remarks[place]
        style = " ".join(word for word, holds in (("unsurfaced", why), ("focus", place == focus)) if holds)
        said = [why] if why else []
        said += [f"part of {parent.place.name}" for parent in parents[:_MOST_SAID]]
        looks[node] = graph.Look(page_of(place, org), style, "; ".join(said))
    jobs = sum(place.type == "job" for place in nodes)
    title = f"Lineage: {jobs} jobs, {len(nodes) - jobs} datasets, {len(part.edges)} edges"
    edges = tuple((nodes[start], nodes[end]) for start, end in part.edges)
    return Markup(graph.drawing(graph.Graph(tuple(nodes.values()), edges), title, looks, _dashed(misses)))  # noqa: S704


def _dashed(misses: Iterable[NearMiss]) -> Mapping[graph.Edge, str]:
    return {
        (graph.Node("dataset", *miss.one), graph.Node("dataset", *miss.other)): (
            f"{miss.finding.code}: {miss.finding.message}"
        )
        for miss in misses
    }


def column_drawing(org: str, dataset: DatasetId, edges: Sequence[tuple[Column, Column]]) -> Markup:
    """Columns of a dataset with those that they are made of, and those that are made of them."""
    drawn = tuple((_column(start), _column(end)) for start, end in edges)
    looks = {
        _column(column): graph.Look(
            page_of(Place("dataset", *column.dataset), org), "focus" if column.dataset == dataset else ""
        )
        for edge in edges
        for column in edge
    }
    title = f"Column lineage of {dataset.name}: {len(drawn)} edges"
    return Markup(graph.drawing(graph.Graph(tuple(looks), drawn), title, looks))  # noqa: S704


def _column(column: Column) -> graph.Node:
    return graph.Node("column", f"{column.dataset.namespace} {column.dataset.name}", column.name or "(all of it)")
