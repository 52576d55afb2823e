"""Runs, folded from the exchanges that were accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mock_intake.exchange import EventSummary, Exchange
from mock_intake.findings import Finding
from mock_intake.journal.protocol import ExchangeFilter, Journal
from mock_intake.openlineage import run_cycle
from mock_intake.openlineage.run_cycle import Repeat, RunEventFact, RunFacts

RunKey = tuple[str, str]
"""Org and run id: two orgs may have a run of the same id."""

_PAGE = 500
# No real hierarchy is deeper; what is made up may be.
_MOST_ANCESTORS = 50


@dataclass(slots=True)
class Run:
    """A run as far as it was seen: its events in order of arrival, and what was accepted again."""

    run_id: str
    org: str
    events: list[RunEventFact] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)

    @property
    def facts(self) -> RunFacts:
        return RunFacts(self.run_id, self.events, self.repeats)

    @property
    def parent_id(self) -> str | None:
        """The run id that its events name as its parent, the first that any of them named."""
        # All runs are asked for it again and again, and a loop is the fastest.
        for event in self.events:
            if event.parent_run_id:
                return event.parent_run_id
        return None


@dataclass(slots=True)
class RunsState:
    """Runs by org and id, the latest heard of last, and the accepted events with the fault of their last attempt.

    ``children`` are the ids of runs by org and the parent that they name; ``touched`` the runs that were heard of
    since somebody looked.
    """

    runs: dict[RunKey, Run] = field(default_factory=dict)
    accepted: dict[str, bool] = field(default_factory=dict)
    children: dict[RunKey, dict[str, None]] = field(default_factory=dict)
    touched: dict[RunKey, None] = field(default_factory=dict)


def fold_run(state: RunsState, exchange: Exchange) -> RunsState:
    """Adds one exchange to the runs."""
    if exchange.event is not None and exchange.accepted:
        add_event(state, exchange.org, exchange.event, answer_lost=exchange.answer_lost)
    return state


def ancestors(state: RunsState, run: Run) -> list[Run]:
    """The run's parent, that one's parent and so on, as far as they sent events; the topmost first."""
    found: dict[str, Run] = {}
    above = run
    while (parent_id := above.parent_id) is not None and parent_id not in (run.run_id, *found):
        parent = state.runs.get((run.org, parent_id))
        if parent is None or len(found) == _MOST_ANCESTORS:
            break
        found[parent_id] = above = parent
    return list(reversed(found.values()))


def read_run(journal: Journal, run_id: str, org: str | None = None) -> Run | None:
    """One run, folded from its own exchanges alone: a large journal can answer that at once.

    Of several orgs that have a run of that id, the one that was heard of last.
    """
    exchanges: list[Exchange] = []
    cursor: int | None = None
    while True:
        page = journal.exchanges(ExchangeFilter(org=org, run_id=run_id), _PAGE, cursor)
        exchanges += page.items
        cursor = page.next
        if cursor is None:
            break
    state = RunsState()
    for exchange in reversed(exchanges):
        fold_run(state, exchange)
    return next(reversed(state.runs.values()), None)


def add_event(state: RunsState, org: str, event: EventSummary, *, answer_lost: bool = False) -> Repeat | None:
    """Adds one accepted event to the runs; tells if the same body had been accepted before."""
    excused = state.accepted.get(event.id)
    repeat = None if excused is None else Repeat(event.id, event.event_type, excused)
    state.accepted[event.id] = answer_lost
    if event.run_id is not None:
        key = (org, event.run_id)
        run = state.runs.pop(key, None) or Run(event.run_id, org)
        state.runs[key] = run
        state.touched[key] = None
        if event.parent_run_id is not None:
            state.children.setdefault((org, event.parent_run_id), {})[event.run_id] = None
        if repeat is None:
            run.events.append(fact_of(event))
        else:
            run.repeats.append(repeat)
    return repeat


def fact_of(event: EventSummary) -> RunEventFact:
    return RunEventFact(
        event.id,
        event.event_type,
        event.event_time,
        (event.job_namespace, event.job_name),
        event.processing_type,
        event.parent_run_id,
    )


def run_to_dict(run: Run, findings: Iterable[Finding]) -> dict[str, Any]:
    """The JSON form of a run; ``events`` are event ids in order of arrival, ``duration`` is in seconds."""
    facts = run.facts
    length = run_cycle.duration(facts)
    namespace, name = run.events[0].job if run.events else (None, None)
    return {
        "run_id": run.run_id,
        "org": run.org,
        "job": {"namespace": namespace, "name": name},
        "states": [event.event_type for event in run.events],
        "state": run_cycle.state_of(facts),
        "started_at": _with_offset(run_cycle.started_at(facts)),
        "ended_at": _with_offset(run_cycle.ended_at(facts)),
        "duration": None if length is None else length.total_seconds(),
        "parent": run.parent_id,
        "events": [event.event_id for event in run.events],
        "findings": [finding.to_dict() for finding in findings],
    }


def _with_offset(event_time: str | None) -> str | None:
    """An eventTime as RFC 3339: as it was sent, or as UTC where it has no offset; None if it cannot be read."""
    moment = run_cycle.moment(event_time)
    if moment is None or event_time is None:
        return None
    return event_time if moment.tzinfo is not None else moment.isoformat() + "Z"
