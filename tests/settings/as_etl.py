"""Sends the events of a run as an ETL program does, with the real client, to where its surroundings lead it.

Run as a script, with what it does beside: ``demanding`` makes its client as dlt's and SQLMesh's integrations do, which
fail without an address; ``traced`` speaks to the Agent first, as ddtrace does in every program that it traces.
"""

from __future__ import annotations

import contextlib
import os
import sys
import urllib.request
import uuid
import warnings
from datetime import UTC, datetime

from openlineage.client import OpenLineageClient, OpenLineageClientOptions
from openlineage.client.client import Event
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import job_type_job
from openlineage.client.transport.transform import EventTransformer


class OwnedBy(EventTransformer):
    """Puts a producer's name in place of the job's, as a company's own transformer might."""

    def transform(self, event: Event) -> Event:
        """The event with another job name."""
        assert isinstance(event, RunEvent)
        event.job.name = f"{self.properties.get('owner', 'nobody')}.{event.job.name}"
        return event


def made(way: str) -> OpenLineageClient:
    """The client."""
    if way == "demanding":
        options = OpenLineageClientOptions(api_key=os.environ.get("OPENLINEAGE_API_KEY"))
        with warnings.catch_warnings(action="ignore"):
            return OpenLineageClient(url=os.environ["OPENLINEAGE_URL"], options=options)
    if way == "traced":
        agent = os.environ.get("DD_TRACE_AGENT_URL", "http://127.0.0.1:8126")
        for path, body in (("/info", None), ("/v0.4/traces", b"\x90")):
            with contextlib.suppress(OSError), urllib.request.urlopen(agent + path, body, timeout=5) as answer:  # noqa: S310
                answer.read()
    return OpenLineageClient()


def main(way: str = "plain", job: str = "load") -> None:
    """One run, of a job in the namespace that the surroundings name."""
    client = made(way)
    facet = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CUSTOM", jobType="JOB")
    run = Run(str(uuid.uuid4()))
    what = Job(os.environ.get("OPENLINEAGE_NAMESPACE", "default"), job, {"jobType": facet})
    for state in (RunState.START, RunState.COMPLETE):
        now = datetime.now(UTC).isoformat()
        client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=what, producer="https://github.com/acme/etl"))
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
