"""What a run says of its parent and of itself, held against what else is known (RC203, RC205, RC402 to RC404)."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.model.per_run import MOST_NAMES, is_trinos
from mock_intake.model.runs import RunFacts, run_id_key
from mock_intake.openlineage.rules.runs import job_text, of_run, step
from mock_intake.openlineage.run_cycle import parent_of
from mock_intake.openlineage.sources import DATADOG, RUN_CYCLE
from mock_intake.rules import Finding, OnRun, Rule, RunView, Severity, Sureness, rule
from mock_intake.rules.examples import OTHER_RUN_ID, RUN_ID, facet
from mock_intake.secrets.quoting import quoted

_MOST_JOBS = 4
_MOST_NAMES = 3
_THIRD_RUN_ID = "9d6b0f0c-4a1e-4b7e-8c55-2f0f6f3b7a10"
_OF_TRINO = (
    "Trino's event listener takes the id of the query by default: openlineage-event-listener.job.name-format names "
    "jobs otherwise, by $SOURCE or $USER."
)
_MOST_ABOVE = 50


def _parent(name: str = "nightly", run_id: str = OTHER_RUN_ID) -> dict[str, object]:
    named = facet("ParentRunFacet", "1-1-0", run={"runId": run_id}, job={"namespace": "prod", "name": name})
    return {"/run/facets/parent": named}


_OWN: dict[str, object] = {"/run/runId": RUN_ID}
_OF_NIGHTLY: dict[str, object] = {"/job/name": "nightly", "/run/runId": OTHER_RUN_ID}
_NIGHTLY, _NIGHTLY_ENDS = step("START", 0, **_OF_NIGHTLY), step("COMPLETE", 9, **_OF_NIGHTLY)


@rule(
    "RC205",
    "run-id-in-two-spellings",
    severity=Severity.WARNING,
    requirement="A run id is written in one way, upper and lower case included.",
    because="UUIDs in upper and in lower case are the same, and many consumers compare them to the letter: to these "
    "the run is two, one that never ends and one that never began.",
    advice="Write UUIDs in lower case, as str() of most languages does, in all events and parent facets.",
    source=RUN_CYCLE,
    sureness=Sureness.ASSUMED,
    when=OnRun(closed=True, traits=("a part", "changing")),
    trigger=(step("START", 0, **_OWN), step("COMPLETE", 9, **{"/run/runId": RUN_ID.upper()})),
    neighbour=(step("START", 0, **_OWN), step("COMPLETE", 9, **_OWN)),
)
def run_id_in_two_spellings(rule: Rule, view: RunView) -> Iterator[Finding]:
    spellings = dict.fromkeys(event.run_id for event in view.run.events if event.run_id)
    if len(spellings) > 1:
        yield rule.found(
            "",
            f"the runs {' and '.join(map(quoted, spellings))} differ in case only, so to others these are two",
            expected=run_id_key(view.run.run_id),
            actual=", ".join(map(quoted, spellings)),
        )
    named = parent_of(view.run.events)
    parent = named.parent_run_id if named is not None else None
    above = view.runs_of(parent) if parent else ()
    written = sorted({event.run_id for run in above for event in run.events if event.run_id})
    if parent and written and parent not in written:
        yield rule.found(
            "",
            f"{of_run(view.run)} names its parent {quoted(parent)}, which differs from {quoted(written[0])} in case "
            "only",
            expected=quoted(written[0]),
            actual=quoted(parent),
        )


@rule(
    "RC402",
    "parent-is-of-another-job",
    severity=Severity.WARNING,
    requirement="The job that a parent facet names is that of the parent's run.",
    because="The parent makes a node by the job's name: another name makes a node that has no run, and the real one "
    "has no child.",
    advice="Take the job's namespace and name from where the parent takes its own.",
    source=DATADOG,
    sureness=Sureness.DOCUMENTED,
    when=OnRun(closed=True, traits=("a part",)),
    trigger=(_NIGHTLY, step("START", 0, **_parent("weekly")), step("COMPLETE", 9), _NIGHTLY_ENDS),
    neighbour=(_NIGHTLY, step("START", 0, **_parent()), step("COMPLETE", 9), _NIGHTLY_ENDS),
)
def parent_is_of_another_job(rule: Rule, view: RunView) -> Iterator[Finding]:
    named = parent_of(view.run.events)
    if named is None or not named.parent_run_id or named.parent_job is None:
        return
    if run_id_key(named.parent_run_id) == run_id_key(view.run.run_id):
        return  # which RC404 tells of
    above = view.runs_of(named.parent_run_id)
    jobs = list(dict.fromkeys(event.job for run in above for event in run.events))
    if jobs and named.parent_job not in jobs:
        yield rule.found(
            "",
            f"{of_run(view.run)} says that its parent, run {quoted(named.parent_run_id)}, is of the job "
            f"{job_text(named.parent_job)}, and that is of {job_text(jobs[0])}",
            expected="; ".join(job_text(job) for job in jobs[:_MOST_JOBS]),
            actual=job_text(named.parent_job),
        )


@rule(
    "RC403",
    "parent-changes-within-run",
    severity=Severity.WARNING,
    requirement="All events of a run that name a parent name the same one.",
    because="A run has one place in the hierarchy: which of two counts is up to the consumer.",
    advice="Compute the parent once, and use it for every event of the run.",
    source=RUN_CYCLE,
    sureness=Sureness.ASSUMED,
    when=OnRun(closed=True, traits=("a part",)),
    trigger=(step("START", 0, **_parent()), step("COMPLETE", 9, **_parent("weekly"))),
    neighbour=(step("START", 0, **_parent()), step("COMPLETE", 9)),
)
def parent_changes_within_run(rule: Rule, view: RunView) -> Iterator[Finding]:
    named: dict[tuple[str, tuple[str, str] | None], int] = {}
    for event in view.run.events:
        if event.parent_run_id:
            parent = run_id_key(event.parent_run_id), event.parent_job
            named[parent] = named.get(parent, 0) + 1
    if len(named) > 1:
        texts = [f"run {quoted(run_id)} of {job_text(job or (None, None))}" for run_id, job in named]
        most = max(range(len(texts)), key=list(named.values()).__getitem__)
        yield rule.found(
            "",
            f"the parent changes within {of_run(view.run)}",
            expected=texts[most],
            actual="; ".join(texts[:_MOST_JOBS]),
        )


@rule(
    "RC404",
    "run-is-part-of-itself",
    severity=Severity.WARNING,
    requirement="A run's parent is another run, and none that is part of the run itself.",
    because="The hierarchy has no beginning then: such a run is shown nowhere, or the product goes round.",
    advice="Name the run that started this one, or no parent; in parent.root the run itself is no fault.",
    source=DATADOG,
    sureness=Sureness.ASSUMED,
    when=OnRun(closed=True, traits=("a part",)),
    trigger=(step("START", 0, **_OWN, **_parent("load_orders", RUN_ID)), step("COMPLETE", 9, **_OWN)),
    neighbour=(_NIGHTLY, step("START", 0, **_parent()), step("COMPLETE", 9), _NIGHTLY_ENDS),
)
def run_is_part_of_itself(rule: Rule, view: RunView) -> Iterator[Finding]:
    way = _way_round(view)
    if way:
        among = "its own parent" if len(way) == 1 else "part of itself: " + ", ".join(map(quoted, way))
        yield rule.found(
            "",
            f"{of_run(view.run)} is {among}",
            expected="another run as its parent, or none",
            actual=f"parent: run {quoted(way[0])}",
        )


@rule(
    "RC203",
    "name-of-each-run",
    severity=Severity.WARNING,
    requirement="A job or a dataset has one name for all its runs: no id of a run, and no time, in it.",
    because="Jobs and datasets are told apart by their names: with an id in it each run makes a job or a dataset of "
    "its own, and none has a history. It is no more than an info for the ids of queries that Trino takes for names.",
    advice="Leave the id out of the name: the run has it in runId.",
    source=DATADOG,
    sureness=Sureness.ASSUMED,
    when=OnRun(closed=True),
    trigger=tuple(
        step(kind, second, **{"/job/name": f"load_{run_id}", "/run/runId": run_id})
        for run_id in (RUN_ID, OTHER_RUN_ID, _THIRD_RUN_ID)
        for kind, second in (("START", 0), ("COMPLETE", 9))
    ),
    neighbour=tuple(
        step(kind, second, **{"/job/name": f"load_{number}", "/run/runId": run_id})
        for number, run_id in enumerate((RUN_ID, OTHER_RUN_ID, _THIRD_RUN_ID), 1001)
        for kind, second in (("START", 0), ("COMPLETE", 9))
    ),
)
def name_of_each_run(rule: Rule, view: RunView) -> Iterator[Finding]:
    for group in view.named_per_run:
        runs = view.runs_of(view.run.run_id)
        if runs and runs[0].events[0].event_id != view.run.events[0].event_id:
            return  # another job's run of the same id tells of it
        bare = group.template.replace("*", "").strip("_-. ")
        trinos = group.what == "job" and all(map(is_trinos, group.names))
        number = f"{len(group.names)}{' or more' if len(group.names) == MOST_NAMES else ''}"
        yield rule.found(
            "",
            f"{number} {group.what}s of {quoted(group.namespace)} differ in an id alone, each with one run: "
            f"{', '.join(map(quoted, group.names[:_MOST_NAMES]))}",
            expected=f"one name for all, such as {quoted(bare or 'load_orders')}",
            actual=quoted(group.template),
            severity=Severity.INFO if trinos else None,
            advice=_OF_TRINO if trinos else None,
        )


def _way_round(view: RunView) -> list[str]:
    """The ids that lead from a run over its parents back to itself; empty where they lead elsewhere."""
    own = run_id_key(view.run.run_id)
    way: list[str] = []
    run: RunFacts | None = view.run
    seen: set[str] = set()
    while run is not None and len(way) < _MOST_ABOVE:
        named = parent_of(run.events)
        if named is None or not named.parent_run_id:
            return []
        parent = run_id_key(named.parent_run_id)
        way.append(named.parent_run_id)
        if parent == own:
            return way
        if parent in seen:
            return []  # a circle above, of which this run is no part
        seen.add(parent)
        runs = view.runs_of(named.parent_run_id)
        fitting = [one for one in runs if any(event.job == named.parent_job for event in one.events)]
        run = next(iter(fitting or runs), None)
    return []
