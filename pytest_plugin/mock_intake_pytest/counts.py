"""What a process received over all its tests: counted, sent to the controller under xdist, and told at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from mock_intake_pytest.failures import printable
from mock_intake_pytest.snapshots import Ledger

_MOST_RULES = 5
# In the one line of a run in which nothing failed.
_MOST_CODES = 6
# All bodies in a report, in letters.
_MOST_OF_BODIES = 1_500_000
_MOST_TESTS = 10
_MOST_REQUESTS = 3


class RuleCount(Struct):
    """How often a rule spoke, what it said first, and whether it said something else since."""

    code: str
    severity: str
    message: str
    count: int = 0
    varied: bool = False


class Tally(Struct):
    """Counts over tests. ``late`` counts exchanges by the test that had ended before they came.

    ``outside`` counts those that came with the key that all tests share while none was under way that uses the intake;
    ``let_through`` and ``stopped`` what was tried of Datadog's hosts: others than intakes, which are no fault, and what
    was stopped while no test was under way. ``of_strays`` and its like are lines on the first few of them, ``faults``
    lines on plans that have steps left.
    ``entries`` are those of the report, as JSON, if one is asked for. ``accepted`` are the entries of the baseline that
    were met, by so many ``accepted_findings``; ``judged`` is what findings could have been about; ``failing`` is what
    the baseline is to accept from now on. ``partial`` tells that some tests were left out.
    """

    tests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    strays: int = 0
    outside: int = 0
    let_through: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    lost: int = 0
    dropped: int = 0
    late: Counter[str] = field(default_factory=Counter)
    of_strays: list[str] = field(default_factory=list)
    of_outside: list[str] = field(default_factory=list)
    of_lost: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    found: dict[str, RuleCount] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    nodeids: list[str] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)
    snapshots: Ledger = field(default_factory=Ledger)
    unused: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    accepted_findings: int = 0
    judged: set[str] = field(default_factory=set)
    failing: dict[str, str] = field(default_factory=dict)
    partial: bool = False

    @property
    def events(self) -> int:
        """How many events were received."""
        return self.statuses.total()

    def add(self, other: Tally) -> None:
        """Takes in what another process counted."""
        self.tests += other.tests
        self.statuses += other.statuses
        self.refused += other.refused
        self.strays += other.strays
        self.outside += other.outside
        self.let_through += other.let_through
        self.stopped += other.stopped
        self.retries += other.retries
        self.lost += other.lost
        self.dropped += other.dropped
        self.late += other.late
        self.faults += other.faults
        self.describe(self.of_strays, other.of_strays)
        self.describe(self.of_outside, other.of_outside)
        self.describe(self.of_lost, other.of_lost)
        for found in other.found.values():
            self._hear(found.code, found.severity, found.message, found.count, varied=found.varied)
        self.entries += other.entries
        self.nodeids += other.nodeids
        self.keep_bodies(other.bodies)
        self.snapshots.add(other.snapshots)
        self.accepted |= other.accepted
        self.accepted_findings += other.accepted_findings
        self.judged |= other.judged
        self.failing = {**other.failing, **self.failing}
        self.partial = self.partial or other.partial

    def hear(self, code: str, severity: str, message: str) -> None:
        """Counts a finding."""
        self._hear(code, severity, message, 1)

    def keep_bodies(self, bodies: Mapping[str, str]) -> None:
        """Keeps the bodies of events by their keys, as far as there is room for them in a report."""
        room = _MOST_OF_BODIES - sum(map(len, self.bodies.values()))
        for key, body in bodies.items():
            room -= len(body)
            if room < 0:
                return
            self.bodies[key] = body

    @staticmethod
    def describe(lines: list[str], more: Iterable[str]) -> None:
        """Adds lines on requests to those there are: the first in time stay, as many as a summary shows."""
        # They begin with their times.
        lines[:] = sorted((*lines, *more))[:_MOST_REQUESTS]

    def _hear(self, code: str, severity: str, message: str, count: int, *, varied: bool = False) -> None:
        found = self.found.setdefault(f"{code} {severity}", RuleCount(code, severity, message))
        found.count += count
        found.varied = found.varied or varied or message != found.message

    def dumps(self) -> str:
        """As text that ``loads`` reads, for another process."""
        found = {key: asdict(each) for key, each in self.found.items()}
        sets = {"accepted": sorted(self.accepted), "judged": sorted(self.judged)}
        return json.dumps({**asdict(self), **sets, "found": found, "snapshots": self.snapshots.to_dict()})

    @classmethod
    def loads(cls, text: str) -> Tally:
        """The tally that another process has given as ``dumps``."""
        data = json.loads(text)
        data["snapshots"] = Ledger.from_dict(data["snapshots"])
        data["found"] = {key: RuleCount(**found) for key, found in data["found"].items()}
        for name in ("statuses", "late", "let_through", "stopped"):
            data[name] = Counter(data[name])
        data["accepted"], data["judged"] = set(data["accepted"]), set(data["judged"])
        return cls(**data)

    def head(self) -> Iterator[str]:
        """The line of the terminal summary that counts; none where no test used the intake."""
        if self.tests:
            counts = ", ".join(f"{self.statuses[status]} {status}" for status in ("ok", "warning", "error"))
            yield (
                f"{many(self.events, 'event')} received in {many(self.tests, 'test')}: {counts}; "
                f"{many(self.refused, 'request')} refused or faulted, {_retries(self.retries)}"
            )

    def _top(self) -> list[RuleCount]:
        order = {"error": 0, "warning": 1, "info": 2}
        return sorted(self.found.values(), key=lambda found: (order[found.severity], -found.count, found.code))

    def codes(self) -> str:
        """The rules that spoke, each with how often, in few words; empty where none did."""
        top = self._top()
        words = [f"{found.code} x{found.count}" for found in top[:_MOST_CODES]]
        return ", ".join(words + [f"{len(top) - _MOST_CODES} more"] * (len(top) > _MOST_CODES))

    def rules(self) -> Iterator[str]:
        """What rules said, a line for each."""
        top = self._top()
        for found in top[:_MOST_RULES]:
            instance = "for instance: " if found.varied else ""
            yield f"  {found.code} {found.severity:<7} {found.count:>4} x  {instance}{printable(found.message)}"
        if (more := len(top) - _MOST_RULES) > 0:
            yield f"  and {many(more, 'more rule')}; --intake-report FILE has them all"

    def rest(self, root: Path) -> Iterator[str]:
        """What else a reader must know; files are named from ``root`` on."""
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
        if self.outside:
            came = many(self.outside, "request")
            yield f"outside: {came} came while no test was under way that uses the intake; nothing judged them"
            yield from _listed(self.of_outside, self.outside)
        if self.stopped:
            yield f"stopped: while no test was under way, connections to {', '.join(sorted(self.stopped))}"
        if self.let_through:
            hosts = ", ".join(sorted(self.let_through))
            yield f'let through: other hosts of Datadog\'s, {hosts}; guard = "datadog" in [tool.mock-intake] stops that'
        for line in self.faults[:_MOST_TESTS]:
            yield f"warning: {line}"
        if len(self.faults) > _MOST_TESTS:
            yield f"warning: and of {len(self.faults) - _MOST_TESTS} more tests"
        if self.dropped:
            yield f"dropped: {many(self.dropped, 'request')} from memory, to stay within its bounds"
        for file in sorted(self.snapshots.written):
            yield f"snapshot written: {_short(file, root)}"
        for file in sorted(self.snapshots.reworded):
            yield (
                f"snapshot differs in its text, in no value (order of keys, 1.0 for 1, spaces): {_short(file, root)}; "
                "--intake-update writes it anew"
            )
        for file in self.unused:
            yield f"snapshot unused: {_short(file, root)}"


def _listed(lines: Sequence[str], count: int) -> Iterator[str]:
    yield from (f"  {line}" for line in lines)
    if count > len(lines):
        yield f"  and {count - len(lines)} more"


def _short(file: str, root: Path) -> str:
    return str(Path(file).relative_to(root)) if Path(file).is_relative_to(root) else file


def many(count: int, what: str) -> str:
    """A number of things, with the word for them in the singular or the plural."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _retries(count: int) -> str:
    return "1 retry seen" if count == 1 else f"{count} retries seen"
