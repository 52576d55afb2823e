"""Judges an event as Datadog documents it: one small function for each subject, called where it applies.

Every function takes the event and yields findings; none raises, whatever the event holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mock_intake.datadog import rules
from mock_intake.datadog.naming import naming_issues
from mock_intake.event import Dataset, EventView, pointer_to
from mock_intake.findings import Finding
from mock_intake.redaction import shown

EventRule = Callable[[EventView], Iterable[Finding]]

# Addresses of the code whose events are native: the integration is theirs to use.
_NATIVE_PRODUCERS = {
    "SPARK": re.compile(
        r"/integration/spark|/spark-openlineage|^https?://([\w-]+\.)*databricks\.com(?![\w.-])", re.IGNORECASE
    ),
    "AIRFLOW": re.compile(r"apache/airflow|/integration/airflow|cloud-composer", re.IGNORECASE),
    "DBT": re.compile(r"/integration/dbt|dbt-labs/|openlineage-dbt", re.IGNORECASE),
    "TRINO": re.compile(r"trinodb/trino|trino-openlineage", re.IGNORECASE),
    "ICEBERG": re.compile(r"apache/iceberg", re.IGNORECASE),
    "BIGQUERY": re.compile(r"//[^/]*datadoghq\.|github\.com/DataDog/", re.IGNORECASE),
    "SNOWFLAKE": re.compile(r"//[^/]*datadoghq\.|github\.com/DataDog/|snowflake-labs/", re.IGNORECASE),
    "TABLEAU": re.compile(r"//[^/]*datadoghq\.|github\.com/DataDog/", re.IGNORECASE),
}
_CLIENT_TAG_SOURCE = "OPENLINEAGE_CLIENT"
_MAX_NAMED = 3


def judge(event: EventView) -> list[Finding]:
    """All that Datadog's documentation has to say about one event."""
    findings: list[Finding] = []
    if event.kind == "RunEvent":
        _job_type(event, findings)
        if event.event_type is None:
            findings.append(
                rules.EVENT_TYPE_MISSING.found(
                    "", "the event has no eventType", expected="START, RUNNING, COMPLETE, FAIL, ABORT or OTHER"
                )
            )
        elif rule := _BY_EVENT_TYPE.get(event.event_type):
            findings += rule(event)
        if "tags" in event.run_facets:
            findings += _tags(event.run_facets["tags"], "/run/facets/tags", "run")
        if "sql" in event.job_facets and event.event_type != "COMPLETE":
            findings.append(_sql_unused(event))
    if "tags" in event.job_facets:
        findings += _tags(event.job_facets["tags"], "/job/facets/tags", "job")
    if event.datasets:
        _datasets(event, findings)
    return findings


def _job_type(event: EventView, findings: list[Finding]) -> None:
    facet = event.job_facets.get("jobType")
    if type(facet) is not dict:
        job = event.body.get("job")
        pointer = "/job/facets" if type(job) is dict and "facets" in job else "/job"
        there = "has no jobType facet" if "jobType" not in event.job_facets else "has a jobType facet that is no object"
        findings.append(
            rules.JOB_TYPE_MISSING.found(
                pointer,
                f"the job {there}, so Datadog would take the event and not process it",
                expected="job.facets.jobType with processingType, integration and jobType",
                actual=f"facets: {', '.join(list(event.job_facets)[:12]) or 'none'}",
            )
        )
        return
    integration = facet.get("integration")
    if type(integration) is str:
        native = _NATIVE_PRODUCERS.get(integration.upper())
        if native is not None and not native.search(event.producer or ""):
            findings.append(_reserved(event, integration))
    processing = facet.get("processingType")
    if type(processing) is str and processing != "BATCH" and processing != "STREAMING":
        known = " (the standard knows it, Datadog does not document it)" if processing == "SERVICE" else ""
        findings.append(
            rules.PROCESSING_TYPE_UNKNOWN.found(
                "/job/facets/jobType/processingType",
                f"processingType is {shown(processing)}{known}",
                expected="BATCH or STREAMING",
                actual=shown(processing),
            )
        )
    if facet.get("jobType") == "QUERY":
        findings.append(
            rules.QUERY_NO_NODE.found(
                "/job/facets/jobType/jobType",
                "a job of the type QUERY makes no lineage node",
                expected="JOB, TASK, DAG, MODEL or COMMAND",
                actual='"QUERY"',
            )
        )


def _reserved(event: EventView, integration: str) -> Finding:
    return rules.INTEGRATION_RESERVED.found(
        "/job/facets/jobType/integration",
        f"the integration {integration} is reserved for Datadog's native one, and the producer is another",
        expected=f"none of {', '.join(rules.RESERVED_INTEGRATIONS)}",
        actual=f"{shown(integration)} from {shown(event.producer)}",
    )


def _sql_unused(event: EventView) -> Finding:
    return rules.SQL_NOT_PROCESSED.found(
        "/job/facets/sql",
        f"sql on {event.event_type or 'an event without eventType'} is not processed",
        expected="sql on COMPLETE",
        actual=f"eventType: {event.event_type}",
    )


def _fail(event: EventView) -> Iterator[Finding]:
    if type(event.run_facets.get("errorMessage")) is not dict:
        yield rules.FAIL_WITHOUT_ERROR.found(
            "/run/facets" if event.run_facets else "/run",
            "the run failed, and the event does not say why",
            expected="run.facets.errorMessage",
            actual=f"facets: {', '.join(list(event.run_facets)[:12]) or 'none'}",
        )


def _abort(_event: EventView) -> Iterator[Finding]:
    yield rules.ABORT_NO_SPAN.found(
        "/eventType", "no span is made for this run", expected="COMPLETE or FAIL", actual='"ABORT"'
    )


def _complete(event: EventView) -> Iterator[Finding]:
    datasets = event.datasets
    if without := [dataset for dataset in datasets if "schema" not in dataset.facets]:
        yield rules.COMPLETE_WITHOUT_SCHEMA.found(
            without[0].pointer,
            f"{_named(without)} without the schema facet on COMPLETE",
            expected="the schema facet",
            actual=f"{len(without)} of {len(datasets)} datasets without",
        )
    outputs = [dataset for dataset in datasets if dataset.role == "output"]
    if without := [dataset for dataset in outputs if "outputStatistics" not in dataset.role_facets]:
        yield rules.COMPLETE_WITHOUT_STATISTICS.found(
            without[0].pointer,
            f"{_named(without)} without the outputStatistics facet on COMPLETE",
            expected="outputFacets.outputStatistics",
            actual=f"{len(without)} of {len(outputs)} outputs without",
        )
    without = [dataset for dataset in outputs if "columnLineage" not in dataset.facets]
    if without and len(outputs) < len(datasets):
        yield rules.COMPLETE_WITHOUT_COLUMN_LINEAGE.found(
            without[0].pointer,
            f"{_named(without)} without the columnLineage facet on COMPLETE",
            expected="the columnLineage facet",
            actual=f"{len(without)} of {len(outputs)} outputs without",
        )


_BY_EVENT_TYPE: dict[str, EventRule] = {"COMPLETE": _complete, "FAIL": _fail, "ABORT": _abort}


def _named(datasets: list[Dataset]) -> str:
    names = [dataset.name or "a dataset without name" for dataset in datasets[:_MAX_NAMED]]
    more = len(datasets) - len(names)
    verb = "is" if len(datasets) == 1 else "are"
    return ", ".join(names) + (f" and {more} more" if more else "") + f" {verb}"


def _tags(facet: Any, pointer: str, entity: str) -> Iterator[Finding]:
    if type(facet) is not dict or "tags" not in facet:
        return
    tags = facet["tags"]
    if type(tags) is not list:
        yield rules.TAGS_NO_ARRAY.found(
            f"{pointer}/tags", f"the {entity}'s tags are no array", expected="an array of tags", actual=shown(tags)
        )
        return
    unused = []
    for index, tag in enumerate(tags):
        if type(tag) is not dict:
            continue  # the facet's schema refuses it, and says so
        missing = [name for name in ("key", "value", "source") if name not in tag]
        if missing:
            yield rules.TAG_INCOMPLETE.found(
                f"{pointer}/tags/{index}",
                f"a tag of the {entity} lacks {' and '.join(missing)}",
                expected="key, value and source",
                actual=shown(tag),
            )
        elif entity == "job" and tag["source"] != "USER" and isinstance(tag["source"], str):
            yield rules.TAG_SOURCE_NOT_USER.found(
                f"{pointer}/tags/{index}/source",
                f"the tag {tag['key']} has the source {shown(tag['source'])}, so job monitors cannot use it",
                expected='"USER"',
                actual=shown(tag["source"]),
            )
        if entity == "run" and tag.get("source") != _CLIENT_TAG_SOURCE:
            unused.append(str(tag.get("key")))
    if unused:
        yield rules.RUN_TAGS_UNUSED.found(
            pointer,
            f"the run's tags {', '.join(unused[:_MAX_NAMED])} do not become tags of the span",
            expected="tags on the job",
            actual=f"{len(unused)} tag{'' if len(unused) == 1 else 's'} on the run",
        )


def _datasets(event: EventView, findings: list[Finding]) -> None:
    for dataset in event.datasets:
        if dataset.namespace is not None and dataset.name is not None:
            findings += [
                issue.rule.found(
                    f"{dataset.pointer}/{issue.field}",
                    issue.message,
                    expected=issue.expected,
                    actual=issue.actual,
                    advice=issue.advice,
                )
                for issue in naming_issues(dataset.namespace, dataset.name)
            ]
        if "tags" in dataset.facets:
            findings += _tags(dataset.facets["tags"], f"{dataset.pointer}/facets/tags", "dataset")
        if "columnLineage" in dataset.facets and event.kind != "DatasetEvent":
            findings += _column_inputs(event, dataset)


def _column_inputs(event: EventView, dataset: Dataset) -> Iterator[Finding]:
    facet = dataset.facets["columnLineage"]
    known = {(entry.namespace, entry.name) for entry in event.datasets if entry.role == "input"}
    for entry in event.datasets:
        if entry.role == "input" and "symlinks" in entry.facets:
            known.update(_symlinks(entry.facets["symlinks"]))
    told: set[tuple[str, str]] = set()
    for path, source in _input_fields(facet):
        namespace, name = source.get("namespace"), source.get("name")
        if not isinstance(namespace, str) or not isinstance(name, str):
            continue  # the facet's schema refuses it, and says so
        if (namespace, name) in known or (namespace, name) in told:
            continue
        told.add((namespace, name))
        nearest = _nearest(namespace, name, known)
        yield rules.COLUMN_INPUT_UNKNOWN.found(
            f"{dataset.pointer}/facets/columnLineage" + pointer_to(*path),
            f"columnLineage of {dataset.name} names {namespace} {name}, which is no input of the event",
            expected=f"an input of the event: {nearest}" if nearest else "an input of the event; it has none",
            actual=f"{namespace} {name}",
        )


def _symlinks(facet: Any) -> Iterator[tuple[str, str | None]]:
    """By which other names a dataset is known."""
    identifiers = facet.get("identifiers") if type(facet) is dict else None
    if type(identifiers) is list:
        for identifier in identifiers:
            if type(identifier) is dict and isinstance(identifier.get("namespace"), str):
                name = identifier.get("name")
                yield identifier["namespace"], name if isinstance(name, str) else None


def _input_fields(facet: Any) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if type(facet) is not dict:
        return
    fields = facet.get("fields")
    if type(fields) is dict:
        for column, entry in fields.items():
            sources = entry.get("inputFields") if type(entry) is dict else None
            if type(sources) is list:
                for index, source in enumerate(sources):
                    if type(source) is dict:
                        yield ("fields", column, "inputFields", index), source
    sources = facet.get("dataset")
    if type(sources) is list:
        for index, source in enumerate(sources):
            if type(source) is dict:
                yield ("dataset", index), source


def _nearest(namespace: str, name: str, known: set[tuple[str | None, str | None]]) -> str | None:
    from difflib import get_close_matches

    names = [f"{known_namespace} {known_name}" for known_namespace, known_name in known]
    close = get_close_matches(f"{namespace} {name}", names, n=1, cutoff=0)
    return close[0] if close else None
