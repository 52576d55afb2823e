"""Findings together with where they were found, grouped by rule: what renderers print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mock_intake.findings import Finding, Severity


class Place(NamedTuple):
    """A finding and where it belongs: a file and line, or words (a run, datasets)."""

    finding: Finding
    source: str | None
    line: int | None = None

    def __str__(self) -> str:
        if self.source is None:
            return ""
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass
class Group:
    """The findings of one rule and severity: the first few with their places, and how many there are."""

    first: Finding
    places: list[Place] = field(default_factory=list)
    count: int = 0


class Groups:
    """Groups findings by rule as they come in, keeping a few places of each, so that it can go on for ever."""

    def __init__(self, most_places: int) -> None:
        self._most_places = most_places
        self._groups: dict[tuple[str, Severity], Group] = {}

    def add(self, place: Place) -> None:
        finding = place.finding
        group = self._groups.setdefault((finding.code, finding.severity), Group(finding))
        group.count += 1
        if len(group.places) < self._most_places:
            group.places.append(place)

    def extend(self, places: Iterable[Place]) -> None:
        for place in places:
            self.add(place)

    def at_or_above(self, level: Severity) -> list[Group]:
        """The groups of this level and above: the worst first, then by code."""
        groups = [group for group in self._groups.values() if group.first.severity.rank >= level.rank]
        return sorted(groups, key=lambda group: (-group.first.severity.rank, group.first.code))

    def below(self, level: Severity) -> int:
        """How many findings there are below a level."""
        return sum(group.count for group in self._groups.values() if group.first.severity.rank < level.rank)
