"""The lineage of an org, or a part of it, as a drawing: what the product would not show is greyed, and what just missed
joining is dashed. The same on pages and in reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from mock_intake.report import graph
from mock_intake.report.markup import Markup, element, folded, items, joined, scrolling
from mock_intake.views import NearMiss, Views
from mock_intake.views.neighbourhood import NotShown, Part, Place, whole, why_not_shown

_MOST_LISTED = 500
_MOST_ORGS = 50


class OrgLineage(NamedTuple):
    """All of an org's lineage, with what the product would not show of it, and the joins that were just missed."""

    org: str
    part: Part
    not_shown: Mapping[Place, NotShown]
    misses: Sequence[NearMiss]


def lineage_by_org(views: Views, org: str | None = None) -> list[OrgLineage]:
    """The lineage of all orgs that have one, or of one org."""
    found = []
    with views.held():
        for owner, lineage in views.lineage(org).items():
            part = whole(lineage)
            whys = ((place, why_not_shown(lineage, place)) for place in part.nodes)
            if part.nodes:
                not_shown = {place: why for place, why in whys if why is not None}
                found.append(OrgLineage(owner, part, not_shown, views.near_misses(owner)))
    return found


def drawn(
    part: Part,
    not_shown: Mapping[Place, NotShown],
    misses: Iterable[NearMiss],
    *,
    focus: Place | None = None,
    said: Mapping[Place, Sequence[str]] | None = None,
    page: Callable[[Place], str] | None = None,
) -> Markup:
    """A part of the lineage as SVG; nodes lead to their ``page``, and ``said`` is what else is told of them."""
    looks = {}
    for place in part.nodes:
        why = not_shown.get(place)
        style = " ".join(word for word, holds in (("unsurfaced", why), ("focus", place == focus)) if holds)
        notes = [*([why.words] if why else ()), *(said or {}).get(place, ())]
        looks[graph.Node(*place)] = graph.Look(
            page(place) if page else None, style, "; ".join(notes), why.code if why else ""
        )
    edges = tuple((graph.Node(*start), graph.Node(*end)) for start, end in part.edges)
    dashed = {
        (graph.Node("dataset", *miss.one), graph.Node("dataset", *miss.other)): graph.Reason(
            miss.finding.code, miss.finding.message
        )
        for miss in misses
    }
    return graph.drawing(graph.Graph(tuple(looks), edges), f"Lineage: {in_words(part)}", looks, dashed)


def in_words(part: Part) -> str:
    jobs = sum(place.type == "job" for place in part.nodes)
    numbers = {"job": jobs, "dataset": len(part.nodes) - jobs, "edge": len(part.edges)}
    return ", ".join(f"{number} {what}{'s' if number != 1 else ''}" for what, number in numbers.items())


def lineage_section(lineages: Sequence[OrgLineage]) -> Markup:
    """The drawings of a report, each org's for itself since orgs have nothing in common, and the same as lists."""
    if not lineages:
        return element("p", "No lineage: no accepted event named a job or dataset.")
    parts: list[Markup] = []
    for one in lineages[:_MOST_ORGS]:
        if len(lineages) > 1:
            parts.append(element("h3", f"Org {one.org}"))
        parts += _of_org(one)
    if left := lineages[_MOST_ORGS:]:
        parts.append(element("p", f"{len(left)} more orgs: --org makes the report of one."))
    return joined(parts)


def _of_org(one: OrgLineage) -> Iterable[Markup]:
    words = in_words(one.part)
    if len(one.part.nodes) > graph.MOST_DRAWN:
        yield element("p", f"{words}: too many to be drawn. The pages of the server show it part by part.")
    else:
        yield scrolling(f"Lineage graph of org {one.org}", drawn(one.part, one.not_shown, one.misses))
    yield items(f"{miss.finding.code}: {miss.finding.message}" for miss in one.misses[:_MOST_LISTED])
    listed = items(_told(one, place) for place in one.part.nodes[:_MOST_LISTED])
    left = len(one.part.nodes) - _MOST_LISTED
    yield folded("The same as a list", listed, element("p", f"{left} more.") if left > 0 else Markup())


def _told(one: OrgLineage, place: Place) -> str:
    why = one.not_shown.get(place)
    return f"{place.type} {place.namespace} / {place.name}" + (f": {why.words}" if why else "")
