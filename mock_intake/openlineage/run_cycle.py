"""The life of a run, judged over all its events: what a START, a terminal event and an identity owe each other.

Pure functions of the facts of one run. Rules about something missing speak only when the run is
``closed``: nothing more is expected to come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from mock_intake.findings import Finding, Rule, Severity, Sureness
from mock_intake.redaction import redact, redacted

RUN_CYCLE = "https://openlineage.io/docs/spec/run-cycle"
DATADOG = "https://docs.datadoghq.com/data_observability/jobs_monitoring/openlineage/"
DRAFT = "https://github.com/DataDog/documentation/pull/34813"

TERMINAL = ("COMPLETE", "ABORT", "FAIL")
ENDLESS = ("STREAMING", "SERVICE")

_WARNING, _INFO = Severity.WARNING, Severity.INFO


def _run(
    code: str, name: str, severity: Severity, requirement: str, because: str, advice: str,
    source: str = RUN_CYCLE, sureness: Sureness = Sureness.DOCUMENTED,
) -> Rule:  # fmt: skip
    return Rule(code, name, severity, "run", requirement, because, advice, source, sureness)


NO_START = _run(
    "RC101", "no-start", _WARNING,
    "A run begins with START.",
    "Start time and duration of the run come from START's eventTime.",
    "Emit START before the work begins; look whether it was refused or got lost on the way.",
)  # fmt: skip
NO_TERMINAL = _run(
    "RC102", "no-terminal-event", _WARNING,
    "A batch run ends with COMPLETE, FAIL or ABORT.",
    "Spans are made when a run ends: one that never does looks as if it were running still, or does not show at all.",
    "Emit the terminal event in a finally block, and close the client before the process exits.",
)  # fmt: skip
SEVERAL_STARTS = _run(
    "RC103", "several-starts", _WARNING,
    "A run starts once.",
    "Two starts make two beginnings of one run, or two runs with one id.",
    "Make a new runId for every run; a retry of the job is a run of its own.",
)  # fmt: skip
SEVERAL_TERMINALS = _run(
    "RC104", "several-terminal-events", _WARNING,
    "A run ends once.",
    "Which end counts is up to the consumer.",
    "Emit exactly one of COMPLETE, FAIL and ABORT.",
)  # fmt: skip
TERMINAL_BEFORE_START = _run(
    "RC105", "terminal-before-start", _WARNING,
    "START is sent before the terminal event.",
    "A span is made when the terminal event arrives, and needs START by then.",
    "Emit in order and through one client; several threads or an asynchronous transport can turn events round.",
)  # fmt: skip
ENDS_BEFORE_IT_STARTS = _run(
    "RC106", "negative-duration", _WARNING,
    "The terminal event's eventTime is not before START's.",
    "The duration of the run is the difference of the two.",
    "Take both from one clock, with their UTC offsets.",
)  # fmt: skip
AFTER_TERMINAL = _run(
    "RC107", "event-after-terminal", _WARNING,
    "Nothing but OTHER follows the terminal event.",
    "A consumer that has closed the run ignores what comes later, or opens it again.",
    "Emit the terminal event last.",
)  # fmt: skip
OTHER_AFTER_TERMINAL = _run(
    "RC108", "other-after-terminal", _INFO,
    "Whether OTHER may follow the terminal event is disputed.",
    "Datadog's draft allows it; the standard says that nothing follows the terminal event.",
    "Send it before the terminal event, if it matters.",
    source=DRAFT, sureness=Sureness.DRAFT,
)  # fmt: skip
JOB_CHANGED = _run(
    "RC201", "job-changed-within-run", _WARNING,
    "All events of a run carry the same job namespace and name.",
    "The run is shown under the job of one of its events, and the rest is lost or makes a second job.",
    "Compute namespace and name once, and use them for every event of the run.",
    source=DRAFT, sureness=Sureness.DRAFT,
)  # fmt: skip
RUN_ID_SHARED = _run(
    "RC202", "run-id-shared-by-jobs", _WARNING,
    "A runId belongs to one run of one job.",
    "Trace and span ids are made from the runId: two jobs that share it become one span.",
    "Make a new UUID for every run; name the other run in the parent facet.",
)  # fmt: skip
REPEATED = _run(
    "RC301", "same-event-twice", _WARNING,
    "An event is sent once.",
    "The same event was accepted more than once though nothing had gone wrong with the first answer. "
    "Whether Datadog counts it twice is unknown.",
    "Look for two transports (a composite one, or two clients), or a retry of what had succeeded.",
    sureness=Sureness.ASSUMED,
)  # fmt: skip
PARENT_UNSEEN = _run(
    "RC401", "parent-run-never-seen", _INFO,
    "The run that a parent facet names sends events too.",
    "The parent makes a node and an edge all the same, but it will have no state and no duration of its own.",
    "Emit the parent's events as well, or check that the ids are equal. Nothing to do if another program emits them.",
    source=DATADOG,
)  # fmt: skip

RULES = (
    NO_START, NO_TERMINAL, SEVERAL_STARTS, SEVERAL_TERMINALS, TERMINAL_BEFORE_START, ENDS_BEFORE_IT_STARTS,
    AFTER_TERMINAL, OTHER_AFTER_TERMINAL, JOB_CHANGED, RUN_ID_SHARED, REPEATED, PARENT_UNSEEN,
)  # fmt: skip

Job = tuple[str | None, str | None]


class RunEventFact(NamedTuple):
    """What the run cycle needs to know of one accepted event. ``job`` is (namespace, name)."""

    event_id: str
    event_type: str | None
    event_time: str | None
    job: Job
    processing_type: str | None
    parent_run_id: str | None


class Repeat(NamedTuple):
    """A body that was accepted once more; ``excused`` by a fault or a lost answer of the attempt before."""

    event_id: str
    event_type: str | None
    excused: bool


class RunFacts(NamedTuple):
    """The events of one run in order of arrival, each body once, and what was accepted again."""

    run_id: str
    events: Sequence[RunEventFact]
    repeats: Sequence[Repeat] = ()


RunRule = Callable[[RunFacts], Iterable[Finding]]


def judge_run(run: RunFacts, *, closed: bool, run_is_known: Callable[[str], bool] = lambda _: False) -> list[Finding]:
    """All that the run cycle has to say about a run.

    ``closed`` adds what is missing; ``run_is_known`` tells whether another run of the same org was seen.
    """
    findings = [finding for rule in _ALWAYS for finding in rule(run)]
    if closed:
        findings += [finding for rule in _AT_CLOSE for finding in rule(run)]
        findings += _parent_unseen(run, run_is_known)
    return [redacted(finding) for finding in findings]


def state_of(run: RunFacts) -> str | None:
    """The run's state: its first terminal event, else RUNNING or START, else OTHER, else None."""
    types = [event.event_type for event in run.events]
    for event_type in types:
        if event_type in TERMINAL:
            return event_type
    return next((known for known in ("RUNNING", "START", "OTHER") if known in types), None)


_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60(\D)")


def moment(text: str | None) -> datetime | None:
    """An eventTime as a datetime; None where it cannot be read."""
    if text is None:
        return None
    # RFC 3339 has leap seconds and lower case; datetime has not.
    read = _LEAP_SECOND.sub(r"\1:59\2", text.upper())
    try:
        return datetime.fromisoformat(read) + timedelta(seconds=read != text.upper())
    except (ValueError, OverflowError):
        return None


def started_at(run: RunFacts) -> str | None:
    return next((event.event_time for event in run.events if event.event_type == "START"), None)


def ended_at(run: RunFacts) -> str | None:
    return next((event.event_time for event in run.events if event.event_type in TERMINAL), None)


def duration(run: RunFacts) -> timedelta | None:
    """From START's eventTime to the terminal event's; None unless both can be read and compared."""
    start, end = moment(started_at(run)), moment(ended_at(run))
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return None
    return end - start


def _job_text(job: Job) -> str:
    namespace, name = job
    return f"{namespace or '?'} / {name or '?'}"


def _of(run: RunFacts) -> str:
    return f"run {run.run_id} of {_job_text(run.events[0].job)}" if run.events else f"run {run.run_id}"


def _listed(run: RunFacts) -> str:
    types = [event.event_type or "no type" for event in run.events]
    return ", ".join(types[:12]) + (f" and {len(types) - 12} more" if len(types) > 12 else "")


def _starts(run: RunFacts) -> Iterator[Finding]:
    jobs = [event.job for event in run.events if event.event_type == "START"]
    if len(jobs) > len(set(jobs)):
        yield SEVERAL_STARTS.found(
            "", f"{_of(run)} has {len(jobs)} START events", expected="one START", actual=_listed(run)
        )


def _terminals(run: RunFacts) -> Iterator[Finding]:
    ends = [event for event in run.events if event.event_type in TERMINAL]
    jobs = [event.job for event in ends]
    if len(jobs) > len(set(jobs)):
        types = ", ".join(str(event.event_type) for event in ends)
        yield SEVERAL_TERMINALS.found(
            "", f"{_of(run)} has {len(ends)} terminal events: {types}", expected="one", actual=_listed(run)
        )


def _order(run: RunFacts) -> Iterator[Finding]:
    types = [event.event_type for event in run.events]
    first_end = next((index for index, name in enumerate(types) if name in TERMINAL), None)
    if first_end is None:
        return
    if "START" in types[first_end + 1 :] and "START" not in types[:first_end]:
        yield TERMINAL_BEFORE_START.found(
            "",
            f"{types[first_end]} of {_of(run)} arrived before its START",
            expected="START first",
            actual=_listed(run),
        )
    last_end = max(index for index, name in enumerate(types) if name in TERMINAL)
    later = types[last_end + 1 :]
    if any(name not in ("OTHER", "START") for name in later) or ("START" in later and "START" in types[:last_end]):
        yield AFTER_TERMINAL.found(
            "",
            f"events of {_of(run)} arrived after its {types[last_end]}",
            expected=f"{types[last_end]} last",
            actual=_listed(run),
        )
    elif "OTHER" in later:
        yield OTHER_AFTER_TERMINAL.found(
            "",
            f"OTHER of {_of(run)} arrived after its {types[last_end]}",
            expected=f"{types[last_end]} last",
            actual=_listed(run),
        )


def _times(run: RunFacts) -> Iterator[Finding]:
    length = duration(run)
    if length is not None and length < timedelta(0):
        yield ENDS_BEFORE_IT_STARTS.found(
            "",
            f"{_of(run)} ends {-length.total_seconds():g} s before it starts, by eventTime",
            expected=f"not before {started_at(run)}",
            actual=str(ended_at(run)),
        )


def _identity(run: RunFacts) -> Iterator[Finding]:
    jobs = list(dict.fromkeys(event.job for event in run.events))
    if len(jobs) < 2:
        return
    started = {event.job for event in run.events if event.event_type == "START"}
    shown = "; ".join(_job_text(job) for job in jobs[:4])
    if len(started) > 1:
        yield RUN_ID_SHARED.found("", f"{len(jobs)} jobs use the runId {run.run_id}", expected="one job", actual=shown)
        return
    swapped = any((name, namespace) in jobs and name != namespace for namespace, name in jobs)
    yield JOB_CHANGED.found(
        "",
        f"the job changes within run {run.run_id}" + (": namespace and name are swapped" if swapped else ""),
        expected=_job_text(jobs[0]),
        actual=shown,
    )


def _repeats(run: RunFacts) -> Iterator[Finding]:
    return (repeated(repeat) for repeat in run.repeats)


def repeated(repeat: Repeat) -> Finding:
    """The finding for an event that was accepted again."""
    name = redact(repeat.event_type or "event")
    if repeat.excused:
        return REPEATED.found(
            "",
            f"the same {name} was accepted again after a lost answer ({repeat.event_id})",
            expected="a second attempt with the same body",
            actual="the same body",
            severity=Severity.INFO,
            advice="Nothing to do: this is how a client makes sure that an event arrives.",
        )
    return REPEATED.found(
        "", f"the same {name} was accepted again ({repeat.event_id})", expected="one", actual="the same body again"
    )


def _no_start(run: RunFacts) -> Iterator[Finding]:
    if not any(event.event_type == "START" for event in run.events):
        yield NO_START.found("", f"{_of(run)} has no START", expected="START first", actual=_listed(run))


def _no_terminal(run: RunFacts) -> Iterator[Finding]:
    if any(event.processing_type in ENDLESS for event in run.events):
        return
    if not any(event.event_type in TERMINAL for event in run.events):
        yield NO_TERMINAL.found("", f"{_of(run)} never ended", expected="COMPLETE, FAIL or ABORT", actual=_listed(run))


def _parent_unseen(run: RunFacts, run_is_known: Callable[[str], bool]) -> Iterator[Finding]:
    parents = dict.fromkeys(event.parent_run_id for event in run.events if event.parent_run_id)
    for parent in parents:
        if not run_is_known(parent):
            yield PARENT_UNSEEN.found(
                "", f"the parent of {_of(run)} sent no event", expected=f"events of run {parent}", actual="none"
            )


_ALWAYS: tuple[RunRule, ...] = (_starts, _terminals, _order, _times, _identity, _repeats)
_AT_CLOSE: tuple[RunRule, ...] = (_no_start, _no_terminal)
