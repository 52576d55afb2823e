"""The rules of Datadog's documentation about events: what each asks for, why, and how surely it is known."""

from __future__ import annotations

from mock_intake.datadog.sources import CUSTOM_JOBS, DRAFT, STANDARD_NAMING
from mock_intake.findings import Rule, Severity, Sureness

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_DOCUMENTED, _DRAFT, _ASSUMED = Sureness.DOCUMENTED, Sureness.DRAFT, Sureness.ASSUMED

RESERVED_INTEGRATIONS = ("SPARK", "AIRFLOW", "DBT", "BIGQUERY", "SNOWFLAKE", "TRINO", "ICEBERG", "TABLEAU")

JOB_TYPE_MISSING = Rule(
    "DD101", "job-type-missing", _ERROR, "event",
    "Every run event carries the jobType job facet.",
    "Datadog documents that it needs the facet to process a run event. The event is answered with a 2xx all the same, "
    "so nothing tells the producer that it will not be there.",
    'Add job.facets.jobType = {"processingType": "BATCH", "integration": "CUSTOM", "jobType": "JOB"} with _producer '
    "and _schemaURL, on every event of the run; in Python job_type_job.JobTypeJobFacet(...).",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
INTEGRATION_RESERVED = Rule(
    "DD102", "integration-reserved", _ERROR, "event",
    f"A custom job's integration is none of {', '.join(RESERVED_INTEGRATIONS)}.",
    "These are reserved for native integrations and documented as unsupported for custom jobs.",
    "Use a word of your own, such as CUSTOM or the name of your tool.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
PROCESSING_TYPE_UNKNOWN = Rule(
    "DD103", "processing-type-unknown", _WARNING, "event",
    "processingType is BATCH or STREAMING.",
    "Datadog documents these two; the standard also knows SERVICE. How a run with another value is shown is unknown.",
    "Use BATCH for a job that ends, STREAMING for one that does not.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
QUERY_NO_NODE = Rule(
    "DD104", "query-makes-no-node", _WARNING, "event",
    "A job that is to be seen in the lineage graph has another jobType than QUERY.",
    "Jobs of the type QUERY make no lineage node.",
    "Use JOB, TASK, DAG, MODEL or COMMAND if the job is to be a node.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
EVENT_TYPE_MISSING = Rule(
    "DD105", "event-type-missing", _WARNING, "event",
    "A run event says which state the run is in: eventType.",
    "The standard lets it out, but Datadog builds the run from START and its terminal event; without a type the event "
    "starts and ends nothing.",
    "Send START, RUNNING, COMPLETE, FAIL, ABORT or OTHER.",
    CUSTOM_JOBS, _ASSUMED,
)  # fmt: skip
NAMESPACE_UNRECOGNISED = Rule(
    "DD201", "namespace-unrecognised", _WARNING, "event",
    "A dataset's namespace has the form of a platform that Datadog or the standard lists.",
    "A dataset with another namespace still makes a node, but it is not surfaced in the product.",
    "Build namespace and name after the naming table; in Python openlineage.client.naming does it.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
NAMESPACE_MALFORMED = Rule(
    "DD202", "namespace-malformed", _WARNING, "event",
    "A dataset's namespace is complete and in its platform's form.",
    "Datasets are matched by exact string equality, so the node stands alone and its lineage is not joined.",
    "Write it in the platform's form.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
FORM_DISPUTED = Rule(
    "DD203", "naming-form-disputed", _WARNING, "event",
    "A dataset is named in the form of Datadog's live documentation.",
    "The vendor's pages and the standard disagree about this platform; a name in another form may not join.",
    "Use the form of the live page, and check in the product that the dataset joins.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
NAME_TOO_SHORT = Rule(
    "DD204", "name-too-few-parts", _WARNING, "event",
    "A dataset's name has all the parts of its platform.",
    "A name with fewer parts falls back to the nearest higher node: the schema or the database in place of the table.",
    "Give the full name.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
NAME_TOO_LONG = Rule(
    "DD205", "name-too-many-parts", _WARNING, "event",
    "A dataset's name has no more parts than its platform knows.",
    "The name is matched as a whole, and no table has such a name.",
    "Leave out what belongs into the namespace; quote a part that has a dot in it.",
    CUSTOM_JOBS, _ASSUMED,
)  # fmt: skip
PATH_TOO_DEEP = Rule(
    "DD206", "object-path-too-deep", _INFO, "event",
    "What is to be one dataset in an object store is told apart within three path levels.",
    "Names in object stores are cut to three levels, so deeper paths become one dataset.",
    "Nothing to do if the first three levels name the dataset; else name the dataset by a shorter path.",
    DRAFT, _DRAFT,
)  # fmt: skip
NAME_MALFORMED = Rule(
    "DD207", "name-malformed", _WARNING, "event",
    "A dataset's name is in its platform's form.",
    "Datasets are matched by exact string equality, so the node stands alone and its lineage is not joined.",
    "Write it in the platform's form.",
    STANDARD_NAMING, _DOCUMENTED,
)  # fmt: skip
COLUMN_INPUT_UNKNOWN = Rule(
    "DD301", "column-lineage-input-unknown", _WARNING, "event",
    "The input fields of columnLineage are of datasets that are inputs of the event, namespace and name being equal.",
    "Column lineage narrows which inputs are connected to an output; an input that the event does not have connects to "
    "nothing.",
    "Use the very same namespace and name as in inputs, or add the dataset to inputs. Nothing to do if an earlier "
    "event of the run had it among its inputs.",
    DRAFT, _DRAFT,
)  # fmt: skip
TAGS_NO_ARRAY = Rule(
    "DD401", "tags-no-array", _WARNING, "event",
    "The tags facet holds an array of tags.",
    "Tags in another form are not read.",
    'Write "tags": [{"key": "team", "value": "data", "source": "USER"}].',
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
TAG_INCOMPLETE = Rule(
    "DD402", "tag-incomplete", _WARNING, "event",
    "Every tag has key, value and source.",
    "Datadog documents all three as needed; the standard asks for key and value only.",
    'Write {"key": "team", "value": "data", "source": "USER"}.',
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
TAG_SOURCE_NOT_USER = Rule(
    "DD403", "tag-source-not-user", _WARNING, "event",
    "A job's tags have the source USER, in exactly these letters.",
    "Only such tags can be used in job monitors.",
    'Write "source": "USER" for tags that monitors are to use.',
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
RUN_TAGS_UNUSED = Rule(
    "DD404", "run-tags-unused", _INFO, "event",
    "Tags that are to be seen on a run's span stand on the job.",
    "Job tags become tags of the span, run tags do not.",
    "Put the tag into job.facets.tags.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
FAIL_WITHOUT_ERROR = Rule(
    "DD501", "fail-without-error-message", _WARNING, "event",
    "FAIL carries the errorMessage run facet.",
    "error.message and error.stack of the span come from it; without it the run is failed for no visible reason.",
    "Add run.facets.errorMessage with message, programmingLanguage and stackTrace.",
    CUSTOM_JOBS, _DOCUMENTED,
)  # fmt: skip
COMPLETE_WITHOUT_SCHEMA = Rule(
    "DD502", "complete-without-schema", _INFO, "event",
    "Datasets carry the schema facet, at the latest with COMPLETE.",
    "Columns are shown and followed only where they are known.",
    "Add the schema facet to inputs and outputs, unless an earlier event of the run had it.",
    DRAFT, _DRAFT,
)  # fmt: skip
COMPLETE_WITHOUT_STATISTICS = Rule(
    "DD503", "complete-without-statistics", _INFO, "event",
    "Outputs carry the outputStatistics facet, at the latest with COMPLETE.",
    "Rows and bytes written come from it.",
    "Add outputFacets.outputStatistics with rowCount and size, unless an earlier event of the run had it.",
    DRAFT, _DRAFT,
)  # fmt: skip
COMPLETE_WITHOUT_COLUMN_LINEAGE = Rule(
    "DD504", "complete-without-column-lineage", _INFO, "event",
    "Outputs carry the columnLineage facet, at the latest with COMPLETE.",
    "Without it every input is connected to every output, and columns cannot be followed.",
    "Add the columnLineage facet to outputs, unless an earlier event of the run had it.",
    DRAFT, _DRAFT,
)  # fmt: skip
SQL_NOT_PROCESSED = Rule(
    "DD505", "sql-not-processed", _INFO, "event",
    "The sql job facet is sent with COMPLETE.",
    "It is processed on COMPLETE only.",
    "Send it with COMPLETE too.",
    DRAFT, _DRAFT,
)  # fmt: skip
ABORT_NO_SPAN = Rule(
    "DD506", "abort-makes-no-span", _INFO, "event",
    "A run that is to be seen with its duration ends with COMPLETE or FAIL.",
    "Spans are made on these two only; ABORT makes none.",
    "Send FAIL if the aborted run is to be seen as failed.",
    DRAFT, _DRAFT,
)  # fmt: skip

RULES = (
    JOB_TYPE_MISSING, INTEGRATION_RESERVED, PROCESSING_TYPE_UNKNOWN, QUERY_NO_NODE, EVENT_TYPE_MISSING,
    NAMESPACE_UNRECOGNISED, NAMESPACE_MALFORMED, FORM_DISPUTED, NAME_TOO_SHORT, NAME_TOO_LONG, PATH_TOO_DEEP,
    NAME_MALFORMED,
    COLUMN_INPUT_UNKNOWN, TAGS_NO_ARRAY, TAG_INCOMPLETE, TAG_SOURCE_NOT_USER, RUN_TAGS_UNUSED, FAIL_WITHOUT_ERROR,
    COMPLETE_WITHOUT_SCHEMA, COMPLETE_WITHOUT_STATISTICS, COMPLETE_WITHOUT_COLUMN_LINEAGE, SQL_NOT_PROCESSED,
    ABORT_NO_SPAN,
)  # fmt: skip
