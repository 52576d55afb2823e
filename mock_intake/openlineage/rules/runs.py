"""The life of a run, over all its events: what a START, a terminal event and an identity owe each other (RC).

Rules about something missing speak only when the run is closed: nothing more is expected to come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mock_intake.model.runs import Job, Repeat, RunFacts
from mock_intake.model.times import moment
from mock_intake.model.words import counted
from mock_intake.openlineage import meant
from mock_intake.openlineage.run_cycle import ENDLESS, TERMINAL, ended_at, parent_of, seconds, started_at
from mock_intake.openlineage.sources import DATADOG, DATADOG_DRAFT, RUN_CYCLE
from mock_intake.rules import Finding, OnRun, Rule, RunView, Severity, Sureness, rule
from mock_intake.rules.definition import Stage
from mock_intake.rules.examples import OTHER_RUN_ID, Changes, facet
from mock_intake.secrets.content import redact
from mock_intake.secrets.quoting import quoted

REPEATED: Stage[Repeat] = Stage("an event that was accepted once more", "run")

_NO_NAMES = ("", "unknown", "none", "null", "undefined")
_RUN_OF_JOB = "a run of the same job"
_ONE_ID = "Make the runId once for a run, and use it for START and for the end, also where the job fails."
_MOST_LISTED = 12
_MOST_JOBS = 4
_ENDS = frozenset(TERMINAL)
_PARENT = {
    "/run/facets/parent": facet(
        "ParentRunFacet", "1-1-0", run={"runId": OTHER_RUN_ID}, job={"namespace": "prod", "name": "nightly"}
    )
}


def step(event_type: str, second: int, **changes: object) -> Changes:
    """An event of an example, its time in seconds after twelve."""
    return {"/eventType": event_type, "/eventTime": f"2026-11-01T12:00:{second:02}Z", **changes}


@rule(
    "RC101",
    "no-start",
    severity=Severity.WARNING,
    requirement="A run begins with START.",
    because="Start time and duration of the run come from START's eventTime. A STREAMING or SERVICE job that tells of "
    "itself from time to time (emissionPattern: PERIODIC) may send RUNNING alone.",
    advice="Emit START before the work begins; look whether it was refused or got lost on the way.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(closed=True, traits=("unbegun",)),
    trigger=(step("COMPLETE", 9),),
    neighbour=(step("START", 0), step("COMPLETE", 9)),
)
def no_start(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    # Of one that is written otherwise it is said already that it is.
    if run.incomplete or any(meant.event_type(event.event_type) == "START" for event in run.events):
        return
    if not _is_reported_periodically(view):
        other = _other_half(view, begins=True)
        yield rule.found(
            "",
            f"{of_run(run)} has no START" + (f"; {_RUN_OF_JOB} has no end: is it this one? {other}" if other else ""),
            expected="START first",
            actual=_listed(run),
            advice=_ONE_ID if other else None,
        )


@rule(
    "RC102",
    "no-terminal-event",
    severity=Severity.WARNING,
    requirement="A batch run ends with COMPLETE, FAIL or ABORT.",
    because="Spans are made when a run ends: one that never does looks as if it were running still, or does not show "
    "at all.",
    advice="Emit the terminal event in a finally block, and close the client before the process exits.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(closed=True, traits=("unended",)),
    trigger=(step("START", 0),),
    neighbour=(step("START", 0), step("COMPLETE", 9)),
)
def no_terminal_event(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    if run.incomplete or any(event.processing_type in ENDLESS for event in run.events):
        return
    if not any(meant.event_type(event.event_type) in TERMINAL for event in run.events):
        other = _other_half(view, begins=False)
        yield rule.found(
            "",
            f"{of_run(run)} never ended" + (f"; {_RUN_OF_JOB} has no START: is it this one? {other}" if other else ""),
            expected="COMPLETE, FAIL or ABORT",
            actual=_listed(run),
            advice=_ONE_ID if other else None,
        )


@rule(
    "RC103",
    "several-starts",
    severity=Severity.WARNING,
    requirement="A run starts once.",
    because="Two starts make two beginnings of one run, or two runs with one id.",
    advice="Make a new runId for every run; a retry of the job is a run of its own.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(traits=("disordered",)),
    trigger=(step("START", 0), step("START", 1), step("COMPLETE", 9)),
    neighbour=(step("START", 0), step("RUNNING", 1), step("COMPLETE", 9)),
)
def several_starts(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    starts = sum(event.event_type == "START" for event in run.events)
    if starts > 1:
        yield rule.found("", f"{of_run(run)} has {starts} START events", expected="one START", actual=_listed(run))


@rule(
    "RC104",
    "several-terminal-events",
    severity=Severity.WARNING,
    requirement="A run ends once.",
    because="Which end counts is up to the consumer.",
    advice="Emit exactly one of COMPLETE, FAIL and ABORT.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(traits=("disordered",)),
    trigger=(step("START", 0), step("COMPLETE", 8), step("FAIL", 9)),
    neighbour=(step("START", 0), step("OTHER", 8), step("FAIL", 9)),
)
def several_terminal_events(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    ends = [event for event in run.events if event.event_type in TERMINAL]
    if len(ends) > 1:
        types = ", ".join(str(event.event_type) for event in ends[:_MOST_LISTED])
        several = _begins_between_ends(run)
        yield rule.found(
            "",
            f"{of_run(run)} has {len(ends)} terminal events: {types}"
            + ("; START comes between them: one run id for several runs" if several else ""),
            expected="one",
            actual=_listed(run),
            advice="Make a new runId for every run of the job, where the run begins." if several else None,
        )


@rule(
    "RC105",
    "terminal-before-start",
    severity=Severity.WARNING,
    requirement="START is sent before the terminal event.",
    because="A span is made when the terminal event arrives, and needs START by then.",
    advice="Emit in order and through one client; several threads or an asynchronous transport can turn events round.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(traits=("disordered",)),
    trigger=(step("COMPLETE", 9), step("START", 0)),
    neighbour=(step("START", 0), step("COMPLETE", 9)),
)
def terminal_before_start(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    types = [event.event_type for event in run.events]
    first_end = next((index for index, name in enumerate(types) if name in TERMINAL), None)
    if run.incomplete:
        return
    if first_end is not None and "START" in types[first_end + 1 :] and "START" not in types[:first_end]:
        yield rule.found(
            "",
            f"{types[first_end]} of {of_run(run)} arrived before its START",
            expected="START first",
            actual=_listed(run),
        )


@rule(
    "RC107",
    "event-after-terminal",
    severity=Severity.WARNING,
    requirement="Nothing but OTHER follows the terminal event.",
    because="A consumer that has closed the run ignores what comes later, or opens it again.",
    advice="Emit the terminal event last.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(traits=("disordered",)),
    trigger=(step("START", 0), step("COMPLETE", 9), step("RUNNING", 5)),
    neighbour=(step("START", 0), step("RUNNING", 5), step("COMPLETE", 9)),
)
def event_after_terminal(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    late = _late(run)
    if late is not None and not late.only_other:
        yield rule.found(
            "",
            f"events of {of_run(run)} arrived after its {late.end}",
            expected=f"{late.end} last",
            actual=_listed(run),
        )


@rule(
    "RC108",
    "other-after-terminal",
    severity=Severity.INFO,
    requirement="Whether OTHER may follow the terminal event is disputed.",
    because="Datadog's draft allows it; the standard says that nothing follows the terminal event.",
    advice="Send it before the terminal event, if it matters.",
    source=DATADOG_DRAFT,
    sureness=Sureness.DRAFT,
    when=OnRun(traits=("disordered",)),
    trigger=(step("START", 0), step("COMPLETE", 9), step("OTHER", 5)),
    neighbour=(step("START", 0), step("OTHER", 5), step("COMPLETE", 9)),
)
def other_after_terminal(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    late = _late(run)
    if late is not None and late.only_other:
        yield rule.found(
            "", f"OTHER of {of_run(run)} arrived after its {late.end}", expected=f"{late.end} last", actual=_listed(run)
        )


@rule(
    "RC106",
    "negative-duration",
    severity=Severity.WARNING,
    requirement="The terminal event's eventTime is not before START's.",
    because="The duration of the run is the difference of the two.",
    advice="Take both from one clock, with their UTC offsets.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(),
    trigger=(step("START", 1), step("COMPLETE", 0)),
    neighbour=(step("START", 1), step("COMPLETE", 1)),
)
def negative_duration(rule: Rule, view: RunView) -> Iterable[Finding]:
    run = view.run
    length = seconds(run)
    if length is None or length >= 0:
        return ()
    found = rule.found(
        "",
        f"{of_run(run)} ends {-length:g} s before it starts, by eventTime",
        expected=f"not before {started_at(run)}",
        actual=str(ended_at(run)),
    )
    return (found,)


@rule(
    "RC202",
    "run-id-shared-by-jobs",
    severity=Severity.WARNING,
    requirement="A runId belongs to one run of one job.",
    because="Each job has a run of its own here; but trace and span ids are made from the runId, so that two jobs "
    "that share it become one span.",
    advice="Make a new UUID for every run; name the other run in the parent facet.",
    source=RUN_CYCLE,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(),
    trigger=(step("START", 0), step("START", 0, **{"/job/name": "load_items"}), step("COMPLETE", 9)),
    neighbour=(
        step("START", 0),
        step("START", 0, **{"/job/name": "load_items", "/run/runId": OTHER_RUN_ID}),
        step("COMPLETE", 9),
    ),
)
def run_id_shared_by_jobs(rule: Rule, view: RunView) -> Iterable[Finding]:
    runs = view.runs_of(view.run.run_id)
    return () if len(runs) < 2 else _shared_by(rule, view.run, runs)


def _shared_by(rule: Rule, run: RunFacts, runs: Sequence[RunFacts]) -> Iterator[Finding]:
    # Once, with the first of them: the others need not go through all.
    first = next((other.events[0].job for other in runs if other.events), None)
    if not run.events or run.events[0].job != first:
        return
    jobs = list(dict.fromkeys(event.job for other in runs for event in other.events[:1]))
    if len(jobs) > 1:
        yield rule.found(
            "", f"{len(jobs)} jobs use the runId {quoted(run.run_id)}", expected="one job", actual=_jobs_text(jobs)
        )


@rule(
    "RC201",
    "job-changed-within-run",
    severity=Severity.WARNING,
    requirement="All events of a run carry the same job namespace and name.",
    because="The run is shown under the job of one of its events, and the rest is lost or makes a second job.",
    advice="Compute namespace and name once, and use them for every event of the run.",
    source=DATADOG_DRAFT,
    sureness=Sureness.DRAFT,
    when=OnRun(traits=("changing",)),
    trigger=(step("START", 0), step("COMPLETE", 9, **{"/job/name": "load_order"})),
    neighbour=(step("START", 0), step("COMPLETE", 9, **{"/job/name": "load_orders"})),
)
def job_changed_within_run(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    jobs = _jobs(run)
    if len(jobs) < 2:
        return
    swapped = any((name, namespace) in jobs and name != namespace for namespace, name in jobs)
    yield rule.found(
        "",
        f"the job changes within run {quoted(run.run_id)}" + (": namespace and name are swapped" if swapped else ""),
        expected=job_text(main_job(run)),
        actual=_jobs_text(jobs),
    )


@rule(
    "RC301",
    "same-event-twice",
    severity=Severity.WARNING,
    requirement="An event is sent once.",
    because="The same event was accepted more than once though nothing had gone wrong with the first answer. "
    "Whether Datadog counts it twice is unknown. After a fault or a lost answer it is no more than an info.",
    advice="Look for two transports (a composite one, or two clients), a retry of what had succeeded, or two processes "
    "that write to one connection and read each other's answers: make a client per process, after fork.",
    source=RUN_CYCLE,
    sureness=Sureness.ASSUMED,
    when=REPEATED,
    trigger=(step("START", 0), step("RUNNING", 1), step("RUNNING", 1), step("COMPLETE", 9)),
    neighbour=(step("START", 0), step("RUNNING", 1), step("RUNNING", 2), step("COMPLETE", 9)),
)
def same_event_twice(rule: Rule, repeat: Repeat) -> Iterator[Finding]:
    name = redact(quoted(repeat.event_type or "event"))
    if repeat.excused:
        yield rule.found(
            "",
            f"the same {name} was accepted again after a lost answer ({repeat.event_id})",
            expected="a second attempt with the same body",
            actual="the same body",
            severity=Severity.INFO,
            advice="Nothing to do: this is how a client makes sure that an event arrives.",
        )
        return
    yield rule.found(
        "",
        f"the same {name} was accepted again ({repeat.event_id})",
        expected="one",
        actual="the same JSON value, written otherwise" if repeat.rewritten else "the same body again",
    )


@rule(
    "RC401",
    "parent-run-never-seen",
    severity=Severity.INFO,
    requirement="The run that a parent facet names sends events too.",
    because="The parent makes a node and an edge all the same, but it will have no state and no duration of its own.",
    advice="Emit the parent's events as well, or check that the ids are equal. Nothing to do if another program emits "
    "them.",
    source=DATADOG,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(closed=True, traits=("a part",)),
    trigger=(step("START", 0, **_PARENT), step("COMPLETE", 9)),
    neighbour=(
        step("START", 0, **{"/job/name": "nightly", "/run/runId": OTHER_RUN_ID}),
        step("START", 0, **_PARENT),
        step("COMPLETE", 9),
    ),
)
def parent_run_never_seen(rule: Rule, view: RunView) -> Iterator[Finding]:
    run = view.run
    named = parent_of(run.events)
    if named is not None and named.parent_run_id and not view.is_known(named.parent_run_id):
        dropped = (
            f" that is on record; retention has dropped {counted(view.dropped, 'exchange')}" if view.dropped else ""
        )
        yield rule.found(
            "",
            f"the parent of {of_run(run)} sent no event{dropped}",
            expected=f"events of run {quoted(named.parent_run_id)}",
            actual="none",
        )


def _begins_between_ends(run: RunFacts) -> bool:
    """Whether a run starts again after an end, and ends again."""
    types = [event.event_type for event in run.events]
    ends = [index for index, name in enumerate(types) if name in TERMINAL]
    return len(ends) > 1 and "START" in types[ends[0] : ends[-1]] and "START" in types[: ends[0]]


def _is_reported_periodically(view: RunView) -> bool:
    """Whether a run of an endless job sends RUNNING alone, and says by its emission pattern that it does."""
    events = view.run.events
    if any(event.event_type != "RUNNING" for event in events) or all(
        event.processing_type not in ENDLESS for event in events
    ):
        return False
    job_type = view.facets.job.content("jobType")
    pattern = job_type.get("emissionPattern")
    return isinstance(pattern, Mapping) and pattern.get("eventTrigger") == "PERIODIC"


def of_run(run: RunFacts) -> str:
    """A run as findings name it: by its id and its job."""
    return f"run {quoted(run.run_id)} of {job_text(main_job(run))}" if run.events else f"run {quoted(run.run_id)}"


def _listed(run: RunFacts) -> str:
    types = [quoted(event.event_type or "no type") for event in run.events]
    more = len(types) - _MOST_LISTED
    return ", ".join(types[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


class _Late(NamedTuple):
    """What arrived after the first terminal event: which end that was, and whether it is OTHER alone."""

    end: str
    only_other: bool


def _late(run: RunFacts) -> _Late | None:
    types = [event.event_type for event in run.events]
    end = next((index for index, name in enumerate(types) if name in TERMINAL), None)
    if end is None:
        return None
    if _begins_between_ends(run):  # then what follows an end may be of the next run, up to the last of them
        end = max(index for index, name in enumerate(types) if name in TERMINAL)
    # Another end is another rule's, and so is a START that comes too late, unless there was one in time.
    later = [name for name in types[end + 1 :] if name not in TERMINAL]
    if any(name not in ("OTHER", "START") for name in later) or ("START" in later and "START" in types[:end]):
        return _Late(str(types[end]), only_other=False)
    return _Late(str(types[end]), only_other=True) if "OTHER" in later else None


def _jobs(run: RunFacts) -> list[Job]:
    return list(dict.fromkeys(event.job for event in run.events))


def main_job(run: RunFacts) -> Job:
    """The job that most events of a run name; of several the first that is no placeholder."""
    counted = Counter(event.job for event in run.events)
    most = max(counted.values())
    named = [job for job, count in counted.items() if count == most]
    return next((job for job in named if (job[1] or "").lower() not in _NO_NAMES), named[0])


def _other_half(view: RunView, *, begins: bool) -> str | None:
    """The run of the same job that has what this one lacks, and lacks what this one has, the nearest in time."""
    own = moment(ended_at(view.run) if begins else started_at(view.run))
    nearest: tuple[float, str] | None = None
    for other in view.runs_of_job(view.run.events[0].job):
        # Each such run of a job looks through many others.
        start = end = None
        for event in other.events:
            if event.event_type == "START":
                start = start or event
            elif event.event_type in _ENDS:
                end = end or event
        there, lacking = (start, end) if begins else (end, start)
        if there is None or lacking is not None:
            continue
        time = moment(there.event_time)
        if own is None or time is None or (own.tzinfo is None) != (time.tzinfo is None):
            continue
        ahead = (own - time if begins else time - own).total_seconds()
        if ahead >= 0 and (nearest is None or ahead < nearest[0]):
            nearest = ahead, other.run_id
    return None if nearest is None else quoted(nearest[1])


def job_text(job: Job) -> str:
    """A job as findings name it."""
    namespace, name = job
    return f"{quoted(namespace or '?')} / {quoted(name or '?')}"


def _jobs_text(jobs: list[Job]) -> str:
    return "; ".join(job_text(job) for job in jobs[:_MOST_JOBS])
