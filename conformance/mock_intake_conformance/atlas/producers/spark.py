"""Spark's listeners, and the engines of the JVM that would carry them: what of it can be had."""

from mock_intake_conformance.atlas.installing import Maven
from mock_intake_conformance.atlas.model import RealProducer

PRODUCERS = (
    RealProducer(
        "spark",
        "Apache Spark with openlineage-spark",
        Maven(("io.openlineage:openlineage-spark_2.12:1.54.0",)),
        {},
        ("spark-submit", "job.py"),
        path="http",
        how="spark.extraListeners names the listener, spark.openlineage.transport.* lead it.",
    ),
    RealProducer(
        "flink",
        "Apache Flink with openlineage-flink",
        Maven(("io.openlineage:openlineage-flink:1.54.0",)),
        {},
        ("flink", "run"),
        path="http",
        how="execution.job-status-changed-listeners, and openlineage.transport.* in Flink's configuration.",
    ),
)
