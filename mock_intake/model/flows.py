"""Which datasets and jobs an explicit lineage facet (LineageFacet 1-0-0) names, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mock_intake.model.event import DatasetId, EventView

Path = tuple[str | int, ...]


class NamedInLineage(NamedTuple):
    """A dataset or a job that a facet names, with the path of what names it."""

    path: Path
    is_job: bool
    namespace: str
    name: str


def named_in_lineage(facet: Mapping[str, Any]) -> Iterator[NamedInLineage]:
    """All that a lineage facet names, of a job or of a dataset; an entry that names nobody is passed over.

    It is the entries of a job's, and what feeds an entry, a dataset or one of its columns.
    """
    for path, entry in _listed((), facet, "entries"):
        yield from _one(path, entry)
        yield from _inputs(path, entry)
    yield from _inputs((), facet)


def datasets_in_lineage(event: EventView) -> Iterator[DatasetId]:
    """The datasets that the lineage facets of an event name, of its job and of its datasets; empty for most events."""
    facets = (event.job_facets, *(dataset.facets for dataset in event.datasets))
    for facet in [found for each in facets if type(found := each.get("lineage")) is dict]:
        for _, is_job, namespace, name in named_in_lineage(facet):
            if not is_job:
                yield DatasetId(namespace, name)


def _inputs(path: Path, of: Mapping[str, Any]) -> Iterator[NamedInLineage]:
    for at, one in _listed(path, of, "inputs"):
        yield from _one(at, one)
    fields = of.get("fields")
    for column, entry in fields.items() if type(fields) is dict else ():
        if type(entry) is dict:
            for at, one in _listed((*path, "fields", column), entry, "inputs"):
                yield from _one(at, one)


def _one(path: Path, entry: Mapping[str, Any]) -> Iterator[NamedInLineage]:
    namespace, name = entry.get("namespace"), entry.get("name")
    if type(namespace) is str and type(name) is str:
        yield NamedInLineage(path, entry.get("type") == "JOB", namespace, name)


def _listed(path: Path, of: Mapping[str, Any], key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    entries = of.get(key)
    for index, entry in enumerate(entries if type(entries) is list else ()):
        if type(entry) is dict:
            yield (*path, key, index), entry
