"""Which columns are made of which: what the latest facets of datasets say, without what later schemas have no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mock_intake.model.accumulated import BEGINNING, Stamp
from mock_intake.model.event import DatasetId
from mock_intake.views.event_lineage import Column, ColumnSources, Flow, Transformation
from mock_intake.views.folds import DatasetFold
from mock_intake.views.nodes import Lineage

Sources = dict[Column, dict[Column, tuple[Transformation, ...]]]


class Columns:
    """The columns of a lineage. ``parts`` are the folds of each node: several where symlinks join datasets.

    What is said of a node later changes its own columns, and those that are made of them.
    """

    def __init__(self, lineage: Lineage, parts: dict[DatasetId, list[DatasetFold]]) -> None:
        self._lineage = lineage
        self._parts = parts
        self._schemas: dict[DatasetId, tuple[Stamp, tuple[str, ...]]] = {}
        self._flows: dict[DatasetId, list[Flow]] = {}
        # What each node's columns are made of, in order of the nodes; and what facet that was made from.
        self._made: dict[DatasetId, Sources] = {}
        self._made_from: dict[DatasetId, ColumnSources | None] = {}
        # The nodes whose columns depend on the schema of another, or on their own.
        self._readers: dict[DatasetId, dict[DatasetId, None]] = {}
        # Those of them that name columns which that schema lacks: it matters which of both was said later.
        self._doubtful: dict[DatasetId, dict[DatasetId, None]] = {}
        self._in_doubt: set[DatasetId] = set()
        self._is_settled = False

    def place_all(self, flows: Iterable[Flow]) -> None:
        """Makes all of them; ``flows`` are those of explicit lineage."""
        for flow in flows:
            if isinstance(flow.target, DatasetId):
                self._flows.setdefault(self._lineage.named(flow.target), []).append(flow)
        for node, folds in self._parts.items():
            self._take_schema(node, folds)
        for node in self._parts:
            self._place(node)
        for node in self._flows:
            if node not in self._parts:
                self._place(node)

    def settle(self) -> None:
        """Puts them into the lineage, where any of them has changed."""
        if not self._is_settled:
            self._is_settled = True
            columns: Sources = {}
            for made in self._made.values():
                columns.update(made)
            self._lineage.columns = columns

    def begin(self, node: DatasetId, fold: DatasetFold) -> None:
        """There is a node that was not there before."""
        self._parts[node] = [fold]
        self._made[node] = {}

    def put_in_order(self, nodes: Iterable[DatasetId]) -> None:
        """The nodes are in this order now."""
        self._made = {one: self._made[one] for one in nodes if one in self._made}
        self._is_settled = False

    def said(self, node: DatasetId, keys: Collection[str]) -> None:
        """An event has said something of a node in these facets, and was folded."""
        again: dict[DatasetId, None] = {}
        if "schema" in keys:
            if self._take_schema(node, self._parts[node]):
                again.update(self._readers.get(node, {}))
            else:
                again.update(self._doubtful.get(node, {}))
        if "columnLineage" in keys:
            known = self._made_from.get(node)
            latest = _latest(self._parts[node], "columnLineage").columns
            if node in self._in_doubt or (latest is not known and latest != known):
                again[node] = None
        for one in again:
            self._place(one)

    def _take_schema(self, node: DatasetId, folds: Collection[DatasetFold]) -> bool:
        """Takes the latest schema of a node; whether it has other columns now."""
        latest = _latest(folds, "schema")
        names = latest.schema or ()
        shown = self._lineage.datasets[node]
        known = shown.columns
        if latest.schema is None:
            self._schemas.pop(node, None)
        else:
            self._schemas[node] = (latest.since("schema"), names)
        shown.columns = names
        return names is not known and names != known

    def _place(self, node: DatasetId) -> None:
        self._is_settled = False
        self._in_doubt.discard(node)
        folds = self._parts.get(node, ())
        found: Sources = {}
        if folds:
            latest = _latest(folds, "columnLineage")
            self._made_from[node] = latest.columns
            self._add(found, node, latest.columns or (), latest.since("columnLineage"))
            explicit = _latest(folds, "lineage")
            if explicit.lineage is not None:
                self._add(found, node, explicit.lineage.columns, explicit.since("lineage"))
        for flow in self._flows.get(node, ()):
            self._add(found, node, flow.columns, None)
        self._made[node] = found

    def _add(self, found: Sources, node: DatasetId, columns: ColumnSources, since: Stamp | None) -> None:
        for name, sources in columns:
            column = Column(node, name)
            if self._is_gone(column, since, node):
                continue
            for source, how in sources:
                made_of = Column(self._lineage.named(source.dataset), source.name)
                if not self._is_gone(made_of, since, node):
                    found.setdefault(column, {})[made_of] = how

    def _is_gone(self, column: Column, since: Stamp | None, reader: DatasetId) -> bool:
        """Whether a later schema has the column no more."""
        if since is None or not column.name:
            return False
        self._readers.setdefault(column.dataset, {})[reader] = None
        later, names = self._schemas.get(column.dataset, (BEGINNING, ()))
        if not names or column.name in names:
            return False
        # Of a nested column the schema may name the outer part alone.
        wanted = {column.name.lower(), column.name.lower().partition(".")[0]}
        if any(name.lower() in wanted for name in names):
            return False
        self._doubtful.setdefault(column.dataset, {})[reader] = None
        self._in_doubt.add(reader)
        return later > since


def _latest(folds: Collection[DatasetFold], key: str) -> DatasetFold:
    """Of the folds of a node the one with the latest facet of a key."""
    if len(folds) == 1:
        [fold] = folds
        return fold
    return max(folds, key=lambda fold: fold.since(key))
