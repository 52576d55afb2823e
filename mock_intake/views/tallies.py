"""What there is of each org, and which rules have spoken of what: folded from the exchanges, and from runs as they
change. Counted is what is on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mock_intake.model.findings import Finding, Status
from mock_intake.views.extracts import Extract
from mock_intake.views.run import GroupKey, Run, RunKey
from mock_intake.views.runs import RunsState


class Listed(NamedTuple):
    """An event, and whose it is."""

    org: str
    event_id: str


class Counts(Struct):
    """Exchanges by what came of them, and accepted events by status."""

    exchanges: int = 0
    accepted: int = 0
    faulted: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)

    def copy(self) -> Counts:
        """The same counts, to be looked at while these go on."""
        return replace(self, statuses=self.statuses.copy())

    @property
    def refused(self) -> int:
        """How many exchanges were not accepted."""
        return self.exchanges - self.accepted

    @property
    def events(self) -> int:
        """How many events there are, each once however often it was sent."""
        return self.statuses.total()


class Counted(NamedTuple):
    """Counts, and the orgs that were heard of last, the latest first."""

    counts: Counts
    orgs: list[str]


class _Counted(NamedTuple):
    """What was counted of one exchange. ``event_id`` is there where it was accepted, ``codes`` are the rules that have
    spoken, each once."""

    org: str
    accepted: bool
    faulted: bool
    event_id: str | None
    status: Status | None
    codes: tuple[str, ...]


class TalliesState(Struct):
    """Counts by org, the one heard of last being last, and of all. Events by the rules that have something to say of
    them, in order of arrival; refused requests by org and rule are counted.

    ``log`` is what was counted, by position; ``seen`` are the events that were counted, each with the position of the
    attempt that stands for it: the same body accepted again is no other event; ``again`` are the positions of that.
    ``stale`` tells that ``events`` are to be listed anew.
    """

    all: Counts = field(default_factory=Counts)
    orgs: dict[str, Counts] = field(default_factory=dict)
    events: dict[str, list[Listed]] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    log: dict[int, _Counted] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    again: dict[str, list[int]] = field(default_factory=dict)
    codes: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    stale: bool = False


def fold_tallies(state: TalliesState, taken: Extract, position: int) -> TalliesState:
    """The ``state`` with an exchange counted, of which this was ``taken``, and its findings, each rule once."""
    event = taken.event if taken.accepted else None
    counted = _Counted(
        taken.org,
        taken.accepted,
        taken.faulted,
        None if event is None else event.id,
        None if event is None else event.status,
        # Of the few that there are each is kept once.
        state.codes.setdefault(taken.codes, taken.codes),
    )
    # What was counted is kept, a few words each: retention takes it off again, when the exchange itself is gone.
    state.log[position] = counted
    # Put back at the end: the org that was heard of last is the last.
    of_org = state.orgs.pop(taken.org) if taken.org in state.orgs else Counts()
    state.orgs[taken.org] = of_org
    _add(state, counted, 1)
    if counted.event_id is None:
        state.refused.update((counted.org, code) for code in counted.codes)
    # Findings of the first acceptance are the event's; those of a repeated one are not counted again.
    elif counted.event_id in state.seen:
        state.again.setdefault(counted.event_id, []).append(position)
    else:
        state.seen[counted.event_id] = position
        _add_status(state, counted, 1)
        for code in counted.codes:
            state.events.setdefault(code, []).append(Listed(counted.org, counted.event_id))
    return state


def _add(state: TalliesState, counted: _Counted, number: int) -> None:
    for counts in (state.all, state.orgs[counted.org]):
        counts.exchanges += number
        counts.accepted += number * counted.accepted
        counts.faulted += number * counted.faulted


def _add_status(state: TalliesState, counted: _Counted, number: int) -> None:
    assert counted.status is not None
    for counts in (state.all, state.orgs[counted.org]):
        counts.statuses[counted.status] += number


def drop_tallies(state: TalliesState, first: int) -> TalliesState:
    """The ``state`` without what stands before the position ``first``: retention has dropped it."""
    gone = {}
    # In order of position, so that the walk ends at the first that is left, however many those are.
    for position, counted in state.log.items():
        if position >= first:
            break
        gone[position] = counted
    for position, counted in gone.items():
        del state.log[position]
        _add(state, counted, -1)
        if counted.event_id is None:
            state.refused.subtract((counted.org, code) for code in counted.codes)
        # Only where the attempt that goes is the one that stands for the event: another may have gone before.
        elif state.seen.get(counted.event_id) == position:
            _add_status(state, counted, -1)
            del state.seen[counted.event_id]
            _take_off(state, counted)
    for event_id in {counted.event_id for counted in gone.values() if counted.event_id is not None}:
        # The first attempt that is left then stands for the event.
        left = [position for position in state.again.pop(event_id, ()) if position >= first]
        if left and event_id not in state.seen:
            state.seen[event_id] = left.pop(0)
            _add_status(state, state.log[state.seen[event_id]], 1)
        if left:
            state.again[event_id] = left
    for org in {counted.org for counted in gone.values()}:
        if not state.orgs[org].exchanges:
            del state.orgs[org]
    return state


def _take_off(state: TalliesState, counted: _Counted) -> None:
    """Takes an event off the lists of the rules that speak of it: it is the first there, the oldest being dropped."""
    for code in counted.codes:
        listed = state.events.get(code, [])
        # Where it was accepted again, that may take its place, further down.
        if state.stale or counted.event_id in state.again or not listed or listed[0].event_id != counted.event_id:
            state.stale = True
            return
        del listed[0]


def _listed(state: TalliesState) -> dict[str, list[Listed]]:
    """Events by the rules that speak of them, listed anew where some have gone."""
    if state.stale:
        state.stale = False
        state.events = {}
        for position, counted in state.log.items():
            if counted.event_id is not None and counted.codes and state.seen[counted.event_id] == position:
                for code in counted.codes:
                    state.events.setdefault(code, []).append(Listed(counted.org, counted.event_id))
    return state.events


class Heard(NamedTuple):
    """What was found in an event when it was received: its status, and the rules that have spoken, each once."""

    status: Status
    codes: tuple[str, ...]


def heard_of(state: TalliesState, event_id: str) -> Heard | None:
    """What was found in an accepted event; None where it is not on record."""
    counted = state.log.get(state.seen.get(event_id, -1))
    return None if counted is None or counted.status is None else Heard(counted.status, counted.codes)


class RunCodes:
    """The rules that have something to say of each run so far: a run is judged anew only when it was heard of."""

    def __init__(self) -> None:
        self._state: RunsState | None = None
        self._codes: dict[GroupKey, dict[RunKey, tuple[str, ...]]] = {}
        # By org and code.
        self.counts: Counter[tuple[str, str]] = Counter()

    def renew(self, state: RunsState, limit: int | None, judge: Callable[[Run], Iterable[Finding]]) -> int:
        """Has ``judge`` judge the runs of ``limit`` of the touched run ids at most, or of all; says how many ids they
        were."""
        # Something was forgotten, and the runs were folded anew: all are to be judged.
        if state is not self._state:
            self._state, self._codes, self.counts = state, {}, Counter()
        keys = list(islice(state.touched, limit))
        for key in keys:
            del state.touched[key]
            runs = state.runs_of(*key)
            found = {run.key: tuple(dict.fromkeys(finding.code for finding in judge(run))) for run in runs}
            # What was found before is taken off first: a run that ended well has fewer findings than it had while it
            # was open.
            for codes in self._codes.pop(key, {}).values():
                for code in codes:
                    self._take_off((key[0], code))
            state.with_codes.discard(key)
            found = {run: codes for run, codes in found.items() if codes}
            if found:
                self._codes[key] = found
                state.with_codes.add(key)
                self.counts.update((key[0], code) for codes in found.values() for code in codes)
        return len(keys)

    def _take_off(self, counted: tuple[str, str]) -> None:
        self.counts[counted] -= 1
        # There may be any number of orgs, one after the other.
        if not self.counts[counted]:
            del self.counts[counted]

    def runs_with(self, code: str) -> set[RunKey]:
        """The keys of the runs in which the rule ``code`` found something."""
        return {run for found in self._codes.values() for run, codes in found.items() if code in codes}


class Tallies:
    """Counts by rule, of all orgs or of one."""

    def __init__(self, state: TalliesState, runs: RunCodes) -> None:
        self._state = state
        self._runs = runs

    def events_with(self, code: str) -> list[Listed]:
        """The events that the rule ``code`` has spoken of, oldest first."""
        return _listed(self._state).get(code, [])

    def events(self, code: str, org: str | None = None) -> int:
        """In how many events of ``org``, or of all, the rule ``code`` found something."""
        listed = self.events_with(code)
        return len(listed) if org is None else sum(one.org == org for one in listed)

    def refused(self, code: str, org: str | None = None) -> int:
        """In how many requests of ``org``, or of all, that were refused the rule ``code`` found something."""
        return _count(self._state.refused, code, org)

    def runs(self, code: str, org: str | None = None) -> int:
        """In how many runs of ``org``, or of all, the rule ``code`` found something."""
        return _count(self._runs.counts, code, org)

    def runs_with(self, code: str) -> set[RunKey]:
        """The keys of the runs that the rule ``code`` speaks of now."""
        return self._runs.runs_with(code)


def _count(counts: Counter[tuple[str, str]], code: str, org: str | None) -> int:
    if org is not None:
        return counts[org, code]
    return sum(number for (_, found), number in counts.items() if found == code)
