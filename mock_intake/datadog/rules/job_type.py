"""The jobType facet: without it a run event is not processed, and its words say what is made of it (DD101 to DD104)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec.structs import replace

from mock_intake.datadog import native
from mock_intake.datadog.placeholders import LONGEST_NAME, has_strays, placeholder_in_job, without_strays
from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.model.event import EventView
from mock_intake.rules import ABSENT, FacetView, Finding, OnEvent, OnFacet, Rule, Severity, Sureness, rule
from mock_intake.rules.definition import either
from mock_intake.secrets.content import shown
from mock_intake.secrets.quoting import quoted_list

RESERVED_INTEGRATIONS = native.RESERVED
_BY_AN_ORCHESTRATOR = (
    "Nothing to do here: an orchestrator sends dbt's events under its own address, as Airflow's provider for dbt Cloud "
    "does. That Datadog takes them for dbt's is assumed; look in the product whether the models are there."
)
_BY_A_CALLER = (
    "Give dbt's integration its own address as the producer (openlineage-integration-common takes it from its caller), "
    "or send them by dbt-ol. That Datadog takes them for dbt's under another address is assumed."
)
_FIELDS = ("processingType", "integration", "jobType")
_LONGEST_WORD = 64
_STRAYS = "has white space at its ends, or characters that nobody sees"
_INTEGRATION = "/job/facets/jobType/integration"
_PROCESSING_TYPE = "/job/facets/jobType/processingType"
_JOB_TYPE = "/job/facets/jobType/jobType"


@rule(
    "DD101",
    "job-type-missing",
    severity=Severity.ERROR,
    requirement="Every run event carries the jobType job facet.",
    because="Datadog documents that it needs the facet to process a run event. The event is answered with a 2xx all "
    "the same, so nothing tells the producer that it will not be there.",
    advice='Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with '
    "_producer and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...). Where a package "
    "makes the events, an EventTransformer of a few lines in the client's transform transport adds it.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=either(
        OnEvent(("RunEvent",), lacks=("job", "jobType")),
        OnFacet("jobType", "job", kinds=("RunEvent",), field="processingType", unless=("BATCH", "STREAMING")),
    ),
    trigger={"/job/facets/jobType": ABSENT},
    neighbour={},
)
def job_type_missing(rule: Rule, of: EventView | FacetView) -> Iterator[Finding]:
    event = of if isinstance(of, EventView) else of.event
    job = event.body.get("job")
    if job is None:
        return  # that there is none is said already
    if isinstance(of, FacetView):
        if type(event.job_facets["jobType"]) is dict and _is_hollow(of):
            yield rule.found(
                of.at(),
                "the job has a jobType facet that says nothing, so Datadog would take the event and not process it",
                expected="job.facets.jobType with processingType, integration and jobType",
                actual=f"fields: {quoted_list(of.content) or 'none'}",
            )
        return
    there = "has no jobType facet" if "jobType" not in event.job_facets else "has a jobType facet that is no object"
    yield rule.found(
        "/job/facets" if type(job) is dict and "facets" in job else "/job",
        f"the job {there}, so Datadog would take the event and not process it",
        expected="job.facets.jobType with processingType, integration and jobType",
        actual=f"facets: {quoted_list(event.job_facets) or 'none'}",
    )


@rule(
    "DD102",
    "integration-reserved",
    severity=Severity.ERROR,
    requirement=f"A custom job's integration is none of {', '.join(RESERVED_INTEGRATIONS)}.",
    because="These are reserved for native integrations and documented as unsupported for custom jobs. From a producer "
    "that is native for another word, and on what dbt's integration made for somebody else, it is a warning or info: "
    "what Datadog makes of that is assumed.",
    advice="Use a word of your own, such as CUSTOM or the name of your tool.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("jobType", "job", kinds=("RunEvent",), field="integration", unless=("CUSTOM",)),
    trigger={_INTEGRATION: "SPARK"},
    neighbour={_INTEGRATION: "SPARKY"},
)
def integration_reserved(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    integration, producer = facet.content.get("integration"), facet.event.producer
    word = integration.upper() if type(integration) is str else ""
    if word not in RESERVED_INTEGRATIONS or native.is_address_of(word, producer):
        return
    expected = f"none of {', '.join(RESERVED_INTEGRATIONS)}"
    actual = f"{shown(integration)} from {shown(producer)}"
    other = native.integration_of(producer)
    if word == "DBT" and native.is_from_dbt(facet.event):
        yield rule.found(
            facet.at("integration"),
            f"the integration {integration} is reserved for Datadog's native one; by its facets dbt's integration made "
            "the event, and the producer is another",
            expected=expected,
            actual=actual,
            advice=_BY_AN_ORCHESTRATOR if other else _BY_A_CALLER,
            severity=Severity.INFO if other else Severity.WARNING,
        )
    elif other is not None:
        yield rule.found(
            facet.at("integration"),
            f"the integration {integration} is reserved for Datadog's native one, and the producer is that of {other}",
            expected=expected,
            actual=actual,
            advice=f"Known: both words are reserved, and the address is {other}'s. Assumed: Datadog goes by one of the "
            "two. Look in the product whether the job is there and under which integration.",
            severity=Severity.WARNING,
        )
    else:
        yield rule.found(
            facet.at("integration"),
            f"the integration {integration} is reserved for Datadog's native one, and the producer is another",
            expected=expected,
            actual=actual,
        )


@rule(
    "DD112",
    "integration-says-nothing",
    severity=Severity.WARNING,
    requirement="integration is a word: not empty, no placeholder, without white space at its ends.",
    because="The operation name of spans is made of integration and jobType, and jobs are found by it.",
    advice="Use a word of your own, such as CUSTOM or the name of your tool.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnFacet("jobType", "job", kinds=("RunEvent",), field="integration", unless=("CUSTOM",)),
    trigger={_INTEGRATION: ""},
    neighbour={_INTEGRATION: "ACME"},
)
def integration_says_nothing(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    yield from _says_nothing(rule, facet, "integration", "a word such as CUSTOM")


@rule(
    "DD113",
    "job-type-empty",
    severity=Severity.WARNING,
    requirement="jobType is a word, where it is there: not empty, no placeholder, without white space at its ends.",
    because="The operation name of spans is made of integration and jobType.",
    advice="Use JOB, TASK, DAG, MODEL or COMMAND, or leave the field out.",
    source=CUSTOM_JOBS,
    sureness=Sureness.ASSUMED,
    when=OnFacet(
        "jobType", "job", kinds=("RunEvent",), field="jobType", unless=("JOB", "TASK", "DAG", "MODEL", "COMMAND")
    ),
    trigger={_JOB_TYPE: ""},
    neighbour={_JOB_TYPE: "STEP"},
)
def job_type_empty(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    yield from _says_nothing(rule, facet, "jobType", "JOB, TASK, DAG, MODEL or COMMAND")


@rule(
    "DD103",
    "processing-type-unknown",
    severity=Severity.WARNING,
    requirement="processingType is BATCH or STREAMING.",
    because="Datadog documents these two; the standard also knows SERVICE. How a run with another value is shown is "
    "unknown.",
    advice="Use BATCH for a job that ends, STREAMING for one that does not.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnFacet("jobType", "job", kinds=("RunEvent",), field="processingType", unless=("BATCH", "STREAMING")),
    trigger={_PROCESSING_TYPE: "SERVICE"},
    neighbour={_PROCESSING_TYPE: "STREAMING"},
)
def processing_type_unknown(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    value = facet.content.get("processingType")
    if type(value) is str:
        known = " (the standard knows it, Datadog does not document it)" if value == "SERVICE" else ""
        yield rule.found(
            facet.at("processingType"),
            f"processingType is {shown(value)}{known}",
            expected="BATCH or STREAMING",
            actual=shown(value),
            advice=f"Write {upper}." if (upper := value.strip().upper()) in ("BATCH", "STREAMING") else None,
        )


@rule(
    "DD104",
    "query-makes-no-node",
    severity=Severity.WARNING,
    requirement="A job that is to be seen in the lineage graph has another jobType than QUERY.",
    because="Jobs of the type QUERY make no lineage node.",
    advice="Use JOB, TASK, DAG, MODEL or COMMAND if the job is to be a node.",
    source=CUSTOM_JOBS,
    sureness=Sureness.DOCUMENTED,
    when=OnFacet(
        "jobType", "job", kinds=("RunEvent",), field="jobType", unless=("JOB", "TASK", "DAG", "MODEL", "COMMAND")
    ),
    trigger={_JOB_TYPE: "QUERY"},
    neighbour={_JOB_TYPE: "COMMAND"},
)
def query_makes_no_node(rule: Rule, facet: FacetView) -> Iterator[Finding]:
    value = facet.content.get("jobType")
    if type(value) is not str or len(value) > _LONGEST_WORD or value.strip().upper() != "QUERY":
        return
    found = rule.found(
        facet.at("jobType"),
        "a job of the type QUERY makes no lineage node",
        expected="JOB, TASK, DAG, MODEL or COMMAND",
        actual=shown(value),
    )
    # The documentation has it in upper case; that another is read alike is assumed.
    yield found if value == "QUERY" else replace(found, sureness=Sureness.ASSUMED)


def _is_hollow(facet: FacetView) -> bool:
    """Whether none of the fields has a text in it."""
    for field in _FIELDS:
        text = facet.content.get(field)
        if type(text) is str and without_strays(text):
            return False
    return True


def _says_nothing(rule: Rule, facet: FacetView, field: str, wanted: str) -> Iterator[Finding]:
    value = facet.content.get(field)
    if type(value) is not str or not (flaw := _flaw_of(value[:LONGEST_NAME])) or _is_hollow(facet):
        return
    clean = without_strays(value)
    right = clean if clean and flaw == _STRAYS else None
    yield rule.found(
        facet.at(field),
        f"{field} {flaw}",
        expected=wanted if right is None else shown(right),
        actual=shown(value),
        advice=None if right is None else f"Write {shown(right)}.",
    )


@lru_cache(maxsize=1_024)
def _flaw_of(word: str) -> str:
    """What is wrong with a word, as a sentence ends with it; empty where nothing is."""
    if not without_strays(word):
        return "is empty"
    if has_strays(word):
        return _STRAYS
    return "is a placeholder, no value" if placeholder_in_job(word) is not None else ""
