"""Content: what the events say, as OpenLineage and as Datadog documents them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mock_intake.datadog.sources import ASSUMPTIONS, CUSTOM_JOBS, DRAFT
from mock_intake.model.findings import Finding, Severity
from mock_intake.report.suite import Requirement
from mock_intake_conformance.cases import judging
from mock_intake_conformance.cases.judging import (
    ASSUMED,
    DOCUMENTED,
    MUST,
    NOTE,
    SHOULD,
    Case,
    Judgement,
    by_findings,
    no_evidence,
    observed,
)
from mock_intake_conformance.observation import Observations
from mock_intake_conformance.scenarios import FAILING, HEALTHY

_STANDARD = "https://openlineage.io/docs/spec/object-model"
_SECRETS = "OL2"
# What is asked of runs and has nothing to do with their cycle: names that hold an id, spellings, parents.
_OF_RUNS = ("RC203", "RC205", "RC402", "RC403", "RC404")


def _without(which: Callable[[Finding], bool], otherwise: str, what: str) -> Callable[[Observations], Judgement]:
    def judge(seen: Observations) -> Judgement:
        if not any(exchange.event for here in seen.values() for exchange in here.exchanges):
            return no_evidence("No event arrived.")
        return by_findings(filter(which, _findings(seen)), otherwise, what)

    return judge


def _findings(seen: Observations) -> Iterator[Finding]:
    """Findings of events, runs and datasets; those of an event that was sent again once."""
    seen_before: set[tuple[str, Finding]] = set()
    for here in seen.values():
        for exchange in here.exchanges:
            whose = exchange.event.id if exchange.event else exchange.id
            for finding in exchange.findings:
                if (whose, finding) not in seen_before:
                    seen_before.add((whose, finding))
                    yield finding
        yield from here.run_findings
        yield from here.dataset_findings


def _error_of_openlineage(finding: Finding) -> bool:
    return finding.code.startswith("OL") and finding.severity is Severity.ERROR


def _warning_of_openlineage(finding: Finding) -> bool:
    code = finding.code
    return code.startswith("OL") and not code.startswith(_SECRETS) and finding.severity is Severity.WARNING


def _error_of_datadog(finding: Finding) -> bool:
    return finding.code.startswith("DD") and finding.severity is Severity.ERROR


def _warning_of_datadog(finding: Finding) -> bool:
    # DD501 (FAIL without errorMessage) is judged with the life of a failed run.
    about = finding.code.startswith(("DD", "DS")) or finding.code in _OF_RUNS
    return about and finding.code != "DD501" and finding.severity is Severity.WARNING


def _secret(finding: Finding) -> bool:
    return finding.code.startswith(_SECRETS)


def _coverage(seen: Observations) -> Judgement:
    jobs = seen[HEALTHY].coverage
    if not jobs:
        return no_evidence("No event with a job was taken.")
    lines = []
    sent = 0
    for job in jobs:
        name = f"{job['job']['namespace']} / {job['job']['name']}"
        sent += len(job["facets"])
        lines += [
            f"{name}: {facet['entity']} {facet['key']}, in {judging.count(facet['events'], 'event')}: "
            + (facet["produces"] or "nothing that is documented")
            for facet in job["facets"]
        ]
        missing = ", ".join(f"{facet['entity']} {facet['key']}" for facet in job["missing"])
        lines.append(f"{name}: never sent: {missing or 'nothing'}")
    return observed(f"{judging.count(sent, 'kind')} of facets sent by {judging.count(len(jobs), 'job')}", *lines)


_BOTH = (HEALTHY, FAILING)

CASES = (
    Case(
        Requirement(
            "content/valid-openlineage", "Every event is valid OpenLineage", MUST,
            "Events follow the core schema of the standard, and their facets have what every facet needs.",
            "What the core schema refuses cannot be relied on to be processed.",
            "Make events with the OpenLineage client of your language; mock-intake rules CODE says what each finding "
            "asks for.",
            _STANDARD, DOCUMENTED, _BOTH,
        ),
        _without(_error_of_openlineage, "no event has an error", "events are no valid OpenLineage"),
        partial=True,
    ),
    Case(
        Requirement(
            "content/openlineage-to-the-letter", "Events keep the standard to the letter", SHOULD,
            "Events have no finding of OpenLineage's rules that is a warning: facets follow their schemas, eventTime "
            "has an offset, producer and schemaURL are URIs.",
            "Datadog's own examples break some of these rules and are processed; other consumers refuse such events, "
            "and a facet that does not follow its schema may be left out.",
            "mock-intake rules CODE says what each finding asks for.",
            _STANDARD, DOCUMENTED, _BOTH,
        ),
        _without(_warning_of_openlineage, "no event has a warning", "the standard asks for more"),
        partial=True,
    ),
    Case(
        Requirement(
            "content/no-datadog-error", "No event is an error to Datadog", MUST,
            "Events have what Datadog documents as required, above all the jobType job facet.",
            "Such events are taken with 202 and listed as errors: no run, no lineage, and the producer is not told.",
            "Add the jobType facet to every run event, with an integration that is not reserved.",
            CUSTOM_JOBS, DOCUMENTED, _BOTH,
        ),
        _without(_error_of_datadog, "no event has an error", "Datadog documents that it would not process these"),
        partial=True,
    ),
    Case(
        Requirement(
            "content/no-datadog-warning", "No event shows less than meant", SHOULD,
            "Events have no finding of Datadog's rules that is a warning: datasets are named in the documented form "
            "and always alike, tags have their fields, parents and columns are those that there are.",
            "Datasets are matched by the letter: a name in another form is a node of its own, or is not shown.",
            "mock-intake rules CODE says what each finding asks for.",
            CUSTOM_JOBS, DOCUMENTED, _BOTH,
        ),
        _without(_warning_of_datadog, "no event has a warning", "Datadog would show less than was meant"),
        partial=True,
    ),
    Case(
        Requirement(
            "content/no-secrets", "No event holds a secret", MUST,
            "No passwords, cloud keys, tokens or private keys stand in events.",
            "Events are shown to everybody with access to the product, and kept.",
            "Take credentials out of dataset namespaces, SQL and environment variables; replace those that were sent.",
            ASSUMPTIONS, ASSUMED, _BOTH,
        ),
        _without(_secret, "nothing in the events looks like a secret", "events hold what looks like a secret"),
        partial=True,
    ),
    Case(
        Requirement(
            "content/facet-coverage", "What the facets produce", NOTE,
            "Facets that Datadog reads are sent where there is something to say.",
            "What is not sent is not shown: columns, owners, row counts, error messages.",
            "Look through what was never sent for what your job knows.",
            DRAFT, judging.DRAFT, (HEALTHY,),
        ),
        _coverage,
    ),
)  # fmt: skip
