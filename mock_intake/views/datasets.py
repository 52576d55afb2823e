"""Which names of datasets are names of one: what symlinks join, and what was meant to be one and is not.

Datadog's draft: of the identifiers that a symlinks facet brings, one of the type TABLE wins, then warehouses, object
stores last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mock_intake.datadog.joins import join_key
from mock_intake.datadog.naming import platform_of
from mock_intake.datadog.symlinks import Names
from mock_intake.model.accumulated import Stamp
from mock_intake.model.event import DatasetId
from mock_intake.views.event_lineage import DatasetSaid, Identifier

Groups = dict[DatasetId, dict[DatasetId, int]]
"""Datasets by join key: those with the same key were meant to be one, in order of appearance; with how many events have
each of them."""
Symlinks = dict[DatasetId, tuple[Stamp, tuple[Identifier, ...]]]
"""The other names of datasets, and when they were said."""


class NamedDatasets:
    """The datasets of an org in order of appearance, each with its latest symlinks."""

    def __init__(self) -> None:
        self._symlinks: Symlinks = {}
        self._known: dict[DatasetId, int] = {}

    def add(self, named: Iterable[DatasetId], said: Iterable[DatasetSaid], stamp: Stamp) -> None:
        """Adds what an event that is ordered by ``stamp`` says: which datasets it ``named``, and what it ``said`` of
        them.
        """
        for dataset in dict.fromkeys(named):
            self._known[dataset] = self._known.get(dataset, 0) + 1
        for one in said:
            known = self._symlinks.get(one.id)
            if "symlinks" in one.said and (known is None or known[0] <= stamp):
                self._symlinks[one.id] = (stamp, one.symlinks or ())

    def groups(self) -> Groups:
        """The datasets, under what they would be joined by; those that symlinks join are one."""
        canonical = joined({identity: symlinks for identity, (_, symlinks) in self._symlinks.items()})
        return grouped((canonical.get(one, one), events) for one, events in self._known.items())


class NameGroups:
    """Datasets by what they would be joined by, in order of appearance."""

    def __init__(self) -> None:
        self._groups: dict[DatasetId, list[DatasetId]] = {}
        # The number of a group, and those of more than one by that.
        self._numbers: dict[DatasetId, int] = {}
        self._several: dict[int, list[DatasetId]] = {}

    def add(self, dataset: DatasetId, key: DatasetId) -> None:
        """Adds a dataset that is new, with what it would be joined by."""
        group = self._groups.setdefault(key, [])
        group.append(dataset)
        number = self._numbers.setdefault(key, len(self._numbers))
        if len(group) > 1:
            self._several[number] = group

    def __iter__(self) -> Iterator[list[DatasetId]]:
        return iter(self._groups.values())

    @property
    def several(self) -> list[list[DatasetId]]:
        """Those of more than one dataset."""
        return [group for _, group in sorted(self._several.items())]


def grouped(datasets: Iterable[tuple[DatasetId, int]]) -> Groups:
    """``datasets``, each with how many events named it, by what they would be joined by."""
    groups: Groups = {}
    for dataset, events in datasets:
        group = groups.setdefault(join_key(dataset), {})
        group[dataset] = group.get(dataset, 0) + events
    return groups


def joined(symlinks: Mapping[DatasetId, Iterable[Identifier]]) -> dict[DatasetId, DatasetId]:
    """The common name of each dataset that ``symlinks`` (its other names) join with others."""
    names: Names[DatasetId] = Names()
    tables: set[DatasetId] = set()
    for dataset, identifiers in symlinks.items():
        for identifier in identifiers:
            if identifier.is_table:
                tables.add(identifier.dataset)
            names.join(dataset, identifier.dataset)
    return {
        one: best
        for group in names
        if len(group) > 1
        for best in (min(group, key=lambda each: (_rank(each, tables), each.namespace, each.name)),)
        for one in group
    }


def _rank(dataset: DatasetId, tables: set[DatasetId]) -> int:
    if dataset in tables:
        return 0
    platform = platform_of(dataset.namespace)
    return 2 if platform is None else 3 if platform.is_path else 1
