"""Lifecycle: what the events of a run owe each other, from START to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mock_intake.body.shown import parsed_body
from mock_intake.datadog.sources import CUSTOM_JOBS, DRAFT
from mock_intake.model.event import EventView
from mock_intake.model.findings import Finding
from mock_intake.openlineage.run_cycle import TERMINAL
from mock_intake.openlineage.sources import RUN_CYCLE
from mock_intake.report.suite import Requirement
from mock_intake_conformance.cases import judging
from mock_intake_conformance.cases.judging import (
    DOCUMENTED,
    MUST,
    SHOULD,
    Case,
    Judgement,
    by_findings,
    count,
    errored,
    failed,
    no_evidence,
    passed,
)
from mock_intake_conformance.observation import Observations
from mock_intake_conformance.scenarios import FAILING, HEALTHY


def _without(codes: tuple[str, ...], otherwise: str, what: str) -> Callable[[Observations], Judgement]:
    """Judges the runs of every execution that there was: those of the job that fails have the same duties."""

    def judge(seen: Observations) -> Judgement:
        runs = sum(len(here.runs) for here in seen.values())
        if not seen[HEALTHY].runs:
            return no_evidence("No run event was taken.")
        found = [finding for here in seen.values() for finding in here.run_findings if finding.code in codes]
        judgement = by_findings(found, f"{otherwise} ({count(runs, 'run')})", what)
        failing = seen.get(FAILING)
        if failing is None or not any(finding in found for finding in failing.run_findings):
            return judgement
        return replace(judgement, message=f"{judgement.message}, of the job that fails too")

    return judge


_CYCLE = ("RC101", "RC102", "RC103", "RC104")
_OF_CYCLE = _without(_CYCLE, "every run starts once and ends once", "runs do not start once and end once")


def _start_and_one_end(seen: Observations) -> Judgement:
    """A job that was run and told of without a run makes none, however valid its events are."""
    here = seen[HEALTHY]
    if here.taken and not here.runs:
        arrived = ", ".join(str(identity) for identity in here.identities)
        return failed("events arrived, and none of them has a run", f"arrived: {arrived}")
    return _OF_CYCLE(seen)


def _failure(seen: Observations) -> Judgement:
    here = seen[FAILING]
    ends = [(exchange, event) for exchange, event in here.taken if event.event_type in TERMINAL]
    types = ", ".join(str(identity) for identity in here.identities) or "nothing"
    failures = [exchange for exchange, event in ends if event.event_type == "FAIL"]
    if not failures:
        if here.outcome.exit_code == 0:
            return errored("the failing command ended with exit code 0: does its job fail?", f"arrived: {types}")
        said = ", ".join(sorted({str(event.event_type) for _, event in ends}))
        if said:
            return failed(f"the job failed, and its run ended with {said}", f"arrived: {types}")
        return failed("the job failed, and no event says so", f"arrived: {types}")
    # Any event of the run may have brought it.
    explained = {event.run_id for exchange, event in here.taken if _has_message(parsed_body(exchange))}
    if any(exchange.event.run_id not in explained for exchange in failures if exchange.event is not None):
        return failed("FAIL comes without errorMessage", f"arrived: {types}", findings=_missing_message(seen))
    return passed("FAIL with errorMessage", f"arrived: {types}", f"the command {here.outcome.ended}")


def _missing_message(seen: Observations) -> list[Finding]:
    return [finding for finding in seen[FAILING].run_findings if finding.code == "DD501"]


def _has_message(body: object) -> bool:
    facet = EventView(body).run_facets.get("errorMessage") if isinstance(body, dict) else None
    return isinstance(facet, dict) and bool(facet.get("message"))


_BOTH = (HEALTHY, FAILING)

CASES = (
    Case(
        Requirement(
            "lifecycle/start-and-one-end", "A run starts once and ends once", MUST,
            "Every run has one START and, unless it is meant to go on for ever, one of COMPLETE, FAIL and ABORT, all "
            "with one runId.",
            "Spans are made when a run ends, from START's time on: a run without either does not show, or shows as "
            "running still.",
            "Make one runId per run, emit START first, and the end in a finally block; close the client before exit.",
            RUN_CYCLE, DOCUMENTED, _BOTH,
        ),
        _start_and_one_end,
        partial=True,
    ),
    Case(
        Requirement(
            "lifecycle/start-first", "START comes before the end", MUST,
            "START arrives before the terminal event of its run, and its eventTime is not later.",
            "The span is made when the terminal event arrives, and needs START by then.",
            "Emit in order and through one client; several threads or an asynchronous transport can turn events round.",
            RUN_CYCLE, DOCUMENTED, _BOTH,
        ),
        _without(("RC105", "RC106"), "START comes first", "runs end before they start"),
        partial=True,
    ),
    Case(
        Requirement(
            "lifecycle/job-identity", "A run belongs to one job", MUST,
            "All events of a run carry the same job namespace and name, and no other job uses its runId.",
            "The run is shown under the job of one of its events; the rest is lost, or makes a second job.",
            "Compute namespace and name once; make a new UUID for every run.",
            DRAFT, judging.DRAFT, _BOTH,
        ),
        _without(("RC201", "RC202"), "every run belongs to one job", "runs do not belong to one job"),
        partial=True,
    ),
    Case(
        Requirement(
            "lifecycle/nothing-after-the-end", "Nothing follows the end", MUST,
            "After the terminal event a run sends nothing, but OTHER perhaps.",
            "A consumer that has closed the run ignores what comes later, or opens it again.",
            "Emit the terminal event last.",
            RUN_CYCLE, DOCUMENTED, _BOTH,
        ),
        _without(("RC107",), "nothing follows the end", "events follow the end"),
        partial=True,
    ),
    Case(
        Requirement(
            "lifecycle/each-event-once", "An event is sent once", SHOULD,
            "A healthy intake gets each event once.",
            "Whether Datadog counts an event twice that comes twice is unknown.",
            "Look for two transports (a composite one, or two clients), or a retry of what had succeeded.",
            RUN_CYCLE, judging.ASSUMED, _BOTH,
        ),
        _without(("RC301",), "each event came once", "events came more than once"),
        partial=True,
    ),
    Case(
        Requirement(
            "lifecycle/failure-is-told", "A failed run says FAIL, and why", MUST,
            "When the job fails, its run ends with FAIL and the errorMessage run facet, not with COMPLETE.",
            "Monitors and incidents hang on it: a failed run that says COMPLETE is a success to everybody.",
            "Emit FAIL where the exception is caught, with errorMessage (message, programmingLanguage, stackTrace).",
            CUSTOM_JOBS, DOCUMENTED, (FAILING,),
        ),
        _failure,
    ),
)  # fmt: skip
