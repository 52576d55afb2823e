"""Facets with one document for several entities: lineage and subset."""

from __future__ import annotations

from mock_intake.openlineage.facts.notation import (
    ANY,
    BOOLEAN,
    STRING,
    UUID,
    AnyOf,
    Array,
    Base,
    Const,
    Enum,
    Facet,
    Map,
    Named,
    Object,
    OneOf,
    Version,
)

FACETS = (
    Facet(
        "LineageFacet",
        key="lineage",
        entities=("dataset", "job"),
        root=AnyOf((Named("LineageDatasetFacet"), Named("LineageJobFacet"))),
        versions=(
            Version(
                "1-0-0",
                definitions={
                    "LineageDatasetFacet": Base(
                        "DatasetFacet",
                        {
                            "inputs": Array(Named("LineageInput")),
                            "fields": Map(Named("LineageFieldEntry")),
                        },
                    ),
                    "LineageJobFacet": Base(
                        "JobFacet",
                        {
                            "entries!": Array(Named("LineageEntry")),
                        },
                    ),
                    "LineageEntry": OneOf((Named("LineageDatasetEntry"), Named("LineageJobEntry"))),
                    "LineageDatasetEntry": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                            "type!": Enum(("DATASET",)),
                            "inputs": Array(Named("LineageInput")),
                            "fields": Map(Named("LineageFieldEntry")),
                        }
                    ),
                    "LineageJobEntry": Object(
                        {
                            "namespace": STRING,
                            "name": STRING,
                            "type!": Enum(("JOB",)),
                            "runId": UUID,
                            "inputs": Array(Named("LineageInput")),
                        },
                        together=("namespace", "name"),
                    ),
                    "LineageInput": OneOf((Named("LineageDatasetInput"), Named("LineageJobInput"))),
                    "LineageDatasetInput": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                            "type!": Enum(("DATASET",)),
                            "field": STRING,
                            "transformations": Array(Named("LineageTransformation")),
                        }
                    ),
                    "LineageJobInput": Object(
                        {
                            "namespace": STRING,
                            "name": STRING,
                            "type!": Enum(("JOB",)),
                            "runId": UUID,
                            "transformations": Array(Named("LineageTransformation")),
                        },
                        together=("namespace", "name"),
                    ),
                    "LineageFieldEntry": Object(
                        {
                            "inputs!": Array(Named("LineageInput")),
                        }
                    ),
                    "LineageTransformation": Object(
                        {
                            "type!": STRING,
                            "subtype": STRING,
                            "description": STRING,
                            "masking": BOOLEAN,
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "BaseSubsetDatasetFacet",
        key="subset",
        entities=("input", "output"),
        root=Named("BaseSubsetDatasetFacet"),
        required_key=True,
        versions=(
            Version(
                "1-0-0",
                definitions={
                    "BaseSubsetDatasetFacet": OneOf(
                        (Named("InputSubsetInputDatasetFacet"), Named("OutputSubsetOutputDatasetFacet"))
                    ),
                    "InputSubsetInputDatasetFacet": Base(
                        "InputDatasetFacet",
                        {
                            "inputCondition!": Named("BaseSubsetCondition"),
                        },
                    ),
                    "OutputSubsetOutputDatasetFacet": Base(
                        "OutputDatasetFacet",
                        {
                            "outputCondition!": Named("BaseSubsetCondition"),
                        },
                    ),
                    "BaseSubsetCondition": OneOf(
                        (
                            Named("LocationSubsetCondition"),
                            Named("PartitionSubsetCondition"),
                            Named("BinarySubsetCondition"),
                            Named("CompareSubsetCondition"),
                        )
                    ),
                    "LocationSubsetCondition": Object(
                        {
                            "type!": Const("location"),
                            "locations!": Array(STRING),
                        }
                    ),
                    "PartitionSubsetCondition": Object(
                        {
                            "type!": Const("partition"),
                            "partitions!": Array(
                                Object(
                                    {
                                        "identifier": STRING,
                                        "dimensions!": Map(ANY),
                                    }
                                )
                            ),
                        }
                    ),
                    "BinarySubsetCondition": Object(
                        {
                            "type!": Const("binary"),
                            "left!": Named("BaseSubsetCondition"),
                            "right!": Named("BaseSubsetCondition"),
                            "operator!": STRING,
                        }
                    ),
                    "CompareSubsetCondition": Object(
                        {
                            "type!": Const("compare"),
                            "left!": OneOf((Named("FieldBaseCompareExpression"), Named("LiteralCompareExpression"))),
                            "right!": OneOf((Named("FieldBaseCompareExpression"), Named("LiteralCompareExpression"))),
                            "comparison!": STRING,
                        }
                    ),
                    "FieldBaseCompareExpression": Object(
                        {
                            "type!": Const("field"),
                            "field!": STRING,
                        }
                    ),
                    "LiteralCompareExpression": Object(
                        {
                            "type!": Const("literal"),
                            "value!": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
)
