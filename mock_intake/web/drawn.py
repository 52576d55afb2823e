"""The lineage as it is drawn on pages: what leads where, what the product would not show, what just missed joining."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
_NO_NODE = "QUERY"


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


Notes = Mapping[Place, str]
"""Nodes that the product would not show, with the reason."""


def notes_of(lineage: Lineage, part: Part) -> Notes:
    found = ((place, why_unsurfaced(lineage, place)) for place in part.nodes)
    return {place: note for place, note in found if note is not None}


def drawing(org: str, part: Part, notes: Notes, misses: Iterable[NearMiss], focus: Place | None = None) -> Markup:
    """A part of the lineage as SVG; every node leads to its page."""
    nodes = {place: graph.Node(*place) for place in part.nodes}
    looks = {}
    for place, node in nodes.items():
        style = " ".join(word for word, holds in (("unsurfaced", place in notes), ("focus", place == focus)) if holds)
        looks[node] = graph.Look(page_of(place, org), style, notes.get(place, ""))
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
