"""What a process received over all its tests: counted, sent to the controller under xdist, and told at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mock_intake_pytest.snapshots import Ledger
from mock_intake_pytest.telling import printable

_MOST_RULES = 5
_MOST_TESTS = 10
_MOST_REQUESTS = 3


@dataclass
class Found:
    """How often a rule spoke, what it said first, and whether it said something else since."""

    code: str
    severity: str
    message: str
    count: int = 0
    varied: bool = False


@dataclass
class Tally:
    """Counts over tests. ``late`` counts exchanges by the test that had ended before they came.

    ``of_strays`` and ``of_lost`` are lines on the first few of them, ``faults`` lines on plans that have steps left.
    ``entries`` are those of the report, as JSON, if one is asked for.
    """

    tests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    strays: int = 0
    retries: int = 0
    lost: int = 0
    dropped: int = 0
    late: Counter[str] = field(default_factory=Counter)
    of_strays: list[str] = field(default_factory=list)
    of_lost: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    snapshots: Ledger = field(default_factory=Ledger)
    unused: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        return self.statuses.total()

    def add(self, other: Tally) -> None:
        """Takes in what another process counted."""
        self.tests += other.tests
        self.statuses += other.statuses
        self.refused += other.refused
        self.strays += other.strays
        self.retries += other.retries
        self.lost += other.lost
        self.dropped += other.dropped
        self.late += other.late
        self.faults += other.faults
        self.describe(self.of_strays, other.of_strays)
        self.describe(self.of_lost, other.of_lost)
        for found in other.found.values():
            self._hear(found.code, found.severity, found.message, found.count, varied=found.varied)
        self.entries += other.entries
        self.snapshots.add(other.snapshots)

    def hear(self, code: str, severity: str, message: str) -> None:
        self._hear(code, severity, message, 1)

    @staticmethod
    def describe(lines: list[str], more: Iterable[str]) -> None:
        """Adds lines on requests to those there are: the first in time stay, as many as a summary shows."""
        # They begin with their times.
        lines[:] = sorted((*lines, *more))[:_MOST_REQUESTS]

    def _hear(self, code: str, severity: str, message: str, count: int, *, varied: bool = False) -> None:
        found = self.found.setdefault(f"{code} {severity}", Found(code, severity, message))
        found.count += count
        found.varied = found.varied or varied or message != found.message

    def dumps(self) -> str:
        """As text that ``loads`` reads, for another process."""
        found = {key: vars(each) for key, each in self.found.items()}
        return json.dumps({**vars(self), "found": found, "snapshots": self.snapshots.to_dict()})

    @classmethod
    def loads(cls, text: str) -> Tally:
        data = json.loads(text)
        data["snapshots"] = Ledger.from_dict(data["snapshots"])
        data["found"] = {key: Found(**found) for key, found in data["found"].items()}
        data["statuses"], data["late"] = Counter(data["statuses"]), Counter(data["late"])
        return cls(**data)

    def lines(self, root: Path) -> Iterator[str]:
        """What the terminal summary says; files are named from ``root`` on."""
        if self.tests:
            counts = ", ".join(f"{self.statuses[status]} {status}" for status in ("ok", "warning", "error"))
            yield (
                f"{many(self.events, 'event')} received in {many(self.tests, 'test')}: {counts}; "
                f"{many(self.refused, 'request')} refused or faulted, {_retries(self.retries)}"
            )
        order = {"error": 0, "warning": 1, "info": 2}
        top = sorted(self.found.values(), key=lambda found: (order[found.severity], -found.count, found.code))
        for found in top[:_MOST_RULES]:
            instance = "for instance: " if found.varied else ""
            yield f"  {found.code} {found.severity:<7} {found.count:>4} x  {instance}{printable(found.message)}"
        if len(top) > _MOST_RULES:
            yield f"  and {len(top) - _MOST_RULES} more rules; --intake-report FILE has them all"
        if self.lost:
            yield f"lost: {many(self.lost, 'event')} that no attempt got through"
            yield from _listed(self.of_lost, self.lost)
        for nodeid, count in self.late.most_common(_MOST_TESTS):
            them = "it" if count == 1 else "them"
            yield f"late: {many(count, 'request')} of {nodeid} came after the test had ended; nothing judged {them}"
        if len(self.late) > _MOST_TESTS:
            yield f"late: and of {len(self.late) - _MOST_TESTS} more tests"
        if self.strays:
            yield f"strays: {many(self.strays, 'request')} came with no test's key"
            yield from _listed(self.of_strays, self.strays)
        for line in self.faults[:_MOST_TESTS]:
            yield f"warning: {line}"
        if len(self.faults) > _MOST_TESTS:
            yield f"warning: and of {len(self.faults) - _MOST_TESTS} more tests"
        if self.dropped:
            yield f"dropped: {many(self.dropped, 'request')} from memory, to stay within its bounds"
        for file in sorted(self.snapshots.written):
            yield f"snapshot written: {_short(file, root)}"
        for file in self.unused:
            yield f"snapshot unused: {_short(file, root)}"


def _listed(lines: Sequence[str], count: int) -> Iterator[str]:
    yield from (f"  {line}" for line in lines)
    if count > len(lines):
        yield f"  and {count - len(lines)} more"


def _short(file: str, root: Path) -> str:
    return str(Path(file).relative_to(root)) if Path(file).is_relative_to(root) else file


def many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _retries(count: int) -> str:
    return "1 retry seen" if count == 1 else f"{count} retries seen"
