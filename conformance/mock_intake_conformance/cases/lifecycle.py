"""Lifecycle: what the events of a run owe each other, from START to the end."""

from __future__ import annotations

from collections.abc import Callable

from mock_intake.bodies import parsed_body
from mock_intake.datadog.sources import CUSTOM_JOBS, DRAFT
from mock_intake.event import EventView
from mock_intake.findings import Finding
from mock_intake.openlineage.run_cycle import RUN_CYCLE, TERMINAL
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
    passed,
    skipped,
)
from mock_intake_conformance.observation import Observations
from mock_intake_conformance.scenarios import FAILING, WELL


def _without(codes: tuple[str, ...], all_well: str, what: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        here = seen[WELL]
        if not here.runs:
            return skipped("No run event was taken.")
        found = (finding for finding in here.run_findings if finding.code in codes)
        return by_findings(found, f"{all_well} ({count(len(here.runs), 'run')})", what)

    return judge


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
    silent = [exchange for exchange in failures if not _has_message(parsed_body(exchange))]
    if silent:
        return failed("FAIL comes without errorMessage", f"arrived: {types}", findings=_missing_message(seen))
    return passed("FAIL with errorMessage", f"arrived: {types}", f"the command {here.outcome.ended}")


def _missing_message(seen: Observations) -> list[Finding]:
    return [finding for finding in seen[FAILING].findings() if finding.code == "DD501"]


def _has_message(body: object) -> bool:
    facet = EventView(body).run_facets.get("errorMessage") if isinstance(body, dict) else None
    return isinstance(facet, dict) and bool(facet.get("message"))


CASES = (
    Case(
        Requirement(
            "lifecycle/start-and-one-end", "A run starts once and ends once", MUST,
            "Every run has one START and, unless it is meant to go on for ever, one of COMPLETE, FAIL and ABORT, all "
            "with one runId.",
            "Spans are made when a run ends, from START's time on: a run without either does not show, or shows as "
            "running still.",
            "Make one runId per run, emit START first, and the end in a finally block; close the client before exit.",
            RUN_CYCLE, DOCUMENTED, (WELL,),
        ),
        _without(("RC101", "RC102", "RC103", "RC104"), "every run starts once and ends once",
                 "runs do not start once and end once"),
    ),
    Case(
        Requirement(
            "lifecycle/start-first", "START comes before the end", MUST,
            "START arrives before the terminal event of its run, and its eventTime is not later.",
            "The span is made when the terminal event arrives, and needs START by then.",
            "Emit in order and through one client; several threads or an asynchronous transport can turn events round.",
            RUN_CYCLE, DOCUMENTED, (WELL,),
        ),
        _without(("RC105", "RC106"), "START comes first", "runs end before they start"),
    ),
    Case(
        Requirement(
            "lifecycle/job-identity", "A run belongs to one job", MUST,
            "All events of a run carry the same job namespace and name, and no other job uses its runId.",
            "The run is shown under the job of one of its events; the rest is lost, or makes a second job.",
            "Compute namespace and name once; make a new UUID for every run.",
            DRAFT, judging.DRAFT, (WELL,),
        ),
        _without(("RC201", "RC202"), "every run belongs to one job", "runs do not belong to one job"),
    ),
    Case(
        Requirement(
            "lifecycle/nothing-after-the-end", "Nothing follows the end", MUST,
            "After the terminal event a run sends nothing, but OTHER perhaps.",
            "A consumer that has closed the run ignores what comes later, or opens it again.",
            "Emit the terminal event last.",
            RUN_CYCLE, DOCUMENTED, (WELL,),
        ),
        _without(("RC107",), "nothing follows the end", "events follow the end"),
    ),
    Case(
        Requirement(
            "lifecycle/each-event-once", "An event is sent once", SHOULD,
            "An intake that is well gets each event once.",
            "Whether Datadog counts an event twice that comes twice is unknown.",
            "Look for two transports (a composite one, or two clients), or a retry of what had succeeded.",
            RUN_CYCLE, judging.ASSUMED, (WELL,),
        ),
        _without(("RC301",), "each event came once", "events came more than once"),
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
