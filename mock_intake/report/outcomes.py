"""What the product would show of a run: whether its events would be processed at all, and what was found in them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from mock_intake.judging.catalogue import RULES
from mock_intake.model.findings import Finding, Selection, Severity, Status
from mock_intake.openlineage import run_cycle
from mock_intake.views import Run, Views

# Of a run that goes on for ever so many events are looked at, and of a job so many runs.
_MOST_EVENTS = 2_000
MOST_RUNS = 1_000
_WORST = {Status.OK: Severity.INFO, Status.WARNING: Severity.WARNING, Status.ERROR: Severity.ERROR}


class RuleCount(NamedTuple):
    """How often a rule spoke, and how bad that is."""

    code: str
    severity: Severity
    number: int


class Outcome(NamedTuple):
    """What became of the events of a run at Datadog, as far as that is documented.

    ``events`` counts those that were looked at, ``unprocessed`` those of status error, for the rules ``reasons``.
    ``found`` are the rules that have spoken of the run or of its events, the worst first.
    """

    events: int
    unprocessed: int
    reasons: tuple[str, ...]
    found: tuple[RuleCount, ...]

    @property
    def words(self) -> str:
        """What a reader must know beside the state; empty where all of it would show."""
        if not self.unprocessed:
            return ""
        if self.unprocessed == self.events:
            return "would not show"
        return f"{self.unprocessed:,} of {self.events:,} events would not be processed"


def outcome_of(views: Views, run: Run, findings: Iterable[Finding], selection: Selection) -> Outcome:
    """The outcome of ``run``, of which the run cycle has ``findings``."""
    heard = views.heard_of(event.event_id for event in islice(run.events, _MOST_EVENTS))
    reasons: dict[str, None] = {}
    counts = Counter((finding.code, finding.severity) for finding in findings)
    for status, codes in heard:
        # How bad a rule was there is not kept with the count: no worse than what came of the event.
        severities = {code: min(_severity(code, selection), _WORST[status], key=_rank) for code in codes}
        counts.update(severities.items())
        if status is Status.ERROR:
            worst = [code for code in codes if severities[code] is Severity.ERROR]
            reasons.update(dict.fromkeys(worst or codes))
    found = sorted((RuleCount(code, severity, number) for (code, severity), number in counts.items()), key=_order)
    unprocessed = sum(one.status is Status.ERROR for one in heard)
    return Outcome(len(heard), unprocessed, tuple(sorted(reasons)), tuple(found))


def _severity(code: str, selection: Selection) -> Severity:
    own = selection.severity_of(code)
    if own is not None:
        return own
    rule = RULES.get(code)
    return Severity.WARNING if rule is None else rule.severity


def _rank(severity: Severity) -> int:
    return severity.rank


def _order(found: RuleCount) -> tuple[int, str]:
    return -found.severity.rank, found.code


class RunsOfJob(NamedTuple):
    """The runs of a job in numbers: by state, how many of those that ended were complete, and how long they took.

    ``looked`` counts those that were looked at, the latest heard of; ``median`` and ``longest`` are in seconds.
    """

    looked: int
    total: int
    states: tuple[tuple[str, int], ...]
    ended: int
    complete: int
    median: float | None
    longest: float | None

    @property
    def rate(self) -> str:
        """The rate of success, in words; empty where none has ended."""
        return f"{self.complete / self.ended:.0%}" if self.ended else ""


def runs_of_job(runs: Sequence[Run]) -> RunsOfJob:
    """What there is to say of a job's ``runs``, which are the latest heard of first."""
    looked = runs[:MOST_RUNS]
    states = Counter(run_cycle.state_of(run.facts) or "none" for run in looked)
    durations = [seconds for run in looked if (seconds := run_cycle.seconds(run.facts)) is not None]
    return RunsOfJob(
        len(looked),
        len(runs),
        tuple(states.most_common()),
        sum(states[state] for state in run_cycle.TERMINAL),
        states["COMPLETE"],
        statistics.median(durations) if durations else None,
        max(durations, default=None),
    )
