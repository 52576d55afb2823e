"""What a job does with data: the tables it reads, the one it writes, and which column comes from which.

Everything is drawn from one ``random.Random`` and nothing is remembered between draws, so a seed tells all.
"""

from __future__ import annotations

from random import Random
from typing import Literal, NamedTuple

from mock_intake.fake.estate import PLATFORMS, SUBJECTS, Column, Platform, Table, table

Way = Literal["IDENTITY", "AGGREGATION"]
Condition = Literal["JOIN", "GROUP_BY"]


class Derived(NamedTuple):
    """A column of the output: the input's column that it comes from, in which way, and how SQL says it."""

    column: Column
    source: Table
    source_column: str
    way: Way
    expression: str


class Indirect(NamedTuple):
    """A column of an input that decides on rows, and does not end up in the output."""

    source: Table
    column: str
    condition: Condition


class Flow(NamedTuple):
    """One job's work. ``query`` is None where it isn't done in SQL."""

    name: str
    inputs: tuple[Table, ...]
    output: Table
    columns: tuple[Derived, ...]
    indirect: tuple[Indirect, ...] = ()
    query: str | None = None

    @property
    def aggregates(self) -> bool:
        return any(derived.way == "AGGREGATION" for derived in self.columns)


def draw_platform(random: Random, title: str | None = None) -> Platform:
    """A platform, by title if there is one. Raises ``ValueError`` for a title that isn't known."""
    if title is None:
        return random.choice(list(PLATFORMS.values()))
    if title not in PLATFORMS:
        raise ValueError(f"no platform is called {title!r}; there are {', '.join(PLATFORMS)}")
    return PLATFORMS[title]


def draw_table(random: Random, title: str | None = None) -> Table:
    """A table of raw data."""
    platform = draw_platform(random, title)
    return _raw(platform, random.choice(platform.namespaces), random.choice(list(SUBJECTS)))


def draw_flow(random: Random, title: str | None = None) -> Flow:
    """The work of a job that has to do with a platform: SQL within it, or data copied into it or out of it."""
    platform = draw_platform(random, title)
    if platform.dialect is not None and random.random() < 0.7:
        namespace = random.choice(platform.namespaces)
        return _aggregation(random, platform, namespace) if random.random() < 0.7 else _selection(random, platform)
    other = draw_platform(random)
    source, target = (platform, other) if random.random() < 0.5 else (other, platform)
    return _copy(draw_table(random, source.title), target, random.choice(target.namespaces))


def reading(random: Random, read: Table) -> Flow:
    """The work of a job that copies this very table elsewhere."""
    target = draw_platform(random)
    return _copy(read, target, random.choice(target.namespaces))


def _raw(platform: Platform, namespace: str, subject: str) -> Table:
    return table(platform, namespace, subject, SUBJECTS[subject])


def _copy(source: Table, target: Platform, namespace: str) -> Flow:
    """All columns as they are, into another place."""
    output = table(target, namespace, source.own_name, source.columns, derived=True)
    return Flow(f"load_{source.own_name}", (source,), output, _as_they_are(source, output))


def _selection(random: Random, platform: Platform) -> Flow:
    """Some columns of a table, in SQL."""
    source = draw_table(random, platform.title)
    kept = source.columns[: random.randrange(2, len(source.columns) + 1)]
    output = table(platform, source.namespace, f"{source.own_name}_clean", kept, derived=True)
    columns = _as_they_are(source, output)
    query = _insert(output, columns) + f"\nFROM {source.in_sql} a"
    return Flow(f"clean_{source.own_name}", (source,), output, columns, query=query)


def _as_they_are(source: Table, output: Table) -> tuple[Derived, ...]:
    pairs = zip(source.columns, output.columns, strict=False)
    return tuple(Derived(to, source, came.name, "IDENTITY", f"a.{came.name}") for came, to in pairs)


def _aggregation(random: Random, platform: Platform, namespace: str) -> Flow:
    """Rows counted and summed up by a text, which can stand in another table, in SQL."""
    facts, group_of = random.choice(_AGGREGATIONS)
    fact, dimension = _raw(platform, namespace, facts), _raw(platform, namespace, group_of)
    joined = fact != dimension
    group = random.choice([column for column in dimension.columns if column.meaning == "text"])
    measured = [column for column in fact.columns if column.meaning in ("amount", "count")]
    made = (
        group,
        Column(f"number_of_{facts}", "count"),
        *(Column(f"total_{column.name}", column.meaning) for column in measured),
    )
    output = table(platform, namespace, f"{facts}_by_{group.name}".lower(), made, derived=True)
    by = "b" if joined else "a"
    columns = (
        Derived(output.columns[0], dimension, group.name, "IDENTITY", f"{by}.{group.name}"),
        Derived(output.columns[1], fact, fact.key, "AGGREGATION", f"COUNT(a.{fact.key})"),
        *(
            Derived(to, fact, column.name, "AGGREGATION", f"SUM(a.{column.name})")
            for to, column in zip(output.columns[2:], measured, strict=True)
        ),
    )
    query = _insert(output, columns) + f"\nFROM {fact.in_sql} a"
    indirect = [Indirect(dimension, group.name, "GROUP_BY")]
    if joined:
        query += f"\nJOIN {dimension.in_sql} b ON b.{dimension.key} = a.{dimension.key}"
        indirect += [Indirect(fact, dimension.key, "JOIN"), Indirect(dimension, dimension.key, "JOIN")]
    query += f"\nGROUP BY {by}.{group.name}"
    inputs = (fact, dimension) if joined else (fact,)
    return Flow(f"count_{output.own_name}", inputs, output, columns, tuple(indirect), query)


def _insert(output: Table, columns: tuple[Derived, ...]) -> str:
    names = ", ".join(derived.column.name for derived in columns)
    return f"INSERT INTO {output.in_sql} ({names})\nSELECT {', '.join(derived.expression for derived in columns)}"


def _of(subject: str, *meanings: str) -> list[str]:
    return [column.name for column in SUBJECTS[subject] if column.meaning in meanings]


# Which facts can be grouped by what: by a text of their own, or of a table whose key they have.
_AGGREGATIONS = [
    (facts, group_of)
    for facts in SUBJECTS
    if _of(facts, "amount", "count")
    for group_of in SUBJECTS
    if _of(group_of, "text") and SUBJECTS[group_of][0] in SUBJECTS[facts]
]
