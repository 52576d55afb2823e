"""A Python program under ddtrace-run, its lineage through the Datadog Agent's OpenLineage proxy."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import FEW, RealProducer
from mock_intake_conformance.atlas.producers.python_client import JOB

PRODUCERS = (
    RealProducer(
        "ddtrace-agent",
        "openlineage-python under ddtrace-run, through the Agent",
        Venv(("ddtrace==4.16.0", "openlineage-python==1.54.0")),
        {"job.py": JOB},
        ("ddtrace-run", "python", "job.py"),
        ("ddtrace-run", "python", "job.py", "--fail"),
        path="agent",
        how="Variables alone: OPENLINEAGE_URL is the Agent's address, and the key is the Agent's.",
        scenarios=FEW,
    ),
)
