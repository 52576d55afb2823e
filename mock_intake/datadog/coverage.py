"""What each facet produces at Datadog: the supported facets of the vendor's draft, as a table."""

from __future__ import annotations

from typing import NamedTuple

from mock_intake.datadog.sources import DRAFT
from mock_intake.model.literals import Entity

SOURCE = DRAFT


class Supported(NamedTuple):
    """A facet that Datadog reads: on which entity, under which key, and what comes of it."""

    entity: Entity
    key: str
    produces: str


SUPPORTED: tuple[Supported, ...] = (
    Supported("run", "nominalTime", "the scheduled time of the run"),
    Supported("run", "parent", "a parent node and an edge to it"),
    Supported("run", "errorMessage", "error.message and error.stack of the span"),
    Supported("run", "processing_engine", "name and version of the engine"),
    Supported("run", "externalQuery", "the id of the query in its warehouse"),
    Supported("run", "environmentVariables", "environment variables of the run"),
    Supported("run", "extractionError", "errors of the extraction"),
    Supported("run", "tags", "tags for monitors, and the span's service by _dd.ol_service; not searchable one by one"),
    Supported("job", "jobType", "integration and operation name; needed for a run event to be processed"),
    Supported("job", "sql", "the query, on COMPLETE only"),
    Supported("job", "documentation", "the description of the job"),
    Supported("job", "ownership", "owners of the job"),
    Supported("job", "sourceCode", "the source code"),
    Supported("job", "sourceCodeLocation", "a link to the source code"),
    Supported("job", "tags", "tags of the span, and for monitors where their source is USER"),
    Supported("dataset", "schema", "columns"),
    Supported("dataset", "columnLineage", "column lineage; narrows which inputs connect to an output"),
    Supported("dataset", "dataQualityMetrics", "row_count, bytes, freshness; nullness and uniqueness of columns"),
    Supported("dataset", "dataQualityAssertions", "results of assertions"),
    Supported("dataset", "ownership", "owners of the dataset (warehouse tables only)"),
    Supported("dataset", "documentation", "the description of the dataset (warehouse tables only)"),
    Supported("dataset", "tags", "tags of the dataset"),
    Supported("dataset", "dataSource", "the data source"),
    Supported("dataset", "lifecycleStateChange", "nothing: parsed and not used"),
    Supported("dataset", "datasetType", "the type of the dataset"),
    Supported("dataset", "version", "the version of the dataset"),
    Supported("dataset", "storage", "storage layer and file format"),
    Supported("dataset", "symlinks", "other names, of which the best is taken"),
    Supported("input", "inputStatistics", "read_row_count, read_bytes (requires feature enablement)"),
    Supported("input", "dataQualityMetrics", "metrics of the input"),
    Supported("output", "outputStatistics", "written_row_count, written_bytes (requires feature enablement)"),
)
BY_PLACE = {(supported.entity, supported.key): supported for supported in SUPPORTED}
