"""Findings: what rules have to say, and the rules themselves as values.

Everything that judges (requests, events, runs, datasets) speaks in ``Finding``s, and every finding comes
from a ``Rule`` with a stable code. This module knows no rule; ``mock_intake.judging.catalogue`` lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, convert, field
from msgspec.structs import asdict, replace

from mock_intake.model.literals import Subject, Violates
from mock_intake.system.documentation import address_of

if TYPE_CHECKING:
    from mock_intake.model import shapes

# What codes of this package begin with. Rules of other packages have codes of their own, and documentation too.
OWN = ("HT", "OL", "DD", "RC", "DS")


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
        """The worse, the higher."""
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


# Made on the hot path and kept by the thousand, as are the values of mock_intake.model.exchange: a Struct is made in a
# quarter of the time of a named tuple and replaced in a tenth. With gc=False Python's collector of cycles passes over
# it; it may, as nothing that a frozen value holds can lead back to it.
class Finding(Struct, frozen=True, gc=False):
    """One thing that a rule has to say about a request, an event, a run or a dataset.

    ``pointer`` is a JSON Pointer into the event ("" for the whole of it), or a word for a part of a request such as
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

    def to_dict(self) -> shapes.Finding:
        """The JSON form, the same wherever a finding is shown: all fields."""
        return cast("shapes.Finding", asdict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """A finding from its JSON form. Raises ``msgspec.ValidationError`` where that is none."""
        return convert(data, cls)


# The most characters of one text of a finding.
_LONGEST_TEXT = 4_000


def _cut(text: str) -> str:
    """A text that is not too long; of a longer one the words that are whole, as the end of one may tell a secret."""
    if len(text) <= _LONGEST_TEXT:
        return text
    beginning = text[:_LONGEST_TEXT].rpartition(" ")[0] or text[:_LONGEST_TEXT].rpartition("/")[0]
    digest = sha256(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:8]
    return f"{beginning}... ({len(text):,} characters, {digest})"


class Rule(Struct, frozen=True, gc=False):
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
        """A finding of this rule at ``pointer`` (a JSON Pointer into the event); what is not given is the rule's own.

        Whoever quotes something in ``message``, ``expected`` or ``actual`` quotes little of it
        (``mock_intake.secrets.quoting``); what is longer all the same is cut, so that no rule can make a record or an
        answer of any size.
        """
        if len(pointer) + len(message) + len(expected or "") + len(actual or "") + len(advice or "") > _LONGEST_TEXT:
            pointer, message = _cut(pointer), _cut(message)
            expected, actual, advice = expected and _cut(expected), actual and _cut(actual), advice and _cut(advice)
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

    def to_dict(self) -> shapes.Rule:
        """The JSON form: all fields, and where the rule is documented."""
        where = address_of("rules", self.code.lower()) if self.code.startswith(OWN) else self.source
        return cast("shapes.Rule", {**asdict(self), "documentation": where})


class Selection(Struct, frozen=True):
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
        """Those of ``findings`` that are selected and not ignored, in their order, with the severities that the user
        wants.
        """
        if not self:
            return tuple(findings)
        kept = []
        for finding in findings:
            if not self._heard(finding.code):
                continue
            severity = self.severity_of(finding.code)
            kept.append(replace(finding, severity=severity) if severity else finding)
        return tuple(kept)

    def severity_of(self, code: str) -> Severity | None:
        """The severity that the user wants of the rule ``code``; None where nothing was said of it."""
        prefix = _longest(self.severity, code)
        return self.severity[prefix] if prefix else None

    def _heard(self, code: str) -> bool:
        selected, ignored = _longest(self.select, code), _longest(self.ignore, code)
        if self.select and not selected:
            return False
        return len(selected) >= len(ignored) if selected else not ignored


def _longest(prefixes: Iterable[str], code: str) -> str:
    return max((prefix for prefix in prefixes if code.startswith(prefix)), key=len, default="")


def statuses(counts: Mapping[Status, int]) -> shapes.Statuses:
    """The JSON form of ``counts``, with 0 for each status that they lack."""
    return {
        "ok": counts.get(Status.OK, 0),
        "warning": counts.get(Status.WARNING, 0),
        "error": counts.get(Status.ERROR, 0),
    }


def status_of(findings: Iterable[Finding]) -> Status:
    """The status that an event with these ``findings`` has: the worst of their severities; ``info`` changes nothing."""
    status = Status.OK
    for finding in findings:
        if finding.severity is Severity.ERROR:
            return Status.ERROR
        if finding.severity is Severity.WARNING:
            status = Status.WARNING
    return status


def at_or_above(findings: Iterable[Finding], level: Severity) -> list[Finding]:
    return [finding for finding in findings if finding.severity.rank >= level.rank]
