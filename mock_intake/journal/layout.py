"""How a SQLite file and a line of an export hold exchanges, by version: their definition's columns, in order.

**To add a field** to what is kept (``mock_intake.model.exchange``): give it a default, raise ``VERSION``, and name its
column in ``ADDED``. Files of earlier versions are then carried over by who writes to them next
(``mock_intake.journal.migration``), are read as they are, and lines that were exported earlier are imported; all with
the default. Until that is done, nothing that uses a journal can be imported. A field of what is kept as JSON
(``Finding``, ``Hop``) needs the default only.

In a file that was carried over a new column stands behind all others, as SQLite adds it without writing a row anew; in
a new file it stands before what is long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from typing import Generic, TypeVar

from mock_intake.journal import statements
from mock_intake.journal.columns import columns_of
from mock_intake.journal.rows import Rows
from mock_intake.journal.statements import Statements
from mock_intake.model.exchange import Exchange

E = TypeVar("E", bound=Exchange)

VERSION = 6
# Columns by the version that brought them.
ADDED: Mapping[int, tuple[str, ...]] = {6: ("root_run_id", "root_job", "snapshot")}
# What else a version needs: statements in SQL, after its columns were added.
MORE: Mapping[int, tuple[str, ...]] = {}

# The earliest version that is still known, and its columns. What is long stands last: SQLite reads a row from its
# beginning, and listings want what is short.
FIRST_VERSION = 5
_SHORT = (
    "id", "org", "received_at", "method", "path", "query", "peer", "wire_size", "decoded_size", "too_large", "complete",
    "status_code", "accepted", "fault", "event_id", "status", "kind", "event_type", "event_time", "run_id",
    "job_namespace", "job_name", "producer", "processing_type", "parent_run_id", "inputs", "outputs", "dataset",
    "parent_job",
)  # fmt: skip
_LONG = ("findings", "hop", "headers", "response_headers", "response_body", "body")


_TABLES = frozenset(("exchanges", "events", "tallies", "orgs", "held", "facts"))


@cache
def _names_in(schema: str) -> frozenset[str]:
    """The tables, indexes and triggers that statements make."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema)
        return frozenset(name for (name,) in connection.execute("SELECT name FROM sqlite_master"))


class Layout(Generic[E]):
    """The columns of a definition of exchanges, and what is made of them.

    Raises ``TypeError`` where the columns of the first version and those that were added since are not those of the
    definition, or one of these has no default.
    """

    def __init__(
        self,
        kind: type[E],
        version: int = VERSION,
        added: Mapping[int, tuple[str, ...]] = ADDED,
        more: Mapping[int, tuple[str, ...]] = MORE,
    ) -> None:
        self.kind = kind
        self.version = version
        self._added = added
        self._more = more
        later = tuple(name for number in sorted(added) for name in added[number])
        names = (*_SHORT, *later, *_LONG)
        found = columns_of(kind)
        if found.keys() != set(names) or len(names) != len(set(names)) or max(added, default=version) > version:
            raise TypeError(
                f"the columns of {kind.__name__} are not those of version {version}: see {__name__} for how to add one "
                f"({', '.join(sorted(found.keys() ^ set(names))) or 'numbers of versions'})"
            )
        self.columns = tuple(found[name] for name in names)
        self.added = frozenset(later)
        """The names of the columns that the first version did not have."""
        self.defaults = {name: found[name].literal for name in later}
        self.rows: Rows[E] = Rows(kind, self.columns)
        self.schema = statements.schema(self.columns, version)
        """The statements that make a new file."""

    def __repr__(self) -> str:
        return f"<layout of version {self.version}>"

    @cache  # noqa: B019 - there are few layouts, and few versions
    def statements(self, version: int) -> Statements:
        """The statements for a file of ``version``: those that read, where it is not the layout's own."""
        later = {name for number, names in self._added.items() if number > version for name in names}
        there = {column.name for column in self.columns} - later
        return Statements(self.columns, there, self.rows.record_names)

    def names(self, version: int) -> frozenset[str]:
        """What a file of ``version`` has at least: tables, indexes and triggers; of an earlier one the tables."""
        return _names_in(self.schema) if version == self.version else _TABLES

    def is_known(self, version: int) -> bool:
        """Whether files of ``version`` can be read, and carried over."""
        return FIRST_VERSION <= version <= self.version

    @property
    def known(self) -> str:
        """The versions that are known, as a text."""
        first, last = FIRST_VERSION, self.version
        return f"{last}" if first == last else f"{first} to {last}"

    def later(self, version: int) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...]]]:
        """What came after ``version``: the number of each later one, its new columns, and what else it needs."""
        for number in range(version + 1, self.version + 1):
            yield number, self._added.get(number, ()), self._more.get(number, ())

    def steps(self, version: int) -> list[str]:
        """The statements that make of a file of ``version`` one of the layout's own, version by version."""
        columns = {column.name: column for column in self.columns}
        steps = []
        for number, names, more in self.later(version):
            for name in names:
                sql = columns[name].sql
                steps.append(f"ALTER TABLE exchanges ADD COLUMN {name} {sql} DEFAULT {self.defaults[name]}")
            steps += [*more, f"PRAGMA user_version = {number}"]
        return steps


LAYOUT = Layout(Exchange)
