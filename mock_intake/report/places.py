"""Findings together with where they were found, grouped by rule and message: what renderers lay out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct, field

from mock_intake.model.event import DatasetId
from mock_intake.model.exchange import EventSummary, Exchange, NamedEvent
from mock_intake.model.findings import Finding, Severity
from mock_intake.secrets.presenting import presented

# So many messages of a rule are kept apart, so that groups can go on for ever.
_MOST_KEPT = 20
# So many of them are groups of their own where nothing else is asked for.
_MOST_MESSAGES = 5
# What findings of one rule can say differently.
_OWN = ("message", "expected", "actual", "advice")


class Place(NamedTuple):
    """A finding and where it belongs.

    ``source`` is a file, with the ``line`` at which the event stands, or words. ``title`` says what it is about where
    that is more than one event (a run, datasets): it is found at ``source`` and shows there. ``name`` is what it is
    about without ids and times, so that it stays the same from one run of a producer to the next. ``accepted`` has the
    words by which a baseline accepts it. ``anchor`` is where it stands on the page of a report, that has it.
    """

    finding: Finding
    source: str | None
    line: int | None = None
    title: str = ""
    name: str = ""
    accepted: str | None = None
    anchor: str = ""

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source or ""
        return f"{self.title} ({where})" if self.title and where else self.title or where


def name_of_event(event: EventSummary | NamedEvent | None) -> str:
    """What an event is, and of which job or dataset: "START prod/load"; "no event" where it is none."""
    if event is None:
        return "no event"
    kind = presented(event.event_type or event.kind or "no type")
    if event.job_name is not None or event.job_namespace is not None:
        return f"{kind} {name_of_job(event.job_namespace, event.job_name)}"
    return kind if event.dataset is None else f"{kind} {_of_dataset(event.dataset)}"


def name_of_request(exchange: Exchange) -> str:
    """A request that was refused: "POST /api/v1/lineage"."""
    return presented(f"{exchange.request.method} {exchange.request.path}".strip() or "no HTTP")


def name_of_dataset(dataset: DatasetId) -> str:
    """A dataset by its two names."""
    return f"dataset {_of_dataset(dataset)}"


def _of_dataset(dataset: DatasetId) -> str:
    return f"{presented(dataset.namespace)}/{presented(dataset.name)}"


def name_of_job(namespace: str | None, name: str | None) -> str:
    """A job by its two names, as one word: "prod/load"."""
    return "/".join(presented(part) for part in (namespace, name) if part is not None) or "no job"


class Group(Struct):
    """Findings of one rule and severity: the first few with their places, and how many there are.

    ``differing`` names what they do not all say alike, whether it is among the places that were kept or not.
    """

    first: Finding
    places: list[Place] = field(default_factory=list)
    count: int = 0
    differing: set[str] = field(default_factory=set)

    def add(self, place: Place, most_places: int) -> None:
        """Counts a finding, and keeps its place where there is room."""
        self.count += 1
        if place.finding is not self.first:
            self._compare(place.finding)
        if len(self.places) < most_places:
            self.places.append(place)

    def take_in(self, other: Group, most_places: int) -> None:
        """Adds the findings of another group of the rule."""
        self._compare(other.first)
        self.differing |= other.differing
        self.count += other.count
        self.places += other.places[: max(0, most_places - len(self.places))]

    def _compare(self, finding: Finding) -> None:
        for name in _OWN:
            if getattr(finding, name) != getattr(self.first, name):
                self.differing.add(name)


def alone(finding: Finding, source: str | None = None) -> Group:
    """A finding as a group of its own."""
    return Group(finding, [Place(finding, source)], 1)


class Groups:
    """Groups findings as they come in, keeping a few places of each group, so that it can go on for ever.

    Findings of a rule that say the same are a group. Messages that came once only, and those beyond ``most_messages``,
    are together in one more group of the rule; with ``most_messages`` 0 a rule is one group.
    """

    def __init__(self, most_places: int, most_messages: int = _MOST_MESSAGES) -> None:
        self._most_places = most_places
        self._most_messages = most_messages
        self._rules: dict[tuple[str, Severity], dict[str | None, Group]] = {}

    def add(self, place: Place) -> None:
        finding = place.finding
        groups = self._rules.setdefault((finding.code, finding.severity), {})
        key: str | None = finding.message
        if not self._most_messages or (key not in groups and len(groups) >= _MOST_KEPT):
            # Whatever it says.
            key = None
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(finding)
        group.add(place, self._most_places)

    def extend(self, places: Iterable[Place]) -> None:
        for place in places:
            self.add(place)

    def take_in(self, other: Groups) -> None:
        """Adds what another has grouped in the same way."""
        for rule, groups in other._rules.items():
            own = self._rules.setdefault(rule, {})
            for message, group in groups.items():
                key = message if message in own or len(own) < _MOST_KEPT else None
                if key in own:
                    own[key].take_in(group, self._most_places)
                else:
                    own[key] = group

    def at_or_above(self, level: Severity) -> list[Group]:
        """The groups of this level and above: the worst first, then by code."""
        rules = [rule for rule in self._rules.items() if rule[0][1].rank >= level.rank]
        rules.sort(key=lambda rule: (-rule[0][1].rank, rule[0][0]))
        return [group for _, groups in rules for group in self._shown(groups)]

    def below(self, level: Severity) -> int:
        """How many findings there are below a level."""
        return sum(
            group.count
            for (_, severity), groups in self._rules.items()
            if severity.rank < level.rank
            for group in groups.values()
        )

    def _shown(self, groups: dict[str | None, Group]) -> Iterator[Group]:
        """The groups of a rule: those that say the same several times, then all others as one."""
        repeated = [group for message, group in groups.items() if message is not None and group.count > 1]
        own = sorted(repeated, key=lambda group: -group.count)[: self._most_messages]
        yield from own
        others = [group for group in groups.values() if not any(group is one for one in own)]
        if others:
            rest = Group(others[0].first)
            for group in others:
                rest.take_in(group, self._most_places)
            yield rest
