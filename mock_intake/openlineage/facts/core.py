"""The core: events, runs, jobs and datasets, and how each published version differs from the others.

Up to 1-0-5 the core knows run events only. 1-0-0 and 1-0-1 define the first facets inside the core
document; 1-0-4 to 2-0-1 refer to facet documents that were never published at those addresses, so all
that they really ask of a facet is its base.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from mock_intake.model.event import Kind
from mock_intake.openlineage.facts.notation import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIME,
    URI,
    UUID,
    Array,
    Base,
    Enum,
    Map,
    Named,
    Object,
    Type,
)


class Core(Struct, frozen=True):
    """What one core version says, beside what all of them say.

    ``deletable`` are the base facets with a ``_deleted`` flag; ``exclusive`` tells whether the three
    kinds exclude each other; ``inline`` are facets that the core itself defines, by definition and key.
    """

    event_types: tuple[str, ...]
    kinds: tuple[Kind, ...] = ("RunEvent",)
    definitions: str = "$defs"
    deletable: tuple[str, ...] = ()
    exclusive: bool = False
    inline: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)


FIRST_EVENT_TYPES = ("START", "COMPLETE", "ABORT", "FAIL", "OTHER")
EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
ALL_KINDS: tuple[Kind, ...] = ("RunEvent", "DatasetEvent", "JobEvent")

COMMON_FIELDS: Mapping[str, Type] = {
    "eventTime!": TIME,
    "producer!": URI,
    "schemaURL!": URI,
}
KIND_FIELDS: Mapping[Kind, Mapping[str, Type]] = {
    "RunEvent": {
        "run!": Named("Run"),
        "job!": Named("Job"),
        "inputs": Array(Named("InputDataset")),
        "outputs": Array(Named("OutputDataset")),
    },
    "JobEvent": {
        "job!": Named("Job"),
        "inputs": Array(Named("InputDataset")),
        "outputs": Array(Named("OutputDataset")),
    },
    "DatasetEvent": {
        "dataset!": Named("StaticDataset"),
    },
}
# Since 2-0-2: fields that a kind must not have together.
NEVER_TOGETHER: Mapping[Kind, tuple[str, ...]] = {"JobEvent": ("run",), "DatasetEvent": ("job", "run")}

ENTITY_FIELDS: Mapping[str, Mapping[str, Type]] = {
    "Run": {"runId!": UUID},
    "Job": {"namespace!": STRING, "name!": STRING},
    "Dataset": {"namespace!": STRING, "name!": STRING},
}
BASE_FACET_FIELDS: Mapping[str, Type] = {
    "_producer!": URI,
    "_schemaURL!": URI,
}

_COLUMN_METRICS = Map(
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
)
_DOCUMENTATION = Base("BaseFacet", {"description!": STRING})
_INLINE: Mapping[str, Mapping[str, Type]] = {
    "RunFacet": {
        "nominalTime": Base("BaseFacet", {"nominalStartTime!": TIME, "nominalEndTime": TIME}),
        "parent": Base(
            "BaseFacet",
            {
                "run!": Object({"runId!": UUID}),
                "job!": Object({"namespace!": STRING, "name!": STRING}),
            },
        ),
    },
    "JobFacet": {
        "documentation": _DOCUMENTATION,
        "sourceCodeLocation": Base(
            "BaseFacet",
            {
                "type!": STRING,
                "url!": URI,
                "repoUrl": STRING,
                "path": STRING,
                "version": STRING,
                "tag": STRING,
                "branch": STRING,
            },
        ),
        "sql": Base("BaseFacet", {"query!": STRING}),
    },
    "DatasetFacet": {
        "documentation": _DOCUMENTATION,
        "schema": Base(
            "BaseFacet", {"fields": Array(Object({"name!": STRING, "type": STRING, "description": STRING}))}
        ),
        "dataSource": Base("BaseFacet", {"name": STRING, "uri": URI}),
    },
    "InputDatasetFacet": {
        "dataQualityMetrics": Base(
            "BaseFacet", {"rowCount": INTEGER, "bytes": INTEGER, "columnMetrics!": _COLUMN_METRICS}
        ),
    },
    "OutputDatasetFacet": {
        "outputStatistics": Base("BaseFacet", {"rowCount!": INTEGER, "size": INTEGER}),
    },
}
_INLINE_1_0_1: Mapping[str, Mapping[str, Type]] = {
    **_INLINE,
    "InputDatasetFacet": {
        **_INLINE["InputDatasetFacet"],
        "dataQualityAssertions": Base(
            "BaseFacet",
            {"assertions!": Array(Object({"assertion!": STRING, "success!": BOOLEAN, "column": STRING}))},
        ),
    },
}
_DELETABLE = ("JobFacet", "DatasetFacet")

CORES: Mapping[str, Core] = {
    "1-0-0": Core(FIRST_EVENT_TYPES, definitions="definitions", inline=_INLINE),
    "1-0-1": Core(FIRST_EVENT_TYPES, definitions="definitions", inline=_INLINE_1_0_1),
    "1-0-2": Core(FIRST_EVENT_TYPES),
    "1-0-3": Core(EVENT_TYPES),
    "1-0-4": Core(EVENT_TYPES),
    "1-0-5": Core(EVENT_TYPES),
    "2-0-0": Core(EVENT_TYPES, kinds=ALL_KINDS),
    "2-0-1": Core(EVENT_TYPES, kinds=ALL_KINDS, deletable=_DELETABLE),
    "2-0-2": Core(EVENT_TYPES, kinds=ALL_KINDS, deletable=_DELETABLE, exclusive=True),
}
EVENT_TYPE = {version: Enum(core.event_types) for version, core in CORES.items()}
