"""How jobs are named: env, service and the resource of spans are made from it (DD107 to DD109)."""

from __future__ import annotations

from collections.abc import Iterator

from mock_intake.datadog.placeholders import has_strays, is_unknown, placeholder_in_job, without_strays
from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.rules import Finding, JobName, OnJobName, Rule, Severity, Sureness, rule
from mock_intake.secrets.content import shown

_NAMESPACE, _NAME = "/namespace", "/name"
_MADE = {_NAMESPACE: "env is made from it", _NAME: "service and resource are made from it"}
_EXAMPLE = {_NAMESPACE: "prod", _NAME: "load_orders"}


@rule(
    "DD107",
    "job-name-empty",
    severity=Severity.WARNING,
    requirement="A job's namespace and name say something.",
    because="env is the job's namespace, service and resource come from its name: of an empty one nothing is made, and "
    "all jobs without a name are one.",
    advice="Set both: the Python client takes the namespace from OPENLINEAGE_NAMESPACE, the name from the Job that it "
    "is given.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnJobName(),
    trigger={"/job/name": ""},
    neighbour={"/job/name": "x"},
)
def job_name_empty(rule: Rule, job: JobName) -> Iterator[Finding]:
    for pointer, text in _parts(job):
        if not without_strays(text):
            yield rule.found(
                pointer,
                f"the job's {pointer[1:]} is empty, and {_MADE[pointer]}",
                expected=f"a {pointer[1:]} such as {_EXAMPLE[pointer]}",
                actual=shown(text),
            )


@rule(
    "DD108",
    "job-name-with-strays",
    severity=Severity.WARNING,
    requirement="A job's namespace and name have no white space at their ends and no control characters.",
    because="Nobody sees them, and names are compared to the letter: with and without them these are two jobs.",
    advice="Strip what comes from files and environment variables before it becomes a name.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnJobName(),
    trigger={"/job/name": "load_orders "},
    neighbour={"/job/name": "load orders"},
)
def job_name_with_strays(rule: Rule, job: JobName) -> Iterator[Finding]:
    for pointer, text in _parts(job):
        clean = without_strays(text)
        if clean and has_strays(text):
            yield rule.found(
                pointer,
                f"the job's {pointer[1:]} has white space at its ends, or characters that nobody sees",
                expected=shown(clean),
                actual=shown(text),
                advice=f"Write {shown(clean)}. {rule.advice}",
            )


@rule(
    "DD109",
    "job-name-placeholder",
    severity=Severity.WARNING,
    requirement="A job's namespace and name are values, not what stands for one: no template that was never filled in, "
    "no None, null or unknown.",
    because="All whose value is missing become one job, or one environment.",
    advice="Fill the value in before the event is made, and fail where there is none.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnJobName(),
    trigger={"/job/name": "load_{{ ds }}"},
    neighbour={"/job/name": "load_ds"},
)
def job_name_placeholder(rule: Rule, job: JobName) -> Iterator[Finding]:
    for pointer, text in _parts(job):
        found = placeholder_in_job(text)
        if found is None and pointer == _NAME and without_strays(text) and is_unknown(text):
            found = text
        if found is not None:
            yield rule.found(
                pointer,
                f"{shown(found)} in the job's {pointer[1:]} is a placeholder, no value",
                expected=f"a {pointer[1:]} such as {_EXAMPLE[pointer]}",
                actual=shown(text),
            )


def _parts(job: JobName) -> tuple[tuple[str, str], tuple[str, str]]:
    return (_NAMESPACE, job.namespace), (_NAME, job.name)
