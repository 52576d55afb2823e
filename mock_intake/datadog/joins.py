"""Which datasets of many would not join, though they were meant to: judged by the rules in ``rules.joins``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mock_intake.datadog.naming import naming_issues
from mock_intake.datadog.rules import DATASETS
from mock_intake.datadog.rules.joins import SLASHES, OnSeveralWays, OnWay, Pair, quotes_make_two, written_otherwise
from mock_intake.model.event import DatasetId
from mock_intake.model.findings import Finding
from mock_intake.secrets.content import redacted

# In the order in which they are told.
_WAYS = tuple(when for rule in DATASETS.in_order for when in rule.when if isinstance(when, OnWay))
# What one way takes off can be in the way of another: quotes of slashes, slashes of ports.
_UNIFYING = tuple(way.unify for way in (*reversed(_WAYS), SLASHES))


def join_key(dataset: DatasetId) -> DatasetId:
    """What ``dataset`` has in common with others that differ from it only in how they are written."""
    for unify in _UNIFYING:
        dataset = unify(dataset)
    return dataset


class NearMiss(NamedTuple):
    """A dataset that would not join another one, and was probably meant to."""

    one: DatasetId
    other: DatasetId
    finding: Finding


def near_misses(groups: Iterable[Iterable[DatasetId]]) -> Iterator[NearMiss]:
    """Datasets that would not join, of ``groups`` whose datasets have the same join key.

    Each is held against the one of its group that is expected: the one that is named best by the rules of names and the
    way in which its platform writes them, else the one that most events have, else the one that came first. Where a
    group says how many events have each name, it is a mapping to that.
    """
    for group in groups:
        names = list(group)
        if len(names) > 1:
            events = group if isinstance(group, Mapping) else {}
            best = min(
                names,
                key=lambda name: (
                    len(naming_issues(name.namespace, name.name)),
                    written_otherwise(name),
                    -(events.get(name) or 0),
                ),
            )
            for other in names:
                if other != best:
                    yield from (NearMiss(best, other, redacted(finding)) for finding in _judge(best, other))


def _judge(one: DatasetId, other: DatasetId) -> list[Finding]:
    if quotes_make_two(one, other):
        return []
    for way in _WAYS:
        if way.unify(one) == way.unify(other):
            return DATASETS.judge(way, Pair(one, other, (way,)))
    ways = _differences(one, other)
    if len(ways) == 1:
        return DATASETS.judge(ways[0], Pair(one, other, ways))
    return DATASETS.judge(OnSeveralWays(), Pair(one, other, ways))


def _differences(one: DatasetId, other: DatasetId) -> tuple[OnWay, ...]:
    """The ways in which two differ, and no more: what can be left out while they still become equal is no difference.

    Both may be in upper case, or in quotes, alike.
    """
    ways = list(_WAYS)
    for way in _WAYS:
        without = [each for each in ways if each is not way]
        if _unified(one, without) == _unified(other, without):
            ways = without
    return tuple(ways)


def _unified(dataset: DatasetId, ways: Sequence[OnWay]) -> DatasetId:
    for way in (*reversed(ways), *(way for way in ways if way is SLASHES)):
        dataset = way.unify(dataset)
    return dataset
