"""etlantic-openlineage: the report of a run exported by the client that somebody writes around its transport."""

from mock_intake_conformance.atlas.installing import Venv
from mock_intake_conformance.atlas.model import RealProducer

_JOB = """\
import json
import os
import sys
import urllib.request

from etlantic_openlineage import OpenLineageExporter


class Posting:
    def emit(self, event):
        headers = {"Authorization": f"Bearer {os.environ['MOCK_INTAKE_KEY']}", "Content-Type": "application/json"}
        url = os.environ["MOCK_INTAKE_URL"] + "/api/v1/lineage"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(event).encode(), headers)).read()


failed = "--fail" in sys.argv
exporter = OpenLineageExporter(Posting(), namespace="shop")
for event_type in ("START", "FAIL" if failed else "COMPLETE"):
    exporter.export_run(
        plan_identity={"logical_id": "daily_revenue", "environment": "prod"},
        run_event={"run_id": "nightly-2026-11-01", "event_type": event_type},
    )
sys.exit(3 if failed else 0)
"""

PRODUCERS = (
    RealProducer(
        "etlantic",
        "etlantic-openlineage",
        Venv(("etlantic==0.59.0", "etlantic-openlineage==0.59.0")),
        {"job.py": _JOB},
        ("python", "job.py"),
        ("python", "job.py", "--fail"),
        path="custom",
        how="Give OpenLineageExporter a transport with an emit(event) of one's own: it brings none.",
        # What sends is the pipeline's own.
        scenarios=frozenset({"healthy", "failing"}),
    ),
)
