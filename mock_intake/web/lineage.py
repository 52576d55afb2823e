"""The lineage graph, and the pages of a dataset and of a job in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, cast

from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.journal.protocol import EventFilter
from mock_intake.model.event import DatasetId
from mock_intake.report.outcomes import runs_of_job
from mock_intake.secrets.presenting import presented
from mock_intake.views import NearMiss
from mock_intake.views.lineage import Column, JobId, Lineage, coverage_to_dict
from mock_intake.views.neighbourhood import (
    Part,
    Place,
    around,
    collapsed,
    largest,
    named,
    narrowed,
    whole,
    why_not_shown,
    with_partners,
)
from mock_intake.views.run import JobFilter
from mock_intake.web.drawing import (
    MOST_NODES,
    MOST_RELATED,
    Bundles,
    Remarks,
    column_drawing,
    drawing,
    page_of,
    related,
    remarks_on,
)
from mock_intake.web.events import orgs_of
from mock_intake.web.query import NotHereError, PageContent, PageQuery, address
from mock_intake.web.runs import facts_of

DEPTH, MOST_DEPTH = 3, 20
# So many nodes are drawn one by one where nothing was narrowed; of more, those of a namespace are one.
_MOST_SINGLE = 60
_MOST_MISSES = 10
_MOST_NAMESPACES = 100
_NO_BUNDLES: Bundles = {}
_MOST_NAMED = 50
_MOST_COLUMN_EDGES = 300
_MOST_LISTED = 200
_MOST_EVENTS = 10
_MOST_RUNS = 20


def graph(query: PageQuery) -> PageContent:
    type_ = query.one_of("type", ("job", "dataset"))
    depth = query.number("depth", DEPTH, least=1, most=MOST_DEPTH) or DEPTH
    find = query.text("text")
    within, job_name = query.name("within") or None, query.text("job")
    each = query.one_of("each", ("1",)) is not None
    focus = None
    if type_ is not None:
        names = (query.name("namespace") or "", query.name("name") or "")
        focus = Place(cast("Literal['job', 'dataset']", type_), *names)
    query.require_views()
    with query.sources.views.held():
        org, lineage, orgs = _chosen(query)
        jobs, datasets = len(lineage.jobs), len(lineage.datasets)
        is_narrowed = not focus and (within or job_name) is not None
        too_many = not focus and not is_narrowed and jobs + datasets > MOST_NODES
        # Of too many none is drawn or listed.
        part = around(lineage, focus, depth, MOST_NODES) if focus else Part() if too_many else whole(lineage)
        if is_narrowed:
            part = narrowed(lineage, within, job_name)
            too_many = len(part.nodes) > MOST_NODES
            part = Part() if too_many else part
        if part is None:
            raise NotHereError(f"No {type_} {presented(query.parameters.get('name', ''))[:60]} is in the lineage.")
        misses = query.sources.views.near_misses(org)
        if focus:
            part = with_partners(lineage, part, misses, _MOST_LISTED)
        nodes, bundles = len(part.nodes), _NO_BUNDLES
        if not focus and not each and nodes > _MOST_SINGLE:
            part, bundles = collapsed(part, _of_misses(misses), within)
        remarks = {} if too_many else _remarks(query, lineage, org, part, misses, bundles)
        # To choose from, which one does where nothing has the focus.
        namespaces: Counter[str] = Counter()
        if not focus:
            namespaces.update([one.namespace for one in lineage.jobs])
            namespaces.update([one.namespace for one in lineage.datasets])
        most_connected = largest(lineage, _MOST_NAMED) if too_many else []
        found = None if find is None else named(lineage, find, _MOST_NAMED)
        family = _family(lineage, org, JobId(*focus[1:]), focus_on) if focus and focus.type == "job" else None
    shown = set(part.nodes)
    return PageContent(
        "lineage.html",
        {
            "org": org if query.org else None,
            "of": org,
            "orgs": orgs,
            "focus": focus,
            "depth": depth,
            "reached": part.depth,
            "most_depth": MOST_DEPTH,
            "part": part,
            "jobs": jobs,
            "datasets": datasets,
            "most": MOST_NODES,
            "too_many": too_many,
            "largest": _links(org, [place for place, _ in most_connected]),
            "found": None if found is None else _links(org, found),
            "drawing": None if too_many or not part.nodes else drawing(org, part, remarks, misses, focus, bundles),
            "within": within,
            "job_name": job_name,
            "namespaces": namespaces.most_common(_MOST_NAMESPACES),
            "bundled": nodes if bundles else 0,
            "family": family,
            "misses": [
                {
                    "miss": miss,
                    "one": page_of(Place("dataset", *miss.one), org),
                    "other": page_of(Place("dataset", *miss.other), org),
                }
                for miss in misses[:_MOST_LISTED]
                if focus is None or Place("dataset", *miss.one) in shown or Place("dataset", *miss.other) in shown
            ],
            "listed": [
                {"place": place, "page": page_of(place, org), "remark": remarks.get(place)}
                for place in part.nodes[:_MOST_LISTED]
                if place not in bundles
            ],
            "unlisted": len(part.nodes[_MOST_LISTED:]),
        },
    )


def _remarks(
    query: PageQuery, lineage: Lineage, org: str, part: Part, misses: list[NearMiss], bundles: Bundles = _NO_BUNDLES
) -> Remarks:
    sources = query.sources
    return remarks_on(lineage, org, part, sources.views, misses, sources.settings.selection, bundles)


def _of_misses(misses: list[NearMiss]) -> list[Place]:
    """Datasets that just missed joining: they are drawn one by one, as far as that helps."""
    return [Place("dataset", *one) for miss in misses[:_MOST_MISSES] for one in (miss.one, miss.other)]


def _links(org: str, places: list[Place]) -> list[dict[str, Any]]:
    return [{"place": place, "focus": focus_on(place, org), "page": page_of(place, org)} for place in places]


def focus_on(place: Place, org: str, depth: int | None = None) -> str:
    """The lineage around a node."""
    return address("/mock/lineage", org=org, depth=depth, **place._asdict())


def _family(lineage: Lineage, org: str, job: JobId, page: Callable[[Place, str], str]) -> dict[str, Any]:
    """The jobs that a job is part of, and those that are parts of it, each with its ``page`` if it sent events."""
    above, below = lineage.jobs[job].parents, lineage.children.get(job, {})
    return {
        "parents": related(lineage, org, above, page),
        "children": related(lineage, org, below, page),
        "more_parents": len(above) - MOST_RELATED,
        "more_children": len(below) - MOST_RELATED,
    }


def _chosen(query: PageQuery) -> tuple[str, Lineage, list[str]]:
    """The org that was asked for, else the one heard of last, with its lineage; and those to choose from.

    Orgs have no datasets in common, so they are not drawn together.
    """
    lineages = query.sources.views.lineage(query.org)
    if query.org is not None:
        return query.org, lineages.get(query.org, Lineage()), []
    orgs = [org for org in orgs_of(query) if org in lineages] or list(lineages)[-1:]
    return (orgs[0], lineages[orgs[0]], orgs) if orgs else ("", Lineage(), [])


def _identity(query: PageQuery, what: str) -> tuple[str, str]:
    # Names can be empty: that is for the rules to say.
    if "namespace" not in query.parameters and "name" not in query.parameters:
        raise NotHereError(f"Which {what}? The address has no namespace and no name.")
    return query.name("namespace") or "", query.name("name") or ""


def _lineage_with(query: PageQuery, what: str, identity: JobId | DatasetId) -> tuple[str, Lineage]:
    for org, lineage in query.sources.views.lineage(query.org).items():
        known = identity in lineage.jobs if isinstance(identity, JobId) else lineage.named(identity) in lineage.datasets
        if known:
            return org, lineage
    raise NotHereError(
        f"No {what} {presented(identity.name)[:60]} in {presented(identity.namespace)[:60]} is in the lineage."
    )


# A dataset.


def dataset(query: PageQuery) -> PageContent:
    query.require_views()
    with query.sources.views.held():
        return _dataset(query)


def _dataset(query: PageQuery) -> PageContent:
    identity = DatasetId(*_identity(query, "dataset"))
    org, lineage = _lineage_with(query, "dataset", identity)
    identity = lineage.named(identity)
    node = lineage.datasets[identity]
    place = Place("dataset", *identity)
    platform = platform_of(identity.namespace)
    edges = _column_edges(lineage, identity)
    misses = query.sources.views.near_misses(org)
    part = around(lineage, place, 2, _MOST_LISTED)
    assert part is not None
    part = with_partners(lineage, part, misses, _MOST_LISTED)
    return PageContent(
        "dataset.html",
        {
            "org": None,
            "of": org,
            "dataset": identity,
            "platform": platform.title if platform else None,
            "note": why_not_shown(lineage, place),
            "issues": naming_issues(*identity),
            "read_by": _jobs(node.read_by, org),
            "written_by": _jobs(node.written_by, org),
            "columns": _columns(lineage, identity, edges),
            "edges": len(edges),
            "column_drawing": column_drawing(org, identity, edges) if 0 < len(edges) <= _MOST_COLUMN_EDGES else None,
            "misses": _misses(misses, identity, org),
            "drawing": drawing(org, part, _remarks(query, lineage, org, part, misses), misses, place),
            "focus": focus_on(place, org),
        },
    )


def _misses(misses: list[NearMiss], dataset: DatasetId, org: str) -> list[dict[str, Any]]:
    """The joins that a dataset just misses, each with the other one and its page."""
    return [
        {"finding": miss.finding, "partner": partner, "page": page_of(Place("dataset", *partner), org)}
        for miss in misses
        if dataset in (miss.one, miss.other)
        for partner in (miss.other if dataset == miss.one else miss.one,)
    ][:_MOST_LISTED]


def _jobs(jobs: dict[JobId, None], org: str) -> list[dict[str, Any]]:
    return [
        {"place": Place("job", *job), "page": page_of(Place("job", *job), org)} for job in list(jobs)[:_MOST_LISTED]
    ]


def _column_edges(lineage: Lineage, identity: DatasetId) -> list[tuple[Column, Column]]:
    """Edges between columns, in the direction of the data, that begin or end at the dataset."""
    return [
        (source, column)
        for column, sources in lineage.columns.items()
        for source in sources
        if identity in (column.dataset, source.dataset)
    ]


def _columns(lineage: Lineage, identity: DatasetId, edges: list[tuple[Column, Column]]) -> list[dict[str, Any]]:
    """Each column with those that it is made of, and those that are made of it."""
    names = dict.fromkeys(lineage.datasets[identity].columns)
    names.update((column.name, None) for edge in edges for column in edge if column.dataset == identity)
    rows: dict[str, dict[str, Any]] = {name: {"name": name, "made_of": [], "makes": []} for name in names}
    for source, column in edges:
        if column.dataset == identity:
            rows[column.name]["made_of"].append(source)
        if source.dataset == identity:
            rows[source.name]["makes"].append(column)
    return list(rows.values())


# A job.


def job(query: PageQuery) -> PageContent:
    query.require_views()
    with query.sources.views.held():
        return _job(query)


def _job(query: PageQuery) -> PageContent:
    identity = JobId(*_identity(query, "job"))
    org, lineage = _lineage_with(query, "job", identity)
    node = lineage.jobs[identity]
    place = Place("job", *identity)
    part = around(lineage, place, 2, _MOST_LISTED)
    assert part is not None
    misses = query.sources.views.near_misses(org)
    part = with_partners(lineage, part, misses, _MOST_LISTED)
    runs = [run for run in query.sources.views.runs(org) if JobFilter(*identity).fits(run)]
    which = EventFilter(org=org, job_namespace=identity.namespace, job_name=identity.name)
    return PageContent(
        "job.html",
        {
            "org": None,
            "of": org,
            "job": node,
            "note": why_not_shown(lineage, place),
            "all_runs": address("/mock/runs", org=org, job_namespace=identity.namespace, job_name=identity.name),
            "numbers": runs_of_job(runs),
            "latest_runs": [facts_of(query, run) for run in runs[:_MOST_RUNS]],
            "records": query.sources.journal.events(which, _MOST_EVENTS).items,
            "coverage": coverage_to_dict(node),
            "family": _family(lineage, org, identity, page_of),
            "drawing": drawing(org, part, _remarks(query, lineage, org, part, misses), misses, place),
            "focus": focus_on(place, org),
        },
    )
