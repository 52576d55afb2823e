"""Native producers: whose events are an integration's own, and what is not theirs to change.

Native is who has the integration's word in jobType *and* an address that begins with the integration's: a fork or a
job with ``airflow`` somewhere in its address is none. For them the findings of ``EXEMPTIONS``, and only those, are
``info``, with the setting that helps as advice; what the official schemas refuse stays told as that. Other findings are
told with what the integration's user can set, where there is something (``remedies``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from mock_intake.datadog.remedies import REMEDIES, remedy_of
from mock_intake.datadog.sources import CUSTOM_JOBS
from mock_intake.model.event import Dataset, EventView
from mock_intake.model.findings import Finding, Severity
from mock_intake.rules.examples import Changes, dataset, facet
from mock_intake.rules.runs import RunView
from mock_intake.system.patterns import pattern_of

_GITHUB = r"https?://github\.com/"
_OPENLINEAGE = _GITHUB + r"OpenLineage/OpenLineage/(?:tree|blob)/[^/]+/integration/"
_DATADOG = (r"https?://(?:[\w-]+\.)*datadoghq\.(?:com|eu)", _GITHUB + "DataDog")


class Integration(NamedTuple):
    """A native integration: its word in jobType, and what the addresses of its producers begin with (patterns)."""

    word: str
    addresses: tuple[str, ...]


INTEGRATIONS: tuple[Integration, ...] = (
    Integration("SPARK", (_OPENLINEAGE + "spark", r"https?://(?:[\w-]+\.)*databricks\.com")),
    Integration("AIRFLOW", (_GITHUB + "apache/airflow", _OPENLINEAGE + "airflow")),
    Integration("DBT", (_OPENLINEAGE + "dbt", _GITHUB + r"dbt-labs/[\w.-]+")),
    Integration("BIGQUERY", _DATADOG),
    Integration("SNOWFLAKE", (*_DATADOG, _GITHUB + r"snowflake-labs/[\w.-]+")),
    Integration("TRINO", (_GITHUB + "trinodb/trino",)),
    Integration("ICEBERG", (_GITHUB + "apache/iceberg",)),
    Integration("TABLEAU", _DATADOG),
)
"""The integrations whose words Datadog reserves, in its page's order."""

RESERVED = tuple(integration.word for integration in INTEGRATIONS)

# The address ends there, or goes on with a part of its own: not apache/airflow-of-acme.
_ADDRESSES = {
    integration.word: pattern_of(rf"(?:{'|'.join(integration.addresses)})(?=[/?#:]|$)", re.IGNORECASE)
    for integration in INTEGRATIONS
}
# Of an address the beginning tells, and it may be of any length.
_LONGEST = 512
# What dbt's events carry, whoever sends them: openlineage-integration-common takes the producer from its caller.
_OF_DBT = ("dbt_version", "dbt_run", "dbt_node")


def integration_of(producer: str | None) -> str | None:
    """The word of the integration whose address ``producer`` is; None for all others. The first where it is several."""
    if producer is None:
        return None
    begin = producer[:_LONGEST]
    return next((word for word, address in _ADDRESSES.items() if address.match(begin)), None)


def is_address_of(word: str, producer: str | None) -> bool:
    """Whether the address ``producer`` is that of the integration with the reserved word ``word`` (in upper case)."""
    return producer is not None and _ADDRESSES[word].match(producer[:_LONGEST]) is not None


def is_from_dbt(event: EventView) -> bool:
    """Whether ``event`` was made by dbt's integration, by the facets that only it writes."""
    return any(key in event.run_facets or key in event.job_facets for key in _OF_DBT)


class Exemption(NamedTuple):
    """A rule that events of a native producer break where their user can do nothing about it.

    ``condition`` says in words what ``holds`` asks of an event and a finding; ``because`` why its user cannot change
    it; ``advice`` is what helps instead. ``example`` and ``neighbour`` are told as those of rules are: what is exempt,
    and the nearest that is not.
    """

    word: str
    code: str
    condition: str
    holds: Callable[[EventView, Finding], bool]
    because: str
    advice: str
    source: str
    example: Changes
    neighbour: Changes


_QUERY = pattern_of(r"\.query\.[0-9]+")


def _is_query(event: EventView, _: Finding) -> bool:
    return event.job_name is not None and _QUERY.search(event.job_name[-40:]) is not None


def _has_airflows_tag(event: EventView, finding: Finding) -> bool:
    of_run = finding.pointer.startswith("/run/")
    tags = (event.run_facets if of_run else event.job_facets).get("tags")
    listed = tags.get("tags") if type(tags) is dict else None
    index = finding.pointer.split("/")[-2]
    tag = listed[int(index)] if type(listed) is list and index.isdecimal() and int(index) < len(listed) else None
    return type(tag) is dict and tag.get("source") == "AIRFLOW"


def _is_uri_of_source(_: EventView, finding: Finding) -> bool:
    return finding.pointer.endswith("/facets/dataSource/uri")


def _is_statistics(_: EventView, finding: Finding) -> bool:
    return finding.pointer.endswith("/outputFacets/outputStatistics")


def _has_no_processing(event: EventView, _: Finding) -> bool:
    job_type = event.job_facets.get("jobType")
    return type(job_type) is dict and job_type.get("processingType") == "NONE"


def _in_namespace(beginning: str) -> Callable[[EventView, Finding], bool]:
    """Whether what is found is a dataset whose namespace begins with this."""

    def holds(event: EventView, finding: Finding) -> bool:
        at = finding.pointer.rpartition("/")[0]
        found: Dataset | None = next((dataset for dataset in event.datasets if dataset.pointer == at), None)
        return found is not None and (found.namespace or "").startswith(beginning)

    return holds


def _native(word: str, address: str, **content: object) -> Changes:
    job_type = facet("JobTypeJobFacet", "2-0-3", processingType="BATCH", integration=word, jobType="TASK")
    return {"/producer": address, "/job/facets/jobType": {**job_type, **content}}


_AIRFLOW = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
_SPARK = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark"
_DBT = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/dbt"
_AIRFLOW_CODE = "https://github.com/apache/airflow/tree/main/providers/openlineage"
_OPENLINEAGE_CODE = "https://github.com/OpenLineage/OpenLineage"
_OF_AIRFLOW = _native("AIRFLOW", _AIRFLOW)
_OF_SPARK = _native("SPARK", _SPARK)
_OF_DBT_OL = _native("DBT", _DBT, jobType="MODEL")


def _tagged(source: str) -> Changes:
    tag = {"key": "airflow_tag", "value": "daily", "source": source}
    return {**_OF_AIRFLOW, "/job/facets/tags": facet("TagsJobFacet", "1-0-0", tags=[tag])}


def _sourced(uri: str) -> Changes:
    read = dataset("/raw/orders", "file", dataSource=facet("DatasourceDatasetFacet", "1-0-1", name="file", uri=uri))
    return {**_OF_SPARK, "/inputs": [read]}


def _with_empty(facets: str, key: str, name: str, version: str) -> Changes:
    written = {**dataset("shop.public.paid_orders"), facets: {key: facet(name, version)}}
    return {**_OF_DBT_OL, "/outputs": [written]}


_OF_SPANNER = "The integration's part for Spanner names tables in a form of its own, spanner://project/instance."
_SPANNER_HELPS = (
    "Nothing to do in Spark. Who names the same tables elsewhere, by spanner://project:instance and "
    "database.schema.table as the standard has it, makes other nodes: name them as Spark does there."
)


def _reads(name: str, namespace: str) -> Changes:
    return {**_OF_SPARK, "/inputs": [dataset(name, namespace)]}


EXEMPTIONS: tuple[Exemption, ...] = (
    Exemption(
        "AIRFLOW", "DD403", "the tag's source is AIRFLOW", _has_airflows_tag,
        because="The provider writes the DAG's and the task's tags with a source of its own.",
        advice="Nothing to do for Airflow's own tags. Those that monitors are to use: set "
        "OPENLINEAGE__TAGS__JOB__<KEY>=<value>; the client gives them the source USER.",
        source=_AIRFLOW_CODE,
        example=_tagged("AIRFLOW"),
        neighbour=_tagged("airflow"),
    ),
    Exemption(
        "AIRFLOW", "DD104", "the job's name ends with .query.N", _is_query,
        because="Each SQL statement of a task is a child job of the type QUERY; the task above it is a node.",
        advice="Nothing to do: the task is the node, and its queries are told below it.",
        source=_AIRFLOW_CODE,
        example={**_native("AIRFLOW", _AIRFLOW, jobType="QUERY"), "/job/name": "shop.load_orders.query.1"},
        neighbour={**_native("AIRFLOW", _AIRFLOW, jobType="QUERY"), "/job/name": "shop.load_orders"},
    ),
    Exemption(
        "SPARK", "OL103", "it is dataSource.uri", _is_uri_of_source,
        because="The integration writes the dataset's namespace there, which for local files is the word file.",
        advice="Nothing to do: it is the integration's, and says no more than the dataset's namespace.",
        source=_OPENLINEAGE_CODE,
        example=_sourced("file"),
        neighbour={
            **_OF_SPARK,
            "/job/facets/sourceCodeLocation": facet("SourceCodeLocationJobFacet", "1-0-1", type="git", url="file"),
        },
    ),
    Exemption(
        "SPARK", "DD103", "processingType is NONE", _has_no_processing,
        because="Events of the application itself, which processes nothing, say NONE.",
        advice="Nothing to do: the application's jobs say BATCH or STREAMING in events of their own.",
        source=_OPENLINEAGE_CODE,
        example=_native("SPARK", _SPARK, processingType="NONE", jobType="APPLICATION"),
        neighbour=_native("SPARK", _SPARK, processingType="SERVICE", jobType="APPLICATION"),
    ),
    Exemption(
        "SPARK", "DD202", "the namespace begins with spanner://", _in_namespace("spanner://"),
        because=_OF_SPANNER,
        advice=_SPANNER_HELPS,
        source=_OPENLINEAGE_CODE,
        example=_reads("shop/words", "spanner://acme/main"),
        neighbour=_reads("shop.public.words", "postgresql://db:5432"),
    ),
    Exemption(
        "SPARK", "DD204", "the namespace begins with spanner://", _in_namespace("spanner://"),
        because=_OF_SPANNER,
        advice=_SPANNER_HELPS,
        source=_OPENLINEAGE_CODE,
        example=_reads("shop/words", "spanner://acme/main"),
        neighbour=_reads("shop.words", "postgres://db:5432"),
    ),
    Exemption(
        "SPARK", "DD201", "the namespace begins with bigtable://", _in_namespace("bigtable://"),
        because="Neither Datadog nor the standard lists Bigtable, and the integration's connector names its tables.",
        advice="Nothing to do in Spark: the tables are nodes, and not surfaced in the product.",
        source=_OPENLINEAGE_CODE,
        example=_reads("words", "bigtable://acme/main"),
        neighbour=_reads("words", "bigtables://acme/main"),
    ),
    Exemption(
        "DBT", "DD201", "the namespace begins with duckdb://", _in_namespace("duckdb://"),
        because="DuckDB is a file of its own, which neither Datadog nor the standard lists.",
        advice="Nothing to do for a local trial. The target of the dbt profile that production uses, such as a "
        "PostgreSQL or Snowflake, is surfaced.",
        source=CUSTOM_JOBS,
        example={**_OF_DBT_OL, "/outputs": [dataset("shop.main.orders", "duckdb:///shop.duckdb")]},
        neighbour={**_OF_DBT_OL, "/outputs": [dataset("shop.main.orders", "warehouse")]},
    ),
    Exemption(
        "DBT", "OL108", "it is outputStatistics", _is_statistics,
        because="Of a view dbt's adapter, PostgreSQL's for one, tells -1 rows; the integration then writes the "
        "facet and leaves the number out.",
        advice="Nothing to do: a view has no rows of its own. A model that is materialized as table or incremental "
        "tells them.",
        source=_OPENLINEAGE_CODE,
        example=_with_empty("outputFacets", "outputStatistics", "OutputStatisticsOutputDatasetFacet", "1-0-2"),
        neighbour=_with_empty("facets", "symlinks", "SymlinksDatasetFacet", "1-0-1"),
    ),
)  # fmt: skip
"""What native producers are not to be blamed for. A row for each; nothing else is lowered."""


class RunExemption(NamedTuple):
    """The same of a rule about runs: ``holds`` is asked of a run, the examples are those of rules about runs."""

    word: str
    code: str
    condition: str
    holds: Callable[[RunView], bool]
    because: str
    advice: str
    source: str
    example: tuple[Changes, ...]
    neighbour: tuple[Changes, ...]


def _is_tested_dag(view: RunView) -> bool:
    """Whether a run is of a DAG that no scheduler started, as far as its facets tell."""
    if _word_in(view.facets.job.content("jobType"), "jobType") != "DAG":
        return False
    run = view.facets.run.content("airflowDagRun").get("dagRun")
    by, kind = _word_in(run, "triggered_by"), _word_in(run, "run_type")
    # Providers before 2.3 do not say by what a run was triggered.
    return by.rpartition(".")[2].lower() == "test" if by else kind != "scheduled"


def _never_began(view: RunView) -> bool:
    """Whether a run is of a task that its executor lost while it was queued: Airflow's scheduler tells its FAIL."""
    if _word_in(view.facets.job.content("jobType"), "jobType") != "TASK":
        return False
    message = _word_in(view.facets.run.content("errorMessage"), "message")
    return "the task instance's state attribute is queued" in message


def _word_in(facet: object, field: str) -> str:
    found = facet.get(field) if isinstance(facet, Mapping) else None
    return found if isinstance(found, str) else ""


def _of_dag(triggered_by: str) -> Changes:
    dag_run = {"run_id": "manual__2026-11-01T12:00:00+00:00", "run_type": "manual", "triggered_by": triggered_by}
    facet = {"_producer": _AIRFLOW, "_schemaURL": f"{_AIRFLOW_CODE}/AirflowDagRunFacet.json", "dagRun": dag_run}
    return {
        "/eventType": "COMPLETE",
        "/eventTime": "2026-11-01T12:00:09Z",
        **_native("AIRFLOW", _AIRFLOW, jobType="DAG", _producer=_AIRFLOW),
        "/run/facets/airflowDagRun": facet,
    }


def _of_lost_task(state: str) -> Changes:
    message = (
        "Executor LocalExecutor(parallelism=32) reported that the task instance shop.load finished with state failed, "
        f"but the task instance's state attribute is {state}."
    )
    return {
        "/eventType": "FAIL",
        "/eventTime": "2026-11-01T12:00:09Z",
        **_native("AIRFLOW", _AIRFLOW, jobType="TASK", _producer=_AIRFLOW),
        "/run/facets/errorMessage": facet(
            "ErrorMessageRunFacet", "1-0-1", message=message, programmingLanguage="python"
        ),
    }


RUN_EXEMPTIONS: tuple[RunExemption, ...] = (
    RunExemption(
        "AIRFLOW", "RC101", "it is a DAG, and dagRun.triggered_by says test", _is_tested_dag,
        because="The scheduler sends the START of a DAG, and airflow dags test runs without one.",
        advice="Nothing to do for a trial by airflow dags test: a scheduler sends START. All trials of a logical "
        "date have the same run ids.",
        source=_AIRFLOW_CODE,
        example=(_of_dag("test"),),
        neighbour=(_of_dag("ui"),),
    ),
    RunExemption(
        "AIRFLOW", "RC101", "it is a task, and errorMessage says that it failed while it was queued", _never_began,
        because="The task never began, so nobody sent START; the scheduler tells that its executor gave it up.",
        advice="START is not lost. Look in the scheduler's and the executor's log why the task could not begin: an "
        "execution API that does not answer, a worker that is gone.",
        source=_AIRFLOW_CODE,
        example=(_of_lost_task("queued"),),
        neighbour=(_of_lost_task("running"),),
    ),
)  # fmt: skip
"""The same of rules about runs."""


_OF_RUNS = {each.code for each in RUN_EXEMPTIONS} | {each.code for each in REMEDIES}


def run_without_blame(view: RunView, findings: list[Finding]) -> list[Finding]:
    """The findings of a run, as ``without_blame`` has those of events. Whose it is its jobType facet says."""
    if not any(finding.code in _OF_RUNS for finding in findings):
        return findings
    word = _native_word(view)
    return findings if word is None else [_run_lowered(view, word, finding) for finding in findings]


def may_be_lowered(view: RunView, code: str) -> bool:
    """Whether ``run_without_blame`` may change what the rule with this code finds in a run."""
    return code in _OF_RUNS and _native_word(view) is not None


def _native_word(view: RunView) -> str | None:
    job_type = view.facets.job.content("jobType")
    word = _word_in(job_type, "integration")
    return word if word in _ADDRESSES and is_address_of(word, _word_in(job_type, "_producer")) else None


def _run_lowered(view: RunView, word: str, finding: Finding) -> Finding:
    for exemption in RUN_EXEMPTIONS:
        if (exemption.code, exemption.word) == (finding.code, word) and exemption.holds(view):
            return replace(finding, severity=Severity.INFO, advice=exemption.advice)
    return _helped(word, finding)


def _helped(word: str, finding: Finding) -> Finding:
    remedy = remedy_of(word, finding)
    return finding if remedy is None else replace(finding, advice=remedy.advice)


def without_blame(event: EventView, findings: list[Finding]) -> list[Finding]:
    """``findings`` of ``event``, those that a native producer's user cannot change being ``info``.

    Only the severity and the advice of a finding change; its ``violates`` stays. Of other findings the advice alone
    does, to what the integration's user can set.
    """
    job_type = event.job_facets.get("jobType")
    word = job_type.get("integration") if type(job_type) is dict else None
    if type(word) is not str or word not in _ADDRESSES or not is_address_of(word, event.producer):
        return findings
    return [_lowered(event, word, finding) for finding in findings]


def _lowered(event: EventView, word: str, finding: Finding) -> Finding:
    for exemption in EXEMPTIONS:
        if exemption.code == finding.code and exemption.word == word and exemption.holds(event, finding):
            return replace(finding, severity=Severity.INFO, advice=exemption.advice)
    return _helped(word, finding)
