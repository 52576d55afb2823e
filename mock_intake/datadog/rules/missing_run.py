"""An event that says it is one of a run, and names none (DD106)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from mock_intake.datadog.rules.run_states import of_run
from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.model.event import EventView, plain
from mock_intake.rules import ABSENT, Finding, OnEvent, OnRun, Rule, RunView, Severity, Sureness, rule
from mock_intake.rules.definition import either
from mock_intake.secrets.content import redact, shown

_MOST_FIELDS = 12
_MOST_CLAIMS = 3


@rule(
    "DD106",
    "run-missing",
    severity=Severity.ERROR,
    requirement="An event of a run has run, with a runId, and job: what says that it is one is its eventType, its "
    "schemaURL, a key that is nearly right (Run, runId beside run), or that other events of its job have runs.",
    because="Without a run the core schema takes it as an event about a job or dataset and asks no more of it: it "
    "starts and ends nothing, so no run, no duration and no status come of it, and nobody is told.",
    advice='Add "run": {"runId": "<a UUID>", "facets": {}}, the same runId on every event of the run (in Python '
    "str(uuid.uuid4()), made once). If it is meant to be no run's, leave eventType out.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=either(OnEvent(("RunEvent",), claimed=True), OnRun(closed=True)),
    trigger={"/run": ABSENT},
    neighbour={},
)
def run_missing(rule: Rule, of: EventView | RunView) -> Iterable[Finding]:
    if isinstance(of, RunView):
        return _forgotten(rule, of) if of.without_run else ()
    return _claimed(rule, of)


def _forgotten(rule: Rule, view: RunView) -> Iterator[Finding]:
    """What the other events of a job tell of those that have no run and do not say that they are meant so."""
    if events := view.without_run:
        listed = ", ".join(events[:_MOST_CLAIMS]) + (" and more" if len(events) > _MOST_CLAIMS else "")
        have, are = ("have", "they are") if len(events) > 1 else ("has", "it is")
        found = rule.found(
            "",
            f"{len(events)} event{'s' if len(events) > 1 else ''} of the same job {have} no run, and others have one, "
            f"such as {of_run(view.run)}",
            expected="run with runId",
            actual=f"without run: {listed}",
            advice=f"{rule.advice.partition(' If it is')[0]} If {are} meant to be no run's, end schemaURL with "
            "#/$defs/JobEvent.",
        )
        yield replace(found, subject="run")


def _claimed(rule: Rule, event: EventView) -> Iterator[Finding]:
    said = [_in_words(event, claim) for claim in event.claims[:_MOST_CLAIMS]]
    verb = "say" if len(said) > 1 else "says"
    missing = "job" if "run" in event.body else "run"
    misspelt = (
        None
        if missing == "job"
        else next((claim for claim in event.claims if plain(claim.rpartition("/")[2]).startswith("run")), None)
    )
    fields = ", ".join(list(event.body)[:_MOST_FIELDS])
    advice = 'Add "job" with namespace and name.' if missing == "job" else None
    if misspelt is not None:
        written = redact(misspelt.rpartition("/")[2])
        wanted = "runId in the object run" if plain(written) == "runid" else "the key run"
        advice = f"{misspelt[1:].replace('/', '.')} is not read: write it as {wanted}. {rule.advice}"
    yield rule.found(
        "" if misspelt is None else misspelt,
        f"{' and '.join(said)} {verb} that the event is one of a run, and it has no {missing}",
        expected="run with runId" if missing == "run" else "job with namespace and name",
        actual=f"fields: {redact(fields)}",
        advice=advice,
    )


def _in_words(event: EventView, claim: str) -> str:
    """A place that makes a claim, as a sentence begins with it."""
    path = claim[1:].split("/")
    name = redact(".".join(path))
    value = event.body.get(path[0])
    return f"{name} {shown(value)}" if path == ["eventType"] else name
