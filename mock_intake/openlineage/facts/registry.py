"""Facets that other projects registered with the standard: Iceberg and Google Cloud."""

from __future__ import annotations

from mock_intake.openlineage.facts.notation import ANY, NUMBER, STRING, Array, Facet, Map, Object, Version

# Registered with the standard under addresses of its own, and not among what is published with it: facets of somebody's
# own, with which nothing here is compared.
REGISTERED_ALONE = (
    "BigQueryMetastoreCatalogDatasetFacet",
    "GcpBigQueryRoutineJobFacet",
    "GcpDataprocSparkRunFacet",
)

_SCAN_METRICS = Object(
    {
        "totalPlanningDuration": NUMBER,
        "resultDataFiles": NUMBER,
        "resultDeleteFiles": NUMBER,
        "totalDataManifests": NUMBER,
        "totalDeleteManifests": NUMBER,
        "scannedDataManifests": NUMBER,
        "skippedDataManifests": NUMBER,
        "totalFileSizeInBytes": NUMBER,
        "totalDeleteFileSizeInBytes": NUMBER,
        "skippedDataFiles": NUMBER,
        "skippedDeleteFiles": NUMBER,
        "scannedDeleteManifests": NUMBER,
        "skippedDeleteManifests": NUMBER,
        "indexedDeleteFiles": NUMBER,
        "equalityDeleteFiles": NUMBER,
        "positionalDeleteFiles": NUMBER,
    }
)

FACETS = (
    Facet(
        "GcpCommonJobFacet",
        key="gcp_common",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "displayName": STRING,
                    "origin": Object(
                        {
                            "sourceType": STRING,
                            "name": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "GcpComposerJobFacet",
        key="gcp_composer_job",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "environmentName!": STRING,
                    "dagId!": STRING,
                    "operator": STRING,
                    "taskId": STRING,
                    "airflowVersion!": STRING,
                    "composerVersion!": STRING,
                },
            ),
        ),
    ),
    Facet(
        "GcpComposerRunFacet",
        key="gcp_composer_run",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "dagRunId!": STRING,
                },
            ),
        ),
    ),
    Facet(
        "GcpDataprocRunFacet",
        key="gcp_dataproc",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "appId!": STRING,
                    "appName!": STRING,
                    "batchId": STRING,
                    "batchUuid": STRING,
                    "clusterName": STRING,
                    "clusterUuid": STRING,
                    "jobId": STRING,
                    "jobUuid": STRING,
                    "projectId!": STRING,
                    "queryNodeName": STRING,
                    "jobType": STRING,
                    "sessionId": STRING,
                    "sessionUuid": STRING,
                },
            ),
        ),
    ),
    Facet(
        "GcpLineageJobFacet",
        key="gcp_lineage",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "displayName": STRING,
                    "origin": Object(
                        {
                            "sourceType": STRING,
                            "name": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "IcebergCommitReportOutputDatasetFacet",
        key="icebergCommitReport",
        entities=("output",),
        versions=(
            Version(
                "1-0-0",
                key="iceberg_scan_report",
                fields={
                    "snapshotId": NUMBER,
                    "sequenceNumber": NUMBER,
                    "operation": STRING,
                    "commitMetrics": Object(
                        {
                            "totalDuration": NUMBER,
                            "attempts": NUMBER,
                            "addedDataFiles": NUMBER,
                            "removedDataFiles": NUMBER,
                            "totalDataFiles": NUMBER,
                            "addedDeleteFiles": NUMBER,
                            "addedEqualityDeleteFiles": NUMBER,
                            "addedPositionalDeleteFiles": NUMBER,
                            "addedDVs": NUMBER,
                            "removedDeleteFiles": NUMBER,
                            "removedEqualityDeleteFiles": NUMBER,
                            "removedPositionalDeleteFiles": NUMBER,
                            "removedDVs": NUMBER,
                            "totalDeleteFiles": NUMBER,
                            "addedRecords": NUMBER,
                            "removedRecords": NUMBER,
                            "totalRecords": NUMBER,
                            "addedFilesSizeInBytes": NUMBER,
                            "removedFilesSizeInBytes": NUMBER,
                            "totalFilesSizeInBytes": NUMBER,
                            "addedPositionalDeletes": NUMBER,
                            "removedPositionalDeletes": NUMBER,
                            "totalPositionalDeletes": NUMBER,
                            "addedEqualityDeletes": NUMBER,
                            "removedEqualityDeletes": NUMBER,
                            "totalEqualityDeletes": NUMBER,
                        }
                    ),
                    "metadata": Map(ANY),
                },
            ),
            Version("1-0-2", key="icebergCommitReport"),
        ),
    ),
    Facet(
        "IcebergScanReportInputDatasetFacet",
        key="icebergScanReport",
        entities=("input",),
        versions=(
            Version(
                "1-0-0",
                key="iceberg_scan_report",
                fields={
                    "snapshotId": NUMBER,
                    "filter": STRING,
                    "schemaId": NUMBER,
                    "projectedFieldNames": Array(STRING),
                    "scanMetrics": _SCAN_METRICS,
                    "metadata": Map(ANY),
                },
            ),
            Version(
                "1-0-1",
                key="icebergScanReport",
                fields={
                    "snapshotId": NUMBER,
                    "filterDescription": STRING,
                    "schemaId": NUMBER,
                    "projectedFieldNames": Array(STRING),
                    "scanMetrics": _SCAN_METRICS,
                    "metadata": Map(ANY),
                },
            ),
        ),
    ),
)
