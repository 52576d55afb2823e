"""Made-up events and requests, the same in every run: seeds are fixed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from faker.generator import Generator

from mock_intake.fake import OpenLineageProvider

Event = dict[str, Any]

# Kinds of facets and their keys, as the standard names them.
FACETS = {
    "run": (
        "environmentVariables errorMessage executionParameters externalQuery extractionError jobDependencies "
        "nominalTime parent processing_engine tags test gcp_composer_run gcp_dataproc"
    ),
    "job": (
        "documentation ownership sql sourceCode sourceCodeLocation tags jobType lineage gcp_common gcp_composer_job "
        "gcp_lineage"
    ),
    "dataset": (
        "catalog columnLineage dataQualityMetrics datasetType version dataSource documentation hierarchy "
        "lifecycleStateChange ownership schema storage symlinks tags dataQualityAssertions lineage"
    ),
    "input": "dataQualityAssertions dataQualityMetrics inputStatistics subset icebergScanReport",
    "output": "outputStatistics subset icebergCommitReport",
}
PLATFORMS = """
    BigQuery, Snowflake, Redshift, PostgreSQL, Databricks, Trino, AWS Glue, S3, Athena, Azure Cosmos DB,
    Azure Data Explorer, Azure Synapse, Microsoft SQL Server, Cassandra, MySQL, CrateDB, DB2, OceanBase, Oracle,
    Teradata, Hive, Kafka, Pub/Sub, Azure Data Lake, Azure Blob Storage, Databricks file system,
    Google Cloud Storage, HDFS, File system
"""
ENDS = ("COMPLETE", "FAIL", "ABORT", None)


def seeded(seed: int | str) -> OpenLineageProvider:
    """The provider with this seed; without Faker's own providers, which take long to load."""
    generator = Generator()
    generator.seed_instance(seed)
    return OpenLineageProvider(generator)


def line(event: Event) -> bytes:
    # What is broken on purpose may hold text that only escapes can write.
    return json.dumps(event).encode("ascii")


def lines(events: Iterable[Event]) -> bytes:
    """Events as a recording."""
    return b"".join(line(event) + b"\n" for event in events)


def valid_recordings() -> dict[str, list[Event]]:
    """Recordings in which little or nothing is wrong, by name: of runs, of single events, and of every platform."""
    made: dict[str, list[Event]] = {}
    for seed in range(3):
        for end in ENDS:
            for children in range(3 if end else 1):
                name = f"run-{end or 'streaming'}-with-{children}-children-{seed}".lower()
                made[name] = seeded(name).run_cycle(end, children=children)
        fake = seeded(f"single-{seed}")
        made[f"single-events-{seed}"] = [
            *(fake.run_event(eventType=kind) for kind in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")),
            fake.job_event(),
            fake.dataset_event(),
        ]
    for platform in map(str.strip, PLATFORMS.split(",")):
        fake = seeded(platform)
        name = f"on-{platform}".lower().replace(" ", "-").replace("/", "")
        made[name] = [*fake.run_cycle(platform=platform), fake.dataset_event(platform=platform)]
    return made


def facets() -> dict[str, Event]:
    """Every facet of the standard, by where it belongs and its key."""
    return {
        f"{entity}/{key}": getattr(seeded(f"{entity}/{key}"), f"{entity}_facet")(key)
        for entity, keys in FACETS.items()
        for key in keys.split()
    }
