"""Facets of datasets."""

from __future__ import annotations

from mock_intake.openlineage.facts.notation import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIME,
    URI,
    Array,
    Enum,
    Facet,
    Map,
    Named,
    Object,
    Version,
)

FACETS = (
    Facet(
        "CatalogDatasetFacet",
        key="catalog",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "framework!": STRING,
                    "type!": STRING,
                    "name!": STRING,
                    "metadataUri": STRING,
                    "warehouseUri": STRING,
                    "source": STRING,
                },
            ),
            Version(
                "1-1-0",
                added={
                    "catalogProperties": Map(STRING),
                },
            ),
        ),
    ),
    Facet(
        "ColumnLineageDatasetFacet",
        key="columnLineage",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "fields!": Map(
                        Object(
                            {
                                "inputFields!": Array(
                                    Object(
                                        {
                                            "namespace!": STRING,
                                            "name!": STRING,
                                            "field!": STRING,
                                        }
                                    )
                                ),
                            }
                        )
                    ),
                },
            ),
            Version(
                "1-0-1",
                core="1-0-2",
                fields={
                    "fields!": Map(
                        Object(
                            {
                                "inputFields!": Array(
                                    Object(
                                        {
                                            "namespace!": STRING,
                                            "name!": STRING,
                                            "field!": STRING,
                                        }
                                    )
                                ),
                                "transformationDescription": STRING,
                                "transformationType": STRING,
                            }
                        )
                    ),
                },
            ),
            Version("1-0-2"),
            Version(
                "1-1-0",
                fields={
                    "fields!": Map(
                        Object(
                            {
                                "inputFields!": Array(
                                    Object(
                                        {
                                            "namespace!": STRING,
                                            "name!": STRING,
                                            "field!": STRING,
                                            "transformations": Array(
                                                Object(
                                                    {
                                                        "type!": STRING,
                                                        "subtype": STRING,
                                                        "description": STRING,
                                                        "masking": BOOLEAN,
                                                    }
                                                )
                                            ),
                                        }
                                    )
                                ),
                                "transformationDescription": STRING,
                                "transformationType": STRING,
                            }
                        )
                    ),
                },
            ),
            Version(
                "1-2-0",
                fields={
                    "fields!": Map(
                        Object(
                            {
                                "inputFields!": Array(Named("InputField")),
                                "transformationDescription": STRING,
                                "transformationType": STRING,
                            }
                        )
                    ),
                    "dataset": Array(Named("InputField")),
                },
                definitions={
                    "InputField": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                            "field!": STRING,
                            "transformations": Array(
                                Object(
                                    {
                                        "type!": STRING,
                                        "subtype": STRING,
                                        "description": STRING,
                                        "masking": BOOLEAN,
                                    }
                                )
                            ),
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "DataQualityMetricsDatasetFacet",
        key="dataQualityMetrics",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "rowCount": INTEGER,
                    "bytes": INTEGER,
                    "fileCount": INTEGER,
                    "lastUpdated": TIME,
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
            # Of September 2026: what the class of openlineage-python 1.54 sends. No document of it was at hand.
            Version("1-0-1", added={"captureDate": TIME}),
        ),
    ),
    Facet(
        "DatasetTypeDatasetFacet",
        key="datasetType",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "datasetType!": STRING,
                    "subType": STRING,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "DatasetVersionDatasetFacet",
        key="version",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "datasetVersion!": STRING,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "DatasourceDatasetFacet",
        key="dataSource",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "name": STRING,
                    "uri": URI,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "DocumentationDatasetFacet",
        key="documentation",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "description!": STRING,
                },
            ),
            Version("1-0-1"),
            Version(
                "1-1-0",
                added={
                    "contentType": STRING,
                },
            ),
        ),
    ),
    Facet(
        "HierarchyDatasetFacet",
        key="hierarchy",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "hierarchy!": Array(Named("HierarchyDatasetFacetLevel")),
                },
                definitions={
                    "HierarchyDatasetFacetLevel": Object(
                        {
                            "type!": STRING,
                            "name!": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "LifecycleStateChangeDatasetFacet",
        key="lifecycleStateChange",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "lifecycleStateChange!": Enum(("ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE")),
                    "previousIdentifier": Object(
                        {
                            "name!": STRING,
                            "namespace!": STRING,
                        }
                    ),
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "OwnershipDatasetFacet",
        key="ownership",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-3",
                fields={
                    "owners": Array(
                        Object(
                            {
                                "name!": STRING,
                                "type": STRING,
                            }
                        )
                    ),
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "SchemaDatasetFacet",
        key="schema",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "fields": Array(
                        Object(
                            {
                                "name!": STRING,
                                "type": STRING,
                                "description": STRING,
                            }
                        )
                    ),
                },
            ),
            Version(
                "1-1-0",
                core="1-0-2",
                fields={
                    "fields": Array(Named("SchemaDatasetFacetFields")),
                },
                definitions={
                    "SchemaDatasetFacetFields": Object(
                        {
                            "name!": STRING,
                            "type": STRING,
                            "description": STRING,
                            "fields": Array(Named("SchemaDatasetFacetFields")),
                        }
                    ),
                },
            ),
            Version("1-1-1"),
            Version(
                "1-2-0",
                fields={
                    "fields": Array(Named("SchemaDatasetFacetFields")),
                },
                definitions={
                    "SchemaDatasetFacetFields": Object(
                        {
                            "name!": STRING,
                            "type": STRING,
                            "description": STRING,
                            "ordinal_position": INTEGER,
                            "fields": Array(Named("SchemaDatasetFacetFields")),
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "StorageDatasetFacet",
        key="storage",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "storageLayer!": STRING,
                    "fileFormat": STRING,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "SymlinksDatasetFacet",
        key="symlinks",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "identifiers": Array(
                        Object(
                            {
                                "namespace!": STRING,
                                "name!": STRING,
                                "type!": STRING,
                            }
                        )
                    ),
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "TagsDatasetFacet",
        key="tags",
        entities=("dataset",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "tags": Array(Named("TagsDatasetFacetFields")),
                },
                definitions={
                    "TagsDatasetFacetFields": Object(
                        {
                            "key!": STRING,
                            "value!": STRING,
                            "source": STRING,
                            "field": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
)
