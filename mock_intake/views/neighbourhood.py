"""A part of the lineage: what stands around a job or dataset, up to some steps away."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Literal, NamedTuple

from mock_intake.datadog import rules
from mock_intake.datadog.joins import NearMiss
from mock_intake.datadog.naming import naming_issues, platform_of
from mock_intake.event import DatasetId
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

    nodes: tuple[Place, ...]
    edges: tuple[Edge, ...]
    depth: int


def place_of(identity: JobId | DatasetId) -> Place:
    return Place("job" if isinstance(identity, JobId) else "dataset", *identity)


def whole(lineage: Lineage) -> Part:
    """All of it."""
    nodes = [*map(place_of, lineage.datasets), *map(place_of, lineage.jobs)]
    return Part(tuple(nodes), tuple(_edges(lineage, lineage.jobs)), 0)


def around(lineage: Lineage, focus: Place, depth: int, most: int) -> Part | None:
    """What is at most ``depth`` steps away, up and down the data; less deep where that would be more than ``most``
    nodes. None where there is no such node."""
    if not _is_there(lineage, focus):
        return None
    # Up and down each for itself: what else comes of the same sources is no business of the focus.
    seen: dict[str, dict[Place, None]] = {"up": {focus: None}, "down": {focus: None}}
    fronts = {"up": [focus], "down": [focus]}
    nodes, reached = {focus: None}, 0
    while reached < depth and any(fronts.values()):
        for way, front in fronts.items():
            found = dict.fromkeys(place for node in front for place in _next(lineage, node, way))
            fronts[way] = [place for place in found if place not in seen[way]]
            seen[way].update(dict.fromkeys(fronts[way]))
        if len(seen["up"].keys() | seen["down"].keys()) > most:
            break
        nodes = {**nodes, **dict.fromkeys(fronts["up"]), **dict.fromkeys(fronts["down"])}
        reached += any(fronts.values())
    return _part(lineage, nodes, reached)


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
    return DatasetId(place.namespace, place.name) in lineage.datasets


def _next(lineage: Lineage, place: Place, way: str) -> Iterable[Place]:
    if place.type == "job":
        job = lineage.jobs[JobId(place.namespace, place.name)]
        return map(place_of, job.inputs if way == "up" else job.outputs)
    dataset = lineage.datasets[DatasetId(place.namespace, place.name)]
    return map(place_of, dataset.written_by if way == "up" else dataset.read_by)


def _edges(lineage: Lineage, jobs: Iterable[JobId]) -> Iterable[Edge]:
    for identity in jobs:
        job = lineage.jobs[identity]
        here = place_of(identity)
        yield from ((place_of(dataset), here) for dataset in job.inputs)
        yield from ((here, place_of(dataset)) for dataset in job.outputs)


class NotShown(NamedTuple):
    """Why the product would not show a node: the code of the rule that says so, and all of it in words."""

    code: str
    words: str


def why_not_shown(lineage: Lineage, place: Place) -> NotShown | None:
    """Why the product would not show a node; None if it would."""
    if place.type == "dataset":
        if platform_of(place.namespace) is not None:
            return None
        codes = [issue.rule.code for issue in naming_issues(place.namespace, place.name)]
        return NotShown(codes[0], f"not surfaced ({', '.join(codes)})")
    job = lineage.jobs[JobId(place.namespace, place.name)]
    if job.job_type is not None and job.job_type.upper() == _NO_NODE:
        code = rules.QUERY_NO_NODE.code
        return NotShown(code, f"no node ({code}): jobs of the type QUERY make none")
    if job.runs and not job.facets["job", "jobType"]:
        code = rules.JOB_TYPE_MISSING.code
        return NotShown(code, f"not processed ({code}): none of its run events has the jobType facet")
    return None


def largest(lineage: Lineage, most: int) -> list[tuple[Place, int]]:
    """The nodes with the most neighbours, and how many those are."""
    found = [(place_of(job.id), len(job.inputs) + len(job.outputs)) for job in lineage.jobs.values()]
    found += [(place_of(one.id), len(one.read_by) + len(one.written_by)) for one in lineage.datasets.values()]
    return sorted(found, key=lambda pair: -pair[1])[:most]


def named(lineage: Lineage, text: str, most: int) -> list[Place]:
    """Nodes that have a text in their name or namespace, upper and lower case alike."""
    wanted = text.lower()
    found = []
    for place in itertools.chain(map(place_of, lineage.datasets), map(place_of, lineage.jobs)):
        if wanted in place.name.lower() or wanted in place.namespace.lower():
            found.append(place)
            if len(found) == most:
                break
    return found
