"""Findings: what rules have to say, and the rules themselves as values.

Everything that judges (requests, events, runs, datasets) speaks in ``Finding``s, and every finding comes
from a ``Rule`` with a stable code. This module knows no rule; ``mock_intake.catalogue`` lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

Subject = Literal["request", "event", "run", "dataset"]
Violates = Literal["openlineage"]


class Severity(StrEnum):
    """How much a finding matters; ``info`` never changes an event's status."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class Status(StrEnum):
    """What the product would show for an event."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Sureness(StrEnum):
    """How surely the requirement behind a rule is known.

    ``documented``: the vendor's or the standard's live documentation; ``source``: public code;
    ``measured``: seen on the wire; ``draft``: the vendor's unmerged documentation; ``assumed``: nobody
    outside the vendor knows, and we chose.
    """

    DOCUMENTED = "documented"
    SOURCE = "source"
    MEASURED = "measured"
    DRAFT = "draft"
    ASSUMED = "assumed"


class Finding(NamedTuple):
    """One thing that a rule has to say about a request, an event, a run or a dataset.

    A named tuple since findings are made on the hot path and kept by the thousand. ``pointer`` is a
    JSON Pointer into the event ("" for the whole of it), or a word for a part of a request such as
    ``header:Authorization``. ``violates`` is "openlineage" exactly where the official schemas, formats
    included, refuse the event.
    """

    code: str
    severity: Severity
    subject: Subject
    pointer: str
    message: str
    expected: str | None
    actual: str | None
    advice: str
    source: str
    sureness: Sureness
    violates: Violates | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, the same wherever a finding is shown."""
        return self._asdict()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        return cls(**{**data, "severity": Severity(data["severity"]), "sureness": Sureness(data["sureness"])})


@dataclass(frozen=True, slots=True)
class Rule:
    """A requirement with a stable code.

    ``requirement`` says what is asked and ``because`` why it matters to the user; ``advice`` is what to
    do unless a finding knows better; ``source`` is where the requirement is written down.
    """

    code: str
    name: str
    severity: Severity
    subject: Subject
    requirement: str
    because: str
    advice: str
    source: str
    sureness: Sureness

    def found(
        self,
        pointer: str,
        message: str,
        *,
        expected: str | None = None,
        actual: str | None = None,
        advice: str | None = None,
        severity: Severity | None = None,
        violates: Violates | None = None,
    ) -> Finding:
        """A finding of this rule."""
        return Finding(
            self.code,
            severity or self.severity,
            self.subject,
            pointer,
            message,
            expected,
            actual,
            advice or self.advice,
            self.source,
            self.sureness,
            violates,
        )

    def to_dict(self) -> dict[str, str]:
        return {
            "code": self.code,
            "name": self.name,
            "severity": self.severity,
            "subject": self.subject,
            "requirement": self.requirement,
            "because": self.because,
            "advice": self.advice,
            "source": self.source,
            "sureness": self.sureness,
            "documentation": f"docs/rules.md#{self.code.lower()}",
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """The user's say over rules: codes or prefixes of codes that are ignored, and severities of their own.

    The longest matching prefix decides, so ``DD5 = "ignore"`` with ``DD501 = "error"`` keeps DD501.
    """

    levels: Mapping[str, Severity | None] = field(default_factory=dict)

    def apply(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that are left, with the severities that the user wants."""
        if not self.levels:
            return tuple(findings)
        kept = []
        for finding in findings:
            prefix = max((p for p in self.levels if finding.code.startswith(p)), key=len, default=None)
            if prefix is None:
                kept.append(finding)
            elif (severity := self.levels[prefix]) is not None:
                kept.append(finding._replace(severity=severity))
        return tuple(kept)


def status_of(findings: Iterable[Finding]) -> Status:
    """The status that an event with these findings has."""
    status = Status.OK
    for finding in findings:
        if finding.severity is Severity.ERROR:
            return Status.ERROR
        if finding.severity is Severity.WARNING:
            status = Status.WARNING
    return status


def at_or_above(findings: Iterable[Finding], level: Severity) -> list[Finding]:
    return [finding for finding in findings if finding.severity.rank >= level.rank]
