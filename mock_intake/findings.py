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


class TextEnum(StrEnum):
    """A StrEnum whose members hash as their texts do, so that either finds the other. (Enum hashes names, slowly.)"""

    __hash__ = str.__hash__


class Severity(TextEnum):
    """How much a finding matters; ``info`` never changes an event's status."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class Status(TextEnum):
    """What the product would show for an event."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Sureness(TextEnum):
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
    """The user's say over rules: which to hear, which to ignore, and severities of their own.

    All by code or by a prefix of codes; the longest matching prefix decides, so ``ignore`` of DD5 and
    ``select`` of DD501 keeps DD501. Without ``select`` all rules are heard.
    """

    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    severity: Mapping[str, Severity] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.select or self.ignore or self.severity)

    def apply(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that are left, with the severities that the user wants."""
        if not self:
            return tuple(findings)
        kept = []
        for finding in findings:
            if not self._heard(finding.code):
                continue
            prefix = _longest(self.severity, finding.code)
            kept.append(finding._replace(severity=self.severity[prefix]) if prefix else finding)
        return tuple(kept)

    def _heard(self, code: str) -> bool:
        selected, ignored = _longest(self.select, code), _longest(self.ignore, code)
        if self.select and not selected:
            return False
        return len(selected) >= len(ignored) if selected else not ignored


def _longest(prefixes: Iterable[str], code: str) -> str:
    return max((prefix for prefix in prefixes if code.startswith(prefix)), key=len, default="")


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
