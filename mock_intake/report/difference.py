"""Two recordings side by side: what came, went or changed, by job and type of event.

A recording comes down to a profile: for each job and type of event which facets, versions, fields and datasets its
events have, and what was found in them. Values are not compared, as they differ between any two runs; how many events
there are is, and is no loss unless none are left. No I/O: recorded events in, values out.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from mock_intake.body.shown import event_in
from mock_intake.files.recordings import Recorded
from mock_intake.judging.recording import Check
from mock_intake.model.event import EventView
from mock_intake.model.exchange import NamedEvent
from mock_intake.model.findings import Finding, Severity
from mock_intake.secrets.presenting import presented

_VERSION = re.compile(r"/(\d+-\d+-\d+)/")
# Below that it is content: names of columns, of variables, of whatever a facet lists.
_DEEPEST = 4
RUN, OVER_ALL = "run", "all events"
"""What stands for the type of event where something was found in a run, or over all events."""
_ORDER = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER", "JobEvent", "DatasetEvent", RUN)


class Aspect(StrEnum):
    """What is compared, in the order in which it is shown."""

    EVENTS = "events"
    DATASETS = "datasets"
    FACETS = "facets"
    VERSIONS = "versions"
    FIELDS = "fields"
    FINDINGS = "findings"


class Subject(NamedTuple):
    """The job, or the dataset of a DatasetEvent, and the type of event; None is what no event of it says."""

    namespace: str | None
    name: str | None
    event_type: str

    def __str__(self) -> str:
        named = [presented(part) for part in (self.namespace, self.name) if part]
        return f"{'/'.join(named)} {presented(self.event_type)}".strip()


class Change(NamedTuple):
    """One difference: ``before`` and ``after`` are words on either side, None where there is nothing."""

    subject: Subject
    aspect: Aspect
    name: str
    before: str | None
    after: str | None
    is_loss: bool

    @property
    def kind(self) -> str:
        """``came``, ``went`` or ``changed``."""
        return "came" if self.before is None else "went" if self.after is None else "changed"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        subject = {"namespace": self.subject.namespace, "name": self.subject.name}
        return {
            "job": subject,
            "event_type": self.subject.event_type,
            "aspect": self.aspect,
            "name": self.name,
            "change": self.kind,
            "before": self.before,
            "after": self.after,
            "loss": self.is_loss,
        }


@dataclass
class Profile:
    """What a recording comes down to: in how many events of each subject what stands, under which words."""

    name: str
    events: int = 0
    counts: dict[Subject, int] = field(default_factory=dict)
    # Of a subject and an aspect: of each thing in how many events it stands, and what is said of it besides.
    things: dict[tuple[Subject, Aspect], dict[str, tuple[int, frozenset[str]]]] = field(default_factory=dict)

    def add(self, subject: Subject, aspect: Aspect, things: Mapping[str, str | None]) -> None:
        """Counts ``things`` of one event (or run), each with what is said of it, such as a version."""
        known = self.things.setdefault((subject, aspect), {})
        for name, word in things.items():
            count, words = known.get(name, (0, frozenset()))
            known[name] = (count + 1, words | {word} if word else words)


@dataclass(frozen=True)
class Difference:
    """The changes from one recording to another, by subject and aspect."""

    before: Profile
    after: Profile
    changes: list[Change]

    @property
    def losses(self) -> list[Change]:
        """The changes that a producer's user would not want."""
        return [change for change in self.changes if change.is_loss]

    def by_subject(self) -> Iterator[tuple[Subject, list[Change]]]:
        """The changes of each subject that has any."""
        subjects = dict.fromkeys(change.subject for change in self.changes)
        for subject in subjects:
            yield subject, [change for change in self.changes if change.subject == subject]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        sides = {side: {"name": one.name, "events": one.events} for side, one in self._sides()}
        return {
            **sides,
            "changes": [change.to_dict() for change in self.changes],
            "summary": {"changes": len(self.changes), "losses": len(self.losses)},
        }

    def _sides(self) -> tuple[tuple[str, Profile], ...]:
        return ("before", self.before), ("after", self.after)


def profile(name: str, recorded: Iterable[Recorded], check: Check) -> Profile:
    """What a recording comes down to, judged by ``check``, which is used up by that."""
    made = Profile(name)
    # Read, and not judged yet: no more than a block of them.
    waiting: deque[bytes] = deque()

    def passing() -> Iterator[Recorded]:
        for one in recorded:
            waiting.append(one.body)
            yield one

    for checked in check.check(passing()):
        made.events += 1
        body = waiting.popleft()
        subject = _subject(checked.event)
        made.counts[subject] = made.counts.get(subject, 0) + 1
        made.add(subject, Aspect.FINDINGS, _found(checked.findings))
        if checked.event is not None:
            _add_event(made, subject, event_in(body))
    for run, findings in check.run_results():
        made.add(Subject(*run.job, RUN), Aspect.FINDINGS, _found(findings))
    made.add(Subject(None, None, OVER_ALL), Aspect.FINDINGS, _found(check.dataset_findings()))
    return made


def compared(before: Profile, after: Profile) -> Difference:
    """What is different in ``after``."""
    changes = []
    subjects = sorted({subject for one in (before, after) for subject, _ in one.things}, key=_place)
    for subject in subjects:
        counts = tuple(one.counts.get(subject, 0) for one in (before, after))
        if counts[0] != counts[1]:
            first, second = (str(count) if count else None for count in counts)
            changes.append(Change(subject, Aspect.EVENTS, "events", first, second, is_loss=not counts[1]))
        # Of events of which there are none any more, or none were, all else goes without saying.
        if all(counts) or subject.event_type in (RUN, OVER_ALL):
            for aspect in list(Aspect)[1:]:
                changes += _changes(subject, aspect, before, after)
        else:
            changes += _changes(subject, Aspect.FINDINGS, before, after)
    return Difference(before, after, changes)


def _changes(subject: Subject, aspect: Aspect, before: Profile, after: Profile) -> Iterator[Change]:
    sides = [one.things.get((subject, aspect), {}) for one in (before, after)]
    wholes = [one.counts.get(subject, 0) for one in (before, after)]
    for name in sorted(sides[0].keys() | sides[1].keys()):
        ours, theirs = (side.get(name) for side in sides)
        words = [_words(thing, whole, aspect) for thing, whole in zip((ours, theirs), wholes, strict=True)]
        if words[0] == words[1]:
            continue
        if aspect is Aspect.FINDINGS:
            is_loss = _worst(theirs) > max(_worst(ours), Severity.INFO.rank)
        elif aspect is Aspect.VERSIONS:
            is_loss = False  # a facet that went is a loss of its own
        else:
            is_loss = theirs is None or (ours is not None and ours[0] >= wholes[0] and theirs[0] < wholes[1])
        yield Change(subject, aspect, name, words[0], words[1], is_loss)


def _worst(found: tuple[int, frozenset[str]] | None) -> int:
    """The rank of the worst severity of a finding on one side; below all others where there is none."""
    return -1 if found is None else max(Severity(word).rank for word in found[1])


def _words(thing: tuple[int, frozenset[str]] | None, whole: int, aspect: Aspect) -> str | None:
    """What is said of a thing on one side: its versions or its severity, or whether all events have it."""
    if thing is None:
        return None
    count, words = thing
    if aspect in (Aspect.VERSIONS, Aspect.FINDINGS):
        return ", ".join(sorted(words))
    return "in all" if count >= whole else "in some"


def _subject(event: NamedEvent | None) -> Subject:
    if event is None:
        return Subject(None, None, "no event")
    namespace, name = (event.job_namespace, event.job_name) if event.dataset is None else event.dataset
    return Subject(namespace, name, event.event_type or event.kind or "no type")


def _place(subject: Subject) -> tuple[str, str, int, str]:
    kind = subject.event_type
    order = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
    return subject.namespace or "", subject.name or "", order, kind


def _add_event(made: Profile, subject: Subject, view: EventView) -> None:
    facets: dict[str, str | None] = {}
    versions: dict[str, str | None] = {"event": _version(view.schema_url)}
    fields = dict.fromkeys(_fields(view.body, (), {"facets", "inputs", "outputs", "dataset"}))
    for group in view.facet_groups():
        for key, facet in group.facets.items():
            name = f"{group.entity} {presented(key)}"
            facets[name] = None
            if isinstance(facet, Mapping):
                versions[name] = _version(facet.get("_schemaURL"))
                fields |= dict.fromkeys(f"{name}: {path}" for path in _fields(facet, (), {"_producer", "_schemaURL"}))
    made.add(subject, Aspect.FACETS, facets)
    made.add(subject, Aspect.VERSIONS, {name: version for name, version in versions.items() if version})
    made.add(subject, Aspect.FIELDS, fields)
    named = [(one.role, one.id) for one in view.datasets if one.role != "dataset" and one.id is not None]
    datasets = dict.fromkeys(f"{role} {presented(one.namespace)} {presented(one.name)}" for role, one in named)
    made.add(subject, Aspect.DATASETS, datasets)


def _fields(value: Any, path: tuple[str, ...], without: Iterable[str]) -> Iterator[str]:
    """The paths of the fields of an object, those of the objects in its lists too."""
    if isinstance(value, Mapping) and len(path) < _DEEPEST:
        for key, item in value.items():
            if key in without:
                continue
            inner = (*path, presented(key))
            yield ".".join(inner)
            yield from _fields(item, inner, without)
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item, path, without)


def _version(url: object) -> str | None:
    found = _VERSION.search(url) if isinstance(url, str) else None
    return None if found is None else found[1]


def _found(findings: Iterable[Finding]) -> dict[str, str | None]:
    return {finding.code: str(finding.severity) for finding in findings}
