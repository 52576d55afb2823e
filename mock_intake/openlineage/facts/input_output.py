"""Facets of a dataset as the input or output of one run."""

from __future__ import annotations

from mock_intake.openlineage.facts.notation import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIME,
    Array,
    Facet,
    Map,
    Object,
    Version,
)

FACETS = (
    Facet(
        "DataQualityAssertionsDatasetFacet",
        key="dataQualityAssertions",
        entities=("input", "dataset"),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "assertions!": Array(
                        Object(
                            {
                                "assertion!": STRING,
                                "success!": BOOLEAN,
                                "column": STRING,
                            }
                        )
                    ),
                },
            ),
            Version("1-0-1"),
            Version(
                "1-0-2",
                fields={
                    "assertions!": Array(
                        Object(
                            {
                                "assertion!": STRING,
                                "success!": BOOLEAN,
                                "column": STRING,
                                "severity": STRING,
                            }
                        )
                    ),
                },
            ),
            Version(
                "1-1-0",
                fields={
                    "assertions!": Array(
                        Object(
                            {
                                "assertion!": STRING,
                                "success!": BOOLEAN,
                                "column": STRING,
                                "severity": STRING,
                                "name": STRING,
                                "description": STRING,
                                "expected": STRING,
                                "actual": STRING,
                                "content": STRING,
                                "contentType": STRING,
                                "params": Map(ANY),
                            }
                        )
                    ),
                },
            ),
        ),
    ),
    Facet(
        "DataQualityMetricsInputDatasetFacet",
        key="dataQualityMetrics",
        entities=("input",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "rowCount": INTEGER,
                    "bytes": INTEGER,
                    "columnMetrics!": Map(
                        Object(
                            {
                                "nullCount": INTEGER,
                                "distinctCount": INTEGER,
                                "sum": NUMBER,
                                "count": NUMBER,
                                "min": NUMBER,
                                "max": NUMBER,
                                "quantiles": Map(NUMBER),
                            }
                        )
                    ),
                },
            ),
            Version(
                "1-0-1",
                core="1-0-2",
                added={
                    "fileCount": INTEGER,
                },
            ),
            Version("1-0-2"),
            Version(
                "1-0-3",
                added={
                    "lastUpdated": TIME,
                },
            ),
        ),
    ),
    Facet(
        "InputStatisticsInputDatasetFacet",
        key="inputStatistics",
        entities=("input",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "rowCount": INTEGER,
                    "size": INTEGER,
                    "fileCount": INTEGER,
                },
            ),
        ),
    ),
    Facet(
        "OutputStatisticsOutputDatasetFacet",
        key="outputStatistics",
        entities=("output",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "rowCount!": INTEGER,
                    "size": INTEGER,
                },
            ),
            Version(
                "1-0-1",
                core="1-0-2",
                fields={
                    "rowCount": INTEGER,
                    "size": INTEGER,
                    "fileCount": INTEGER,
                },
            ),
            Version("1-0-2"),
        ),
    ),
)
