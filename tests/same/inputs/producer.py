"""A producer with faults of its own, for the record of the suite's reports: always the same events.

It sends START and COMPLETE to ``MOCK_INTAKE_URL``, each once; COMPLETE has no ``jobType`` facet and names a dataset in
a wrong form. With ``--fail`` the run ends with FAIL and no reason.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from urllib.parse import urlsplit

FACETS = "https://openlineage.io/spec/facets"
CODE = "https://github.com/acme/etl"


def event(event_type: str) -> dict[str, object]:
    job_type = {
        "_producer": CODE,
        "_schemaURL": f"{FACETS}/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
        "processingType": "BATCH",
        "integration": "CUSTOM",
        "jobType": "JOB",
    }
    facets = {"jobType": job_type} if event_type == "START" else {}
    return {
        "eventType": event_type,
        "eventTime": "2026-11-01T12:00:00Z",
        "producer": CODE,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "5f0b5ce7-9a8c-4f5b-b6a4-0a7d3f1c2b3d"},
        "job": {"namespace": "prod", "name": "load_orders", "facets": facets},
        "inputs": [{"namespace": "postgres", "name": "orders"}],
        "outputs": [{"namespace": "s3://acme-lake", "name": "raw/orders"}],
    }


def send(one: dict[str, object]) -> None:
    headers = {
        "Authorization": f"Bearer {os.environ['MOCK_INTAKE_KEY']}",
        "Content-Type": "application/json",
        "User-Agent": "acme-etl/4.2.0",
    }
    connection = http.client.HTTPConnection(urlsplit(os.environ["MOCK_INTAKE_URL"]).netloc, timeout=10)
    connection.request("POST", "/api/v1/lineage", json.dumps(one).encode(), headers)
    status = connection.getresponse().status
    connection.close()
    if status != 202:
        sys.exit(f"not taken: {status}")


for each in ("START", "FAIL" if "--fail" in sys.argv else "COMPLETE"):
    send(event(each))
