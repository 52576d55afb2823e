"""What there is of each org, and which rules have spoken of what: folded from the exchanges, and from runs as they
change. Counted is all that ever came, also what retention has dropped since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mock_intake.exchange import Exchange
from mock_intake.findings import Finding, Status
from mock_intake.views.runs import Run, RunKey, RunsState


class Listed(NamedTuple):
    """An event, and whose it is."""

    org: str
    event_id: str


@dataclass(slots=True)
class Counts:
    """Exchanges by what came of them, and accepted events by status."""

    exchanges: int = 0
    accepted: int = 0
    faulted: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)

    def copy(self) -> Counts:
        return replace(self, statuses=self.statuses.copy())

    @property
    def refused(self) -> int:
        return self.exchanges - self.accepted

    @property
    def events(self) -> int:
        return self.statuses.total()


class Counted(NamedTuple):
    """Counts, and the orgs that were heard of last, the latest first."""

    counts: Counts
    orgs: list[str]


@dataclass(slots=True)
class TalliesState:
    """Counts by org, the one heard of last being last, and of all. Events by the rules that have something to say of
    them, in order of arrival; refused requests by org and rule are counted.

    ``seen`` are the events that were counted: the same body accepted again is no other event.
    """

    all: Counts = field(default_factory=Counts)
    orgs: dict[str, Counts] = field(default_factory=dict)
    events: dict[str, list[Listed]] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)


def fold_tallies(state: TalliesState, exchange: Exchange) -> TalliesState:
    """Adds one exchange, and its findings, each rule once."""
    event = exchange.event
    of_org = state.orgs.pop(exchange.org) if exchange.org in state.orgs else Counts()
    state.orgs[exchange.org] = of_org
    for counts in (state.all, of_org):
        counts.exchanges += 1
        counts.accepted += exchange.accepted
        counts.faulted += exchange.fault is not None
    if exchange.accepted and event is not None:
        if event.id in state.seen:
            return state
        state.seen.add(event.id)
        state.all.statuses[event.status] += 1
        of_org.statuses[event.status] += 1
        for code in dict.fromkeys(finding.code for finding in exchange.findings):
            state.events.setdefault(code, []).append(Listed(exchange.org, event.id))
    else:
        state.refused.update((exchange.org, code) for code in {finding.code for finding in exchange.findings})
    return state


class RunCodes:
    """The rules that have something to say of each run so far: a run is judged anew only when it was heard of."""

    def __init__(self) -> None:
        self._state: RunsState | None = None
        self._codes: dict[RunKey, tuple[str, ...]] = {}
        # By org and code.
        self.counts: Counter[tuple[str, str]] = Counter()

    def renew(self, state: RunsState, limit: int, judge: Callable[[Run], Iterable[Finding]]) -> int:
        """Judges so many of the touched runs at most; says how many they were."""
        if state is not self._state:
            self._state, self._codes, self.counts = state, {}, Counter()
        keys = [key for key, _ in zip(state.touched, range(limit), strict=False)]
        for key in keys:
            del state.touched[key]
            codes = tuple(dict.fromkeys(finding.code for finding in judge(state.runs[key])))
            for code in self._codes.pop(key, ()):
                self.counts[key[0], code] -= 1
            if codes:
                self._codes[key] = codes
                self.counts.update((key[0], code) for code in codes)
        return len(keys)

    def runs_with(self, code: str) -> set[RunKey]:
        return {key for key, codes in self._codes.items() if code in codes}


class Tallies:
    """Counts by rule, of all orgs or of one."""

    def __init__(self, state: TalliesState, runs: RunCodes) -> None:
        self._state = state
        self._runs = runs

    def events_with(self, code: str) -> list[Listed]:
        """The events that a rule has spoken of, oldest first. It grows at its end only."""
        return self._state.events.get(code, [])

    def events(self, code: str, org: str | None = None) -> int:
        listed = self.events_with(code)
        return len(listed) if org is None else sum(one.org == org for one in listed)

    def refused(self, code: str, org: str | None = None) -> int:
        return _count(self._state.refused, code, org)

    def runs(self, code: str, org: str | None = None) -> int:
        return _count(self._runs.counts, code, org)

    def runs_with(self, code: str) -> set[RunKey]:
        """The runs, by org and id, that a rule speaks of so far."""
        return self._runs.runs_with(code)


def _count(counts: Counter[tuple[str, str]], code: str, org: str | None) -> int:
    if org is not None:
        return counts[org, code]
    return sum(number for (_, found), number in counts.items() if found == code)
