"""Facets of jobs."""

from __future__ import annotations

from mock_intake.openlineage.facts.notation import STRING, URI, Array, Facet, Named, Object, Scalar, Version

FACETS = (
    Facet(
        "DocumentationJobFacet",
        key="documentation",
        entities=("job",),
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
        "OwnershipJobFacet",
        key="ownership",
        entities=("job",),
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
        "SQLJobFacet",
        key="sql",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "query!": STRING,
                },
            ),
            Version("1-0-1"),
            Version(
                "1-1-0",
                added={
                    "dialect": STRING,
                },
            ),
        ),
    ),
    Facet(
        "SourceCodeJobFacet",
        key="sourceCode",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "language!": STRING,
                    "sourceCode!": STRING,
                },
            ),
            Version("1-0-1"),
        ),
    ),
    Facet(
        "SourceCodeLocationJobFacet",
        key="sourceCodeLocation",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                core="1-0-2",
                fields={
                    "type!": STRING,
                    "url!": URI,
                    "repoUrl": STRING,
                    "path": STRING,
                    "version": STRING,
                    "tag": STRING,
                    "branch": STRING,
                },
            ),
            Version("1-0-1"),
            Version(
                "1-1-0",
                added={
                    "pullRequestNumber": STRING,
                },
            ),
        ),
    ),
    Facet(
        "TagsJobFacet",
        key="tags",
        entities=("job",),
        versions=(
            Version(
                "1-0-0",
                fields={
                    "tags": Array(Named("TagsJobFacetFields")),
                },
                definitions={
                    "TagsJobFacetFields": Object(
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
        "JobTypeJobFacet",
        key="jobType",
        entities=("job",),
        versions=(
            Version(
                "2-0-2",
                fields={
                    "processingType!": STRING,
                    "integration!": STRING,
                    "jobType": STRING,
                },
            ),
            Version("2-0-3"),
            Version(
                "2-0-4",
                added={
                    "emissionPattern": Object(
                        {
                            "eventTrigger!": STRING,
                            "eventContentMode!": STRING,
                            "windowDuration": Scalar("integer", minimum=1),
                        }
                    ),
                },
            ),
        ),
    ),
)
