"""What is written down of an audit: its plan, by which an interrupted one goes on, and what it came to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from mock_intake import __version__
from mock_intake.audit.settings import JudgingSettings
from mock_intake.audit.sources import Recording

FILE = "audit.json"
PLAN = "plan.json"
KIND = "mock-intake audit"
# Files are judged in batches of so many bytes, or a little more.
BATCH = 4 << 30
_NEVER = datetime.fromtimestamp(0, UTC)


class Plan(msgspec.Struct):
    """What is audited and how; two audits of equal plans, but for when they began, come to the same."""

    recordings: list[Recording]
    batches: list[list[int]]
    column: str
    settings: str
    arrived: datetime
    version: str = __version__
    audit: str = KIND

    def goes_on_with(self, other: Plan) -> bool:
        """Whether what was made by another plan is what this one would make."""
        return msgspec.structs.replace(self, arrived=other.arrived) == other


class Counts(msgspec.Struct):
    """The numbers of an audit: events, events by status, and findings by what they are about and severity."""

    events: int
    statuses: dict[str, int]
    findings: dict[str, dict[str, int]]

    @property
    def severities(self) -> dict[str, int]:
        """Findings by severity."""
        every: dict[str, int] = {}
        for of in self.findings.values():
            for severity, number in of.items():
                every[severity] = every.get(severity, 0) + number
        return every


class Record(msgspec.Struct):
    """``audit.json``: what an audit came to, written once all its tables are there."""

    counts: Counts
    sources: list[str]
    files: int
    bytes: int
    plan: str
    """The digest of its plan."""
    started_at: datetime
    ended_at: datetime
    spark: str
    master: str
    empty: list[str]
    """Sources without events, the first of them."""
    notes: list[str] = []
    """What a reader of the numbers has to know."""
    version: str = __version__
    audit: str = KIND


def planned(recordings: Sequence[Recording], column: str, settings: JudgingSettings, arrived: datetime) -> Plan:
    """The plan of an audit; files that follow each other are judged in one batch."""
    batches: list[list[int]] = []
    size = BATCH
    for number, recording in enumerate(recordings):
        if size >= BATCH:
            batches.append([])
            size = 0
        batches[-1].append(number)
        size += recording.size
    return Plan(list(recordings), batches, column, _digest(settings), arrived)


def _digest(settings: JudgingSettings) -> str:
    ordered = [sorted(each) if isinstance(each, frozenset) else each for each in settings]
    return hashlib.sha256(repr(ordered).encode(), usedforsecurity=False).hexdigest()


def digest_of(plan: Plan) -> str:
    """Tells plans apart, but for when their audits began."""
    content = msgspec.json.encode(msgspec.structs.replace(plan, arrived=_NEVER))
    return hashlib.sha256(content, usedforsecurity=False).hexdigest()


def encoded(record: Plan | Record) -> bytes:
    """The record as a file has it."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def decoded_plan(content: bytes) -> Plan | None:
    """A plan as a file has it; None where that is none."""
    try:
        made = msgspec.json.decode(content, type=Plan)
    except msgspec.MsgspecError:
        return None
    return made if made.audit == KIND else None


def decoded_record(content: bytes) -> Record | None:
    """A record as a file has it; None where that is none."""
    try:
        made = msgspec.json.decode(content, type=Record)
    except msgspec.MsgspecError:
        return None
    return made if made.audit == KIND else None
