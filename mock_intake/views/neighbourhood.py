"""A part of the lineage: what stands around a job or dataset, up to some steps away."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Literal, NamedTuple

from mock_intake.datadog.joins import NearMiss
from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.datadog.rules import job_type
from mock_intake.model.event import DatasetId
from mock_intake.views.event_lineage import NodeId
from mock_intake.views.lineage import JobId, Lineage

_NO_NODE = "QUERY"


class Place(NamedTuple):
    """A node of the lineage."""

    type: Literal["job", "dataset"]
    namespace: str
    name: str


Edge = tuple[Place, Place]


class Part(NamedTuple):
    """Nodes and the edges between them, in the direction of the data. ``depth`` is how far the part really reaches."""

    nodes: tuple[Place, ...] = ()
    edges: tuple[Edge, ...] = ()
    depth: int = 0


def place_of(identity: JobId | DatasetId) -> Place:
    """The node of a job or a dataset (``identity``), as ``Part`` and addresses of pages have it."""
    return Place("job" if isinstance(identity, JobId) else "dataset", identity.namespace, identity.name)


def whole(lineage: Lineage) -> Part:
    """All of it."""
    nodes = [*map(place_of, lineage.datasets), *map(place_of, lineage.jobs)]
    return Part(tuple(nodes), tuple(_edges(lineage, lineage.jobs)), 0)


def around(lineage: Lineage, focus: Place, depth: int, most: int) -> Part | None:
    """What is at most ``depth`` steps away, up and down the data; less deep where that would be more than ``most``
    nodes. None where there is no such node."""
    if not _is_there(lineage, focus):
        return None
    focus = _resolved(lineage, focus)
    # Up and down each for itself: what else comes of the same sources is no business of the focus. By which dataset a
    # job was reached says which of its others are connected with that.
    seen: dict[str, dict[tuple[Place, Place | None], None]] = {way: {(focus, None): None} for way in ("up", "down")}
    fronts: dict[str, list[tuple[Place, Place | None]]] = {way: [(focus, None)] for way in ("up", "down")}
    nodes, reached = {focus: None}, 0
    while reached < depth and any(fronts.values()):
        for way, front in fronts.items():
            found = dict.fromkeys(
                (place, node if node.type == "dataset" else None)
                for node, by in front
                for place in _next(lineage, node, way, by)
            )
            fronts[way] = [step for step in found if step not in seen[way]]
            seen[way].update(dict.fromkeys(fronts[way]))
        # The step is not taken half: of what is a step away all is shown, or nothing.
        if len({place for steps in seen.values() for place, _ in steps}) > most:
            break
        nodes = {**nodes, **{place: None for front in fronts.values() for place, _ in front}}
        reached += any(fronts.values())
    return _part(lineage, nodes, reached)


def narrowed(lineage: Lineage, namespace: str | None, job: str | None) -> Part:
    """The nodes in a ``namespace``, or the jobs with ``job`` in their names (upper and lower case alike), and what they
    are directly connected with. With both, the jobs in that namespace."""
    everything = whole(lineage)
    wanted = None if job is None else job.lower()
    chosen = {
        place
        for place in everything.nodes
        if namespace in (None, place.namespace)
        and (wanted is None or (place.type == "job" and wanted in place.name.lower()))
    }
    edges = tuple(edge for edge in everything.edges if edge[0] in chosen or edge[1] in chosen)
    nodes = dict.fromkeys([*(place for place in everything.nodes if place in chosen), *itertools.chain(*edges)])
    return Part(tuple(nodes), edges, 0)


class Bundle(NamedTuple):
    """Several nodes of one type and namespace, drawn as one."""

    type: Literal["job", "dataset"]
    namespace: str
    number: int


def collapsed(part: Part, keep: Iterable[Place], namespace: str | None) -> tuple[Part, dict[Place, Bundle]]:
    """The part with one node in place of all jobs, and one of all datasets, of a namespace: but for those to ``keep``
    and those in ``namespace``. Says which nodes stand for several."""
    kept = {*keep, *(place for place in part.nodes if place.namespace == namespace)}
    members: dict[tuple[Literal["job", "dataset"], str], list[Place]] = {}
    for place in part.nodes:
        if place not in kept:
            members.setdefault((place.type, place.namespace), []).append(place)
    stands_for: dict[Place, Place] = {}
    bundles: dict[Place, Bundle] = {}
    for (type_, of), places in members.items():
        if len(places) > 1:
            # No producer names anything with a sign that ends a line.
            bundle = Place(type_, of, f"{len(places)} {type_}s\n")
            bundles[bundle] = Bundle(type_, of, len(places))
            stands_for.update(dict.fromkeys(places, bundle))
    nodes = dict.fromkeys(stands_for.get(place, place) for place in part.nodes)
    edges = dict.fromkeys((stands_for.get(one, one), stands_for.get(other, other)) for one, other in part.edges)
    return Part(tuple(nodes), tuple(edges), part.depth), bundles


def _resolved(lineage: Lineage, place: Place) -> Place:
    """A place by the name that its node has."""
    return place if place.type == "job" else place_of(lineage.named(DatasetId(place.namespace, place.name)))


def with_partners(lineage: Lineage, part: Part, misses: Iterable[NearMiss], most: int) -> Part:
    """The part with the datasets that those in it just miss joining, up to ``most`` of them: without those, nothing
    would show what was missed."""
    groups: dict[DatasetId, dict[DatasetId, None]] = {}
    for miss in misses:
        groups.setdefault(miss.one, {miss.one: None})[miss.other] = None
    nodes = dict.fromkeys(part.nodes)
    partners = [
        place
        for places in ([place_of(one) for one in group if one in lineage.datasets] for group in groups.values())
        if any(place in nodes for place in places)
        for place in places
        if place not in nodes
    ]
    if not partners:
        return part
    return _part(lineage, {**nodes, **dict.fromkeys(partners[:most])}, part.depth)


def _part(lineage: Lineage, nodes: dict[Place, None], depth: int) -> Part:
    jobs = [JobId(place.namespace, place.name) for place in nodes if place.type == "job"]
    edges = [edge for edge in _edges(lineage, jobs) if edge[0] in nodes and edge[1] in nodes]
    return Part(tuple(nodes), tuple(edges), depth)


def _is_there(lineage: Lineage, place: Place) -> bool:
    if place.type == "job":
        return JobId(place.namespace, place.name) in lineage.jobs
    return lineage.named(DatasetId(place.namespace, place.name)) in lineage.datasets


def _next(lineage: Lineage, place: Place, way: str, by: Place | None) -> Iterable[Place]:
    """The places one step on; of a job that was reached ``by`` a dataset, those that are connected with that."""
    if place.type == "job":
        identity = JobId(place.namespace, place.name)
        job = lineage.jobs[identity]
        reached = None if by is None else DatasetId(by.namespace, by.name)
        for dataset in job.inputs if way == "up" else job.outputs:
            ends = (dataset, reached) if way == "up" else (reached, dataset)
            if ends[0] is None or ends[1] is None or job.connects(ends[0], ends[1]):
                yield place_of(dataset)
        yield from map(place_of, _flows(lineage, identity, way))
    else:
        dataset = DatasetId(place.namespace, place.name)
        node = lineage.datasets[dataset]
        yield from map(place_of, node.written_by if way == "up" else node.read_by)
        yield from map(place_of, _flows(lineage, dataset, way))


def _flows(lineage: Lineage, node: NodeId, way: str) -> Iterable[NodeId]:
    if way == "down":
        return lineage.flows.get(node, ())
    return [source for source, targets in lineage.flows.items() if node in targets]


def _edges(lineage: Lineage, jobs: Iterable[JobId]) -> Iterable[Edge]:
    for identity in jobs:
        job = lineage.jobs[identity]
        here = place_of(identity)
        yield from ((place_of(dataset), here) for dataset in job.inputs)
        yield from ((here, place_of(dataset)) for dataset in job.outputs)
    for source, targets in lineage.flows.items():
        yield from ((place_of(source), place_of(target)) for target in targets)


class NotShown(NamedTuple):
    """Why the product would not show a node: the code of the rule that says so, and all of it in words."""

    code: str
    words: str


def why_not_shown(lineage: Lineage, place: Place) -> NotShown | None:
    """Why the product would not show the node at ``place``; None if it would."""
    if place.type == "dataset":
        if platform_of(place.namespace) is not None:
            return None
        codes = [issue.code for issue in naming_issues(place.namespace, place.name)]
        return NotShown(codes[0], f"not surfaced ({', '.join(codes)})")
    job = lineage.jobs[JobId(place.namespace, place.name)]
    if job.job_type is not None and job.job_type.upper() == _NO_NODE:
        code = job_type.query_makes_no_node.code
        return NotShown(code, f"no node ({code}): jobs of the type QUERY make none")
    if job.runs and not job.facets["job", "jobType"]:
        code = job_type.job_type_missing.code
        return NotShown(code, f"not processed ({code}): none of its run events has the jobType facet")
    return None


def largest(lineage: Lineage, most: int) -> list[tuple[Place, int]]:
    """The ``most`` nodes that have the most neighbours, and how many those are; the largest first."""
    found = [(place_of(job.id), len(job.inputs) + len(job.outputs)) for job in lineage.jobs.values()]
    found += [(place_of(one.id), len(one.read_by) + len(one.written_by)) for one in lineage.datasets.values()]
    return sorted(found, key=lambda pair: -pair[1])[:most]


def named(lineage: Lineage, text: str, most: int) -> list[Place]:
    """At most ``most`` nodes that have ``text`` in their name or namespace, upper and lower case alike."""
    wanted = text.lower()
    found = []
    for place in itertools.chain(map(place_of, lineage.datasets), map(place_of, lineage.jobs)):
        if wanted in place.name.lower() or wanted in place.namespace.lower():
            found.append(place)
            if len(found) == most:
                break
    return found
