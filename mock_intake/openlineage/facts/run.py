"""Facets of runs."""

from __future__ import annotations

from mock_intake.openlineage.facts.notation import (
    ANY,
    INTEGER,
    STRING,
    TIME,
    UUID,
    Array,
    Base,
    Facet,
    Map,
    Named,
    Object,
    Version,
)

FACETS = (
    Facet(
        "EnvironmentVariablesRunFacet",
        key="environmentVariables",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "environmentVariables!": Array(Named("EnvironmentVariable")),
                },
                definitions={
                    "EnvironmentVariable": Object(
                        {
                            "name!": STRING,
                            "value!": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "ErrorMessageRunFacet",
        key="errorMessage",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "message!": STRING,
                    "programmingLanguage!": STRING,
                    "stackTrace": STRING,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "ExecutionParametersRunFacet",
        key="executionParameters",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "parameters": Array(Named("ExecutionParameter")),
                },
                definitions={
                    "ExecutionParameter": Object(
                        {
                            "key!": STRING,
                            "name": STRING,
                            "description": STRING,
                            "value": STRING,
                        },
                        closed=True,
                    ),
                },
            ),
        ),
    ),
    Facet(
        "ExternalQueryRunFacet",
        key="externalQuery",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "externalQueryId!": STRING,
                    "source!": STRING,
                },
            ),
            Version("1-0-2"),
        ),
    ),
    Facet(
        "ExtractionErrorRunFacet",
        key="extractionError",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "totalTasks": INTEGER,
                    "failedTasks": INTEGER,
                    "errors!": Array(
                        Object(
                            {
                                "errorMessage!": STRING,
                                "stackTrace": STRING,
                                "task": STRING,
                                "taskNumber": INTEGER,
                            }
                        )
                    ),
                    "totalElements!": ANY,
                    "failedElements!": ANY,
                },
            ),
            Version(
                "1-1-0",
                core="1-0-2",
                fields={
                    "totalTasks!": INTEGER,
                    "failedTasks!": INTEGER,
                    "errors!": Array(
                        Object(
                            {
                                "errorMessage!": STRING,
                                "stackTrace": STRING,
                                "task": STRING,
                                "taskNumber": INTEGER,
                            }
                        )
                    ),
                },
            ),
            Version("1-1-2"),
        ),
    ),
    Facet(
        "JobDependenciesRunFacet",
        key="jobDependencies",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "upstream": Array(Named("JobDependency")),
                    "downstream": Array(Named("JobDependency")),
                    "trigger_rule": STRING,
                },
                definitions={
                    "RunIdentifier": Object(
                        {
                            "runId!": UUID,
                        }
                    ),
                    "JobIdentifier": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                        }
                    ),
                    "JobDependency": Object(
                        {
                            "job!": Named("JobIdentifier"),
                            "run": Named("RunIdentifier"),
                            "dependency_type": STRING,
                            "sequence_trigger_rule": STRING,
                            "status_trigger_rule": STRING,
                        }
                    ),
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "NominalTimeRunFacet",
        key="nominalTime",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "nominalStartTime!": TIME,
                    "nominalEndTime": TIME,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "ParentRunFacet",
        key="parent",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "run!": Object(
                        {
                            "runId!": UUID,
                        }
                    ),
                    "job!": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                        }
                    ),
                },
            ),
            Version("1-0-1"),
            Version(
                "1-1-0",
                fields={
                    "run!": Object(
                        {
                            "runId!": UUID,
                        }
                    ),
                    "job!": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                        }
                    ),
                    "root": Object(
                        {
                            "run!": Named("RootRun"),
                            "job!": Named("RootJob"),
                        }
                    ),
                },
                definitions={
                    "RootRun": Object(
                        {
                            "runId!": UUID,
                        }
                    ),
                    "RootJob": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                        }
                    ),
                },
            ),
            Version(
                "1-2-0",
                fields={
                    "run!": Object(
                        {
                            "runId!": UUID,
                            "facets": Map(Base("RunFacet")),
                        }
                    ),
                    "job!": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                            "facets": Map(Base("JobFacet")),
                        }
                    ),
                    "root": Object(
                        {
                            "run!": Named("RootRun"),
                            "job!": Named("RootJob"),
                        }
                    ),
                },
                definitions={
                    "RootRun": Object(
                        {
                            "runId!": UUID,
                            "facets": Map(Base("RunFacet")),
                        }
                    ),
                    "RootJob": Object(
                        {
                            "namespace!": STRING,
                            "name!": STRING,
                            "facets": Map(Base("JobFacet")),
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "ProcessingEngineRunFacet",
        key="processing_engine",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-3",
                fields={
                    "version": STRING,
                    "name": STRING,
                    "openlineageAdapterVersion": STRING,
                    "engine_version!": ANY,
                },
            ),
            Version(
                "1-1-0",
                core="1-0-3",
                fields={
                    "version!": STRING,
                    "name": STRING,
                    "openlineageAdapterVersion": STRING,
                },
            ),
            Version("1-1-1"),
        ),
    ),
    Facet(
        "TagsRunFacet",
        key="tags",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "tags": Array(Named("TagsRunFacetFields")),
                },
                definitions={
                    "TagsRunFacetFields": Object(
                        {
                            "key!": STRING,
                            "value!": STRING,
                            "source": STRING,
                        }
                    ),
                },
            ),
        ),
    ),
    Facet(
        "TestRunFacet",
        key="test",
        entities=("run",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "tests!": Array(Named("TestExecution")),
                },
                definitions={
                    "TestExecution": Object(
                        {
                            "name!": STRING,
                            "status!": STRING,
                            "severity": STRING,
                            "type": STRING,
                            "description": STRING,
                            "expected": STRING,
                            "actual": STRING,
                            "content": STRING,
                            "contentType": STRING,
                            "params": Map(ANY),
                        }
                    ),
                },
            ),
            Version("1-0-1"),
        ),
    ),
)
