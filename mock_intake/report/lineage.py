"""The lineage of an org, or a part of it, as a drawing: what the product would not show is greyed, and what just missed
joining is dashed. The same on pages and in reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from markupsafe import Markup

from mock_intake.model.words import counted
from mock_intake.report import graph
from mock_intake.report.layout import Graph, Node
from mock_intake.report.node_facts import NodeFact, facts_of_nodes
from mock_intake.secrets.presenting import presented_name
from mock_intake.views import NearMiss, Views
from mock_intake.views.neighbourhood import Bundle, NotShown, Part, Place, whole, why_not_shown

_MOST_LISTED = 500
_NO_FACT = NodeFact()


class OrgLineage(NamedTuple):
    """All of an org's lineage, with what the product would not show of it, and the joins that were just missed."""

    org: str
    part: Part
    not_shown: Mapping[Place, NotShown]
    misses: Sequence[NearMiss]
    facts: Mapping[Place, NodeFact] = MappingProxyType({})


def lineage_by_org(views: Views, org: str | None = None) -> list[OrgLineage]:
    """The lineage of all orgs that have one, or of one org."""
    found = []
    with views.held():
        for owner, lineage in views.lineage(org).items():
            part = whole(lineage)
            whys = ((place, why_not_shown(lineage, place)) for place in part.nodes)
            if part.nodes:
                not_shown = {place: why for place, why in whys if why is not None}
                misses = views.near_misses(owner)
                few = part.nodes[: graph.MOST_NODES]
                found.append(OrgLineage(owner, part, not_shown, misses, facts_of_nodes(views, owner, few, misses)))
    return found


def drawing(
    part: Part,
    not_shown: Mapping[Place, NotShown],
    misses: Iterable[NearMiss],
    *,
    focus: Place | None = None,
    said: Mapping[Place, Sequence[str]] | None = None,
    facts: Mapping[Place, NodeFact] | None = None,
    page: Callable[[Place], str] | None = None,
    bundles: Mapping[Place, Bundle] | None = None,
) -> Markup:
    """A part of the lineage as SVG; nodes lead to their ``page``, and ``said`` is what else is told of them.

    Those of ``bundles`` stand for several.
    """
    looks = {}
    for place in part.nodes:
        if (bundle := (bundles or {}).get(place)) is not None:
            words = counted(bundle.number, bundle.type)
            looks[Node(*place)] = graph.Look(
                page(place) if page else None, "bundle", kind=f"{bundle.type}s", name=words
            )
            continue
        why = not_shown.get(place)
        style = " ".join(word for word, holds in (("unsurfaced", why), ("focus", place == focus)) if holds)
        fact = (facts or {}).get(place, _NO_FACT)
        notes = [*([why.words] if why else ()), *(said or {}).get(place, ())]
        if fact.codes:
            notes.append(f"found: {', '.join(fact.codes)}")
        looks[Node(*place)] = graph.Look(
            page(place) if page else None,
            style,
            "; ".join(notes),
            why.code if why else "",
            fact.word,
            fact.look,
            fact.findings,
            str(fact.severity),
        )
    edges = tuple((Node(*start), Node(*end)) for start, end in part.edges)
    dashed = {
        (Node("dataset", *miss.one), Node("dataset", *miss.other)): graph.Reason(
            miss.finding.code, miss.finding.message
        )
        for miss in misses
    }
    return graph.drawing(Graph(tuple(looks), edges), f"Lineage: {in_words(part)}", looks, dashed)


def in_words(part: Part) -> str:
    jobs = sum(place.type == "job" for place in part.nodes)
    numbers = {"job": jobs, "dataset": len(part.nodes) - jobs, "edge": len(part.edges)}
    return ", ".join(counted(number, what) for what, number in numbers.items())


class LineageShown(NamedTuple):
    """What the page of a report shows of an org's lineage: a drawing, unless there is too much, and the same as a list.

    ``misses`` are the datasets that would not join, ``places`` jobs and datasets, each in a line.
    """

    org: str
    words: str
    drawing: Markup | None
    misses: list[str]
    places: list[str]
    places_left: int


def shown_lineage(one: OrgLineage) -> LineageShown:
    """An org's lineage as the page of a report shows it."""
    places = one.part.nodes
    return LineageShown(
        one.org,
        in_words(one.part),
        None if len(places) > graph.MOST_NODES else drawing(one.part, one.not_shown, one.misses, facts=one.facts),
        [f"{miss.finding.code}: {miss.finding.message}" for miss in one.misses[:_MOST_LISTED]],
        [_line(place, one.not_shown.get(place)) for place in places[:_MOST_LISTED]],
        len(places) - _MOST_LISTED,
    )


def _line(place: Place, why: NotShown | None) -> str:
    return f"{place.type} {presented_name(place.namespace, place.name)}" + (f": {why.words}" if why else "")
